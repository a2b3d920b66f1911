"""For the tests of colours: ICC profiles made by hand, what they mean worked out apart, PNG files with odd chunks."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]

D50 = np.array([0.9642, 1, 0.8249])
D65 = (0.3127, 0.329)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
# x and y of red, green, blue and white
REC709 = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, *D65)
DISPLAY_P3 = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, *D65)
ADOBE_RGB = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *D65)
PROPHOTO = (0.734699, 0.265301, 0.159597, 0.840403, 0.036598, 0.000105, 0.345704, 0.35854)
REC2020 = (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, *D65)
SRGB_CURVE = None


def to_linear(values: Floats, gamma: float | None) -> Floats:
    """0 to 1; None is sRGB's curve."""
    if gamma is not None:
        return values**gamma
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def to_d50(primaries: tuple[float, ...]) -> Floats:
    """From linear red, green and blue to XYZ under D50."""
    x, y = np.array(primaries).reshape(4, 2).T
    xyz = np.stack([x, y, 1 - x - y]) / y
    matrix = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    return np.linalg.inv(BRADFORD) @ np.diag(BRADFORD @ D50 / (BRADFORD @ xyz[:, 3])) @ BRADFORD @ matrix


def srgb_of_xyz(xyz: Floats) -> Floats:
    linear = np.clip(xyz @ np.linalg.inv(to_d50(REC709)).T, 0, 1)
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def srgb_of(pixels: NDArray[Any], primaries: tuple[float, ...], gamma: float | None) -> Floats:
    """What (..., 3) pixels, 0 to 255, of such colours are in sRGB."""
    return srgb_of_xyz(to_linear(pixels / 255, gamma) @ to_d50(primaries).T)


def srgb_of_grey(values: NDArray[Any], gamma: float | None, most: int = 255) -> Floats:
    """What (H, W) greys, 0 to `most`, are in sRGB: (H, W, 3)."""
    return srgb_of_xyz(to_linear(values / most, gamma)[..., None] * D50)


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _curve(gamma: float | None) -> bytes:
    if gamma is None:
        return b"para\0\0\0\0\0\3\0\0" + _fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return b"para\0\0\0\0\0\0\0\0" + _fixed(gamma)


def table_curve(steps: int) -> bytes:
    """sRGB's curve as older profiles have it."""
    values = np.rint(65535 * to_linear(np.linspace(0, 1, steps), SRGB_CURVE)).astype(int)
    return b"curv\0\0\0\0" + struct.pack(f">I{steps}H", steps, *values)


def profile(
    tags: dict[bytes, bytes], space: bytes, kind: bytes = b"mntr", pcs: bytes = b"XYZ ", version: int = 2
) -> bytes:
    at = 132 + 12 * len(tags)
    table, bodies = struct.pack(">I", len(tags)), b""
    for name, body in tags.items():
        table += struct.pack(">4sII", name, at + len(bodies), len(body))
        bodies += body + bytes(-len(body) % 4)
    head = struct.pack(">I4xB3x4s4s4s12x4s28x", at + len(bodies), version, kind, space, pcs, b"acsp") + _fixed(*D50)
    return head.ljust(128, b"\0") + table + bodies


def rgb_tags(primaries: tuple[float, ...], curve: bytes) -> dict[bytes, bytes]:
    columns = [b"XYZ \0\0\0\0" + _fixed(*column) for column in to_d50(primaries).T]
    names = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC")
    return dict(zip(names, [*columns, curve, curve, curve], strict=True))


def rgb_profile(primaries: tuple[float, ...], gamma: float | None, **more: Any) -> bytes:
    return profile(rgb_tags(primaries, _curve(gamma)), b"RGB ", **more)


def grey_profile(gamma: float | None) -> bytes:
    return profile({b"kTRC": _curve(gamma)}, b"GRAY")


def table_tag(xyz_of: Callable[[Floats], Floats], channels: int, steps: int) -> bytes:
    """A2B0 or A2B1 by a function from (n, channels) of 0 to 1 to (n, 3) XYZ under D50."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, steps)] * channels, indexing="ij"), -1).reshape(-1, channels)
    f = xyz_of(grid) / D50
    f = np.where(f > (6 / 29) ** 3, np.cbrt(f), f / (3 * (6 / 29) ** 2) + 4 / 29)
    lab = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], -1)
    codes = np.rint(np.clip(lab * [652.8, 256, 256] + [0, 32768, 32768], 0, 65535)).astype(">u2")
    identity = struct.pack(">HH", 0, 65535)
    head = (
        b"mft2\0\0\0\0" + bytes([channels, 3, steps, 0]) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + struct.pack(">HH", 2, 2)
    )
    return head + identity * channels + codes.tobytes() + identity * 3


def xyz_of_ink(ink: Floats) -> Floats:
    """XYZ of shares of cyan, magenta, yellow and black on a press that nobody has."""
    cyan, magenta, yellow, black = ink.T
    light = [(1 - 0.9 * cyan) * (1 - 0.15 * magenta), (1 - 0.35 * cyan) * (1 - 0.8 * magenta), 1 - 0.85 * yellow]
    return (np.stack(light, -1) * (1 - 0.9 * black)[:, None]) @ to_d50(REC709).T


def cmyk_profile() -> bytes:
    return profile({b"A2B0": table_tag(xyz_of_ink, 4, 9)}, b"CMYK", kind=b"prtr", pcs=b"Lab ")


P3 = rgb_profile(DISPLAY_P3, SRGB_CURVE)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    """A file as faithful as the format allows."""
    best: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 100, "subsampling": 0},
        "WEBP": {"lossless": True, "exact": True},
        "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    }
    stream = io.BytesIO()
    image.save(stream, form, **best.get(form, {}) | options)
    return stream.getvalue()


def chunk(name: bytes, data: bytes, crc: int | None = None) -> bytes:
    return (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data) if crc is None else crc)
    )


def with_chunks(image: Image.Image, *chunks: bytes) -> bytes:
    """A PNG file with chunks before its pixels."""
    data = encoded(image, "PNG")
    return data[:33] + b"".join(chunks) + data[33:]


def png(pixels: NDArray[Any], depth: int, kind: int, *chunks: bytes) -> bytes:
    """A PNG file of (H, W) or (H, W, channels) values of so many bits, of a colour type."""
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    if depth < 8:
        bits = (rows[..., None] >> np.arange(depth)[::-1] & 1).reshape(height, -1).astype(np.uint8)
        lines = [np.packbits(row).tobytes() for row in bits]
    else:
        lines = [row.astype(f">u{depth // 8}").tobytes() for row in rows]
    packed = zlib.compress(b"".join(b"\0" + line for line in lines))
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", packed), chunk(b"IEND", b"")]
    )


def gamma_chunk(value: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def primaries_chunk(primaries: tuple[float, ...]) -> bytes:
    white_first = (*primaries[6:], *primaries[:6])
    return chunk(b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in white_first)))


def codes_chunk(primaries: int, curve: int) -> bytes:
    return chunk(b"cICP", bytes([primaries, curve, 0, 1]))


def profile_chunk(data: bytes) -> bytes:
    return chunk(b"iCCP", b"x\0\0" + zlib.compress(data))


def avif_of(image: Image.Image, primaries: int, curve: int) -> bytes:
    """An AVIF file with code points, which Pillow cannot write."""
    data = encoded(image, "AVIF")
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, curve) + data[at + 4 :]
