"""Sprite sheets: every face small, middling and whole, in few pictures, neighbours on the map side by side.

Of faces on white they hold what stands on it: the map has a ground of its own, light or dark."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from minifaces.arrays import Bools, Doubles, Pixels, Places
from minifaces.pictures.portrait import outer

_SMALLEST = 24  # pixels: less is no face
_SHEET = 2048  # pixels a side: what any graphics chip takes
_WHOLE_SHEET = 1024  # of the largest level, of which a near view needs a few only
_QUALITY = 84
_NEAR, _APART = 8, 40  # of 255, from the border's colour: so near is ground, so far a head that can be told from it
_RIM = 2  # pixels beside the ground that may be half of it
_REACH = 6  # pixels: so far off lies the head that a pixel of the rim may be half of
_WAYS = sorted(
    (
        (down, right)
        for down in range(-_REACH, _REACH + 1)
        for right in range(-_REACH, _REACH + 1)
        if down**2 + right**2 <= _REACH**2
    ),
    key=lambda way: (way[0] ** 2 + way[1] ** 2, way),
)
_WHITE = 240  # of 255, in every channel: grounds of other colours belong to their pictures
_LEAST, _MOST = 0.1, 0.9  # of a picture: with less ground, or more, it is taken for one that has none
_SELDOM = 0.1  # of the pictures have ground at a place: there a head is as white as its ground
_OPACITIES = 7  # steps from nothing to all: of more, files would be a third larger

Kind = TypeVar("Kind", bound=np.generic)


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
    heads = [Image.fromarray(head) for head in cut_out(pictures[order])]
    return [_level(heads, size, _WHOLE_SHEET if size == whole else _SHEET) for size in reversed(sizes)]


def _level(heads: list[Image.Image], size: int, side: int) -> Level:
    columns = rows = max(1, side // size)
    count = columns * rows
    return Level(
        size, columns, rows, [_sheet(heads[i : i + count], size, columns) for i in range(0, len(heads), count)]
    )


def _sheet(heads: list[Image.Image], size: int, columns: int) -> bytes:
    sheet = Image.new("RGBA", (columns * size, -(-len(heads) // columns) * size))
    for place, head in enumerate(heads):
        # Multiplied by its opacity while it is made smaller: else the ground's colour would come back at the edges.
        small = head.convert("RGBa").resize((size, size), Image.Resampling.LANCZOS).convert("RGBA")
        small.putalpha(small.getchannel("A").point(lambda a: round(round(a * _OPACITIES / 255) * 255 / _OPACITIES)))
        sheet.paste(small, (place % columns * size, place // columns * size))
    stream = io.BytesIO()
    sheet.save(stream, "WEBP", quality=_QUALITY, method=4)
    return stream.getvalue()


def cut_out(pictures: Pixels) -> Iterator[NDArray[np.uint8]]:
    """Each of (n, s, s, 3) uint8 pictures as (s, s, 4), with nothing where its ground was white; else opaque.

    A white head on a white ground has no outline. Nothing is taken away where nearly all of the pictures have no
    ground."""
    plain = [np.packbits(_ground(picture)) for picture in pictures]
    size = pictures.shape[1:3]
    area = size[0] * size[1]
    times = sum((np.unpackbits(one, count=area).astype(np.int64) for one in plain), np.zeros(area, np.int64))
    head = (times < _SELDOM * len(pictures)).reshape(size)
    for picture, one in zip(pictures, plain, strict=True):
        ground = np.unpackbits(one, count=area).reshape(size).astype(bool) & ~head
        yield _without(picture, ground if _LEAST < ground.mean() < _MOST else np.zeros_like(ground))


def _ground(picture: Pixels) -> Bools:
    """What hangs together with the border and has its colour, (s, s), if that is white."""
    if np.median(_border(picture), axis=0).min() < _WHITE:
        return np.zeros(picture.shape[:2], bool)
    return outer(_apart(picture) <= _NEAR)


def _without(picture: Pixels, plain: Bools) -> NDArray[np.uint8]:
    """(s, s, 4): nothing where it is `plain`, and a part of the pixels beside it."""
    ground = np.median(_border(picture), axis=0)
    # A pixel at the edge is a mixture of the ground and of the head beside it: how much is head, and of what colour?
    rim = _beside(plain, _RIM)
    over = picture - ground
    head = np.zeros_like(over)
    head[rim] = picture[_nearest(rim, ~plain & ~rim)] - ground
    share = (over * head).sum(axis=2) / np.maximum((head**2).sum(axis=2), 1)
    mixed = rim & (np.abs(head).max(axis=2) > _APART)
    opacity = np.where(plain, 0.0, np.where(mixed, np.clip(share, 0, 1), 1.0))[..., None]
    colour = np.where(opacity > 0, ground + over / np.maximum(opacity, 1e-3), picture)
    cut: NDArray[np.uint8] = np.rint(np.concatenate([colour, 255 * opacity], axis=2)).clip(0, 255).astype(np.uint8)
    return cut


def _beside(mask: Bools, steps: int) -> Bools:
    """What is at most so many steps, along rows and columns, outside of a mask (H, W)."""
    grown = mask
    for _ in range(steps):
        wide = np.pad(grown, 1)
        grown = grown | wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
    return grown & ~mask


def _nearest(asking: Bools, solid: Bools) -> tuple[Places, Places]:
    """Rows and columns of the solid pixel nearest to each that asks; itself where none is within `_REACH`."""
    rows, columns = np.nonzero(asking)
    found = (rows.copy(), columns.copy())
    looking = np.ones(len(rows), bool)
    wide = np.pad(solid, _REACH)
    for down, right in _WAYS:
        hit = looking & wide[rows + down + _REACH, columns + right + _REACH]
        found[0][hit] += down
        found[1][hit] += right
        looking &= ~hit
    return found


def _apart(picture: Pixels) -> Doubles:
    """How far each pixel is from the border's middle colour, (s, s), of 255: in the channel where it is farthest."""
    return np.asarray(np.abs(picture - np.median(_border(picture), axis=0)).max(axis=2), np.float64)


def _border(values: NDArray[Kind]) -> NDArray[Kind]:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
