"""The flow prior at run time, numpy alone: noise is carried to latents by integrating a learned velocity.

    flow = Flow.load("model/flow.safetensors")
    latents = flow.sample(25, seed=7)

Rectified flow (Liu et al. 2023), conditional on clusters of the latents it was fitted to (Bao, Li, Sun, Zhu and Zhang,
"Why are conditional generative models better than unconditional ones?", 2022). With x a standardised latent, k its
cluster and t the time, the velocity is that of a `minifaces.studio.latentnet`, followed by the midpoint rule from t = 0
(noise) to 1. One cluster more, the last, stands for any: what sets a cluster apart from it is exaggerated
(classifier-free guidance, Ho and Salimans 2022). All in double precision."""

import os
from dataclasses import dataclass

import numpy as np

from minifaces.arrays import Doubles
from minifaces.studio.generator import choices, normals
from minifaces.studio.latentnet import Kinds, LatentNetwork, network_of, read

STEPS, GUIDANCE = 4, 1.8
CLUSTER_STREAM = 3
"""of the generator: the choice of clusters"""
_CHUNK = 256  # faces carried at a time: a few megabytes


@dataclass(frozen=True, eq=False)
class Flow:
    """`mean`, `scale` (d,) of the latents; `weights` (k,) of the clusters, of sum 1; `velocity` knows k + 1 clusters,
    any of them last. All float64."""

    mean: Doubles
    scale: Doubles
    weights: Doubles
    velocity: LatentNetwork

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Flow":
        """Read flow.safetensors; UsageError where it is missing, damaged or no such network."""
        return read(path, cls.of, "a flow")

    @classmethod
    def of(cls, tensors: dict[str, Doubles]) -> "Flow":
        """A flow of all its tensors by name; KeyError, ValueError or IndexError where they make none."""
        layers = dict(tensors)
        mean, scale, weights, clusters = (layers.pop(name) for name in ("mean", "scale", "shares", "kinds"))
        velocity = network_of(clusters, layers, mean, scale)
        if weights.shape != (len(clusters) - 1,) or (weights <= 0).any():
            raise ValueError("its kinds and their shares do not fit")
        return cls(mean, scale, weights / weights.sum(), velocity)

    @property
    def size(self) -> int:
        """d, the length of a latent."""
        return len(self.mean)

    def sample(self, n: int, seed: int, temperature: float = 1.0) -> Doubles:
        """Draw (n, d) latents; `temperature` scales all noise."""
        clusters = choices(self.weights, seed, n, CLUSTER_STREAM)
        noise = temperature * normals(seed, n, self.size)
        chunks = [slice(i, i + _CHUNK) for i in range(0, n, _CHUNK)]
        x = np.concatenate([self._carry(noise[few], clusters[few]) for few in chunks])
        latents: Doubles = self.mean + self.scale * x
        return latents

    def _carry(self, x: Doubles, clusters: Kinds) -> Doubles:
        for i in range(STEPS):
            half: Doubles = x + self._guided(x, clusters, i / STEPS) * (0.5 / STEPS)
            x = x + self._guided(half, clusters, (i + 0.5) / STEPS) / STEPS
        return x

    def _guided(self, x: Doubles, clusters: Kinds, t: float) -> Doubles:
        either = np.concatenate([clusters, np.full(len(x), len(self.weights))])
        own, unconditional = np.split(self.velocity(np.concatenate([x, x]), either, t), 2)
        guided: Doubles = unconditional + GUIDANCE * (own - unconditional)
        return guided
