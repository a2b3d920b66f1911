"""Edits of composed faces, done to what they are composed of: the truth that edits of a model are taught and told by.

    after = edited(prints, draws, "smile", np.ones(len(draws)))
    faces, mask = compose(prints, stages, after)

A smile, a beard or glasses are always the same ones, and so is what is there without them: what an edit brings is then
as sharp as they are, where the mean of many smiles is none. Hair stays where eyes are exchanged, and who has a beard is
angry with one."""

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label, maximum_filter1d
from scipy.spatial.distance import cdist

from minifaces.arrays import Bools, Doubles, Floats, Places
from minifaces.attributes import DARK_HEAD, TURN, YELLOW_HEAD
from minifaces.ldraw.colours import to_linear
from minifaces.ldraw.draws import Draws
from minifaces.ldraw.head import V_TOTAL
from minifaces.ldraw.prints import Prints
from minifaces.ldraw.recombine import FIRST, seam_finder
from minifaces.ldraw.stages import Stages
from minifaces.ldraw.truths import NAMES, labels, truths

UPPER, LOWER, BOTH, TOP = "upper", "lower", "both", "top"
# What an edit adds: which half of a face, or the top of the head, gives way to that of which designs for training,
# a man's and a woman's.
EXEMPLARS = {
    "angry": (BOTH, "3626cpbd/back", "3626cp81/back"),
    "eyewear": (UPPER, "3626cp8y/front", "3626cp8y/front"),
    "facial_hair": (LOWER, "3626bpq5/front", "3626bpq5/front"),
    "lips": (LOWER, "3626bp8i/front", "3626bp8i/front"),
    "printed_hair": (TOP, "3626bp35/front", "3626bp35/front"),
    "smile": (LOWER, "3626bp05/front", "3626bp8i/front"),
    "teeth": (LOWER, "3626cp73/front", "3626bp8a/front"),
}
# Anger in a beard, of which the one whose colour is nearest is taken: black, brown or grey.
ANGRY, ANGRY_BEARDS = "angry", ("3626cpx4/front", "3626cpm6/back", "3626bp0a/front")
# What comes to light when it is taken away: plain eyes, a closed mouth that smiles or does not, a bare forehead.
EYES = ("3626bp84/front", "3626cp8x/front")
SMILING, SERIOUS = ("3626bp05/front", "3626bp8i/front"), ("3626bpb1/front", "3626bp02/front")
BALD = "3626cpxc/front"
YELLOW = 14  # LDraw's code
BESIDE = 24  # texels: pieces of hair begin at most so much below the highest one ...
LOCK = 300  # ... and have at least so many
TIPS = 15  # columns: hair that is taken away goes with the tips that hang down from it


def edited(prints: Prints, draws: Draws, name: str, amounts: NDArray[np.floating]) -> Draws:
    """The same faces after an edit by `amounts` (n,), which for what a face has or has not must be 1 or -1."""
    amount = np.asarray(amounts, np.float32)
    if name in EXEMPLARS:
        return _exchanged(prints, draws, name, amount > 0)
    if name == YELLOW_HEAD.name:
        yellow = to_linear(np.array(prints.head_colours[YELLOW]) / 255)
        return replace(draws, head=np.tile(yellow.astype(np.float32), (len(draws), 1)))
    if name == DARK_HEAD.name:
        return replace(draws, head=np.clip(draws.head * np.exp2(-amount)[:, None], 0, np.float32(0.97)))
    # A head is a solid of revolution: turned under the same light, only its print moves.
    across = draws.shift[:, 0] - np.radians(np.float32(TURN.unit)) * amount
    return replace(draws, shift=np.stack([across, draws.shift[:, 1]], 1))


def removable(prints: Prints, draws: Draws, name: str) -> Bools:
    """Which faces (n,) are known to have what an edit by -1 takes away, and lose nothing else by it: no mouth can be
    exchanged without the beard around it."""
    if name not in EXEMPLARS:
        return np.zeros(len(draws), bool)
    held = labels(prints, draws)[:, NAMES.index(name)] == 1
    if EXEMPLARS[name][0] == LOWER and name != "facial_hair":
        held &= ~_known(prints, draws.lower, "facial_hair")
    return np.asarray(held)


def facing(stages: Stages, draws: Draws) -> Doubles:
    """How far faces are turned to the viewer's right, in turns by 1."""
    yaw = np.array([stages.parameters[i].yaw for i in draws.stage])
    return np.asarray(yaw * np.where(draws.flip, 1, -1) / TURN.unit - np.degrees(draws.shift[:, 0]) / TURN.unit)


def _exchanged(prints: Prints, draws: Draws, name: str, added: Bools) -> Draws:
    """Faces to which an attribute is added, or from which it is taken."""
    half, *designs = EXEMPLARS[name]
    woman = _known(prints, draws.lower, "female") | _known(prints, draws.lower, "lips")
    brings = _of(prints, designs, woman)
    if half == TOP:
        crown = np.where(added, brings, _place(prints, BALD))
        after = _crowned(prints, draws, crown, np.where(added, brings, draws.upper), ~added & draws.turned[:, 0])
        whole = maximum_filter1d(after.hairline, TIPS, axis=1)
        return replace(after, hairline=np.where(added[:, None], after.hairline, whole))
    smiling = _known(prints, draws.lower, "smile") & (name not in ("smile", ANGRY))
    plain = woman & (name != "lips")
    mouth = np.where(smiling, _of(prints, SMILING, plain), _of(prints, SERIOUS, plain))
    upper, lower = np.where(added, brings, _of(prints, EYES, woman)), np.where(added, brings, mouth)
    if half == LOWER:
        return _joined(prints, draws, draws.upper, lower)
    if half == UPPER:
        return _joined(prints, draws, upper, draws.lower)
    beard = _known(prints, draws.lower, "facial_hair")
    angry = np.where(added, _likest(prints, draws.lower, ANGRY_BEARDS), draws.lower)
    return _joined(prints, draws, upper, np.where(beard, angry, lower))


def _joined(prints: Prints, draws: Draws, upper: Places, lower: Places) -> Draws:
    """Faces of other halves; where the upper one is another, the hair stays."""
    gone = np.stack([upper != draws.upper, lower != draws.lower, np.zeros(len(draws), bool)], 1)
    turned, seams = draws.turned & ~gone, seam_finder(prints)
    joints = [seams.seam(*pair)[0] for pair in zip(upper, lower, turned, strict=True)]
    after = replace(draws, upper=upper, lower=lower, turned=turned, seam=np.stack(joints))
    hair = np.where(gone[:, 0] & _known(prints, draws.upper, "printed_hair"), draws.upper, draws.crown)
    return _crowned(prints, after, hair, hair, np.where(gone[:, 0], draws.turned[:, 0], draws.turned[:, 2]))


def _crowned(prints: Prints, draws: Draws, crown: Places, hair: Places, mirrored: Bools) -> Draws:
    """Faces with `crown` (n,) as far down as the hair of `hair` goes, mirrored or not; -1 for none."""
    turned = np.column_stack([draws.turned[:, :2], mirrored])
    lines = [_hairline(prints, int(i))[:: -1 if flip else 1] for i, flip in zip(hair, mirrored, strict=True)]
    return replace(draws, crown=crown, turned=turned, hairline=np.stack(lines))


@cache
def _hairline(prints: Prints, design: int) -> Floats:
    """The v of the lower edge of a print's hair, column by column; 0 where there is none, or no print (-1). Hair is the
    piece that begins highest and those beside it, down to where a lower half begins."""
    _, height, width, _ = prints.colours.shape
    if design < 0:
        return np.zeros(width, np.float32)
    pieces, count = label(prints.colours[design, ..., 3] > 0)
    begins = {n: (pieces == n).any(1).argmax() for n in range(1, count + 1) if (pieces == n).sum() >= LOCK}
    hair = np.isin(pieces, [n for n, row in begins.items() if row <= min(begins.values()) + BESIDE])
    hair[int(FIRST / V_TOTAL * height) :] = False
    # What hangs on to the hair further down, an eye patch say, is none.
    below = np.logical_or.accumulate(hair) & ~hair
    rows = np.where(hair.any(0), below.argmax(0), 0)
    return np.asarray(rows * V_TOTAL / height, np.float32)


def _likest(prints: Prints, designs: Places, parts: tuple[str, ...]) -> Places:
    """Of some designs the one whose lower half has most nearly the colour of that of each of `designs` (n,): (n,)."""
    among, inks = np.array([_place(prints, part) for part in parts]), _lower_inks(prints)
    return np.asarray(among[cdist(inks[designs], inks[among]).argmin(1)])


@cache
def _lower_inks(prints: Prints) -> Floats:
    """The mean colour of the ink of every print's lower half, sRGB: (designs, 3)."""
    lower = (texture[len(texture) // 2 :].reshape(-1, 4).astype(np.float32) for texture in prints.colours)
    return np.stack([(half[:, :3] * half[:, 3:]).sum(0) / max(half[:, 3].sum(), 1) for half in lower])


def _known(prints: Prints, designs: Places, name: str) -> Bools:
    """Which of `designs` (n,) are known to have an attribute."""
    return np.asarray(truths(prints)[designs, NAMES.index(name)] == 1)


def _of(prints: Prints, designs: list[str] | tuple[str, str], woman: Bools) -> Places:
    """A man's design or a woman's, (n,)."""
    his, hers = (_place(prints, part) for part in designs)
    return np.where(woman, hers, his)


def _place(prints: Prints, part: str) -> int:
    return next(i for i, design in enumerate(prints.designs) if design.name == part)
