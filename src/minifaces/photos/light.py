"""How much light there is in framed faces, and of which colour.

    (lit,) = light([framed.picture])
    lit.gain, lit.cast

A small network (assets/light.onnx) that minifaces.instruments.train_light made of composed heads in known light."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime

from minifaces.arrays import Pixels
from minifaces.images import resize
from minifaces.smallnets import session

ASSET = Path(__file__).parents[1] / "assets" / "light.onnx"
SIZE = 64  # pixels at which a face is looked at


class Light(NamedTuple):
    """The light of one face."""

    gain: float
    """log2 of how much more light there is than in a good picture."""
    cast: tuple[float, float]
    """log of how much too much red and blue there is, against green."""


def light(faces: Sequence[Pixels]) -> list[Light]:
    """Of framed faces, (H, W, 3) uint8 each and H = W: their light."""
    return [_light(face) for face in faces]  # one by one, as heads are looked for


def _light(face: Pixels) -> Light:
    planes = np.ascontiguousarray(resize(face, SIZE, SIZE).transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    gain, red, blue = (float(v) for v in _session().run(["light"], {"face": planes})[0][0])
    return Light(gain, (red, blue))


@cache
def _session() -> onnxruntime.InferenceSession:
    return session(ASSET)
