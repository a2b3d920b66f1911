"""Train the light reader: a small network that tells of a framed face how much light there is, and of which colour.

    python -m minifaces.instruments.train_light src/minifaces/assets/light.onnx --minutes 20

It learns from composed heads on any ground, framed as `minifaces.photos.frame` frames them, whose light is changed by
known amounts. Plastic comes in few colours, highlights and the whites of eyes are white: by these it can tell a dark
head from a head in the dark. minifaces.photos.light tells what the outputs mean."""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import cast

import numba
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from minifaces.arrays import Floats, Pixels
from minifaces.files import atomic
from minifaces.instruments import convnets
from minifaces.instruments.convnets import Pace, convolution, drawn_ahead, planes
from minifaces.instruments.training_scenes import on_floors, relit, worn
from minifaces.ldraw.prints import Prints, load_prints
from minifaces.ldraw.scenes import Cutouts, sheet
from minifaces.ldraw.stages import Stages, load_stages
from minifaces.photos.frame import cut_out
from minifaces.photos.light import SIZE
from minifaces.vae.onnx import export_onnx

WIDTHS = (32, 64, 96, 128)
FRAMES, LIGHTS = 48, 4  # framed faces of a batch, and how often each is lit anew
FLOORS = 0.3  # of them on floors that were traced
BARE, TURNED = 0.1, 20.0  # share without a print; degrees that faces are turned by, at most
BOX = 0.02  # standard deviation of the frame's error, in sizes of the head
PACE = Pace(peak=2e-3, decay=0.02, average=0.998)
CLOSE = 0.1  # stops, and log of a cast: errors below count as squares, others by their size


class LightNetwork(nn.Module):
    """Faces (n, 3, 64, 64) in [0, 1] -> (n, 3): log2 of the light, log of red and of blue against green.

    The network also sees logarithms of the linear light, to which other light is but an offset."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 6
        for width in WIDTHS:
            layers += [*convolution(channels, width, stride=2), *convolution(width, width)]
            channels = width
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(2 * channels, channels), nn.ReLU(), nn.Linear(channels, 3))

    def forward(self, face: Tensor) -> Tensor:
        stops = torch.log2(face.float() ** 2.2 + 0.01) / 3 + 1
        grid = self.trunk(torch.cat([face * 2 - 1, stops], 1))
        return cast(Tensor, self.head(torch.cat([grid.mean((2, 3)), grid.amax((2, 3))], 1)))


@dataclass(frozen=True)
class Batch:
    """Framed faces (n, 64, 64, 3) uint8 and their light (n, 3) float32, as `LightNetwork` tells it."""

    faces: Pixels
    light: Floats


def draw_batch(prints: Prints, stages: Stages, rng: np.random.Generator) -> Batch:
    """`FRAMES` heads, each in `LIGHTS` lights."""
    floors = rng.binomial(FRAMES, FLOORS)
    framed = [*_on_floors(prints, stages, floors, rng), *_cut_out_of_sheets(prints, stages, FRAMES - floors, rng)]
    faces, light = [], []
    for face in framed:
        for _ in range(LIGHTS):
            lit, gain, cast_ = relit(face, rng)
            faces.append(worn(lit, rng))
            light.append((gain, *cast_))
    return Batch(np.stack(faces), np.array(light, np.float32))


def _on_floors(prints: Prints, stages: Stages, count: int, rng: np.random.Generator) -> Iterator[Pixels]:
    for face, box in zip(*on_floors(prints, stages, "train", count, rng), strict=True):
        yield _framed(face, tuple(box), rng)


def _cut_out_of_sheets(prints: Prints, stages: Stages, count: int, rng: np.random.Generator) -> Iterator[Pixels]:
    turned = rng.uniform(-TURNED, TURNED, count).astype(np.float32)
    heads = Cutouts.make(prints, stages, "train", count, rng, turned, BARE)
    for i in range(count):
        scene = sheet(heads, [[i]], int(rng.integers(90, 160)), rng, margin=float(rng.uniform(0.02, 0.3)))
        yield _framed(scene.picture, tuple(scene.boxes[0]), rng)


def _framed(picture: Pixels, box: tuple[float, ...], rng: np.random.Generator) -> Pixels:
    """As a frame would show it that is not quite right."""
    x0, y0, x1, y1 = np.array(box) + rng.normal(0, BOX, 4) * (box[3] - box[1])
    return cut_out(picture, (x0, y0, x1, y1), SIZE)


def train(
    minutes: float, seed: int = 0, report: Callable[[int, dict[str, float], float], None] = lambda *_: None
) -> LightNetwork:
    """A network trained for `minutes`, on one core; another one draws the faces. `report` is told (step, parts of the
    loss, share done)."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # the layers are too small to be shared out
    return convnets.train(LightNetwork(), _batches(minutes, seed), losses, PACE, report)


def losses(told: Tensor, light: Tensor) -> dict[str, Tensor]:
    """The loss of answers (n, 3)."""
    return {"light": F.smooth_l1_loss(told, light, beta=CLOSE)}


def _batches(minutes: float, seed: int) -> Iterator[tuple[float, Tensor, Tensor]]:
    """Each batch is shown as it was drawn and mirrored."""
    for share, batch in drawn_ahead(partial(_draw, seed), minutes):
        faces, light = planes(batch.faces), torch.from_numpy(batch.light)
        yield share, faces, light
        yield share, faces.flip(3), light


def _draw(seed: int, step: int) -> Batch:
    """One batch (runs in a process of its own)."""
    prints, stages = _sources()
    return draw_batch(prints, stages, np.random.default_rng([seed, step]))


@cache
def _sources() -> tuple[Prints, Stages]:
    numba.set_num_threads(1)
    return load_prints(), load_stages(128, "train")


def export(network: LightNetwork, path: Path) -> None:
    """Write `path` (ONNX): input `face`, output `light`."""
    with atomic(path) as scratch:
        export_onnx(network, (torch.rand(2, 3, SIZE, SIZE),), "face", "light", scratch)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the ONNX file to write")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    def report(step: int, parts: dict[str, float], share: float) -> None:
        if step % 100 == 0:
            print(f"step {step}, {share:.0%} done, loss {parts['light']:.4f}", flush=True)

    export(train(arguments.minutes, arguments.seed, report), arguments.out)


if __name__ == "__main__":
    main()
