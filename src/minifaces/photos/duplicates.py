"""Find faces that were seen before: by a perceptual hash, then by how alike their prints are.

    index = Index(load=lambda key: read_picture(path_of(key)))
    index.add("a", hash_of(face), face)        # None: new
    index.add("b", hash_of(again), again)      # "a"

The hash is that of pHash: signs of the lowest frequencies of a cosine transform against their median (Zauner,
"Implementation and benchmarking of perceptual image hash functions", 2010), of the part of a framed face that carries
the print. Faces whose hashes are near are compared themselves. An index holds 8 bytes and a key for each picture."""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter

from minifaces.arrays import Floats, Pixels
from minifaces.images import LUMA, resize

NEAR = 16  # bits of 64 in which hashes of one picture may differ ...
ALIKE = 0.7  # ... if the prints are so alike
CANDIDATES = 3  # that are looked at, the nearest first: faces are laid out alike, so that many hashes are near
CACHED = 2000  # faces whose prints are kept at hand

_ROWS, _COLUMNS = (0.22, 0.86), (0.14, 0.86)  # shares of a framed face in which its print lies
_HEIGHT, _WIDTH = 48, 54  # pixels at which prints are compared
_REACH = 2  # pixels that they may be moved against each other
_SMOOTH = 5.0  # pixels: what changes more slowly is light
_NOISE = 3.0  # of 255: differences that mean nothing
_COLOURS = 0.04  # of the shares of red, green and blue: heads whose colours differ by that are hardly the same


def hash_of(picture: Pixels) -> int:
    """The 64-bit hash of a framed (H, W, 3) uint8 face."""
    low = dctn(_details(resize(_print_of(picture), 32, 32)), norm="ortho")[:8, :8].ravel()
    return int(np.packbits(low > np.median(low)).view(">u8")[0])


def print_similarity(a: Pixels, b: Pixels) -> float:
    """How alike the prints of two framed faces are, about 0 (not) to 1 (the same).

    The correlation of what stands out from the light, at the best of small moves, times how alike the heads' colours
    are. Two heads without any print are alike if their colours are."""
    return _similarity(_look(a), _look(b))


class _Print(NamedTuple):
    details: Floats
    """(48, 54): luma less its surroundings."""
    colour: Floats
    """(3,): shares of red, green and blue."""


def _look(picture: Pixels) -> _Print:
    face = resize(_print_of(picture), _HEIGHT, _WIDTH)
    colour = face.mean((0, 1), dtype=np.float32)
    return _Print(_details(face), colour / max(float(colour.sum()), 1.0))


def _similarity(a: _Print, b: _Print) -> float:
    inner = a.details[_REACH:-_REACH, _REACH:-_REACH]
    height, width = inner.shape
    moves = [(y, x) for y in range(2 * _REACH + 1) for x in range(2 * _REACH + 1)]
    best = max(_correlation(inner, b.details[y : y + height, x : x + width]) for y, x in moves)
    apart = float(np.abs(a.colour - b.colour).max())
    return max(0.0, best) * float(np.exp(-((apart / _COLOURS) ** 2)))


class Index:
    """Hashes seen so far. `load` gives the face of a key, for a second look; without it the hashes alone decide."""

    def __init__(self, load: Callable[[str], Pixels] | None = None) -> None:
        self._load = load
        self._keys: list[str] = []
        self._hashes = np.empty(1024, np.uint64)
        self._prints: OrderedDict[str, _Print] = OrderedDict()

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: str, bits: int, picture: Pixels | None = None) -> str | None:
        """Remember a face; return the key of one that it repeats, or None where it is new.

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
        mine = self._print(key, picture)
        for i in near:
            if _similarity(mine, self._print(self._keys[i], None)) >= ALIKE:
                return self._keys[i]
        return None

    def _print(self, key: str, picture: Pixels | None) -> _Print:
        """A face's print, at hand or looked at."""
        found = self._prints.pop(key, None)
        if found is None:
            assert self._load is not None
            found = _look(self._load(key) if picture is None else picture)
        self._prints[key] = found
        if len(self._prints) > CACHED:
            self._prints.popitem(last=False)
        return found


def _print_of(picture: Pixels) -> Pixels:
    height, width = picture.shape[:2]
    rows = slice(int(_ROWS[0] * height), max(int(_ROWS[1] * height), int(_ROWS[0] * height) + 1))
    columns = slice(int(_COLUMNS[0] * width), max(int(_COLUMNS[1] * width), int(_COLUMNS[0] * width) + 1))
    return np.ascontiguousarray(picture[rows, columns])


def _details(face: Pixels) -> Floats:
    luma = face @ LUMA.astype(np.float32)
    left: Floats = luma - gaussian_filter(luma, _SMOOTH, mode="nearest")
    return left


def _correlation(a: Floats, b: Floats) -> float:
    """Of two equal shapes, with noise counted as common: nothing and nothing are alike."""
    noise = _NOISE**2 * a.size
    return float(((a * b).sum() + noise) / np.sqrt(((a * a).sum() + noise) * ((b * b).sum() + noise)))
