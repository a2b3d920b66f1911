"""Where training faces come from: composed on the fly, or a data set on disk.

A source answers `batch(seed, step, count)`: the faces of one training step depend on nothing but these, so a resumed
run sees exactly what an unbroken one would."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from minifaces.arrays import Pixels, Places
from minifaces.dataset import DataSet, read_dataset
from minifaces.errors import UsageError
from minifaces.ldraw.collage import Pieces, collages
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import draw_faces
from minifaces.ldraw.prints import Prints, load_prints
from minifaces.ldraw.stages import load_stages
from minifaces.photolike import photolike
from minifaces.vae.config import Config

STEPS_A_BANK = 1500  # that a bank of collages serves


@dataclass(frozen=True)
class Batch:
    """`faces` (n, H, W, 3) and `mask` (n, H, W), uint8: 255 where the print is. `shown` is what the encoder sees of
    the faces; it differs where a photograph's faults were put on it."""

    faces: Pixels
    mask: Pixels
    shown: Pixels


class Source(Protocol):
    """Faces to train on, "composed" or "pictures" by `name`. `faces_per_epoch` faces make a pass; there are `faces` of
    them, which may be without end. Each serves in `uses` steps of a pass. `unseen`: whether some were held out."""

    name: str
    faces_per_epoch: int
    faces: float
    uses: int
    unseen: bool

    def batch(self, seed: int, step: int, count: int) -> Batch: ...

    def plausible(self, seed: int, step: int, count: int) -> Pixels:
        """Faces (count, H, W, 3) uint8 like those that the prior should draw."""
        ...

    def held_out(self, count: int) -> Batch:
        """Faces of the validation split, always the same; of the training split where there are none."""
        ...


class ComposedFaces:
    """Faces composed from the bundled prints and stages, endlessly new."""

    name = "composed"
    faces: float = math.inf
    unseen = True

    def __init__(self, config: Config) -> None:
        self.data = config.data
        self.uses = config.data.uses
        self.faces_per_epoch = config.data.faces_per_epoch
        self.prints = load_prints()
        self.stages = load_stages(config.network.image_size, "train")
        self.validation = load_stages(config.network.image_size, "validation")
        self._bank: tuple[tuple[int, int], Prints] | None = None

    def batch(self, seed: int, step: int, count: int) -> Batch:
        """Training faces: recombined, collaged and made photo-like as configured."""
        rng = np.random.default_rng([seed, step])
        draws = draw_faces(self.prints, self.stages, "train", count, rng, self.data.recombined, self.data.varied)
        prints = self.prints
        if self.data.collaged:
            prints = self._with_collages(seed, step // STEPS_A_BANK)
            which = np.where(rng.random(count) < self.data.collaged, rng.integers(0, self.data.collages, count), -1)
            upper, lower = (np.where(which < 0, own, len(self.prints) + which) for own in (draws.upper, draws.lower))
            draws = replace(draws, upper=upper, lower=lower)
        faces, mask = compose(prints, self.stages, draws)
        shown = faces
        if self.data.photolike:
            some = rng.random(count) < self.data.photolike
            shown = faces.copy()
            shown[some], faces[some], mask[some] = photolike(faces[some], mask[some], rng)
        return Batch(faces, mask, shown)

    def plausible(self, seed: int, step: int, count: int) -> Pixels:
        """Training faces as they could be printed and sold, for fitting what new faces are drawn from."""
        rng = np.random.default_rng([seed, step, 1])
        draws = draw_faces(self.prints, self.stages, "train", count, rng, self.data.recombined, self.data.varied)
        return compose(self.prints, self.stages, draws)[0]

    def held_out(self, count: int) -> Batch:
        rng = np.random.default_rng(0)
        draws = draw_faces(self.prints, self.validation, "validation", count, rng, recombined=0.0, varied=False)
        faces, mask = compose(self.prints, self.validation, draws)
        return Batch(faces, mask, faces)

    def _with_collages(self, seed: int, number: int) -> Prints:
        """The prints, and behind them the `number`-th bank of collages of training designs."""
        if self._bank is None or self._bank[0] != (seed, number):
            rng = np.random.default_rng([seed, number, 2])
            stock = self._stock()
            stock[len(self.prints) :] = collages(
                self.prints, self._pieces(), self.prints.of_split("train"), self.data.collages, rng
            )
            count = self.data.collages
            bank = replace(
                self.prints,
                designs=self.prints.designs + self.prints.designs[:1] * count,  # nobody reads a collage's design
                colours=stock,
                metal_index=np.concatenate([self.prints.metal_index, np.full(count, -1, np.int32)]),
            )
            self._bank = ((seed, number), bank)
        return self._bank[1]

    @lru_cache(maxsize=1)  # noqa: B019 - a source lives as long as its run
    def _stock(self) -> Pixels:
        """The prints' textures, and behind them room for the collages of one bank."""
        room = np.empty((self.data.collages, *self.prints.colours.shape[1:]), np.uint8)
        return np.concatenate([self.prints.colours, room])

    @lru_cache(maxsize=1)  # noqa: B019 - a source lives as long as its run
    def _pieces(self) -> Pieces:
        return Pieces(self.prints)


class FolderFaces:
    """Any image folder. Its train split is shuffled anew each pass; without a mask, all pixels count alike."""

    name = "pictures"
    uses = 1

    def __init__(self, folder: Path, config: Config) -> None:
        self.data: DataSet = read_dataset(folder, config.network.image_size)
        self.train = np.flatnonzero(self.data.splits == "train")
        if len(self.train) == 0:
            raise UsageError(f"{folder} has no pictures in its train split")
        validation = np.flatnonzero(self.data.splits == "validation")
        self.unseen = len(validation) > 0
        self.rest = validation if self.unseen else self.train
        self.faces_per_epoch = len(self.train)
        self.faces: float = len(self.train)

    def batch(self, seed: int, step: int, count: int) -> Batch:
        position = np.arange(step * count, (step + 1) * count)
        passes, places = np.divmod(position, len(self.train))
        return self._take(np.array([self._order(seed, int(p))[i] for p, i in zip(passes, places, strict=True)]))

    def plausible(self, seed: int, step: int, count: int) -> Pixels:
        return self.batch(seed, step, count).faces

    @lru_cache(maxsize=2)  # noqa: B019 - a source lives as long as its run
    def _order(self, seed: int, number: int) -> Places:
        """The order of pass `number` over the train split."""
        return np.random.default_rng([seed, number]).permutation(self.train)

    def held_out(self, count: int) -> Batch:
        return self._take(np.resize(self.rest, min(count, len(self.rest))))

    def _take(self, which: Places) -> Batch:
        faces = self.data.pictures[which]
        return Batch(faces, np.zeros(faces.shape[:3], np.uint8), faces)


def open_source(data: str, config: Config) -> Source:
    """ "composed", or the path of an image folder."""
    return ComposedFaces(config) if data == "composed" else FolderFaces(Path(data), config)
