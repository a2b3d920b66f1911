"""What a picture file says of its colours, and their way to sRGB. The rules are the browsers', measured in Chromium:
of a profile the table that keeps the looks (perceptual) counts before others, and black is not moved.

    with Image.open("photo.jpg") as file:
        head = head_of(file)
        file.load()
    try:
        image = to_srgb(file, described(file, head))
    except Unusable as what:
        print(f"it has {what}")"""

import io
import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile

_HEAD = 8192  # bytes of a PNG or AVIF that hold its code points, if it has any
_D65 = (0.3127, 0.329)
_REC709 = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, *_D65)
# ITU-T H.273: x and y of red, green, blue and white by their code; 0, 2 and 3 say nothing, 0 and 3 of the curves.
_PRIMARIES = {
    1: _REC709,
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.31, 0.316),
    5: (0.64, 0.33, 0.29, 0.6, 0.15, 0.06, *_D65),
    6: (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, *_D65),
    7: (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, *_D65),
    9: (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, *_D65),
    11: (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.314, 0.351),
    12: (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, *_D65),
    22: (0.63, 0.34, 0.295, 0.605, 0.155, 0.077, *_D65),
}
# The gamma of a curve by its code; None is sRGB's curve. Video's are taken for one or the other.
_CURVES: dict[str, dict[int, float | None]] = {
    "PNG": {1: 2.4, 4: 2.2, 5: 2.8, 6: 2.4, 8: 1.0, 11: 2.4, 13: None, 14: 2.4, 15: 2.4},
    "AVIF": {1: None, 2: None, 4: 2.2, 5: 2.8, 6: None, 8: 1.0, 13: None, 14: None, 15: None},
}

# The colour spaces that a profile of an image of each mode may be of.
_SPACES = {
    "L": (b"GRAY", b"RGB "),
    "I;16": (b"GRAY", b"RGB "),
    "RGB": (b"RGB ",),
    "RGBA": (b"RGB ",),
    "CMYK": (b"CMYK",),
    "LAB": (),  # says in itself which colours it means
}
_CLASSES = (b"mntr", b"scnr", b"prtr", b"spac")  # others link devices or name colours


class Unusable(Exception):  # noqa: N818 - nothing ends by it
    """What a picture has and nothing can be made of: "a colour profile that is cut off"."""


def head_of(image: ImageFile.ImageFile) -> bytes:
    """Where an opened file, not loaded yet, may say of its colours what Pillow does not tell."""
    if image.format not in ("PNG", "AVIF") or image.fp is None:
        return b""
    at = image.fp.tell()
    image.fp.seek(0)
    head = image.fp.read(_HEAD)
    image.fp.seek(at)
    return head


def described(image: Image.Image, head: bytes) -> bytes | None:
    """The ICC profile of what a picture file says of its colours: its own or one made from what else it says; None
    where it says sRGB or nothing.

    Raises Unusable."""
    if image.format == "PNG" and (made := _of_codes(head, "PNG")):
        return made
    if "icc_profile" in image.info:
        if not isinstance(profile := image.info["icc_profile"], bytes):  # of a JPEG that lacks parts of it
            raise Unusable("a colour profile that is damaged")
        return profile
    if image.format == "AVIF":
        return _of_codes(head, "AVIF")
    if image.format == "PNG" and image.info.get("srgb") not in range(4):
        return _of_gamma(image.info.get("gamma"), image.info.get("chromaticity"))
    return None


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """An L, LA, I;16, RGB, RGBA, CMYK or LAB image whose colours are as the profile says, in sRGB: of mode L, LA, RGB
    or RGBA. Without a profile, or where that is sRGB in effect, it stays as it is (but of 16 bits 8 are kept).

    Raises Unusable."""
    if image.mode == "LA":
        grey, alpha = to_srgb(image.getchannel("L"), profile), image.getchannel("A")
        grey.putalpha(alpha)
        return grey
    if image.mode in ("L", "I;16"):
        table = None if profile is None else _table(profile, image.mode)
        return _eight_bit(image) if table is None else Image.fromarray(table[np.asarray(image)])
    if image.mode == "LAB" and profile and profile[16:20] == b"Lab ":
        return image
    transform = None if profile is None else _transform(profile, image.mode)
    return image if transform is None else transform.apply(image)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits; Pillow's own conversion clips it to white."""
    if image.mode != "I;16":
        return image
    return Image.fromarray(((np.asarray(image).astype(np.int32) + 128) // 257).astype(np.uint8))


@lru_cache(32)
def _table(profile: bytes, mode: str) -> NDArray[np.uint8] | None:
    """sRGB of every grey, (256 or 65536, 3); None where each stays what it is."""
    greys = Image.fromarray(np.arange(65536, dtype=np.uint16)[None] if mode == "I;16" else _ramp(256)[None])
    plain = _eight_bit(greys).convert("RGB")
    # Exactly: a transform made ready for speed is 10 of 255 off in dark greys.
    exactly = ImageCms.Flags.NOOPTIMIZE
    if profile[16:20] == b"RGB ":
        made = _build(profile, "RGB", mode, exactly).apply(plain)
    else:
        made = _build(profile, mode, mode, exactly).apply(greys)
    return None if _alike(made, plain) else np.asarray(made)[0]


@lru_cache(32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """None where no colour changes. Threads may share one."""
    transform = _build(profile, mode, mode)
    if mode == "CMYK":
        return transform
    colours = np.stack(np.meshgrid(_ramp(18), _ramp(18), _ramp(18)), -1).reshape(1, -1, 3)
    plain = Image.fromarray(colours).convert(mode)
    return None if _alike(transform.apply(plain), plain) else transform


def _ramp(steps: int) -> NDArray[np.uint8]:
    return np.linspace(0, 255, steps).astype(np.uint8)


def _alike(one: Image.Image, other: Image.Image) -> bool:
    """Whether they differ by rounding alone: profiles of sRGB write its curve in many ways."""
    return bool(np.abs(np.asarray(one).astype(int) - np.asarray(other)).max() <= 1)


def _build(profile: bytes, pixels: str, mode: str, flags: int = 0) -> ImageCms.ImageCmsTransform:
    """The transform to sRGB for pixels of one mode, of an image of another. Raises Unusable."""
    if len(profile) < 132 or int.from_bytes(profile[:4]) > len(profile):
        raise Unusable("a colour profile that is cut off")
    kind, space = profile[12:16], profile[16:20]
    if kind not in _CLASSES or space not in _SPACES[mode]:
        raise Unusable(f"a colour profile for something else ({ascii(kind)[1:]}, {ascii(space)[1:]})")
    tags = {profile[at : at + 4] for at in range(132, 132 + 12 * min(100, int.from_bytes(profile[128:132])), 12)}
    lone = b"A2B1" in tags and b"A2B0" not in tags
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC if lone else ImageCms.Intent.PERCEPTUAL
    try:
        source, srgb = (ImageCms.ImageCmsProfile(io.BytesIO(data)) for data in (profile, _SRGB))
        to = "RGBA" if pixels == "RGBA" else "RGB"
        # Of itself littlecms turns what is next to white into white.
        flags = ImageCms.Flags(flags | ImageCms.Flags.NOWHITEONWHITEFIXUP)
        return ImageCms.ImageCmsTransform(source, srgb, pixels, to, intent, flags=flags)
    except Exception as error:  # OSError, ValueError, or whatever damage leads to; ImportError without littlecms
        raise Unusable(f"a colour profile that is damaged ({error})") from error


def _of_codes(head: bytes, kind: str) -> bytes | None:
    """The profile of a PNG's or an AVIF's code points, if it has any. Raises Unusable for unknown ones."""
    primaries, curve = _code_points(head, kind) or (0, 0)
    if curve in (16, 18):
        raise Unusable("colours of high dynamic range")
    if primaries in (0, 2, 3) or curve in (0, 3):
        return None
    if primaries not in _PRIMARIES or curve not in _CURVES[kind]:
        raise Unusable(f"colours by an unknown code ({primaries}, {curve})")
    return _matrix_profile(_PRIMARIES[primaries], _CURVES[kind][curve])


def _code_points(head: bytes, kind: str) -> tuple[int, int] | None:
    """The codes of the primaries and of the curve in a PNG's cICP chunk or an AVIF's first such "colr" box, if any."""
    if kind == "AVIF":
        at = head.find(b"colrnclx") + 8
        return (int.from_bytes(head[at : at + 2]), int.from_bytes(head[at + 2 : at + 4])) if at >= 8 else None
    at = head.find(b"cICP")
    chunk, check = head[at : at + 8], int.from_bytes(head[at + 8 : at + 12])
    sound = chunk.startswith(b"cICP") and chunk.endswith(b"\0\1") and zlib.crc32(chunk) == check
    return (chunk[4], chunk[5]) if sound else None


def _of_gamma(gamma: float | None, chromaticity: Sequence[float] | None) -> bytes | None:
    """The profile of a PNG's gAMA and cHRM; the latter says nothing without the former."""
    if gamma is None or (chromaticity is None and abs(2.2 * gamma - 1) < 0.05):
        return None
    try:
        with np.errstate(all="raise"):
            white_first = tuple(chromaticity) if chromaticity else (*_D65, *_REC709[:6])
            return _matrix_profile((*white_first[2:], *white_first[:2]), 1 / gamma)
    except (ArithmeticError, struct.error, np.linalg.LinAlgError) as error:
        raise Unusable("a description of its colours that makes no sense (gAMA, cHRM)") from error


@lru_cache(32)
def _matrix_profile(chromaticities: tuple[float, ...], gamma: float | None) -> bytes:
    """An ICC profile, version 2, of x, y of red, green, blue and white, with a gamma or else sRGB's curve."""
    x, y = np.array(chromaticities, np.float64).reshape(4, 2).T
    xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    colours, white = xyz[:, :3], xyz[:, 3]
    # White becomes the ICC's D50 as Bradford has it: https://www.color.org/chadtag.xalter
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    d50 = np.array([0.9642, 1, 0.8249])
    adapt = np.linalg.inv(cones) @ np.diag((cones @ d50) / (cones @ white)) @ cones
    matrix = adapt @ (colours * np.linalg.solve(colours, white))

    def fixed(*values: float) -> bytes:
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))

    curve = (gamma,) if gamma else (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    bodies = [b"XYZ \0\0\0\0" + fixed(*column) for column in matrix.T]
    bodies.append(b"para\0\0\0\0" + struct.pack(">HH", 0 if gamma else 3, 0) + fixed(*curve))
    at = 132 + 12 * 6
    table = b""
    for name, body in zip((b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC"), bodies, strict=True):
        table += struct.pack(">4sII", name, at, len(body))
        at += len(body)
    table += b"gTRC" + table[-8:] + b"bTRC" + table[-8:]
    header = struct.pack(">I4xI4s4s4s12x4s28x", at, 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp") + fixed(*d50)
    return header.ljust(128, b"\0") + struct.pack(">I", 6) + table + b"".join(bodies)


_SRGB = _matrix_profile(_REC709, None)  # of version 2: on the way to one of version 4 littlecms moves black
