"""A print that is being made: pieces of ink are laid down on it, where they have room.

canvas = Canvas()
canvas.lay([Laid(ink, top, left)])      # whether there was room
texture = canvas.texture()              # (H, W, 4) uint8"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import binary_dilation

from minifaces.arrays import Floats, Pixels
from minifaces.ldraw.prints import HEIGHT, WIDTH

APART = 4  # texels between what is laid down at different times
INK = 40  # of 255: less is no ink


class Laid(NamedTuple):
    """A piece as it is laid down: `ink` (h, w, 4) float32, 0 to 255, colour times alpha; `top`, `left` in texels."""

    ink: Floats
    top: float
    left: float


class Canvas:
    """A print that is being made."""

    def __init__(self) -> None:
        self.ink = np.zeros((HEIGHT, WIDTH, 4), np.float32)
        self.taken = np.zeros((HEIGHT, WIDTH), bool)

    def lay(self, laid: Sequence[Laid]) -> bool:
        """Lay pieces down where all of them have room; whether they had."""
        boxes = []
        for piece in laid:
            top, left = round(piece.top), round(piece.left)
            bottom, right = top + piece.ink.shape[0], left + piece.ink.shape[1]
            if top < 0 or left < 0 or bottom > HEIGHT or right > WIDTH:
                return False
            inked = np.pad(piece.ink[..., 3] > INK, APART)
            around = self.taken[max(top - APART, 0) : bottom + APART, max(left - APART, 0) : right + APART]
            reach = binary_dilation(inked, iterations=APART)[max(APART - top, 0) :, max(APART - left, 0) :]
            if (reach[: around.shape[0], : around.shape[1]] & around).any():
                return False
            boxes.append((slice(top, bottom), slice(left, right)))
        for box, piece in zip(boxes, laid, strict=True):
            np.maximum(self.ink[box], piece.ink, out=self.ink[box])
            self.taken[box] |= piece.ink[..., 3] > INK
        return True

    def texture(self) -> Pixels:
        """(H, W, 4) uint8, sRGB and straight alpha."""
        colour = self.ink[..., :3] / np.maximum(self.ink[..., 3:] / 255, 1e-3)
        return np.concatenate([colour, self.ink[..., 3:]], 2).clip(0, 255).round().astype(np.uint8)


def inked(piece: Laid, colour: tuple[int, ...] | None) -> Laid:
    """A piece all in one ink."""
    if colour is None:
        return piece
    return piece._replace(
        ink=np.concatenate([piece.ink[..., 3:] / 255 * np.array(colour, np.float32), piece.ink[..., 3:]], 2)
    )


def tinted(piece: Laid, colour: tuple[int, ...]) -> Laid:
    """A piece whose coloured inks are of another colour, as light to one another as before; dark lines, teeth stay."""
    alpha = np.maximum(piece.ink[..., 3:] / 255, 1e-3)
    ink = piece.ink[..., :3] / alpha
    coloured = (ink.max(2) - ink.min(2) > 60) & (piece.ink[..., 3] > INK)
    if not coloured.any():
        return piece
    light = ink.max(2) / np.median(ink.max(2)[coloured])
    other = np.clip(np.array(colour, np.float32) * np.clip(light, 0.6, 1.3)[..., None], 0, 255)
    changed = np.where(coloured[..., None], other, ink) * alpha
    return piece._replace(ink=np.concatenate([changed, piece.ink[..., 3:]], 2).astype(np.float32))
