"""The colour of a head, by name, as the picture shows it.

head_colours(pictures)        # ["yellow", "light skin", ...]"""

import numpy as np

from minifaces.arrays import Doubles, Pixels
from minifaces.images import resized

COLOURS = {
    "yellow": (241, 195, 33),
    "light skin": (233, 196, 170),
    "tan": (205, 165, 120),
    "medium skin": (178, 128, 90),
    "brown": (110, 74, 50),
    "dark brown": (66, 45, 34),
    "white": (235, 235, 232),
    "light grey": (160, 162, 164),
    "dark grey": (95, 98, 100),
    "black": (35, 35, 37),
    "red": (190, 35, 30),
    "orange": (225, 120, 35),
    "pink": (225, 140, 175),
    "purple": (105, 60, 130),
    "dark blue": (32, 48, 95),
    "blue": (45, 95, 175),
    "light blue": (130, 180, 215),
    "olive": (118, 114, 72),
    "green": (50, 125, 65),
    "grey green": (115, 145, 125),
    "light green": (150, 200, 60),
}
"""Names and what such heads look like in pictures, sRGB."""
_SIZE = 32  # pixels a side at which pictures are looked at
_APART = 34  # in 0 to 255: less is the ground


def head_colours(pictures: Pixels) -> list[str]:
    """The name of each head's colour, (n, size, size, 3) uint8 -> n names of `COLOURS`.

    Every pixel that is not the ground's votes for the nearest colour, those at the rim twice, since prints are
    in the middle. There pixels count whatever their colour: a white head may stand before a white ground."""
    small = resized(pictures, _SIZE)
    rim = np.concatenate([small[:, 0], small[:, -1], small[:, :, 0], small[:, :, -1]], axis=1)
    ground = np.median(rim, axis=1)[:, None, None]
    y, x = np.abs(np.mgrid[:_SIZE, :_SIZE] / (_SIZE - 1) * 2 - 1)
    head = (np.abs(small - ground).max(axis=3) > _APART) | ((x < 0.7) & (y < 0.6))
    weight = head * np.where((x < 0.45) & (y < 0.5), 1.0, 2.0)
    palette = _lab(np.array(list(COLOURS.values()), np.float64))
    votes = np.zeros((len(small), len(COLOURS)))
    for face, pixels in enumerate(small):  # one by one: all at once would take gigabytes
        # Shading changes lightness more than hue.
        squares = (_lab(pixels.reshape(-1, 3).astype(np.float64))[:, None] - palette) ** 2 @ [0.35, 1, 1]
        votes[face] = np.bincount(squares.argmin(axis=1), weight[face].ravel(), len(COLOURS))
    return [list(COLOURS)[i] for i in votes.argmax(axis=1)]


def _lab(rgb: Doubles) -> Doubles:
    """sRGB in 0 to 255 to CIE L*a*b* (D65), where distances are about what the eye says: (n, 3) -> (n, 3)."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
