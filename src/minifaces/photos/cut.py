"""Find pictures that show several heads side by side or in rows, and where to cut them apart.

    boxes = find_heads(picture)      # one box a head, row by row; a picture of one head is one box: the whole of it

Heads are found by what they look like (minifaces.photos.finder), so that heads that touch are told apart and a wide one
stays whole. Cuts run midway between neighbours."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from minifaces.arrays import Pixels
from minifaces.photos.finder import SHORT, Seen, detect
from minifaces.photos.workfolder import Box

SURE = 0.93  # how sure a head must be for a cut to be made: a picture is better whole than in two by mistake
SMALL = 0.55  # of the picture's shorter side: heads that are less high are looked at again, twice as large


def find_heads(picture: Pixels, seen: Sequence[Seen] | None = None) -> list[Box]:
    """Cut an (H, W, 3) uint8 picture into cells with one head each: at least one box, in reading order. `seen` is what
    `detect` sees in it, where that is known already."""
    height, width = picture.shape[:2]
    heads = _sure(detect([picture])[0] if seen is None else seen)
    if len(heads) > 1 and np.median([h.box[3] - h.box[1] for h in heads]) < SMALL * min(height, width):
        heads = _sure(detect([picture], short=2 * SHORT)[0])
    if len(heads) < 2:
        return [Box(0, 0, width, height)]
    boxes = []
    rows = _rows(heads)
    downward = _cuts([(min(h.box[1] for h in row), max(h.box[3] for h in row)) for row in rows], height)
    for row, (top, bottom) in zip(rows, downward, strict=True):
        across = _cuts([(head.box[0], head.box[2]) for head in row], width)
        boxes += [Box(left, top, right, bottom) for left, right in across]
    return [box for box in boxes if box.width > 0 and box.height > 0]


def _sure(heads: Sequence[Seen]) -> list[Seen]:
    return [head for head in heads if head.sure >= SURE]


def _rows(heads: Sequence[Seen]) -> list[list[Seen]]:
    """Heads in rows from top to bottom, each from left to right: a head whose middle is within another's height is in
    its row."""
    rows: list[list[Seen]] = []
    for head in sorted(heads, key=lambda h: h.box[1] + h.box[3]):
        middle = (head.box[1] + head.box[3]) / 2
        if rows and any(other.box[1] < middle < other.box[3] for other in rows[-1]):
            rows[-1].append(head)
        else:
            rows.append([head])
    return [sorted(row, key=lambda h: h.box[0] + h.box[2]) for row in rows]


def _cuts(spans: Sequence[tuple[float, float]], length: int) -> list[tuple[int, int]]:
    """Cells from 0 to `length` that part midway between one span's end and the next one's beginning."""
    between = [round((a[1] + b[0]) / 2) for a, b in pairwise(spans)]
    edges = [0, *(min(max(cut, 0), length) for cut in between), length]
    return list(pairwise(edges))
