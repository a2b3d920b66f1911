"""Train the attribute reader: a small network that tells from a face whether it smiles, wears glasses, has a beard.

    python -m minifaces.instruments.train_reader src/minifaces/assets/reader.onnx --minutes 10

It is a measuring instrument, not part of any model: what is read off a face is held against what is read off its
reconstruction. So it must read a soft picture as it reads a sharp one, and it must be right on designs that it has not
seen. It learns from composed faces of the training designs, spoilt in many ways, by what minifaces.ldraw.truths knows
of them. Beside the network goes a JSON file with a threshold for each attribute, chosen on the validation designs, and
how often the reading was right on unseen ones. What was not right often enough is left out of the network, and listed
as left out in the file."""

import argparse
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import numba
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from minifaces.arrays import Bools, Floats, Pixels
from minifaces.errors import UsageError
from minifaces.files import atomic, write_json
from minifaces.instruments import convnets
from minifaces.instruments.convnets import Pace, convolution, drawn_ahead, planes
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import draw_faces, fixed_draws, head_code
from minifaces.ldraw.prints import Prints, load_prints
from minifaces.ldraw.stages import Stages, load_stages
from minifaces.ldraw.truths import NAMES, labels, truths
from minifaces.vae.onnx import export_onnx

SIZE = 128
WIDTHS = (32, 64, 96, 128)
BATCH, BARE = 64, 2  # faces in a batch, and of them without a print
TIMES, PART = 3, 8  # how often a batch is shown, spoilt anew, and how many of its faces are spoilt alike
PACE = Pace(peak=2e-3, decay=0.05, average=0.998)
SMOOTHED = 0.05  # labels keep away so far from certainty, since some are wrong
STAGES_EACH = 8  # stages on which each design is measured
RELIABLE = 0.8  # balanced accuracy on unseen designs that an attribute needs ...
FEWEST = 8  # ... among at least so many of them with it, and as many without


class ReaderNetwork(nn.Module):
    """Faces (n, 3, 128, 128) in [0, 1] -> logits (n, a).

    Where something is from left to right does not matter, so that the last grid of 4 x 4 is pooled to its rows."""

    def __init__(self, outputs: int = len(NAMES)) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.PixelUnshuffle(4)]
        channels = 48
        for i, width in enumerate(WIDTHS):
            layers += convolution(channels, width, stride=2 if i else 1) + convolution(width, width)
            channels = width
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * 4 * channels, outputs))

    def forward(self, face: Tensor) -> Tensor:
        grid = self.trunk(face * 2 - 1)
        return cast(Tensor, self.head(torch.cat([grid.mean(3), grid.amax(3)], 1).flatten(1)))


def train(
    minutes: float,
    seed: int = 0,
    all_designs: bool = False,
    report: Callable[[int, dict[str, float], float], None] = lambda *_: None,
) -> ReaderNetwork:
    """A network trained for `minutes`, on one core; another one composes faces of the training split, or of all
    designs. `report` is told (step, parts of the loss, share done)."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # the layers are too small to be shared out
    balance = _balance(_shown(all_designs))
    return convnets.train(ReaderNetwork(), _batches(minutes, seed, all_designs), partial(losses, balance), PACE, report)


def _batches(minutes: float, seed: int, all_designs: bool) -> Iterator[tuple[float, Tensor, Tensor]]:
    """Each batch is shown a few times, spoilt anew."""
    rng = np.random.default_rng(seed)
    for share, (faces, known) in drawn_ahead(partial(_draw, seed, all_designs), minutes):
        for _ in range(TIMES):
            yield share, spoil(faces, rng), torch.from_numpy(known)


def _draw(seed: int, all_designs: bool, step: int) -> tuple[Pixels, Floats]:
    """One batch (runs in a process of its own)."""
    return draw_batch(*_sources(all_designs), np.random.default_rng([seed, step]))


@cache
def _sources(all_designs: bool) -> tuple[Prints, Stages]:
    numba.set_num_threads(1)
    return _shown(all_designs), load_stages(SIZE, "train")


def _shown(all_designs: bool) -> Prints:
    """Prints whose training designs are what a reader is shown."""
    return everything(load_prints()) if all_designs else load_prints()


def draw_batch(prints: Prints, stages: Stages, rng: np.random.Generator) -> tuple[Pixels, Floats]:
    """Faces (n, H, W, 3) uint8 and what they should be read as, (n, a)."""
    draws = draw_faces(prints, stages, "train", BATCH - BARE, rng)
    faces = np.concatenate([compose(prints, stages, draws)[0], bare_heads(prints, stages, BARE, rng)])
    known = np.concatenate([labels(prints, draws), np.zeros((BARE, len(NAMES)), np.float32)])
    order = rng.permutation(BATCH)
    return faces[order], known[order]


def bare_heads(prints: Prints, stages: Stages, count: int, rng: np.random.Generator) -> Pixels:
    """Heads with nothing printed on them, (n, H, W, 3) uint8."""
    blank = prints.blank
    codes = rng.choice([head_code(d, rng) for d in prints.designs[:40]], count)
    place = rng.integers(0, len(stages), count)
    return compose(blank, stages, fixed_draws(blank, np.zeros(count, np.int64), place, codes=codes))[0]


def spoil(faces: Pixels, rng: np.random.Generator) -> Tensor:
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
    return picture.clamp_(0, 1)


def _compressed(face: Pixels, rng: np.random.Generator) -> Pixels:
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


def losses(balance: Tensor, logits: Tensor, known: Tensor) -> dict[str, Tensor]:
    """Binary cross-entropy over what is known, both sides weighing alike, labels smoothed since some are wrong."""
    there = torch.isfinite(known)
    target = torch.nan_to_num(known)
    weight = torch.where(target > 0.5, balance, torch.ones(())) * there * (2 / (1 + balance))
    smooth = target * (1 - 2 * SMOOTHED) + SMOOTHED
    entropy = F.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
    return {"entropy": (entropy * weight).sum() / weight.sum().clamp(min=1)}


def faces_of(prints: Prints, split: str, stages_of: str, soft: float = 0.0) -> tuple[Tensor, Floats]:
    """Each design of a split on several stages: faces (n, 3, H, W) and what is known of them (n, a)."""
    rng, stages = np.random.default_rng(5), load_stages(SIZE, stages_of)
    designs = np.repeat(prints.of_split(split), STAGES_EACH)
    codes = np.array([head_code(prints.designs[i], rng) for i in designs])
    draws = fixed_draws(prints, designs, np.resize(rng.permutation(len(stages)), len(designs)), codes=codes)
    faces = planes(compose(prints, stages, draws)[0])
    return blurred(faces, soft) if soft else faces, labels(prints, draws)


def read(network: ReaderNetwork, faces: Tensor) -> Floats:
    """Probabilities (n, a)."""
    with torch.no_grad():
        return torch.cat([torch.sigmoid(network(part)) for part in torch.split(faces, 64)]).numpy()


def balanced(read: Bools, known: Floats) -> float:
    """Balanced accuracy of (n,) readings: the mean of how often one with and one without it is read right."""
    return float(np.mean([(read[known == side] == side).mean() if (known == side).any() else 0.5 for side in (0, 1)]))


def threshold(probability: Floats, known: Floats) -> float:
    """Where to cut (n,) probabilities: the best balanced accuracy, averaged over nearby cuts and drawn to the middle,
    since a few designs must not decide alone."""
    cuts = np.arange(0.1, 0.901, 0.02)
    scores = np.array([balanced(probability > cut, known) for cut in cuts])
    smooth = np.convolve(np.pad(scores, 3, mode="edge"), np.full(7, 1 / 7), "valid")
    return round(float(cuts[np.argmax(smooth - 0.1 * np.abs(cuts - 0.5))]), 2)


def measure(network: ReaderNetwork, prints: Prints) -> dict[str, dict[str, Any]]:
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

    def __init__(self, network: ReaderNetwork, columns: list[int]) -> None:
        super().__init__()
        self.network = ReaderNetwork(len(columns))
        own = {k: v[columns] if k.startswith("head.1.") else v for k, v in network.state_dict().items()}
        self.network.load_state_dict(own)

    def forward(self, face: Tensor) -> Tensor:
        return torch.sigmoid(self.network(face))


def export(network: ReaderNetwork, measured: dict[str, dict[str, Any]], path: Path) -> None:
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

    def report(step: int, parts: dict[str, float], share: float) -> None:
        if step % 100 == 0:
            print(f"step {step}, {share:.0%} done, loss {parts['entropy']:.3f}", flush=True)

    network = train(arguments.minutes, arguments.seed, arguments.all_designs, report)
    measured = measure(network, prints)
    for name, facts in measured.items():
        print(f"{name:13s} {'told    ' if reliable(facts) else 'left out'} {facts}")
    export(network, measured, arguments.out)


if __name__ == "__main__":
    main()
