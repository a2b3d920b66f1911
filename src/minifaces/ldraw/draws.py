"""What to compose: which prints on which stages, in which colours, and all that is varied.

draws = draw_faces(prints, stages, "train", 64, rng)      # as for training
draws = fixed_draws(prints, designs, stage)               # just these"""

from collections.abc import Sized
from dataclasses import dataclass, fields
from functools import cache

import numpy as np

from minifaces.arrays import Bools, Doubles, Floats, Places
from minifaces.images import LUMA
from minifaces.ldraw.colours import to_linear
from minifaces.ldraw.designs import Design
from minifaces.ldraw.head import V_TOTAL
from minifaces.ldraw.prints import Prints
from minifaces.ldraw.recombine import seam_finder

# Head colours by how often they are met: LDraw code -> share. Special heads keep their own colour instead.
PALETTE = {14: 0.46, 78: 0.22, 92: 0.08, 84: 0.07, 70: 0.06, 308: 0.03, 19: 0.04, 86: 0.03, 15: 0.01}
# What heads of the training designs are called by their colour, as LDraw's names are.
HEAD_NAMES = {
    0: "black", 4: "red", 7: "light grey", 14: "yellow", 15: "white", 19: "tan", 27: "lime",
    70: "reddish brown", 71: "light bluish grey", 73: "medium blue", 78: "light nougat", 84: "medium nougat",
    86: "light brown", 92: "nougat", 179: "silver", 297: "gold", 308: "dark brown", 323: "light aqua",
    329: "glowing white", 330: "olive green", 378: "sand green",
}  # fmt: skip
KEEPS_COLOUR = {"own": 0.9, "skin": 0.5, "yellow": 0.0}


@dataclass(frozen=True)
class Draws:
    """What to compose, n faces. Everything that is random in a face is here.

    `upper`, `lower` (n,) print indices (equal for a face that is not recombined), `crown` (n,) the print that
    brings the hair, -1 for that of `upper`, `turned` (n, 3) mirrors each, `seam` (n, columns) the v at which
    upper gives way to lower, `hairline` (n, columns) the v at which the crown gives way to both, `stage` (n,),
    `flip` (n,) bool mirrors the stage, camera and light, but not the print, `head` (n, 3) linear head colour,
    `head_code` (n,) LDraw code, `ink` (n, 3) factor on the inks' linear colour, `scale`, `shift` (n, 2) warp in
    (theta, v), `gain` (n,) factor on the light."""

    upper: Places
    lower: Places
    crown: Places
    turned: Bools
    seam: Floats
    hairline: Floats
    stage: Places
    flip: Bools
    head: Floats
    head_code: Places
    ink: Floats
    scale: Floats
    shift: Floats
    gain: Floats

    def __len__(self) -> int:
        return len(self.upper)

    def chosen(self, which: Places) -> "Draws":
        """Some of the faces, by their numbers."""
        return Draws(**{field.name: getattr(self, field.name)[which] for field in fields(self)})


def draw_faces(
    prints: Prints,
    stages: Sized,
    split: str,
    count: int,
    rng: np.random.Generator,
    recombined: float = 0.5,
    varied: bool = True,
) -> Draws:
    """Draw `count` faces of a split's designs.

    `recombined` is the share that joins the upper part of one print to the lower part of another; `varied`
    adds mirroring, small warps and changes of ink and light. Without both, the prints are as they are."""
    choice, weights = _weighted(prints, split)
    upper = rng.choice(choice, count, p=weights)
    seams = seam_finder(prints)
    lower, turned, seam = (
        upper.copy(),
        np.zeros((count, 3), bool),
        np.full((count, seams.columns), V_TOTAL, np.float32),
    )
    join = rng.random(count) < recombined
    for i in np.flatnonzero(join):
        lower[i], turned[i, :2], seam[i] = seams.partner(int(upper[i]), choice, rng)
    joined = upper != lower
    whole_turn = (rng.random(count) < 0.5) & varied
    turned ^= whole_turn[:, None]
    seam[whole_turn] = seam[whole_turn, ::-1]
    codes = np.array([head_code(prints.designs[i], rng) for i in upper])
    wander = rng.normal(size=(count, 4)) * [0.03, 0.03, 0.02, 0.25]
    wander *= (varied & (joined | (rng.random(count) < 0.3)))[:, None]
    tinted = varied & joined & (rng.random(count) < 0.4)
    return Draws(
        upper=upper,
        lower=lower,
        crown=np.full(count, -1),
        turned=turned,
        seam=seam,
        hairline=np.zeros((count, 1), np.float32),
        stage=rng.integers(0, len(stages), count),
        flip=(rng.random(count) < 0.5) & varied,
        head=_head_colours(prints, codes, rng if varied else None),
        head_code=codes,
        ink=np.exp(rng.normal(0, 0.18, (count, 3)) * tinted[:, None]).astype(np.float32),
        scale=(1 + wander[:, :2]).astype(np.float32),
        shift=wander[:, 2:].astype(np.float32),
        gain=np.exp(rng.normal(0, 0.03, count) * varied).astype(np.float32),
    )


def fixed_draws(
    prints: Prints,
    designs: Places,
    stage: Places,
    head: Floats | None = None,
    codes: Places | None = None,
) -> Draws:
    """The given designs on the given stages, nothing varied; `head` (n, 3) linear, or each design's own."""
    count = len(designs)
    own = np.array([prints.designs[i].colour for i in designs]) if codes is None else codes
    return Draws(
        upper=designs,
        lower=designs,
        crown=np.full(count, -1),
        turned=np.zeros((count, 3), bool),
        seam=np.full((count, 1), V_TOTAL, np.float32),
        hairline=np.zeros((count, 1), np.float32),
        stage=stage,
        flip=np.zeros(count, bool),
        head=_head_colours(prints, own, None) if head is None else head,
        head_code=own,
        ink=np.ones((count, 3), np.float32),
        scale=np.ones((count, 2), np.float32),
        shift=np.zeros((count, 2), np.float32),
        gain=np.ones(count, np.float32),
    )


def head_code(design: Design, rng: np.random.Generator) -> int:
    """A head colour for a design: its own if it is special, otherwise mostly by the palette."""
    if rng.random() < KEEPS_COLOUR[design.kind]:
        return design.colour
    return int(rng.choice(list(PALETTE), p=list(PALETTE.values())))


def head_shares(prints: Prints, split: str) -> dict[int, Doubles]:
    """How often each of the k designs of a split is drawn in a head colour: (k,) by LDraw code, of sum 1 in all."""
    designs, weights = _weighted(prints, split)
    keeps = np.array([KEEPS_COLOUR[prints.designs[i].kind] for i in designs])
    own = np.array([prints.designs[i].colour for i in designs])
    return {code: weights * (keeps * (own == code) + (1 - keeps) * PALETTE.get(code, 0)) for code in HEAD_NAMES}


@cache
def _weighted(prints: Prints, split: str) -> tuple[Places, Doubles]:
    """The designs of a split and how often each is drawn: dark heads and large prints twice as often, since
    they are the hardest to learn and the rarest."""
    chosen = prints.of_split(split)
    ink = (prints.colours[chosen, ::8, ::8, 3] > 127).mean((1, 2))
    luma = np.array([np.dot(prints.head_colours[prints.designs[i].colour], LUMA) for i in chosen])
    weights = 1.0 + (ink > 0.15) + (luma < 90)
    return chosen, weights / weights.sum()


def _head_colours(prints: Prints, codes: Places, rng: np.random.Generator | None) -> Floats:
    colour = to_linear(np.array([prints.head_colours[int(c)] for c in codes]) / 255)
    if rng is not None:  # batches of plastic differ, and so do cameras
        colour = colour * np.exp(rng.normal(0, 0.05, (len(codes), 1)) + rng.normal(0, 0.03, (len(codes), 3)))
    return np.clip(colour, 0, 0.97).astype(np.float32)
