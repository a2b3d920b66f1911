"""What Pillow leaves undone with PNG files: a transparent value of another depth than 8 bits, notes it stumbles over
(also of a JPEG). The format: https://www.w3.org/TR/png-3/"""

import io
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SCALES = {"L;2": 85, "L;4": 17}  # from values to 8 bits, by Pillow's name of how they are stored


def stored_as(image: ImageFile.ImageFile) -> str:
    """Pillow's name of how an opened file, not loaded yet, stores its pixels: "RGB;16B". Of a PNG; else empty."""
    return str(image.tile[0].args) if image.format == "PNG" and image.tile else ""


def keyed_below(image: Image.Image, stored: str) -> bool:
    """Whether an image has one transparent value that its lower bytes are needed for."""
    return stored == "RGB;16B" and "transparency" in image.info


def take_key(image: Image.Image, stored: str, low: Image.Image | None) -> Image.Image | None:
    """The alpha, of mode L, of a loaded image's one transparent value where Pillow would not find its pixels; the image
    no longer has the value then. `low` are the lower bytes where it is `keyed_below`."""
    key = image.info.get("transparency")
    if key is None or (stored not in ("RGB;16B", *_SCALES) and not image.mode.startswith("I")):
        return None
    pixels = np.asarray(image).astype(np.int32)
    if low is not None:
        differs = (256 * pixels + np.asarray(low) != key).any(-1)
    else:
        differs = pixels != key * _SCALES.get(stored, 1)
    del image.info["transparency"]
    return Image.fromarray(np.where(differs, np.uint8(255), np.uint8(0)))


def lower_bytes(image: ImageFile.ImageFile) -> Image.Image:
    """The lower bytes of an opened RGB file of 16 bits, not loaded yet, as an RGB image."""
    image.tile = [image.tile[0]._replace(args="RGB;16L")]  # takes the second byte of two
    image.load()
    return image


def without_notes(file: Path | io.BytesIO) -> bytes | None:
    """A PNG file but for what is not its pixels, transparency and orientation, or a JPEG file but for its profile; None
    where there is nothing else, or of another format."""
    data = file.getvalue() if isinstance(file, io.BytesIO) else file.read_bytes()
    if data.startswith(b"\xff\xd8") and b"ICC_PROFILE\0" in data:
        return data.replace(b"ICC_PROFILE\0", b"ICC_PROFILE?")
    if not data.startswith(_SIGNATURE):
        return None
    kept, at = [_SIGNATURE], len(_SIGNATURE)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        kind = data[at + 4 : at + 8]
        sound = zlib.crc32(data[at + 4 : end - 4]) == int.from_bytes(data[end - 4 : end])
        needed = not kind[0] & 32  # a capital
        if needed or kind == b"tRNS" or (kind == b"eXIf" and sound):
            kept.append(data[at:end])
        at = end
    rest = b"".join(kept)
    return None if len(rest) >= min(at, len(data)) else rest
