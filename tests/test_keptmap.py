"""What plays without SciPy comes to what SciPy comes to, and the kept map is that of the bundled gallery."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

from minifaces.arrays import Bools
from minifaces.explorer.sprites import _beside, _nearest
from minifaces.keptmap import known
from minifaces.pictures.map import _least_apart, snap_to_grid
from minifaces.pictures.portrait import outer
from minifaces.studio.atlas import project
from minifaces.studio.model import Model
from minifaces.studio.paths import natural_spline


def masks() -> list[Bools]:
    random = np.random.default_rng(0)
    spiral = np.zeros((9, 9), bool)
    spiral[0], spiral[:, 8], spiral[8], spiral[2:, 0], spiral[2, :7], spiral[2:7, 6] = (
        True,
        True,
        True,
        True,
        True,
        True,
    )
    return [spiral, *(random.random((30, 40)) < share for share in (0, 0.3, 0.55, 0.6, 0.65, 1))]


def test_the_kept_map_is_the_bundled_gallery_s() -> None:
    """Made anew by benchmarks/make_map.py where this fails."""
    latents = Model.bundled().gallery.latents
    places = known("places", latents.astype(np.float64))
    assert places is not None
    np.testing.assert_array_equal(project(latents), places)
    assert not np.array_equal(project(latents, seed=1), places)
    cells = snap_to_grid(places)
    assert len(np.unique(cells, axis=0)) == len(latents)
    assert cells.max() == 19  # 388 faces on 20 x 20
    # Neighbours among latents are neighbours on the map: the nearest lies in the nearest tenth of all.
    nearest = cKDTree(latents).query(latents, k=2)[1][:, 1]
    apart = np.linalg.norm(places[:, None] - places, axis=2)
    rank = (apart < apart[np.arange(len(latents)), nearest][:, None]).mean(1)
    assert np.median(rank) < 0.02


def test_other_latents_are_not_taken_for_the_kept_ones() -> None:
    latents = Model.bundled().gallery.latents.astype(np.float64)
    latents[7, 3] += 0.01
    assert known("places", latents) is None


@pytest.mark.parametrize("mask", masks())
def test_what_hangs_together_with_the_border(mask: Bools) -> None:
    areas, _ = ndimage.label(mask)
    border = np.unique(np.concatenate([areas[0], areas[-1], areas[:, 0], areas[:, -1]]))
    np.testing.assert_array_equal(outer(mask), np.isin(areas, border[border > 0]))


@pytest.mark.parametrize("mask", masks())
def test_the_rim_and_what_is_nearest_to_it(mask: Bools) -> None:
    rim = _beside(mask, 2)
    np.testing.assert_array_equal(rim, ndimage.binary_dilation(mask, iterations=2) & ~mask)
    solid = ~mask & ~rim
    rows, columns = np.nonzero(rim)
    found = _nearest(rim, solid)
    apart = np.hypot(found[0] - rows, found[1] - columns)
    true = ndimage.distance_transform_edt(~solid)[rim] if solid.any() else np.full(len(rows), np.inf)
    np.testing.assert_allclose(apart, np.where(true <= 6, true, 0))
    assert (solid[found] | (apart == 0)).all()


def test_the_least_distance_of_points() -> None:
    random = np.random.default_rng(1)
    for points in (random.normal(size=(300, 2)), np.argwhere(np.ones((17, 20))), random.integers(0, 9, (90, 2))):
        floats = points.astype(np.float64)
        assert _least_apart(floats) == cKDTree(floats).query(floats, k=2, p=np.inf)[0][:, 1].min()


@pytest.mark.parametrize("knots", [2, 3, 8])
def test_the_curve_through_knots_is_the_natural_spline(knots: int) -> None:
    points = np.random.default_rng(2).normal(size=(knots, 5))
    t = np.linspace(0, 1, 41)
    wanted = CubicSpline(np.linspace(0, 1, knots), points, bc_type="natural")(t)
    np.testing.assert_allclose(natural_spline(points, t), wanted, atol=1e-12)
