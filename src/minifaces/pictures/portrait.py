"""One face as a picture file: any size, and any ground behind the head. The same arguments give the same bytes.

portrait(face, 256, "png")                          # as it is
portrait(face, 64, "webp", background="clear")      # nothing behind the head
portrait(face, 512, "svg", background="ffd500")     # a colour"""

import base64
import io
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from minifaces.arrays import Bools, Pixels
from minifaces.checks import one_of, told, whole
from minifaces.errors import UsageError
from minifaces.images import check_picture

KINDS = {"png": "image/png", "webp": "image/webp", "jpg": "image/jpeg", "svg": "image/svg+xml"}
_SUFFIXES = {".png": "png", ".webp": "webp", ".jpg": "jpg", ".jpeg": "jpg", ".svg": "svg"}
SMALLEST, LARGEST = 8, 4096
CLEAR = "clear"
_NEAR, _FAR = 10, 42  # of 441: colours so near the border's are ground, so far they are head; as web/src/ui/picture.ts
_HEX = re.compile("#?([0-9a-fA-F]{6})")


def kind_of(path: Path) -> str:
    """The kind of a file's name. Raises UsageError where its suffix is of none."""
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"cannot save a face as {path}: use one of {', '.join(_SUFFIXES)}")
    return kind


def portrait(face: Pixels, size: int | None = None, kind: str = "png", background: str | None = None) -> bytes:
    """The file of an (H, W, 3) uint8 face, `size` (8 to 4096) pixels a side, as it is without one.

    `kind` is one of png, webp, jpg and svg (which holds a PNG). `background` is a colour of six hexadecimal digits or
    "clear", which a jpg cannot be; without one the ground stays as it is. Raises UsageError for anything else."""
    picture = check_picture(face)
    ground = check(size, kind, background)
    side = picture.shape[0] if size is None else size
    image = Image.fromarray(picture)
    if ground is not None:
        image = Image.fromarray(cleared(picture))
    if side != image.width:
        shrunk = image.convert("RGBa") if image.mode == "RGBA" else image  # the ground's colour must not come back
        image = shrunk.resize((side, side), Image.Resampling.LANCZOS).convert(image.mode)
    if isinstance(ground, tuple):
        behind = Image.new("RGBA", image.size, ground)
        image = Image.alpha_composite(behind, image).convert("RGB")
    return _svg(image) if kind == "svg" else _encoded(image, kind)


def check(size: int | None, kind: str, background: str | None) -> str | tuple[int, int, int] | None:
    """The background, as `portrait` understands it. Raises UsageError for what it would refuse."""
    one_of("kind", kind, list(KINDS))
    if size is not None:
        whole("a portrait's size", size, SMALLEST, LARGEST)
    return None if background is None else _colour(background, kind)


def png(picture: Pixels) -> bytes:
    """The file of an (H, W, 3) uint8 picture."""
    return _encoded(Image.fromarray(check_picture(picture)), "png")


def jpeg(picture: Pixels) -> bytes:
    """The file of an (H, W, 3) uint8 picture, a quarter of the size of a PNG."""
    return _encoded(Image.fromarray(check_picture(picture)), "jpg")


def _encoded(image: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    if kind == "png":
        image.save(stream, "PNG", compress_level=3)  # in 2 ms where 6 takes 5 for a tenth less
    elif kind == "webp":
        image.save(stream, "WEBP", quality=92, method=2)
    else:
        image.save(stream, "JPEG", quality=92, subsampling=0)  # coloured print lines blur when subsampled
    return stream.getvalue()


def _svg(image: Image.Image) -> bytes:
    held = base64.b64encode(_encoded(image, "png")).decode()
    side = image.width
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" viewBox="0 0 {side} {side}">'
        f'<image width="{side}" height="{side}" href="data:image/png;base64,{held}"/></svg>\n'
    ).encode()


def _colour(text: str, kind: str) -> str | tuple[int, int, int]:
    """Red, green and blue of a background, or "clear"."""
    if text == CLEAR:
        if kind == "jpg":
            raise UsageError('a jpg has no clear ground: use png, webp or svg, or a colour such as "ffffff"')
        return CLEAR
    found = _HEX.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise UsageError(f'a background is six hexadecimal digits, as ffd500, or "clear", not {told(text)}')
    red, green, blue = bytes.fromhex(found[1])
    return red, green, blue


def cleared(face: Pixels) -> NDArray[np.uint8]:
    """An (H, W, 3) uint8 face with nothing where its ground was, (H, W, 4): what hangs together with the border and
    has its colour, the more of it the nearer."""
    border = np.concatenate([face[0], face[-1]])
    far = np.sqrt(((face - np.median(border, axis=0)) ** 2).sum(axis=2))
    ground = outer(far <= _FAR)
    share = np.where(ground, np.clip((far - _NEAR) / (_FAR - _NEAR), 0, 1), 1.0)
    return np.concatenate([face, np.rint(255 * share)[..., None].astype(np.uint8)], axis=2)


def outer(mask: Bools) -> Bools:
    """What of a mask (H, W) hangs together with the border, (H, W)."""
    found = mask.copy()
    found[1:-1, 1:-1] = False
    while True:
        before = np.count_nonzero(found)
        found = _along(mask.T, _along(mask, found).T).T
        if np.count_nonzero(found) == before:
            return found


def _along(mask: Bools, found: Bools) -> Bools:
    """All of each row's runs of the mask (H, W) that something is found in, (H, W)."""
    starts = mask.copy()
    starts[:, 1:] &= ~mask[:, :-1]
    run = np.cumsum(starts).reshape(mask.shape)
    reached = np.zeros(run[-1, -1] + 1, bool)
    reached[run[found]] = True
    return mask & reached[run]
