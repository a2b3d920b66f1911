"""Say what is wrong with framed faces: one score for each defect, 0 (nothing) to 1, flagged at its threshold.

(found,) = screen([framed], [picture])
[name for name, score in found.scores.items() if score >= DEFECTS[name]]
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minifaces.images import Pixels
from minifaces.photos.frame import Framed

DEFECTS: dict[str, float] = {
    "blurred": 0.5,
    "small": 0.5,
    "dark": 0.5,
    "bright": 0.5,
}
"""Of each defect the threshold: a score that reaches it is flagged."""

WORDS: dict[str, str] = {
    "blurred": "blurred",
    "small": "too few pixels",
    "dark": "too dark",
    "bright": "overexposed",
}
"""The defects in words for people."""


class Scores(NamedTuple):
    """What was seen of one face."""

    scores: dict[str, float]
    """By defect, 0 to 1."""
    yaw: float | None
    """Estimated degrees that the face is turned to its side, in the picture to the right."""
    pitch: float | None
    """Estimated degrees that the camera looks down."""


def screen(framed: Sequence[Framed], crops: Sequence[Pixels]) -> list[Scores]:
    """Judge faces together with the pictures that they were framed from."""
    return [_judge(face, crop) for face, crop in zip(framed, crops, strict=True)]


def _judge(face: Framed, crop: Pixels) -> Scores:
    luma = face.picture @ np.array([0.2126, 0.7152, 0.0722], np.float32) / 255
    bend = np.abs(np.diff(luma, 2)).max() / max(float(np.abs(np.diff(luma)).max()), 1e-3)
    scores = {
        "blurred": 1 - float(np.clip(bend, 0, 1)),
        "small": float(np.clip(1 - min(face.box.height, crop.shape[0]) / 128, 0, 1)),
        "dark": float(np.clip(1 - np.percentile(luma, 98) / 0.9, 0, 1)),
        "bright": float((luma > 0.99).mean()),
    }
    return Scores({name: round(score, 4) for name, score in scores.items()}, None, None)
