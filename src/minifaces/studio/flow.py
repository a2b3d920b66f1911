"""The flow prior at run time, numpy alone: noise is carried to latents by integrating a learned velocity.

    flow = Flow.load("model/flow.safetensors")
    latents = flow.sample(25, np.random.default_rng(7))

Rectified flow (Liu et al. 2023). With x a standardised latent and e(t) = [t, sin(w t), cos(w t)]:
    h = enter [x, e];   h += contract(silu(expand [layernorm(h), e])) for each block;   velocity = leave(h)
and the midpoint rule from t = 0 (noise) to 1."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minifaces.errors import UsageError
from minifaces.studio.folder import read_tensors

Floats = NDArray[np.float32]
FREQUENCIES = tuple(0.3 * 2.0**k for k in range(10))
STEPS = 24
CHUNK = 32


@dataclass(frozen=True, eq=False)
class Flow:
    """`mean`, `scale` (d,) of the latents; `layers`: the network's tensors by name, float32."""

    mean: Floats
    scale: Floats
    layers: dict[str, Floats]

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Flow":
        """Read flow.safetensors; UsageError where it is missing, damaged or no such network."""
        layers = {name: value.astype(np.float32) for name, value in read_tensors(path).items()}
        try:
            flow = cls(layers.pop("mean"), layers.pop("scale"), layers)
            flow.sample(1, np.random.default_rng(0))
        except (KeyError, ValueError, IndexError) as error:
            raise UsageError(f"{Path(path)} is damaged: it is not a flow ({error})") from None
        return flow

    def sample(self, n: int, rng: np.random.Generator, temperature: float = 1.0) -> Floats:
        """Draw (n, d) latents; `temperature` scales the noise that they start from."""
        noise = (temperature * rng.standard_normal((n, len(self.mean)))).astype(np.float32)
        # Always in full chunks: a row's last bit depends on how many rows BLAS is given.
        padded = np.concatenate([noise, np.zeros((-n % CHUNK, len(self.mean)), np.float32)])
        carried = [self._carry(padded[i : i + CHUNK]) for i in range(0, n, CHUNK)]
        return self.mean + self.scale * np.concatenate(carried)[:n]

    def _carry(self, x: Floats) -> Floats:
        for step in range(STEPS):
            t = step / STEPS
            half: Floats = x + self._velocity(x, t) * np.float32(0.5 / STEPS)
            x = x + self._velocity(half, t + 0.5 / STEPS) * np.float32(1 / STEPS)
        return x

    def _velocity(self, x: Floats, t: float) -> Floats:
        angles = t * np.array(FREQUENCIES)
        time = np.concatenate([[t], np.sin(angles), np.cos(angles)]).astype(np.float32)
        times = np.broadcast_to(time, (len(x), len(time)))
        hidden = self._linear("enter", np.concatenate([x, times], 1))
        for block in range(sum(name.startswith("contract.") for name in self.layers) // 2):
            wide = self._linear(f"expand.{block}", np.concatenate([self._norm(block, hidden), times], 1))
            hidden = hidden + self._linear(f"contract.{block}", wide / (1 + np.exp(-wide)))
        return self._linear("leave", hidden)

    def _linear(self, name: str, x: Floats) -> Floats:
        result: Floats = x @ self.layers[f"{name}.weight"].T + self.layers[f"{name}.bias"]
        return result

    def _norm(self, block: int, x: Floats) -> Floats:
        centred = x - x.mean(1, keepdims=True)
        normal = centred / np.sqrt(centred.var(1, keepdims=True) + np.float32(1e-5))
        result: Floats = normal * self.layers[f"norms.{block}.weight"] + self.layers[f"norms.{block}.bias"]
        return result
