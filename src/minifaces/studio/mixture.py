"""A density over latents, to draw faces from and to judge them by: a Gaussian mixture of their leading directions.

    mixture = Mixture.load("model/prior.safetensors")
    latents = mixture.sample(25, seed=7)
    mixture.log_density(latents)            # (25,), compare with mixture.threshold

A density fitted after training samples better than N(0, I), whatever the training objective said: Ghosh et
al., "From Variational to Deterministic Autoencoders", ICLR 2020. Coordinates: y = (z - mean) @ basis.T, (k,)
of (d,). The mixture lives over y; what the basis leaves out is drawn as independent noise of scale
`residual`, less the part of it that the basis does hold, so that the drawn y are the mixture's own."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from minifaces.arrays import Doubles
from minifaces.checks import numbers
from minifaces.errors import UsageError
from minifaces.lazy import lazy
from minifaces.studio.folder import read_tensors
from minifaces.studio.generator import choices, normals

_AXES = {
    "mean": "d",
    "basis": "kd",
    "residual": "d",
    "weights": "c",
    "means": "ck",
    "cholesky": "ckk",
    "threshold": "1",
}


@dataclass(frozen=True, eq=False)
class Mixture:
    """A fitted density over latents (d,): c Gaussians over k leading directions, all float64."""

    mean: Doubles
    """(d,) the centre of the coordinates"""
    basis: Doubles
    """(k, d) orthonormal rows"""
    residual: Doubles
    """(d,) standard deviation of what the basis leaves out, at least 0"""
    weights: Doubles
    """(c,) positive, of sum 1"""
    means: Doubles
    """(c, k)"""
    cholesky: Doubles
    """(c, k, k) lower triangular factors of the covariances, positive diagonals"""
    threshold: float
    """the 1st percentile of held-out log-density per dimension: less is unusual for a face"""

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Mixture":
        """Read `prior.safetensors`; UsageError where it is missing, damaged or no mixture."""
        tensors = {name: value.astype(np.float64) for name, value in read_tensors(path, _AXES).items()}
        problem = _problem(tensors)
        if problem:
            raise UsageError(f"{Path(path)} is damaged: {problem}")
        weights = tensors.pop("weights")
        threshold = float(tensors.pop("threshold")[0])
        return cls(weights=weights / weights.sum(), threshold=threshold, **tensors)

    @property
    def size(self) -> int:
        """d, the length of a latent."""
        return len(self.mean)

    def sample(self, n: int, seed: int, temperature: float = 1.0) -> Doubles:
        """Draw (n, d) latents: z = mean + y @ basis + rest, rest = residual * noise.

        `temperature` (0 or more) scales the deviation from the drawn component's mean, so that 0 gives the
        components' means. The noise over y, that of the rest and the choice of components are the streams 0,
        1 and 2 of the seed."""
        component = choices(self.weights, seed, n, stream=2)
        noise = normals(seed, n, self.means.shape[1])
        deviation = np.einsum("nij,nj->ni", self.cholesky[component], noise)
        coordinates = self.means[component] + temperature * deviation
        rest = temperature * self.residual * normals(seed, n, self.size, stream=1)
        held = rest @ self.basis.T
        latents: Doubles = self.mean + (coordinates - held) @ self.basis + rest
        return latents

    def log_density(self, latents: ArrayLike) -> Doubles:
        """Natural logarithm of the mixture's density over y, divided by its k dimensions: (n, d) -> (n,).

        Dividing makes one threshold mean the same whatever k is."""
        terms, _ = self._terms(self._coordinates(latents))
        per_dimension: Doubles = _logsumexp(terms) / self.means.shape[1]
        return per_dimension

    def gradient(self, latents: ArrayLike) -> tuple[Doubles, Doubles]:
        """`log_density` and its gradient with respect to the latents: (n, d) -> (n,), (n, d).

        d log p / dy is the mean of the components' -cov^-1 (y - m), weighted by their responsibilities."""
        terms, whitened = self._terms(self._coordinates(latents))
        total = _logsumexp(terms)
        share = np.exp(terms - total[:, None])
        slope = -np.einsum("nc,cni,cij->nj", share, whitened, self._whiteners, optimize=True)
        k = self.means.shape[1]
        return total / k, slope @ self.basis / k

    def _coordinates(self, latents: ArrayLike) -> Doubles:
        points = numbers("latents", latents).astype(np.float64)
        if points.ndim != 2 or points.shape[1] != self.size:
            raise UsageError(f"latents must be (n, {self.size}), not {points.shape}")
        return (points - self.mean) @ self.basis.T

    @lazy
    def _whiteners(self) -> Doubles:
        """(c, k, k) inverses of the Cholesky factors."""
        return np.asarray(np.linalg.inv(self.cholesky), np.float64)

    def _terms(self, coordinates: Doubles) -> tuple[Doubles, Doubles]:
        """log(weight * N(y; m, cov)) per component, (n, c), and the whitened deviations, (c, n, k)."""
        k = self.means.shape[1]
        deviation = coordinates[None] - self.means[:, None]
        whitened = deviation @ self._whiteners.transpose(0, 2, 1)
        log_det = np.log(np.diagonal(self.cholesky, axis1=1, axis2=2)).sum(axis=1)
        constant = np.log(self.weights) - log_det - 0.5 * k * math.log(2 * math.pi)
        return constant - 0.5 * (whitened**2).sum(axis=2).T, whitened


def _logsumexp(terms: Doubles) -> Doubles:
    """(n, c) -> (n,), the largest taken out first so that no exponential overflows."""
    top = terms.max(axis=1)
    total: Doubles = top + np.log(np.exp(terms - top[:, None]).sum(axis=1))
    return total


def _problem(tensors: dict[str, Doubles]) -> str | None:
    """What keeps well-shaped tensors from being a mixture, if anything."""
    basis, cholesky, weights = tensors["basis"], tensors["cholesky"], tensors["weights"]
    if (weights <= 0).any() or abs(weights.sum() - 1) > 1e-3:
        return "weights are not positive numbers of sum 1"
    if (np.diagonal(cholesky, axis1=1, axis2=2) <= 0).any() or np.triu(cholesky, 1).any():
        return "cholesky is not lower triangular with a positive diagonal"
    if (tensors["residual"] < 0).any():
        return "residual is negative"
    if np.abs(basis @ basis.T - np.eye(len(basis))).max() > 1e-3:
        return "the rows of basis are not orthonormal"
    return None
