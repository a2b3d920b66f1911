"""The faces a model knows by name: what is printed on each, its latent and its thumbnail.

gallery = Gallery(Path("model"), open_folder("model"))
gallery.index("3626bp01")                   # where its front is
gallery.search(["pirate", "beard"])"""

import difflib
import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from pydantic import ConfigDict, TypeAdapter

from minifaces.arrays import Floats
from minifaces.checks import numbers, one_of, whole, word
from minifaces.errors import UsageError
from minifaces.lazy import lazy
from minifaces.pictures.shown import Pictures
from minifaces.studio.folder import (
    GALLERY,
    GALLERY_LATENTS,
    GALLERY_PICTURES,
    Config,
    check_unchanged,
    read_checked,
    read_tensors,
)
from minifaces.studio.generator import FARTHEST


@dataclass(frozen=True)
class Entry:
    """One face of the gallery."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    """its design, for example `3626bp01/front`"""
    description: str = ""
    attributes: dict[str, bool] = field(default_factory=dict)
    """what is known of it: an attribute that is not is left out"""
    split: str = "train"
    """the share of the data set it was in: the model never saw faces of `test` while training"""


_ENTRIES = TypeAdapter(list[Entry])


class Gallery:
    """A model folder's gallery. Entries and latents are read at once, thumbnails when first asked for."""

    def __init__(self, folder: Path, config: Config) -> None:
        """Raises UsageError, naming the file, where one is missing, damaged or of another size."""
        self._folder, self._config = folder, config
        self.entries: tuple[Entry, ...] = tuple(read_checked(folder / GALLERY, _ENTRIES.validate_python))
        """in the order of the latents and thumbnails"""
        if not self.entries:
            raise UsageError(f"{folder / GALLERY} is damaged: it lists no face")
        # Backwards, since several photographs may share a name: the first is the one that it means.
        self._index = {entry.name.lower(): i for i, entry in reversed(list(enumerate(self.entries)))}
        latents = read_tensors(folder / GALLERY_LATENTS, {"latents": "nd"})["latents"]
        wanted = (len(self.entries), config.latent_size)
        if latents.shape != wanted:
            raise UsageError(f"{folder / GALLERY_LATENTS} is damaged: its shape is {latents.shape}, not {wanted}")
        self.latents: Floats = latents.astype(np.float32)
        """(n, d)"""

    def __len__(self) -> int:
        return len(self.entries)

    @lazy
    def thumbnails(self) -> Pictures:
        """(n, size, size, 3) pictures, cut from gallery.webp. Raises UsageError where that is damaged."""
        check_unchanged(self._folder, self._config, GALLERY_PICTURES)
        path, size, per_row = self._folder / GALLERY_PICTURES, self._config.image_size, math.ceil(math.sqrt(len(self)))
        rows = math.ceil(len(self) / per_row)
        try:
            with Image.open(path) as file:
                sheet = np.asarray(file.convert("RGB"))
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            raise UsageError(f"{path} is missing or damaged: {error}") from error
        if sheet.shape != (rows * size, per_row * size, 3):
            wanted = f"{per_row * size} x {rows * size}"
            raise UsageError(f"{path} is damaged: {sheet.shape[1]} x {sheet.shape[0]} pixels, not {wanted}")
        tiles = sheet.reshape(rows, size, per_row, size, 3).swapaxes(1, 2).reshape(-1, size, size, 3)
        return tiles[: len(self)].view(Pictures)

    def index(self, name: str) -> int | None:
        """Where the face `name` is, in any case of letters; a design without its side means its front."""
        key = word("the name of a face", name).lower()
        found = self._index.get(key)
        return found if found is not None else self._index.get(f"{key}/front")

    def no_such(self, name: str) -> UsageError:
        """The error for a name that `index` does not find, with the nearest names."""
        close = difflib.get_close_matches(name.lower(), list(self._index), n=3)
        names = [self.entries[self._index[key]].name for key in close]
        remedy = f"do you mean {' or '.join(names)}?" if names else "`minifaces gallery` lists the names"
        return UsageError(f"no file and no face in the gallery is called {name}; {remedy}")

    def search(self, words: str | Iterable[str] = (), attribute: str | None = None) -> list[int]:
        """Which entries have every one of `words` within name or description, and the attribute, in order.

        Raises UsageError where no entry says anything of the attribute."""
        if isinstance(words, str) or not isinstance(words, Iterable):
            words = [words]
        wanted = [word("a word to search for", each).lower() for each in words]
        if attribute is not None:
            one_of("attribute", attribute, self.attributes)
        return [
            i
            for i, entry in enumerate(self.entries)
            if all(each in f"{entry.name} {entry.description}".lower() for each in wanted)
            and (attribute is None or entry.attributes.get(attribute, False))
        ]

    def nearest(self, latent: ArrayLike, k: int, without: int | None = None) -> tuple[NDArray[np.intp], Floats]:
        """Which k faces are nearest to a (d,) latent, and how far (Euclidean): (k,), (k,), nearest first. All of them
        where there are fewer.

        `without` leaves one out: a face of the gallery is nearest to itself, which tells nothing. Raises UsageError
        where there is no other one."""
        k = whole("the number of neighbours", k, 1, sys.maxsize)
        if without is not None:
            without = whole("the face to leave out", without, 0, len(self) - 1)
        if len(self) == (without is not None):
            raise UsageError("the gallery has no other face to be a neighbour")
        point = numbers("a latent", latent, FARTHEST).astype(np.float32)
        if point.shape != self.latents.shape[1:]:
            raise UsageError(f"neighbours are asked for one latent, {self.latents.shape[1:]}, not {point.shape}")
        distances = np.linalg.norm(self.latents - point, axis=1)
        order = np.argsort(distances, kind="stable")
        order = order[order != without][:k]
        return order, distances[order]

    @property
    def attributes(self) -> list[str]:
        """Every attribute that some entry knows, sorted."""
        return sorted({attribute for entry in self.entries for attribute in entry.attributes})
