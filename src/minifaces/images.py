"""Read one picture of whatever kind, bring it to a size, and save pictures.

A picture is an (H, W, 3) uint8 array of sRGB values; several of one size are an (n, H, W, 3) uint8 array.

    save_picture("face.png", square(read_picture("photo.jpg"), 128))
"""

import io
import os
import threading
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from minifaces.arrays import Pixels
from minifaces.checks import file_name, told, whole
from minifaces.errors import MinifacesWarning, UsageError
from minifaces.files import atomic
from minifaces.pngs import keyed_below, lower_bytes, stored_as, take_key, without_notes
from minifaces.profiles import Unusable, described, head_of, to_srgb

LUMA = np.array([0.2126, 0.7152, 0.0722])
"""What red, green and blue weigh in luma (Rec. 709), of linear values too."""

READABLE = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".avif"),
    *(".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"),
)
"""Suffixes of the pictures in a folder. `read_picture` itself goes by the contents, not by the name."""

# Pillow knows more formats; some start other programs (EPS), others hold no photos (fonts, icons).
_SUFFIXES = {
    **{"PNG": ".png", "JPEG": ".jpg", "MPO": ".jpg", "WEBP": ".webp", "AVIF": ".avif"},
    **{"GIF": ".gif", "BMP": ".bmp", "TIFF": ".tif", "PPM": ".ppm"},
}
_FORMATS = tuple(_SUFFIXES)
_MOST_PIXELS = 80_000_000
_BAND = 1 << 18  # pixels of a large picture that are worked on together
_LONGEST = 65536  # side of a square
_SAVING: dict[str, tuple[str, int, dict[str, Any]]] = {  # suffix: Pillow's format, longest side, options
    ".png": ("PNG", 2**31 - 1, {}),
    ".webp": ("WEBP", 16383, {"quality": 92}),
    ".jpg": ("JPEG", 65500, {"quality": 92, "subsampling": 0}),  # coloured print lines blur when subsampled
    ".jpeg": ("JPEG", 65500, {"quality": 92, "subsampling": 0}),
}
_AS_SRGB = "its colours are taken as sRGB"
Put = Callable[[Iterable[Pixels], int, int], Pixels]
"""Makes a picture of its bands of rows, its height and its width."""
_opening = threading.RLock()


def _open_anew() -> None:
    """In a forked child the thread that may have held the lock does not exist."""
    global _opening
    _opening = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_anew)


def read_picture(path: str | os.PathLike[str]) -> Pixels:
    """Read a picture file as (H, W, 3) uint8 sRGB.

    The EXIF orientation is applied, colours are brought from the picture's colour profile to sRGB, transparency is
    laid on white, grey, palette, CMYK and 16-bit pictures are converted, and of an animation the first frame is taken.
    Warns (MinifacesWarning) of a profile that cannot be used: the colours are then taken as sRGB.
    Raises UsageError, naming the file, for anything that is not a whole picture of a sane size."""
    path = Path(file_name("a picture", path))
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a folder: name one picture")
        if not path.exists():
            raise UsageError(f"{path} is missing: check the name")
        if not path.is_file():
            raise UsageError(f"{path} is not an ordinary file: save the picture to disk and name that")
        if path.stat().st_size == 0:
            raise UsageError(f"{path} is empty (0 bytes): fetch or save it again")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    picture, _, remark = _decode(path, str(path))
    if remark:
        with _opening:  # other threads may have warnings switched off for a moment
            warnings.warn(f"{path} {remark}", MinifacesWarning, stacklevel=2)
    return picture


class Decoded(NamedTuple):
    picture: Pixels
    suffix: str
    """That the picture's format has."""
    remark: str | None
    """What could not be followed, a line that goes on from the picture's name; mostly None."""


def decode_picture(data: bytes, name: str, most: int = _MOST_PIXELS) -> Decoded:
    """Decode a picture file's bytes as `read_picture` does; of more than `most` pixels none is.

    Raises UsageError, in a line that begins with `name`, for anything that is not a whole picture of a sane size."""
    return _decode(_given(data, name), name, most)


def decode_within(data: bytes, name: str, longest: int, most: int = _MOST_PIXELS) -> Pixels:
    """(H, W, 3): what `decode_picture` gives, made smaller where a side is longer than `longest`, in little more memory
    than the file's decoder takes.

    Raises UsageError as it does."""
    longest = whole("the longest side of a picture", longest, 1, _LONGEST)
    return _decode(_given(data, name), name, most, partial(_narrowed, longest=longest)).picture


def _given(data: bytes, name: str) -> io.BytesIO:
    if not data:
        raise UsageError(f"{name} is empty (0 bytes): fetch or save it again")
    return io.BytesIO(data)


def _decode(file: Path | io.BytesIO, name: str, most: int = _MOST_PIXELS, put: Put | None = None) -> Decoded:
    put = put or _joined
    try:
        try:
            return _decode_whole(file, name, most, put)
        except (UnidentifiedImageError, ValueError):
            if (rest := without_notes(file)) is None:
                raise
            remark = f"has notes that cannot be read, and may speak of colours: {_AS_SRGB}"
            return _decode_whole(io.BytesIO(rest), name, most, put)._replace(remark=remark)
    except UsageError:
        raise
    except UnidentifiedImageError:
        raise UsageError(
            f"{name} is not a picture that can be read: give a PNG, JPEG, WebP, AVIF, GIF, BMP, TIFF or PPM"
        ) from None
    except Image.DecompressionBombError:
        raise UsageError(f"{name} is far too large to be decoded: make it smaller first") from None
    except PermissionError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from error
    except Exception as error:  # on damaged bytes a decoder may raise anything, even KeyError or MemoryError
        raise UsageError(f"{name} is damaged ({str(error) or type(error).__name__}): fetch or save it again") from error


def _decode_whole(file: Path | io.BytesIO, name: str, most: int, put: Put) -> Decoded:
    with _open(file) as opened:
        if opened.width * opened.height > most:
            size = f"{opened.width} x {opened.height} pixels"
            raise UsageError(f"{name} is {size}, more than {most // 10**6} million: make it smaller first")
        if opened.mode == "F":
            raise UsageError(f"{name} holds floating-point values: save it as an 8- or 16-bit PNG")
        head, stored = head_of(opened), stored_as(opened)
        upright = _upright(opened)
        low = _upright(lower_bytes(_open(file))) if keyed_below(upright, stored) else None
        profile, remark = None, None

        def rows(top: int, bottom: int, width: int) -> Pixels:
            box = (0, top, width, bottom)
            part = upright.crop(box)
            alpha = take_key(part, stored, low and low.crop(box))
            part = to_srgb(_plain(part), profile)
            if alpha:
                part.putalpha(alpha)
            return _on_white(part)

        try:
            profile = described(opened, head)
            rows(0, 1, 1)
        except Unusable as what:
            profile, remark = None, f"has {what}: {_AS_SRGB}"
        # Band by band, since a large picture is held by its decoder already, and each step would hold it again.
        width, height = upright.size
        tall = max(1, _BAND // width)
        bands = (rows(top, min(top + tall, height), width) for top in range(0, height, tall))
        return Decoded(put(bands, height, width), _SUFFIXES[str(opened.format)], remark)


def _upright(image: Image.Image) -> Image.Image:
    """Loaded, and turned as its EXIF orientation says."""
    ImageOps.exif_transpose(image, in_place=True)
    return image


def _joined(bands: Iterable[Pixels], height: int, width: int) -> Pixels:
    picture, top = np.empty((height, width, 3), np.uint8), 0
    for band in bands:
        picture[top : top + len(band)] = band
        top += len(band)
    return picture


def _open(file: Path | io.BytesIO) -> ImageFile.ImageFile:
    """Read a picture's header, without Pillow's warnings of odd tags or many pixels."""
    with _opening, warnings.catch_warnings():  # filters are shared by all threads
        warnings.simplefilter("ignore")
        Image.init()
        return Image.open(file, formats=[name for name in _FORMATS if name in Image.OPEN])


def _plain(image: Image.Image) -> Image.Image:
    """Any image in one of the modes that a colour profile can be of, with alpha where it has transparency."""
    if image.mode.startswith("I"):
        return Image.fromarray(np.clip(np.asarray(image).astype(np.int64), 0, 65535).astype(np.uint16))
    if image.mode in ("CMYK", "LAB"):
        return image
    mode = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    return _in_mode(image, mode + ("A" if image.has_transparency_data else ""))


def _on_white(image: Image.Image) -> Pixels:
    if image.mode in ("LA", "RGBA"):
        faces = _in_mode(image, "RGBA")
        image = Image.alpha_composite(Image.new("RGBA", faces.size, "white"), faces)
    return np.array(_in_mode(image, "RGB"))


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)


def is_picture(path: Path) -> bool:
    """Whether a file begins as a picture of a kind that `read_picture` reads, whatever its name is."""
    try:
        with _open(path):
            return True
    except Image.DecompressionBombError:  # one that is far too large
        return True
    except Exception:  # whatever a decoder makes of bytes that are none
        return False


def square(picture: Pixels, size: int) -> Pixels:
    """Fit an (H, W, 3) uint8 picture into (size, size, 3) uint8 without stretching or cutting it.

    What is missing at the sides is filled with the median colour of the picture's own border."""
    picture, size = check_picture(picture), whole("the side of a picture", size, 1, _LONGEST)
    height, width = picture.shape[:2]
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    # Resizing comes before padding: a picture of 80 million pixels in one row must not be padded to a square.
    scale = size / max(height, width)
    tall, wide = max(1, round(height * scale)), max(1, round(width * scale))
    inner = resize(picture, tall, wide)
    top, left = (size - tall) // 2, (size - wide) // 2
    result = np.empty((size, size, 3), np.uint8)
    result[:] = np.median(border, axis=0).round().astype(np.uint8)
    result[top : top + tall, left : left + wide] = inner
    return result


def _narrowed(bands: Iterable[Pixels], height: int, width: int, longest: int) -> Pixels:
    """The picture whose bands of rows these are, at most `longest` pixels a side: each band is narrowed at once."""
    scale = min(1.0, longest / max(height, width))
    tall, wide = max(1, round(height * scale)), max(1, round(width * scale))
    return resize(np.concatenate([resize(band, len(band), wide) for band in bands]), tall, wide)


def resize(picture: Pixels, height: int, width: int) -> Pixels:
    """Resample an (H, W, 3) uint8 picture to (height, width, 3), antialiased (Lanczos)."""
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def resized(faces: Pixels, size: int) -> Pixels:
    """(n, H, W, 3) uint8 -> (n, size, size, 3), each resampled as by `resize`; as they are where they fit."""
    if faces.shape[1:3] == (size, size):
        return faces
    return np.stack([resize(face, size, size) for face in faces])


def as_pictures(pictures: ArrayLike) -> Pixels:
    """Pictures, or a list of them, as one array, whatever its shape and kind. UsageError for those of several sizes."""
    try:
        found = np.asarray(pictures)
    except (TypeError, ValueError, RuntimeError):  # among them tensors of a GPU, or with a gradient
        found = np.asarray(None)
    if found.dtype == object:
        raise UsageError(f"pictures must be an array, or a list of arrays of one size, not {told(pictures)}")
    return found


def check_picture(picture: ArrayLike) -> Pixels:
    """`picture` as an array. UsageError unless it is (H, W, 3) uint8 with H and W at least 1."""
    picture = as_pictures(picture)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        remedy = "; minifaces.pictures.grid lays several out as one" if picture.ndim == 4 else ""
        raise UsageError(f"a picture must be (H, W, 3) uint8, not {picture.shape} {picture.dtype}{remedy}")
    return picture


def check_faces(faces: ArrayLike) -> Pixels:
    """`faces`, an array or a list of pictures, as one array. UsageError unless it is (n, H, W, 3) uint8 with n, H and W
    at least 1."""
    faces = as_pictures(faces)
    if faces.ndim != 4 or faces.shape[3] != 3 or faces.dtype != np.uint8:
        raise UsageError(f"faces must be an (n, H, W, 3) uint8 array, not {faces.shape} {faces.dtype}")
    if faces.size == 0:
        raise UsageError("there are no faces to draw: give at least one")
    return faces


def check_format(path: Path) -> None:
    """Raise UsageError where `save_picture` does not know the suffix of `path`."""
    if path.suffix.lower() not in _SAVING:
        raise UsageError(f"cannot save a picture as {path}: use one of {', '.join(_SAVING)}")


def save_picture(path: str | os.PathLike[str], picture: Pixels) -> None:
    """Save an (H, W, 3) uint8 picture, whole or not at all, as its suffix says: PNG, WebP or JPEG.

    Raises UsageError for another suffix, for what is no such picture or one that the format cannot hold,
    MinifacesError where `path` cannot be written."""
    path = Path(file_name("a picture to save", path))
    picture = check_picture(picture)
    check_format(path)
    name, longest, options = _SAVING[path.suffix.lower()]
    side = max(picture.shape[:2])
    if side > longest:
        raise UsageError(f"{path.suffix} holds at most {longest} pixels a side, not {side}: use .png")
    with atomic(path) as scratch:
        Image.fromarray(picture).save(scratch, format=name, **options)


def png_file(picture: Pixels) -> bytes:
    """What `save_picture` writes of an (H, W, 3) uint8 picture to a file whose suffix is .png."""
    name, _, options = _SAVING[".png"]
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format=name, **options)
    return file.getvalue()
