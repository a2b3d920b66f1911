"""LDraw colours (LDConfig.ldr) as sRGB, with the finish they are moulded or printed in.

Specification: LDraw.org colour definition language extension 1.0; direct colours 0x2RRGGBB."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minifaces.arrays import Doubles
from minifaces.ldraw.library import Library
from minifaces.ldraw.source import LibraryError, lines

# How much of each finish behaves as metal (mirror-like, tinted); the rest is pigment under gloss.
METALNESS = {"CHROME": 1.0, "METAL": 0.85, "MATTE_METALLIC": 0.7, "PEARLESCENT": 0.55}

# Head plastics measured on catalogue photographs: LDraw's nougats are too orange, its browns too dark.
REAL_SRGB = {
    14: (250, 202, 12),
    78: (244, 208, 184),
    92: (204, 150, 112),
    84: (172, 126, 84),
    70: (108, 58, 30),
    308: (74, 48, 30),
}
# A code that old parts use and LDConfig no longer lists, and a transparent one that stands for a solid.
REPLACED = {487: 19, 47: 297}


@dataclass(frozen=True)
class Colour:
    """`srgb` in 0..255, `metalness` in [0, 1]."""

    code: int
    name: str
    srgb: tuple[int, int, int]
    metalness: float


def read_colours(library: Library) -> dict[int, Colour]:
    """All colours of the library's LDConfig.ldr by code. Raises LibraryError where it is missing or broken."""
    colours = {}
    for number, line in enumerate(lines(library.text("LDConfig.ldr")), 1):
        words = line.split()
        if words[:2] != ["0", "!COLOUR"]:
            continue
        try:
            code = int(words[words.index("CODE") + 1])
            srgb = _hex(words[words.index("VALUE") + 1].removeprefix("#"))
        except (ValueError, IndexError):
            raise LibraryError(f"LDConfig.ldr line {number}: a colour without CODE or VALUE") from None
        metal = next((METALNESS[w] for w in words if w in METALNESS), 0.0)
        colours[code] = Colour(code, words[2], REAL_SRGB.get(code, srgb), metal)
    if not colours:
        raise LibraryError("LDConfig.ldr names no colours: give a whole LDraw library")
    for old, new in REPLACED.items():
        if new in colours:
            colours[old] = colours[new]
    return colours


def colour_of(code: int, colours: dict[int, Colour]) -> Colour:
    """A colour by code, direct colours (0x2RRGGBB) included. Raises LibraryError for an unknown code."""
    if code in colours:
        return colours[code]
    if code >> 24 == 0x2:
        return Colour(code, f"#{code & 0xFFFFFF:06X}", _hex(f"{code & 0xFFFFFF:06X}"), 0.0)
    raise LibraryError(f"colour {code} is not in LDConfig.ldr", "unknown colour")


def to_linear(srgb: NDArray[np.floating]) -> Doubles:
    """sRGB in [0, 1] -> linear light (IEC 61966-2-1)."""
    srgb = np.asarray(srgb, dtype=np.float64)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def to_srgb(linear: NDArray[np.floating]) -> Doubles:
    """Linear light -> sRGB in [0, 1], clipped."""
    linear = np.clip(linear, 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _hex(digits: str) -> tuple[int, int, int]:
    if not re.fullmatch("[0-9A-Fa-f]{6}", digits):
        raise ValueError(digits)
    red, green, blue = (int(digits[i : i + 2], 16) for i in (0, 2, 4))
    return red, green, blue
