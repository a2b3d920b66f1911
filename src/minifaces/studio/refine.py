"""Move a latent so that the decoder reproduces a picture better: a few Gauss-Newton steps without gradients.

    refined = refine(target, latent, decode, steps=2)     # (3, H, W), (d,) -> (d,)

An encoder answers at once, but its answer is a guess: the latent it gives is not the one whose face is
nearest to the picture, least of all for a picture unlike those it was trained on (the amortisation gap:
Cremer, Li and Duvenaud, "Inference suboptimality in variational autoencoders", ICML 2018)."""

from collections.abc import Callable

import numpy as np

from minifaces.arrays import Doubles, Floats, Latents, Planes

Decode = Callable[[Latents], Planes]

STEPS = 2
"""the first brings most of what there is to gain, the second a seventh of that, the third hardly any"""
PULL = 6e-6
"""what a latent pays for its distance squared from where it started: 4 away costs as much as an error of 40 dB"""
MIDDLE = 10.0
"""height of the bell of weights over a picture, on a ground of 1: the middle counts nine times as much as the
corners, where a photo has whatever stood behind"""
_DIFFERENCE = 0.03  # forward differences of the Jacobian are off by 0.3 % there, by 2.6 % at 0.3 and at 0.0003
_DAMPING = PULL * np.array([1.0, 2.0, 4.0, 12.0, 40.0, 400.0, 4000.0])


def refine(target: Planes, latent: Latents, decode: Decode, steps: int) -> Latents:
    """The latent near `latent` whose face is most like `target`: (3, H, W) in [0, 1], (d,) -> (d,).

    Descends `objective` from `latent` by Levenberg-Marquardt steps (Marquardt, "An algorithm for
    least-squares estimation of nonlinear parameters", 1963). A step costs d + 7 decodes: the Jacobian J
    comes from forward differences, the curvature J W J^T from its eigenvectors, and so every damping is
    solved for and tried at once and the best one taken. Stops early where none is better."""
    weight = weights(*target.shape[1:])
    start = latent.astype(np.float64)
    here, face = start, decode(latent[None])
    value = objective(target, face, here[None] - start)[0]
    for _ in range(steps):
        rows = _jacobian(here, face, decode)
        weighted = rows * (np.broadcast_to(weight, target.shape).ravel() / target.size)
        slope = (weighted @ (target - face[0]).ravel()).astype(np.float64) - PULL * (here - start)
        curvature, axes = np.linalg.eigh((weighted @ rows.T).astype(np.float64))
        steps_along = (axes.T @ slope) / (np.maximum(curvature, 0) + _DAMPING[:, None])
        tried = here + steps_along @ axes.T
        faces = decode(tried.astype(np.float32))
        values = objective(target, faces, tried - start)
        best = int(values.argmin())
        if not values[best] < value:
            break
        here, face, value = tried[best], faces[best : best + 1], values[best]
    return here.astype(np.float32)


def objective(target: Planes, faces: Planes, moved: Doubles) -> Doubles:
    """mean(w (target - face)^2) + PULL |moved|^2, lower is better: (3, H, W), (n, 3, H, W), (n, d) -> (n,).

    Up to constants the negative log posterior of a latent under Gaussian errors of the pixels and, as prior,
    a round Gaussian about the encoder's answer. About the prior's own mean it reconstructs worse: it pulls
    unusual faces to the usual ones."""
    errors = ((target - faces) ** 2 * weights(*target.shape[1:])).mean(axis=(1, 2, 3), dtype=np.float64)
    value: Doubles = errors + PULL * (moved**2).sum(axis=1)
    return value


def weights(height: int, width: int) -> Floats:
    """How much each pixel counts, (H, W) of mean 1: a soft bell over the middle."""
    y, x = (np.linspace(-1, 1, size) for size in (height, width))
    bell = 1 + MIDDLE * np.exp(-2 * (y[:, None] ** 2 + x**2))
    weight: Floats = (bell / bell.mean()).astype(np.float32)
    return weight


def _jacobian(latent: Doubles, face: Planes, decode: Decode) -> Floats:
    """d face / d latent, (d, 3 * H * W)."""
    moved = (latent + _DIFFERENCE * np.eye(len(latent))).astype(np.float32)
    rows: Floats = decode(moved).reshape(len(moved), -1)
    rows -= face.ravel()
    rows /= np.float32(_DIFFERENCE)
    return rows
