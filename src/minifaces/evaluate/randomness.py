"""Random faces: are they like the data (density), do they cover it, can they be told from it, are they new?

Everything is said beside what calibrates it: the data against itself (the floor), blurred and noisy data, and
reconstructions, which show what the decoder costs whatever the latents are."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from minifaces.arrays import Bools, Floats, Latents, Pixels
from minifaces.evaluate.distributions import (
    TwoSample,
    authenticity,
    copying,
    density_coverage,
    frechet_distance,
    kernel_distance,
    nearest,
    two_sample,
)
from minifaces.evaluate.features import lite0, random_cnn
from minifaces.evaluate.intervals import Interval, bootstrap_two, mean
from minifaces.evaluate.parts import Part, Picture, Progress, Table, Value
from minifaces.evaluate.sets import Sets
from minifaces.evaluate.testset import FaceSet
from minifaces.images import resized
from minifaces.pictures import grid, pairs
from minifaces.studio.model import Model

Groups = NDArray[np.str_]
SEED = 2024
ROUNDS = 12  # of subsampling, for intervals that are known to a fifth: singular values of 800 x 800 take half a second
SHOWN = 100
FLOOR, UNSEEN = "floor: the data again", "unseen designs"


@dataclass(frozen=True)
class Candidate:
    """A set of faces that is held against the data, made when it is its turn."""

    name: str
    make: Callable[[], Pixels]


def random_faces(models: dict[str, Model], sets: Sets, progress: Progress) -> Part:
    """The random faces of `models` and what calibrates them, held against the training distribution. The first model is
    the one that is shown."""
    first, real = next(iter(models.values())), sets.real
    count, size = len(real), real.pictures.shape[1]
    latents = {name: model.sample_latents(count, SEED) for name, model in models.items()}
    invented = {name: resized(model.decode(latents[name]), size) for name, model in models.items()}
    candidates = [*_calibration(sets)]
    for name, model in models.items():
        candidates += _of_model(name, model, sets, latents[name], invented[name])
    rows: dict[str, dict[str, Value]] = {}
    features = lite0(real.pictures)
    crude = random_cnn(real.pictures)
    known: dict[str, Floats] = {}
    for i, candidate in enumerate(candidates):
        progress(f"random faces: {candidate.name}", i / len(candidates))
        pictures = candidate.make()
        known[candidate.name] = lite0(pictures)
        rows[candidate.name] = _row(features, known[candidate.name], crude, random_cnn(pictures), real.groups)
    floor = rows[FLOOR]
    for row in rows.values():
        for what in ("density", "coverage"):
            row[f"{what}, share of the floor"] = _value(row[what]) / max(_value(floor[what]), 1e-9)
    columns = tuple(next(iter(rows.values())))
    note = (
        f"Against {count} faces of the training distribution. Distances and coverage depend on the number of faces: "
        "compare sets of the same. FD-lite0, KID, density, coverage and the classifier use EfficientNet-lite0's "
        "features (not Inception's: the numbers are no FID)."
    )
    made = known[f"{next(iter(models))}: {_default(first)}"]
    if sets.composed:
        copied = _memorisation(features, real.groups, known[FLOOR], made)
    else:  # the floor is a part of the training faces
        copied = _memorisation(lite0(sets.train.pictures), sets.train.groups, known[UNSEEN], made)
    against = _against_reconstructions(known, list(models), sets.again.groups)
    tables = [Table("random faces", columns, rows, note), against, copied]
    if sets.composed:
        progress("random faces: new designs", 1)
        tables.append(_new_designs(first, sets.plain, sets.unseen, made, size))
    shown = _shown(first, next(iter(invented.values())), real, features, made)
    return Part("random", "Random faces", tables, shown)


def _calibration(sets: Sets) -> list[Candidate]:
    """What is known to be good, and what is known to be bad."""
    rng = np.random.default_rng(SEED)
    return [
        Candidate(FLOOR, lambda: sets.again.pictures),
        Candidate(UNSEEN, lambda: sets.unseen.pictures),
        Candidate("blurred data", lambda: _blurred(sets.again.pictures)),
        Candidate("noisy data", lambda: _noisy(sets.again.pictures, rng)),
    ]


def _of_model(name: str, model: Model, sets: Sets, latents: Latents, invented: Pixels) -> list[Candidate]:
    """A model's reconstructions, which show what its decoder costs; its random faces, of each prior and polished."""
    count, size = invented.shape[:2]

    def drawn(prior: str) -> Pixels:
        return resized(model.sample(count, SEED, prior=prior), size)

    return [
        Candidate(f"{name}: reconstructions", lambda: resized(sets.again.reconstructed(model), size)),
        Candidate(f"{name}: {_default(model)}", lambda: invented),
        *(Candidate(f"{name}: {prior}", partial(drawn, prior)) for prior in list(model.priors)[1:]),
        Candidate(f"{name}: polished", lambda: resized(model.decode(model.polish(latents)), size)),
    ]


def _row(real: Floats, made: Floats, crude: Floats, crude_made: Floats, groups: Groups) -> dict[str, Value]:
    """`groups` (n,) are the designs of the real faces."""
    density, coverage = density_coverage(real, made)
    apart = partial(bootstrap_two, a=real, b=made, groups_a=groups, rounds=ROUNDS)
    return {
        "faces": len(made),
        "FD-lite0": apart(frechet_distance),
        "KID-lite0 x 1000": apart(lambda a, b: 1000 * kernel_distance(a, b)),
        "FD, random network": frechet_distance(crude, crude_made),
        "density": density,
        "coverage": coverage,
        "classifier": _accuracy(two_sample(real, made), groups),
    }


def _against_reconstructions(known: dict[str, Floats], models: list[str], groups: Groups) -> Table:
    """Random faces against reconstructions of the data: what the prior gets wrong, the decoder's softness left out."""
    rows: dict[str, dict[str, Value]] = {}
    for name in models:
        base = known[f"{name}: reconstructions"]
        for label, features in known.items():
            if label.startswith(f"{name}: ") and not label.endswith("reconstructions"):
                density, coverage = density_coverage(base, features)
                rows[label] = {
                    "FD-lite0": bootstrap_two(frechet_distance, base, features, groups_a=groups, rounds=ROUNDS),
                    "density": density,
                    "coverage": coverage,
                    "classifier": _accuracy(two_sample(base, features), groups),
                }
    return Table("random faces against reconstructions", ("FD-lite0", "density", "coverage", "classifier"), rows)


def _memorisation(train: Floats, designs: Groups, held_out: Floats, made: Floats) -> Table:
    half, other = held_out[::2], held_out[1::2]
    sets = {
        "random faces": (made, held_out),
        "copies of the data": (train, held_out),
        "the data again": (half, other if len(other) else half),
    }
    rows: dict[str, dict[str, Value]] = {
        name: {"authenticity": 100 * authenticity(train, some, designs), "C_T": copying(train, others, some)}
        for name, (some, others) in sets.items()
    }
    note = (
        f"Among {len(train)} training faces. Copies have an authenticity of 0 and a strongly negative C_T; half of the "
        "data drawn again, held against the other half, says what is normal."
    )
    return Table("memorisation", ("authenticity", "C_T"), rows, note)


def _new_designs(model: Model, plain: FaceSet, unseen: FaceSet, made: Floats, size: int) -> Table:
    """Are random faces of designs that training did not have? One counts as new if it lies farther from two thirds of
    `plain`, pictures of training designs, than 95 % of the last third do. All as the model draws them, at `size`."""

    def seen(faces: FaceSet) -> Floats:
        return lite0(resized(faces.reconstructed(model), size))

    known, other = np.split(seen(plain), [2 * len(plain) // 3])
    usual = nearest(other, known)[1]
    limit = float(np.percentile(usual, 95))
    sets = {
        "training designs, drawn again": usual,
        "unseen designs": nearest(seen(unseen), known)[1],
        "random faces": nearest(made, known)[1],
    }
    rows: dict[str, dict[str, Value]] = {
        name: {"new, %": 100 * float((far > limit).mean()), "distance": float(np.median(far))}
        for name, far in sets.items()
    }
    note = (
        f"Median distance to the nearest of {len(known)} pictures of training designs, as they are, not joined. New: "
        f"beyond {limit:.2f}, as 5 % of {len(other)} other pictures of the same designs are. What is joined from two "
        "training designs is new too; what is merely smeared also lies far away, so read it beside the density."
    )
    return Table("new designs", ("new, %", "distance"), rows, note)


def _default(model: Model) -> str:
    """The prior that faces are drawn from unless another is asked for."""
    return next(iter(model.priors))


def _shown(model: Model, pictures: Pixels, real: FaceSet, features: Floats, made: Floats) -> list[Picture]:
    """`pictures` are the model's random faces, `made` their features, `features` those of `real`."""
    found, far = nearest(made, features)
    closest = np.argsort(far)[:20]
    others = list(model.priors)[1:]
    return [
        Picture(
            "random-faces",
            f"{SHOWN} random faces of the {_default(model)}, the first of their seed, unpicked.",
            grid(pictures[:SHOWN], 20),
        ),
        Picture(
            "random-priors",
            f"20 each, row by row, of the other priors: {', '.join(others)}.",
            grid(np.concatenate([model.sample(20, SEED, prior=prior) for prior in others]), 20),
        ),
        Picture(
            "random-nearest",
            "The 20 of all random faces nearest to training faces, and below them these (lite0 features).",
            pairs(pictures[closest], real.pictures[found[closest]], 10),
        ),
    ]


def _accuracy(told: TwoSample, groups: Groups) -> Interval:
    """Balanced accuracy in %: 50 is what guessing gets."""

    def balanced(a: Bools, b: Bools) -> float:
        return 50 * (mean(a) + mean(b))

    return bootstrap_two(balanced, told.right_a, told.right_b, groups_a=groups, limits=(0, 100))


def _blurred(pictures: Pixels) -> Pixels:
    return np.asarray(gaussian_filter(pictures, (0, 1, 1, 0)))


def _noisy(pictures: Pixels, rng: np.random.Generator) -> Pixels:
    return np.clip(pictures + rng.normal(0, 8, pictures.shape), 0, 255).astype(np.uint8)


def _value(value: Value) -> float:
    return float(value.value if hasattr(value, "value") else value)
