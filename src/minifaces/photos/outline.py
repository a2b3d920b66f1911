"""Move a head's outline, found to within a few percent, to the edges that the picture shows there.

    box = snapped(picture, box)

Beside a wall of the head, at its stud's top and its neck's foot the picture changes along a straight line. Each side of
the box moves to where it does, if it does plainly, and stays where it does not."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from minifaces.arrays import Floats, Pixels
from minifaces.images import resize

Box = tuple[float, float, float, float]

SIDE = 128  # pixels at which edges are looked for
REACH = 0.07  # of the head's size: how far a side may move
# The part of the head along which each side is straight: the walls' height, the widths of stud and neck.
WALLS, STUD, NECK = (0.35, 0.68), (0.36, 0.64), (0.3, 0.7)
PLAIN = 5.0  # of 255 a pixel: the least slope that is an edge
CLEAR = 0.45  # of the steepest slope in reach: the outermost one that is as steep is the head's


def snapped(picture: Pixels, box: Box) -> Box:
    """A box (x0, y0, x1, y1) in a square (s, s, 3) uint8 picture, its sides on the edges near by."""
    scale = SIDE / picture.shape[0]
    small = resize(picture, SIDE, SIDE).astype(np.float32)
    x0, y0, x1, y1 = (v * scale for v in box)
    width, height = x1 - x0, y1 - y0
    rows = _span(y0, height, WALLS)
    left = _edge(small[rows].mean(0), x0, REACH * width, -1)
    right = _edge(small[rows].mean(0), x1, REACH * width, 1)
    top = _edge(small[:, _span(x0, width, STUD)].mean(1), y0, REACH * height, -1)
    bottom = _edge(small[:, _span(x0, width, NECK)].mean(1), y1, REACH * height, 1)
    return left / scale, top / scale, right / scale, bottom / scale


def _span(start: float, length: float, shares: tuple[float, float]) -> slice:
    first = min(max(0, round(start + shares[0] * length)), SIDE - 1)
    return slice(first, max(first + 1, min(SIDE, round(start + shares[1] * length))))


def _edge(profile: Floats, place: float, reach: float, outward: int) -> float:
    """Where the profile (SIDE, 3) changes most within reach of `place`, of equals the outermost; or `place` itself."""
    slope = np.abs(np.diff(gaussian_filter1d(profile, 0.8, axis=0), axis=0)).max(1)  # at 1, 2, ...
    low, high = int(np.ceil(place - reach)) - 1, int(np.floor(place + reach)) - 1
    if low < 1 or high > len(slope) - 2 or high <= low:
        return place  # cut off, or too near to the border to tell
    inner = slope[low : high + 1]
    peaks = [i for i in range(low, high + 1) if slope[i] >= slope[i - 1] and slope[i] > slope[i + 1]]
    plain = [i for i in peaks if slope[i] >= max(PLAIN, CLEAR * inner.max())]
    if not plain:
        return place
    best = min(plain) if outward < 0 else max(plain)
    around = slope[best - 1 : best + 2]
    shift = float((around[2] - around[0]) / max(2 * (2 * around[1] - around[0] - around[2]), 1e-6))
    return best + 1 + float(np.clip(shift, -0.5, 0.5))
