"""Morphs that change the picture as little as possible on the way: shortest paths in the decoder's own metric.

    knots = geodesics(a, b, decode, encode)                        # (m, d), (m, d) -> (m, 8, d)
    geodesic(a[0], b[0], np.linspace(0, 1, 60), decode, encode)    # (60, d), at an even pace

The distance of two near latents is that of their faces (Arvanitidis, Hansen and Hauberg, "Latent space
oddity: on the curvature of deep generative models", ICLR 2018; Shao, Kumar and Fletcher, "The Riemannian
geometry of deep generative models", CVPR workshops 2018), so a shortest path is one of least energy

    E = sum_i |g(x_{i+1}) - g(x_i)|^2,   x_0 = a, ..., x_{n+1} = b,

with g the decoder. Such paths keep the picture from jumping. They also come near to fading one picture into
the other, because in pixels that is the shortest way of all, were all pictures faces."""

from collections.abc import Callable

import numpy as np

from minifaces.arrays import Doubles, Floats
from minifaces.studio.paths import linear, natural_spline

Network = Callable[[Floats], Floats]
"""decode: (n, d) -> (n, 3, H, W) in [0, 1]; encode: the other way"""

KNOTS = 6
ROUNDS = 3
_SHARES = (1.0, 0.5, 0.25)
_PAIRS = 8  # at a time: some 30 MB of faces of 128 x 128
_FINE = 33  # faces along which the length of a path is measured


def geodesics(
    a: Doubles, b: Doubles, decode: Network, encode: Network, knots: int = KNOTS, rounds: int = ROUNDS
) -> Doubles:
    """Paths of little energy from each `a` to its `b`: (m, d), (m, d) -> (m, knots + 2, d), both ends included.

    They set out from straight lines and move only where E falls. No gradient is at hand, but an approximate
    inverse of the decoder is: dE = 0 asks each face to be the mean of its neighbours as far as faces can be,
    so a knot is pulled towards what the encoder makes of that mean. See `_descent`."""
    parts = [
        _relax(a[i : i + _PAIRS], b[i : i + _PAIRS], decode, encode, knots, rounds) for i in range(0, len(a), _PAIRS)
    ]
    return np.concatenate([np.zeros((0, knots + 2, a.shape[1])), *parts])


def geodesic(a: Doubles, b: Doubles, t: Doubles, decode: Network, encode: Network) -> Doubles:
    """The points at fractions `t` of the picture-space length of a smooth curve through the knots of
    `geodesics`, or of the straight line where that is no longer: (d,), (d,), (m,) -> (m, d)."""
    knots = geodesics(a[None], b[None], decode, encode)[0]
    fine = np.linspace(0, 1, _FINE)
    points = np.stack([natural_spline(knots, fine), linear(a, b, fine)])
    lengths = np.sqrt(_squares(_decode_paths(points, decode)))
    shorter = int(lengths.sum(axis=1).argmin())
    travelled = np.concatenate([[0.0], np.cumsum(lengths[shorter])])
    if travelled[-1] == 0:
        return linear(a, b, t)
    at = np.interp(t * travelled[-1], travelled, fine)
    path = natural_spline(knots, at) if shorter == 0 else linear(a, b, at)
    path[t == 0], path[t == 1] = a, b
    return path


def energies(faces: Floats) -> Doubles:
    """E of paths of faces, (m, n, 3, H, W) -> (m,)."""
    energy: Doubles = _squares(faces).sum(axis=1)
    return energy


def _relax(a: Doubles, b: Doubles, decode: Network, encode: Network, knots: int, rounds: int) -> Doubles:
    paths = np.linspace(a, b, knots + 2, axis=1)
    faces = _decode_paths(paths, decode)
    energy = energies(faces)
    for _ in range(rounds):
        before, descent = paths.copy(), _descent(faces, encode)
        for share in _SHARES:
            tried, seen = before.copy(), faces.copy()
            tried[:, 1:-1] += share * descent
            seen[:, 1:-1] = _decode_paths(tried[:, 1:-1], decode)
            values = energies(seen)
            falls = values < energy
            paths[falls], faces[falls], energy[falls] = tried[falls], seen[falls], values[falls]
    return paths


def _descent(faces: Floats, encode: Network) -> Doubles:
    """Where to move the inner knots: (m, k + 2, 3, H, W) -> (m, k, d).

    pull_i = enc((g_{i-1} + g_{i+1}) / 2) - enc(g_i) would be one sweep of Jacobi's method, which straightens a
    long path slowly. With the chain's own matrix solved for, pull_i = move_i - (move_{i-1} + move_{i+1}) / 2,
    a knot at once goes along with its neighbours, and three rounds are enough."""
    middles = (faces[:, :-2] + faces[:, 2:]) / 2
    m, k = middles.shape[:2]
    coded = encode(np.concatenate([middles, faces[:, 1:-1]]).reshape(-1, *faces.shape[2:])).astype(np.float64)
    wanted, had = coded.reshape(2, m, k, -1)
    chain = np.eye(k) - (np.eye(k, k=1) + np.eye(k, k=-1)) / 2
    return np.asarray(np.linalg.solve(chain, wanted - had), np.float64)


def _decode_paths(paths: Doubles, decode: Network) -> Floats:
    """(m, n, d) -> (m, n, 3, H, W)."""
    faces = decode(paths.reshape(-1, paths.shape[-1]).astype(np.float32))
    return faces.reshape(*paths.shape[:2], *faces.shape[1:])


def _squares(faces: Floats) -> Doubles:
    """Squared distances of neighbouring faces, summed over pixels and colours: (m, n, 3, H, W) -> (m, n - 1)."""
    squares: Doubles = (np.diff(faces, axis=1) ** 2).sum(axis=(2, 3, 4), dtype=np.float64)
    return squares
