"""The faces of the explorer's map, and what is known of each: a model's gallery, or a data set of thousands.

faces = gallery_faces(model)
faces = dataset_faces(model, read_dataset("faces", model.image_size))"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from minifaces.arrays import Latents, Pixels
from minifaces.dataset import DataSet
from minifaces.errors import UsageError
from minifaces.listing import attributes_of, description_of
from minifaces.studio.model import Model

MOST = 50_000
"""a map of more faces is slow to lay out and to load"""
_CHUNK = 64

Track = Callable[[Iterable[int], str, int], Iterable[int]]
"""shows progress while something is gone through: the steps, what they do, how many"""


@dataclass(frozen=True)
class MapFaces:
    """n faces, everything in the same order."""

    pictures: Pixels
    """(n, size, size, 3) uint8"""
    latents: Latents
    """(n, d)"""
    names: list[str]
    descriptions: list[str]
    attributes: list[dict[str, bool]]
    """what is not known is left out"""
    splits: list[str]
    exact: bool
    """whether latents are to be kept to the last bit: of the gallery, so that its faces are Python's"""

    def __len__(self) -> int:
        return len(self.names)


def untracked(steps: Iterable[int], _what: str, _total: int) -> Iterable[int]:
    """No progress shown."""
    return steps


def gallery_faces(model: Model) -> MapFaces:
    """The faces that the model knows by name."""
    entries = model.gallery.entries
    return MapFaces(
        model.gallery.thumbnails,
        model.gallery.latents,
        [entry.name for entry in entries],
        [entry.description for entry in entries],
        [entry.attributes for entry in entries],
        [entry.split for entry in entries],
        exact=True,
    )


def dataset_faces(model: Model, data: DataSet, track: Track = untracked) -> MapFaces:
    """A data set's faces, encoded by the model; true/false columns are attributes, other words the description."""
    if len(data.pictures) > MOST:
        raise UsageError(f"a map holds {MOST} faces, not {len(data.pictures)}: take a part of the data set")
    starts = range(0, len(data.pictures), _CHUNK)
    coded = [model.encode(data.pictures[i : i + _CHUNK]) for i in track(starts, "encoding", len(starts))]
    return MapFaces(
        data.pictures,
        np.concatenate(coded),
        [row["design"] for row in data.rows],
        [description_of(row) for row in data.rows],
        [attributes_of(row) for row in data.rows],
        [row["split"] for row in data.rows],
        exact=False,
    )
