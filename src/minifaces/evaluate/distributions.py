"""How near a sample of made faces is to a sample of real ones, and whether it is only copied from the training faces.

    frechet_distance(real, made)           # 0 for the same mean and covariance
    density, coverage = density_coverage(real, made)
    two_sample(real, made).accuracy        # 0.5: no linear classifier can tell them apart

All work on features, (n, f) finite numbers, one row a face: latents, pixels, or what a network makes of pictures.
Anything else raises UsageError. Memory is bounded: distances of all pairs are made a block of rows at a time."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigvalsh
from scipy.stats import rankdata
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from minifaces.arrays import Bools, Doubles, Places
from minifaces.errors import UsageError

_PAIRS = 2**22  # of which the distances are held at a time
_DIMENSIONS = 128  # that the classifier of the two-sample test sees
_STRENGTH = 0.01  # inverse of its L2 penalty: with whitened inputs the accuracy hardly depends on it


def frechet_distance(a: ArrayLike, b: ArrayLike) -> float:
    """Fréchet distance of two Gaussians with the means and covariances of a (n, f) and b (m, f), at least 0:

        |mean_a - mean_b|^2 + tr(A) + tr(B) - 2 tr((A B)^(1/2))

    Dowson and Landau, "The Fréchet distance between multivariate normal distributions", 1982; as a measure of
    generators Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium",
    NeurIPS 2017. With A = X'X the last trace is the sum of the singular values of M = X Y', the roots of the
    eigenvalues of M M', so no root of a matrix is taken and fewer rows than features do no harm to the arithmetic; but
    estimated from few rows the distance comes out too large (Chong and Forsyth, "Effectively unbiased FID and
    Inception Score", CVPR 2020), so compare only distances from samples of the same sizes."""
    a, b = _features(2, a=a, b=b)
    x, y = _spread(a), _spread(b)
    apart = ((a.mean(0) - b.mean(0)) ** 2).sum()
    product = x @ y.T if len(x) <= len(y) else y @ x.T
    squares = eigvalsh(product @ product.T, check_finite=False)  # in less than half the time of singular values
    return max(0.0, float(apart + (x**2).sum() + (y**2).sum() - 2 * np.sqrt(np.maximum(squares, 0)).sum()))


def kernel_distance(a: ArrayLike, b: ArrayLike) -> float:
    """Kernel distance (KID) of a (n, f) and b (m, f): the unbiased estimate of the squared maximum mean discrepancy

        mean of k(x, x') + mean of k(y, y') - 2 mean of k(x, y),  k(x, y) = (x.y / f + 1)^3

    with x, x' different rows of a and y, y' of b. Unbiased, it is as often below as above 0 when both come from one
    distribution, whatever the sample sizes. Binkowski et al., "Demystifying MMD GANs", ICLR 2018; all pairs are
    taken at once instead of the mean over subsets that they take to save time, which has the larger variance."""
    a, b = _features(2, a=a, b=b)
    within = [(_kernels(x, x) - _cubes(_lengths(x), x.shape[1])) / (len(x) * (len(x) - 1)) for x in (a, b)]
    return sum(within) - 2 * _kernels(a, b) / (len(a) * len(b))


def density_coverage(real: ArrayLike, made: ArrayLike, k: int = 5) -> tuple[float, float]:
    """Density and coverage of made (m, f) in real (n, f), by balls about each real row that end at its k-th neighbour.

    Density: in how many balls a made row lies on average, over k: 1 is expected of two samples of one distribution,
    more of rows that crowd where real ones are dense. Coverage: the share of balls with a made row in them, in [0, 1],
    expected 1 - C(n - 1, k) / C(n + m - 1, k), or near 1 - 2^-k for n = m. Naeem, Oh, Uh, Choi and Yoo,
    "Reliable fidelity and diversity metrics for generative models", ICML 2020. Raises UsageError unless 1 <= k < n."""
    real, made = _features(1, real=real, made=made)
    if not 1 <= k < len(real):
        raise UsageError(f"{len(real)} real faces have 1 to {len(real) - 1} neighbours, not {k}")
    radii = [np.partition(squares, k, axis=1)[:, k] for _, squares in _distances(real, real)]  # place 0: itself
    radius = np.concatenate(radii) * (1 - 1e-9)  # a row just on the border is outside, whatever the rounding
    inside = [(squares < radius[rows, None]).sum(1) for rows, squares in _distances(real, made)]
    count = np.concatenate(inside)
    return float(count.sum() / (k * len(made))), float((count > 0).mean())


def authenticity(train: ArrayLike, made: ArrayLike, groups: ArrayLike | None = None) -> float:
    """Share of made (m, f) rows that are not copies of a training row, in [0, 1].

    A row counts as a copy when it is nearer to its nearest training row than that one is to the nearest other
    training row; an exact copy always does. Alaa, van Breugel, Saveliev and van der Schaar, "How faithful is your
    synthetic data?", ICML 2022. Not even a fresh sample of the training distribution reaches 1: of normal ones a
    third does in one dimension, four fifths in a hundred, so take the authenticity of held-out rows for a yardstick.
    With `groups` (n,), a name for each row of train, "other" means of another group: with many pictures of each
    design and without it every copy looks authentic, as the original has neighbours that are nearer still."""
    train, made = _features(1, train=train, made=made)
    group = _groups(groups, len(train))
    if group.max() == 0:
        raise UsageError("authenticity needs training faces of at least two groups")
    others = []
    for rows, squares in _distances(train, train):
        squares[group[rows, None] == group] = np.inf
        others.append(squares.argmin(1))
    radius = _apart(train, train[np.concatenate(others)])
    index, distance = nearest(made, train)
    return float(((distance > 0) & (distance >= radius[index])).mean())


def copying(train: ArrayLike, held_out: ArrayLike, made: ArrayLike) -> float:
    """C_T: how much nearer made rows are to the training rows than held-out rows are, as a z score; below 0: nearer.

    The Mann-Whitney U statistic of the two sets of distances to the nearest row of train, less its mean and over its
    standard deviation (corrected for ties) if both sets came from one distribution: below about -3 the model copies,
    above 3 it underfits. Meehan, Chaudhuri and Dasgupta, "A non-parametric test to detect data-copying in generative
    models", AISTATS 2020; over the whole space instead of cell by cell. It presumes that held-out rows come from the
    training distribution, and independent rows; it grows with the root of the sample sizes."""
    train, held_out, made = _features(1, train=train, held_out=held_out, made=made)
    near, far = nearest(made, train)[1], nearest(held_out, train)[1]
    n, m = len(near), len(far)
    ranks = rankdata(np.concatenate([near, far]))
    larger = ranks[:n].sum() - n * (n + 1) / 2  # pairs in which the made row is farther; a tie is half a pair
    ties = np.unique(ranks, return_counts=True)[1].astype(float)
    variance = n * m / 12 * (n + m + 1 - (ties**3 - ties).sum() / ((n + m) * (n + m - 1)))
    return float((larger - n * m / 2) / np.sqrt(variance)) if variance > 0 else 0.0


class TwoSample(NamedTuple):
    """What a classifier could tell: `right_a` (n,) and `right_b` (m,) say of which rows, `accuracy` is the mean of
    the two shares. All are judged by classifiers that have not seen them."""

    accuracy: float
    right_a: Bools
    right_b: Bools


def two_sample(a: ArrayLike, b: ArrayLike, folds: int = 5, seed: int = 0) -> TwoSample:
    """Classifier two-sample test: how well logistic regression tells a (n, f) from b (m, f), 0.5 (not) to 1 (always).

    Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", ICLR 2017. The balanced accuracy in
    cross-validation; chance may bring it a little below 0.5. Features are standardised, brought to their 128 principal
    components at most (no more than a fifth of the rows) and whitened; that is done once for all rows, since it sees
    no labels and so cannot leak them. Raises UsageError for fewer rows than folds."""
    a, b = _features(1, a=a, b=b)
    least = min(len(a), len(b))
    if not 2 <= folds <= least:
        raise UsageError(f"samples with {least} rows make 2 to {least} folds, not {folds}")
    rows = np.concatenate([a, b])
    rows -= rows.mean(0)
    spread = rows.std(0)
    rows /= np.where(spread > 0, spread, 1)
    size = max(1, min(_DIMENSIONS, len(rows) // 5, rows.shape[1]))
    if spread.any():
        rows = PCA(size, whiten=True, random_state=seed).fit_transform(rows)
    label = np.repeat([0, 1], [len(a), len(b)])
    rng = np.random.default_rng(seed)
    fold = np.concatenate([rng.permutation(np.arange(n) % folds) for n in (len(a), len(b))])
    right = np.empty(len(rows), bool)
    for i in range(folds):
        classifier = LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=1000)
        classifier.fit(rows[fold != i], label[fold != i])
        right[fold == i] = classifier.predict(rows[fold == i]) == label[fold == i]
    right_a, right_b = right[: len(a)], right[len(a) :]
    return TwoSample(float(right_a.mean() + right_b.mean()) / 2, right_a, right_b)


def nearest(a: ArrayLike, b: ArrayLike) -> tuple[Places, Doubles]:
    """The row of b (m, f) that is nearest to each row of a (n, f): its index (n,) and Euclidean distance (n,)."""
    a, b = _features(1, a=a, b=b)
    index = np.concatenate([squares.argmin(1) for _, squares in _distances(a, b)])
    return index, _apart(a, b[index])


def _features(least: int, **samples: ArrayLike) -> list[Doubles]:
    """The samples as float64; UsageError unless they are finite, of one width, with at least `least` rows each."""
    checked: dict[str, Doubles] = {}
    for name, sample in samples.items():
        rows = np.asarray(sample)
        if rows.ndim != 2 or rows.shape[1] == 0 or rows.dtype.kind not in "fiub":
            raise UsageError(f"{name} must be (n, f) numbers, one row a face, not {rows.shape} {rows.dtype}")
        if len(rows) < least:
            raise UsageError(f"{name} has {len(rows)} rows: at least {least} are needed")
        if not np.isfinite(rows).all():
            raise UsageError(f"{name} holds features that are not finite")
        checked[name] = rows.astype(np.float64)
    if len({rows.shape[1] for rows in checked.values()}) > 1:
        widths = ", ".join(f"{name} {rows.shape[1]}" for name, rows in checked.items())
        raise UsageError(f"samples must have as many features each, not {widths}: take them from one network")
    return list(checked.values())


def _groups(groups: ArrayLike | None, rows: int) -> Places:
    """A number from 0 for each row's group; each row its own without groups."""
    if groups is None:
        return np.arange(rows)
    names = np.asarray(groups)
    if names.shape != (rows,):
        raise UsageError(f"{rows} rows need as many groups, not {names.shape}")
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _spread(rows: Doubles) -> Doubles:
    """A matrix X with at most f rows for which X'X is the covariance of the rows (n, f)."""
    centred: Doubles = (rows - rows.mean(0)) / np.sqrt(len(rows) - 1)
    if len(rows) <= rows.shape[1]:
        return centred
    return np.asarray(np.linalg.qr(centred, mode="r"))


def _kernels(a: Doubles, b: Doubles) -> float:
    """The sum of (x.y / f + 1)^3 over all pairs of rows."""
    return sum(_cubes(a[rows] @ b.T, a.shape[1]) for rows in _blocks(len(a), len(b)))


def _cubes(products: Doubles, width: int) -> float:
    base = products / width + 1
    return float((base * base * base).sum())  # base**3 would take ten times as long


def _distances(a: Doubles, b: Doubles) -> Iterator[tuple[slice, Doubles]]:
    """Rows of a, and their squared distances to all rows of b, (rows, m): block by block.

    What may be only rounding in |x|^2 - 2 x.y + |y|^2 comes out as 0."""
    middle = b.mean(0)
    same = a is b
    b = b - middle
    a = b if same else a - middle
    of_a, of_b = _lengths(a), _lengths(b)
    for rows in _blocks(len(a), len(b)):
        scale = of_a[rows, None] + of_b
        squares = scale - 2 * (a[rows] @ b.T)
        squares[squares < 1e-12 * scale] = 0
        yield rows, squares


def _blocks(rows: int, columns: int) -> list[slice]:
    step = max(1, _PAIRS // columns)
    return [slice(start, start + step) for start in range(0, rows, step)]


def _lengths(rows: Doubles) -> Doubles:
    """Squared lengths of the rows, (n,)."""
    lengths: Doubles = np.einsum("ij,ij->i", rows, rows)
    return lengths


def _apart(a: Doubles, b: Doubles) -> Doubles:
    """Distances of the rows of a to those of b, one to one, (n,): exact, so that a copy is at 0."""
    distances: Doubles = np.sqrt(_lengths(a - b))
    return distances
