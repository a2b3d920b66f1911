"""The whole report on a model, part by part.

parts = evaluate({"default": minifaces.load()})
write(parts, {"model": "default"}, Path("report"))"""

from functools import cache
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
FOLDER, KNOWN = 400, 10_000  # pictures of a split of a folder; of its training split where copies are looked for


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
    count = max(50, round(RANDOM * share))

    @cache
    def faces(kind: str) -> testset.Faces:
        """Sets that parts share, composed and encoded when first needed."""
        if data is not None:
            return of_folder(data, kind)
        if kind == "unseen":
            return testset.composed(size, "test", few)
        if kind == "seen":
            return testset.composed(size, "train", 1, seed=12)
        if kind == "plain":
            return testset.drawn(size, "train", 3 * count // 2, "train", 33, varied=False)
        if kind == "known":  # what copies are looked for in
            return faces("real")
        return testset.drawn(size, "train", count, "train", {"real": 31, "again": 32}[kind], recombined=0.5)

    def of_folder(folder: Path, kind: str) -> testset.Faces:
        if kind in ("real", "again"):  # two halves, as like one another as two draws
            return faces("seen").every_second(("real", "again").index(kind))
        if kind == "plain":
            return faces("seen")
        most = KNOWN if kind == "known" else max(50, round(FOLDER * share))
        return testset.of_folder(folder, size, "test" if kind == "unseen" else "train", most)

    made = []
    for part in parts:
        if part == "reconstruction":
            sets = faces("unseen"), faces("seen")
            remade = [{n: resized(s.reconstructed(m), size) for n, m in models.items()} for s in sets]
            made.append(reconstruction(sets[0], remade[0], sets[1], remade[1], progress))
        elif part == "random":
            plain = faces("plain") if data is None else None
            drawn = faces("real"), faces("again"), faces("unseen")
            made.append(random_faces(models, *drawn, plain, faces("known"), progress))
        elif part == "morphs":
            known = faces("again" if data is None else "seen")  # random faces need these reconstructions too
            near = lite0(resized(known.reconstructed(first), size))
            made.append(morphs(first, faces("unseen"), near, max(10, round(MORPHS * share)), progress))
        elif part == "latent":
            made.append(latents(first, faces("plain"), faces("unseen"), progress))
        else:
            raise UsageError(f"there is no part {part!r}: choose from {', '.join(PARTS)}")
    return made
