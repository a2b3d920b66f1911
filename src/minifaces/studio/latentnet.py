"""A small network from latents to latents that knows a kind and a time, numpy alone: flows and editors are made of it.

With x (n, d), k the kind of each and e(t) = [t, sin(w t), cos(w t)]:
    h = enter [x, e] + kinds k;   h += contract(silu(expand [layernorm(h), e])) for each block;   answer = leave(h)
in double precision, so that the order in which a machine or a language adds things up does not show in what is rounded
afterwards."""

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
class LatentNetwork:
    """`kinds` (k, width); `layers`: the network's other tensors by name. All float64."""

    kinds: Doubles
    layers: dict[str, Doubles]

    def __call__(self, x: Doubles, kinds: Kinds, t: float) -> Doubles:
        """(n, d) and the kind of each, (n,), -> (n, d); KeyError, ValueError or IndexError where layers do not fit."""
        angles = t * np.array(FREQUENCIES)
        time = np.concatenate([[t], np.sin(angles), np.cos(angles)])
        times = np.broadcast_to(time, (len(x), len(time)))
        hidden = self._linear("enter", np.concatenate([x, times], 1)) + self.kinds[kinds]
        for block in range(sum(name.startswith("contract.") for name in self.layers) // 2):
            wide = self._linear(f"expand.{block}", np.concatenate([self._norm(block, hidden), times], 1))
            hidden = hidden + self._linear(f"contract.{block}", wide / (1 + np.exp(-wide)))
        return self._linear("leave", hidden)

    def _linear(self, name: str, x: Doubles) -> Doubles:
        result: Doubles = x @ self.layers[f"{name}.weight"].T + self.layers[f"{name}.bias"]
        return result

    def _norm(self, block: int, x: Doubles) -> Doubles:
        centred = x - x.mean(1, keepdims=True)
        normal = centred / np.sqrt(centred.var(1, keepdims=True) + 1e-5)
        result: Doubles = normal * self.layers[f"norms.{block}.weight"] + self.layers[f"norms.{block}.bias"]
        return result


def network_of(kinds: Doubles, layers: dict[str, Doubles], mean: Doubles, scale: Doubles) -> LatentNetwork:
    """The network of these tensors, for latents that `mean` and `scale` (d,) make standard.

    KeyError, ValueError or IndexError where they do not fit one another."""
    if mean.ndim != 1 or mean.shape != scale.shape:
        raise ValueError(f"mean and scale have the shapes {mean.shape} and {scale.shape}")
    if kinds.ndim != 2:
        raise ValueError(f"kinds has the shape {kinds.shape}")
    network = LatentNetwork(kinds, layers)
    tried = network(np.zeros((1, len(mean))), np.zeros(1, np.intp), 0.5)
    if tried.shape != (1, len(mean)):
        raise ValueError(f"of latents of {len(mean)} its network makes {tried.shape}")
    return network


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
