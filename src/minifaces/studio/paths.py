"""Ways from one latent to another: pure functions of two (d,) latents and fractions t in [0, 1].

    linear(a, b, np.linspace(0, 1, 60))       # (60, d)

Every path starts exactly at `a` for t = 0 and ends exactly at `b` for t = 1."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from minifaces.arrays import Doubles
from minifaces.studio.mixture import Mixture

Path = Callable[[Doubles, Doubles, Doubles], Doubles]
"""(d,), (d,), (m,) -> (m, d)"""

_ROUNDS = 300


def linear(a: Doubles, b: Doubles, t: Doubles) -> Doubles:
    """The straight line: (1 - t) a + t b."""
    return (1 - t)[:, None] * a + t[:, None] * b


def slerp(a: Doubles, b: Doubles, t: Doubles, centre: Doubles) -> Doubles:
    """Turn from a to b about `centre` at an even pace, while the distance to it goes evenly from a's to b's.

    Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985; for latents White, "Sampling
    generative networks", 2016. Where no plane of rotation is defined (parallel, opposite or no directions)
    the line is taken."""
    u, v = a - centre, b - centre
    length_u, length_v = np.linalg.norm(u), np.linalg.norm(v)
    if length_u * length_v == 0:
        return linear(a, b, t)
    u, v = u / length_u, v / length_v
    angle = np.arccos(np.clip(u @ v, -1, 1))
    if np.sin(angle) < 1e-4:
        return linear(a, b, t)
    turned = (np.sin((1 - t) * angle)[:, None] * u + np.sin(t * angle)[:, None] * v) / np.sin(angle)
    path: Doubles = centre + ((1 - t) * length_u + t * length_v)[:, None] * turned
    path[t == 0], path[t == 1] = a, b
    return path


def density(a: Doubles, b: Doubles, t: Doubles, mixture: Mixture, weight: float = 20.0, knots: int = 33) -> Doubles:
    """Bend the line to where the mixture has density, in even steps: the x(s), 0 <= s <= 1, that minimises

        E = 1/2 integral |x'|^2 / |b - a|^2 ds + weight / 2 integral max(0, level - log p(x))^2 ds

    with log p per dimension and level = the lesser of log p(a) and log p(b), but no less than the mixture's
    threshold. Only what is less likely than that is pushed: to maximise the density itself would draw every
    path to the average face. The curve is an elastic band of `knots` points with fixed ends, moved by
    semi-implicit gradient steps (Kass, Witkin and Terzopoulos, "Snakes: active contour models", IJCV 1988),
    then cut anew into equal steps (E, Ren and Vanden-Eijnden, "String method", Phys. Rev. B 66, 2002)."""
    if not np.any(a != b):
        return linear(a, b, t)
    level = max(mixture.threshold, float(mixture.log_density(np.stack([a, b])).min()))
    band = linear(a, b, np.linspace(0, 1, knots))
    return _even(_relax(band, mixture, level, weight), t)


def through(latents: Sequence[Doubles], path: Path, steps: int, loop: bool = False, eased: bool = False) -> Doubles:
    """Walk through two or more latents, `steps` points a leg with both ends, (m, d).

    Shared ends come once: m = legs * (steps - 1) + 1. A loop has one leg more, back to the first latent, and
    leaves the repeated last point out, so that an animation can run on without a stutter. `eased` sets off
    and arrives gently at each latent."""
    t = np.linspace(0, 1, steps)
    if eased:
        t = ease(t)
    stops = [*latents, latents[0]] if loop else list(latents)
    legs = [path(a, b, t)[:-1] for a, b in pairwise(stops)]
    return np.concatenate(legs if loop else [*legs, stops[-1][None]])


def ease(t: Doubles) -> Doubles:
    """3 t^2 - 2 t^3: slow at both ends (smoothstep)."""
    return t * t * (3 - 2 * t)


def _relax(band: Doubles, mixture: Mixture, level: float, weight: float) -> Doubles:
    """Descend E from `band`, whose ends stay. The stiff elastic term is solved for and only the density term
    is stepped, so that the step need not shrink with the square of the number of knots."""
    gaps, inner = len(band) - 1, len(band) - 2
    square = float(((band[-1] - band[0]) ** 2).sum())
    scale = gaps**2 / square
    elastic = scale * (2 * np.eye(inner) - np.eye(inner, k=1) - np.eye(inner, k=-1))
    ends = np.zeros((inner, band.shape[1]))
    ends[0] += scale * band[0]
    ends[-1] += scale * band[-1]

    def energy(points: Doubles) -> tuple[float, Doubles]:
        log_p, slope = mixture.gradient(points[1:-1])
        lack = np.maximum(0, level - log_p)
        length = scale / gaps * (np.diff(points, axis=0) ** 2).sum()
        return 0.5 * length + 0.5 * weight * (lack**2).sum() / gaps, weight * lack[:, None] * slope

    value, push = energy(band)
    rate = square
    for _ in range(_ROUNDS):
        moved = band.copy()
        moved[1:-1] = np.linalg.solve(np.eye(inner) + rate * elastic, band[1:-1] + rate * (push + ends))
        moved_value, moved_push = energy(moved)
        if moved_value > value:
            rate /= 2
            continue
        settled = value - moved_value <= 1e-7 * value
        band, value, push = moved, moved_value, moved_push
        if settled:
            break
        rate *= 1.2
    return band


def _even(band: Doubles, t: Doubles) -> Doubles:
    """The points at fractions `t` of the length of the polyline `band`."""
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(band, axis=0), axis=1))])
    at = t * length[-1]
    right = np.clip(np.searchsorted(length, at, side="right"), 1, len(band) - 1)
    left = right - 1
    share = (at - length[left]) / np.maximum(length[right] - length[left], 1e-300)
    points: Doubles = band[left] + share[:, None] * (band[right] - band[left])
    points[t == 0], points[t == 1] = band[0], band[-1]
    return points


def natural_spline(knots: Doubles, t: Doubles) -> Doubles:
    """The smoothest curve through (k, d) knots at 0, 1 / (k - 1), ..., 1: its points at `t` (m,), (m, d).

    It is cubic between knots, its second derivatives meet there and are 0 at both ends (de Boor, "A practical guide to
    splines", 1978). k is 2 or more."""
    last = len(knots) - 1
    bends = np.zeros_like(knots)  # second derivatives, where knots are 1 apart
    inner = 4 * np.eye(last - 1) + np.eye(last - 1, k=1) + np.eye(last - 1, k=-1)
    bends[1:-1] = np.linalg.solve(inner, 6 * np.diff(knots, n=2, axis=0))
    left = np.minimum((t * last).astype(int), last - 1)
    far = (t * last - left)[:, None]  # from the knot on the left, 0 to 1
    near = 1 - far
    curve: Doubles = near * knots[left] + far * knots[left + 1]
    curve += ((near**3 - near) * bends[left] + (far**3 - far) * bends[left + 1]) / 6
    return curve
