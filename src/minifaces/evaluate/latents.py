"""The latent space: how much of it is used, what can be read off it in a straight line, and what edits do."""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from minifaces.evaluate.intervals import bootstrap, mean
from minifaces.evaluate.parts import Part, Picture, Progress, Table, Value
from minifaces.evaluate.reader import Reader
from minifaces.evaluate.similarity import psnr
from minifaces.evaluate.testset import Faces
from minifaces.ldraw.colours import LUMA
from minifaces.pictures import captioned, grid
from minifaces.studio.model import Model

Floats = NDArray[np.float32]
AMOUNT = 2.0  # how far edits go: "clearly shown on any face"
ACTIVE = 0.01  # variance of a dimension's means over the data above which it is active (Burda et al. 2016)
SHOWN = 8


def latents(model: Model, seen: Faces, faces: Faces, progress: Progress) -> Part:
    """`seen`: faces of training designs, to fit probes on; `faces`: of unseen designs, to test them on."""
    progress("latent space", 0)
    fitted, tested = model.encode(seen.pictures), model.encode(faces.pictures)
    spread = np.sort(np.linalg.eigvalsh(np.cov(fitted.T)))[::-1]
    share = spread / spread.sum()
    use: dict[str, Value] = {
        "dimensions": model.latent_size,
        "active": int((fitted.var(0) > ACTIVE).sum()),
        "directions for 90 % of the variance": int(np.searchsorted(np.cumsum(share), 0.9)) + 1,
        "participation": float(spread.sum() ** 2 / (spread**2).sum()),
    }
    note = "Active: variance of the means above 0.01. Participation: (sum of variances)^2 / sum of their squares."
    tables = [Table("use", tuple(use), {"latents": use}, note), _probes(fitted, seen, tested, faces)]
    pictures: list[Picture] = []
    if model.directions:
        table, picture = _edits(model, tested, faces, progress)
        tables.append(table)
        pictures.append(picture)
    return Part("latent", "Latent space", tables, pictures)


def _probes(fitted: Floats, seen: Faces, tested: Floats, faces: Faces) -> Table:
    scale = StandardScaler().fit(fitted)
    x, y = scale.transform(fitted), scale.transform(tested)
    rows: dict[str, dict[str, Value]] = {}
    for name, values in _measures(seen).items():
        truth = _measures(faces)[name]
        guess = Ridge(10.0).fit(x, values).predict(y)
        rows[name] = {"R2": float(1 - ((truth - guess) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())}
    for name, known in _attributes(seen).items():
        truth = _attributes(faces)[name]
        here, there = np.isfinite(known), np.isfinite(truth)
        if min(truth[there].sum(), (1 - truth[there]).sum()) < 5:
            continue
        probe = LogisticRegression(C=0.05, class_weight="balanced", max_iter=500).fit(x[here], known[here])
        score = balanced_accuracy_score(truth[there], probe.predict(y[there]))
        rows[name] = {"balanced accuracy, %": 100 * float(score), "faces": int(there.sum())}
    note = "Straight-line probes fitted on training designs, tested on unseen ones; attributes as the data name them."
    return Table("probes", ("R2", "balanced accuracy, %", "faces"), rows, note)


def _measures(faces: Faces) -> dict[str, NDArray[np.float64]]:
    if faces.draws is None or faces.stages is None:
        return {}
    stages = [faces.stages.parameters[i] for i in faces.draws.stage]
    sign = np.where(faces.draws.flip, -1, 1)
    head = faces.draws.head
    return {
        "turn (yaw)": np.array([s.yaw for s in stages]) * sign,
        "tilt (pitch)": np.array([s.pitch for s in stages]),
        "size in the picture": np.array([s.fill for s in stages]),
        "exposure": np.array([s.exposure for s in stages]),
        "head's luma": np.sqrt(head @ LUMA),
        "head's redness": head[:, 0] / head.sum(1),
    }


def _attributes(faces: Faces) -> dict[str, NDArray[np.float64]]:
    if faces.draws is None or faces.prints is None:
        return {}
    rows = [faces.prints.designs[i].attributes for i in faces.draws.upper]
    names = sorted({name for row in rows for name in row})
    return {name: np.array([np.nan if name not in r else float(r[name]) for r in rows]) for name in names}


def _edits(model: Model, latents: Floats, faces: Faces, progress: Progress) -> tuple[Table, Picture]:
    """Each direction that the reader can judge, added to the faces that lack the attribute and taken from those that
    have it: how many come to be read otherwise, and how much else changes."""
    reader = Reader()
    before = reader.holds(model.decode(latents))
    plain = model.decode(latents)
    rows: dict[str, dict[str, Value]] = {}
    shown, captions = [], []
    names = [name for name in model.directions if name in reader.names]
    for number, name in enumerate(names):
        progress(f"edits: {name}", number / len(names))
        i = reader.names.index(name)
        row: dict[str, Value] = {}
        for sign, what in ((1, "added"), (-1, "taken away")):
            chosen = np.flatnonzero(before[:, i] == (sign < 0))
            if len(chosen) < 5:
                continue
            edited = model.decode(model.edit(latents[chosen], {name: sign * AMOUNT}))
            after = reader.holds(edited)
            others = np.delete(np.arange(len(reader.names)), i)
            row |= {
                f"{what}, %": bootstrap(mean, 100.0 * (after[:, i] == (sign > 0)), groups=faces.groups[chosen]),
                f"{what}: other readings kept, %": float(100 * (after == before[chosen])[:, others].mean()),
                f"{what}: PSNR to the unedited": float(psnr(plain[chosen], edited).mean()),
            }
            if sign > 0:
                spread = chosen[np.linspace(0, len(chosen) - 1, SHOWN).astype(int)]
                shown += [*plain[spread], *model.decode(model.edit(latents[spread], {name: AMOUNT}))]
                captions += [name] * (2 * SHOWN)
        rows[name] = row
    columns = tuple(dict.fromkeys(column for row in rows.values() for column in row))
    note = f"Edits by {AMOUNT:g}, of faces of unseen designs; what a face has is read off its picture."
    picture = Picture("edits", "Unedited and edited, eight of each.", grid(captioned(np.stack(shown), captions), SHOWN))
    return Table("edits", columns, rows, note), picture
