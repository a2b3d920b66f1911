"""Sprite sheets: every face small, middling and whole, in few pictures, neighbours on the map side by side."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from minifaces.arrays import Pixels, Places
from minifaces.images import resize

_SMALLEST = 24  # pixels: less is no face
_SHEET = 2048  # pixels a side: what any graphics chip takes
_WHOLE_SHEET = 1024  # of the largest level, of which a near view needs a few only
_QUALITY = 84


@dataclass(frozen=True)
class Level:
    """All faces at one size. A sheet has `columns` faces a row and `rows` rows, the last one maybe fewer."""

    size: int
    columns: int
    rows: int
    sheets: list[bytes]
    """WebP"""


def place(cells: NDArray[np.floating]) -> Places:
    """Which place on the sheets each face has, (n,), by its (n, 2) cell on the map's grid: along a Z-shaped curve
    (Morton, 1966), so that a square of the map lies on few sheets."""
    codes = np.zeros(len(cells), np.int64)
    column, row = cells.astype(np.int64).T
    for bit in range(16):
        codes |= (column >> bit & 1) << 2 * bit | (row >> bit & 1) << 2 * bit + 1
    slots = np.empty(len(cells), np.int64)
    slots[np.argsort(codes, kind="stable")] = np.arange(len(cells))
    return slots


def levels(pictures: Pixels, slots: Places) -> list[Level]:
    """The sheets at every size, the smallest first: (n, size, size, 3) uint8 pictures and their places."""
    whole = pictures.shape[1]
    sizes = [whole]
    while sizes[-1] // 2 >= _SMALLEST and len(sizes) < 3:
        sizes.append(sizes[-1] // 2)
    order = np.argsort(slots)
    return [_level(pictures, order, size, _WHOLE_SHEET if size == whole else _SHEET) for size in reversed(sizes)]


def _level(pictures: Pixels, order: Places, size: int, side: int) -> Level:
    columns = rows = max(1, side // size)
    starts = range(0, len(order), columns * rows)
    return Level(size, columns, rows, [_sheet(pictures, order[i : i + columns * rows], size, columns) for i in starts])


def _sheet(pictures: Pixels, faces: Places, size: int, columns: int) -> bytes:
    sheet = np.full((-(-len(faces) // columns) * size, columns * size, 3), 255, np.uint8)
    for place, face in enumerate(faces):
        y, x = place // columns * size, place % columns * size
        sheet[y : y + size, x : x + size] = resize(pictures[face], size, size)
    stream = io.BytesIO()
    Image.fromarray(sheet).save(stream, "WEBP", quality=_QUALITY, method=4)
    return stream.getvalue()
