"""Reconstruction of unseen faces: are they alike, of the same design, with the same expression?"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from minifaces.arrays import Pixels, Places
from minifaces.evaluate.intervals import Interval, bootstrap, mean
from minifaces.evaluate.parts import Part, Picture, Progress, Table, Value
from minifaces.evaluate.reader import Reader
from minifaces.evaluate.similarity import edge_f1, psnr, ssim
from minifaces.evaluate.testset import FaceSet, bare
from minifaces.ldraw.compose import Box, compose
from minifaces.ldraw.draws import fixed_draws
from minifaces.pictures import pairs

Reals = NDArray[np.floating]
SHOWN = 10


def reconstruction(
    faces: FaceSet, made: Mapping[str, Pixels], seen: FaceSet, seen_made: Mapping[str, Pixels], progress: Progress
) -> Part:
    """`made` and `seen_made`: name of a model -> its reconstructions of `faces` and of `seen` (faces of training
    designs), (n, H, W, 3) uint8. The first model is the one that is shown."""
    rivals = dict(made)
    if faces.draws is not None:
        rivals["bare head"] = bare(faces)
    rows: dict[str, dict[str, Value]] = {}
    by_kind: dict[str, dict[str, Value]] = {}
    nearer = design_ranks(faces, rivals, progress) if faces.draws is not None else {}
    for name, pictures in rivals.items():
        figures = _figures(faces, pictures)
        if name in nearer:
            figures |= {"retrieval@1": 100.0 * (nearer[name] == 0), "retrieval@5": 100.0 * (nearer[name] < 5)}
        rows[name] = {column: bootstrap(mean, values, groups=faces.groups) for column, values in figures.items()}
        for kind, chosen in faces.kinds.items():
            row: dict[str, Value] = {"faces": int(chosen.sum())}
            for column, values in figures.items():
                if chosen.any():
                    row[column] = bootstrap(mean, values[chosen], groups=faces.groups[chosen])
            by_kind[f"{name}, {kind}"] = row
    columns = tuple(next(iter(rows.values())))
    tables = [Table("faces of unseen designs", columns, rows, f"{len(faces)} faces of {_count(faces)} designs.")]
    if by_kind:
        tables.append(Table("hard kinds", ("faces", *columns), by_kind))
    if len(seen):
        tables.append(_gap(faces, made, seen, seen_made))
    if faces.draws is not None:
        tables.append(_agreement(faces, rivals))
    first = next(iter(made))
    return Part("reconstruction", "Reconstruction", tables, _shown(faces, made[first]))


def _figures(faces: FaceSet, pictures: Pixels) -> dict[str, Reals]:
    """Column -> one value a face."""
    true, mask = faces.pictures, faces.mask
    figures: dict[str, Reals] = {
        "PSNR": psnr(true, pictures),
        "SSIM": ssim(true, pictures),
        "edge F1": edge_f1(true, pictures),
    }
    if faces.draws is not None:
        figures |= {
            "PSNR, print": psnr(true, pictures, mask),
            "SSIM, print": ssim(true, pictures, mask),
            "edge F1, print": edge_f1(true, pictures, mask),
        }
    return figures


def design_ranks(
    faces: FaceSet, rivals: Mapping[str, Pixels], progress: Progress = lambda *_: None
) -> dict[str, Places]:
    """How many designs are nearer to each reconstruction than the true one, (n,) by name: all designs are composed on
    the input's stage in its head colour and compared within the print region. Only of composed faces."""
    assert faces.draws is not None
    assert faces.prints is not None
    assert faces.stages is not None
    every = np.arange(len(faces.prints))
    ranks = {name: np.empty(len(faces), np.int64) for name in rivals}
    for i in range(len(faces)):
        stage, head = np.full(len(every), faces.draws.stage[i]), np.tile(faces.draws.head[i], (len(every), 1))
        box = _around(faces.mask[i])
        candidates, _ = compose(faces.prints, faces.stages, fixed_draws(faces.prints, every, stage, head), box)
        inside = faces.mask[i][box] > 0
        weight = np.sqrt(faces.mask[i][box][inside], dtype=np.float32)[:, None]
        true = faces.pictures[i][box][inside].astype(np.float32)
        others = candidates[:, inside].astype(np.float32)
        others -= true
        others *= weight
        others = others.reshape(len(every), -1)
        lengths = np.einsum("dp,dp->d", others, others)
        for name, pictures in rivals.items():
            # |other - made|^2 - |made|^2, all seen from the true face
            apart = lengths - 2 * others @ ((pictures[i][box][inside] - true) * weight).ravel()
            ranks[name][i] = (apart < apart[faces.draws.upper[i]]).sum()
        progress("comparing with every design", (i + 1) / len(faces))
    return ranks


def _around(mask: Reals) -> Box:
    """The rows and columns of a mask (H, W) that hold all of it."""
    rows, columns = (np.flatnonzero((mask > 0).any(axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _gap(faces: FaceSet, made: Mapping[str, Pixels], seen: FaceSet, seen_made: Mapping[str, Pixels]) -> Table:
    """How much better faces of training designs come out, on the same stages."""
    rows: dict[str, dict[str, Value]] = {}
    for name in made:
        unseen, known = psnr(faces.pictures, made[name]), psnr(seen.pictures, seen_made[name])
        here = bootstrap(mean, unseen, groups=faces.groups)
        there = bootstrap(mean, known, groups=seen.groups)
        half = np.hypot(here.high - here.low, there.high - there.low) / 2  # of a difference of independent means
        gap = there.value - here.value
        rows[name] = {"training designs": there, "unseen designs": here, "gap": Interval(gap, gap - half, gap + half)}
    columns = ("training designs", "unseen designs", "gap")
    return Table("PSNR of training and of unseen designs", columns, rows, "Both on the stages of the test split.")


def _agreement(faces: FaceSet, rivals: Mapping[str, Pixels]) -> Table:
    """Attributes read off the reconstruction as they are read off the input."""
    reader = Reader()
    read = reader.holds(faces.pictures)
    rows: dict[str, dict[str, Value]] = {}
    for name, pictures in rivals.items():
        same = 100.0 * (reader.holds(pictures) == read)
        row: dict[str, Value] = {"all": bootstrap(mean, same.mean(1), groups=faces.groups)}
        for i, attribute in enumerate(reader.names):
            row[attribute] = float(same[:, i].mean())
        rows[name] = row
    note = "Share of faces (%) of which the reader says the same before and after. Of a bare head it says no to all."
    return Table("attribute agreement", ("all", *reader.names), rows, note)


def _shown(faces: FaceSet, pictures: Pixels) -> list[Picture]:
    order = np.argsort(psnr(faces.pictures, pictures, faces.mask))
    middle = max(0, len(order) // 2 - SHOWN // 2)
    ranges = {"best": order[::-1][:SHOWN], "median": order[middle : middle + SHOWN], "worst": order[:SHOWN]}
    return [
        Picture(
            f"reconstruction-{name}",
            f"The {len(chosen)} {name} by PSNR of the print region: inputs above, reconstructions below.",
            pairs(faces.pictures[chosen], pictures[chosen], SHOWN),
        )
        for name, chosen in ranges.items()
    ]


def _count(faces: FaceSet) -> int:
    return len(np.unique(faces.groups))
