"""Train the finder: a small network that tells where heads are in a picture, whether a face is on them and how they
are turned.

    python -m minifaces.instruments.train_finder src/minifaces/assets/finder.onnx --tilted tilted.zip --minutes 15

It learns from composed heads on any ground and from drawn figures and clutter, in which the truth is known
(minifaces.instruments.training_scenes); no photograph is used. `--tilted` are stages seen from above and below
(benchmarks/tilted_stages.py).
minifaces.photos.finder tells what the outputs mean."""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import cast

import numba
import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from minifaces.arrays import Pixels
from minifaces.files import atomic
from minifaces.instruments import convnets
from minifaces.instruments.convnets import Pace, convolution, drawn_ahead, planes
from minifaces.instruments.training_scenes import Batch, Sources, draw_batch
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.stages import load_stages
from minifaces.vae.onnx import export_onnx, weight_name

WIDTHS = (40, 64, 96, 96)
OUTPUTS = 9  # core, 4 sides, face, sin and cos of yaw, pitch
# Shapes of pictures and how often: most show one head, about square; wide sheets and tall figures.
SHAPES = {(96, 96): 0.5, (96, 128): 0.12, (128, 96): 0.12, (160, 96): 0.06, (96, 224): 0.1, (96, 352): 0.1}
PIXELS = 96 * 96 * 48  # in a batch
PACE = Pace(peak=2e-3, decay=0.02, average=0.995)
UNIT = 48.0  # pixels: the network tells sides in this ...
STEEP = 30.0  # ... and pitch in this many degrees
MEAN_PITCH = 8.0


class FinderNetwork(nn.Module):
    """Pictures (n, 3, H, W) in [0, 1], sides multiples of 32 -> (n, outputs, H / 8, W / 8)."""

    def __init__(self, outputs: int = OUTPUTS) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        self.stem = nn.Sequential(block(3, a, 4, 4, 0), block(a, a))
        self.eighth = nn.Sequential(block(a, b, stride=2), block(b, b))
        self.sixteenth = nn.Sequential(block(b, c, stride=2), block(c, c))
        self.bottom = nn.Sequential(block(c, d, stride=2), block(d, d))
        self.up_bottom, self.join_bottom = nn.Conv2d(d, c, 1), block(c, c)
        self.up, self.join = nn.Conv2d(c, b, 1), nn.Sequential(block(b, b), block(b, b))
        self.tell = nn.Conv2d(b, outputs, 1)

    def forward(self, picture: Tensor) -> Tensor:
        eighth = self.eighth(self.stem(picture * 2 - 1))
        sixteenth = self.sixteenth(eighth)
        low = F.interpolate(self.up_bottom(self.bottom(sixteenth)), scale_factor=2.0)
        low = self.join_bottom(low + sixteenth)
        return cast(Tensor, self.tell(self.join(F.interpolate(self.up(low), scale_factor=2.0) + eighth)))


def block(given: int, made: int, kernel: int = 3, stride: int = 1, padding: int = 1) -> nn.Sequential:
    return nn.Sequential(*convolution(given, made, kernel, stride, padding))


def train(
    tilted: Path | None,
    minutes: float,
    seed: int = 0,
    start: Path | None = None,
    report: Callable[[int, dict[str, float], float], None] = lambda *_: None,
) -> FinderNetwork:
    """A network trained for `minutes`, on one core; another one draws the pictures. `start` is an earlier network
    (ONNX) to go on from. `report` is told (step, parts of the loss, share done)."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # the layers are too small to be shared out
    network, pace = FinderNetwork(), PACE
    if start is not None:
        take_over(network, start, _draw(tilted, seed, 0).pictures)
        pace = replace(PACE, peak=PACE.peak / 2)
    return convnets.train(network, _batches(tilted, minutes, seed), losses, pace, report)


def take_over(network: nn.Module, path: Path, pictures: Pixels) -> None:
    """Give a network what an exported one knows of its layers, by name, into which the normalisations were folded.

    Each normalisation is set so that on `pictures` it undoes itself and adds the bias that stands for it in
    the file."""
    model = onnx.load(path)
    known = {weight_name(w.name): onnx.numpy_helper.to_array(w) for w in model.graph.initializer}
    hooks = []
    for name, layer in network.named_modules():
        if not isinstance(layer, nn.Conv2d):
            continue
        if f"{name}.weight" not in known or known[f"{name}.weight"].shape != tuple(layer.weight.shape):
            continue
        layer.weight.data.copy_(torch.from_numpy(known[f"{name}.weight"].astype(np.float32)))
        if layer.bias is not None:
            layer.bias.data.copy_(torch.from_numpy(known[f"{name}.bias"].copy()))
            continue
        parent, _, last = name.rpartition(".")
        norm = cast(nn.BatchNorm2d, network.get_submodule(f"{parent}.{int(last) + 1}"))
        bias = torch.from_numpy(known[f"{name}.weight_bias"].copy())

        def settle(_: nn.Module, given: tuple[Tensor], norm: nn.BatchNorm2d = norm, bias: Tensor = bias) -> None:
            variance, mean = torch.var_mean(given[0], (0, 2, 3))
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.weight.data.copy_(torch.sqrt(variance + norm.eps))
            norm.bias.data.copy_(mean + bias)

        hooks.append(norm.register_forward_pre_hook(settle))
    network.eval()
    with torch.no_grad():
        network(planes(pictures))
    for hook in hooks:
        hook.remove()


def _batches(tilted: Path | None, minutes: float, seed: int) -> Iterator[tuple[float, Tensor, Batch]]:
    """Each batch is shown as it was drawn and mirrored."""
    for share, batch in drawn_ahead(partial(_draw, tilted, seed), minutes):
        for shown in (batch, batch.mirrored()):
            yield share, planes(shown.pictures), shown


def _draw(tilted: Path | None, seed: int, step: int) -> Batch:
    """One batch (runs in a process of its own)."""
    rng = np.random.default_rng([seed, step])
    shape = list(SHAPES)[rng.choice(len(SHAPES), p=list(SHAPES.values()))]
    return draw_batch(_sources(tilted), PIXELS // (shape[0] * shape[1]), shape, rng)


@cache
def _sources(tilted: Path | None) -> Sources:
    numba.set_num_threads(1)
    more = load_stages(128, "train", tilted) if tilted else None
    return Sources(load_prints(), load_stages(128, "train"), more, "train")


def losses(told: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Parts of the loss of outputs (n, 9, h, w), each a scalar."""
    told = told.permute(0, 2, 3, 1)
    core = torch.from_numpy(batch.core)
    asked, mine = core >= 0, core == 1
    right = F.binary_cross_entropy_with_logits(told[..., 0], core.clamp(min=0).float(), reduction="none")
    # The few cells of heads weigh as much as all others together.
    weight = asked * torch.where(mine, 4.0, 1.0)
    parts = {"core": (right * weight).sum() / weight.sum()}
    sides, cells = torch.from_numpy(batch.sides)[mine], told[mine]
    if not len(cells):
        return parts
    size = (sides[:, :2] + sides[:, 2:]).repeat(1, 2)
    off = (cells[:, 1:5] * UNIT - sides) / size
    parts["sides"] = 6 * F.smooth_l1_loss(off, torch.zeros_like(off), beta=0.03)
    face = torch.from_numpy(batch.face)[mine]
    known = face >= 0
    parts["face"] = _mean(
        F.binary_cross_entropy_with_logits(cells[:, 5], face.float().clamp(min=0), reduction="none"), known
    )
    yaw, pitch = torch.from_numpy(batch.angle)[mine].unbind(-1)
    turned = torch.stack([torch.sin(torch.deg2rad(yaw)), torch.cos(torch.deg2rad(yaw))], -1)
    seen = (face == 1) & torch.isfinite(yaw)
    parts["yaw"] = _mean((cells[:, 6:8] - torch.nan_to_num(turned)).square().sum(-1), seen)
    tilt = (torch.nan_to_num(pitch) - MEAN_PITCH) / STEEP
    parts["pitch"] = _mean((cells[:, 8] - tilt).square(), torch.isfinite(pitch))
    return parts


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return (values * where).sum() / where.sum().clamp(min=1)


def export(network: FinderNetwork, path: Path) -> None:
    """Write `path` (ONNX): input `picture`, output `cells`, of any height and width."""
    size = {0: torch.export.Dim("n"), 2: 32 * torch.export.Dim("rows"), 3: 32 * torch.export.Dim("columns")}
    with atomic(path) as scratch:
        export_onnx(network, (torch.rand(2, 3, 96, 128),), "picture", "cells", scratch, size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the ONNX file to write")
    parser.add_argument("--tilted", type=Path, help="stages seen from above and below")
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="go on from this network")
    arguments = parser.parse_args()
    export(
        train(arguments.tilted, arguments.minutes, arguments.seed, arguments.start, convnets.printed(100)),
        arguments.out,
    )


if __name__ == "__main__":
    main()
