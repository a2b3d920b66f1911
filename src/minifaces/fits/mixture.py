"""Fit the mixture to the latents of a trained network: PCA, then Gaussians whose number held-out likelihood chooses.

A density fitted after training draws better faces than N(0, I), which the posteriors never quite fill (Ghosh et
al., "From Variational to Deterministic Autoencoders", ICLR 2020)."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from minifaces.arrays import Floats
from minifaces.fits.shape import Fitted, Subject, Work, tensor_file
from minifaces.studio.folder import MIXTURE
from minifaces.vae.config import Config
from minifaces.vae.training_data import Source

FILES = (MIXTURE,)
COMPONENTS = (1, 2, 4, 8, 16, 32)
KEPT = 0.995  # share of the variance that the mixture's coordinates hold ...
MOST = 64  # ... in at most so many dimensions
FACES_A_PARAMETER = 0.05  # fewer faces than this for each of a mixture's parameters, and it is not tried


ROUNDS = 40  # of expectation and maximisation at most: they are near enough


def work(config: Config, source: Source) -> Work:
    """Faces to encode, and rounds over them."""
    faces = min(config.mixture.faces, source.faces)
    return Work(faces + config.mixture.held_out, products=ROUNDS * sum(COMPONENTS) * faces * MOST**2)


def fit(subject: Subject) -> Fitted:
    """Fit to faces of the training designs; faces of unseen ones choose the number of Gaussians."""
    settings = subject.config.mixture
    held_out = subject.encode(subject.source.held_out(settings.held_out).faces)
    tensors, log_likelihoods = fit_mixture(subject.latents(settings.faces), held_out)
    return Fitted({MIXTURE: tensor_file(tensors)}, {"prior_log_likelihoods": log_likelihoods})


def fit_mixture(latents: Floats, held_out: Floats, seed: int = 0) -> tuple[dict[str, Floats], dict[int, float]]:
    """Fit to `latents` (n, d); choose the number of components on `held_out` (m, d).

    -> the tensors of the mixture's file, and held-out nats a dimension by the number of components."""
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
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture = GaussianMixture(
                count, reg_covar=floor, max_iter=ROUNDS, tol=1e-2, random_state=seed, init_params="k-means++"
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
    return {k: np.ascontiguousarray(v, np.float32) for k, v in tensors.items()}, scores
