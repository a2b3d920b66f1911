"""The one shape of a fit. A fit is a module of this room that bears the name of its settings in the configuration:

    FILES = ("flow.safetensors",)                   # what it writes in the model folder
    def work(config, source) -> Work: ...           # what it has to do, so that it is known how long it takes
    def fit(subject: Subject) -> Fitted: ...        # settings are subject.config.flow

`FITS` names them all, in the order in which they are fitted; export and `train --refit` go through that list, so that a
new fit is a new module and its settings (CONTRIBUTING.md)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from minifaces.arrays import Latents, Pixels
from minifaces.vae.config import Config
from minifaces.vae.training_data import Source

ROUND = 1000  # faces encoded at a time


@dataclass(frozen=True)
class Work:
    """What fitting has to do: `faces` made or read, and encoded; `decoded` faces; and the multiply-accumulates of small
    networks that learn, `products`."""

    faces: float = 0.0
    decoded: float = 0.0
    products: float = 0.0


@dataclass(frozen=True, eq=False)
class Subject:
    """What is fitted to: a trained encoder, and where the faces come from that it reads."""

    config: Config
    encode: Callable[[Pixels], Latents]
    """posterior means (n, d) of faces (n, H, W, 3)"""
    decode: Callable[[Latents], Pixels]
    """faces (n, H, W, 3) of latents (n, d)"""
    source: Source
    seed: int
    worked: Callable[[Work], None] = lambda _: None
    """is told what was done"""
    _rounds: list[Latents] = field(default_factory=list, init=False, repr=False)

    def learning(self, products: float) -> Callable[[float], None]:
        """What a small network that takes so many `products` to learn tells how much of that is done, 0 to 1."""
        told = 0.0

        def learnt(share: float) -> None:
            nonlocal told
            self.worked(Work(products=(share - told) * products))
            told = share

        return learnt

    def latents(self, count: int) -> Latents:
        """Latents (n, d) of `count` faces as they should be drawn, the same for each fit that asks.

        Of a data set each face comes once: repeated ones would be taken for evidence, and learnt by heart."""
        count = max(2, int(min(count, self.source.faces)))
        for number in range(math.ceil(count / ROUND)):
            wanted = min(ROUND, count - number * ROUND)
            if number < len(self._rounds) and len(self._rounds[number]) >= wanted:
                continue
            faces = self.source.plausible(self.seed + 7, number, ROUND)[:wanted]
            self._rounds[number:] = [self.encode(faces)]
        return np.concatenate(self._rounds)[:count]


@dataclass(frozen=True)
class Fitted:
    """`files`: contents by name, for the model folder; none where there was nothing to fit. `facts`: what config.json
    should tell of it."""

    files: dict[str, bytes]
    facts: dict[str, Any] = field(default_factory=dict)


class Fit(Protocol):
    """What each module of `FITS` has."""

    FILES: tuple[str, ...]
    """the files that it may make"""

    def work(self, config: Config, source: Source) -> Work:
        """What there is to do, about."""
        ...

    def fit(self, subject: Subject) -> Fitted:
        """Fit as the settings say."""
        ...


def named(name: str) -> Fit:
    """The fit of a name in `minifaces.vae.config.FITS`."""
    return cast(Fit, import_module(f"minifaces.fits.{name}"))


def tensor_file(tensors: dict[str, NDArray[Any]]) -> bytes:
    """Tensors as a .safetensors file, which takes bytes in the order that they lie in."""
    return bytes(save({name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}))
