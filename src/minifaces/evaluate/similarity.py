"""How alike two pictures are: one number for each pair of a stack, and a weight that says which pixels count.

    psnr(true, made)                 # (n,) dB
    ssim(true, made, coverage)       # (n,) on the head alone
    edge_f1(true, made, coverage)    # (n,) are the printed lines where they belong?

Pictures are (n, H, W, 3) uint8 sRGB, weights (n, H, W) in [0, 1]. A picture whose weights are all zero has no value:
NaN. Wrong shapes, kinds or weights raise UsageError."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minifaces.arrays import Bools, Doubles, Floats, Pixels
from minifaces.errors import UsageError
from minifaces.images import LUMA

BEST_PSNR = 100.0
"""Decibels of equal pictures, whose PSNR is infinite: a mean over pictures should survive one of them."""

_WINDOW = 7
_MARGIN = _WINDOW // 2
_LUMA = LUMA.astype(np.float32) / 255
_BLOCK = 4  # pictures worked on at a time: what a processor's cache holds at 128 pixels a side


def psnr(true: Pixels, made: Pixels, weight: ArrayLike | None = None) -> Doubles:
    """Peak signal to noise ratio of each pair, (n,) decibels: 10 log10(255^2 / weighted mean squared error).

    The mean is over pixels and the three channels; equal pictures get BEST_PSNR, and none gets more."""
    return _each(_psnr, true, made, weight)


def ssim(true: Pixels, made: Pixels, weight: ArrayLike | None = None) -> Doubles:
    """Structural similarity of each pair, (n,) in [-1, 1], 1 for equal pictures: per colour channel

        (2 mx my + C1) (2 cxy + C2) / ((mx^2 + my^2 + C1) (vx + vy + C2)),  C1 = 0.01^2, C2 = 0.03^2

    with means m, variances v and covariance c over 7 x 7 windows (uniform, values scaled to [0, 1]), then the mean
    over channels and over all windows wholly inside the picture: Wang, Bovik, Sheikh and Simoncelli, "Image quality
    assessment", IEEE Trans. Image Processing 13, 2004. A window counts with the weight of its central pixel, but
    sees its neighbours whatever their weight."""
    if np.ndim(true) == 4 and min(np.shape(true)[1:3]) < _WINDOW:
        raise UsageError(f"SSIM needs pictures of at least {_WINDOW} pixels a side, not {np.shape(true)[1:3]}")
    return _each(_ssim, true, made, weight)


def edge_f1(
    true: Pixels, made: Pixels, weight: ArrayLike | None = None, threshold: float = 0.1, tolerance: int = 1
) -> Doubles:
    """Agreement of the edges of each pair, (n,) in [0, 1]: the F1 score of made's edge pixels against true's.

    An edge is a ridge, one pixel wide, in the Sobel slope of the luma (of sRGB values, Rec. 709) that is at least
    `threshold` high, in units in which a sharp step measures its own height: 0.1 keeps dark ink on a dark head and
    leaves most shading out. Precision is the share of made's edge pixels that have one of true within `tolerance`
    pixels (in each direction, so a square), recall the share of true's that have one of made; F1 = 2 P R / (P + R) as
    in Martin, Fowlkes and Malik, "Learning to detect natural image boundaries", PAMI 26, 2004, but by dilation
    instead of their one-to-one matching. Without edges in both pictures it is 1, in one of them 0."""
    from scipy.ndimage import maximum_filter  # what else is here does without SciPy

    if not threshold > 0 or tolerance < 0:
        raise UsageError(
            f"edges need a threshold above 0 and a tolerance of at least 0, not {threshold} and {tolerance}"
        )

    def block(true: Pixels, made: Pixels, weight: Floats) -> Doubles:
        edges = [_edges(faces, threshold) for faces in (true, made)]
        size = (1, 2 * tolerance + 1, 2 * tolerance + 1)
        near = [maximum_filter(e, size=size) if tolerance else e for e in edges]

        def count(mask: Bools) -> Doubles:
            return _sum(mask * weight)

        in_true, in_made = count(edges[0]), count(edges[1])
        recall = _ratio(count(edges[0] & near[1]), in_true, 0.0)
        precision = _ratio(count(edges[1] & near[0]), in_made, 0.0)
        score = _ratio(2 * precision * recall, precision + recall, 0.0)
        score[(in_true == 0) & (in_made == 0)] = 1
        score[_sum(weight) == 0] = np.nan
        return score

    return _each(block, true, made, weight)


def _psnr(true: Pixels, made: Pixels, weight: Floats) -> Doubles:
    apart = true.astype(np.int32) - made
    error = _mean((apart**2).sum(-1) / 3, weight)
    decibels: Doubles = np.minimum(10 * np.log10(255**2 / np.maximum(error, 1e-9)), BEST_PSNR)
    return decibels


def _ssim(true: Pixels, made: Pixels, weight: Floats) -> Doubles:
    # On the scale of 0 to 255 the sums over windows are whole numbers below 2^24, exact in float32.
    x, y = true.astype(np.float32), made.astype(np.float32)
    area = np.float32(_WINDOW**2)
    mx, my = _windows(x) / area, _windows(y) / area
    product, squares = mx * my, mx * mx + my * my
    covariance = _windows(x * y) / area - product
    variances = _windows(x * x + y * y) / area - squares
    c1, c2 = np.float32((0.01 * 255) ** 2), np.float32((0.03 * 255) ** 2)
    alike = (2 * product + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2))
    inner = slice(_MARGIN, -_MARGIN)
    return _mean(alike.mean(-1), weight[:, inner, inner])


def _windows(values: Floats) -> Floats:
    """Sums over all 7 x 7 windows inside: (n, H, W, 3) -> (n, H - 6, W - 6, 3)."""
    for axis in (1, 2):
        length = values.shape[axis] - _WINDOW + 1
        shifted = [values[(slice(None),) * axis + (slice(i, i + length),)] for i in range(_WINDOW)]
        total = shifted[0] + shifted[1]
        for more in shifted[2:]:
            total += more
        values = total
    return values


def _edges(faces: Pixels, threshold: float) -> Bools:
    """Where the luma's slope is at least `threshold` and no less than its neighbours' to both sides of the edge:
    (n, H, W). Of two equal ones, as along a sharp step, the one to the right or below is taken."""
    luma = np.pad(faces.astype(np.float32) @ _LUMA, ((0, 0), (1, 1), (1, 1)), mode="edge")
    across, down = luma[:, :, 2:] - luma[:, :, :-2], luma[:, 2:] - luma[:, :-2]
    x = (across[:, :-2] + 2 * across[:, 1:-1] + across[:, 2:]) / 4
    y = (down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:]) / 4
    slope = np.hypot(x, y)
    around = np.pad(slope, ((0, 0), (1, 1), (1, 1)))
    ridge_x = (slope >= around[:, 1:-1, :-2]) & (slope > around[:, 1:-1, 2:])
    ridge_y = (slope >= around[:, :-2, 1:-1]) & (slope > around[:, 2:, 1:-1])
    return (slope >= threshold) & np.where(np.abs(x) >= np.abs(y), ridge_x, ridge_y)


def _each(
    block: Callable[[Pixels, Pixels, Floats], Doubles], true: Pixels, made: Pixels, weight: ArrayLike | None
) -> Doubles:
    """Check the stacks and work through them a few pictures at a time: (n,)."""
    true, made = np.asarray(true), np.asarray(made)
    for name, faces in (("true", true), ("made", made)):
        if faces.ndim != 4 or faces.shape[3] != 3 or faces.dtype != np.uint8:
            raise UsageError(f"{name} pictures must be an (n, H, W, 3) uint8 array, not {faces.shape} {faces.dtype}")
    if true.shape != made.shape:
        raise UsageError(f"true and made pictures must have one shape, not {true.shape} and {made.shape}")
    if weight is None:
        weights = np.broadcast_to(np.float32(1), true.shape[:3])
    else:
        weights = np.asarray(weight, np.float32)
        if weights.shape != true.shape[:3]:
            raise UsageError(f"weights must be {true.shape[:3]}, one for each pixel, not {weights.shape}")
        if not ((weights >= 0) & (weights <= 1)).all():
            raise UsageError("weights must be from 0 to 1")
    parts = [slice(start, start + _BLOCK) for start in range(0, len(true), _BLOCK)]
    return np.concatenate([np.zeros(0), *(block(true[s], made[s], weights[s]) for s in parts)])


def _mean(values: NDArray[np.floating], weight: Floats) -> Doubles:
    """The weighted mean over the last two axes, (n,); NaN where all weights are zero."""
    return _ratio(_sum(values * weight), _sum(weight), np.nan)


def _ratio(top: Doubles, bottom: Doubles, otherwise: float) -> Doubles:
    """top / bottom, and `otherwise` where bottom is 0."""
    ratio = np.full(len(top), otherwise)
    np.divide(top, bottom, where=bottom > 0, out=ratio)
    return ratio


def _sum(values: NDArray[np.floating]) -> Doubles:
    sums: Doubles = values.sum((1, 2), dtype=np.float64)
    return sums
