"""Fit the prior to the latents of a trained network: PCA, then a Gaussian mixture chosen by held-out likelihood.

A density fitted after training draws better faces than N(0, I), which the posteriors never quite fill (Ghosh et
al., "From Variational to Deterministic Autoencoders", ICLR 2020)."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from minifaces.attributes import ATTRIBUTES

Floats = NDArray[np.float32]
COMPONENTS = (1, 2, 4, 8, 16, 32)
KEPT = 0.995  # share of the variance that the mixture's coordinates hold ...
MOST = 64  # ... in at most so many dimensions
FACES_A_PARAMETER = 0.05  # fewer faces than this for each of a mixture's parameters, and it is not tried


@dataclass(frozen=True)
class FittedPrior:
    """`tensors` as prior.safetensors wants them; `log_likelihoods`: components -> held-out nats a dimension."""

    tensors: dict[str, Floats]
    log_likelihoods: dict[int, float]


def fit(latents: Floats, held_out: Floats, seed: int = 0) -> FittedPrior:
    """Fit to `latents` (n, d); choose the number of components on `held_out` (m, d), of unseen designs."""
    mean = latents.mean(0)
    _, singular, rows = np.linalg.svd(latents - mean, full_matrices=False)
    share = np.cumsum(singular**2) / max((singular**2).sum(), 1e-12)
    size = max(1, min(MOST, len(latents) // 4, int(np.searchsorted(share, KEPT)) + 1, len(rows)))
    basis = rows[:size]
    inside, outside = ((z - mean) @ basis.T for z in (latents, held_out))
    residual = (latents - mean - inside @ basis).std(0)
    floor = max(1e-6, 1e-3 * float(inside.var(0).mean()))  # keeps a component from closing in on one face
    mixtures, scores = {}, {}
    for count in COMPONENTS:
        parameters = count * size * (size + 3) / 2
        if count > 1 and len(latents) < max(count, FACES_A_PARAMETER * parameters):
            break
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # forty rounds are near enough
            mixture = GaussianMixture(
                count, reg_covar=floor, max_iter=40, tol=1e-2, random_state=seed, init_params="k-means++"
            )
            mixtures[count] = mixture.fit(inside)
        scores[count] = float(mixture.score(outside)) / size
    best = mixtures[max(scores, key=lambda c: scores[c])]
    threshold = np.percentile(best.score_samples(outside) / size, 1)
    tensors = {
        "mean": mean,
        "basis": basis,
        "residual": residual,
        "weights": best.weights_ / best.weights_.sum(),
        "means": best.means_,
        "cholesky": np.linalg.cholesky(best.covariances_),
        "threshold": np.array([threshold]),
    }
    return FittedPrior({k: np.ascontiguousarray(v, np.float32) for k, v in tensors.items()}, scores)


def directions(latents: Floats, known: dict[str, NDArray[np.float64]], ridge: float = 1.0) -> dict[str, Floats]:
    """The latent step that changes one thing and leaves the other known things alone: name -> (d,).

    `known` name -> (n,) values, NaN where unknown. For each name the latents are regressed (ridge) on it and on all
    that can go with it, so that what goes together in the data (a beard and bushy brows, a turn and a light) is told
    apart; things that never go with it (anger and a smile) must be free to change, and so must what is nearly the same
    thing (`Attribute.entwined`). Unknown values count as the mean.
    Of an attribute (only 0 and 1 known), a step of 1 goes from the mean face without to one standard deviation past
    the mean face with it, so that it shows on any face: the mean of many different smiles is a faint one. Of a
    measure, such as a turn, it is the mean step for a change by 1. Names with less than 8 faces on a side are left
    out."""
    names = [name for name, v in known.items() if min(np.sum(v > 0.5), np.sum(v <= 0.5)) >= 8]
    if not names:
        return {}
    x = np.stack([np.nan_to_num(known[name] - np.nanmean(known[name])) for name in names], 1)
    present = np.stack([known[name] > 0.5 for name in names], 1)
    together = present.T.astype(int) @ present.astype(int)
    centred = latents - latents.mean(0)
    steps = {}
    for i, name in enumerate(names):
        free = ATTRIBUTES[name].entwined if name in ATTRIBUTES else ()
        chosen = np.array([j for j in np.flatnonzero(together[i] > 0) if names[j] not in free])
        slopes = np.linalg.solve(x[:, chosen].T @ x[:, chosen] + ridge * np.eye(len(chosen)), x[:, chosen].T @ centred)
        slope = slopes[int(np.searchsorted(chosen, i))]
        values = known[name][np.isfinite(known[name])]
        if np.isin(values, (0, 1)).all():
            length = max(float(np.linalg.norm(slope)), 1e-9)
            slope *= 1 + float((centred @ (slope / length)).std()) / length
        steps[name] = slope.astype(np.float32)
    return steps
