"""Small networks that make latents, numpy alone: of parts, or of latents, a kind and a time as flows and editors do.

With x (n, e), and what all layers are told, t (n, f):
    h = enter [x, t] + shift;   h += contract(silu(expand [layernorm(h), t])) for each block;   answer = leave(h)
where a network of latents is told e(t) = [t, sin(w t), cos(w t)] and shifted by its kind. All in double precision, so
that the order in which a machine or a language adds things up does not show in what is rounded afterwards."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from minifaces.arrays import Doubles, Floats
from minifaces.errors import UsageError
from minifaces.studio.folder import read_tensors

Made = TypeVar("Made")
Kinds = NDArray[np.intp]
FREQUENCIES = tuple(0.3 * 2.0**k for k in range(10))
UNITS = ".units"


@dataclass(frozen=True, eq=False)
class Layers:
    """The tensors of a network's layers by name, float64."""

    tensors: dict[str, Doubles]

    def __call__(self, x: Doubles, told: Doubles, shift: Doubles | float = 0.0) -> Doubles:
        """(n, e), what all layers are told (n, f) and what is added to the first's answer, (n, width) -> (n, d);
        KeyError, ValueError or IndexError where layers do not fit."""
        hidden = self._linear("enter", np.concatenate([x, told], 1)) + shift
        for block in range(sum(name.startswith("contract.") for name in self.tensors) // 2):
            wide = self._linear(f"expand.{block}", np.concatenate([self._norm(block, hidden), told], 1))
            hidden = hidden + self._linear(f"contract.{block}", wide / (1 + np.exp(-wide)))
        return self._linear("leave", hidden)

    def _linear(self, name: str, x: Doubles) -> Doubles:
        result: Doubles = x @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]
        return result

    def _norm(self, block: int, x: Doubles) -> Doubles:
        centred = x - x.mean(1, keepdims=True)
        normal = centred / np.sqrt(centred.var(1, keepdims=True) + 1e-5)
        result: Doubles = normal * self.tensors[f"norms.{block}.weight"] + self.tensors[f"norms.{block}.bias"]
        return result

    def check(self, inputs: int, told: int, mean: Doubles, scale: Doubles) -> None:
        """KeyError, ValueError or IndexError where they make no network of (n, inputs), told (n, told), for latents
        that `mean` and `scale` (d,) make standard."""
        if mean.ndim != 1 or mean.shape != scale.shape:
            raise ValueError(f"mean and scale have the shapes {mean.shape} and {scale.shape}")
        tried = self(np.zeros((1, inputs)), np.zeros((1, told)))
        if tried.shape != (1, len(mean)):
            raise ValueError(f"of latents of {len(mean)} its network makes {tried.shape}")


@dataclass(frozen=True, eq=False)
class LatentNetwork:
    """A network of latents that knows kinds, `kinds` (k, width), and a time."""

    kinds: Doubles
    layers: Layers

    def __call__(self, x: Doubles, kinds: Kinds, t: float) -> Doubles:
        """(n, d) and the kind of each, (n,), -> (n, d)."""
        angles = t * np.array(FREQUENCIES)
        time = np.concatenate([[t], np.sin(angles), np.cos(angles)])
        return self.layers(x, np.broadcast_to(time, (len(x), len(time))), self.kinds[kinds])


def network_of(kinds: Doubles, layers: dict[str, Doubles], mean: Doubles, scale: Doubles) -> LatentNetwork:
    """The network of these tensors, for latents that `mean` and `scale` (d,) make standard.

    KeyError, ValueError or IndexError where they do not fit one another."""
    if kinds.ndim != 2:
        raise ValueError(f"kinds has the shape {kinds.shape}")
    network = Layers(layers)
    network.check(mean.size, 1 + 2 * len(FREQUENCIES), mean, scale)
    if kinds.shape[1] != len(layers["enter.bias"]):
        raise ValueError(f"kinds has the shape {kinds.shape}")
    return LatentNetwork(kinds, network)


def coarse(tensors: Mapping[str, NDArray[np.floating]]) -> dict[str, NDArray[Any]]:
    """Tensors as files hold them: vectors in float32, a matrix X (r, c) as whole numbers from -127 to 127 (int8) and
    each row's unit (X.units, r)."""
    stored: dict[str, NDArray[Any]] = {}
    for name, value in tensors.items():
        if value.ndim == 2:
            stored[name], stored[name + UNITS] = bytes_of(value)
        else:
            stored[name] = value.astype(np.float32)
    return stored


def whole(stored: Mapping[str, NDArray[Any]]) -> dict[str, Doubles]:
    """The tensors, float64, of what `coarse` made of them."""
    tensors = {name: value.astype(float) for name, value in stored.items()}
    for name in [name for name in tensors if name.endswith(UNITS)]:
        tensors[name.removesuffix(UNITS)] *= tensors.pop(name)[:, None]
    return tensors


def read(path: str | os.PathLike[str], make: Callable[[dict[str, Doubles]], Made], what: str) -> Made:
    """What `make` makes of a file's tensors; UsageError where the file is missing, damaged or not `what`."""
    tensors = read_tensors(path, whole=True)
    try:
        return make(whole(tensors))
    except (KeyError, ValueError, IndexError) as error:
        raise UsageError(f"{Path(path)} is damaged: it is not {what} ({error})") from None


def bytes_of(weight: NDArray[np.floating], most: int = 127) -> tuple[NDArray[np.int8], Floats]:
    """A matrix (r, c) as whole numbers from -`most` to `most` and each row's unit: (r, c), (r,)."""
    units = (np.abs(weight).max(axis=1) / np.float32(most)).astype(np.float32)
    safe = np.where(units > 0, units, 1).astype(np.float64)
    return np.rint(weight / safe[:, None]).astype(np.int8), units
