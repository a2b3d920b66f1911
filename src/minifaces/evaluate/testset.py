"""The faces that a report is about. Those that are unseen are of test designs on test stages, which no training and no
choice of settings saw.

faces = composed(128, "test", per_design=4)
faces.pictures, faces.mask, faces.groups
faces.latents(model)"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minifaces.arrays import Bools, Floats, Latents, Pixels, Places
from minifaces.attributes import RANGES
from minifaces.dataset import read_dataset
from minifaces.errors import UsageError
from minifaces.images import LUMA
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import Draws, draw_faces, fixed_draws, head_code
from minifaces.ldraw.edited import edited
from minifaces.ldraw.prints import Prints, load_prints
from minifaces.ldraw.stages import Stages, load_stages
from minifaces.studio.model import Model

DARK = 0.1  # linear luma of a head below which it counts as dark
LARGE = 0.15  # share of the texture that a large print covers


@dataclass(frozen=True, eq=False)
class FaceSet:
    """`pictures` (n, H, W, 3) uint8; `mask` (n, H, W) in [0, 1], the print region, all ones where it is not known;
    `groups` (n,) the design of each: faces of one design are no independent evidence. Composed faces know how they
    were drawn."""

    pictures: Pixels
    mask: Floats
    groups: NDArray[np.str_]
    draws: Draws | None = None
    prints: Prints | None = None
    stages: Stages | None = None
    _latents: dict[Model, Latents] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.pictures)

    def every_second(self, first: int) -> "FaceSet":
        """Those at `first`, `first` + 2, ...: half of them."""
        draws = None if self.draws is None else self.draws.chosen(np.arange(first, len(self), 2))
        half = slice(first, None, 2)
        return FaceSet(self.pictures[half], self.mask[half], self.groups[half], draws, self.prints, self.stages)

    def latents(self, model: Model) -> Latents:
        """What a model encodes them to, (n, d) float32: worked out once, since most of a report's time goes there."""
        if model not in self._latents:
            self._latents[model] = model.encode(self.pictures)
        return self._latents[model]

    def reconstructed(self, model: Model) -> Pixels:
        """What a model makes of them, (n, H, W, 3) uint8 at its own size."""
        return model.decode(self.latents(model))

    def truth(self, which: Places, name: str, amounts: ArrayLike) -> Pixels | None:
        """Some of them, (n,), composed with an edit by `amounts`, one or (n,): (n, H, W, 3) uint8. None of faces that
        were not composed, and of an edit that cannot be."""
        if self.draws is None or self.prints is None or self.stages is None or name not in RANGES:
            return None
        each = np.broadcast_to(np.asarray(amounts, np.float64), len(which))
        least, most = RANGES[name]
        if ((each < least) | (each > most)).any():
            return None
        return compose(self.prints, self.stages, edited(self.prints, self.draws.chosen(which), name, each))[0]

    @property
    def kinds(self) -> dict[str, Bools]:
        """Which faces are of the kinds that are hard: name -> (n,) bool."""
        if self.draws is None or self.prints is None:
            return {}
        ink = (self.prints.colours[self.draws.upper, ::8, ::8, 3] > 127).mean((1, 2))
        return {"dark heads": self.draws.head @ LUMA < DARK, "large prints": ink > LARGE}


def composed(size: int, split: str, per_design: int, stages: str = "test", seed: int = 11, most: int = 1000) -> FaceSet:
    """(Up to `most` of) the designs of a split, each on `per_design` stages of a split in head colours drawn as for
    training, nothing else varied."""
    prints, staged = load_prints(), load_stages(size, stages)
    rng = np.random.default_rng(seed)
    designs = prints.of_split(split)
    designs = np.repeat(designs[evenly(len(designs), most)], per_design)
    codes = np.array([head_code(prints.designs[i], rng) for i in designs])
    return _compose(
        prints, staged, fixed_draws(prints, designs, rng.integers(0, len(staged), len(designs)), codes=codes)
    )


def drawn(
    size: int, split: str, count: int, stages: str, seed: int, recombined: float = 0.0, varied: bool = True
) -> FaceSet:
    """`count` faces drawn from a split as for training, without collages and photographs' faults; not `varied`, prints
    are as they are."""
    prints, staged = load_prints(), load_stages(size, stages)
    rng = np.random.default_rng(seed)
    return _compose(prints, staged, draw_faces(prints, staged, split, count, rng, recombined, varied))


def bare(faces: FaceSet) -> Pixels:
    """The same heads on the same stages with nothing printed: what any model must beat."""
    assert faces.draws is not None
    assert faces.prints is not None
    assert faces.stages is not None
    blank = faces.prints.blank
    draws = fixed_draws(blank, np.zeros(len(faces), np.int64), faces.draws.stage, faces.draws.head)
    return compose(blank, faces.stages, draws)[0]


def evenly(count: int, most: int) -> Places:
    """The places of (up to) `most` of `count` things, evenly from the first to the last."""
    return np.linspace(0, count - 1, min(most, count)).astype(np.int64)


def of_folder(folder: Path, size: int, split: str, most: int) -> FaceSet:
    """(Up to `most`) pictures of one split of a data set on disk."""
    data = read_dataset(folder, size)
    chosen = np.flatnonzero(data.splits == split)
    if not len(chosen):
        raise UsageError(f"{folder} has no pictures in its {split} split")
    chosen = chosen[evenly(len(chosen), most)]
    pictures = data.pictures[chosen]
    groups = np.array([data.rows[i]["design"] for i in chosen])
    return FaceSet(pictures, np.ones(pictures.shape[:3], np.float32), groups)


def _compose(prints: Prints, stages: Stages, draws: Draws) -> FaceSet:
    pictures, mask = compose(prints, stages, draws)
    groups = np.array([prints.designs[i].name for i in draws.upper])
    return FaceSet(pictures, (mask / 255).astype(np.float32), groups, draws, prints, stages)
