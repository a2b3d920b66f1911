"""Edits learnt from pairs: the same face twice, once with something in place of what it had.

    centre, learnt = replacements(source, encode)        # (d,), name -> Replacement

The mean difference of such pairs says what to add; it cannot say what to take away, which is another mouth in each
face. A linear map from the latent does. It is kept by its strongest ranks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from minifaces.ldraw.colours import to_linear
from minifaces.ldraw.compose import Draws, compose, draw_faces
from minifaces.ldraw.recombine import SeamFinder
from minifaces.vae.faces import ComposedFaces
from minifaces.vae.truths import NAMES, labels, truths

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

BASE, PAIRS = 6000, 2000  # faces to choose from, and pairs an edit
JOINED = 0.6  # of the faces that are changed
# The half that gives way. Beards spread over both: with the lower one alone exchanged, fewer of them show.
HALVES = {"smile": 1, "lips": 1, "teeth": 1, "eyewear": 0, "printed_hair": 0, "angry": 0}
YELLOW, YELLOW_HEAD = 14, "yellow_head"
RIDGE, RANK = 100.0, 48
EMPHASIS = 1.5  # times the mean difference: the mean of many different smiles is a faint one
LEAST = 200  # pairs, to learn from


@dataclass(frozen=True)
class Replacement:
    """Of a latent z, `centre` (d,) subtracted: z + amount * step + min(max(amount, 0), 1) * (z @ reads.T) @ writes;
    `step` (d,), `reads` and `writes` (r, d), float32."""

    step: Floats
    reads: Floats
    writes: Floats


def replacements(
    source: ComposedFaces, encode: Callable[[Bytes], Floats], seed: int = 2
) -> tuple[Floats, dict[str, Replacement]]:
    """The latents' centre (d,), and what is learnt of each edit."""
    rng = np.random.default_rng([seed, 1])
    base = draw_faces(source.prints, source.stages, "train", BASE, rng, JOINED)
    latents = encode(compose(source.prints, source.stages, base)[0])
    centre = latents.mean(0)
    learnt = {}
    for name, which, changed in _changes(source, base, rng):
        if len(which) >= LEAST:
            after = encode(compose(source.prints, source.stages, changed)[0])
            learnt[name] = _fit(latents[which] - centre, after - latents[which])
    return centre, learnt


def _fit(start: Floats, difference: Floats) -> Replacement:
    """Ridge regression of differences (n, d) on centred latents (n, d), cut to the ranks that matter most on them."""
    mean = difference.mean(0)
    spread = start.T @ start
    slopes = np.linalg.solve(spread + RIDGE * np.eye(len(spread)), start.T @ (difference - mean))
    root = np.linalg.cholesky(spread / len(start) + 1e-6 * np.eye(len(spread)))
    left, strength, right = np.linalg.svd(root.T @ slopes)
    reads = np.linalg.solve(root.T, left[:, :RANK]).T
    writes = strength[:RANK, None] * right[:RANK]
    return Replacement((EMPHASIS * mean).astype(np.float32), reads.astype(np.float32), writes.astype(np.float32))


def _changes(
    source: ComposedFaces, base: Draws, rng: np.random.Generator
) -> Iterator[tuple[str, NDArray[np.int64], Draws]]:
    """Edit by edit: its name, the faces of `base` that are changed, and what they are changed to."""
    prints = source.prints
    known, designs = truths(prints), prints.of_split("train")
    lack = labels(prints, base) == 0
    seams = SeamFinder(prints)
    for name, half in HALVES.items():
        column = NAMES.index(name)
        having = designs[known[designs, column] == 1]
        yield name, *_exchanged(base, np.flatnonzero(lack[:, column]), having, half, seams, rng)
    yellow = to_linear(np.array(prints.head_colours[YELLOW]) / 255).astype(np.float32)
    others = np.flatnonzero(np.abs(base.head - yellow).max(1) > 0.2)[:PAIRS]
    yield YELLOW_HEAD, others, replace(base.chosen(others), head=np.tile(yellow, (len(others), 1)))
    some = np.arange(PAIRS)
    yield "dark_head", some, replace(base.chosen(some), head=base.head[some] / np.float32(2))


def _exchanged(
    base: Draws,
    among: NDArray[np.int64],
    having: NDArray[np.int64],
    half: int,
    seams: SeamFinder,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], Draws]:
    """Faces whose upper (0) or lower (1) half gives way to one of the designs `having`: which, and how."""
    kept = (base.lower, base.upper)[half]
    which: list[int] = []
    found = []
    for i in among:
        if len(which) == PAIRS:
            break
        other, turned, seam = seams.partner(int(kept[i]), having, rng)
        if other == kept[i]:
            continue
        if turned[0] != base.turned[i, 1 - half]:  # what stays is not mirrored
            turned, seam = ~turned, seam[::-1]
        which.append(int(i))
        found.append((other, turned if half else turned[::-1], seam))
    chosen = base.chosen(np.array(which, np.int64))
    if not which:
        return np.zeros(0, np.int64), chosen
    others, turned, seam = (np.stack(part) for part in zip(*found, strict=True))
    side = {"lower": others} if half else {"upper": others}
    return np.array(which), replace(chosen, turned=turned, seam=seam, **side)
