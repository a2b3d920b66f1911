"""What edits do to faces: whether they change what they should, and how much else changes with it.

tables, pictures = edits(model, faces, progress)"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from minifaces.arrays import Bools, Doubles, Floats, Pixels
from minifaces.attributes import DARK_HEAD, MEASURES, TURN, YELLOW_HEAD
from minifaces.evaluate.intervals import bootstrap, mean
from minifaces.evaluate.parts import Picture, Progress, Table, Value
from minifaces.evaluate.reader import Reader
from minifaces.evaluate.similarity import psnr
from minifaces.evaluate.testset import FaceSet, evenly
from minifaces.headcolours import head_colours
from minifaces.images import LUMA
from minifaces.ldraw.colours import to_linear
from minifaces.photos.finder import detect
from minifaces.pictures import captioned, grid
from minifaces.studio.model import Model

LEARNT, STEP = 1.0, 2.0  # how far edits of attributes go: what the editor has learnt, and a step for any face
LEAST = 5  # faces, for a figure
SHOWN = 8
YELLOW = YELLOW_HEAD.name  # told by the head's colour; all else by the reader


def edits(model: Model, faces: FaceSet, progress: Progress) -> tuple[list[Table], list[Picture]]:
    """Tables of what a model's directions do to faces, and a picture of it; nothing where no effect of theirs can be
    told. Of composed faces the truth, the same ones composed with the edit, stands beside it."""
    reader = Reader()
    names = [name for name in model.directions if name in (*reader.names, YELLOW)]
    measures = [name for name in _MEASURES if name in model.directions]
    if not names and not measures:
        return [], []
    latents = faces.latents(model)
    plain = model.decode(latents)
    held, colours = _read(reader, plain)
    changed: dict[str, dict[str, Value]] = {}
    measured: dict[str, dict[str, Value]] = {}
    shown, captions = [], []
    for number, name in enumerate([*names, *measures]):
        progress(f"edits: {name}", number / (len(names) + len(measures)))
        if name in measures:
            measured[name] = _measured(model, faces, latents, plain, name)
            some, amount = np.arange(len(latents)), 1.0
        else:
            changed[name] = _changed(model, faces, latents, plain, held, colours, name, reader)
            some, amount = np.flatnonzero(~held[:, _column(reader, name)]), _far(model, name, 1)
        some = some[evenly(len(some), SHOWN)]
        if len(some):
            shown += [*plain[some], *model.decode(model.edit(latents[some], {name: amount}))]
            captions += [name] * (2 * len(some))
    tables = []
    columns = tuple(dict.fromkeys(column for row in changed.values() for column in row))
    note = (
        f"Edits of faces of unseen designs: by {LEARNT:g} what the model has learnt to put in place of something, by "
        f"{STEP:g} along a direction what it has not. What a face has is read off its picture, as is the name of its "
        "head's colour. The truth: the same faces composed with the edit."
    )
    if changed:
        tables.append(Table("edits", columns, changed, note))
    if measured:
        note = (
            "Edits by 1 and by -1: turns in degrees, as seen by the network that screens photos; how dark a head is in "
            "stops, of the median of the picture's middle. Done: at least half of what was asked. The truth: the same "
            "faces composed with the edit."
        )
        columns = tuple(dict.fromkeys(column for row in measured.values() for column in row))
        tables.append(Table("edits of measures", columns, measured, note))
    if not shown:
        return tables, []
    return tables, [Picture("edits", "Unedited and edited.", grid(captioned(np.stack(shown), captions), SHOWN))]


def _changed(
    model: Model,
    faces: FaceSet,
    latents: Floats,
    plain: Pixels,
    before: Bools,
    colours: NDArray[np.str_],
    name: str,
    reader: Reader,
) -> dict[str, Value]:
    """An attribute added to the faces that lack it and taken from those that have it: how many come to be read
    otherwise, and how much else changes."""
    i = _column(reader, name)
    row: dict[str, Value] = {}
    for sign, what in ((1, "added"), (-1, "taken away")):
        chosen = np.flatnonzero(before[:, i] == (sign < 0))
        if len(chosen) < LEAST:
            continue
        made = model.decode(model.edit(latents[chosen], {name: _far(model, name, sign)}))
        after, named = _read(reader, made)
        others = [j for j in range(len(reader.names)) if j != i]
        row |= {
            f"{what}, %": bootstrap(mean, 100.0 * (after[:, i] == (sign > 0)), groups=faces.groups[chosen]),
            f"{what}: other readings kept, %": float(100 * (after == before[chosen])[:, others].mean()),
            f"{what}: head colour kept, %": float(100 * (named == colours[chosen]).mean()),
            f"{what}: PSNR to the unedited": float(psnr(plain[chosen], made).mean()),
        }
        truth = faces.truth(chosen, name, sign)
        if truth is not None:
            row[f"{what}: the truth, %"] = float(100 * (_read(reader, truth)[0][:, i] == (sign > 0)).mean())
    return row


def _far(model: Model, name: str, sign: int) -> float:
    least, most = model.learnt.get(name, (0.0, 0.0))
    return sign * (LEARNT if least <= sign * LEARNT <= most else STEP)


def _measured(model: Model, faces: FaceSet, latents: Floats, plain: Pixels, name: str) -> dict[str, Value]:
    """A measure raised and lowered by 1: by how much it changes, and how often by half of what was asked."""
    measure, asked = _MEASURES[name], MEASURES[name].unit
    start = measure(plain)
    changes = np.stack([s * (measure(model.decode(model.edit(latents, {name: s}))) - start) for s in (1.0, -1.0)])
    row: dict[str, Value] = {
        "asked": asked,
        "measured": bootstrap(mean, changes.mean(0), groups=faces.groups),
        "done, %": bootstrap(mean, 100.0 * (np.nan_to_num(changes) >= asked / 2).mean(0), groups=faces.groups),
    }
    true = measure(faces.pictures)
    for change, sign in zip(changes, (1, -1), strict=True):
        row[f"by {sign}"] = float(sign * np.nanmean(change))
        truth = faces.truth(np.arange(len(faces)), name, sign)
        if truth is not None:
            row[f"by {sign}: the truth"] = float(np.nanmean(measure(truth) - true))
    return row


def _read(reader: Reader, faces: Pixels) -> tuple[Bools, NDArray[np.str_]]:
    """What faces have, the columns of `_column`, and their heads' colours by name."""
    colours = np.array(head_colours(faces))
    return np.column_stack([reader.holds(faces), colours == "yellow"]), colours


def _column(reader: Reader, name: str) -> int:
    return len(reader.names) if name == YELLOW else reader.names.index(name)


def _turn(faces: Pixels) -> Doubles:
    """Degrees that each face is turned to the picture's right, NaN where no head is seen."""
    return np.array([heads[0].yaw if heads else np.nan for heads in detect(list(faces))], np.float64)


def _darkness(faces: Pixels) -> Doubles:
    """log2 of how much less light than white the middle of each picture gives."""
    quarter = faces.shape[1] // 4
    middle = faces[:, quarter:-quarter, quarter:-quarter].reshape(len(faces), -1, 3)
    luma = np.median(to_linear(middle / 255) @ LUMA, axis=1)
    return np.asarray(-np.log2(np.maximum(luma, 1e-3)), np.float64)


_MEASURES: dict[str, Callable[[Pixels], Doubles]] = {TURN.name: _turn, DARK_HEAD.name: _darkness}
