"""The latent space: how much of it is used, what can be read off it in a straight line, and what edits do."""

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from minifaces.arrays import Doubles, Floats
from minifaces.errors import UsageError
from minifaces.evaluate.edits import edits
from minifaces.evaluate.parts import Part, Progress, Table, Value
from minifaces.evaluate.testset import FaceSet
from minifaces.evaluate.truth import against_truth
from minifaces.images import LUMA
from minifaces.studio.model import Model

ACTIVE = 0.01  # variance of a dimension's means over the data above which it is active (Burda et al. 2016)


def latents(model: Model, seen: FaceSet, faces: FaceSet, edited_faces: int, progress: Progress) -> Part:
    """`seen`: faces of training designs, to fit probes on; `faces`: of unseen designs, to test them on. Edits of (up
    to) `edited_faces` of these are held against the truth."""
    if len(seen) < 2:
        raise UsageError("the latent space needs two training faces or more")
    progress("latent space", 0)
    fitted, tested = seen.latents(model), faces.latents(model)
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
    edited, pictures = edits(model, faces, progress)
    told, shown = against_truth(model, faces, edited_faces, progress)
    return Part("latent", "Latent space", [*tables, *edited, *told], [*pictures, *shown])


def _probes(fitted: Floats, seen: FaceSet, tested: Floats, faces: FaceSet) -> Table:
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


def _measures(faces: FaceSet) -> dict[str, Doubles]:
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


def _attributes(faces: FaceSet) -> dict[str, Doubles]:
    if faces.draws is None or faces.prints is None:
        return {}
    rows = [faces.prints.designs[i].attributes for i in faces.draws.upper]
    names = sorted({name for row in rows for name in row})
    return {name: np.array([np.nan if name not in r else float(r[name]) for r in rows]) for name in names}
