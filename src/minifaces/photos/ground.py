"""What lies behind a head: a near-uniform or softly shaded ground, judged by the picture's border.

ground = fitted_ground(picture)            # (H, W, 3) float32, smooth
apart = distance(picture, ground)          # (H, W) float32, how unlike the ground a pixel is
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minifaces.arrays import Floats, Pixels

ROUNDS = 4  # of fitting, each without what fitted worst
WIDEST = 24.0  # of 255: residuals beyond are no ground, however many there are


def fitted_ground(picture: Pixels) -> Floats:
    """A quadratic in x and y for each channel, fitted to the border and blind to what does not belong to it."""
    height, width = picture.shape[:2]
    edge = max(1, min(height, width) // 40)
    border = np.zeros((height, width), bool)
    border[:edge] = border[-edge:] = border[:, :edge] = border[:, -edge:] = True
    rows, columns = np.nonzero(border)
    terms, values = _terms(rows, columns, height, width), picture[rows, columns].astype(np.float32)
    kept = np.abs(values - np.median(values, 0)).max(1) < 3 * WIDEST
    for _ in range(ROUNDS):
        if kept.sum() < 4 * terms.shape[1]:
            break
        # A little weight holds the curve straight where the border says nothing.
        weights = np.linalg.solve(
            terms[kept].T @ terms[kept] + 1e-3 * kept.sum() * np.diag([1e-3, 0.1, 0.1, 1, 1, 1]).astype(np.float32),
            terms[kept].T @ values[kept],
        )
        off = np.abs(values - terms @ weights).max(1)
        kept = off < np.clip(2.5 * np.median(off[kept]), 4.0, WIDEST)
    else:
        yy, xx = np.mgrid[:height, :width]
        whole = _terms(yy.ravel(), xx.ravel(), height, width) @ weights
        return np.clip(whole, 0, 255).reshape(height, width, 3).astype(np.float32)
    return np.broadcast_to(np.median(values, 0), (height, width, 3)).astype(np.float32)


def distance(picture: Pixels, ground: Floats) -> Floats:
    """The largest difference of the channels, 0 to 255."""
    return farthest(picture - ground)


def farthest(off: NDArray[Any]) -> NDArray[Any]:
    """The largest of three channels' absolute values, (..., 3) -> (...); much faster than `max(-1)`."""
    red, green, blue = np.abs(np.moveaxis(off, -1, 0))
    largest: NDArray[Any] = np.maximum(np.maximum(red, green), blue)
    return largest


def _terms(rows: NDArray[np.intp], columns: NDArray[np.intp], height: int, width: int) -> Floats:
    y = (rows / max(height - 1, 1) * 2 - 1).astype(np.float32)
    x = (columns / max(width - 1, 1) * 2 - 1).astype(np.float32)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1)
