"""Train the network that finds photographed figures' faces, under hair, hats and helmets.

    python -m minifaces.instruments.train_places src/minifaces/assets/places.onnx --minutes 40

It learns from figures drawn around composed heads (minifaces.instruments.figure_scenes); no photograph is used, and it
begins as the finder of bare heads. minifaces.facefinder tells what the outputs mean."""

import argparse
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import numba
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from minifaces.instruments import convnets
from minifaces.instruments.convnets import Pace, drawn_ahead, planes
from minifaces.instruments.figure_scenes import PlacesBatch, Scenes
from minifaces.instruments.train_finder import FinderNetwork, export, take_over
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.stages import load_stages

PLACE = 6  # outputs of a cell: face or none, x, y, log of width, log of height by width, tilt
UNIT, TILT = 32.0, 20.0  # pixels and degrees that the outputs are in
SHAPES = ((128, 128), (160, 96), (96, 160), (64, 96), (96, 64))
PIXELS = 128 * 128 * 20  # in a batch
FINDER = Path(__file__).parents[1] / "assets" / "finder.onnx"  # knows heads already
PACE = Pace(peak=1.5e-3, decay=0.02, average=0.99)
Report = Callable[[int, dict[str, float], float], None]


def losses(told: Tensor, batch: PlacesBatch) -> dict[str, Tensor]:
    """Parts of the loss of outputs (n, PLACE, h, w)."""
    told = told.permute(0, 2, 3, 1)
    core = torch.from_numpy(batch.core)
    asked, mine = core >= 0, core == 1
    sure = F.binary_cross_entropy_with_logits(told[..., 0], core.clamp(min=0).float(), reduction="none")
    # As in focal loss (Lin et al., 2017), what is easily right hardly counts.
    hard = (1 - torch.exp(-sure)).detach()
    weight = asked * torch.where(mine, 4.0, 1.0) * (0.1 + hard)
    parts = {"face": 4 * (sure * weight).sum() / (asked * torch.where(mine, 4.0, 1.0)).sum()}
    place, cells = torch.from_numpy(batch.place)[mine], told[mine]
    if len(cells):
        x, y, wide, high, tilt = place.unbind(-1)
        off = torch.stack(
            [
                (cells[:, 1] * UNIT - x) / wide,
                (cells[:, 2] * UNIT - y) / wide,
                cells[:, 3] - torch.log(wide / UNIT),
                cells[:, 4] - torch.log(high / wide),
            ]
        )
        parts["place"] = 6 * F.smooth_l1_loss(off, torch.zeros_like(off), beta=0.03)
        parts["tilt"] = F.smooth_l1_loss(cells[:, 5], tilt / TILT, beta=0.1)
    return parts


@cache
def _scenes(seed: int) -> Scenes:
    numba.set_num_threads(1)
    return Scenes(load_prints(), load_stages(128, "train"), "train", seed)


def draw_places(seed: int, step: int) -> PlacesBatch:
    """One batch (runs in a process of its own)."""
    scenes, rng = _scenes(seed), np.random.default_rng([seed, step])
    scenes.refresh(rng)
    shape = SHAPES[rng.choice(len(SHAPES), p=[0.4, 0.2, 0.1, 0.15, 0.15])]
    return scenes.places(PIXELS // (shape[0] * shape[1]), shape, rng)


def train(minutes: float, seed: int, start: Path, report: Report) -> FinderNetwork:
    """A network trained for `minutes`, on one core; another one draws the pictures. `start` is a network (ONNX) whose
    layers it begins with. `report` is told (step, parts of the loss, share done)."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # the layers are too small to be shared out
    network, draw = FinderNetwork(PLACE), partial(draw_places, seed)
    take_over(network, start, draw(0).pictures)

    def batches() -> Iterator[tuple[float, Tensor, PlacesBatch]]:
        for share, batch in drawn_ahead(draw, minutes):
            for shown in (batch, batch.mirrored()):
                yield share, planes(shown.pictures), shown

    return convnets.train(network, batches(), losses, PACE, report)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the ONNX file to write")
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, default=FINDER, help="go on from this network")
    arguments = parser.parse_args()
    export(train(arguments.minutes, arguments.seed, arguments.start, convnets.printed(20)), arguments.out)


if __name__ == "__main__":
    main()
