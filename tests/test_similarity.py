"""Likeness of pictures: hand-made pairs whose numbers are known."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from minifaces.errors import UsageError
from minifaces.evaluate.similarity import BEST_PSNR, edge_f1, psnr, ssim

Bytes = NDArray[np.uint8]
METRICS = [psnr, ssim, edge_f1]
every_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.__name__)
faces = arrays(np.uint8, (2, 12, 9, 3))
weights = arrays(np.float32, (2, 12, 9), elements=st.floats(0, 1, width=32))


@pytest.fixture
def noisy() -> tuple[Bytes, Bytes]:
    """Ten pictures of noise and the same with other noise upon them."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, 256, (10, 32, 40, 3), dtype=np.uint8)
    return true, np.clip(true + rng.normal(0, 20, true.shape), 0, 255).astype(np.uint8)


def step(at: int, low: int = 40, high: int = 200) -> Bytes:
    """One picture, dark to the left of column `at` and bright from there on."""
    picture = np.full((1, 24, 24, 3), low, np.uint8)
    picture[:, :, at:] = high
    return picture


@pytest.mark.parametrize(("metric", "best"), [(psnr, BEST_PSNR), (ssim, 1), (edge_f1, 1)])
def test_equal_pictures_score_best(metric: Callable, best: float, noisy: tuple[Bytes, Bytes]) -> None:
    np.testing.assert_array_equal(metric(noisy[0], noisy[0]), np.full(10, best))


@every_metric
def test_each_pair_is_judged_alone(metric: Callable, noisy: tuple[Bytes, Bytes]) -> None:
    weight = np.random.default_rng(1).random(noisy[0].shape[:3])
    alone = [metric(*(stack[i : i + 1] for stack in (*noisy, weight)))[0] for i in range(10)]
    np.testing.assert_array_equal(metric(*noisy, weight), alone)


@every_metric
@given(true=faces, made=faces, weight=weights)
@settings(max_examples=25, deadline=None)
def test_symmetric_and_within_its_range(metric: Callable, true: Bytes, made: Bytes, weight: NDArray) -> None:
    there, back = metric(true, made, weight), metric(made, true, weight)
    np.testing.assert_allclose(there, back, rtol=1e-6)
    low, high = {"psnr": (0, BEST_PSNR), "ssim": (-1, 1), "edge_f1": (0, 1)}[metric.__name__]
    known = there[~np.isnan(there)]
    assert ((known >= low - 1e-4) & (known <= high + 1e-4)).all()
    np.testing.assert_allclose(metric(true, made, np.ones(true.shape[:3])), metric(true, made))


@every_metric
def test_what_has_no_weight_does_not_count(metric: Callable, noisy: tuple[Bytes, Bytes]) -> None:
    true, made = noisy[0], noisy[0].copy()
    made[:, :, 30:] = 0
    weight = np.zeros(true.shape[:3], bool)
    weight[:, :, :26] = True  # windows and edges see three pixels and two further
    np.testing.assert_array_equal(metric(true, made, weight), metric(true, true))
    assert (metric(true, made) < metric(true, true)).all()
    assert np.isnan(metric(true, made, np.zeros(true.shape[:3]))).all()


@every_metric
def test_no_pictures_no_numbers(metric: Callable) -> None:
    assert metric(np.zeros((0, 16, 16, 3), np.uint8), np.zeros((0, 16, 16, 3), np.uint8)).shape == (0,)


@pytest.mark.parametrize("offset", [1, 10, 51, 255])
def test_psnr_of_an_offset(offset: int) -> None:
    black = np.zeros((1, 8, 8, 3), np.uint8)
    np.testing.assert_allclose(psnr(black, black + np.uint8(offset)), 20 * np.log10(255 / offset))


def test_psnr_weighs_pixels() -> None:
    black, weight = np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 8, 8))
    made = black.copy()
    made[0, 2, 2], made[0, 5, 5, 1] = 30, 60
    weight[0, 2, 2], weight[0, 5, 5], weight[0, 0, 0] = 1, 0.5, 0.5
    error = (1 * 30**2 + 0.5 * 60**2 / 3 + 0) / 2
    np.testing.assert_allclose(psnr(black, made, weight), 10 * np.log10(255**2 / error))


def test_ssim_of_flat_pictures_compares_their_means() -> None:
    one, other = np.full((1, 16, 16, 3), 100, np.uint8), np.full((1, 16, 16, 3), 150, np.uint8)
    x, y, c1 = 100 / 255, 150 / 255, 0.01**2
    np.testing.assert_allclose(ssim(one, other), (2 * x * y + c1) / (x * x + y * y + c1), rtol=1e-6)


def test_ssim_follows_its_formula_window_by_window(noisy: tuple[Bytes, Bytes]) -> None:
    true, made = (stack[:1, :9, :8] / 255 for stack in noisy)
    weight = np.random.default_rng(2).random((1, 9, 8))
    total = 0.0
    for i in range(3):
        for j in range(2):
            for c in range(3):
                x, y = (stack[0, i : i + 7, j : j + 7, c] for stack in (true, made))
                luminance = (2 * x.mean() * y.mean() + 1e-4) / (x.mean() ** 2 + y.mean() ** 2 + 1e-4)
                covariance = ((x - x.mean()) * (y - y.mean())).mean()
                structure = (2 * covariance + 9e-4) / (x.var() + y.var() + 9e-4)
                total += weight[0, i + 3, j + 3] * luminance * structure / 3
    expected = total / weight[0, 3:6, 3:5].sum()
    np.testing.assert_allclose(ssim(noisy[0][:1, :9, :8], noisy[1][:1, :9, :8], weight), expected, rtol=1e-5)


def test_blur_lowers_ssim_the_more_the_stronger(digits: tuple[Bytes, NDArray]) -> None:
    true = np.kron(digits[0][:20], np.ones((1, 2, 2, 1), np.uint8))
    scores = [ssim(true, gaussian_filter(true, (0, s, s, 0))).mean() for s in (0.5, 1, 2, 4)]
    assert 1 > scores[0] > scores[1] > scores[2] > scores[3]


def test_an_inverted_picture_has_negative_ssim(noisy: tuple[Bytes, Bytes]) -> None:
    assert (ssim(noisy[0], 255 - noisy[0]) < -0.5).all()


@pytest.mark.parametrize(("shift", "tolerance", "score"), [(0, 0, 1), (1, 0, 0), (1, 1, 1), (2, 1, 0), (2, 2, 1)])
def test_an_edge_may_move_within_the_tolerance(shift: int, tolerance: int, score: float) -> None:
    assert edge_f1(step(12), step(12 + shift), tolerance=tolerance) == score
    assert edge_f1(*(p.transpose(0, 2, 1, 3) for p in (step(12), step(12 + shift))), tolerance=tolerance) == score


@pytest.mark.parametrize(("height", "seen"), [(24, False), (28, True)])
def test_a_step_measures_its_height(height: int, seen: bool) -> None:
    flat = np.full((1, 24, 24, 3), 100, np.uint8)
    assert edge_f1(flat, step(12, 100, 100 + height)) == (0 if seen else 1)


def test_edges_of_which_half_are_found_and_half_invented() -> None:
    one, other = step(6), step(6)
    one[:, :, 18:], other[:, :, 12:] = 40, 40
    assert edge_f1(one, other) == 0.5


def test_half_of_the_edges_missing() -> None:
    one = step(6)
    one[:, :, 15:] = 40
    np.testing.assert_allclose(edge_f1(one, step(6)), 2 * 1 * 0.5 / 1.5)


def test_a_blurred_edge_is_still_one_thin_edge() -> None:
    assert edge_f1(step(12), gaussian_filter(step(12), (0, 1.5, 1.5, 0))) == 1


def test_edges_in_one_picture_only_or_in_neither() -> None:
    flat = np.full((1, 24, 24, 3), 90, np.uint8)
    assert edge_f1(flat, step(12)) == 0
    assert edge_f1(step(12), flat) == 0
    assert edge_f1(flat, flat + np.uint8(9)) == 1


GOOD = np.zeros((2, 16, 16, 3), np.uint8)


@every_metric
@pytest.mark.parametrize(
    ("true", "made", "weight"),
    [
        (GOOD[0], GOOD[0], None),
        (GOOD, GOOD[:1], None),
        (GOOD / 255, GOOD, None),
        (GOOD[..., :1], GOOD[..., :1], None),
        (GOOD, GOOD, np.ones((16, 16))),
        (GOOD, GOOD, np.full((2, 16, 16), 255)),
        (GOOD, GOOD, np.full((2, 16, 16), np.nan)),
    ],
    ids=["one", "fewer", "floats", "grey", "one weight", "bytes", "nan"],
)
def test_what_does_not_fit_is_refused(metric: Callable, true: NDArray, made: NDArray, weight: NDArray) -> None:
    with pytest.raises(UsageError, match=r"^(true|made|weights)[^\n]*$"):
        metric(true, made, weight)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(UsageError, match="threshold above 0"):
        edge_f1(GOOD, GOOD, threshold=0)
    with pytest.raises(UsageError, match="tolerance of at least 0"):
        edge_f1(GOOD, GOOD, tolerance=-1)
    with pytest.raises(UsageError, match="at least 7 pixels"):
        ssim(GOOD[:, :6], GOOD[:, :6])
