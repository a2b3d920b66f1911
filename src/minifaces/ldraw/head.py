"""The surface that all standard heads share, and a smooth mesh of any standard head.

A standard head is a solid of revolution about the y axis (LDraw units, -y up): a wall of radius 13 from y = 4
to 17, rounded at both ends by a quarter torus of radii 8 + 5 (outwards) by 4 (along y). LDraw builds it of 16
flat sides; `smooth_head` puts every vertex on the true surface with its true normal.

Prints live in (theta, v): theta is the angle about the axis, 0 at the middle of the face, positive towards
the viewer's right; v runs down the profile: 0..7 the top rounding, 7..20 the wall, 20..27 the bottom
rounding."""

from dataclasses import dataclass

import numba
import numpy as np

from minifaces.arrays import Bools, Doubles, Floats
from minifaces.ldraw.jit import jit
from minifaces.ldraw.library import Mesh

RADIUS, TOP, BOTTOM = 13.0, 4.0, 17.0  # the wall
INNER, BULGE, DEPTH = 8.0, 5.0, 4.0  # the roundings: radius of the torus' circle, its two half axes
V_ROUND, V_TOTAL = 7.0, 27.0
SIDES = np.pi / 8  # LDraw's circles have 16 sides


@dataclass(frozen=True)
class HeadMesh:
    """Smooth triangles: `corners`, `normals` (n, 3, 3), `colours` (n,), `outer` (n,): the printed surface."""

    corners: Doubles
    normals: Doubles
    colours: np.ndarray
    outer: np.ndarray


def v_of(radius: Doubles, y: Doubles) -> Doubles:
    """Position along the profile, 0 (top) to 27 (bottom), of points on the surface. Any shape."""
    out = np.maximum((radius - INNER) / BULGE, 1e-6)
    top = np.arctan2(np.maximum(TOP - y, 0) / DEPTH, out) / (np.pi / 2)
    bottom = np.arctan2(np.maximum(y - BOTTOM, 0) / DEPTH, out) / (np.pi / 2)
    wall = V_ROUND + (y - TOP)
    return np.where(y < TOP, V_ROUND * (1 - top), np.where(y > BOTTOM, V_TOTAL - V_ROUND * (1 - bottom), wall))


def project(points: Doubles) -> tuple[Doubles, Doubles]:
    """The points of the surface near to `points`, and its outward unit normals there. (..., 3) each."""
    theta = np.arctan2(points[..., 0], points[..., 2])
    radius, y = np.hypot(points[..., 0], points[..., 2]), points[..., 1]
    edge = np.clip(y, TOP, BOTTOM)
    rounded = y != edge
    tilt = np.where(rounded, np.arctan2((y - edge) / DEPTH, np.maximum((radius - INNER) / BULGE, 1e-6)), 0.0)
    on_r = np.where(rounded, INNER + BULGE * np.cos(tilt), RADIUS)
    on_y = np.where(rounded, edge + DEPTH * np.sin(tilt), y)
    normal_r, normal_y = np.cos(tilt) / BULGE, np.sin(tilt) / DEPTH
    length = np.hypot(normal_r, normal_y)
    sin, cos = np.sin(theta), np.cos(theta)
    surface = np.stack([on_r * sin, on_y, on_r * cos], -1)
    normal = np.stack([normal_r * sin, normal_y, normal_r * cos], -1) / length[..., None]
    return surface, normal


def cast_rays(
    samples: int, origin: Doubles, forward: Doubles, right: Doubles, above: Doubles, start: float
) -> tuple[Floats, Floats, Bools]:
    """Where samples x samples rays meet the printed surface: theta (radians), v, and whether they do; y up here.

    The rays come from `origin` and span forward -+ right and forward -+ above; at `start` times their length they are
    still before the body. The body is convex, so along a ray its implicit function is convex too, and Newton's
    method from there runs into the near side without overshooting."""
    theta, v = (np.zeros((samples, samples), np.float32) for _ in range(2))
    hit = np.zeros((samples, samples), np.bool_)
    _cast(theta, v, hit, origin, forward, right, above, start)
    return theta, v, hit


# These stand beside the constants that they use: numba keeps compiled code until the file that holds it changes.
_compiled_v_of = jit(v_of)


@jit
def _implicit(x, y, z, along_x, along_y, along_z):  # type: ignore[no-untyped-def]
    """The body's implicit function (negative inside) at a point, y up, and its derivative along a ray."""
    radius = np.hypot(x, z)
    out = max(radius - INNER, 0.0) / BULGE
    past = (max(-y - BOTTOM, 0.0) - max(TOP + y, 0.0)) / DEPTH
    radial = (x * along_x + z * along_z) / max(radius, 1e-9)
    return out * out + past * past - 1, 2 * out * radial / BULGE - 2 * past * along_y / DEPTH


@jit(parallel=True)
def _cast(theta, v, hit, origin, forward, right, above, start):  # type: ignore[no-untyped-def]
    # Number by number: numba would ask for memory for every vector.
    samples = len(theta)
    for row in numba.prange(samples):
        up = (row + 0.5) / samples * 2 - 1
        for column in range(samples):
            aside = (column + 0.5) / samples * 2 - 1
            along_x = forward[0] + aside * right[0] - up * above[0]
            along_y = forward[1] + aside * right[1] - up * above[1]
            along_z = forward[2] + aside * right[2] - up * above[2]
            t, value = start, 0.0
            for _ in range(24):
                x, y, z = origin[0] + t * along_x, origin[1] + t * along_y, origin[2] + t * along_z
                value, slope = _implicit(x, y, z, along_x, along_y, along_z)
                if slope > -1e-9 or abs(value) < 1e-9:
                    break
                t -= value / slope
            x, y, z = origin[0] + t * along_x, origin[1] + t * along_y, origin[2] + t * along_z
            radius = np.hypot(x, z)
            if abs(value) > 1e-3 or radius <= INNER:
                continue
            hit[row, column] = True
            theta[row, column] = np.arctan2(x, z)
            if TOP <= -y <= BOTTOM:  # on the wall, as most are, no angle is asked for
                v[row, column] = V_ROUND + (-y - TOP)
            else:
                v[row, column] = _compiled_v_of(radius, -y)


def smooth_head(mesh: Mesh, longest: float = 1.2) -> HeadMesh:
    """A standard head with every vertex on the true surface, no edge longer than `longest` LDraw units."""
    corners, colours = mesh.corners, mesh.colours
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(face, axis=1)
    solid = area > 1e-6
    corners, colours, face = corners[solid].copy(), colours[solid], face[solid] / area[solid, None]
    near, _ = project(corners)
    _, normal = project(corners.mean(1))
    facing = (face * normal).sum(1)
    outer = (np.linalg.norm(near - corners, axis=-1) < 0.5).all(1) & (np.abs(facing) > 0.75)
    wrong = outer & (facing < 0)  # some old files are not wound as they should be
    corners[wrong] = corners[wrong][:, ::-1]
    skin, skin_colours = _subdivide(corners[outer], colours[outer], longest)
    skin, normals = project(skin)
    area = np.linalg.norm(np.cross(skin[:, 1] - skin[:, 0], skin[:, 2] - skin[:, 0]), axis=1)
    keep = area > 1e-7
    inner, inner_normals, inner_colours = _rounded(corners[~outer], colours[~outer], longest)
    return HeadMesh(
        np.concatenate([skin[keep], inner]),
        np.concatenate([normals[keep], inner_normals]),
        np.concatenate([skin_colours[keep], inner_colours]),
        np.arange(keep.sum() + len(inner)) < keep.sum(),
    )


def _rounded(corners: Doubles, colours: np.ndarray, longest: float) -> tuple[Doubles, Doubles, np.ndarray]:
    """Stud, ring, bore and neck: 16-sided walls and flat rings about the axis, made truly round."""
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    face /= np.maximum(np.linalg.norm(face, axis=1, keepdims=True), 1e-12)
    centre = corners.mean(1) * [1, 0, 1]
    radius = np.linalg.norm(centre, axis=1)
    outward = (face * centre).sum(1) / np.maximum(radius, 1e-9)
    wall = (np.abs(face[:, 1]) < 0.1) & (np.abs(outward) > 0.95) & (radius > 3)
    flat = np.abs(face[:, 1]) > 0.99
    rest = ~(wall | flat)
    parts = [(corners[rest], np.repeat(face[rest][:, None], 3, 1), colours[rest])]
    for chosen, direction in ((wall, outward), (flat, face[:, 1])):
        # The sign of the normal rides along with the colour through the subdivision.
        tagged = colours[chosen] * 2 + (direction[chosen] > 0)
        points, tagged = _subdivide(corners[chosen], tagged, longest)
        theta = np.arctan2(points[..., 0], points[..., 2])
        bulge = np.cos(np.mod(theta, SIDES) - SIDES / 2) / np.cos(SIDES / 2)
        sign = np.where(tagged % 2 == 1, 1.0, -1.0)[:, None]
        zero = np.zeros_like(theta)
        if chosen is wall:
            normals = np.stack([np.sin(theta) * sign, zero, np.cos(theta) * sign], -1)
        else:
            normals = np.stack([zero, zero + sign, zero], -1)
        parts.append((points * np.stack([bulge, np.ones_like(bulge), bulge], -1), normals, tagged // 2))
    points, normals, colours = (np.concatenate(p) for p in zip(*parts, strict=True))
    return points, normals, colours


def _subdivide(corners: Doubles, colours: np.ndarray, longest: float) -> tuple[Doubles, np.ndarray]:
    """Halve the longest edge of every triangle until none is longer than `longest`.

    Neighbours stay joined, since an edge's length alone decides whether it is halved. Along the straight
    wall, length in y hardly counts: the surface does not bend that way."""
    done: list[tuple[Doubles, np.ndarray]] = [(corners[:0], colours[:0])]
    for _ in range(16):
        following = corners[:, [1, 2, 0]]
        edge, middle = following - corners, (following + corners) / 2
        bends = (middle[..., 1] < TOP) | (middle[..., 1] > BOTTOM)
        length = np.sqrt(edge[..., 0] ** 2 + edge[..., 2] ** 2 + np.where(bends, 1.0, 0.02) * edge[..., 1] ** 2)
        which = length.argmax(1)
        rows = np.arange(len(corners))
        split = length[rows, which] > longest
        done.append((corners[~split], colours[~split]))
        if not split.any():
            break
        rows, which = rows[split], which[split]
        a, b, c = (corners[rows, (which + i) % 3] for i in range(3))
        half = (a + b) / 2
        corners = np.concatenate([np.stack([a, half, c], 1), np.stack([half, b, c], 1)])
        colours = np.concatenate([colours[split], colours[split]])
    else:
        done.append((corners, colours))
    return np.concatenate([d[0] for d in done]), np.concatenate([d[1] for d in done])
