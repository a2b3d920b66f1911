"""Intervals: how often they hold what they promise, with and without groups."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from minifaces.errors import UsageError
from minifaces.evaluate.distributions import density_coverage, frechet_distance, kernel_distance
from minifaces.evaluate.intervals import Interval, bootstrap, bootstrap_pairs, bootstrap_two, mean

Array = NDArray[np.float64]


def width(interval: Interval) -> float:
    return interval.high - interval.low


def slow(values: Array) -> float:
    """`mean`, but not known to be it."""
    return mean(values)


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(27.3123, 26.4, 28.0), "27.31 [26.40, 28.00]"),
        (Interval(0.51234, 0.5012, 0.5321), "0.512 [0.501, 0.532]"),
        (Interval(49902.3, 41844.0, 58015.0), "49902 [41844, 58015]"),
        (Interval(0.25, 0.25, 0.25), "0.25 [0.25, 0.25]"),
        (Interval(2.5, math.nan, math.nan), "2.5"),
        (Interval(math.nan, math.nan, math.nan), "nan"),
    ],
)
def test_an_interval_shows_the_digits_that_mean_something(interval: Interval, text: str) -> None:
    assert str(interval) == f"{interval}" == text


def test_an_interval_takes_a_format() -> None:
    assert f"{Interval(27.3123, 26.4, 28.0):.1f}" == "27.3 [26.4, 28.0]"
    assert f"{Interval(0.5, math.nan, math.nan):.2f}" == "0.50"


def test_mean_leaves_out_what_is_not_known() -> None:
    assert mean([1, math.nan, 3]) == 2
    assert math.isnan(mean([math.nan]))
    assert math.isnan(mean([]))


def test_the_mean_of_normals_is_covered_as_often_as_promised() -> None:
    rng = np.random.default_rng(0)
    intervals = [bootstrap(mean, rng.normal(3, 2, 60), rounds=400, level=0.9, seed=i) for i in range(300)]
    covered = np.mean([i.low <= 3 <= i.high for i in intervals])
    assert 0.85 < covered < 0.94
    assert np.mean([width(i) for i in intervals]) == pytest.approx(2 * 1.645 * 2 / np.sqrt(60), rel=0.05)


@pytest.mark.parametrize("groups", [None, np.random.default_rng(5).integers(0, 12, 50)])
def test_the_fast_way_gives_what_the_loop_gives(groups: NDArray | None) -> None:
    values = np.random.default_rng(1).normal(size=50)
    values[[3, 17]] = np.nan
    fast, loop = (bootstrap(s, values, groups=groups, rounds=200, seed=7) for s in (mean, slow))
    np.testing.assert_allclose([fast.value, fast.low, fast.high], [loop.value, loop.low, loop.high])


def test_rows_of_a_group_stay_together_and_widen_the_interval() -> None:
    rng = np.random.default_rng(2)
    groups = np.repeat([f"design {i}" for i in range(40)], 10)
    values = np.repeat(rng.normal(size=40), 10) + 0.1 * rng.normal(size=400)
    alone, together = bootstrap(mean, values), bootstrap(mean, values, groups=groups)
    assert width(together) / width(alone) == pytest.approx(np.sqrt(10), rel=0.15)
    order = rng.permutation(400)
    shuffled = bootstrap(mean, values[order], groups=groups[order])
    assert width(shuffled) == pytest.approx(width(together))


def test_grouped_intervals_cover_the_mean_of_all_designs() -> None:
    rng = np.random.default_rng(3)
    groups, hits = np.repeat(np.arange(40), 5), []
    for i in range(200):
        values = np.repeat(rng.normal(size=40), 5) + 0.3 * rng.normal(size=200)
        interval = bootstrap(mean, values, groups=groups, rounds=300, seed=i)
        hits.append(interval.low <= 0 <= interval.high)
    assert 0.89 < np.mean(hits) < 0.98


def test_intervals_of_pairs_cover_the_mean_of_all_designs() -> None:
    rng = np.random.default_rng(6)
    hits, narrow = [], []
    for i in range(200):
        own = rng.normal(size=40)  # of a design, in every pair that it is in
        pairs = rng.integers(0, 40, (300, 2))
        values = own[pairs].sum(1) + 0.5 * rng.normal(size=300)
        interval = bootstrap_pairs(values, pairs, rounds=200, seed=i)
        assert interval.value == pytest.approx(values.mean())
        hits.append(interval.low <= 0 <= interval.high)
        alone = bootstrap(mean, values, rounds=200, seed=i)
        narrow.append(alone.low <= 0 <= alone.high)
    assert 0.9 < np.mean(hits) < 1
    assert np.mean(narrow) < 0.6


def test_pairs_without_a_value_do_not_count() -> None:
    pairs = np.array([["a", "b"], ["b", "c"], ["c", "d"], ["d", "d"]])
    interval = bootstrap_pairs([1.0, np.nan, 1.0, 1.0], pairs)
    assert (interval.value, interval.low, interval.high) == (1, 1, 1)
    assert np.isnan(bootstrap_pairs([1.0, 2.0], [["a", "a"], ["a", "a"]]).low)
    assert np.isnan(bootstrap_pairs([np.nan], [["a", "b"]]).value)
    with pytest.raises(UsageError, match="groups"):
        bootstrap_pairs([1.0, 2.0], ["a", "b"])


def test_rows_of_several_arrays_are_drawn_together() -> None:
    x = np.random.default_rng(4).normal(size=(30, 2))

    def slope(a: Array, b: Array) -> float:
        return float((a * b).sum() / (a * a).sum())

    interval = bootstrap(slope, x, 3 * x, rounds=50)
    np.testing.assert_allclose([interval.value, interval.low, interval.high], 3)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(5).normal(size=30)
    assert bootstrap(mean, values, seed=1) == bootstrap(mean, values, seed=1)
    assert bootstrap(mean, values, seed=1) != bootstrap(mean, values, seed=2)


@given(values=st.lists(st.one_of(st.just(math.nan), st.floats(-100, 100)), min_size=1, max_size=8))
def test_an_interval_of_a_mean_stays_among_the_values(values: list[float]) -> None:
    interval = bootstrap(mean, values, rounds=20)
    if len(values) == 1 or np.isnan(values).all():
        assert math.isnan(interval.low)
        assert math.isnan(interval.high)
    else:
        assert np.nanmin(values) - 1e-9 <= interval.low <= interval.high <= np.nanmax(values) + 1e-9


def test_a_single_group_gives_no_interval() -> None:
    assert math.isnan(bootstrap(mean, [1.0, 2, 3], groups=["a", "a", "a"]).low)
    assert math.isnan(bootstrap_two(frechet_distance, np.eye(4), np.eye(4)).low)


def differ(a: Array, b: Array) -> float:
    return float(b.mean() - a.mean())


def coverage(a: Array, b: Array) -> float:
    return density_coverage(a, b)[1]


@pytest.mark.parametrize(
    ("statistic", "shift", "widest"),
    [
        (differ, 0, 1.2),
        (frechet_distance, 0.5, 1.4),
        (kernel_distance, 0.5, 1.4),
        (kernel_distance, 0, 2),
        (coverage, 0.5, 2),
    ],
    ids=["difference", "frechet", "kernel", "kernel at 0", "coverage"],
)
def test_subsampling_finds_the_spread_over_fresh_samples(statistic: Callable, shift: float, widest: float) -> None:
    rng = np.random.default_rng(6)
    values, spreads = [], []
    for i in range(80):
        a, b = rng.normal(size=(80, 4)), rng.normal(shift, 1, (120, 4))
        values.append(statistic(a, b))
        if i % 4 == 0:
            spreads.append(width(bootstrap_two(statistic, a, b, rounds=30, seed=i)) / (2 * 1.96))
    assert 0.8 < np.mean(spreads) / np.std(values) < widest


def test_whole_groups_are_left_out_of_subsamples() -> None:
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(40), 10)
    a, b = np.repeat(rng.normal(size=40), 10), rng.normal(size=400)
    alone, together = bootstrap_two(differ, a, b), bootstrap_two(differ, a, b, groups_a=groups)
    assert together.value == alone.value
    assert width(together) > 2 * width(alone)
    designs = [len(np.unique(groups[rows])) for rows in _kept(np.arange(400), b, groups)]
    assert designs == [40] + [32] * 5


def _kept(rows: NDArray, b: Array, groups: NDArray) -> list[NDArray]:
    seen: list[NDArray] = []

    def look(a: NDArray, _: NDArray) -> float:
        assert len(np.unique(a)) == len(a)
        seen.append(a)
        return 0.0

    bootstrap_two(look, rows, b, groups_a=groups, rounds=5)
    return seen


def test_an_interval_ends_where_the_statistic_does() -> None:
    a, b = (np.random.default_rng(i).normal(size=(60, 3)) for i in (8, 9))
    assert bootstrap_two(coverage, a, b, rounds=30).high > 1
    assert bootstrap_two(coverage, a, b, rounds=30, limits=(0, 1)).high == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bootstrap(mean), "at least one array"),
        (lambda: bootstrap(mean, []), "at least one row"),
        (lambda: bootstrap(mean, 3.0), "one row a face"),
        (lambda: bootstrap(differ, [1.0], [1.0, 2.0]), "one row a face"),
        (lambda: bootstrap(mean, [1.0, 2.0], groups=[1]), "as many groups"),
        (lambda: bootstrap(mean, [1.0, 2.0], rounds=1), "at least 2 rounds"),
        (lambda: bootstrap(mean, [1.0, 2.0], level=1), "level between 0 and 1"),
        (lambda: bootstrap_two(differ, [], [1.0]), "at least one row"),
        (lambda: bootstrap_two(differ, [1.0], [1.0], rounds=0), "at least 2 rounds"),
    ],
)
def test_what_cannot_be_resampled_is_refused(call: Callable, message: str) -> None:
    with pytest.raises(UsageError, match=rf"^[^\n]*{message}[^\n]*$"):
        call()
