"""What the small networks that look at pictures share: their layers, and training for as many minutes as one has."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

from minifaces.arrays import Pixels
from minifaces.vae import coding
from minifaces.vae.device import bfloat16_pays

Batch = TypeVar("Batch")
Net = TypeVar("Net", bound=nn.Module)

WARM_UP = 0.05  # of the time, until the learning rate is at its peak
CLIP = 5.0  # longest gradient
AHEAD = 3  # batches that are drawn before they are asked for


@dataclass(frozen=True)
class Pace:
    """AdamW's learning rate at its peak and weight decay, and the decay of the average of the weights, per step."""

    peak: float
    decay: float
    average: float


def convolution(given: int, made: int, kernel: int = 3, stride: int = 1, padding: int = 1) -> list[nn.Module]:
    """A convolution, its normalisation, and what is above zero."""
    return [
        nn.Conv2d(given, made, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(made),
        nn.ReLU(inplace=True),
    ]


def planes(pictures: Pixels) -> Tensor:
    """(n, H, W, 3) uint8 -> (n, 3, H, W) float32 in [0, 1], channels last in memory, as convolutions like it best."""
    return coding.planes(pictures).contiguous(memory_format=torch.channels_last)


def train(
    network: Net,
    batches: Iterable[tuple[float, Tensor, Batch]],
    losses: Callable[[Tensor, Batch], dict[str, Tensor]],
    pace: Pace,
    report: Callable[[int, dict[str, float], float], None],
) -> Net:
    """The average of the network's weights while it learns from `batches`: the share of the time that is over, what
    the network is given, and what `losses` needs to judge the answer, by parts that are summed.

    The learning rate falls along a cosine to a hundredth. `report` is told (step, parts of the loss, share done)."""
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = torch.optim.swa_utils.get_ema_multi_avg_fn(pace.average)  # type: ignore[no-untyped-call]
    averaged = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=ema, use_buffers=True)
    adam = torch.optim.AdamW(network.parameters(), pace.peak, weight_decay=pace.decay)
    where = next(network.parameters()).device
    half = bfloat16_pays(where)
    network.train()
    step = 0
    for share, given, batch in batches:
        for group in adam.param_groups:
            group["lr"] = pace.peak * min(1.0, (share + 0.001) / WARM_UP) * (0.505 + 0.495 * math.cos(math.pi * share))
        with torch.autocast(where.type, torch.bfloat16, enabled=half):
            told = network(given.contiguous(memory_format=torch.channels_last))
        parts = losses(told.float(), batch)
        adam.zero_grad(set_to_none=True)
        sum(parts.values(), torch.zeros(())).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        adam.step()
        averaged.update_parameters(network)
        step += 1
        report(step, {name: float(value.detach()) for name, value in parts.items()}, share)
    # An average over many steps is not yet one after few.
    best = averaged.module if step > 3 / (1 - pace.average) else network
    return cast(Net, best.eval())


def drawn_ahead(draw: Callable[[int], Batch], minutes: float) -> Iterator[tuple[float, Batch]]:
    """The share of `minutes` that is over, and `draw` of 1, 2, 3 ..., which another process works at meanwhile. There
    is always a first.

    `draw` and what it makes must be picklable."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(draw, 0).result()  # loading and compiling are not counted
        drawn = deque(pool.submit(draw, 1 + i) for i in range(AHEAD))
        seconds = max(60 * minutes, 1e-6)
        begin, share, number = time.monotonic(), 0.0, AHEAD
        while share < 1:
            number += 1
            drawn.append(pool.submit(draw, number))
            yield share, drawn.popleft().result()
            share = (time.monotonic() - begin) / seconds
        for task in drawn:
            task.cancel()


def printed(every: int) -> Callable[[int, dict[str, float], float], None]:
    """Prints how far a training is, and the parts of its loss, after each so many steps."""
    begin = time.monotonic()

    def report(step: int, parts: dict[str, float], share: float) -> None:
        if step % every == 0:
            told = ", ".join(f"{name} {value:.4f}" for name, value in parts.items())
            print(f"step {step}, {share:.0%} done, {time.monotonic() - begin:.0f} s: {told}", flush=True)

    return report
