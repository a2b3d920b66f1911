"""Edits of composed faces, done to what they are composed of: the truth that edits of a model are taught and told by.

    after = edited(prints, draws, "smile", np.ones(len(draws)))
    faces, mask = compose(prints, stages, after)

A smile, a beard or glasses are always the same ones: what an edit adds is then as sharp as they are, where the mean of
many smiles is none."""

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from minifaces.ldraw.colours import to_linear
from minifaces.ldraw.compose import Draws
from minifaces.ldraw.head import V_TOTAL
from minifaces.ldraw.prints import Prints
from minifaces.ldraw.recombine import SeamFinder, seam_finder
from minifaces.ldraw.stages import Stages

Floats = NDArray[np.float32]

UPPER, LOWER, TOP = 0, 1, 2
# Designs for training whose upper or lower half, or what is printed at the top of the head, brings what an edit adds.
EXEMPLARS = {
    "angry": ("3626cpbd/back", UPPER),
    "eyewear": ("3626cp8y/front", UPPER),
    "facial_hair": ("3626bpq5/front", LOWER),
    "lips": ("3626bp8i/front", LOWER),
    "printed_hair": ("3626bp35/front", TOP),
    "smile": ("3626bp05/front", LOWER),
    "teeth": ("3626cp73/front", LOWER),
}
YELLOW, YELLOW_HEAD, DARK_HEAD, TURN = 14, "yellow_head", "dark_head", "turn"
TURN_BY = 20.0  # degrees of a turn by 1
# The least and the most amount of each edit.
RANGES: dict[str, tuple[float, float]] = dict(
    sorted({**dict.fromkeys((*EXEMPLARS, YELLOW_HEAD), (0.0, 1.0)), DARK_HEAD: (-0.5, 2.0), TURN: (-1.5, 1.5)}.items())
)


def edited(prints: Prints, draws: Draws, name: str, amounts: NDArray[np.floating]) -> Draws:
    """The same faces after an edit by `amounts` (n,), which for attributes, to have or not to have, must be 1."""
    if name in EXEMPLARS:
        part, half = EXEMPLARS[name]
        exemplar = next(i for i, design in enumerate(prints.designs) if design.name == part)
        if half == TOP:
            upper, seam = np.full(len(draws), exemplar), np.tile(_hairline(prints, exemplar), (len(draws), 1))
            return replace(draws, upper=upper, turned=draws.turned * [False, True], seam=seam)
        return _exchanged(draws, exemplar, half, seam_finder(prints))
    if name == YELLOW_HEAD:
        yellow = to_linear(np.array(prints.head_colours[YELLOW]) / 255)
        return replace(draws, head=np.tile(yellow.astype(np.float32), (len(draws), 1)))
    amount = np.asarray(amounts, np.float32)
    if name == DARK_HEAD:
        return replace(draws, head=np.clip(draws.head * np.exp2(-amount)[:, None], 0, np.float32(0.97)))
    # A head is a solid of revolution: turned under the same light, only its print moves.
    across = draws.shift[:, 0] - np.radians(np.float32(TURN_BY)) * amount
    return replace(draws, shift=np.stack([across, draws.shift[:, 1]], 1))


def facing(stages: Stages, draws: Draws) -> NDArray[np.float64]:
    """How far faces are turned to the viewer's right, in turns by 1."""
    yaw = np.array([stages.parameters[i].yaw for i in draws.stage])
    return np.asarray(yaw * np.where(draws.flip, 1, -1) / TURN_BY - np.degrees(draws.shift[:, 0]) / TURN_BY)


def _exchanged(draws: Draws, exemplar: int, half: int, seams: SeamFinder) -> Draws:
    """Faces whose upper or lower half gives way to that of one design."""
    other = np.full(len(draws), exemplar)
    upper, lower = (draws.upper, other) if half == LOWER else (other, draws.lower)
    turned = draws.turned * (np.arange(2) != half)
    joints = [seams.seam(*pair)[0] for pair in zip(upper, lower, turned, strict=True)]
    return replace(draws, upper=upper, lower=lower, turned=turned, seam=np.stack(joints))


@cache
def _hairline(prints: Prints, design: int) -> Floats:
    """The v of the lower edge of the largest piece of a print, column by column; 0 where the piece is not."""
    labels, _ = label(prints.colours[design, ..., 3] > 0)
    piece = labels == np.bincount(labels[labels > 0]).argmax()
    rows = np.where(piece.any(0), len(piece) - piece[::-1].argmax(0), 0)
    return (rows * V_TOTAL / len(piece)).astype(np.float32)
