"""Training batches, made by other processes while the GPU is at the steps before.

A GPU takes faces faster than one process composes them. Since a batch depends on the seed and the step alone, any
process may make it, and a run with helpers sees exactly what one without sees. Where even that is not enough, each face
may serve more than once, in other company."""

import itertools
import math
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from minifaces.cores import cores
from minifaces.ldraw.compose import keep_to_one_core
from minifaces.vae.training_data import Source

Batch = tuple[Tensor, Tensor, Tensor]
Batches = Iterator[Batch]

APART = 16  # steps between two uses of a face


def spare_processes() -> int:
    """How many processes can help: all cores but one where a GPU trains, else none.

    They are forked, so that they share the prints and stages, which are a gigabyte and take ten seconds to read."""
    if not torch.cuda.is_available() or "fork" not in multiprocessing.get_all_start_methods():
        return 0
    return max(1, cores() - 1)


def batches(
    source: Source,
    seed: int,
    first: int,
    count: int,
    helpers: int,
    device: torch.device | None = None,
    share: tuple[int, int] = (0, 1),
) -> Batches:
    """Endless batches from step `first` on: `faces`, `shown` (count, H, W, 3) and `mask` (count, H, W), uint8, on
    `device`.

    `helpers` other processes make them; with none, they are made when asked. Of `source.uses` parts of a batch one is
    new, the others were the new ones of 16, 32 ... steps before. `share` (i, n): this is the i-th of n processes, the
    parts of which, `count` faces each, are a step's batch."""
    device = device or torch.device("cpu")
    parts = (
        [part.to(device, non_blocking=True) for part in new] for new in _new(source, seed, first, count, helpers, share)
    )
    kept: deque[list[Tensor]] = deque(maxlen=APART * (source.uses - 1) + 1)
    for part in parts:
        kept.append(part)
        if len(kept) == kept.maxlen:
            faces, shown, mask = zip(*itertools.islice(kept, 0, None, APART), strict=True)
            yield torch.cat(faces)[:count], torch.cat(shown)[:count], torch.cat(mask)[:count]


def _new(source: Source, seed: int, first: int, count: int, helpers: int, share: tuple[int, int]) -> Iterator[Batch]:
    """The new faces of step after step, in pinned memory where there is a GPU."""
    steps = _Steps(source, seed, math.ceil(count / source.uses), share)
    if not helpers:
        return (steps[step] for step in itertools.count(first))
    loader: DataLoader[Any] = DataLoader(
        steps,
        sampler=itertools.count(first),
        batch_size=None,
        num_workers=helpers,
        pin_memory=torch.cuda.is_available(),
        multiprocessing_context="fork",
        worker_init_fn=_alone,
    )
    return iter(loader)


class _Steps(Dataset[Batch]):
    """The batch of any step."""

    def __init__(self, source: Source, seed: int, count: int, share: tuple[int, int]) -> None:
        index, of = share
        self.source, self.seed, self.count = source, seed, count * of
        self.part = slice(index * count, (index + 1) * count)

    def __getitem__(self, step: int) -> Batch:
        batch = self.source.batch(self.seed, step, self.count, self.part)
        return torch.from_numpy(batch.faces), torch.from_numpy(batch.shown), torch.from_numpy(batch.mask)


def _alone(_: int) -> None:
    """A helper keeps to one core, and leaves an interruption to the process that asked for it."""
    keep_to_one_core()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
