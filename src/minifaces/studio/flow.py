"""The flow prior at run time, numpy alone: noise is carried to latents by integrating a learned velocity.

    flow = Flow.load("model/flow.safetensors")
    latents = flow.sample(25, seed=7)

Rectified flow (Liu et al. 2023). With x a standardised latent and e(t) = [t, sin(w t), cos(w t)]:
    h = enter [x, e];   h += contract(silu(expand [layernorm(h), e])) for each block;   velocity = leave(h)
and the midpoint rule from t = 0 (noise) to 1. All in double precision, so that the order in which a machine
or a language adds things up does not show in latents that are rounded afterwards."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minifaces.errors import UsageError
from minifaces.studio.folder import read_tensors
from minifaces.studio.generator import normals

Array = NDArray[np.float64]
FREQUENCIES = tuple(0.3 * 2.0**k for k in range(10))
STEPS = 24
_CHUNK = 256  # faces carried at a time: a few megabytes


@dataclass(frozen=True, eq=False)
class Flow:
    """`mean`, `scale` (d,) of the latents; `layers`: the network's tensors by name. All float64."""

    mean: Array
    scale: Array
    layers: dict[str, Array]

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Flow":
        """Read flow.safetensors; UsageError where it is missing, damaged or no such network."""
        tensors = read_tensors(path)
        layers = {name: _coarse(value) if value.ndim == 2 else value.astype(float) for name, value in tensors.items()}
        try:
            flow = cls(layers.pop("mean"), layers.pop("scale"), layers)
            flow.sample(1, seed=0)
        except (KeyError, ValueError, IndexError) as error:
            raise UsageError(f"{Path(path)} is damaged: it is not a flow ({error})") from None
        return flow

    def sample(self, n: int, seed: int, temperature: float = 1.0) -> Array:
        """Draw (n, d) latents; `temperature` scales the noise that they start from."""
        noise = temperature * normals(seed, n, len(self.mean))
        carried = [self._carry(noise[i : i + _CHUNK]) for i in range(0, n, _CHUNK)]
        latents: Array = self.mean + self.scale * np.concatenate(carried)
        return latents

    def _carry(self, x: Array) -> Array:
        for step in range(STEPS):
            t = step / STEPS
            half: Array = x + self._velocity(x, t) * (0.5 / STEPS)
            x = x + self._velocity(half, t + 0.5 / STEPS) * (1 / STEPS)
        return x

    def _velocity(self, x: Array, t: float) -> Array:
        angles = t * np.array(FREQUENCIES)
        time = np.concatenate([[t], np.sin(angles), np.cos(angles)])
        times = np.broadcast_to(time, (len(x), len(time)))
        hidden = self._linear("enter", np.concatenate([x, times], 1))
        for block in range(sum(name.startswith("contract.") for name in self.layers) // 2):
            wide = self._linear(f"expand.{block}", np.concatenate([self._norm(block, hidden), times], 1))
            hidden = hidden + self._linear(f"contract.{block}", wide / (1 + np.exp(-wide)))
        return self._linear("leave", hidden)

    def _linear(self, name: str, x: Array) -> Array:
        result: Array = x @ self.layers[f"{name}.weight"].T + self.layers[f"{name}.bias"]
        return result

    def _norm(self, block: int, x: Array) -> Array:
        centred = x - x.mean(1, keepdims=True)
        normal = centred / np.sqrt(centred.var(1, keepdims=True) + 1e-5)
        result: Array = normal * self.layers[f"norms.{block}.weight"] + self.layers[f"norms.{block}.bias"]
        return result


def bytes_of(weight: NDArray[np.floating]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A matrix (r, c) as whole numbers from -127 to 127 and each row's unit: (r, c), (r,).

    The flow's matrices are used like this, here and in the explorer, for which they would be too large
    otherwise: both draw the same faces."""
    units = (np.abs(weight).max(axis=1) / np.float32(127)).astype(np.float32)
    safe = np.where(units > 0, units, 1).astype(np.float64)
    return np.rint(weight / safe[:, None]).astype(np.int8), units


def _coarse(weight: NDArray[np.floating]) -> Array:
    numbers, units = bytes_of(weight)
    return numbers * units.astype(np.float64)[:, None]
