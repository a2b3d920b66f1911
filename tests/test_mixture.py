"""The mixture prior, against scikit-learn, finite differences and its own moments."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from conftest import save
from minifaces import UsageError
from minifaces.studio.generator import normals
from minifaces.studio.mixture import Mixture
from minifaces.studio.priors import Normal


@pytest.fixture(scope="module")
def mixture(tiny_model: Path) -> Mixture:
    return Mixture.load(tiny_model / "prior.safetensors")


def standard(d: int = 4) -> Mixture:
    """N(0, I) written as a mixture of one."""
    one = np.ones(1)
    return Mixture(np.zeros(d), np.eye(d), np.zeros(d), one, np.zeros((1, d)), np.eye(d)[None], threshold=-9.0)


def test_standard_normal_has_the_known_density() -> None:
    z = normals(7, 5, 4)
    known = -0.5 * np.log(2 * np.pi) - 0.5 * (z**2).mean(axis=1)
    np.testing.assert_allclose(standard().log_density(z), known, rtol=1e-12)


def test_density_agrees_with_scikit_learn(mixture: Mixture) -> None:
    from sklearn.mixture import GaussianMixture

    z = mixture.sample(50, seed=7)
    theirs = GaussianMixture(len(mixture.weights))
    theirs.weights_, theirs.means_ = mixture.weights, mixture.means
    theirs.precisions_cholesky_ = np.linalg.inv(mixture.cholesky).transpose(0, 2, 1)
    coordinates = (z - mixture.mean) @ mixture.basis.T
    expected = theirs.score_samples(coordinates) / mixture.basis.shape[0]
    np.testing.assert_allclose(mixture.log_density(z), expected, rtol=1e-9)


def test_gradient_agrees_with_finite_differences(mixture: Mixture) -> None:
    z = mixture.sample(6, seed=7, temperature=1.5)
    value, gradient = mixture.gradient(z)
    np.testing.assert_allclose(value, mixture.log_density(z))
    step = 1e-5
    for axis in range(mixture.size):
        shift = step * np.eye(mixture.size)[axis]
        slope = (mixture.log_density(z + shift) - mixture.log_density(z - shift)) / (2 * step)
        np.testing.assert_allclose(gradient[:, axis], slope, atol=1e-7)


def test_far_away_neither_density_nor_gradient_overflows(mixture: Mixture) -> None:
    value, gradient = mixture.gradient(np.full((1, mixture.size), 1e6))
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()


def test_samples_have_the_moments_of_the_mixture(mixture: Mixture) -> None:
    z = mixture.sample(40_000, seed=7)
    mean = mixture.mean + mixture.weights @ mixture.means @ mixture.basis
    np.testing.assert_allclose(z.mean(axis=0), mean, atol=0.03)
    centred = mixture.means - mixture.weights @ mixture.means
    spread = np.einsum("c,cij,ckj->ik", mixture.weights, mixture.cholesky, mixture.cholesky)
    spread += np.einsum("c,ci,cj->ij", mixture.weights, centred, centred)
    beside = np.eye(mixture.size) - mixture.basis.T @ mixture.basis
    covariance = mixture.basis.T @ spread @ mixture.basis + beside @ np.diag(mixture.residual**2) @ beside
    np.testing.assert_allclose(np.cov(z.T), covariance, atol=0.05)


def test_temperature_keeps_the_means_and_scales_the_rest(mixture: Mixture) -> None:
    cold, half, whole = (mixture.sample(20, 7, temperature) for temperature in (0.0, 0.5, 1.0))
    centres = mixture.mean + mixture.means @ mixture.basis
    assert all(np.abs(centres - z).max(axis=1).min() < 1e-12 for z in cold)
    np.testing.assert_allclose(half - cold, (whole - cold) / 2, atol=1e-12)


def test_the_first_samples_are_the_same_however_many_follow(mixture: Mixture) -> None:
    np.testing.assert_array_equal(mixture.sample(3, seed=7), mixture.sample(30, seed=7)[:3])
    np.testing.assert_array_equal(Normal(5).sample(3, seed=7), Normal(5).sample(30, seed=7)[:3])


def test_most_samples_are_above_the_threshold(mixture: Mixture) -> None:
    above = mixture.log_density(mixture.sample(1000, seed=7)) > mixture.threshold
    assert above.mean() > 0.9


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        ("weights", lambda w: w * 2, "weights"),
        ("weights", lambda w: np.append(w, np.float32(0)), "c is"),
        ("cholesky", lambda c: -c, "cholesky"),
        ("cholesky", lambda c: c.transpose(0, 2, 1), "cholesky"),
        ("residual", lambda r: r - 1, "residual"),
        ("residual", lambda r: r[:-1], "residual has the shape"),
        ("basis", lambda b: b * 2, "orthonormal"),
        ("mean", lambda m: m * np.nan, "not finite"),
        ("mean", lambda m: m.astype(np.int64), "int64"),
        ("threshold", lambda _: None, "instead of"),
    ],
)
def test_no_mixture_is_refused(tiny_model: Path, tmp_path: Path, name: str, change: Callable, complaint: str) -> None:
    tensors = load_file(tiny_model / "prior.safetensors")
    changed = change(tensors.pop(name))
    path = tmp_path / "prior.safetensors"
    save(tensors if changed is None else {**tensors, name: changed}, path)
    with pytest.raises(UsageError, match=complaint) as error:
        Mixture.load(path)
    assert str(path) in str(error.value)


def test_arrays_may_not_be_swapped(mixture: Mixture) -> None:
    with pytest.raises(AttributeError):
        mixture.mean = np.zeros(3)  # type: ignore[misc]
    assert replace(mixture, threshold=0.0).threshold == 0
