"""Where training faces come from: composed on the fly, or a data set on disk, in memory or read as it is needed.

A source answers `batch(seed, step, count)`: the faces of one training step depend on nothing but these, so a resumed
run sees exactly what an unbroken one would. Each of several processes asks for its `part` of that very batch."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
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
from minifaces.listing import SPLITS
from minifaces.photolike import photolike
from minifaces.shards import Shards, list_shards
from minifaces.vae.config import Config

WHOLE = slice(None)
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

    def batch(self, seed: int, step: int, count: int, part: slice = WHOLE) -> Batch:
        """A `part` of the `count` faces of a step."""
        ...

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

    def batch(self, seed: int, step: int, count: int, part: slice = WHOLE) -> Batch:
        """Training faces: recombined, collaged and made photo-like as configured."""
        rng = np.random.default_rng([seed, step])
        draws = draw_faces(self.prints, self.stages, "train", count, rng, self.data.recombined, self.data.varied)
        prints = self.prints
        if self.data.collaged:
            prints = self._with_collages(seed, step // STEPS_A_BANK)
            which = np.where(rng.random(count) < self.data.collaged, rng.integers(0, self.data.collages, count), -1)
            upper, lower = (np.where(which < 0, own, len(self.prints) + which) for own in (draws.upper, draws.lower))
            draws = replace(draws, upper=upper, lower=lower)
        # Photographs' faults are drawn as they are put on, so that all of a step that have some have to be made.
        faulty = rng.random(count) < self.data.photolike if self.data.photolike else np.zeros(count, bool)
        wanted = np.zeros(count, bool)
        wanted[part] = True
        made = np.flatnonzero(wanted | faulty)
        faces, mask = compose(prints, self.stages, draws.chosen(made))
        shown = faces
        if faulty.any():
            some = faulty[made]
            shown = faces.copy()
            shown[some], faces[some], mask[some] = photolike(faces[some], mask[some], rng)
        mine = wanted[made]
        return Batch(faces[mine], mask[mine], shown[mine])

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


class Pictures(ABC):
    """A data set of pictures. Its train split is shuffled anew each pass; without a mask, all pixels count alike."""

    name = "pictures"
    uses = 1

    def __init__(self, training: int, unseen: bool) -> None:
        self.faces_per_epoch = training
        self.faces: float = training
        self.unseen = unseen

    def batch(self, seed: int, step: int, count: int, part: slice = WHOLE) -> Batch:
        return _unmasked(self._shuffled(seed, np.arange(step * count, (step + 1) * count)[part]))

    def plausible(self, seed: int, step: int, count: int) -> Pixels:
        return self.batch(seed, step, count).faces

    @abstractmethod
    def held_out(self, count: int) -> Batch: ...

    @abstractmethod
    def described(self, count: int, training: bool = False) -> DataSet:
        """The first pictures as they are listed, at most `count`, of the train split alone if so wanted."""

    @abstractmethod
    def _shuffled(self, seed: int, places: Places) -> Pixels:
        """The pictures in some places of endless passes over the train split."""


class FolderFaces(Pictures):
    """Any image folder, in memory."""

    def __init__(self, folder: Path, config: Config) -> None:
        self.data: DataSet = read_dataset(folder, config.network.image_size)
        self.train = np.flatnonzero(self.data.splits == "train")
        if len(self.train) == 0:
            raise UsageError(f"{folder} has no pictures in its train split")
        validation = np.flatnonzero(self.data.splits == "validation")
        self.rest = validation if len(validation) else self.train
        super().__init__(len(self.train), len(validation) > 0)

    def held_out(self, count: int) -> Batch:
        return _unmasked(self.data.pictures[np.resize(self.rest, min(count, len(self.rest)))])

    def described(self, count: int, training: bool = False) -> DataSet:
        which = (self.train if training else np.arange(len(self.data.rows)))[:count]
        return DataSet(self.data.pictures[which], tuple(self.data.rows[i] for i in which))

    def _shuffled(self, seed: int, places: Places) -> Pixels:
        passes, within = np.divmod(places, len(self.train))
        which = np.array([self._order(seed, int(p))[i] for p, i in zip(passes, within, strict=True)])
        pictures: Pixels = self.data.pictures[which]
        return pictures

    @lru_cache(maxsize=2)  # noqa: B019 - a source lives as long as its run
    def _order(self, seed: int, number: int) -> Places:
        """The order of pass `number` over the train split."""
        return np.random.default_rng([seed, number]).permutation(self.train)


class ShardFaces(Pictures):
    """A data set in parquet files, of which a window is in memory (`minifaces.shards`)."""

    def __init__(self, folder: Path, shards: Mapping[str, Sequence[Path]], config: Config) -> None:
        self.shards = {split: Shards(paths, config.network.image_size) for split, paths in shards.items()}
        filled = {split: found for split, found in self.shards.items() if found.rows}
        if "train" not in filled:
            raise UsageError(f"{folder} has no pictures in its train split")
        self.train = filled["train"]
        self.rest = filled.get("validation", self.train)
        super().__init__(self.train.rows, "validation" in filled)

    def held_out(self, count: int) -> Batch:
        return _unmasked(self.rest.take(0, np.arange(min(count, self.rest.rows))))

    def described(self, count: int, training: bool = False) -> DataSet:
        found: list[DataSet] = []
        for split in ("train",) if training else SPLITS:
            if split in self.shards and count:
                data = self.shards[split].first(count)
                found.append(DataSet(data.pictures, tuple({**row, "split": split} for row in data.rows)))
                count -= len(data.rows)
        return DataSet(np.concatenate([d.pictures for d in found]), tuple(row for d in found for row in d.rows))

    def _shuffled(self, seed: int, places: Places) -> Pixels:
        return self.train.take(seed, places)


def _unmasked(faces: Pixels) -> Batch:
    return Batch(faces, np.zeros(faces.shape[:3], np.uint8), faces)


def open_source(data: str, config: Config) -> Source:
    """ "composed", or the path of an image folder or of one of parquet files."""
    if data == "composed":
        return ComposedFaces(config)
    if shards := list_shards(Path(data)):
        return ShardFaces(Path(data), shards, config)
    return FolderFaces(Path(data), config)
