"""Find heads in pictures, and tell whether a face is on them and how they are turned.

    (heads,) = detect([picture])
    heads[0].box, heads[0].sure, heads[0].face, heads[0].yaw

A small network (assets/finder.onnx, made by minifaces.instruments.train_finder from composed heads alone) reads a
picture of at least 96 pixels a side. Each cell of 8 x 8 pixels tells whether it lies on the middle of a bare head and
how far off the head's four sides are, as in FCOS (Tian et al., "FCOS: fully convolutional one-stage object detection",
2019); cells that hang together are one head, and their boxes are averaged. A box may reach beyond the picture: there a
head is cut off."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from scipy.ndimage import label

from minifaces.arrays import Bools, Floats, Pixels
from minifaces.images import resize
from minifaces.smallnets import area, overlap, session, sigmoid

ASSET = Path(__file__).parents[1] / "assets" / "finder.onnx"
SHORT, LONG = 96, 640  # pixels: the shorter side is brought to this, unless the longer one gets too long
CELL, STEP = 8, 32  # pixels of a cell; sides must be multiples of STEP
UNIT, STEEP, MEAN_PITCH = 48.0, 30.0, 8.0  # in which the network tells sides (pixels) and pitch (degrees)
LEAST = 0.5  # how sure a cell must be
SAME = 0.4  # boxes that overlap by more (intersection over union) are one head
TINY = 0.15  # of the largest head's area: what is smaller is no head of this picture


class Seen(NamedTuple):
    """A head that was found."""

    box: tuple[float, float, float, float]
    """x0, y0, x1, y1 in pixels of the picture; may reach beyond it."""
    sure: float
    """0 to 1: that it is a bare head."""
    face: float
    """0 to 1: that a face is on the side that is seen."""
    yaw: float
    """Degrees that the face is turned to the picture's right; means something only where there is a face."""
    pitch: float
    """Degrees that the camera looks down."""


def detect(pictures: Sequence[Pixels], least: float = LEAST, short: int = SHORT) -> list[list[Seen]]:
    """The heads of each (H, W, 3) uint8 picture, the largest first.

    `least` is how sure a cell must be; `short` the pixels of the shorter side at which the picture is looked at."""
    # One by one: batches gain nothing on one core, and a picture's result must not depend on its neighbours.
    return [_look(picture, least, short) for picture in pictures]


def _look(picture: Pixels, least: float, short: int) -> list[Seen]:
    fitted, scale = _fitted(picture, short)
    planes = np.ascontiguousarray(fitted.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    (told,) = _session().run(["cells"], {"picture": planes})[0]
    return _heads(told.transpose(1, 2, 0), scale, least)


@cache
def _session() -> onnxruntime.InferenceSession:
    return session(ASSET)


def _fitted(picture: Pixels, short: int) -> tuple[Pixels, tuple[float, float]]:
    """Scaled for the network, the border going on to the right and below, and the scale in x and y."""
    height, width = picture.shape[:2]
    scale = min(short / min(height, width), LONG / max(height, width))
    high, wide = max(1, round(height * scale)), max(1, round(width * scale))
    small = resize(picture, high, wide)
    pad = ((0, -high % STEP), (0, -wide % STEP), (0, 0))
    return (np.pad(small, pad, "edge") if any(p[1] for p in pad) else small), (wide / width, high / height)


def _heads(told: Floats, scale: tuple[float, float], least: float) -> list[Seen]:
    """Heads from the outputs (h, w, 9) of one picture."""
    sure = sigmoid(told[..., 0])
    pieces, count = label(sure >= least)
    seen = [_head(told, sure, pieces == k, scale) for k in range(1, count + 1)]
    seen.sort(key=lambda head: -head.sure)
    kept: list[Seen] = []
    for head in seen:
        if all(overlap(head.box, other.box) < SAME for other in kept):
            kept.append(head)
    kept.sort(key=lambda head: -area(head.box))
    return [head for head in kept if area(head.box) >= TINY * area(kept[0].box)]


def _head(told: Floats, sure: Floats, mine: Bools, scale: tuple[float, float]) -> Seen:
    rows, columns = np.nonzero(mine)
    weights = sure[mine] ** 2
    x, y = columns * CELL + CELL / 2, rows * CELL + CELL / 2
    sides = told[mine, 1:5] * UNIT
    corners = np.stack([x - sides[:, 0], y - sides[:, 1], x + sides[:, 2], y + sides[:, 3]], -1)
    box = np.average(corners, 0, weights) / [scale[0], scale[1], scale[0], scale[1]]
    face, sine, cosine, tilt = np.average(told[mine, 5:], 0, weights)
    x0, y0, x1, y1 = (float(v) for v in box)
    return Seen(
        (x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)),
        float(sure[mine].max()),
        float(sigmoid(face)),
        float(np.degrees(np.arctan2(sine, cosine))),
        float(tilt * STEEP + MEAN_PITCH),
    )
