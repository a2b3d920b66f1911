"""New prints from old: the eyes of one with the mouth of another, cut along a seam of least ink.

The cut runs across the face between eyes and mouth along the path that crosses the least ink of either print
(dynamic programming, as in seam carving: Avidan and Shamir 2007). Where both prints show the same colour,
crossing costs nothing. Pairs whose best seam still cuts through ink are not joined."""

from functools import cache

import numpy as np

from minifaces.arrays import Bools, Floats, Places
from minifaces.ldraw.head import V_TOTAL
from minifaces.ldraw.jit import jit
from minifaces.ldraw.prints import Prints

STEP = 4  # seams are found on textures pooled by this
FIRST, LAST = 12.8, 18.2  # the seam's range of v: below the eyes, above the mouth's lower lip
MOST_INK = 1.0  # of crossed texels (pooled) that a seam may cost
SAME = 0.06  # colours nearer than this, of 0..1, count as the same
TRIES = 12


class SeamFinder:
    """Finds partners for prints. `columns` is the length of a seam."""

    def __init__(self, prints: Prints) -> None:
        n, height, width, _ = prints.colours.shape
        rows = np.arange(height // STEP, dtype=np.float32) + 0.5
        rows *= V_TOTAL * STEP / height
        band = (rows >= FIRST) & (rows <= LAST)
        self.v = rows[band]
        cells = prints.colours.reshape(n, height // STEP, STEP, width // STEP, STEP, 4)[:, band]
        # The strongest ink of a cell counts, so that thin lines are not crossed unseen.
        self.alpha = np.ascontiguousarray(cells[..., 3].max((2, 4)).astype(np.float32) / 255)
        colour = cells[..., :3].mean((2, 4), dtype=np.float32) / 255
        self.colour = np.ascontiguousarray(colour * self.alpha[..., None])
        self.columns = width // STEP
        self.own = np.array([d.colour if d.kind == "own" else -1 for d in prints.designs])

    def partner(self, upper: int, choice: Places, rng: np.random.Generator) -> tuple[int, Bools, Floats]:
        """A lower part for `upper` from `choice`: (print index, (2,) bool mirrors, (columns,) seam v).

        Where no try finds a clean seam, the print itself comes back, whole."""
        for _ in range(TRIES):
            lower = int(rng.choice(choice))
            turned = rng.random(2) < 0.5
            if lower == upper or self.own[lower] != self.own[upper]:
                continue
            seam, cost = self.seam(upper, lower, turned)
            if cost <= MOST_INK:
                return lower, turned, seam
        return upper, np.zeros(2, bool), np.full(self.columns, V_TOTAL, np.float32)

    def seam(self, upper: int, lower: int, turned: Bools) -> tuple[Floats, float]:
        """The best seam between two prints, each mirrored or not: v by column, and how much ink it cuts through."""
        rows, cost = _seam(
            _mirrored(self.alpha[upper], turned[0]), _mirrored(self.alpha[lower], turned[1]),
            _mirrored(self.colour[upper], turned[0]), _mirrored(self.colour[lower], turned[1]),
        )  # fmt: skip
        return self.v[rows], float(cost)


@cache
def seam_finder(prints: Prints) -> SeamFinder:
    """The finder of these prints, made once."""
    return SeamFinder(prints)


def _mirrored(plane: Floats, turned: np.bool_) -> Floats:
    return np.ascontiguousarray(plane[:, ::-1]) if turned else plane


@jit
def _seam(upper, lower, upper_colour, lower_colour):  # type: ignore[no-untyped-def]
    """Row per column of the cheapest path from left to right, moving at most a row a column, and its ink."""
    rows, columns = upper.shape
    ink = np.zeros((rows, columns), np.float32)
    for r in range(rows):
        for c in range(columns):
            apart = np.float32(0)
            for k in range(3):
                apart = max(apart, abs(upper_colour[r, c, k] - lower_colour[r, c, k]))
            if apart > SAME:
                ink[r, c] = upper[r, c] + lower[r, c]
    # A slight pull to the middle keeps the seam from wandering where all is bare.
    pull = np.abs(np.arange(rows) - rows * 0.45) / rows * 0.004
    total = np.empty((rows, columns), np.float32)
    came = np.zeros((rows, columns), np.int64)
    for r in range(rows):
        total[r, 0] = ink[r, 0] + pull[r]
    for c in range(1, columns):
        for r in range(rows):
            best, source = total[r, c - 1], r
            for other in (r - 1, r + 1):
                if 0 <= other < rows and total[other, c - 1] + 0.01 < best:
                    best, source = total[other, c - 1] + np.float32(0.01), other
            total[r, c] = best + ink[r, c] + pull[r]
            came[r, c] = source
    path = np.empty(columns, np.int64)
    path[columns - 1] = np.argmin(total[:, columns - 1])
    cost = np.float32(0)
    for c in range(columns - 1, -1, -1):
        cost += ink[path[c], c]
        if c:
            path[c - 1] = came[path[c], c]
    return path, cost
