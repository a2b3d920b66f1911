"""The training run: faces in, a trained network in a folder out, interruptible and resumable.

    run = begin(preset("default"), "composed", Path("my-model/training"), minutes=20)
    trained = run.train()

A run is a number of steps, fixed when it starts. Everything random in step k is drawn from (seed, k)."""

import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from PIL import Image
from torch import Tensor

from minifaces.errors import MinifacesError, MinifacesWarning, UsageError
from minifaces.files import atomic
from minifaces.vae import ahead, checkpoint, losses, together
from minifaces.vae.board import Board
from minifaces.vae.checkpoint import Checkpoint
from minifaces.vae.coding import planes
from minifaces.vae.config import Config, Optimiser
from minifaces.vae.device import bfloat16_pays, device, use_cores
from minifaces.vae.networks import VAE, build
from minifaces.vae.progress import Progress
from minifaces.vae.runlog import Log, interruptible
from minifaces.vae.training_data import Batch, Source, open_source

SHEET = 16  # held-out faces on a sheet
SOON = 5.0  # seconds between the first checkpoints; then each takes as long to come as all before it
SETBACKS = 6  # that a run may have: by then the learning rate is 1/64
SEEDS_APART = 1_000_003  # between the noise's seeds of one run and the next: a prime


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


def begin(
    config: Config,
    data: str,
    folder: Path,
    seed: int = 0,
    steps: int | None = None,
    minutes: float | None = None,
    start: Path | None = None,
    threads: int | None = None,
    helpers: int | None = None,
) -> "Run":
    """A new run in `folder`, on "composed" faces or an image folder. Its length is `steps`, or what fits in `minutes`,
    or the configuration's epochs. It may `start` from the weights of a model folder of the same network. `threads` and
    `helpers`: see `Run`. Raises UsageError where the folder holds a run already."""
    if checkpoint.exists(folder / Run.CHECKPOINT):
        raise UsageError(f"{folder} holds a run already: go on with --resume, or name another folder")
    run = Run(folder, Checkpoint(config, data, seed, Progress(steps or 0, minutes)), threads, helpers)
    if start:
        run.start_from(start)
    return run


def resume(folder: Path, steps: int | None = None, threads: int | None = None, helpers: int | None = None) -> "Run":
    """The run in `folder`, from its checkpoint on; `steps` make it longer or shorter. Raises UsageError where the
    folder holds none, or one that has done more steps than that."""
    if not checkpoint.exists(folder / Run.CHECKPOINT):
        raise UsageError(f"{folder} holds no run to resume: begin one there without --resume")
    state = checkpoint.load(folder / Run.CHECKPOINT)
    done = state.progress.step
    if steps is not None and steps < done:
        raise UsageError(f"the run in {folder} has done {done} steps already: give --steps {done} or more, or none")
    state.progress.steps = steps or state.progress.steps
    return Run(folder, state, threads, helpers)


class Run:
    """One training run in `folder` (checkpoint, log.jsonl, sheets, and tensorboard if asked for).

    Several processes, started together by `torchrun` or `accelerate launch`, each take a part of every batch and learn
    as one (`minifaces.vae.together`); the first of them writes. A run may go on with another number of them."""

    CHECKPOINT = "checkpoint"

    def __init__(self, folder: Path, state: Checkpoint, threads: int | None = None, helpers: int | None = None) -> None:
        """`threads` are the processor's, all cores unless given. `helpers` are processes that make batches ahead, as
        many as `ahead.spare_processes` finds good unless given. Raises UsageError for a batch that processes cannot
        share evenly."""
        batch, processes = state.config.optimiser.batch, int(os.environ.get("WORLD_SIZE", "1"))
        if batch % processes:
            raise UsageError(f"{processes} processes cannot share {batch} faces evenly: give a --batch that they can")
        use_cores(threads)
        torch.backends.cudnn.benchmark = True  # all batches are of one shape: worth a search for the fastest way
        self.folder, self.config, self.data, self.seed = folder, state.config, state.data, state.seed
        self.progress = state.progress
        self.source = open_source(self.data, self.config)
        self.helpers = ahead.spare_processes() if helpers is None else helpers
        if not self.progress.steps and not self.progress.minutes:
            self.progress.steps = max(1, round(self.config.epochs * self.source.faces_per_epoch / batch))
        # Said outright: without a GPU, processes that were started together would each train alone.
        on_cpus = processes > 1 and not torch.cuda.is_available()
        self.accelerator = Accelerator(cpu=on_cpus, mixed_precision="bf16" if bfloat16_pays(device()) else "no")
        torch.manual_seed(self.seed)
        network = build(self.config.network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if state.weights:
            network.load_state_dict(state.weights)
        if processes > 1:
            together.share_statistics(network)
        adam = _adam(network, self.config.optimiser)
        if state.moments:
            adam.load_state_dict({**adam.state_dict(), "state": state.moments})
        self.network, self.adam = self.accelerator.prepare(network, adam)
        self.bare: VAE = self.accelerator.unwrap_model(self.network)
        self.average = self._copy(state.average or self.bare.state_dict())

    def start_from(self, model: Path) -> None:
        """Take the weights of a model folder. Raises UsageError where they are of another network."""
        self.bare.load_state_dict(checkpoint.weights(model, self.bare.state_dict()))
        self.average = self._copy(self.bare.state_dict())

    def train(
        self, report: Callable[[Status], None] = lambda _: None, save_every: float = 120.0, board: bool = False
    ) -> Trained:
        """Train to the end. Where the loss becomes no number, it goes back to the last checkpoint and on at half the
        learning rate, with a MinifacesWarning.

        Raises MinifacesError when interrupted, with a checkpoint saved and how to go on; where nothing can be written,
        with the checkpoint before kept; where going back did not help."""
        try:
            return self._train(report, save_every, board)
        except OSError as error:
            kept = checkpoint.exists(self.folder / self.CHECKPOINT)
            remedy = f"the last checkpoint is kept, go on with --resume --output {self.folder.parent}"
            raise MinifacesError(
                f"cannot write {self.folder}: {error.strerror or error}{f'; {remedy}' if kept else ''}"
            ) from error

    def _train(self, report: Callable[[Status], None], save_every: float, board: bool) -> Trained:
        self.folder.mkdir(parents=True, exist_ok=True)
        progress, batches, held_out = self.progress, self._batches(), self.source.held_out(SHEET)
        good = self._state()
        writes = self.accelerator.is_main_process
        shown = Board(self.folder, progress.step) if board and writes else None
        log = Log(self.folder, writes, progress.step, board=shown)
        saved = began = time.monotonic()
        with interruptible() as interrupted:
            while not progress.finished:
                start = time.monotonic()
                values = self.step(*next(batches))
                now = time.monotonic()
                progress.count(now - start)
                done = progress.step - log.first
                if not progress.steps and (fitting := progress.clock(now - start, done, self.helpers)):
                    progress.steps = int(broadcast_object_list([fitting])[0])  # as the first process says
                left = (progress.steps - progress.step) * (now - began) / done if progress.steps else 0.0
                report(Status(progress.step, progress.steps, left, values))
                log.write(progress.step, values)
                stopped = self._agreed(interrupted())
                # Soon at first, then ever more rarely: whoever is ended early has something to go on from.
                pause = min(save_every, max(SOON, saved - began))
                due = done == 1 or now - saved > pause or stopped or progress.finished
                # A step may have spoilt the weights, of which only the next one's loss would tell.
                if self._agreed(not np.isfinite(values["loss"]) or (due and not self._is_finite())):
                    self._go_back(good, values["loss"])
                    batches = self._batches()
                elif due:
                    good = self._state()
                    self._save(good)
                    self._sheet(held_out, shown)
                    saved = time.monotonic()
                if stopped and not progress.finished:
                    log.close()
                    raise MinifacesError(
                        f"stopped at step {progress.step} of {progress.steps or '?'}: go on with "
                        f"--resume --output {self.folder.parent}"
                    )
        log.close()
        faces = progress.step * self.config.optimiser.batch
        return Trained(self.config, self.averaged(), self.source, self.seed, progress.step, faces, progress.seconds)

    def step(self, faces: Tensor, shown: Tensor, mask: Tensor) -> dict[str, float]:
        """Learn from one batch, `faces` and `shown` (n, H, W, 3) and `mask` (n, H, W), uint8: -> parts of the loss."""
        settings, number = self.config.optimiser, self.progress.step
        for group in self.adam.param_groups:
            peak = settings.learning_rate / 2**self.progress.setbacks
            group["lr"] = learning_rate(peak, settings.schedule, number, self.progress.share)
        true, seen = (f.permute(0, 3, 1, 2).float() / 255 for f in (faces, shown))  # channels last, as they come
        region = mask[:, None].float() / 255
        self.network.train()
        with self.accelerator.autocast():
            made, mean, log_variance = self.network(seen, self._noise(len(true)))
        share, overall = self.progress.share, together.mean_of_all
        parts = losses.total(self.config.loss, made.float(), true, mean, log_variance, region, share, overall)
        self.adam.zero_grad(set_to_none=True)
        self.accelerator.backward(parts["loss"])
        if settings.clip:
            self.accelerator.clip_grad_norm_(self.network.parameters(), settings.clip)
        self.adam.step()
        self._move_average(min(settings.ema, (1 + number) / (10 + number)))
        return {k: float(together.mean_of_all(v.detach())) for k, v in parts.items()}

    def _batches(self) -> ahead.Batches:
        index, of = self.accelerator.process_index, self.accelerator.num_processes
        count, device = self.config.optimiser.batch // of, self.accelerator.device
        return ahead.batches(self.source, self.seed, self.progress.step, count, self.helpers, device, (index, of))

    def _noise(self, count: int) -> Tensor:
        """Standard normal, (count, d): this process's part of what the run's seed and the step give a batch."""
        seed = (self.seed * SEEDS_APART + self.progress.step) * 64
        whole = (self.config.optimiser.batch, self.config.network.latent_size)
        noise = torch.randn(whole, generator=torch.Generator().manual_seed(seed))
        return noise[self.accelerator.process_index * count :][:count].to(self.accelerator.device)

    def _copy(self, state: checkpoint.Tensors) -> checkpoint.Tensors:
        return {k: v.detach().clone().to(self.accelerator.device) for k, v in state.items()}

    def _move_average(self, decay: float) -> None:
        """Move the exponential average, batch norm's statistics included, towards the weights."""
        current = self.bare.state_dict()
        with torch.no_grad():
            names = [k for k, v in current.items() if v.is_floating_point()]
            torch._foreach_lerp_([self.average[k] for k in names], [current[k].detach() for k in names], 1 - decay)

    def _agreed(self, stop: bool) -> bool:
        """Whether any process was told to stop: one that waits for another would wait for ever."""
        if self.accelerator.num_processes == 1:
            return stop
        flag = torch.tensor(float(stop), device=self.accelerator.device)
        return bool(self.accelerator.reduce(flag, "sum"))

    def _state(self) -> Checkpoint:
        """All that the next step depends on, a copy."""
        moments = {i: self._copy(entry) for i, entry in self.adam.state_dict()["state"].items()}
        weights, average = self._copy(dict(self.bare.state_dict())), self._copy(self.average)
        return Checkpoint(self.config, self.data, self.seed, replace(self.progress), weights, average, moments)

    def _restore(self, state: Checkpoint) -> None:
        assert state.weights is not None
        assert state.average is not None
        self.bare.load_state_dict(state.weights)
        self.adam.load_state_dict({**self.adam.state_dict(), "state": state.moments})
        self.average = self._copy(state.average)

    def _save(self, state: Checkpoint) -> None:
        if self.accelerator.is_main_process:
            checkpoint.save(self.folder / self.CHECKPOINT, state)

    def _is_finite(self) -> bool:
        """Whether the weights are numbers: where one is not, its average is none."""
        return all(bool(value.isfinite().all()) for value in self.average.values())

    def _go_back(self, good: Checkpoint, loss: float) -> None:
        """To the last good state, and on more slowly. Raises MinifacesError where that was tried often."""
        reached, step, rate = self.progress.step, good.progress.step, self.config.optimiser.learning_rate
        broke = "the weights became no numbers" if np.isfinite(loss) else f"the loss became {loss:g}"
        what = f"{broke} at step {reached}"
        if self.progress.setbacks == SETBACKS:
            raise MinifacesError(
                f"{what}, as it did {SETBACKS} times before, at a learning rate of {rate / 2**SETBACKS:.2g} by now: "
                f"train anew with a smaller one, as --set optimiser.learning_rate={rate / 2 ** (SETBACKS + 4):.2g}"
            )
        self.progress.set_back(step)
        self._restore(good)
        self._save(replace(good, progress=self.progress))
        slower = rate / 2**self.progress.setbacks
        message = f"{what}: back at step {step}, and on at half the learning rate, {slower:.2g}"
        warnings.warn(message, MinifacesWarning, stacklevel=2)

    def averaged(self) -> VAE:
        """The averaged weights in a fresh network, on the CPU."""
        network = build(self.config.network)
        network.load_state_dict({k: v.cpu() for k, v in self.average.items()})
        return network.eval()

    def _sheet(self, batch: Batch, board: Board | None) -> None:
        """Held-out faces above, their reconstructions by the averaged weights below."""
        if not self.accelerator.is_main_process:
            return
        with torch.no_grad():
            network = self.averaged()
            made = network.decode(network.encode(planes(batch.faces))[0])
        below = (made.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        rows = [np.concatenate(list(batch.faces), 1), np.concatenate(list(below), 1)]
        sheet = np.concatenate(rows)
        with atomic(self.folder / "sheets" / f"{self.progress.step:07d}.png") as scratch:
            Image.fromarray(sheet).save(scratch)
        if board is not None:
            board.sheet(self.progress.step, sheet)


def learning_rate(peak: float, schedule: str, step: int, progress: float) -> float:
    """ "constant", or "cosine": 150 steps of warm-up, the peak for the first half, then half a cosine down to 1 %."""
    if schedule == "constant":
        return peak
    tail = 1.0 if progress < 0.5 else 0.505 + 0.495 * np.cos(np.pi * (progress - 0.5) / 0.5)
    return float(peak * min(1.0, (step + 1) / 150) * tail)


def _adam(network: VAE, settings: Optimiser) -> torch.optim.AdamW:
    betas = (0.9, settings.beta2)
    return torch.optim.AdamW(
        network.parameters(), settings.learning_rate, betas, settings.epsilon, settings.weight_decay
    )
