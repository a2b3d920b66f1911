"""The surface that all heads share, and real heads brought onto it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ldraw_fixtures import few
from minifaces.ldraw.head import project, smooth_head, v_of
from minifaces.ldraw.library import Library

__all__ = ["few"]  # fixtures


def implicit(points: NDArray) -> NDArray:
    """0 on the surface, by its definition: radius 13 for y = 4..17, a quarter ellipse of 5 by 4 beyond."""
    radius, y = np.hypot(points[..., 0], points[..., 2]), points[..., 1]
    beyond = np.maximum(4 - y, 0) + np.maximum(y - 17, 0)
    return ((radius - 8) / 5) ** 2 + (beyond / 4) ** 2 - 1


def gradient(points: NDArray, step: float = 1e-6) -> NDArray:
    """Unit gradient of `implicit`, by central differences."""
    slope = np.stack([implicit(points + e) - implicit(points - e) for e in np.eye(3) * step], -1)
    return slope / np.linalg.norm(slope, axis=-1, keepdims=True)


def profile(v: NDArray) -> tuple[NDArray, NDArray]:
    """Radius and y at v, the other way round from `v_of`."""
    angle = np.where(v < 7, 1 - v / 7, np.where(v > 20, (v - 20) / 7, 0)) * np.pi / 2
    y = np.where(v < 7, 4 - 4 * np.sin(angle), np.where(v > 20, 17 + 4 * np.sin(angle), v - 3))
    return 8 + 5 * np.cos(angle), y


@given(st.floats(8.5, 20), st.floats(-3.14, 3.14), st.floats(0.2, 20.8))
def test_projected_points_lie_on_the_surface(radius: float, theta: float, y: float) -> None:
    point = np.array([[radius * np.sin(theta), y, radius * np.cos(theta)]])
    surface, normal = project(point)
    assert np.abs(implicit(surface)).max() < 1e-9
    np.testing.assert_allclose(np.linalg.norm(normal, axis=-1), 1)
    np.testing.assert_allclose(normal, gradient(surface), atol=1e-4)
    np.testing.assert_allclose(project(surface)[0], surface, atol=1e-9)  # what is there stays there


def test_v_runs_down_the_profile() -> None:
    v = np.linspace(0, 27, 541)
    np.testing.assert_allclose(v_of(*profile(v)), v, atol=1e-5)
    np.testing.assert_allclose(v_of(np.array([8.0, 13, 13, 8]), np.array([0.0, 4, 17, 21])), [0, 7, 20, 27], atol=1e-5)
    y = np.linspace(0.01, 20.99, 500)
    beyond = np.maximum(4 - y, 0) + np.maximum(y - 17, 0)
    assert (np.diff(v_of(8 + 5 * np.sqrt(1 - (beyond / 4) ** 2), y)) > 0).all()


def surface_area() -> float:
    """Of the wall and both roundings, by numerical integration of 2 pi r ds."""
    radius, y = profile(np.linspace(0, 27, 200_001))
    along = np.hypot(np.diff(radius), np.diff(y))
    return float((2 * np.pi * (radius[1:] + radius[:-1]) / 2 * along).sum())


@pytest.mark.parametrize("name", ["3626b", "3626c", "3626bp01", "3626bph7", "3626cp8f", "3626cpx0"])
def test_a_real_head_becomes_smooth(few: Library, name: str) -> None:
    mesh = few.mesh(f"{name}.dat")
    head = smooth_head(mesh)
    skin = head.corners[head.outer]
    assert np.abs(implicit(skin)).max() < 1e-9
    face = np.cross(skin[:, 1] - skin[:, 0], skin[:, 2] - skin[:, 0])
    area = np.linalg.norm(face, axis=1) / 2
    assert area.min() > 1e-8
    assert area.sum() == pytest.approx(surface_area(), rel=0.005)  # nothing is missing, nothing twice
    outward = gradient(skin)
    np.testing.assert_allclose(head.normals[head.outer], outward, atol=2e-4)
    turned = ((face / area[:, None] / 2) * outward.mean(1)).sum(1)
    assert np.average(turned > 0.5, weights=area) > 0.999  # wound counter-clockwise seen from outside
    np.testing.assert_allclose(np.linalg.norm(head.normals, axis=-1), 1, atol=1e-6)
    assert set(head.colours) == set(mesh.colours)


def test_a_smooth_head_has_no_holes(few: Library) -> None:
    """Seen from the axis, every direction within the wall meets exactly one triangle."""
    head = smooth_head(few.mesh("3626bp01.dat"))
    skin = head.corners[head.outer]
    theta = np.arctan2(skin[..., 0], skin[..., 2])
    whole = np.ptp(theta, axis=1) < np.pi  # those across the seam at the back of the head are left out
    corners = np.stack([theta[whole] * 13, skin[whole, :, 1]], -1)
    rng = np.random.default_rng(0)
    points = np.stack([rng.uniform(-2.8, 2.8, 400) * 13, rng.uniform(4, 17, 400)], -1)
    a, b, c = (corners[:, i] for i in range(3))

    def side(p: NDArray, q: NDArray) -> NDArray:
        edge, to = q - p, points[:, None] - p
        return edge[:, 0] * to[..., 1] - edge[:, 1] * to[..., 0]

    sides = np.stack([side(a, b), side(b, c), side(c, a)])
    hits = ((sides > 0).all(0) | (sides < 0).all(0)).sum(1)
    assert (hits == 1).all()


def test_edges_are_short_where_the_surface_bends(few: Library) -> None:
    head = smooth_head(few.mesh("3626b.dat"), longest=2.0)
    skin = head.corners[head.outer]
    across = (skin - np.roll(skin, 1, 1))[..., [0, 2]]
    assert np.linalg.norm(across, axis=-1).max() < 2.2
    assert len(smooth_head(few.mesh("3626b.dat"), longest=4.0).corners) < len(head.corners)


def test_stud_and_bore_are_round(few: Library) -> None:
    head = smooth_head(few.mesh("3626b.dat"))
    rest, normals = head.corners[~head.outer], head.normals[~head.outer]
    wall = np.abs(normals[..., 1]).max(1) < 1e-9
    radius = np.hypot(rest[wall][..., 0], rest[wall][..., 2])
    steep = np.ptp(radius, axis=1) < 1e-3
    assert steep.mean() > 0.9  # all three corners at one radius: a circle, no longer 16 flat sides
