"""The flow prior at run time, numpy alone: noise is carried to latents by integrating a learned velocity.

    flow = Flow.load("model/flow.safetensors")
    latents = flow.sample(25, seed=7)

Rectified flow (Liu et al. 2023) that knows kinds of faces, clusters of the latents it was fitted to (Bao, Li, Sun, Zhu
and Zhang, "Why are conditional generative models better than unconditional ones?", 2022). With x a standardised latent,
k its kind and t the time, the velocity is that of a `minifaces.studio.latentnet`, followed by the midpoint rule from
t = 0 (noise) to 1. The last of the kinds stands for any: what sets a kind apart from it is exaggerated (classifier-free
guidance, Ho and Salimans 2022). Then noise is mixed in and carried away again a few times, without exaggerating, which
mends errors made before (Xu, Deng, Cheng, Tian, Liu and Jaakkola, "Restart sampling for improving generative
processes", NeurIPS 2023). All in double precision."""

import os
from dataclasses import dataclass

import numpy as np

from minifaces.studio.generator import choices, normals
from minifaces.studio.latentnet import Array, Kinds, LatentNetwork, read

STEPS, GUIDANCE = 10, 1.8
RESTARTS, RESTART_AT, RESTART_STEPS = 3, 0.6, 5
KIND_STREAM, RESTART_STREAM = 3, 4
"""of the generator: the choice of kinds, and the noise of the first restart (of further ones the streams after it)"""
_CHUNK = 256  # faces carried at a time: a few megabytes


@dataclass(frozen=True, eq=False)
class Flow:
    """`mean`, `scale` (d,) of the latents; `shares` (k,) of the kinds, of sum 1; `velocity` knows k + 1 kinds, any kind
    last. All float64."""

    mean: Array
    scale: Array
    shares: Array
    velocity: LatentNetwork

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Flow":
        """Read flow.safetensors; UsageError where it is missing, damaged or no such network."""
        return read(path, cls.of, "a flow")

    @classmethod
    def of(cls, tensors: dict[str, Array]) -> "Flow":
        """A flow of all its tensors by name; KeyError, ValueError or IndexError where they make none."""
        layers = dict(tensors)
        mean, scale, shares, kinds = (layers.pop(name) for name in ("mean", "scale", "shares", "kinds"))
        if len(kinds) != len(shares) + 1 or (shares <= 0).any():
            raise ValueError("its kinds and their shares do not fit")
        flow = cls(mean, scale, shares / shares.sum(), LatentNetwork(kinds, layers))
        flow.velocity(np.zeros((1, len(mean))), np.zeros(1, np.intp), 0.5)  # its layers fit one another
        return flow

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
            return self.velocity(x, kinds, t)
        either = np.concatenate([kinds, np.full(len(x), len(self.shares))])
        own, any_kind = np.split(self.velocity(np.concatenate([x, x]), either, t), 2)
        guided: Array = any_kind + guidance * (own - any_kind)
        return guided
