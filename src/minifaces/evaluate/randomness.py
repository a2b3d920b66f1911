"""Random faces: are they like the data (density), do they cover it, can they be told from it, are they new?

Everything is said beside what calibrates it: the data against itself (the floor), blurred and noisy data, and
reconstructions, which show what the decoder costs whatever the latents are."""

from collections.abc import Callable
from functools import cache, partial

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
from minifaces.evaluate.testset import Faces
from minifaces.images import resized
from minifaces.pictures import grid, pairs
from minifaces.studio.model import Model

Groups = NDArray[np.str_]
SEED = 2024
ROUNDS = 12  # of subsampling, for intervals that are known to a fifth: singular values of 800 x 800 take half a second
SHOWN = 100


def random_faces(
    models: dict[str, Model],
    real: Faces,
    again: Faces,
    unseen: Faces,
    plain: Faces | None,
    train: Faces,
    progress: Progress,
) -> Part:
    """`real` and `again` are two independent draws of the training distribution, equally many; `unseen` are faces of
    unseen designs; `plain` are training designs as they are, which tell how far two pictures of one design lie apart.
    `train` are all the training faces that could be copied, or `real`, where there is no end of them. The first model
    is the one that is shown."""
    first = next(iter(models.values()))
    count, size = len(real), real.pictures.shape[1]
    rng = np.random.default_rng(SEED)
    sets: dict[str, Callable[[], Pixels]] = {
        "floor: the data again": lambda: again.pictures,
        "unseen designs": lambda: unseen.pictures,
        "blurred data": lambda: _blurred(again.pictures),
        "noisy data": lambda: _noisy(again.pictures, rng),
    }

    @cache
    def drawn(model: Model) -> Latents:
        return model.sample_latents(count, SEED)

    @cache
    def invented(model: Model) -> Pixels:
        return resized(model.decode(drawn(model)), size)

    for name, model in models.items():
        sets[f"{name}: reconstructions"] = lambda m=model: resized(again.reconstructed(m), size)  # type: ignore[misc]
        sets[f"{name}: {_default(model)}"] = lambda m=model: invented(m)  # type: ignore[misc]
        for prior in list(model.priors)[1:]:
            sets[f"{name}: {prior}"] = lambda m=model, p=prior: resized(m.sample(count, SEED, prior=p), size)  # type: ignore[misc]
        sets[f"{name}: polished"] = lambda m=model: resized(m.decode(m.polish(drawn(m))), size)  # type: ignore[misc]
    rows: dict[str, dict[str, Value]] = {}
    features = lite0(real.pictures)
    crude = random_cnn(real.pictures)
    known: dict[str, Floats] = {}
    for i, (name, make) in enumerate(sets.items()):
        progress("random faces: " + name, i / len(sets))
        pictures = make()
        known[name] = lite0(pictures)
        rows[name] = _row(features, known[name], crude, random_cnn(pictures), real.groups)
    floor = rows["floor: the data again"]
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
    if train is real:
        copied = _memorisation(features, real.groups, known["floor: the data again"], made)
    else:  # of which `again` is a part
        copied = _memorisation(lite0(train.pictures), train.groups, known["unseen designs"], made)
    against = _against_reconstructions(known, list(models), again.groups)
    tables = [Table("random faces", columns, rows, note), against, copied]
    if plain is not None:
        progress("random faces: new designs", 1)
        tables.append(_new_designs(first, plain, unseen, made, size))
    return Part(
        "random",
        "Random faces",
        tables,
        _shown(first, invented(first), real, features, made),
    )


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


def _new_designs(model: Model, plain: Faces, unseen: Faces, made: Floats, size: int) -> Table:
    """Are random faces of designs that training did not have? One counts as new if it lies farther from two thirds of
    `plain`, pictures of training designs, than 95 % of the last third do. All as the model draws them, at `size`."""

    def seen(faces: Faces) -> Floats:
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


def _shown(model: Model, pictures: Pixels, real: Faces, features: Floats, made: Floats) -> list[Picture]:
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
