"""Find the edit directions: the latent step that changes one thing, from faces with known attributes.

Of composed faces everything is known: what is printed on them, their pose, light and colour. Of a folder of pictures,
what its metadata says."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from minifaces.arrays import Doubles, Floats, Pixels
from minifaces.attributes import ATTRIBUTES, DARK_HEAD, TURN, YELLOW_HEAD
from minifaces.fits.shape import Fitted, Subject, Work, tensor_file
from minifaces.images import LUMA
from minifaces.ldraw.colours import to_linear
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import draw_faces
from minifaces.ldraw.truths import NAMES, labels
from minifaces.listing import attributes_of
from minifaces.studio.folder import DIRECTIONS
from minifaces.vae.config import Config
from minifaces.vae.training_data import ComposedFaces, Pictures, Source

FILES = (DIRECTIONS,)
LEAST = 8  # faces with and without, or no direction is found
HALF = 0.5
"""`directions` takes what is above this for there, so the middle of each measure is put here"""
RECOMBINED = 0.7  # of the known faces: decorrelates what goes together in designs, such as red lips and lashes
YELLOW_WITHIN = 0.12  # from yellow, the sum of differences of a head's chromaticity, and it counts as yellow
NUISANCE = "_"  # begins the names of what is known, and told apart from all else, but no direction of its own


@dataclass(frozen=True)
class Known:
    """`faces` (n, H, W, 3) uint8 and what is known of them: name -> (n,) values, NaN where unknown."""

    faces: Pixels
    values: dict[str, Doubles]


def work(config: Config, source: Source) -> Work:
    """Faces to encode."""
    return Work(min(config.directions.faces, source.faces))


def fit(subject: Subject) -> Fitted:
    """One direction of each attribute and measure that enough faces show."""
    known = known_faces(subject.source, subject.config.directions.faces)
    steps = directions(subject.encode(known.faces), known.values)
    wanted = {name: step for name, step in steps.items() if not name.startswith(NUISANCE)}
    return Fitted({DIRECTIONS: tensor_file(dict(wanted))})


def directions(latents: Floats, known: dict[str, Doubles], ridge: float = 1.0) -> dict[str, Floats]:
    """The latent step that changes one thing and leaves the other known things alone: name -> (d,).

    `known` name -> (n,) values, NaN where unknown. For each name the latents are regressed (ridge) on it and on all
    that can go with it, so that what goes together in the data (a beard and bushy brows, a turn and a light) is told
    apart; things that never go with it (anger and a smile) must be free to change, and so must what is nearly the same
    thing (`Attribute.entwined`). Unknown values count as the mean.
    Of an attribute (only 0 and 1 known), a step of 1 goes from the mean face without to one standard deviation past
    the mean face with it, so that it shows on any face: the mean of many different smiles is a faint one. Of a
    measure, such as a turn, it is the mean step for a change by 1. Names with less than 8 faces on a side are left
    out."""
    names = [name for name, v in known.items() if min(np.sum(v > HALF), np.sum(v <= HALF)) >= LEAST]
    if not names:
        return {}
    x = np.stack([np.nan_to_num(known[name] - np.nanmean(known[name])) for name in names], 1)
    present = np.stack([known[name] > HALF for name in names], 1)
    together = present.T.astype(int) @ present.astype(int)
    centred = latents - latents.mean(0)
    steps = {}
    for i, name in enumerate(names):
        free = ATTRIBUTES[name].entwined if name in ATTRIBUTES else ()
        chosen = np.array([j for j in np.flatnonzero(together[i] > 0) if names[j] not in free])
        slopes = np.linalg.solve(x[:, chosen].T @ x[:, chosen] + ridge * np.eye(len(chosen)), x[:, chosen].T @ centred)
        slope = slopes[int(np.searchsorted(chosen, i))]
        values = known[name][np.isfinite(known[name])]
        if np.isin(values, (0, 1)).all():
            length = max(float(np.linalg.norm(slope)), 1e-9)
            slope *= 1 + float((centred @ (slope / length)).std()) / length
        steps[name] = slope.astype(np.float32)
    return steps


def known_faces(source: Source, count: int, seed: int = 1) -> Known:
    """Training faces with what is known of each: attributes, and for composed faces pose and head colour too."""
    if isinstance(source, ComposedFaces):
        return _known_composed(source, count, seed)
    assert isinstance(source, Pictures)
    data = source.described(count, training=True)
    rows = [attributes_of(row) for row in data.rows]
    names = sorted({name for row in rows for name in row})
    return Known(data.pictures, {name: _column(rows, name) for name in names})


def _known_composed(source: ComposedFaces, count: int, seed: int) -> Known:
    rng = np.random.default_rng([seed, 1])
    draws = draw_faces(source.prints, source.stages, "train", count, rng, RECOMBINED)
    # Heads' colours are dealt out anew: what goes with one in designs, as anger does with grey, goes with none here.
    draws = replace(draws, head=draws.head[rng.permutation(count)])
    faces, _ = compose(source.prints, source.stages, draws)
    stages = [source.stages.parameters[i] for i in draws.stage]
    values = {name: np.full(count, np.nan) for name in ATTRIBUTES}
    whole = np.flatnonzero(draws.upper == draws.lower)
    for name in set(ATTRIBUTES) - set(NAMES):  # not labelled half by half: whole designs' descriptions tell
        values[name][whole] = _column([source.prints.designs[i].attributes for i in draws.upper[whole]], name)
    values |= zip(NAMES, labels(source.prints, draws).T.astype(np.float64), strict=True)
    mirror = np.where(draws.flip, 1, -1)
    values[TURN.name] = np.array([s.yaw for s in stages]) * mirror / TURN.unit + HALF
    darkness = -np.log2(np.maximum(draws.head @ LUMA, 0.01))
    values[DARK_HEAD.name] = darkness - (np.median(darkness) - HALF)
    chromaticity = draws.head / np.maximum(draws.head.sum(1, keepdims=True), 1e-6)
    yellow = to_linear(np.array(source.prints.head_colours[14]) / 255)
    is_yellow = np.abs(chromaticity - yellow / yellow.sum()).sum(1) < YELLOW_WITHIN
    values[YELLOW_HEAD.name] = is_yellow.astype(float)
    # Pose, light and the head's colour explain much of the latents; knowing them makes the other steps purer. Of the
    # colour, what yellow_head does not tell: else the two would share its step. The factors make them of one size.
    colour = np.stack([chromaticity[:, 0], chromaticity[:, 2]], 1)
    for group in (is_yellow, ~is_yellow):
        colour[group] -= colour[group].mean(0)
    nuisance: dict[str, ArrayLike] = {
        "pitch": [s.pitch / 10 for s in stages],  # degrees
        "fill": [s.fill * 5 for s in stages],  # share of the picture's height
        "dx": [s.dx * (1 - 2 * f) for s, f in zip(stages, draws.flip, strict=True)],  # off the middle
        "exposure": [s.exposure * 5 for s in stages],
        "red": 10 * colour[:, 0],
        "blue": 10 * colour[:, 1],
    }
    values |= {NUISANCE + name: np.asarray(v) - np.median(np.asarray(v)) + HALF for name, v in nuisance.items()}
    return Known(faces, values)


def _column(rows: list[dict[str, bool]], name: str) -> Doubles:
    return np.array([np.nan if name not in row else float(row[name]) for row in rows])
