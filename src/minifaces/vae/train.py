"""The training run: faces in, a trained network in a folder out, interruptible and resumable.

    minifaces train composed --preset default --minutes 20 --out my-model

A run is a number of steps, fixed when it starts. Everything random in step k is drawn from (seed, k)."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from PIL import Image
from torch import Tensor

from minifaces.cores import cores
from minifaces.errors import MinifacesError, UsageError
from minifaces.files import atomic
from minifaces.vae import ahead, checkpoint, losses
from minifaces.vae.config import Config
from minifaces.vae.device import bfloat16_pays
from minifaces.vae.networks import VAE, build
from minifaces.vae.runlog import Log, interruptible
from minifaces.vae.sources import Batch, Source, open_source

SHEET = 16  # held-out faces on a sheet
TIMED = 10  # steps that tell how fast this machine is, where --minutes is asked for ...
UNTIMED = 3  # ... after the first ones


@dataclass(frozen=True)
class Status:
    """What a progress bar shows after a step."""

    step: int
    steps: int
    seconds_left: float
    losses: dict[str, float]


@dataclass(frozen=True)
class Trained:
    """A finished run: the exported weights are in `network` (evaluation mode, on the CPU)."""

    config: Config
    network: VAE
    source: Source
    seed: int
    steps: int
    faces: int
    seconds: float


class Run:
    """One training run in `folder` (checkpoint, log.jsonl, tensorboard, sheets).

    Several processes, started together by `torchrun` or `accelerate launch`, each take a batch a step and share what
    they learn; the first of them writes."""

    def __init__(
        self,
        config: Config,
        data: str,
        folder: Path,
        seed: int = 0,
        steps: int | None = None,
        minutes: float | None = None,
        resume: bool = False,
        threads: int | None = None,
        start: Path | None = None,
        helpers: int | None = None,
    ) -> None:
        """`data` is "composed" or the path of an image folder. The length is `steps`, or what fits in `minutes`,
        or the configuration's epochs. With `resume`, all but `steps` comes from the checkpoint in `folder`.
        A run may `start` from the weights of a model folder of the same network. `helpers` are processes that make
        batches ahead, as many as `ahead.spare_processes` finds good unless given."""
        torch.set_num_threads(threads or min(torch.get_num_threads(), cores()))
        self.folder = folder
        self.checkpoint = folder / "checkpoint"
        self.config, self.data, self.seed = config, data, seed
        self.start = start
        self.step, self.seconds = 0, 0.0
        self.minutes, self.timed, self.clocked = minutes, 0, 0.0  # steps that were timed, and their seconds
        restored = None
        if checkpoint.exists(self.checkpoint):
            if not resume:
                raise UsageError(f"{folder} holds a run already: go on with --resume, or name another folder")
            self.config, state, *restored = checkpoint.load(self.checkpoint)
            self.data, self.seed, self.step, self.seconds = (state[k] for k in ("data", "seed", "step", "seconds"))
            self.minutes, self.timed, self.clocked = state["minutes"], state["timed"], state["clocked"]
            self.steps = steps or state["steps"]
        elif resume:
            raise UsageError(f"{folder} holds no run to resume")
        else:
            self.steps = steps or 0
        self.source = open_source(self.data, self.config)
        processes = int(os.environ.get("WORLD_SIZE", "1"))
        self.faces_a_step = self.config.optimiser.batch * processes
        if not self.steps and not self.minutes:
            self.steps = max(1, round(self.config.epochs * self.source.faces_per_epoch / self.faces_a_step))
        # Said outright: without a GPU, processes that were started together would each train alone.
        together = processes > 1 and not torch.cuda.is_available()
        self.accelerator = Accelerator(cpu=together, mixed_precision="bf16" if bfloat16_pays() else "no")
        torch.backends.cudnn.benchmark = True  # all batches are of one shape: worth a search for the fastest way
        self.helpers = ahead.spare_processes() if helpers is None else helpers
        self._prepare(restored)

    def _prepare(self, restored: list[Any] | None) -> None:
        optimiser = self.config.optimiser
        torch.manual_seed(self.seed)
        network = build(self.config.network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if restored:
            network.load_state_dict(restored[0])
        elif self.start:
            network.load_state_dict(checkpoint.weights(self.start, network.state_dict()))
        adam = torch.optim.AdamW(
            network.parameters(),
            optimiser.learning_rate,
            (0.9, optimiser.beta2),
            optimiser.epsilon,
            optimiser.weight_decay,
        )
        if restored:
            adam.load_state_dict({**adam.state_dict(), "state": restored[2]})
        self.network, self.adam = self.accelerator.prepare(network, adam)
        self.bare: VAE = self.accelerator.unwrap_model(self.network)
        source = restored[1] if restored else self.bare.state_dict()
        self.ema = {k: v.detach().clone().to(self.accelerator.device) for k, v in source.items()}

    def train(self, report: Callable[[Status], None] = lambda _: None, save_every: float = 120.0) -> Trained:
        """Train to the end. Raises MinifacesError when interrupted, with a checkpoint saved and how to go on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        seed = self.seed + 1_000_003 * self.accelerator.process_index
        batch, device = self.config.optimiser.batch, self.accelerator.device
        batches = ahead.batches(self.source, seed, self.step, batch, self.helpers, device)
        held_out = self.source.held_out(SHEET)
        log = Log(self.folder, self.accelerator.is_main_process, self.step)
        saved = began = time.monotonic()
        with interruptible() as interrupted:
            while not self.steps or self.step < self.steps:
                start = time.monotonic()
                values = self._one_step(*next(batches))
                now = time.monotonic()
                self.seconds += now - start
                self.step += 1
                if not self.steps:
                    self._time(now - start, self.step - log.first)
                left = (self.steps - self.step) * (now - began) / max(1, self.step - log.first) if self.steps else 0.0
                report(Status(self.step, self.steps, left, values))
                log.write(self.step, values)
                stopped, last = self._agreed(interrupted()), self.step == self.steps
                if now - saved > save_every or stopped or last:
                    self._save()
                    self._sheet(held_out)
                    saved = time.monotonic()
                if stopped and not last:
                    log.close()
                    raise MinifacesError(
                        f"stopped at step {self.step} of {self.steps or '?'}: go on with "
                        f"--resume --out {self.folder.parent}"
                    )
        log.close()
        faces = self.step * self.faces_a_step
        return Trained(self.config, self._exported(), self.source, self.seed, self.step, faces, self.seconds)

    def _time(self, seconds: float, number: int) -> None:
        """Fix the number of steps that fit in `minutes` once enough of them were timed. This was the `number`-th step
        since the start, and took so many seconds."""
        # The first ones warm up, and what helpers have made in the meantime says nothing of how fast they are.
        if number <= UNTIMED + 2 * self.helpers:
            return
        self.timed, self.clocked = self.timed + 1, self.clocked + seconds
        if self.timed < TIMED + 4 * self.helpers:
            return
        assert self.minutes is not None
        fitting = [max(self.step + 1, round(self.minutes * 60 * self.timed / self.clocked))]
        self.steps = int(broadcast_object_list(fitting)[0])  # all processes do as many as the first one says

    def _agreed(self, stop: bool) -> bool:
        """Whether any process was told to stop: one that waits for another would wait for ever."""
        if self.accelerator.num_processes == 1:
            return stop
        flag = torch.tensor(float(stop), device=self.accelerator.device)
        return bool(self.accelerator.reduce(flag, "sum"))

    def _one_step(self, faces: Tensor, shown: Tensor, mask: Tensor) -> dict[str, float]:
        optimiser, rank = self.config.optimiser, self.accelerator.process_index
        progress = self.step / self.steps if self.steps else 0.0
        for group in self.adam.param_groups:
            group["lr"] = learning_rate(optimiser.learning_rate, optimiser.schedule, self.step, progress)
        true, seen = (f.permute(0, 3, 1, 2).float() / 255 for f in (faces, shown))  # channels last, as they come
        region = mask[:, None].float() / 255
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + self.step) * 64 + rank)
        noise = torch.randn(len(true), self.config.network.latent_size, generator=generator).to(self.accelerator.device)
        self.network.train()
        with self.accelerator.autocast():
            made, mean, log_variance = self.network(seen, noise)
        parts = losses.total(self.config.loss, made.float(), true, mean, log_variance, region, progress)
        self.adam.zero_grad(set_to_none=True)
        self.accelerator.backward(parts["loss"])
        if optimiser.clip:
            self.accelerator.clip_grad_norm_(self.network.parameters(), optimiser.clip)
        self.adam.step()
        self._average()
        values = {k: float(v.detach()) for k, v in parts.items()}
        if not np.isfinite(values["loss"]):
            raise MinifacesError(f"the loss became {values['loss']} at step {self.step}: try a smaller learning rate")
        return values

    def _average(self) -> None:
        """Move the exponential average, batch norm's statistics included, towards the weights."""
        decay = min(self.config.optimiser.ema, (1 + self.step) / (10 + self.step))
        current = self.bare.state_dict()
        with torch.no_grad():
            names = [k for k, v in current.items() if v.is_floating_point()]
            torch._foreach_lerp_([self.ema[k] for k in names], [current[k].detach() for k in names], 1 - decay)

    def _save(self) -> None:
        if self.accelerator.is_main_process:
            state = {
                "data": self.data,
                "seed": self.seed,
                "step": self.step,
                "steps": self.steps,
                "seconds": self.seconds,
                "minutes": self.minutes,
                "timed": self.timed,
                "clocked": self.clocked,
            }
            checkpoint.save(
                self.checkpoint,
                self.config,
                state,
                dict(self.bare.state_dict()),
                self.ema,
                self.adam.state_dict(),
            )

    def _exported(self) -> VAE:
        """The averaged weights in a fresh network."""
        network = build(self.config.network)
        network.load_state_dict({k: v.cpu() for k, v in self.ema.items()})
        return network.eval()

    def _sheet(self, batch: Batch) -> None:
        """Held-out faces above, their reconstructions by the averaged weights below."""
        if not self.accelerator.is_main_process:
            return
        true = torch.from_numpy(batch.faces).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            network = self._exported()
            made = network.decode(network.encode(true)[0])
        rows = [np.concatenate(list(batch.faces), 1), np.concatenate(list(_bytes(made)), 1)]
        with atomic(self.folder / "sheets" / f"{self.step:07d}.png") as scratch:
            Image.fromarray(np.concatenate(rows)).save(scratch)


def learning_rate(peak: float, schedule: str, step: int, progress: float) -> float:
    """ "constant", or "cosine": 150 steps of warm-up, the peak for the first half, then half a cosine down to 1 %."""
    if schedule == "constant":
        return peak
    tail = 1.0 if progress < 0.5 else 0.505 + 0.495 * np.cos(np.pi * (progress - 0.5) / 0.5)
    return float(peak * min(1.0, (step + 1) / 150) * tail)


def _bytes(faces: Tensor) -> np.ndarray:
    return (faces.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
