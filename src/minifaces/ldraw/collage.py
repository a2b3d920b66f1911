"""Prints that nobody designed: loose pieces of several prints, scattered where they do not touch.

    pieces = Pieces(prints)
    textures = collages(prints, pieces, choice, 256, rng)        # (256, H, W, 4) uint8

A few hundred designs are few to learn from: a network comes to know them by heart and draws an unseen mouth as the
nearest mouth that it knows. A collage keeps some pieces (an eye, a brow, a mouth, a scar: what hangs together by ink)
of one print, adds pieces of others where there is room, moves, mirrors and recolours some. Most are not faces that
anybody would print; they teach to encode what is there. New faces are never drawn from them."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation, find_objects, label

from minifaces.arrays import Bools, Pixels, Places
from minifaces.ldraw.prints import Prints

KEPT = 0.75  # share of the first print's pieces that stay
OTHERS = 4  # prints whose pieces are offered ...
ADDED = 0.5  # ... each with this chance
MIRRORED = 0.3
RECOLOURED = 0.25
JITTER = (14, 10)  # standard deviation of a piece's move in texels, down and sideways
CELL = 4  # room is judged on cells of so many texels
LEAST = 24  # texels: what is smaller is dust


@dataclass(frozen=True)
class Piece:
    """Ink that hangs together: `box` in the texture and where in the box it is, (h, w) bool."""

    box: tuple[slice, slice]
    inside: Bools


class Pieces:
    """The pieces of every print, found once."""

    def __init__(self, prints: Prints) -> None:
        self.of = [pieces(texture[..., 3]) for texture in prints.colours]


def collages(prints: Prints, pieces: Pieces, choice: Places, count: int, rng: np.random.Generator) -> Pixels:
    """`count` new textures, (count, H, W, 4) uint8 sRGB and alpha, made of the prints that `choice` names."""
    height, width = prints.colours.shape[1:3]
    canvases = np.zeros((count, height, width, 4), np.uint8)
    for canvas in canvases:
        taken = np.zeros((height // CELL + 1, width // CELL + 1), bool)
        for number, source in enumerate(rng.choice(choice, 1 + OTHERS)):
            offered = pieces.of[source]
            for i in rng.permutation(len(offered)):
                if rng.random() < (ADDED if number else KEPT):
                    _place(canvas, taken, prints.colours[source], offered[i], moved=number > 0, rng=rng)
    return canvases


def _place(canvas: Pixels, taken: Bools, texture: Pixels, piece: Piece, moved: bool, rng: np.random.Generator) -> None:
    """Copy a piece of `texture` to `canvas` if there is room, and mark the room as taken."""
    (rows, columns), inside, ink = piece.box, piece.inside, texture[piece.box]
    top, left = rows.start, columns.start
    if moved and rng.random() < MIRRORED:
        ink, inside, left = ink[:, ::-1], inside[:, ::-1], canvas.shape[1] - columns.stop
    if moved:
        top, left = (int(at + rng.normal(0, sd)) for at, sd in zip((top, left), JITTER, strict=True))
    height, width = inside.shape
    if top < 0 or left < 0 or top + height > canvas.shape[0] or left + width > canvas.shape[1]:
        return
    y, x = np.nonzero(inside)
    cells = (top + y) // CELL, (left + x) // CELL
    if taken[cells].any():
        return
    taken[cells] = True
    if rng.random() < RECOLOURED:
        factor = np.exp(rng.normal(0, 0.4, 3))
        ink = np.concatenate([np.clip(ink[..., :3] * factor, 0, 255).astype(np.uint8), ink[..., 3:]], -1)
    canvas[top : top + height, left : left + width][inside] = ink[inside]


def pieces(alpha: Pixels, least: int = 0, gap: int = 0) -> list[Piece]:
    """The pieces of a texture's `alpha` (H, W): what hangs together where there is more than `least`, over a `gap` of
    up to twice so many texels too."""
    ink = alpha > least
    labels, _ = label(binary_dilation(ink, iterations=gap) if gap else ink, np.ones((3, 3)))
    labels *= ink
    found = []
    for number, box in enumerate(find_objects(labels), 1):
        inside = labels[box] == number
        if inside.sum() >= LEAST:
            found.append(Piece(box, inside))
    return found
