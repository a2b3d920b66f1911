"""The flow prior at run time, numpy alone: noise is carried to latents by integrating a learned velocity.

    flow = Flow.load("model/flow.safetensors")
    latents = flow.sample(25, seed=7)

Rectified flow (Liu et al. 2023) that knows kinds of faces, clusters of the latents it was fitted to (Bao, Li, Sun, Zhu
and Zhang, "Why are conditional generative models better than unconditional ones?", 2022). With x a standardised latent,
k its kind and e(t) = [t, sin(w t), cos(w t)]:
    h = enter [x, e] + kinds k;   h += contract(silu(expand [layernorm(h), e])) for each block;   velocity = leave(h)
and the midpoint rule from t = 0 (noise) to 1. The last of the kinds stands for any: what sets a kind apart from it is
exaggerated (classifier-free guidance, Ho and Salimans 2022). Then noise is mixed in and carried away again a few times,
without exaggerating, which mends errors made before (Xu, Deng, Cheng, Tian, Liu and Jaakkola, "Restart sampling for
improving generative processes", NeurIPS 2023). All in double precision, so that the order in which a machine or a
language adds things up does not show in latents that are rounded afterwards."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minifaces.errors import UsageError
from minifaces.studio.folder import read_tensors
from minifaces.studio.generator import choices, normals

Array = NDArray[np.float64]
Kinds = NDArray[np.intp]
FREQUENCIES = tuple(0.3 * 2.0**k for k in range(10))
STEPS, GUIDANCE = 10, 1.8
RESTARTS, RESTART_AT, RESTART_STEPS = 3, 0.6, 5
KIND_STREAM, RESTART_STREAM = 3, 4
"""of the generator: the choice of kinds, and the noise of the first restart (of further ones the streams after it)"""
_CHUNK = 256  # faces carried at a time: a few megabytes


@dataclass(frozen=True, eq=False)
class Flow:
    """`mean`, `scale` (d,) of the latents; `shares` (k,) of the kinds, of sum 1; `kinds` (k + 1, width), any kind last;
    `layers`: the network's other tensors by name. All float64."""

    mean: Array
    scale: Array
    shares: Array
    kinds: Array
    layers: dict[str, Array]

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Flow":
        """Read flow.safetensors; UsageError where it is missing, damaged or no such network."""
        tensors = read_tensors(path, whole=True)
        try:
            flow = cls.of(whole(tensors))
            flow._velocity(np.zeros((1, len(flow.mean))), np.zeros(1, np.intp), 0.5)  # its layers fit one another
        except (KeyError, ValueError, IndexError) as error:
            raise UsageError(f"{Path(path)} is damaged: it is not a flow ({error})") from None
        return flow

    @classmethod
    def of(cls, tensors: dict[str, Array]) -> "Flow":
        """A flow of all its tensors by name; KeyError or ValueError where they make none."""
        layers = dict(tensors)
        mean, scale, shares, kinds = (layers.pop(name) for name in ("mean", "scale", "shares", "kinds"))
        if len(kinds) != len(shares) + 1 or (shares <= 0).any():
            raise ValueError("its kinds and their shares do not fit")
        return cls(mean, scale, shares / shares.sum(), kinds, layers)

    def sample(self, n: int, seed: int, temperature: float = 1.0) -> Array:
        """Draw (n, d) latents; `temperature` scales all noise."""
        kinds = choices(self.shares, seed, n, KIND_STREAM)

        def noise(stream: int) -> Array:
            return temperature * normals(seed, n, len(self.mean), stream)

        x = self._carry(noise(0), kinds, 0.0, STEPS, GUIDANCE)
        for i in range(RESTARTS):
            mixed = RESTART_AT * x + (1 - RESTART_AT) * noise(RESTART_STREAM + i)
            x = self._carry(mixed, kinds, RESTART_AT, RESTART_STEPS)
        latents: Array = self.mean + self.scale * x
        return latents

    def _carry(self, x: Array, kinds: Kinds, start: float, steps: int, guidance: float = 1.0) -> Array:
        """From the time `start` to 1, a few rows at a time."""
        chunks = [slice(i, i + _CHUNK) for i in range(0, len(x), _CHUNK)]
        return np.concatenate([self._carry_few(x[few], kinds[few], start, steps, guidance) for few in chunks])

    def _carry_few(self, x: Array, kinds: Kinds, start: float, steps: int, guidance: float) -> Array:
        step = (1 - start) / steps
        for i in range(steps):
            t = start + i * step
            half: Array = x + self._guided(x, kinds, t, guidance) * (0.5 * step)
            x = x + self._guided(half, kinds, t + 0.5 * step, guidance) * step
        return x

    def _guided(self, x: Array, kinds: Kinds, t: float, guidance: float) -> Array:
        if guidance == 1:
            return self._velocity(x, kinds, t)
        either = np.concatenate([kinds, np.full(len(x), len(self.shares))])
        own, any_kind = np.split(self._velocity(np.concatenate([x, x]), either, t), 2)
        guided: Array = any_kind + guidance * (own - any_kind)
        return guided

    def _velocity(self, x: Array, kinds: Kinds, t: float) -> Array:
        angles = t * np.array(FREQUENCIES)
        time = np.concatenate([[t], np.sin(angles), np.cos(angles)])
        times = np.broadcast_to(time, (len(x), len(time)))
        hidden = self._linear("enter", np.concatenate([x, times], 1)) + self.kinds[kinds]
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


UNITS = ".units"


def coarse(tensors: Mapping[str, NDArray[np.floating]]) -> dict[str, NDArray[Any]]:
    """A flow's tensors as flow.safetensors holds them: vectors in float32, a matrix X (r, c) as whole numbers from -127
    to 127 (int8) and each row's unit (X.units, r)."""
    stored: dict[str, NDArray[Any]] = {}
    for name, value in tensors.items():
        if value.ndim == 2:
            stored[name], stored[name + UNITS] = bytes_of(value)
        else:
            stored[name] = value.astype(np.float32)
    return stored


def whole(stored: Mapping[str, NDArray[Any]]) -> dict[str, Array]:
    """The tensors, float64, of what `coarse` made of them."""
    tensors = {name: value.astype(float) for name, value in stored.items()}
    for name in [name for name in tensors if name.endswith(UNITS)]:
        tensors[name.removesuffix(UNITS)] *= tensors.pop(name)[:, None]
    return tensors


def bytes_of(weight: NDArray[np.floating]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A matrix (r, c) as whole numbers from -127 to 127 and each row's unit: (r, c), (r,)."""
    units = (np.abs(weight).max(axis=1) / np.float32(127)).astype(np.float32)
    safe = np.where(units > 0, units, 1).astype(np.float64)
    return np.rint(weight / safe[:, None]).astype(np.int8), units
