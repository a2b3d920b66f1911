"""The whole report on a model, part by part.

parts = evaluate({"default": minifaces.load()})
write(parts, {"model": "default"}, Path("report"))"""

from pathlib import Path

from minifaces.errors import UsageError
from minifaces.evaluate import testset
from minifaces.evaluate.features import lite0
from minifaces.evaluate.latents import latents
from minifaces.evaluate.morphs import morphs
from minifaces.evaluate.parts import Part, Progress
from minifaces.evaluate.randomness import random_faces
from minifaces.evaluate.reconstruction import reconstruction
from minifaces.images import resized
from minifaces.studio.model import Model

PARTS = ("reconstruction", "random", "morphs", "latent")
PER_DESIGN = 4  # faces of each unseen design
RANDOM = 1000  # faces of a set of random ones
MORPHS = 500


def evaluate(
    models: dict[str, Model],
    data: Path | None = None,
    parts: tuple[str, ...] = PARTS,
    share: float = 1.0,
    size: int | None = None,
    progress: Progress = lambda *_: None,
) -> list[Part]:
    """Evaluate the first of `models` and, beside it, the others, on composed faces of the test split, or on that of the
    data set in the folder `data`. `share` below 1 takes so many fewer faces. Pictures are compared at `size` pixels a
    side, without it at the first model's: what a model of another size makes is resampled."""
    first = next(iter(models.values()))
    size = size or first.image_size
    few = max(1, round(PER_DESIGN * share))
    if data is None:
        unseen, seen = testset.composed(size, "test", few), testset.composed(size, "train", 1, seed=12)
    else:
        unseen, seen = testset.of_folder(data, size, "test"), testset.of_folder(data, size, "train")
    made = []
    for part in parts:
        if part == "reconstruction":
            remade = [{n: resized(m.reconstruct(f.pictures), size) for n, m in models.items()} for f in (unseen, seen)]
            made.append(reconstruction(unseen, remade[0], seen, remade[1], progress))
            continue
        count = max(50, round(RANDOM * share))
        if part == "latent":
            fitted = testset.drawn(size, "train", 2 * count, "train", seed=21) if data is None else seen
            made.append(latents(first, fitted, unseen, progress))
            continue
        real = testset.drawn(size, "train", count, "train", 31, recombined=0.5) if data is None else seen
        if part == "random":
            again = testset.drawn(size, "train", count, "train", 32, recombined=0.5) if data is None else unseen
            plain = None
            if data is None:
                plain = (
                    testset.drawn(size, "train", count, "train", 33, varied=False),
                    testset.drawn(size, "train", count // 2, "train", 34, varied=False),
                )
            made.append(random_faces(models, real, again, unseen, plain, progress))
        elif part == "morphs":
            reconstructed = lite0(first.reconstruct(real.pictures))
            made.append(morphs(first, unseen, reconstructed, max(10, round(MORPHS * share)), progress))
        else:
            raise UsageError(f"there is no part {part!r}: choose from {', '.join(PARTS)}")
    return made
