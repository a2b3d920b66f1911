"""A map of latents: similar faces end up near one another in the plane.

project(model.gallery.latents)          # (n, 2)"""

import numpy as np
from numpy.typing import ArrayLike

from minifaces.arrays import Doubles
from minifaces.checks import numbers, whole
from minifaces.errors import UsageError, needs
from minifaces.keptmap import known
from minifaces.studio.generator import FARTHEST

_LEADING = 50  # van der Maaten and Hinton, "Visualizing data using t-SNE", JMLR 2008: PCA to this many first
_PERPLEXITY = 30.0
_FEW = 5


def project(latents: ArrayLike, seed: int = 0) -> Doubles:
    """Lay out (n, d) latents in the plane, (n, 2), in units of no meaning: PCA to 50, then t-SNE from there.

    Five latents or fewer, or equal ones, have no neighbourhoods to keep and are laid out by PCA alone. One
    thread and a fixed seed: the same latents give the same map. That of the bundled gallery and seed 0 is kept. Raises
    UsageError for no latents, a negative seed, numbers that are not finite, or where openTSNE is missing."""
    seed = whole("a map's seed", seed, 0, 2**32 - 1)
    points = numbers("the latents of a map", latents, FARTHEST).astype(np.float64)
    if points.ndim != 2 or not points.size:
        raise UsageError(f"a map needs latents (n, d) of at least one face, not {points.shape}")
    kept = None if seed else known("places", points)
    return laid_out(points, seed) if kept is None else kept


def laid_out(points: Doubles, seed: int = 0) -> Doubles:
    """The same for points (n, d) that are checked, and none of it kept."""
    leading = _principal(points, _LEADING)
    if len(points) <= _FEW or not leading.any():
        return leading[:, :2]
    return _tsne(leading, seed)


def _principal(points: Doubles, size: int) -> Doubles:
    """Scores along the leading principal axes: at most `size`, and two at least, zero if need be."""
    centred = points - points.mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    scores = (u * s)[:, :size]
    # An axis may come out either way: let each point's side be decided by the data.
    scores = scores * np.where(scores[np.abs(scores).argmax(axis=0), np.arange(scores.shape[1])] < 0, -1, 1)
    return np.pad(scores, [(0, 0), (0, max(0, 2 - scores.shape[1]))])


def _tsne(points: Doubles, seed: int) -> Doubles:
    needs("a map of other faces than the bundled model's", "map", "openTSNE")
    from openTSNE import TSNE
    from threadpoolctl import threadpool_limits

    # openTSNE's PCA start adds a jitter, which parts equal faces.
    layout = TSNE(
        perplexity=min(_PERPLEXITY, (len(points) - 1) / 3),
        initialization="pca",
        negative_gradient_method="bh" if len(points) < 10_000 else "fft",
        n_jobs=1,
        random_state=seed,
    )
    with threadpool_limits(1, "openmp"):  # whose threads a forked child would wait for without end
        return np.asarray(layout.fit(points), dtype=np.float64)
