"""How sharp a picture is: the blur of its own edges.

    blur_of(face)          # pixels, the sigma of the Gaussian that its edges look blurred with

A step blurred by sigma and then by the derivative of a Gaussian of s peaks at 1 / sqrt(sigma^2 + s^2), so that the
ratio of its slopes at two s tells sigma, whatever its height (Zhuo and Sim, "Defocus map estimation from a single
image", 2011). Only strong edges are asked."""

import numpy as np
from scipy.ndimage import gaussian_filter

from minifaces.arrays import Floats, Pixels
from minifaces.images import LUMA

FINE, COARSE = 0.8, 1.8  # pixels
STENCIL = 1 / 3  # pixels squared: central differences blur by as much themselves
ASKED = 0.03  # share of the pixels, those of the steepest slopes
TYPICAL = 35  # percentile of what they say: lines and corners look softer or sharper than they are


def blur_of(picture: Pixels) -> float:
    """Sigma in pixels of an (H, W, 3) uint8 picture, 0 (sharp) to 10; 10 where it has no edges at all."""
    luma: Floats = picture.astype(np.float32) @ LUMA.astype(np.float32)
    fine, coarse = (_slope(luma, s) for s in (FINE, COARSE))
    floor = np.partition(fine.ravel(), -max(1, int(ASKED * fine.size)))[-max(1, int(ASKED * fine.size))]
    edges = (fine >= max(floor, 1.0)) & (coarse > 0)
    if not edges.any():
        return 10.0
    near, far = FINE**2 + STENCIL, COARSE**2 + STENCIL
    ratio = np.clip((fine[edges] / coarse[edges]) ** 2, 1.0001, far / near)
    sigma = np.sqrt(np.clip((far - ratio * near) / (ratio - 1), 0, 100))
    return float(np.percentile(sigma, TYPICAL))


def _slope(luma: Floats, sigma: float) -> Floats:
    soft = gaussian_filter(luma, sigma, truncate=3.0)
    down, across = np.gradient(soft)
    slope: Floats = np.hypot(down, across)
    return slope
