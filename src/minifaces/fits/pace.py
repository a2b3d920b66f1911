"""How long fitting takes on this machine, and how much of it fits into a time.

Each fit says beforehand what it has to do (`Work`); this machine is clocked at that for a moment (`Pace`)."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar, cast

import numpy as np
import torch

from minifaces.fits import latentnet
from minifaces.fits.shape import Fitted, Subject, Work, named
from minifaces.vae.coding import decode, encode
from minifaces.vae.config import FITS, Config, FitSettings, changed
from minifaces.vae.device import device
from minifaces.vae.train import Run
from minifaces.vae.training_data import Source

T = TypeVar("T")
Rows = TypeVar("Rows", bound=Any)
Made = TypeVar("Made", bound=Any)
"""arrays (n, ...)"""
Report = Callable[[str, float], None]
"""is told what is being done, and what share of all that there is to do was done before"""

WARM, TRIED = 16, 48  # faces before the clock starts, which compile what composes them; and faces that are clocked
SHARE = 0.25  # of a run's minutes, at most, go to what is fitted after it ...
WRITING = 10.0  # ... seconds of which are for writing the networks
SOME = 256  # faces after which it is told how far the fits are
STEPS, BATCH, WIDTH = 6, 512, 256  # of the small network that is clocked
SCALED = {"faces": 200, "held_out": 100, "steps": 200, "made": 0, "probes": 4, "looked_at": 0}
"""the settings that a fit of less time has less of, and the least that is left of each"""


@dataclass(frozen=True)
class Pace:
    """Seconds that this machine takes for one each of what `Work` counts."""

    face: float
    decoded: float
    product: float

    def seconds(self, work: Work) -> float:
        return self.face * work.faces + self.decoded * work.decoded + self.product * work.products


def clocked(subject: Subject) -> Pace:
    """How fast this machine is at fitting to `subject`: a second or two."""
    subject.encode(subject.source.plausible(subject.seed, 0, WARM))
    face, latents = _seconds(lambda: subject.encode(subject.source.plausible(subject.seed, 1, TRIED)))
    decoded, _ = _seconds(lambda: subject.decode(latents))
    size = latents.shape[1]
    network = latentnet.LatentNetwork(size, WIDTH, 1, 1).to(device())
    some, kinds = torch.randn(BATCH, size, device=device()), torch.zeros(BATCH, dtype=torch.long, device=device())
    t = torch.rand(BATCH, 1, device=device())
    step, _ = _seconds(lambda: latentnet.fit_network(network, STEPS, lambda: network(some, kinds, t).square().mean()))
    tried = len(latents)
    return Pace(face / tried, decoded / tried, step / latentnet.products(STEPS, BATCH, WIDTH, 1, 2 * size))


class Stages:
    """Fits one after another, and how far they are, at this machine's pace."""

    def __init__(self, subject: Subject, names: Sequence[str], report: Report) -> None:
        """`report` is told what is being done, and what share of all was done."""
        self._pace, self._report = clocked(subject), report
        work = whole(subject.config, subject.source, names)
        self._seconds = {name: self._pace.seconds(work[name]) for name in names}
        self._what, self._before, self._now = "", 0.0, 0.0
        encode, decode = (self._counted(*of) for of in ((subject.encode, Work(1)), (subject.decode, Work(decoded=1))))
        self.subject = replace(subject, encode=encode, decode=decode, worked=self._worked)

    def fit(self, name: str) -> Fitted:
        seconds = self._seconds[name]
        self._what, self._now = f"fitting: {name}" + (f", about {seconds:.0f} s" if seconds >= 1 else ""), 0.0
        if seconds:
            self._worked(Work())
        fitted = named(name).fit(self.subject)
        self._before += seconds
        return fitted

    def _worked(self, work: Work) -> None:
        self._now += self._pace.seconds(work)
        done, everything = self._before + self._now, sum(self._seconds.values())
        self._report(self._what, min(1.0, done / max(everything, 1e-9)))

    def _counted(self, act: Callable[[Rows], Made], each: Work) -> Callable[[Rows], Made]:
        """The same for any number of rows, some at a time, which are told."""

        def counted(rows: Rows) -> Made:
            made = []
            for start in range(0, max(1, len(rows)), SOME):
                some = rows[start : start + SOME]
                made.append(act(some))
                self._worked(Work(each.faces * len(some), each.decoded * len(some)))
            return cast(Made, np.concatenate(made))

        return counted


def whole(config: Config, source: Source, names: Sequence[str]) -> dict[str, Work]:
    """What each of the fits `names` has to do."""
    return {name: named(name).work(config, source) for name in names}


def within(config: Config, source: Source, names: Sequence[str], pace: Pace, seconds: float) -> Config:
    """The configuration, with less to do for the fits `names` where they would take longer than so many seconds; where
    the least of everything takes longer, with that."""

    def cost(share: float) -> float:
        work = whole(_shared(config, names, share), source, names).values()
        return sum(map(pace.seconds, work))

    if cost(1.0) <= seconds:
        return config
    least, most = 0.0, 1.0
    for _ in range(12):  # of what may be a thousandth, halved so often
        middle = (least + most) / 2
        least, most = (middle, most) if cost(middle) <= seconds else (least, middle)
    return _shared(config, names, least)


def share_out(run: Run, spent: float) -> tuple[float, float]:
    """Give a part of a run's minutes, of which `spent` seconds are over, to what is fitted after it: a quarter at most,
    with less to do where that would take longer. -> seconds of training, and of fitting."""
    assert run.progress.minutes
    network = run.averaged()
    subject = Subject(run.config, partial(encode, network), partial(decode, network), run.source, run.seed)
    pace, seconds = clocked(subject), run.progress.minutes * 60
    run.config = within(run.config, run.source, FITS, pace, SHARE * seconds - WRITING)
    fitting = WRITING + sum(map(pace.seconds, whole(run.config, run.source, FITS).values()))
    training = max(seconds - spent - fitting, seconds / 2)
    run.progress.minutes = training / 60
    return training, fitting


def _shared(config: Config, names: Sequence[str], share: float) -> Config:
    """With that share of the faces and steps of `names`."""
    changes: dict[str, int] = {}
    for name in names:
        settings: FitSettings = getattr(config, name)
        for field, least in SCALED.items():
            value = getattr(settings, field, 0)
            if value > least and name != "gallery":  # which has all faces that can be named
                changes[f"{name}.{field}"] = max(least, round(share * value))
    return changed(config, **changes)


def _seconds(act: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    done = act()
    return time.perf_counter() - began, done
