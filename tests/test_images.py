"""Pictures of every kind are read alike, and what is no picture is one clear line."""

import contextlib
import io
import os
import tracemalloc
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from icc_profiles import chunk, png, rgb_profile
from minifaces import images
from minifaces.errors import MinifacesError, UsageError
from minifaces.images import decode_picture, decode_within, read_picture, resize, save_picture, square

RED, WHITE = (200, 30, 10), (255, 255, 255)


def gradient(height: int = 24, width: int = 40) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 / width, y * 255 / height, (x + y) % 200], axis=-1).astype(np.uint8)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
def test_lossless_formats_come_back_exactly(tmp_path: Path, form: str) -> None:
    path = tmp_path / "picture.dat"  # the contents count, not the name
    path.write_bytes(encoded(Image.fromarray(gradient()), form, **({"lossless": True} if form == "WEBP" else {})))
    assert np.array_equal(read_picture(path), gradient())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"])
def test_every_mode_keeps_a_flat_colour(tmp_path: Path, mode: str) -> None:
    white = Image.new("RGB", (6, 4), "white")
    image = Image.new("I;16", (6, 4), 65535) if mode == "I;16" else white.convert(mode)
    image.save(tmp_path / "a.tiff")
    picture = read_picture(tmp_path / "a.tiff")
    assert picture.shape == (4, 6, 3)
    assert picture.dtype == np.uint8
    assert picture.min() >= 254


def test_sixteen_bits_are_scaled_not_cut(tmp_path: Path) -> None:
    values = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "grey.png")
    assert read_picture(tmp_path / "grey.png")[0, :, 0].tolist() == [0, 1, 128, 255]


def test_cmyk_jpeg_keeps_its_colour(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16), RED).convert("CMYK").save(tmp_path / "a.jpg", quality=100)
    assert np.abs(read_picture(tmp_path / "a.jpg").astype(int) - RED).max() <= 4


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, :, :3], rgba[0, :, 3] = RED, [0, 128, 255]
    Image.fromarray(rgba).save(tmp_path / "a.png")
    clear, half, full = read_picture(tmp_path / "a.png")[0].tolist()
    assert clear == list(WHITE)
    assert full == list(RED)
    assert np.abs(np.array(half) - (np.array(RED) + 255) / 2).max() <= 1


@pytest.mark.parametrize(("mode", "key"), [("P", 0), ("L", 0), ("RGB", (0, 0, 0))])
def test_a_transparent_colour_becomes_white(tmp_path: Path, mode: str, key: object) -> None:
    image = Image.new(mode, (4, 4), 0)
    if mode == "P":
        image.putpalette([9, 9, 9] * 256)
    image.save(tmp_path / "a.png", transparency=key)
    assert (read_picture(tmp_path / "a.png") == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    upright = gradient()
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_picture(tmp_path / "a.png"), upright)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_animations_give_their_first_frame(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("white", "black")]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    assert read_picture(tmp_path / f"a{suffix}").min() > 250


def broken_files() -> dict[str, bytes]:
    png = encoded(Image.fromarray(gradient()), "PNG")
    jpeg = encoded(Image.fromarray(gradient()), "JPEG")
    return {
        "empty.png": b"",
        "text.jpg": b"this is no picture\n",
        "page.html": b"<!DOCTYPE html><title>404</title>",
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "script.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "zeros.png": bytes(1000),
        "signature.png": png[:8],
        "half.png": png[: len(png) // 2],
        "half.jpg": jpeg[: len(jpeg) // 2],
        "half.gif": encoded(Image.fromarray(gradient()), "GIF")[:900],
        "half.webp": encoded(Image.fromarray(gradient()), "WEBP")[:60],
        "half.tiff": encoded(Image.fromarray(gradient()), "TIFF")[:200],
        "half.bmp": encoded(Image.fromarray(gradient()), "BMP")[:200],
        "float.tiff": encoded(Image.fromarray(np.zeros((4, 4), np.float32)), "TIFF"),
    }


@pytest.mark.parametrize("name", list(broken_files()))
def test_broken_files_are_one_line_that_names_them(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(broken_files()[name])
    with pytest.raises(UsageError) as caught:
        read_picture(tmp_path / name)
    assert name in str(caught.value)
    assert ": " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is missing"):
        read_picture(tmp_path / "nothing.png")
    with pytest.raises(UsageError, match="is a folder"):
        read_picture(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_picture(tmp_path / ("x" * 5000))
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UsageError, match="not an ordinary file"):
        read_picture(tmp_path / "pipe.png")


@pytest.mark.parametrize("side", [9_200, 12_000, 30_000])
def test_decompression_bombs_are_refused_quietly(tmp_path: Path, side: int) -> None:
    header = encoded(Image.new("1", (side, 1)), "PNG")
    taller = header[:20] + side.to_bytes(4, "big") + header[24:]
    taller = taller[:29] + zlib.crc32(taller[12:29]).to_bytes(4, "big") + taller[33:]
    (tmp_path / "bomb.png").write_bytes(taller)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UsageError, match=r"bomb\.png.*smaller"):
            read_picture(tmp_path / "bomb.png")


SAMPLES = [encoded(Image.fromarray(gradient()), form) for form in ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM")]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_damage_never_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, sample: bytes, data: Any) -> None:
    damaged = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(damaged)
    with contextlib.suppress(UsageError):
        picture = read_picture(path)
        assert picture.dtype == np.uint8
        assert picture.shape[2] == 3


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 64))
def test_square_pads_with_the_border_and_never_stretches(height: int, width: int, size: int) -> None:
    picture = np.full((height, width, 3), RED, np.uint8)
    result = square(picture, size)
    assert result.shape == (size, size, 3)
    assert (result == np.array(RED)).all()


def test_square_centres_the_picture() -> None:
    picture = np.full((20, 40, 3), WHITE, np.uint8)
    picture[4:16, 10:30] = 0  # a dark block whose proportions must survive
    result = square(picture, 20)
    dark = np.argwhere(result[:, :, 0] < 128)
    assert dark.min(axis=0).tolist() == [7, 5]
    assert dark.max(axis=0).tolist() == [12, 14]
    assert (result[0] == 255).all()


def test_square_of_one_endless_row_needs_no_endless_memory() -> None:
    assert square(np.zeros((1, 300_000, 3), np.uint8), 32).shape == (32, 32, 3)


def test_square_keeps_a_picture_of_the_right_size() -> None:
    picture = gradient(32, 32)
    assert np.array_equal(square(picture, 32), picture)


TURNED = Image.Exif()
TURNED[0x0112] = 6
DEEP = np.random.default_rng(0).integers(0, 3, (61, 40, 3)).astype(np.uint16)
LARGE = {
    "JPEG": ("RGB", "JPEG", {}),
    "a turned JPEG": ("RGB", "JPEG", {"exif": TURNED}),
    "a JPEG of CMYK": ("CMYK", "JPEG", {}),
    "transparency": ("RGBA", "PNG", {}),
    "a transparent colour": ("L", "PNG", {"transparency": 7}),
    "a palette": ("P", "PNG", {"transparency": 0}),
    "a colour profile": (
        "RGB",
        "PNG",
        {"icc_profile": rgb_profile((0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001, 0.3457, 0.3585), 1.8)},
    ),
    "a profile of no use": ("RGB", "PNG", {"icc_profile": b"none"}),
    "a transparent colour of 16 bits": png(DEEP, 16, 2, chunk(b"tRNS", bytes([0, 1, 0, 2, 0, 1]))),
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_picture_decoded_in_bands_is_the_same(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = LARGE[kind]
    if isinstance(data, tuple):
        mode, form, options = data
        noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (61, 40, 4), np.uint8))
        data = encoded(noise.convert("RGB").convert(mode) if mode != "RGBA" else noise, form, **options)
    whole = decode_picture(data, "x")
    monkeypatch.setattr(images, "_BAND", 40 * 7)  # seven rows
    again = decode_picture(data, "x")
    assert np.array_equal(again.picture, whole.picture)
    assert again.remark == whole.remark
    assert np.array_equal(decode_within(data, "x", 80), whole.picture)
    assert np.array_equal(
        decode_within(data, "x", 24), resize(whole.picture, *(round(n * 24 / 61) for n in whole.picture.shape[:2]))
    )


def test_a_large_picture_takes_little_more_than_its_decoder() -> None:
    data = encoded(Image.new("RGB", (3000, 3000), RED), "JPEG")
    decode_within(data, "x", 64)  # what is loaded and kept at first
    tracemalloc.start()
    decode_within(data, "x", 64)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 9_000_000, "Python's own part, which held the picture twice"  # Pillow's is not traced


@pytest.mark.parametrize(("suffix", "error"), [(".png", 0), (".PNG", 0), (".webp", 12), (".jpg", 6), (".jpeg", 6)])
def test_saved_pictures_come_back(tmp_path: Path, suffix: str, error: float) -> None:
    y, x = np.mgrid[:48, :64]
    smooth = np.stack([x * 3, y * 4, 255 - x * 3], axis=-1).astype(np.uint8)
    path = tmp_path / "new" / f"a{suffix}"
    save_picture(path, smooth)
    assert np.abs(read_picture(path).astype(int) - smooth).max() <= error
    assert list(path.parent.iterdir()) == [path]


def test_saving_fails_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a\.bmp.*\.png.*\.webp.*\.jpg"):
        save_picture(tmp_path / "a.bmp", gradient())
    with pytest.raises(UsageError, match=r"use \.png"):
        save_picture(tmp_path / "a.webp", np.zeros((1, 16384, 3), np.uint8))
    (tmp_path / "file").touch()
    with pytest.raises(MinifacesError, match="cannot write"):
        save_picture(tmp_path / "file" / "a.png", gradient())
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="not an ordinary file: name a file to write"):
        save_picture(pipe, np.zeros((4, 4, 3), np.uint8))
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]
