"""What a framed face looks like at a glance: how bright the head is, and what is behind it.

ground_colour(face)  # "white"
brightness(face)     # 0.62"""

import numpy as np

from minifaces.arrays import Pixels
from minifaces.images import LUMA, resize

_SIDE = 48  # pixels a side that are looked at


def ground_colour(face: Pixels) -> str:
    """What is behind a head: "white", "light", "grey", "dark" or "coloured", by the median of the upper border."""
    small = _small(face)
    border = np.concatenate([small[:2].reshape(-1, 3), small[: _SIDE // 2, :2].reshape(-1, 3)])
    border = np.concatenate([border, small[: _SIDE // 2, -2:].reshape(-1, 3)])
    colour = np.median(border, axis=0)
    if np.ptp(colour) > 40:
        return "coloured"
    level = colour.mean()
    return "white" if level >= 240 else "light" if level >= 190 else "grey" if level >= 90 else "dark"


def brightness(face: Pixels) -> float:
    """The mean luma of the middle of a face, 0 to 1."""
    return round(float((_middle(face) @ LUMA).mean() / 255), 4)


def _small(face: Pixels) -> Pixels:
    return resize(face, _SIDE, _SIDE)


def _middle(face: Pixels) -> Pixels:
    """Where the head is, whatever its fill: the inner half of the height and of the width."""
    quarter = _SIDE // 4
    return _small(face)[quarter:-quarter, quarter:-quarter]
