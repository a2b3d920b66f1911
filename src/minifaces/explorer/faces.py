"""The faces of the explorer's map, and what is known of each: a model's gallery, or a data set of thousands.

faces = gallery_faces(model)
faces = dataset_faces(model, read_dataset("faces", model.image_size))"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minifaces.dataset import DataSet
from minifaces.errors import UsageError
from minifaces.images import Pixels
from minifaces.studio.model import Latents, Model

MOST = 50_000
"""a map of more faces is slow to lay out and to load"""
_CHUNK = 64
_NOT_TOLD = ("file_name", "design", "lower_design", "split", "stage")

Track = Callable[[Iterable[int], str, int], Iterable[int]]
"""shows progress while something is gone through: the steps, what they do, how many"""


@dataclass(frozen=True)
class Faces:
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


def gallery_faces(model: Model) -> Faces:
    """The faces that the model knows by name."""
    entries = model.gallery.entries
    return Faces(
        model.gallery.thumbnails,
        model.gallery.latents,
        [entry.name for entry in entries],
        [entry.description for entry in entries],
        [entry.attributes for entry in entries],
        [entry.split for entry in entries],
        exact=True,
    )


def dataset_faces(model: Model, data: DataSet, track: Track = untracked) -> Faces:
    """A data set's faces, encoded by the model; true/false columns are attributes, other words the description."""
    if len(data.pictures) > MOST:
        raise UsageError(f"a map holds {MOST} faces, not {len(data.pictures)}: take a part of the data set")
    starts = range(0, len(data.pictures), _CHUNK)
    coded = [model.encode(data.pictures[i : i + _CHUNK]) for i in track(starts, "encoding", len(starts))]
    attributes = [{key: v == "true" for key, v in row.items() if v in ("true", "false")} for row in data.rows]
    return Faces(
        data.pictures,
        np.concatenate(coded),
        [row["design"] for row in data.rows],
        [_description(row) for row in data.rows],
        attributes,
        [row["split"] for row in data.rows],
        exact=False,
    )


def _description(row: dict[str, str]) -> str:
    if "description" in row:
        return row["description"]
    return ", ".join(v for key, v in row.items() if key not in _NOT_TOLD and v not in ("true", "false") and _word(v))


def _word(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return True
    return False


# Names of head colours, and what they look like in pictures: measured off composed faces where there are such
# heads, and plain sRGB colours elsewhere.
COLOURS = {
    "yellow": (241, 195, 33),
    "light skin": (233, 196, 170),
    "tan": (205, 165, 120),
    "medium skin": (178, 128, 90),
    "brown": (110, 74, 50),
    "dark brown": (66, 45, 34),
    "white": (235, 235, 232),
    "light grey": (165, 168, 170),
    "dark grey": (95, 98, 100),
    "black": (35, 35, 37),
    "red": (190, 35, 30),
    "orange": (225, 120, 35),
    "pink": (225, 140, 175),
    "purple": (105, 60, 130),
    "blue": (45, 95, 175),
    "light blue": (130, 180, 215),
    "green": (50, 125, 65),
    "light green": (150, 190, 110),
}


def head_colours(pictures: Pixels) -> tuple[list[str], NDArray[np.uint8]]:
    """The colour of each head, by name, and as it is: (n, 3) uint8. Seen on the pictures, whatever they are of:
    the median of the middle, where a head shows more skin than print."""
    size = pictures.shape[1]
    top, bottom, left, right = (round(size * share) for share in (0.3, 0.85, 0.22, 0.78))
    middle = pictures[:, top:bottom, left:right].reshape(len(pictures), -1, 3)
    seen = np.median(middle, axis=1)
    palette = _lab(np.array(list(COLOURS.values()), np.float64))
    nearest = ((_lab(seen)[:, None] - palette) ** 2 * [0.5, 1, 1]).sum(axis=2).argmin(axis=1)
    return [list(COLOURS)[i] for i in nearest], seen.astype(np.uint8)


def _lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB in 0 to 255 to CIE L*a*b* (D65), where distances are about what the eye says: (n, 3) -> (n, 3)."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
