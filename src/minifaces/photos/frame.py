"""Bring a head into the frame of composed faces: centred, of their fill, on a square that its ground fills.

framed = frame(picture, 128)
framed.picture, framed.box, framed.sure
"""

from typing import NamedTuple

import numpy as np

from minifaces.images import Pixels, resize
from minifaces.photos.folder import Box
from minifaces.photos.ground import distance, fitted_ground

FILL = 0.86  # share of the square's height that the head fills, in the middle of composed faces' range
APART = 18.0  # of 255, from the ground
LOOKED_AT = 128


class Framed(NamedTuple):
    """A head brought into a square."""

    picture: Pixels
    """(size, size, 3) uint8."""
    box: Box
    """The head's outline in the picture that was given."""
    sure: float
    """0 to 1: how much the outline is worth."""


def frame(picture: Pixels, size: int) -> Framed:
    """Find the head in an (H, W, 3) uint8 picture and frame it, size x size."""
    height, width = picture.shape[:2]
    scale = min(1.0, LOOKED_AT / max(height, width))
    small = resize(picture, max(1, round(height * scale)), max(1, round(width * scale)))
    apart = distance(small, fitted_ground(small)) > APART
    rows, columns = np.flatnonzero(apart.mean(1) > 0.02), np.flatnonzero(apart.mean(0) > 0.02)
    if not len(rows) or not len(columns):
        box, sure = Box(0, 0, width, height), 0.0
    else:
        edges = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) / scale
        x0, y0, x1, y1 = (int(v) for v in edges.round())
        box = Box(x0, y0, min(max(x1, x0 + 1), width), min(max(y1, y0 + 1), height))
        sure = float(apart.sum() / (len(rows) * len(columns)) > 0.5)
    return Framed(cut_out(picture, box, size), box, sure)


def cut_out(picture: Pixels, box: Box, size: int) -> Pixels:
    """The square about a head's box as (size, size, 3); what lies outside of the picture shows its ground."""
    side = max(box.height / FILL, box.width / 0.96)
    left, top = (box.x0 + box.x1 - side) / 2, (box.y0 + box.y1 - side) / 2
    pad = [
        max(0, int(np.ceil(v))) for v in (-top, top + side - picture.shape[0], -left, left + side - picture.shape[1])
    ]
    if any(pad):
        ground = np.median(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]), 0)
        padded = np.empty((picture.shape[0] + pad[0] + pad[1], picture.shape[1] + pad[2] + pad[3], 3), np.uint8)
        padded[:] = ground.round().astype(np.uint8)
        padded[pad[0] : pad[0] + picture.shape[0], pad[2] : pad[2] + picture.shape[1]] = picture
        picture = padded
    y, x, s = round(top) + pad[0], round(left) + pad[2], max(1, round(side))
    return resize(picture[max(0, y) : y + s, max(0, x) : x + s], size, size)
