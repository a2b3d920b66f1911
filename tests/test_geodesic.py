"""Geodesics: round a hill where the way over it is longer, and on the bundled model's held-out faces."""

import numpy as np
import pytest
from numpy.typing import NDArray

import minifaces
from minifaces import UsageError
from minifaces.studio.geodesic import energies, geodesic, geodesics
from minifaces.studio.model import Model
from minifaces.studio.paths import linear

A, B = np.array([[-1.0, 0.1]]), np.array([[1.0, 0.1]])


def hill(latents: NDArray[np.float32]) -> NDArray[np.float32]:
    """A picture of one pixel: the two coordinates of a latent, and the height of a hill at the origin."""
    height = 1.5 * np.exp(-3 * (latents**2).sum(axis=1, keepdims=True))
    return np.concatenate([latents, height], axis=1)[:, :, None, None].astype(np.float32)


def nearest(faces: NDArray[np.float32]) -> NDArray[np.float32]:
    """The latent whose picture is nearest, to first order from the point below."""
    below = faces[:, :2, 0, 0]
    height = hill(below)[:, 2, 0]
    slope = -6 * below * height
    above = faces[:, 2, 0] - height
    return (below + slope * above / (1 + (slope**2).sum(axis=1, keepdims=True))).astype(np.float32)


def on_hill(paths: NDArray[np.float64]) -> NDArray[np.float64]:
    return energies(np.stack([hill(path) for path in paths]))


@pytest.fixture(scope="module")
def model() -> Model:
    return minifaces.load()


@pytest.fixture(scope="module")
def ends(model: Model) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    unseen = [i for i, entry in enumerate(model.gallery.entries) if entry.split == "test"]
    return model.gallery.latents[unseen[:4]], model.gallery.latents[unseen[10:14]]


def energy(model: Model, paths: NDArray[np.float32]) -> NDArray[np.float64]:
    return energies(np.stack([model.decode(path).astype(np.float32) / 255 for path in paths]))


def test_a_geodesic_goes_round_a_hill() -> None:
    path = geodesics(A, B, hill, nearest, knots=15, rounds=40)
    line = np.linspace(A, B, 17, axis=1)
    np.testing.assert_array_equal(path[0, [0, -1]], [A[0], B[0]])
    assert on_hill(path) < 0.7 * on_hill(line)
    assert path[0, 8, 1] > 0.4


@pytest.mark.parametrize("wrong", [lambda x: 0 * nearest(x), lambda x: -nearest(x), lambda x: 100 * nearest(x) + 7])
def test_a_bad_encoder_cannot_make_a_path_worse(wrong) -> None:
    path = geodesics(A, B, hill, wrong, knots=5, rounds=5)
    assert on_hill(path) <= on_hill(np.linspace(A, B, 7, axis=1))


def test_a_curve_keeps_an_even_pace_between_exact_ends() -> None:
    t = np.linspace(0, 1, 30)
    path = geodesic(A[0], B[0], t, hill, nearest)
    np.testing.assert_array_equal(path[[0, -1]], [A[0], B[0]])
    steps = np.sqrt((np.diff(hill(path), axis=0) ** 2).sum((1, 2, 3)))
    assert steps.max() < 1.15 * steps.min()
    assert steps.sum() < np.sqrt((np.diff(hill(linear(A[0], B[0], t)), axis=0) ** 2).sum((1, 2, 3))).sum()


def test_equal_ends_stand_still() -> None:
    np.testing.assert_array_equal(geodesic(A[0], A[0], np.linspace(0, 1, 5), hill, nearest), np.tile(A, (5, 1)))
    np.testing.assert_array_equal(geodesics(A, A, hill, nearest), np.tile(A, (1, 8, 1)))


def test_many_pairs_are_as_one_by_one() -> None:
    a, b = (np.random.default_rng(seed).normal(0, 0.7, (20, 2)) for seed in (1, 2))
    alone = [geodesics(a[i : i + 1], b[i : i + 1], hill, nearest)[0] for i in range(20)]
    np.testing.assert_allclose(geodesics(a, b, hill, nearest), alone, atol=1e-4)


def test_none_are_none() -> None:
    assert geodesics(A[:0], B[:0], hill, nearest).shape == (0, 8, 2)


def test_pictures_change_less_than_on_the_line(model: Model, ends: tuple) -> None:
    paths, lines = model.geodesics(*ends), model.geodesics(*ends, rounds=0)
    np.testing.assert_array_equal(paths[:, 0], ends[0])
    np.testing.assert_array_equal(paths[:, -1], ends[1])
    share = energy(model, paths) / energy(model, lines)
    assert (share <= 1).all()
    assert share.mean() < 0.9
    np.testing.assert_array_equal(model.geodesics(ends[0][:1], ends[1][:1]), model.geodesics(ends[0][:1], ends[1][:1]))


def test_a_morph_along_a_geodesic_has_no_jumps(model: Model, ends: tuple) -> None:
    a, b = ends[0][2], ends[1][2]
    moves = {}
    for path in ("linear", "geodesic"):
        frames = model.morph(a, b, steps=20, path=path).astype(float)
        np.testing.assert_array_equal(frames[[0, -1]], model.decode([a, b]))
        moves[path] = np.sqrt((np.diff(frames, axis=0) ** 2).mean((1, 2, 3)))
    assert moves["geodesic"].max() < 0.95 * moves["linear"].max()
    assert moves["geodesic"].sum() < moves["linear"].sum()


def test_impossible_geodesics_are_refused(model: Model, ends: tuple) -> None:
    a, b = ends
    for options, complaint in (({"knots": 0}, "knots"), ({"knots": 101}, "knots"), ({"rounds": -1}, "rounds")):
        with pytest.raises(UsageError, match=complaint):
            model.geodesics(a, b, **options)
    with pytest.raises(UsageError, match="4 latents to start from and 3 to end at"):
        model.geodesics(a, b[:3])
