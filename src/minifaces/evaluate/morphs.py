"""Morphs between random pairs, unpicked: do they end where they should, move evenly, and stay faces on the way?"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from minifaces.arrays import Floats, Latents, Pixels, Places
from minifaces.errors import UsageError
from minifaces.evaluate.distributions import nearest
from minifaces.evaluate.features import lite0
from minifaces.evaluate.intervals import Interval, bootstrap, bootstrap_pairs, mean
from minifaces.evaluate.parts import Part, Picture, Progress, Table, Value
from minifaces.evaluate.similarity import psnr
from minifaces.evaluate.testset import FaceSet
from minifaces.images import resized
from minifaces.pictures import grid
from minifaces.studio.model import Model

Judged = Callable[[NDArray[np.floating]], Interval]
PATHS = ("linear", "slerp", "density", "geodesic")
FRAMES = 9  # of a measured morph, with both ends
SEED = 7
WORST = 10
GEODESICS = 16  # one pair in so many: a geodesic takes 50 times as long as a line


def morphs(model: Model, faces: FaceSet, data: Floats, pairs: int, progress: Progress) -> Part:
    """Morph `pairs` random pairs of unseen faces along each path (a geodesic: one in `GEODESICS`). `data` (n, 1280) are
    lite0 features of reconstructed training faces: what lies near them is a face as the model draws faces, and so the
    distance tells of the path, not of the decoder's softness. Frames are judged against how far reconstructions of
    unseen faces lie from them."""
    if len(faces) < 2:
        raise UsageError("morphs need two unseen faces or more")
    rng = np.random.default_rng(SEED)
    every = np.stack([rng.choice(len(faces), 2, replace=False) for _ in range(pairs)])
    latents = faces.latents(model)
    size = faces.pictures.shape[1]
    usual = nearest(lite0(resized(model.decode(latents), size)), data)[1]
    limit = float(np.percentile(usual, 95))
    rows: dict[str, dict[str, Value]] = {
        "unseen faces, reconstructed": _distance_row(
            usual[:, None], limit, partial(bootstrap, mean, groups=faces.groups)
        ),
        # What a morph would get if its frames were faces that have nothing to do with one another.
        f"{FRAMES - 2} of them at random": _distance_row(
            rng.choice(usual, (pairs, FRAMES - 2)), limit, partial(bootstrap, mean)
        ),
    }
    worst: list[Picture] = []
    ways: dict[str, Latents] = {}
    for number, path in enumerate(PATHS):
        ends = every[::GEODESICS] if path == "geodesic" else every
        ways[path] = np.empty((len(ends), FRAMES, model.latent_size), np.float32)
        for i, (a, b) in enumerate(ends):
            ways[path][i] = model.morph_latents(latents[a], latents[b], steps=FRAMES, path=path)  # type: ignore[arg-type]
            if i % 10 == 0:
                progress(f"morphs: {path}", (number + i / len(ends)) / len(PATHS))
        twin = next((known for known in rows if known in ways and _alike(ways[known], ways[path])), None)
        if twin:  # the density may leave the lines as they are
            rows[path] = rows[twin]
            continue
        frames = resized(model.decode(ways[path].reshape(-1, model.latent_size)), size)
        frames = frames.reshape(len(ends), FRAMES, *frames.shape[1:])
        inner = frames[:, 1:-1].reshape(-1, *frames.shape[2:])
        far = nearest(lite0(inner), data)[1].reshape(len(ends), FRAMES - 2)
        judged = partial(bootstrap_pairs, groups=faces.groups[ends])
        rows[path] = {"pairs": len(ends)} | _distance_row(far, limit, judged) | _motion_row(frames, faces, ends, judged)
        within = (usual[ends] <= limit).all(1)
        beyond = np.where(within, 100.0 * (far.max(1) > limit), np.nan)  # else it can hardly stay within
        rows[path]["morphs beyond it whose ends are not, %"] = judged(beyond)
        order = np.argsort(far.max(1))[::-1][:WORST]
        worst.append(
            Picture(
                f"morphs-{path}",
                f"The {WORST} worst of {len(ends)} morphs, {path}, by their frame farthest from the data.",
                grid(frames[order].reshape(-1, *frames.shape[2:]), FRAMES, gap=2),
            )
        )
    columns = tuple(dict.fromkeys(column for row in rows.values() for column in row))
    note = (
        f"{pairs} random pairs of unseen faces, {FRAMES} frames each. Distance: from a frame to the nearest of "
        f"{len(data)} reconstructed training faces in lite0 features; 95 % of reconstructed unseen faces lie within "
        f"{limit:.2f}, and {(usual[every] <= limit).all(1).mean():.0%} of the pairs with both ends. Steps: root mean "
        "square change from frame to frame, in levels of 255; even = largest / mean."
    )
    return Part("morphs", "Morphs", [Table("paths", columns, rows, note)], worst)


def _alike(ways: Latents, others: Latents) -> bool:
    """Whether latents (n, frames, d) are the same to rounding."""
    return ways.shape == others.shape and np.allclose(ways, others, rtol=0, atol=1e-5)


def _distance_row(far: NDArray[np.floating], limit: float, judged: Judged) -> dict[str, Value]:
    """Of distances (n, frames)."""
    return {
        "distance": judged(far.mean(1)),
        "95 % of frames within": float(np.percentile(far, 95)),
        "of the worst frame": judged(far.max(1)),
        "worst of all": float(far.max()),
        "morphs beyond the 95th percentile, %": judged(100.0 * (far.max(1) > limit)),
        "frames beyond it, %": judged(100.0 * (far > limit).mean(1)),
    }


def _motion_row(frames: Pixels, faces: FaceSet, ends: Places, judged: Judged) -> dict[str, Value]:
    step, bend = (np.array(part) for part in zip(*map(_motion, frames), strict=True))
    fidelity = [psnr(faces.pictures[ends[:, i]], frames[:, -i]) for i in (0, 1)]  # first and last
    return {
        "PSNR at the ends": judged(np.mean(fidelity, 0)),
        "mean step": judged(step.mean(1)),
        "largest step": judged(step.max(1)),
        "even": judged(step.max(1) / np.maximum(step.mean(1), 1e-9)),
        "bend": judged(bend),
    }


def _motion(frames: Pixels) -> tuple[NDArray[np.floating], float]:
    """Of one morph (frames, H, W, 3): the root mean square change of each step, and the mean of the change of that."""
    moved = np.diff(frames.astype(np.float32), axis=0).reshape(len(frames) - 1, -1)
    turned = np.diff(moved, axis=0)
    lengths = (np.sqrt(np.einsum("ij,ij->i", rows, rows) / rows.shape[1]) for rows in (moved, turned))
    return next(lengths), float(next(lengths).mean())
