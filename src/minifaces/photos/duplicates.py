"""Find faces that were seen before: by a perceptual hash, then by how alike their prints are.

    index = Index(load=lambda key: read_picture(path_of(key)))
    index.add("a", hash_of(face), face)        # None: new
    index.add("b", hash_of(again), again)      # "a"

The hash is that of pHash: signs of the lowest frequencies of a cosine transform against their median (Zauner,
"Implementation and benchmarking of perceptual image hash functions", 2010), of the part of a framed face that carries
the print. Faces whose hashes are near are compared themselves. An index holds 8 bytes and a key for each picture."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter

from minifaces.images import Pixels, resize

NEAR = 16  # bits of 64 in which hashes of one picture may differ ...
ALIKE = 0.8  # ... if the prints are so alike
CANDIDATES = 8  # that are looked at, the nearest first: among thousands of plain heads, many hashes are near
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)

_ROWS, _COLUMNS = (0.22, 0.86), (0.14, 0.86)  # shares of a framed face in which its print lies
_HEIGHT, _WIDTH = 48, 54  # pixels at which prints are compared
_REACH = 2  # pixels that they may be moved against each other
_SMOOTH = 5.0  # pixels: what changes more slowly is light
_NOISE = 3.0  # of 255: differences that mean nothing
_COLOURS = 0.04  # of the shares of red, green and blue: heads whose colours differ by that are hardly the same


def hash_of(picture: Pixels) -> int:
    """The 64-bit hash of a framed (H, W, 3) uint8 face."""
    luma = resize(_print_of(picture), 32, 32) @ LUMA
    low = dctn(luma, norm="ortho")[:8, :8].ravel()
    return int(np.packbits(low > np.median(low[1:])).view(">u8")[0])


def print_similarity(a: Pixels, b: Pixels) -> float:
    """How alike the prints of two framed faces are, about 0 (not) to 1 (the same).

    The correlation of what stands out from the light, at the best of small moves, times how alike the heads' colours
    are. Two heads without any print are alike if their colours are."""
    first, second = (resize(_print_of(p), _HEIGHT, _WIDTH) for p in (a, b))
    details = [_details(p) for p in (first, second)]
    inner = details[0][_REACH:-_REACH, _REACH:-_REACH]
    best = -1.0
    for y in range(2 * _REACH + 1):
        for x in range(2 * _REACH + 1):
            moved = details[1][y : y + inner.shape[0], x : x + inner.shape[1]]
            best = max(best, _correlation(inner, moved))
    shares = [p.mean((0, 1)) / max(float(p.sum((0, 1)).sum()) / p[..., 0].size, 1.0) for p in (first, second)]
    apart = float(np.abs(shares[0] - shares[1]).max())
    return max(0.0, best) * float(np.exp(-((apart / _COLOURS) ** 2)))


class Index:
    """Hashes seen so far. `load` gives the face of a key, for a second look; without it the hashes alone decide."""

    def __init__(self, load: Callable[[str], Pixels] | None = None) -> None:
        self._load = load
        self._keys: list[str] = []
        self._hashes = np.empty(1024, np.uint64)

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: str, bits: int, picture: Pixels | None = None) -> str | None:
        """Remember a face; return the key of the first one that it repeats, or None where it is new.

        `picture` is the framed face; where it is not given it is loaded, and only if need be."""
        found = self._find(key, bits, picture)
        self.remember(key, bits)
        return found

    def remember(self, key: str, bits: int) -> None:
        """Add a face that need not be compared."""
        count = len(self._keys)
        if count == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.empty(count, np.uint64)])
        self._hashes[count] = bits
        self._keys.append(key)

    def _find(self, key: str, bits: int, picture: Pixels | None) -> str | None:
        apart = np.bitwise_count(self._hashes[: len(self._keys)] ^ np.uint64(bits))
        near = np.flatnonzero(apart <= NEAR)
        near = near[np.argsort(apart[near], kind="stable")][:CANDIDATES]
        if not len(near):
            return None
        if self._load is None:
            return self._keys[near[0]] if apart[near[0]] <= NEAR // 2 else None
        mine = self._load(key) if picture is None else picture
        alike = [i for i in near if print_similarity(mine, self._load(self._keys[i])) >= ALIKE]
        return self._keys[min(alike)] if alike else None


def _print_of(picture: Pixels) -> Pixels:
    height, width = picture.shape[:2]
    rows = slice(int(_ROWS[0] * height), max(int(_ROWS[1] * height), int(_ROWS[0] * height) + 1))
    columns = slice(int(_COLUMNS[0] * width), max(int(_COLUMNS[1] * width), int(_COLUMNS[0] * width) + 1))
    return np.ascontiguousarray(picture[rows, columns])


def _details(face: Pixels) -> NDArray[np.float32]:
    luma = face @ LUMA
    soft: NDArray[np.float32] = luma - gaussian_filter(luma, _SMOOTH, mode="nearest")
    return soft


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Of two equal shapes, with noise counted as common: nothing and nothing are alike."""
    noise = _NOISE**2 * a.size
    return float(((a * b).sum() + noise) / np.sqrt(((a * a).sum() + noise) * ((b * b).sum() + noise)))
