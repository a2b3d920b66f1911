"""Bring a head into the frame of composed faces: centred, of their fill, on a square that its ground fills.

framed = frame(picture, 128)
framed.picture, framed.box, framed.sure
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minifaces.arrays import Pixels
from minifaces.images import resize
from minifaces.photos.finder import Seen, detect
from minifaces.photos.ground import distance, farthest, fitted_ground
from minifaces.photos.outline import snapped
from minifaces.photos.workfolder import Box
from minifaces.smallnets import overlap

FILL = 0.86  # share of the square's height that the head fills, in the middle of composed faces' range
WIDEST = 0.98  # share of its width that a head may take
PASSES, STILL = 2, 0.9  # most detections from near by; one is enough where the outline moves by no more
NEARER = 1.3  # the next detection is of the head with so much around it
APART = 18.0  # of 255, from the ground: what is taken for the thing where no head is found
LOOKED_AT = 96
LONGEST = 6144  # pixels a side of a picture that is framed as it is: squares about longer ones would take gigabytes


class Framed(NamedTuple):
    """A head brought into a square."""

    picture: Pixels
    """(size, size, 3) uint8."""
    box: Box
    """The head's outline in the picture that was given; reaches beyond it where the head is cut off."""
    sure: float
    """0 to 1: that this is a bare head. 0 where none was found, and whatever stands on the ground was framed."""


def frame(picture: Pixels, size: int, seen: Sequence[Seen] | None = None) -> Framed:
    """Find the head in an (H, W, 3) uint8 picture and frame it: padded with ground, never stretched. `seen` is what
    `detect` sees in it, where that is known already."""
    height, width = picture.shape[:2]
    if (scale := LONGEST / max(height, width)) < 1:
        small = resize(picture, max(1, round(height * scale)), max(1, round(width * scale)))
        framed = frame(small, size)
        across, down = width / small.shape[1], height / small.shape[0]
        x0, y0, x1, y1 = framed.box
        return framed._replace(box=Box(round(x0 * across), round(y0 * down), round(x1 * across), round(y1 * down)))
    head = find_head(picture, seen)
    if head is None:
        box, sure = thing(picture), 0.0
    else:
        box, sure = Box(*(round(v) for v in head.box)), head.sure
    return Framed(cut_out(picture, head.box if head else box, size), box, sure)


def find_head(picture: Pixels, seen: Sequence[Seen] | None = None) -> Seen | None:
    """The largest head, looked at twice: the second time from near by, which places its outline better."""
    heads = detect([picture])[0] if seen is None else seen
    if not heads:
        return None
    head = heads[0]
    for _ in range(PASSES):
        left, top, side = _about(head.box)
        near = crop(picture, left, top, side)
        (again,) = detect([near])
        seen = [h._replace(box=moved(h.box, left, top)) for h in again]
        same = [h for h in seen if overlap(h.box, head.box) > 0.4]
        if not same:
            break
        still = overlap(same[0].box, head.box) > STILL
        head = same[0]
        if still:
            break
    left, top, side = _about(head.box)
    box = moved(snapped(crop(picture, left, top, side), moved(head.box, -left, -top)), left, top)
    # A side that is out of the picture stays there: what looks like its edge is the picture's own.
    beyond = (head.box[0] < 0, head.box[1] < 0, head.box[2] > picture.shape[1], head.box[3] > picture.shape[0])
    x0, y0, x1, y1 = (old if out else new for old, new, out in zip(head.box, box, beyond, strict=True))
    return head._replace(box=(x0, y0, x1, y1))


def _about(box: tuple[float, float, float, float]) -> tuple[int, int, int]:
    """Left, top and side of the square that a head is looked at in."""
    x0, y0, x1, y1 = box
    side = max(8, round(NEARER * max(x1 - x0, y1 - y0)))
    return round((x0 + x1 - side) / 2), round((y0 + y1 - side) / 2), side


def moved(box: tuple[float, float, float, float], x: float, y: float) -> tuple[float, float, float, float]:
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def thing(picture: Pixels) -> Box:
    """Whatever stands on the ground, or the whole picture where all of it might be ground or none."""
    height, width = picture.shape[:2]
    scale = min(1.0, LOOKED_AT / max(height, width))
    small = resize(picture, max(1, round(height * scale)), max(1, round(width * scale)))
    apart = distance(small, fitted_ground(small)) > APART
    rows, columns = np.flatnonzero(apart.mean(1) > 0.02), np.flatnonzero(apart.mean(0) > 0.02)
    if not len(rows) or not len(columns):
        return Box(0, 0, width, height)
    x0, y0 = round(columns[0] / scale), round(rows[0] / scale)
    x1, y1 = min(width, round((columns[-1] + 1) / scale)), min(height, round((rows[-1] + 1) / scale))
    return Box(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))


def cut_out(picture: Pixels, box: tuple[float, float, float, float], size: int) -> Pixels:
    """The square about a head's box as (size, size, 3)."""
    x0, y0, x1, y1 = box
    side = max(1, round(max((y1 - y0) / FILL, (x1 - x0) / WIDEST)))
    left, top = round((x0 + x1 - side) / 2), round((y0 + y1 - side) / 2)
    return resize(crop(picture, left, top, side), size, size)


def crop(picture: Pixels, left: int, top: int, side: int) -> Pixels:
    """A square of a picture; where it reaches beyond, the ground goes on."""
    height, width = picture.shape[:2]
    side = min(side, 2 * max(height, width, 64))  # nothing sensible can be that much larger than its picture
    inner = picture[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)]
    if inner.shape[:2] == (side, side):
        return inner
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    if inner.size == 0:
        return picture[rows[:, None], columns[None]]
    above, before = max(0, -top), max(0, -left)
    below, after = above + inner.shape[0], before + inner.shape[1]
    upper, lower, first, last = _grounds(picture)
    padded = np.empty((side, side, 3), np.uint8)
    padded[above:below, before:after] = inner
    padded[:above], padded[below:] = upper[columns], lower[columns]
    padded[above:below, :before] = first[rows[above:below], None]
    padded[above:below, after:] = last[rows[above:below], None]
    return padded


def _grounds(picture: Pixels) -> Sequence[Pixels]:
    """What goes on beyond the upper, lower, left and right side: the side, where it is ground, and the ground's own
    colour where a head is cut off."""
    sides = (picture[0], picture[-1], picture[:, 0], picture[:, -1])
    colour = np.median(np.concatenate(sides), 0)
    off = (farthest(side.astype(np.int16) - colour.astype(np.int16)) > 2 * APART for side in sides)
    plain = colour.round().astype(np.uint8)
    return [np.where(far[:, None], plain, side) for far, side in zip(off, sides, strict=True)]
