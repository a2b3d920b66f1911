"""Distances between samples: Gaussians with known answers, clusters, copies."""

from collections.abc import Callable
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu, norm

from minifaces.errors import UsageError
from minifaces.evaluate import distributions
from minifaces.evaluate.distributions import (
    authenticity,
    copying,
    density_coverage,
    frechet_distance,
    kernel_distance,
    nearest,
    two_sample,
)

Array = NDArray[np.float64]


def normal(seed: int, n: int, f: int, middle: float = 0) -> Array:
    return np.random.default_rng(seed).normal(middle, 1, (n, f))


def exactly(mean: Array, covariance: Array, n: int = 50) -> Array:
    """A sample with precisely this mean and (unbiased) covariance."""
    rows = normal(0, n, len(mean))
    rows -= rows.mean(0)
    root = np.linalg.cholesky(np.cov(rows.T).reshape(len(mean), -1))
    return mean + rows @ np.linalg.inv(root).T @ np.linalg.cholesky(covariance).T


def test_frechet_distance_of_diagonal_gaussians() -> None:
    a = exactly(np.array([0.0, 1, 2]), np.diag([1.0, 4, 9]))
    b = exactly(np.array([3.0, 1, 2]), np.diag([4.0, 4, 1]), n=80)
    assert frechet_distance(a, b) == pytest.approx(3**2 + (1 - 2) ** 2 + 0 + (3 - 1) ** 2)


def test_frechet_distance_of_full_covariances() -> None:
    rng = np.random.default_rng(1)
    A, B = (m @ m.T + np.eye(5) for m in rng.normal(size=(2, 5, 5)))
    mean = rng.normal(size=5)
    expected = mean @ mean + np.trace(A + B - 2 * sqrtm(A @ B).real)
    assert frechet_distance(exactly(np.zeros(5), A), exactly(mean, B)) == pytest.approx(expected)


@pytest.mark.parametrize("n", [12, 300])
def test_frechet_distance_with_fewer_rows_than_features(n: int) -> None:
    a, b = normal(2, n, 40), normal(3, 15, 40, 0.5)
    A, B = np.cov(a.T), np.cov(b.T)
    between = np.sqrt(np.maximum(np.linalg.eigvals(A @ B).real, 0)).sum()
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(A) + np.trace(B) - 2 * between
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-5)
    assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b))


@given(seed=st.integers(0, 1000), scale=st.floats(1e-3, 1e3), shift=st.floats(-10, 10))
@settings(max_examples=20, deadline=None)
def test_frechet_distance_of_a_shifted_sample_is_the_shift(seed: int, scale: float, shift: float) -> None:
    a = scale * normal(seed, 20, 6)
    assert frechet_distance(a, a + shift) == pytest.approx(6 * shift**2, rel=1e-6, abs=1e-9 * scale**2)


def test_kernel_distance_follows_its_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = normal(4, 7, 3), normal(5, 9, 3, 0.4)

    def kernel(x: Array, y: Array) -> float:
        return (x @ y / 3 + 1) ** 3

    within = [np.mean([kernel(x, y) for i, x in enumerate(s) for j, y in enumerate(s) if i != j]) for s in (a, b)]
    expected = sum(within) - 2 * np.mean([kernel(x, y) for x in a for y in b])
    assert kernel_distance(a, b) == pytest.approx(expected)
    monkeypatch.setattr(distributions, "_PAIRS", 20)
    assert kernel_distance(a, b) == pytest.approx(expected)


def test_kernel_distance_is_zero_on_average_even_for_small_samples() -> None:
    values = [kernel_distance(normal(2 * i, 20, 8), normal(2 * i + 1, 20, 8)) for i in range(200)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)
    assert min(values) < 0 < max(values)
    assert kernel_distance(normal(0, 20, 8), normal(1, 20, 8, 1)) > max(values)


def test_density_and_coverage_of_one_distribution() -> None:
    results = [density_coverage(normal(2 * i, 150, 6), normal(2 * i + 1, 200, 6), k=3) for i in range(30)]
    density, coverage = np.mean(results, axis=0)
    assert density == pytest.approx(1, abs=0.03)
    assert coverage == pytest.approx(1 - comb(149, 3) / comb(349, 3), abs=0.02)


def test_density_and_coverage_by_hand() -> None:
    real = np.array([[0.0], [1], [3], [10]])  # nearest neighbours at 1, 1, 2, 7
    made = np.array([[0.5], [2.5], [2.6], [50]])  # 0.5 lies about 0 and 1, 2.5 and 2.6 about 3
    assert density_coverage(real, made, k=1) == (4 / 4, 3 / 4)


def test_far_clusters_cover_nothing() -> None:
    assert density_coverage(normal(0, 60, 4), normal(1, 60, 4, 50)) == (0, 0)


def test_a_collapsed_sample_is_dense_but_covers_little() -> None:
    real = normal(0, 200, 4)
    density, coverage = density_coverage(real, 0.05 * normal(1, 200, 4))
    assert density > 1.2
    assert coverage < 0.5


def test_copies_have_a_density_of_one_and_cover_everything() -> None:
    real = 1000 + normal(0, 100, 8)
    assert density_coverage(real, real.copy()) == (1, 1)


def test_copies_are_not_authentic() -> None:
    train = normal(0, 100, 10)
    assert authenticity(train, train[::-1]) == 0
    assert authenticity(train, train + 1e-3) == 0
    assert authenticity(train, train + 100) == 1
    assert authenticity(np.repeat(train, 2, axis=0), train) == 0


def test_authenticity_by_hand() -> None:
    train = np.array([[0.0], [1], [5]])  # nearest others at 1, 1, 4
    assert authenticity(train, np.array([[-2.0], [-0.5], [8.0], [9.5]])) == 2 / 4


def test_authenticity_by_groups_sees_copies_among_many_pictures_of_a_design() -> None:
    designs = np.repeat(np.arange(30), 10)
    train = normal(0, 30, 10)[designs] + 1e-3 * normal(1, 300, 10)
    made = train + 1e-2 * normal(2, 300, 10)
    assert authenticity(train, made) > 0.9
    assert authenticity(train, made, groups=designs) == 0
    assert authenticity(train, made, groups=[f"design {i}" for i in designs]) == 0


def test_copying_is_a_z_score() -> None:
    scores = [copying(*(normal(3 * i + j, 60, 5) for j in range(3))) for i in range(100)]
    assert abs(np.mean(scores)) < 0.4
    assert 0.7 < np.std(scores) < 1.5


def test_copying_tells_copies_and_strangers() -> None:
    train, held_out = normal(0, 100, 8), normal(1, 80, 8)
    assert copying(train, held_out, train[:50]) < -9
    assert copying(train, held_out, train[:50] + 0.1) < -9
    assert copying(train, held_out, normal(2, 50, 8, 3)) > 9
    assert copying(train, train[:30], train[:50]) == 0


def test_copying_agrees_with_scipy_also_in_ties() -> None:
    train, held_out, made = normal(0, 40, 3), normal(1, 40, 3), normal(2, 30, 3)
    held_out[:5], made[:12] = train[:5], train[:12]
    near, far = nearest(made, train)[1], nearest(held_out, train)[1]
    expected = mannwhitneyu(near, far, method="asymptotic", use_continuity=False)
    z = copying(train, held_out, made)
    assert z < 0
    assert 2 * norm.cdf(z) == pytest.approx(expected.pvalue)


def test_one_distribution_cannot_be_told_apart() -> None:
    accuracies = [two_sample(normal(2 * i, 150, 20), normal(2 * i + 1, 100, 20)).accuracy for i in range(15)]
    assert np.mean(accuracies) == pytest.approx(0.5, abs=0.03)


def test_far_samples_are_always_told_apart() -> None:
    result = two_sample(normal(0, 60, 200), normal(1, 40, 200, 5))
    assert result.accuracy == 1
    assert result.right_a.shape == (60,)
    assert result.right_b.shape == (40,)
    assert result.right_a.all()
    assert result.right_b.all()


def test_a_known_shift_gives_about_the_bayes_accuracy() -> None:
    b = normal(1, 1000, 5)
    b[:, 0] += 2
    assert two_sample(normal(0, 1000, 5), b).accuracy == pytest.approx(0.841, abs=0.02)  # the normal's Phi(1)


def test_accuracy_is_balanced_and_repeatable() -> None:
    a, b = normal(0, 400, 10), normal(1, 40, 10)
    result = two_sample(a, b, seed=3)
    assert result.accuracy == pytest.approx((result.right_a.mean() + result.right_b.mean()) / 2)
    assert abs(result.accuracy - 0.5) < 0.15  # to call all of them a would be right for 91 %
    np.testing.assert_array_equal(two_sample(a, b, seed=3).right_a, result.right_a)


def test_constant_features_tell_nothing() -> None:
    assert two_sample(np.ones((20, 3)), np.ones((20, 3))).accuracy == pytest.approx(0.5, abs=0.05)
    a, b = normal(0, 50, 3), normal(1, 50, 3)
    a[:, 1] = b[:, 1] = 7
    assert 0.3 < two_sample(a, b).accuracy < 0.7


@given(seed=st.integers(0, 1000), pairs=st.sampled_from([1, 50, 2**22]), offset=st.sampled_from([0, 1e4]))
@settings(max_examples=20, deadline=None)
def test_nearest_agrees_with_brute_force(seed: int, pairs: int, offset: float) -> None:
    a, b = offset + normal(seed, 13, 4), offset + normal(seed + 1, 17, 4)
    a[3] = b[5]
    distances = cdist(a, b)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distributions, "_PAIRS", pairs)
        index, distance = nearest(a, b)
    np.testing.assert_array_equal(index, distances.argmin(1))
    np.testing.assert_allclose(distance, distances.min(1))
    assert index[3] == 5
    assert distance[3] == 0


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = normal(0, 60, 5), normal(1, 50, 5)
    whole = density_coverage(a, b), authenticity(a, b), copying(a, b, normal(2, 40, 5))
    monkeypatch.setattr(distributions, "_PAIRS", 170)
    assert (density_coverage(a, b), authenticity(a, b), copying(a, b, normal(2, 40, 5))) == whole


@pytest.mark.parametrize("function", [frechet_distance, kernel_distance, density_coverage, authenticity, two_sample])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros(12), r"must be \(n, f\) numbers"),
        (np.zeros((0, 4)), "has 0 rows"),
        (np.zeros((12, 3)), "as many features each"),
        (np.full((12, 4), np.nan), "not finite"),
        (np.full((12, 4), "a"), r"must be \(n, f\) numbers"),
    ],
    ids=["flat", "none", "narrow", "nan", "text"],
)
def test_what_is_no_sample_is_refused(function: Callable, bad: NDArray, message: str) -> None:
    for pair in ((bad, normal(0, 12, 4)), (normal(0, 12, 4), bad)):
        with pytest.raises(UsageError, match=rf"^[^\n]*{message}[^\n]*$"):
            function(*pair)


def test_impossible_settings_are_refused() -> None:
    a, b = normal(0, 12, 4), normal(1, 12, 4)
    for k in (0, 12):
        with pytest.raises(UsageError, match=f"1 to 11 neighbours, not {k}"):
            density_coverage(a, b, k=k)
    with pytest.raises(UsageError, match="2 to 12 folds, not 13"):
        two_sample(a, b, folds=13)
    with pytest.raises(UsageError, match="12 rows need as many groups"):
        authenticity(a, b, groups=[1, 2])
    with pytest.raises(UsageError, match="at least two groups"):
        authenticity(a, b, groups=np.zeros(12))
