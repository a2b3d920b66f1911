"""Say what is wrong with framed faces: one score for each defect, 0 (nothing) to 1, flagged at its threshold.

    (found,) = screen([framed], [picture])
    [name for name, score in found.scores.items() if score >= DEFECTS[name]]

The finder's network looks at the framed faces once more and tells whether that is a bare head, with a face, and how it
is turned; another one, how much light of which colour there is. Sharpness, size, cut and surroundings are measured."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minifaces.arrays import Pixels
from minifaces.images import resize
from minifaces.photos.finder import Seen, detect
from minifaces.photos.frame import FILL, Framed
from minifaces.photos.ground import distance, fitted_ground
from minifaces.photos.light import Light, light
from minifaces.photos.sharpness import blur_of
from minifaces.smallnets import overlap

DEFECTS: dict[str, float] = {
    "not_head": 0.5,
    "crowded": 0.5,
    "no_face": 0.5,
    "cut_off": 0.04,
    "angle": 0.4,
    "blurred": 0.35,
    "small": 0.4,
    "dark": 0.4,
    "bright": 0.4,
    "colour_cast": 0.45,
}
"""Of each defect the threshold: a score that reaches it is flagged."""

WORDS: dict[str, str] = {
    "not_head": "not a bare head",
    "crowded": "more than a head",
    "no_face": "no face",
    "cut_off": "cut off",
    "angle": "strange angle",
    "blurred": "blurred",
    "small": "too small",
    "dark": "too dark",
    "bright": "overexposed",
    "colour_cast": "colour cast",
}
"""The defects in words for people."""

# Scores of 1: degrees of yaw, and of pitch away from how catalogues look down; stops of light; log of a cast.
TURNED, TILTED, USUAL_PITCH, STOPS, CAST = 90.0, 60.0, 8.0, 2.5, 0.6
DOUBT = 0.06  # how unsure the finder may be of a head, and ...
ASTRAY = 0.36  # ... how much of a framed head may lie elsewhere than it should, for scores of 1
CROWD = 0.16  # share of what surrounds a head that may be something else than its ground, for a score of 1
BESIDE, AROUND = 30.0, 0.05  # of 255: how unlike the ground it is; share of the picture that is left out about the head
SOFTEST = 3.5  # pixels of 128: the blur's sigma that counts as 1
SMALL = 48  # pixels at which the surroundings are looked at
FAINT = 0.02  # how sure a head is looked for: less than half sure is a score, not a verdict


class Scores(NamedTuple):
    """What was seen of one face."""

    scores: dict[str, float]
    """By defect, 0 to 1."""
    yaw: float | None
    """Estimated degrees that the face is turned to the picture's right; None where no face is seen."""
    pitch: float | None
    """Estimated degrees that the camera looks down; None where no head is seen."""


def screen(framed: Sequence[Framed], crops: Sequence[Pixels]) -> list[Scores]:
    """Judge faces together with the pictures that they were framed from."""
    pictures = [face.picture for face in framed]
    seen, lit = detect(pictures, FAINT), light(pictures)
    return [_judge(*of_one) for of_one in zip(framed, crops, seen, lit, strict=True)]


def _judge(face: Framed, crop: Pixels, seen: list[Seen], lit: Light) -> Scores:
    size = face.picture.shape[0]
    head = max(seen, key=lambda h: h.sure, default=None)
    scores = {
        "not_head": max((1 - head.sure) / DOUBT, (1 - _in_place(face, head)) / ASTRAY) if head else 1.0,
        "crowded": _beside(face) / CROWD,
        "no_face": (1 - head.face) * head.sure if head else 0.0,
        "cut_off": _outside(face, crop),
        "angle": _angle(head) if head else 0.0,
        "blurred": blur_of(face.picture) * 128 / size / SOFTEST,
        "small": 1 - face.box.height / (FILL * size),
        "dark": -lit.gain / STOPS if head else 0.0,
        "bright": lit.gain / STOPS if head else 0.0,
        "colour_cast": float(np.abs(lit.cast).max()) / CAST if head else 0.0,
    }
    sure = head is not None and head.sure >= 0.5
    return Scores(
        {name: round(float(np.clip(score, 0, 1)), 4) for name, score in scores.items()},
        round(head.yaw, 1) if head and sure and head.face >= 0.5 else None,
        round(head.pitch, 1) if head and sure else None,
    )


def _place(face: Framed, size: float) -> tuple[float, float, float, float]:
    """Where a framed head's box should be in a picture of `size`."""
    height = FILL * size
    width = min(height * face.box.width / face.box.height, size)
    return (size - width) / 2, (size - height) / 2, (size + width) / 2, (size + height) / 2


def _in_place(face: Framed, head: Seen) -> float:
    """How well the head that is seen in the framed picture fits its place. What is no head looks like one here and
    there by chance, but not twice in the same place."""
    return overlap(head.box, _place(face, float(face.picture.shape[0])))


def _beside(face: Framed) -> float:
    """The share of what surrounds the head that is not its ground: a body, a hand, a table's edge."""
    small = resize(face.picture, SMALL, SMALL)
    x0, y0, x1, y1 = _place(face, SMALL)
    margin = AROUND * SMALL
    middles = np.arange(SMALL) + 0.5
    columns = (middles > x0 - margin) & (middles < x1 + margin)
    rows = (middles > y0 - margin) & (middles < y1 + margin)
    outside = ~(rows[:, None] & columns[None])
    return float((distance(small, fitted_ground(small))[outside] > BESIDE).mean()) if outside.any() else 0.0


def _outside(face: Framed, crop: Pixels) -> float:
    """The share of the head's box that lies outside of its picture."""
    height, width = crop.shape[:2]
    x0, y0, x1, y1 = face.box
    inside = max(0, min(x1, width) - max(x0, 0)) * max(0, min(y1, height) - max(y0, 0))
    return float(1 - inside / max(1, face.box.width * face.box.height))


def _angle(head: Seen) -> float:
    """The larger of turn and tilt; a back has no turn that could be told."""
    turn = abs(head.yaw) / TURNED * min(1.0, 2 * head.face)
    return max(turn, abs(head.pitch - USUAL_PITCH) / TILTED)
