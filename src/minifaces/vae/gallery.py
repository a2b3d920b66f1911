"""What a model is shown and taught about after training: its gallery, and faces with known attributes.

For composed faces the gallery is every design in its own head colour on one plain, frontal stage, and the known
things include pose and colour. For a folder of pictures it is (some of) the pictures with their metadata."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minifaces.attributes import ATTRIBUTES, DARK_HEAD, TURN, YELLOW_HEAD
from minifaces.images import LUMA
from minifaces.ldraw.colours import to_linear
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import draw_faces, fixed_draws
from minifaces.ldraw.truths import NAMES, labels
from minifaces.listing import attributes_of, description_of
from minifaces.vae.faces import ComposedFaces, FolderFaces, Source

Bytes = NDArray[np.uint8]
MOST = 2000  # pictures of a folder that go into its gallery
# Of the known faces, so many have the eyes of one design and the mouth of another: what goes together in designs (red
# lips and lashes) then goes together less.
JOINED = 0.7


@dataclass(frozen=True)
class Known:
    """`faces` (n, H, W, 3) uint8 and what is known of them: name -> (n,) values, NaN where unknown."""

    faces: Bytes
    values: dict[str, NDArray[np.float64]]


def gallery(source: Source) -> tuple[Bytes, list[dict[str, Any]]]:
    """Gallery pictures (n, H, W, 3) uint8 and their entries for gallery.json."""
    if isinstance(source, ComposedFaces):
        stage = _frontal(source)
        designs = np.arange(len(source.prints))
        faces, _ = compose(
            source.prints, source.stages, fixed_draws(source.prints, designs, np.full(len(designs), stage))
        )
        entries = [
            {"name": d.name, "description": d.description, "attributes": d.attributes, "split": d.split}
            for d in source.prints.designs
        ]
        return faces, entries
    assert isinstance(source, FolderFaces)
    rows = source.data.rows[:MOST]
    unique = len({row["design"] for row in rows}) == len(rows)
    return source.data.pictures[:MOST], [_entry(row, unique) for row in rows]


def known_faces(source: Source, count: int, seed: int = 1) -> Known:
    """Training faces with what is known of each: attributes, and for composed faces pose and head colour too."""
    if isinstance(source, ComposedFaces):
        return _known_composed(source, count, seed)
    assert isinstance(source, FolderFaces)
    chosen = source.train[:count]
    rows = [attributes_of(source.data.rows[i]) for i in chosen]
    names = sorted({name for row in rows for name in row})
    return Known(source.data.pictures[chosen], {name: _column(rows, name) for name in names})


def _known_composed(source: ComposedFaces, count: int, seed: int) -> Known:
    rng = np.random.default_rng([seed, 1])
    draws = draw_faces(source.prints, source.stages, "train", count, rng, JOINED)
    # Heads' colours are dealt out anew: what goes with one in designs, as anger does with grey, goes with none here.
    draws = replace(draws, head=draws.head[rng.permutation(count)])
    faces, _ = compose(source.prints, source.stages, draws)
    stages = [source.stages.parameters[i] for i in draws.stage]
    values = {name: np.full(count, np.nan) for name in ATTRIBUTES}
    whole = np.flatnonzero(draws.upper == draws.lower)
    for name in set(ATTRIBUTES) - set(NAMES):  # not looked at half by half: told of whole designs by their descriptions
        values[name][whole] = _column([source.prints.designs[i].attributes for i in draws.upper[whole]], name)
    values |= zip(NAMES, labels(source.prints, draws).T.astype(np.float64), strict=True)
    # `directions` takes what is above 0.5 for there: the middle of each measure goes there.
    values[TURN.name] = np.array([s.yaw for s in stages]) * np.where(draws.flip, 1, -1) / TURN.unit + 0.5
    values[DARK_HEAD.name] = -np.log2(np.maximum(draws.head @ LUMA, 0.01))
    values[DARK_HEAD.name] -= np.median(values[DARK_HEAD.name]) - 0.5
    skin = draws.head / np.maximum(draws.head.sum(1, keepdims=True), 1e-6)
    yellow = to_linear(np.array(source.prints.head_colours[14]) / 255)
    is_yellow = np.abs(skin - yellow / yellow.sum()).sum(1) < 0.12
    values[YELLOW_HEAD.name] = is_yellow.astype(float)
    # Pose, light and the head's colour explain much of the latents; knowing them makes the other steps purer. Of the
    # colour, what yellow_head does not tell: else the two would share its step.
    colour = np.stack([skin[:, 0], skin[:, 2]], 1)
    for kind in (is_yellow, ~is_yellow):
        colour[kind] -= colour[kind].mean(0)
    nuisance: dict[str, ArrayLike] = {
        "_pitch": [s.pitch / 10 for s in stages],
        "_fill": [s.fill * 5 for s in stages],
        "_dx": [s.dx * (1 - 2 * f) for s, f in zip(stages, draws.flip, strict=True)],
        "_exposure": [s.exposure * 5 for s in stages],
        "_red": 10 * colour[:, 0],
        "_blue": 10 * colour[:, 1],
    }
    values |= {name: np.asarray(v) - np.median(np.asarray(v)) + 0.5 for name, v in nuisance.items()}
    return Known(faces, values)


def _frontal(source: ComposedFaces) -> int:
    """The training stage that shows a head most plainly: on white, straight on, well filling the picture."""
    costs = [
        abs(p.yaw)
        + abs(p.pitch - 5)
        + 40 * abs(p.fill - 0.9)
        + 3 * abs(p.dx)
        + 30 * abs(p.exposure - 0.95)
        + 100 * (p.backdrop != "white")
        for p in source.stages.parameters
    ]
    return int(np.argmin(costs))


def _entry(row: dict[str, str], unique: bool) -> dict[str, Any]:
    """A gallery entry from a data set's row."""
    name = row["design"] if unique else row["file_name"]
    facts = {"description": description_of(row), "attributes": attributes_of(row), "split": row["split"]}
    return {"name": name, **facts}


def _column(rows: list[dict[str, bool]], name: str) -> NDArray[np.float64]:
    return np.array([np.nan if name not in row else float(row[name]) for row in rows])
