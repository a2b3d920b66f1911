"""The whole report on a model, part by part.

parts = evaluate({"default": minifaces.load()})
write(parts, {"model": "default"}, Path("report"))"""

from pathlib import Path

from minifaces.arrays import Pixels
from minifaces.errors import UsageError
from minifaces.evaluate.features import lite0
from minifaces.evaluate.latents import latents
from minifaces.evaluate.morphs import morphs
from minifaces.evaluate.parts import Part, Progress
from minifaces.evaluate.randomness import random_faces
from minifaces.evaluate.reconstruction import reconstruction
from minifaces.evaluate.sets import ComposedSets, FolderSets
from minifaces.evaluate.testset import FaceSet
from minifaces.images import resized
from minifaces.studio.model import Model

PARTS = ("reconstruction", "random", "morphs", "latent")
MORPHS = 500
EDITED = 52  # faces whose edits are held against the truth


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
    sets = ComposedSets(size, share) if data is None else FolderSets(data, size, share)

    def remade(faces: FaceSet) -> dict[str, Pixels]:
        return {name: resized(faces.reconstructed(model), size) for name, model in models.items()}

    made = []
    for part in parts:
        if part == "reconstruction":
            made.append(reconstruction(sets.unseen, remade(sets.unseen), sets.seen, remade(sets.seen), progress))
        elif part == "random":
            made.append(random_faces(models, sets, progress))
        elif part == "morphs":
            known = sets.again if sets.composed else sets.seen  # random faces need these reconstructions too
            near = lite0(resized(known.reconstructed(first), size))
            made.append(morphs(first, sets.unseen, near, max(10, round(MORPHS * share)), progress))
        elif part == "latent":
            made.append(latents(first, sets.plain, sets.unseen, max(10, round(EDITED * share)), progress))
        else:
            raise UsageError(f"there is no part {part!r}: choose from {', '.join(PARTS)}")
    return made
