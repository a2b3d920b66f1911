"""What a framed face looks like at a glance: the head's colour and light, the ground behind it.

    head_colour(face)    # "yellow"
    brightness(face)     # 0.62

Colours are compared in OKLab (Ottosson 2020, bottosson.github.io/posts/oklab), where equal steps look equal."""

import numpy as np
from numpy.typing import NDArray

from minifaces.images import Pixels, resize

Floats = NDArray[np.float64]

_PLASTICS = {
    "yellow": (250, 202, 12),
    "light nougat": (244, 208, 184),
    "nougat": (204, 150, 112),
    "medium brown": (172, 126, 84),
    "brown": (108, 58, 30),
    "dark brown": (74, 48, 30),
    "white": (242, 242, 240),
    "light grey": (170, 174, 178),
    "dark grey": (100, 104, 108),
    "black": (32, 32, 36),
    "red": (190, 25, 20),
    "orange": (235, 125, 25),
    "tan": (222, 200, 150),
    "lime": (165, 200, 60),
    "green": (40, 130, 65),
    "olive": (125, 125, 85),
    "light blue": (130, 185, 225),
    "blue": (25, 85, 175),
    "purple": (110, 60, 150),
    "pink": (235, 140, 180),
}
_SIDE = 48  # pixels a side that are looked at
_LIGHTNESS = 0.4  # weight of a difference in lightness, which shading changes, against one in hue and strength
_BIN = 0.03  # of OKLab, in which the most frequent colour is looked for


def head_colour(face: Pixels) -> str:
    """The name of a head's plastic: of the most frequent colour in the middle of an (H, W, 3) uint8 face."""
    colours = _oklab(_middle(face).reshape(-1, 3))
    cells, which = np.unique(np.floor(colours / _BIN).astype(int), axis=0, return_inverse=True)
    counts = np.bincount(which.ravel())
    # A colour may lie across the edge between cells: each counts with its neighbours.
    near = (np.abs(cells[:, None] - cells).max(2) <= 1) @ counts
    main = colours[(np.abs(cells[which.ravel()] - cells[np.argmax(near)]).max(1)) <= 1].mean(0)
    apart = ((main - _NAMED) * [_LIGHTNESS, 1, 1]) ** 2
    return list(_PLASTICS)[int(apart.sum(1).argmin())]


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
    return round(float((_middle(face) @ [0.2126, 0.7152, 0.0722]).mean() / 255), 4)


def _small(face: Pixels) -> Pixels:
    return resize(face, _SIDE, _SIDE)


def _middle(face: Pixels) -> Pixels:
    """Where the head is, whatever its fill: the inner half of the height and of the width."""
    quarter = _SIDE // 4
    return _small(face)[quarter:-quarter, quarter:-quarter]


def _oklab(srgb: NDArray[np.integer]) -> Floats:
    """(n, 3) sRGB, 0 to 255 -> (n, 3) OKLab: L 0 to 1, a and b about -0.4 to 0.4."""
    value = srgb / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(linear @ _TO_CONES.T)
    return np.asarray(cones @ _TO_LAB.T, np.float64)


_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_NAMED = _oklab(np.array(list(_PLASTICS.values())))
