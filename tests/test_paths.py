"""Paths through latent space: ends, lengths, spheres and valleys."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from minifaces.studio import paths
from minifaces.studio.mixture import Mixture

T = np.linspace(0, 1, 21)
vectors = arrays(np.float64, 4, elements=st.floats(-5, 5, width=32))


def horseshoe() -> Mixture:
    """Density along a half circle of radius 2 in the plane: between its ends the straight line leaves it."""
    angles = np.linspace(0, np.pi, 13)
    means = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    c = len(means)
    weights, cholesky = np.full(c, 1 / c), np.tile(0.25 * np.eye(2), (c, 1, 1))
    prior = Mixture(np.zeros(2), np.eye(2), np.zeros(2), weights, means, cholesky, threshold=0.0)
    typical = np.percentile(prior.log_density(prior.sample(2000, seed=0)), 1)
    return Mixture(np.zeros(2), np.eye(2), np.zeros(2), weights, means, cholesky, threshold=float(typical))


WAYS = {
    "linear": paths.linear,
    "slerp": partial(paths.slerp, centre=np.full(4, 0.5)),
}


@pytest.mark.parametrize("name", WAYS)
@given(a=vectors, b=vectors)
@settings(max_examples=60, deadline=None)
def test_ends_are_exact_and_everything_is_finite(name: str, a: NDArray, b: NDArray) -> None:
    path = WAYS[name](a, b, T)
    assert path.shape == (21, 4)
    np.testing.assert_array_equal(path[0], a)
    np.testing.assert_array_equal(path[-1], b)
    assert np.isfinite(path).all()


def test_linear_takes_equal_steps() -> None:
    steps = np.diff(paths.linear(np.zeros(3), np.array([2.0, 4, -6]), T), axis=0)
    np.testing.assert_allclose(steps, np.broadcast_to([0.1, 0.2, -0.3], (20, 3)))


def test_slerp_walks_the_circle() -> None:
    path = paths.slerp(np.array([1.0, 0]), np.array([0.0, 1]), T, np.zeros(2))
    angle = T * np.pi / 2
    np.testing.assert_allclose(path, np.stack([np.cos(angle), np.sin(angle)], axis=1), atol=1e-12)


def test_slerp_changes_the_distance_evenly_about_its_centre() -> None:
    centre = np.array([3.0, -1, 2])
    a, b = centre + np.array([2, 0, 0]), centre + np.array([0, 0, 5])
    path = paths.slerp(a, b, T, centre)
    np.testing.assert_allclose(np.linalg.norm(path - centre, axis=1), 2 + 3 * T)


@pytest.mark.parametrize("factor", [1, 2, -1, 0, 1 + 1e-12, -1 + 1e-12])
def test_slerp_of_parallel_vectors_is_the_line(factor: float) -> None:
    a = np.array([1.0, 2, -1])
    turned = paths.slerp(a, factor * a, T, np.zeros(3))
    np.testing.assert_allclose(turned, paths.linear(a, factor * a, T), atol=1e-9)


def test_density_goes_round_where_the_line_cuts_across() -> None:
    prior = horseshoe()
    a, b = np.array([2.0, 0]), np.array([-2.0, 0])
    line = prior.log_density(paths.linear(a, b, T)).min()
    bent = prior.log_density(paths.density(a, b, T, prior)).min()
    assert line < prior.threshold - 1
    assert bent > line / 2
    assert bent > prior.threshold - 1


def test_density_takes_equal_steps_between_exact_ends() -> None:
    prior = horseshoe()
    a, b = np.array([2.0, 0.1]), np.array([-1.9, 0])
    path = paths.density(a, b, np.linspace(0, 1, 200), prior)
    np.testing.assert_array_equal(path[[0, -1]], [a, b])
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert steps.max() / steps.min() < 1.05


def test_density_is_the_line_where_the_line_is_dense_enough() -> None:
    d = 3
    normal = Mixture(np.zeros(d), np.eye(d), np.zeros(d), np.ones(1), np.zeros((1, d)), np.eye(d)[None], -9.0)
    a, b = np.array([1.0, 0, 0]), np.array([0.0, 1, 0])
    np.testing.assert_allclose(paths.density(a, b, T, normal), paths.linear(a, b, T), atol=1e-9)


def test_density_between_equal_latents_stands_still() -> None:
    a = np.array([2.0, 0])
    np.testing.assert_array_equal(paths.density(a, a, T, horseshoe()), np.tile(a, (21, 1)))


def test_density_holds_on_a_real_prior(tiny_model: Path) -> None:
    prior = Mixture.load(tiny_model / "prior.safetensors")
    ends = prior.sample(12, seed=3)
    for a, b in zip(ends[:6], ends[6:], strict=True):
        line, bent = paths.linear(a, b, T), paths.density(a, b, T, prior)
        assert prior.log_density(bent).min() >= prior.log_density(line).min() - 1e-6


@pytest.mark.parametrize(("loop", "length"), [(False, 2 * 9 + 1), (True, 3 * 9)])
@pytest.mark.parametrize("eased", [False, True])
def test_through_visits_every_latent_once(loop: bool, length: int, eased: bool) -> None:
    latents = np.array([[0.0, 0], [1, 0], [1, 1]])
    path = paths.through(list(latents), paths.linear, steps=10, loop=loop, eased=eased)
    assert path.shape == (length, 2)
    np.testing.assert_array_equal(path[[0, 9, 18]], latents[[0, 1, 2]])
    assert len(np.unique(path, axis=0)) == length


def test_a_loop_returns_by_a_last_step_of_the_usual_length() -> None:
    path = paths.through([np.zeros(1), np.ones(1)], paths.linear, steps=11, loop=True)
    np.testing.assert_allclose(np.abs(np.diff(np.append(path, path[:1], axis=0), axis=0)), 0.1)


def test_easing_keeps_ends_and_middle_and_starts_gently() -> None:
    eased = paths.ease(np.array([0, 0.1, 0.5, 0.9, 1]))
    np.testing.assert_allclose(eased, [0, 0.028, 0.5, 0.972, 1])
