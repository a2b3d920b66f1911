"""Train the attribute reader: a small network that tells from a face whether it smiles, wears glasses, has a beard.

    python -m minifaces.vae.reader src/minifaces/assets/reader.onnx --minutes 10

It is a measuring instrument, not part of any model: what is read off a face is held against what is read off its
reconstruction. So it must read a soft picture as it reads a sharp one, and it must be right on designs that it has not
seen. It learns from composed faces of the training designs, spoilt in many ways, by what minifaces.vae.truths knows of
them. Beside the network goes a JSON file with a threshold for each attribute, chosen on the validation designs, and how
often the reading was right on unseen ones. What was not right often enough is left out of the network, and listed as
left out in the file."""

import argparse
import io
import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from minifaces.errors import UsageError
from minifaces.files import atomic, write_json
from minifaces.ldraw.compose import compose, draw_faces, fixed_draws, head_code
from minifaces.ldraw.prints import Prints, load_prints
from minifaces.ldraw.stages import Stages, load_stages
from minifaces.vae.export import export_onnx
from minifaces.vae.train import bfloat16_pays
from minifaces.vae.truths import NAMES, labels, truths

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

SIZE = 128
WIDTHS = (32, 64, 96, 128)
BATCH, BARE = 64, 2  # faces in a batch, and of them without a print
TIMES, PART = 3, 8  # how often a batch is shown, spoilt anew, and how many of its faces are spoilt alike
PEAK, WARM_UP, DECAY, AVERAGE, SMOOTHED = 2e-3, 0.05, 0.05, 0.998, 0.05
STAGES_EACH = 8  # stages on which each design is measured
RELIABLE = 0.8  # balanced accuracy on unseen designs that an attribute needs ...
FEWEST = 8  # ... among at least so many of them with it, and as many without


class Reading(nn.Module):
    """Faces (n, 3, 128, 128) in [0, 1] -> logits (n, a).

    Where something is from left to right does not matter, so that the last grid of 4 x 4 is pooled to its rows."""

    def __init__(self, outputs: int = len(NAMES)) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.PixelUnshuffle(4)]
        channels = 48
        for i, width in enumerate(WIDTHS):
            layers += _convolution(channels, width, 2 if i else 1) + _convolution(width, width, 1)
            channels = width
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * 4 * channels, outputs))

    def forward(self, face: Tensor) -> Tensor:
        grid = self.trunk(face * 2 - 1)
        return cast(Tensor, self.head(torch.cat([grid.mean(3), grid.amax(3)], 1).flatten(1)))


def _convolution(given: int, made: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(given, made, 3, stride, 1, bias=False), nn.BatchNorm2d(made), nn.ReLU()]


def train(
    prints: Prints, minutes: float, seed: int = 0, report: Callable[[int, float, float], None] = lambda *_: None
) -> Reading:
    """A network trained for `minutes` on faces of the training split. `report` is told (step, loss, share done)."""
    torch.manual_seed(seed)
    network = Reading().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGE)  # type: ignore[no-untyped-call]
    averaged = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=ema, use_buffers=True)
    adam = torch.optim.AdamW(network.parameters(), PEAK, weight_decay=DECAY)
    stages, balance = load_stages(SIZE, "train"), _balance(prints)
    half = bfloat16_pays()
    begin, share, step = time.monotonic(), 0.0, 0
    network.train()
    while share < 1:
        for group in adam.param_groups:
            group["lr"] = PEAK * min(1.0, (share + 0.001) / WARM_UP) * (0.505 + 0.495 * math.cos(math.pi * share))
        rng = np.random.default_rng([seed, step])
        if step % TIMES == 0:
            composed, known = _batch(prints, stages, rng)
        faces = spoil(composed, rng)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = network(faces)
        loss = _loss(logits.float(), known, balance)
        adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        averaged.update_parameters(network)
        step, share = step + 1, (time.monotonic() - begin) / (60 * minutes)
        report(step, float(loss.detach()), min(1.0, share))
    # An average over many steps is not yet one after few.
    best = averaged.module if step > 3 / (1 - AVERAGE) else network
    return cast(Reading, best.eval())


def _batch(prints: Prints, stages: Stages, rng: np.random.Generator) -> tuple[Bytes, Tensor]:
    """Faces (n, H, W, 3) uint8 and what they should be read as, (n, a)."""
    draws = draw_faces(prints, stages, "train", BATCH - BARE, rng)
    faces = np.concatenate([compose(prints, stages, draws)[0], bare_heads(prints, stages, BARE, rng)])
    known = np.concatenate([labels(prints, draws), np.zeros((BARE, len(NAMES)), np.float32)])
    order = rng.permutation(BATCH)
    return faces[order], torch.from_numpy(known[order])


def bare_heads(prints: Prints, stages: Stages, count: int, rng: np.random.Generator) -> Bytes:
    """Heads with nothing printed on them, (n, H, W, 3) uint8."""
    blank = _blank(prints)
    codes = rng.choice([head_code(d, rng) for d in prints.designs[:40]], count)
    place = rng.integers(0, len(stages), count)
    return compose(blank, stages, fixed_draws(blank, np.zeros(count, np.int64), place, codes=codes))[0]


@cache
def _blank(prints: Prints) -> Prints:
    nothing, no_metal = np.zeros_like(prints.colours[:1]), np.full(1, -1, np.int32)
    return replace(prints, designs=prints.designs[:1], colours=nothing, metal_index=no_metal)


def spoil(faces: Bytes, rng: np.random.Generator) -> Tensor:
    """Faces (n, H, W, 3) uint8 as tensors (n, 3, H, W): most soft, noisy, tinted or compressed, some as they are.

    What a reconstruction loses must not change what is read, unless it loses the thing itself."""
    faces = np.stack([_compressed(face, rng) if rng.random() < 0.15 else face for face in faces])
    picture = planes(faces)
    light = rng.normal(0, 0.08, (len(faces), 1, 1, 1)) + rng.normal(0, 0.06, (len(faces), 3, 1, 1))
    picture *= torch.from_numpy(np.exp(light).astype(np.float32))
    for i in range(0, len(picture), PART):
        part = picture[i : i + PART]
        if rng.random() < 0.6:
            part.copy_(_soft(part, rng))
        if rng.random() < 0.4:
            part.add_(torch.randn(part.shape), alpha=float(rng.exponential(0.02)))
    return picture.clamp_(0, 1).contiguous(memory_format=torch.channels_last)


def planes(faces: Bytes) -> Tensor:
    """(n, H, W, 3) uint8 -> (n, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(faces).permute(0, 3, 1, 2).float() / 255


def _compressed(face: Bytes, rng: np.random.Generator) -> Bytes:
    buffer = io.BytesIO()
    Image.fromarray(face).save(buffer, "jpeg", quality=int(rng.integers(40, 90)))
    return np.asarray(Image.open(buffer))


def _soft(faces: Tensor, rng: np.random.Generator) -> Tensor:
    """Blurred by a Gaussian of up to 2 pixels, or small and enlarged again."""
    if rng.random() < 0.4:
        small = F.interpolate(faces, size=int(rng.integers(40, 112)), mode="bilinear", antialias=True)
        return F.interpolate(small, size=SIZE, mode="bicubic")
    return blurred(faces, float(rng.uniform(0.4, 2.0)))


def blurred(faces: Tensor, sigma: float) -> Tensor:
    """Faces (n, 3, H, W) blurred by a Gaussian of `sigma` pixels."""
    reach = int(3 * sigma + 1)
    weights = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    kernel = (weights / weights.sum())[None, None]
    n, c, height, width = faces.shape
    padded = F.pad(faces.reshape(n * c, 1, height, width), [reach] * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel[..., None]), kernel[..., None, :]).reshape(n, c, height, width)


def _balance(prints: Prints) -> Tensor:
    """How much more a face with an attribute counts than one without, (a,), so that both sides weigh alike."""
    table = truths(prints)[prints.of_split("train")]
    times = (table == 0).sum(0) / np.maximum((table == 1).sum(0), 1)
    return torch.from_numpy(np.clip(times, 0.2, 5.0).astype(np.float32))


def _loss(logits: Tensor, known: Tensor, balance: Tensor) -> Tensor:
    """Binary cross-entropy over what is known, both sides weighing alike, labels smoothed since some are wrong."""
    there = torch.isfinite(known)
    target = torch.nan_to_num(known)
    weight = torch.where(target > 0.5, balance, torch.ones(())) * there * (2 / (1 + balance))
    smooth = target * (1 - 2 * SMOOTHED) + SMOOTHED
    entropy = F.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
    return (entropy * weight).sum() / weight.sum().clamp(min=1)


def faces_of(prints: Prints, split: str, stages_of: str, soft: float = 0.0) -> tuple[Tensor, Floats]:
    """Each design of a split on several stages: faces (n, 3, H, W) and what is known of them (n, a)."""
    rng, stages = np.random.default_rng(5), load_stages(SIZE, stages_of)
    designs = np.repeat(prints.of_split(split), STAGES_EACH)
    codes = np.array([head_code(prints.designs[i], rng) for i in designs])
    draws = fixed_draws(prints, designs, np.resize(rng.permutation(len(stages)), len(designs)), codes=codes)
    faces = planes(compose(prints, stages, draws)[0])
    return blurred(faces, soft) if soft else faces, labels(prints, draws)


def read(network: Reading, faces: Tensor) -> Floats:
    """Probabilities (n, a)."""
    with torch.no_grad():
        return torch.cat([torch.sigmoid(network(part)) for part in torch.split(faces, 64)]).numpy()


def balanced(read: NDArray[np.bool_], known: Floats) -> float:
    """Balanced accuracy of (n,) readings: the mean of how often one with and one without it is read right."""
    return float(np.mean([(read[known == side] == side).mean() if (known == side).any() else 0.5 for side in (0, 1)]))


def threshold(probability: Floats, known: Floats) -> float:
    """Where to cut (n,) probabilities: the best balanced accuracy, averaged over nearby cuts and drawn to the middle,
    since a few designs must not decide alone."""
    cuts = np.arange(0.1, 0.901, 0.02)
    scores = np.array([balanced(probability > cut, known) for cut in cuts])
    smooth = np.convolve(np.pad(scores, 3, mode="edge"), np.full(7, 1 / 7), "valid")
    return round(float(cuts[np.argmax(smooth - 0.1 * np.abs(cuts - 0.5))]), 2)


def measure(network: Reading, prints: Prints) -> dict[str, dict[str, Any]]:
    """Per attribute: threshold (from validation), accuracies on sharp and on blurred faces of test designs, and on all
    unseen designs with each half cut where the other says; how many of these have it and have not."""
    shown = {s: faces_of(prints, s, s) for s in ("validation", "test")}
    soft = read(network, faces_of(prints, "test", "test", soft=1.5)[0])
    given = {s: read(network, faces) for s, (faces, _) in shown.items()}
    known = {s: table for s, (_, table) in shown.items()}
    result: dict[str, dict[str, Any]] = {}
    for i, name in enumerate(NAMES):
        cut = {s: threshold(given[s][:, i], known[s][:, i]) for s in given}
        crossed = np.concatenate([given["validation"][:, i] > cut["test"], given["test"][:, i] > cut["validation"]])
        both = np.concatenate([known["validation"][:, i], known["test"][:, i]])
        there = np.isfinite(known["test"][:, i])
        held = given["test"][:, i] > cut["validation"]
        result[name] = {
            "threshold": cut["validation"],
            "test_accuracy": round(float((held == known["test"][:, i])[there].mean()), 3),
            "test_balanced": round(balanced(held, known["test"][:, i]), 3),
            "test_balanced_blurred": round(balanced(soft[:, i] > cut["validation"], known["test"][:, i]), 3),
            "unseen_balanced": round(balanced(crossed, both), 3),
            "designs_with": [int((known[s][:, i] == 1).sum()) // STAGES_EACH for s in known],
            "designs_without": [int((known[s][:, i] == 0).sum()) // STAGES_EACH for s in known],
        }
    return result


def reliable(measured: dict[str, Any]) -> bool:
    """Whether an attribute is read well enough, on enough designs, to be told."""
    enough = min(sum(measured["designs_with"]), sum(measured["designs_without"])) >= FEWEST
    return bool(enough and measured["unseen_balanced"] >= RELIABLE and measured["test_balanced"] >= RELIABLE)


class _Probabilities(nn.Module):
    """Only the columns that are told, as probabilities."""

    def __init__(self, network: Reading, columns: list[int]) -> None:
        super().__init__()
        self.network = Reading(len(columns))
        own = {k: v[columns] if k.startswith("head.1.") else v for k, v in network.state_dict().items()}
        self.network.load_state_dict(own)

    def forward(self, face: Tensor) -> Tensor:
        return torch.sigmoid(self.network(face))


def export(network: Reading, measured: dict[str, dict[str, Any]], path: Path) -> None:
    """Write `path` (ONNX) and the JSON beside it. Raises UsageError where nothing is read reliably."""
    told = [name for name in NAMES if reliable(measured[name])]
    if not told:
        raise UsageError("the reader reads nothing reliably: train it for longer")
    with atomic(path) as scratch:
        module = _Probabilities(network, [NAMES.index(name) for name in told])
        export_onnx(module, (torch.rand(2, 3, SIZE, SIZE),), "face", "attributes", scratch)
    rest = {name: facts for name, facts in measured.items() if name not in told}
    write_json(path.with_suffix(".json"), {"attributes": {n: measured[n] for n in told}, "left_out": rest})


def everything(prints: Prints) -> Prints:
    """All designs as training designs."""
    return replace(prints, designs=tuple(replace(d, split="train") for d in prints.designs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the ONNX file to write")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all-designs", action="store_true", help="train on validation and test designs too")
    arguments = parser.parse_args()
    prints = load_prints()

    def report(step: int, loss: float, share: float) -> None:
        if step % 100 == 0:
            print(f"step {step}, {share:.0%} done, loss {loss:.3f}", flush=True)

    shown = everything(prints) if arguments.all_designs else prints
    network = train(shown, arguments.minutes, arguments.seed, report)
    measured = measure(network, prints)
    for name, facts in measured.items():
        print(f"{name:13s} {'told    ' if reliable(facts) else 'left out'} {facts}")
    export(network, measured, arguments.out)


if __name__ == "__main__":
    main()
