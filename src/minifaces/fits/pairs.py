"""Pairs of faces that differ by one thing: what an editor learns from.

    pair = draw(source, seed, 0)
    pair.faces[pair.start[i]], pair.faces[pair.end[i]]      # the same face before and after an edit

Of a composed face everything is known, so the same face can be composed with another mouth on its head, with its head
turned or painted (`minifaces.ldraw.edited`)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minifaces.arrays import Floats, Pixels, Places
from minifaces.attributes import DARK_HEAD, RANGES, TURN
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import Draws, draw_faces
from minifaces.ldraw.edited import edited, facing, removable
from minifaces.ldraw.prints import Prints
from minifaces.ldraw.stages import Stages
from minifaces.ldraw.truths import NAMES, labels
from minifaces.vae.training_data import ComposedFaces

ROUND = 500  # faces of a round, unless told
RECOMBINED = 0.6  # of them
HAIRED, POOL = 0.25, 4  # of them; and out of how many times as many they are chosen
SHARE = 0.5  # of the faces that each edit is made of; a head is turned twice, what a face has is always taken away
EACH = 8  # pairs of a face, about
FARTHEST = 35.0  # degrees off the front that a face is shown at most


@dataclass(frozen=True)
class Pairs:
    """`faces` (m, H, W, 3) uint8; of n pairs the places among them, `start` and `end`; `edits`, the place of each
    edit's name in `RANGES`; and `amounts`, float32. (n,) each."""

    faces: Pixels
    start: Places
    end: Places
    edits: Places
    amounts: Floats


def draw(source: ComposedFaces, seed: int, number: int, count: int = ROUND) -> Pairs:
    """Pairs made of `count` training faces, the `number`-th round of `seed`."""
    rng = np.random.default_rng([seed, number, 3])
    base = _base(source.prints, source.stages, count, rng)
    faces = [compose(source.prints, source.stages, base)[0]]
    parts: list[tuple[Places, Places, Floats]] = []
    for name, which, amounts, changed in _changes(source.prints, source.stages, base, rng):
        faces.append(compose(source.prints, source.stages, changed)[0])
        parts.append((which, np.full(len(which), list(RANGES).index(name)), amounts))
    start, edits, amounts = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Pairs(np.concatenate(faces), start, count + np.arange(len(start)), edits, amounts)


def _base(prints: Prints, stages: Stages, count: int, rng: np.random.Generator) -> Draws:
    """The faces to change. Hair is the hardest to leave alone where eyes are exchanged, and few faces have it."""
    pool = draw_faces(prints, stages, "train", POOL * count, rng, RECOMBINED)
    haired = labels(prints, pool)[:, NAMES.index("printed_hair")] == 1
    some = np.flatnonzero(haired)[: round(HAIRED * count)]
    return pool.chosen(np.concatenate([some, np.flatnonzero(~haired)[: count - len(some)]]))


def _changes(
    prints: Prints, stages: Stages, base: Draws, rng: np.random.Generator
) -> Iterator[tuple[str, Places, Floats, Draws]]:
    """Edit by edit: its name, which of the faces of `base` are changed, by how much, and what to."""
    for name in (*RANGES, TURN.name):
        which = np.flatnonzero(rng.random(len(base)) < (1.0 if name == TURN.name else SHARE))
        amounts = np.ones(len(which))
        if name in (TURN.name, DARK_HEAD.name):
            amounts = rng.uniform(*RANGES[name], len(which))
        chosen = base.chosen(which)
        if name == TURN.name:
            before = facing(stages, chosen)
            amounts = np.clip(before + amounts, -FARTHEST / TURN.unit, FARTHEST / TURN.unit) - before
        yield name, which, amounts.astype(np.float32), edited(prints, chosen, name, amounts)
    for name in RANGES:
        which = np.flatnonzero(removable(prints, base, name))
        if len(which):
            amounts = -np.ones(len(which))
            yield name, which, amounts.astype(np.float32), edited(prints, base.chosen(which), name, amounts)
