"""Whatever a picture says of its colours they come out in sRGB, and what cannot be followed is told, never fatal."""

import io
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms

from icc_profiles import (
    ADOBE_RGB,
    DISPLAY_P3,
    P3,
    PROPHOTO,
    REC709,
    REC2020,
    SRGB_CURVE,
    avif_of,
    chunk,
    cmyk_profile,
    codes_chunk,
    encoded,
    gamma_chunk,
    grey_profile,
    png,
    primaries_chunk,
    profile,
    profile_chunk,
    rgb_profile,
    rgb_tags,
    srgb_of,
    srgb_of_grey,
    srgb_of_xyz,
    table_curve,
    table_tag,
    to_d50,
    with_chunks,
    xyz_of_ink,
)
from minifaces.arrays import Pixels
from minifaces.cli.main import run
from minifaces.dataset import read_dataset
from minifaces.errors import MinifacesWarning
from minifaces.images import decode_picture, read_picture, save_picture
from minifaces.photos.pipeline import Job, Plan, work_up

STEPS = np.linspace(0, 255, 16).astype(np.uint8)
COLOURS = np.stack(np.meshgrid(STEPS, STEPS, STEPS, indexing="ij"), -1).reshape(64, 64, 3)
GREYS = np.arange(256, dtype=np.uint8).reshape(16, 16)
SPACES: dict[str, tuple[tuple[float, ...], float | None]] = {
    "Display P3": (DISPLAY_P3, SRGB_CURVE),
    "Adobe RGB (1998)": (ADOBE_RGB, 563 / 256),
    "ProPhoto": (PROPHOTO, 1.8),
    "Rec. 2020": (REC2020, SRGB_CURVE),
    "linear": (REC709, 1.0),
}


def read(data: bytes) -> Pixels:
    """A picture of which nothing is to be told."""
    picture, _, remark = decode_picture(data, "a picture")
    assert remark is None
    return picture


def off(picture: Pixels, truth: NDArray[Any]) -> float:
    return float(np.abs(picture - truth).max())


def stored(data: bytes) -> NDArray[np.uint8]:
    """The values in a file, whatever they mean."""
    with Image.open(io.BytesIO(data)) as file:
        return np.asarray(file.convert("RGB"))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "MPO"])
@pytest.mark.parametrize("name", list(SPACES))
def test_colours_come_out_in_srgb(name: str, form: str) -> None:
    data = encoded(Image.fromarray(COLOURS), form, icc_profile=rgb_profile(*SPACES[name]))
    assert off(read(data), stored(data)) > 50  # there is something to do
    assert off(read(data), srgb_of(stored(data), *SPACES[name])) <= 2


def test_the_red_of_a_telephone() -> None:
    assert read(encoded(Image.new("RGB", (9, 9), (234, 51, 35)), "PNG", icc_profile=P3))[0, 0].tolist() == [255, 0, 0]


def test_a_palette_is_converted() -> None:
    image = Image.fromarray(COLOURS).quantize(200)
    truth = srgb_of(np.asarray(image.convert("RGB")), *SPACES["ProPhoto"])
    assert off(read(encoded(image, "PNG", icc_profile=rgb_profile(*SPACES["ProPhoto"]))), truth) <= 2


def test_sixteen_bits_are_converted() -> None:
    truth = srgb_of(COLOURS, *SPACES["ProPhoto"])
    wide = COLOURS.astype(np.uint16) * 257
    assert off(read(png(wide, 16, 2, profile_chunk(rgb_profile(*SPACES["ProPhoto"])))), truth) <= 2


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_colours_are_converted_before_they_are_laid_on_white(form: str) -> None:
    alpha = np.resize(np.arange(256, dtype=np.uint8), (64, 64))
    data = encoded(Image.fromarray(np.dstack([COLOURS, alpha])), form, icc_profile=rgb_profile(*SPACES["ProPhoto"]))
    share = alpha[..., None] / 255
    assert off(read(data), srgb_of(COLOURS, *SPACES["ProPhoto"]) * share + 255 * (1 - share)) <= 2


SRGB_PROFILES = {
    "as a formula": rgb_profile(REC709, SRGB_CURVE),
    "as 1024 steps": profile(rgb_tags(REC709, table_curve(1024)), b"RGB "),
    "littlecms's": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
}


@pytest.mark.parametrize("name", list(SRGB_PROFILES))
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_srgb_stays_as_it_is(name: str, mode: str) -> None:
    image = Image.fromarray(COLOURS).convert(mode)
    plain = read(encoded(image, "PNG"))
    assert np.array_equal(read(encoded(image, "PNG", icc_profile=SRGB_PROFILES[name])), plain)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("gamma", [SRGB_CURVE, 1.0, 1.8, 2.2])
def test_greys_come_out_in_srgb(gamma: float | None, form: str) -> None:
    data = encoded(Image.fromarray(GREYS), form, icc_profile=grey_profile(gamma))
    assert off(read(data), srgb_of_grey(stored(data)[..., 0], gamma)) <= 2


def test_greys_follow_a_profile_of_colours() -> None:
    truth = srgb_of_grey(GREYS, 563 / 256)
    data = encoded(Image.fromarray(GREYS), "PNG", icc_profile=rgb_profile(*SPACES["Adobe RGB (1998)"]))
    assert off(read(data), truth) <= 2


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_sixteen_bit_greys_keep_their_shadows(gamma: float) -> None:
    greys = (np.arange(4096) * 16).reshape(64, 64).astype(np.uint16)
    for form in ("PNG", "TIFF"):
        data = encoded(Image.fromarray(greys), form, icc_profile=grey_profile(gamma))
        assert off(read(data), srgb_of_grey(greys, gamma, 65535)) <= 2


def test_grey_with_alpha_is_converted() -> None:
    image = Image.fromarray(GREYS)
    image.putalpha(128)
    data = encoded(image, "PNG", icc_profile=grey_profile(1.0))
    assert off(read(data), (srgb_of_grey(GREYS, 1.0) * 128 + 255 * 127) / 255) <= 2


INKS = np.random.default_rng(5).integers(0, 256, (24, 24, 4), np.uint8)


@pytest.mark.parametrize("form", ["TIFF", "JPEG"])
def test_cmyk_is_printed_by_its_profile(form: str) -> None:
    flat = np.kron(INKS, np.ones((8, 8, 1), np.uint8)) if form == "JPEG" else INKS
    data = encoded(Image.fromarray(flat, "CMYK"), form, icc_profile=cmyk_profile())
    with Image.open(io.BytesIO(data)) as file:
        ink = np.asarray(file) / 255
    truth = srgb_of_xyz(xyz_of_ink(ink.reshape(-1, 4))).reshape(*ink.shape[:2], 3)
    assert off(read(data), stored(data)) > 50
    assert off(read(data), truth) <= 3


def test_cmyk_jpegs_are_the_other_way_round_with_adobes_mark_and_without() -> None:
    data = encoded(Image.new("CMYK", (16, 16), (200, 40, 0, 30)), "JPEG", icc_profile=cmyk_profile())
    at = data.index(b"\xff\xee\0\x0eAdobe")
    truth = srgb_of_xyz(xyz_of_ink(np.array([[200, 40, 0, 30]]) / 255))
    for file in (data, data[:at] + data[at + 16 :]):
        assert off(read(file), truth) <= 3


@pytest.mark.parametrize("icc", [None, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()])
def test_lab_needs_no_profile(icc: bytes | None) -> None:
    source, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    image = ImageCms.applyTransform(
        Image.new("RGB", (4, 4), (200, 30, 10)), ImageCms.buildTransform(source, lab, "RGB", "LAB")
    )
    image.info.clear()
    assert off(read(encoded(image, "TIFF", **({"icc_profile": icc} if icc else {}))), np.array([200, 30, 10])) <= 2


def darker(share: float) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    return lambda grid: share * grid**2.2 @ to_d50(REC709).T


@pytest.mark.parametrize("version", [2, 4])
def test_of_several_tables_the_browsers_counts(version: int) -> None:
    looks, exact = table_tag(darker(0.6), 3, 17), table_tag(darker(0.3), 3, 17)
    colours = rgb_tags(DISPLAY_P3, table_curve(64))

    def by(**tables: bytes) -> Pixels:
        tags = {name.encode(): tag for name, tag in tables.items()} | colours
        data = encoded(
            Image.fromarray(COLOURS), "PNG", icc_profile=profile(tags, b"RGB ", pcs=b"Lab ", version=version)
        )
        return read(data)

    for picture, share in ((by(A2B0=looks, A2B1=exact), 0.6), (by(A2B1=exact), 0.3)):
        truth = srgb_of_xyz(darker(share)(COLOURS / 255.0))
        assert abs(picture - truth).mean() < 1
        assert off(picture[32:], truth[32:]) <= 8  # between the steps of a table


def test_black_stays_where_the_profile_has_it() -> None:
    lifted = table_tag(lambda grid: (0.1 + 0.9 * grid) @ to_d50(REC709).T, 3, 9)
    for version in (2, 4):
        data = encoded(
            Image.new("RGB", (4, 4)),
            "PNG",
            icc_profile=profile({b"A2B0": lifted}, b"RGB ", pcs=b"Lab ", version=version),
        )
        assert off(read(data), srgb_of_xyz(np.full((1, 3), 0.1) @ to_d50(REC709).T)) <= 2


G, HALF = gamma_chunk, Image.fromarray(COLOURS)
DESCRIBED: dict[str, tuple[tuple[bytes, ...], tuple[float, ...], float | None]] = {
    "gAMA": ((G(1 / 1.8),), REC709, 1.8),
    "gAMA of sRGB alone": ((G(0.45455),), REC709, SRGB_CURVE),
    "gAMA and cHRM": ((G(1 / 2.2), primaries_chunk(DISPLAY_P3)), DISPLAY_P3, 2.2),
    "gAMA and cHRM of sRGB": ((G(1 / 2.2), primaries_chunk(REC709)), REC709, 2.2),
    "cHRM alone": ((primaries_chunk(DISPLAY_P3),), REC709, SRGB_CURVE),
    "sRGB before gAMA": ((chunk(b"sRGB", b"\0"), G(1.0), primaries_chunk(DISPLAY_P3)), REC709, SRGB_CURVE),
    "iCCP before gAMA": ((profile_chunk(P3), G(1.0), primaries_chunk(REC709)), DISPLAY_P3, SRGB_CURVE),
    "cICP": ((codes_chunk(12, 13),), DISPLAY_P3, SRGB_CURVE),
    "cICP, linear": ((codes_chunk(1, 8),), REC709, 1.0),
    "cICP of video": ((codes_chunk(9, 1),), REC2020, 2.4),
    "cICP before iCCP": ((codes_chunk(12, 13), profile_chunk(rgb_profile(*SPACES["ProPhoto"]))), DISPLAY_P3, None),
    "cICP after iCCP": ((profile_chunk(rgb_profile(*SPACES["ProPhoto"])), codes_chunk(12, 13)), DISPLAY_P3, None),
    "cICP that says nothing": ((codes_chunk(2, 2), profile_chunk(P3)), DISPLAY_P3, SRGB_CURVE),
}


@pytest.mark.parametrize("name", list(DESCRIBED))
def test_what_png_chunks_say_is_followed(name: str) -> None:
    chunks, primaries, gamma = DESCRIBED[name]
    assert off(read(with_chunks(HALF, *chunks)), srgb_of(COLOURS, primaries, gamma)) <= 2
    assert off(read(with_chunks(Image.fromarray(GREYS), *chunks)), srgb_of_grey(GREYS, gamma)) <= 2


@pytest.mark.parametrize(
    ("codes", "primaries", "gamma"),
    [
        ((1, 13), REC709, None),
        ((12, 13), DISPLAY_P3, None),
        ((12, 1), DISPLAY_P3, None),
        ((9, 14), REC2020, None),
        ((1, 4), REC709, 2.2),
        ((2, 2), REC709, None),
    ],
)
def test_code_points_of_avif_are_followed(
    codes: tuple[int, int], primaries: tuple[float, ...], gamma: float | None
) -> None:
    data = avif_of(HALF, *codes)
    assert off(read(data), srgb_of(stored(data), primaries, gamma)) <= 2


def test_a_profile_comes_before_code_points_in_avif() -> None:
    data = encoded(HALF, "AVIF", icc_profile=P3)
    assert b"colrnclx" in data
    assert off(read(data), srgb_of(stored(data), *SPACES["Display P3"])) <= 2


def test_exif_alone_says_nothing_of_colours() -> None:
    exif = Image.Exif()
    exif[0x8769] = {0xA001: 65535, 0xA005: {1: "R03"}}  # as cameras mark Adobe RGB; browsers do not look at it
    data = encoded(HALF, "JPEG", exif=exif.tobytes())
    assert np.array_equal(read(data), stored(data))


def swapped(at: int, new: bytes) -> bytes:
    return P3[:at] + new + P3[at + len(new) :]


BROKEN = {
    "garbage": bytes(range(256)) * 3,
    "empty": b"",
    "short": b"icc",
    "cut off in a tag": P3[:300],
    "cut off at the end": P3[:-1],
    "without its mark": swapped(36, b"zzzz"),
    "of a new version": swapped(8, b"\x09"),
    "four billion tags": swapped(128, b"\xff" * 4),
    "no tags": swapped(128, bytes(4)),
    "tags that lie outside": swapped(136, b"\x7f\xff\xff\xf0"),
    "tags of no length": swapped(140, bytes(4)),
    "an unknown curve": P3.replace(b"para", b"zzzz"),
    "of a link": swapped(12, b"link"),
    "abstract": swapped(12, b"abst"),
    "of named colours": swapped(12, b"nmcl"),
    "of grey": grey_profile(2.2),
    "of CMYK": cmyk_profile(),
    "of CMYK by name": swapped(16, b"CMYK"),
    "of a space of no name": swapped(16, b"\xff\n\x1b "),
    "large garbage": np.random.default_rng(0).bytes(900_000),
    "large and cut off": swapped(0, b"\x7f" * 4) + bytes(900_000),
}


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("name", list(BROKEN))
def test_a_profile_that_cannot_be_used_is_told(tmp_path: Path, name: str, form: str) -> None:
    path = tmp_path / "face.dat"
    path.write_bytes(encoded(HALF, form, icc_profile=BROKEN[name] or b"\0"))
    with pytest.warns(MinifacesWarning) as told:
        picture = read_picture(path)
    assert np.array_equal(picture, stored(path.read_bytes()))
    (line,) = [str(warning.message) for warning in told]
    assert line.startswith(f"{path} has a colour profile ")
    assert line.endswith(": its colours are taken as sRGB")
    assert line.isprintable()


@pytest.mark.parametrize(("mode", "icc"), [("L", cmyk_profile()), ("CMYK", P3), ("CMYK", P3[:200]), ("LAB", P3)])
def test_a_profile_of_another_kind_of_picture_is_told(mode: str, icc: bytes) -> None:
    image = Image.new(mode, (5, 5), 70 if mode == "L" else (90, 20, 30, 40)[: len(mode)])
    picture, _, remark = decode_picture(encoded(image, "TIFF", icc_profile=icc), "a picture")
    assert remark is not None
    assert np.array_equal(picture, read(encoded(image, "TIFF")))


PLAIN_JPEG = encoded(HALF, "JPEG")


def with_part(part: bytes) -> bytes:
    """A JPEG file with a marker of a profile's part."""
    return PLAIN_JPEG[:2] + b"\xff\xe2" + struct.pack(">H", len(part) + 2) + part + PLAIN_JPEG[2:]


NOTES = {
    "not packed": with_chunks(HALF, chunk(b"iCCP", b"x\0\0garbage")),
    "packed another way": with_chunks(HALF, chunk(b"iCCP", b"x\0\1" + zlib.compress(P3))),
    "without a name": with_chunks(HALF, chunk(b"iCCP", b"garbage")),
    "nothing at all": with_chunks(HALF, chunk(b"iCCP", b"")),
    "cut off in its packing": with_chunks(HALF, chunk(b"iCCP", b"x\0\0" + zlib.compress(P3)[:-40])),
    "another checksum": with_chunks(HALF, chunk(b"iCCP", b"x\0\0" + zlib.compress(P3), crc=5)),
    "3 MB": with_chunks(HALF, profile_chunk(P3 + bytes(3_000_000))),
    "short gAMA": with_chunks(HALF, chunk(b"gAMA", b"\0\0")),
    "short cHRM": with_chunks(HALF, chunk(b"cHRM", b"\0\0")),
    "empty sRGB": with_chunks(HALF, chunk(b"sRGB", b"")),
    "text of another checksum": with_chunks(HALF, chunk(b"tEXt", b"a\0b", crc=5)),
    "3 MB of text": with_chunks(HALF, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(3_000_000)))),
    "gAMA of nothing": with_chunks(HALF, gamma_chunk(0)),
    "gAMA beyond measure": with_chunks(HALF, chunk(b"gAMA", b"\0\0\0\1")),
    "cHRM of nothing": with_chunks(HALF, gamma_chunk(0.5), chunk(b"cHRM", bytes(32))),
    "cHRM of one colour": with_chunks(HALF, gamma_chunk(0.5), primaries_chunk((0.3, 0.3) * 4)),
    "cHRM beyond measure": with_chunks(HALF, gamma_chunk(0.5), chunk(b"cHRM", b"\xff" * 32)),
    "PNG of high dynamic range": with_chunks(HALF, codes_chunk(9, 16)),
    "AVIF of high dynamic range": avif_of(HALF, 9, 18),
    "PNG of an unknown code": with_chunks(HALF, codes_chunk(10, 13)),
    "AVIF of an unknown code": avif_of(HALF, 1, 17),
    "JPEG without the second part": with_part(b"ICC_PROFILE\0\1\2" + P3),
    "JPEG without the first part": with_part(b"ICC_PROFILE\0\2\2" + P3),
    "JPEG whose part has no number": with_part(b"ICC_PROFILE\0"),
}


@pytest.mark.parametrize("name", list(NOTES))
def test_damaged_notes_are_told(name: str) -> None:
    picture, _, remark = decode_picture(NOTES[name], "a picture")
    assert remark is not None
    assert remark.endswith(": its colours are taken as sRGB")
    assert np.array_equal(picture, stored(PLAIN_JPEG if "JPEG" in name else avif_of(HALF, 1, 13) if "AVIF" in name
                                          else encoded(HALF, "PNG")))  # fmt: skip


def test_a_picture_with_damaged_notes_stays_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.fromarray(COLOURS[:30]), "PNG", exif=exif)
    bad = data[:33] + chunk(b"iCCP", b"garbage") + data[33:]
    assert np.array_equal(decode_picture(bad, "a picture").picture, np.rot90(COLOURS[:30], -1))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([P3, cmyk_profile(), grey_profile(1.8), SRGB_PROFILES["as 1024 steps"]]), st.data())
def test_damage_to_a_profile_never_costs_the_picture(icc: bytes, data: st.DataObject) -> None:
    damaged = bytearray(icc)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, min(len(damaged), 600) - 1))] = data.draw(st.integers(0, 255))
    mode = {b"CMYK": "CMYK", b"GRAY": "L"}.get(icc[16:20], "RGB")
    image = Image.new(mode, (3, 2), 70 if mode == "L" else (70, 90, 20, 30)[: len(mode)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = decode_picture(encoded(image, "TIFF", icc_profile=bytes(damaged)), "a picture").picture
    assert picture.shape == (2, 3, 3)


def keyed() -> Iterator[tuple[str, bytes, NDArray[np.bool_], NDArray[Any]]]:
    """PNG files with one transparent value: which pixels have it, and what the others are."""
    for depth in (1, 2, 4, 8, 16):
        most = 2**depth - 1
        values = np.unique(np.array([0, 1, 2, 5, 255, 256, 257, 1000, 40000, 40001, most - 1, most]) % (most + 1))
        grey = np.stack([values, values[::-1]]).astype(np.int64)
        shown = (grey[..., None] * 255 / most).repeat(3, -1)
        for key in values:
            yield (
                f"grey {depth}, {key}",
                png(grey, depth, 0, chunk(b"tRNS", struct.pack(">H", key))),
                grey == key,
                shown,
            )
    for depth in (8, 16):
        most = 2**depth - 1
        near = [
            (0, 0, 0),
            (1, 1, 1),
            (10, 20, 30),
            (10, 20, 31),
            (most, 0, 0),
            (most, most, most),
            (most, most, most - 1),
        ]
        near += [(0x1234, 0x5678, 0x9ABC), (0x1235, 0x5678, 0x9ABC)] if depth == 16 else []
        colours = np.array([near, near[::-1]])
        for key in near:
            trns = chunk(b"tRNS", struct.pack(">3H", *key))
            yield f"RGB {depth}, {key}", png(colours, depth, 2, trns), (colours == key).all(-1), colours * 255 / most


KEYED = {name: (data, clear, shown) for name, data, clear, shown in keyed()}


@pytest.mark.parametrize("name", list(KEYED))
def test_one_transparent_value_of_any_depth(name: str) -> None:
    data, clear, shown = KEYED[name]
    assert off(read(data), np.where(clear[..., None], 255, shown)) <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", [0, 2])
def test_a_transparent_value_of_sixteen_bits_is_turned_with_the_picture(orientation: int, kind: int) -> None:
    values = np.arange(12).reshape(4, 3) * 5000
    pixels, key = (
        (values, (5000,)) if kind == 0 else (np.stack([values, values + 1, values + 2], -1), (5000, 5001, 5002))
    )
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    trns = chunk(b"tRNS", struct.pack(f">{len(key)}H", *key))
    clear = np.where(values == 5000, 255, 0).astype(np.uint8)
    upright = read(encoded(Image.fromarray(clear), "PNG", exif=exif))[..., 0] == 255
    assert np.array_equal((read(png(pixels, 16, kind, trns, turned)) == 255).all(-1), upright)


def test_a_transparent_value_is_that_before_its_colour_is_converted() -> None:
    greys = np.array([[0, 1000, 2000, 40000]])
    data = png(greys, 16, 0, profile_chunk(grey_profile(1.0)), chunk(b"tRNS", struct.pack(">H", 1000)))
    truth = srgb_of_grey(greys, 1.0, 65535)
    truth[0, 1] = 255
    assert off(read(data), truth) <= 2


@pytest.mark.parametrize("order", ["II", "MM"])
@pytest.mark.parametrize("depth", [8, 16])
def test_tiff_with_alpha_of_either_byte_order(order: str, depth: int) -> None:
    mark, most = ("<" if order == "II" else ">"), 2**depth - 1
    pixels = np.array([0.8, 0.2, 0.4, 0, 0.8, 0.2, 0.4, 1]) * most
    data = pixels.astype(f"{mark}u{depth // 8}").tobytes()
    tags = {256: 2, 257: 1, 258: 134, 259: 1, 262: 2, 273: 142, 277: 4, 278: 1, 279: len(data), 338: 2}
    entries = b"".join(
        struct.pack(f"{mark}HHII", tag, 3, 4, value)  # where they stand
        if tag == 258
        else struct.pack(f"{mark}HHIHH", tag, 3, 1, value, 0)
        for tag, value in tags.items()
    )
    head = order.encode() + struct.pack(f"{mark}HIH", 42, 8, len(tags)) + entries + bytes(4)
    assert len(head) == 134
    file = head + struct.pack(f"{mark}4H", *[depth] * 4) + data
    assert read(file).tolist() == [[[255, 255, 255], [204, 51, 102]]]


def test_threads_share_what_profiles_mean() -> None:
    files = [encoded(HALF, "PNG", icc_profile=rgb_profile(*SPACES[name])) for name in SPACES] * 6
    with ThreadPoolExecutor(8) as pool:
        at_once = list(pool.map(read, files))
    assert all(np.array_equal(picture, read(file)) for picture, file in zip(at_once, files, strict=True))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_reads_although_a_thread_was_opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "face.png"
    path.write_bytes(encoded(HALF, "PNG", icc_profile=P3))
    read_picture(path)
    inside, on = threading.Event(), threading.Event()
    usual = Image.open

    def slow(*arguments: Any, **options: Any) -> Image.Image:
        inside.set()
        on.wait(60)
        return usual(*arguments, **options)

    with monkeypatch.context() as patch, ThreadPoolExecutor(1) as pool:
        patch.setattr(Image, "open", slow)
        other = pool.submit(read_picture, path)
        assert inside.wait(60)
        patch.setattr(Image, "open", usual)
        child = os.fork()
        if child == 0:
            import signal

            signal.alarm(20)
            try:
                os._exit(int(read_picture(path).shape != (64, 64, 3)))
            finally:
                os._exit(2)
        status = os.waitpid(child, 0)[1]
        on.set()
        other.result()
    assert status == 0


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """One face three times: as sRGB, in Display P3, and with a profile that cannot be used."""
    face = COLOURS.copy()
    face[:8], face[-8:], face[:, :8], face[:, -8:] = (np.uint8(200),) * 4
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "p3.png").write_bytes(encoded(Image.fromarray(face), "PNG", icc_profile=P3))
    (folder / "broken.png").write_bytes(encoded(Image.fromarray(face), "PNG", icc_profile=P3[:300]))
    save_picture(folder / "srgb.png", np.rint(srgb_of(face, *SPACES["Display P3"])).astype(np.uint8))
    return folder


def test_data_sets_are_read_in_srgb(three: Path) -> None:
    with pytest.warns(MinifacesWarning, match=r"broken\.png has a colour profile that is cut off"):
        data = read_dataset(three, 64)
    faces = {row["file_name"]: face for face, row in zip(data.pictures, data.rows, strict=True)}
    assert off(faces["p3.png"], faces["srgb.png"].astype(int)) <= 2
    assert off(faces["broken.png"], faces["srgb.png"].astype(int)) > 50


def test_pictures_are_framed_and_screened_in_srgb(three: Path) -> None:
    names = ("srgb.png", "p3.png", "broken.png")
    done = work_up([Job(name, (three / name).read_bytes()) for name in names], Plan(64, "screen"))
    assert [one.problem for one in done] == [None] * 3
    assert [one.remark for one in done[:2]] == [None] * 2
    assert done[2].remark == "has a colour profile that is cut off: its colours are taken as sRGB"
    faces = [read(one.faces[0].png).astype(int) for one in done]
    assert off(faces[1], faces[0]) <= 2
    assert off(faces[2], faces[0]) > 50


def test_prepare_tells_of_a_profile_and_takes_the_picture(
    three: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    assert run(["data", "import", str(three), "-o", str(work), "--workers", "1"]) == 0
    out, err = capsys.readouterr()
    assert "3 new pictures" in out
    assert f"{three}/broken.png has a colour profile that is cut off: its colours are taken as sRGB" in err
    assert err.count("colour") == 2


def test_commands_tell_of_a_profile_in_a_line(three: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = three / "broken.png"
    assert run(["reconstruct", str(picture), "-o", str(tmp_path / "new.png")]) == 0
    told = f"minifaces: warning: {picture} has a colour profile that is cut off: its colours are taken as sRGB\n"
    assert capsys.readouterr().err == told
