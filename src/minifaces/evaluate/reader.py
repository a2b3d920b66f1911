"""Read attributes off faces: does it smile, does it wear glasses, is there a beard.

    reader = Reader()
    reader.names                          # ("facial_hair", "eyewear", ...)
    reader.read(pictures)                 # (n, a) float32, how surely
    reader.holds(pictures)                # (n, a) bool

A measuring instrument: what is read off a face is held against what is read off its reconstruction. How it was made,
minifaces.instruments.train_reader tells; how often it is right on designs it never saw, `reader.facts`."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from minifaces.arrays import Bools, Floats, Pixels
from minifaces.errors import UsageError
from minifaces.evaluate.features import ASSETS, BATCH, SIZE, planes
from minifaces.files import read_json
from minifaces.images import check_faces
from minifaces.studio.network import Network


class Reader:
    """A trained attribute reader: an ONNX file and, beside it, a JSON file with names and thresholds."""

    def __init__(self, path: str | os.PathLike[str] = ASSETS / "reader.onnx", threads: int = 0) -> None:
        """Open `path`, the reader that comes with the package unless named. `threads` is how many parts of a batch
        are worked on at once, 0 for all cores. Raises UsageError, naming the file, where either is missing or
        damaged."""
        path = Path(path)
        told = path.with_suffix(".json")
        self.facts = _checked(told, read_json(told))
        """by attribute: `threshold`, and how often it is read right on designs that were not learnt"""
        self.names = tuple(self.facts)
        """the a attributes, in the order of the columns"""
        self.thresholds = np.array([self.facts[name]["threshold"] for name in self.names], np.float32)
        """(a,) float32 in (0, 1): above it, a face counts as having the attribute"""
        self._network = Network(path, ("face", (3, SIZE, SIZE)), ("attributes", (len(self.names),)), threads)

    def read(self, pictures: Pixels) -> Floats:
        """How surely pictures (n, H, W, 3) uint8 show each attribute: (n, a) float32 in [0, 1].

        Pictures of another size are resampled to 128 x 128. These are no calibrated probabilities: use `holds` for
        a plain yes or no. Raises UsageError for anything but pictures."""
        check_faces(pictures)
        batches = [self._network(planes(pictures[i : i + BATCH], SIZE)) for i in range(0, len(pictures), BATCH)]
        return np.concatenate(batches)

    def holds(self, pictures: Pixels) -> Bools:
        """Which attributes pictures (n, H, W, 3) uint8 have: (n, a) bool."""
        return self.read(pictures) > self.thresholds


def _checked(path: Path, value: Any) -> dict[str, dict[str, Any]]:
    facts = value.get("attributes") if isinstance(value, dict) else None
    if not isinstance(facts, dict) or not facts:
        raise UsageError(f"{path} is damaged: it names no attributes")
    for name, known in facts.items():
        cut = known.get("threshold") if isinstance(known, dict) else None
        if not isinstance(cut, float) or not 0 < cut < 1:
            raise UsageError(f"{path} is damaged: {name} has no threshold between 0 and 1")
    return facts
