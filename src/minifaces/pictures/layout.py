"""Lay faces out in one picture: grids, strips, rows of pairs, captions.

Pure functions: (n, H, W, 3) uint8 faces in, one (height, width, 3) uint8 picture out.

    save_picture("recon.png", pairs(raw, reconstructed, columns=8))
"""

import math
import sys
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from minifaces.arrays import Pixels
from minifaces.checks import told, whole, word
from minifaces.errors import UsageError
from minifaces.images import check_faces
from minifaces.pictures.shown import Pictures

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)


def grid(faces: Pixels, columns: int | None = None, gap: int = 4, background: Colour = WHITE) -> Pictures:
    """Lay (n, H, W, 3) uint8 faces row by row, `gap` pixels apart: (height, width, 3) uint8.

    Without `columns` there are ceil(sqrt(n)). The end of an unfinished row is `background`.
    Raises UsageError for no faces, or impossible `columns`, `gap` or `background`."""
    faces = check_faces(faces)
    n, height, width, _ = faces.shape
    if columns is None:
        columns = math.ceil(math.sqrt(n))
    columns = min(whole("the number of columns", columns, 1, sys.maxsize), n)
    gap = whole("the gap", gap, 0, 10_000)
    rows = math.ceil(n / columns)
    picture = np.empty((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), np.uint8)
    picture[:] = _colour(background)
    for i, face in enumerate(faces):
        y, x = i // columns * (height + gap), i % columns * (width + gap)
        picture[y : y + height, x : x + width] = face
    return picture.view(Pictures)


def strip(faces: Pixels, gap: int = 0, background: Colour = WHITE) -> Pictures:
    """Lay (n, H, W, 3) uint8 faces side by side in one row, such as the steps of a morph."""
    faces = check_faces(faces)
    return grid(faces, columns=len(faces), gap=gap, background=background)


def pairs(above: Pixels, below: Pixels, columns: int = 10, gap: int = 4, background: Colour = WHITE) -> Pictures:
    """Lay each face of `above` on its partner of `below` (raw on reconstruction), `columns` to a row.

    Both are (n, H, W, 3) uint8. Partners touch; pairs are `gap` pixels apart."""
    above, below = check_faces(above), check_faces(below)
    if above.shape != below.shape:
        raise UsageError(f"pairs need equal shapes above and below, not {above.shape} and {below.shape}")
    return grid(np.concatenate([above, below], axis=1), columns, gap, background)


def captioned(faces: Pixels, captions: Sequence[str], background: Colour = WHITE) -> Pictures:
    """Write a line of text under each face: (n, H, W, 3) -> (n, H + line, W, 3) uint8, ready for `grid`.

    A caption that is too long is cut and ends in an ellipsis."""
    faces = check_faces(faces)
    if isinstance(captions, str) or not isinstance(captions, Iterable):
        raise UsageError(f"captions must be a list of texts, not {told(captions)}")
    lines = [word("a caption", caption) for caption in captions]
    if len(lines) != len(faces):
        raise UsageError(f"{len(faces)} faces need as many captions, not {len(lines)}")
    colour = _colour(background)
    n, height, width, _ = faces.shape
    size = max(9, height // 10)
    font = ImageFont.load_default(size)
    result = np.empty((n, height + size * 3 // 2, width, 3), np.uint8)
    for face, text, target in zip(faces, lines, result, strict=True):
        line = Image.new("RGB", (width, size * 3 // 2), colour)
        while text and font.getlength(text) > width:
            text = text.removesuffix("…")[:-1] + "…" if len(text) > 1 else ""
        ImageDraw.Draw(line).text((width / 2, size * 0.75), text, fill="black", font=font, anchor="mm")
        target[:height], target[height:] = face, np.asarray(line)
    return result.view(Pictures)


def _colour(colour: Colour) -> Colour:
    """Three ints, or a UsageError."""
    try:
        red, green, blue = colour
    except (TypeError, ValueError):
        raise UsageError(f"a background must be red, green and blue, not {told(colour)}") from None
    what = "each of a background's colours"
    return whole(what, red, 0, 255), whole(what, green, 0, 255), whole(what, blue, 0, 255)
