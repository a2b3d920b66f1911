"""What a seed means: noise that is the same on every machine and in every language, face by face.

    normals(7, n=25, size=192)          # (25, 192) float64, multiples of 2^-16
    avatar_seed("alice@example.com")    # a seed from any text

docs/reference/architecture.md has the whole definition, and tests/data/generator.json examples of it: the explorer's
page draws the same faces. The bits are Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as
1, 2, 3", SC 2011), with the seed as key and the face's number in the counter, so that a face depends on
nothing but its seed and number. Normals are Box and Muller's, rounded so that the last bits of a logarithm
or a cosine, which differ between languages, are gone."""

import hashlib
import secrets
import sys
import unicodedata
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray

from minifaces.arrays import Doubles
from minifaces.checks import whole, word

LARGEST_SEED = 2**128 - 1
FARTHEST = 1e6
"""the largest number in a latent: far beyond faces, and well short of where squares and networks overflow"""
GRAIN = 2.0**-10
"""latents that are drawn are whole multiples of this"""
_NOISE_GRAIN = 2.0**-16
_WORD = 2**64


def fresh_seed() -> int:
    """A seed that nobody had before."""
    return secrets.randbits(128)


def avatar_seed(text: str) -> int:
    """The seed of a text: the first 16 bytes of the SHA-256 of its UTF-8 in normal form C, the first byte highest."""
    data = unicodedata.normalize("NFC", word("what has a face", text)).encode("utf-8", errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(data).digest()[:16], "big")


def normals(seed: int, n: int, size: int, stream: int = 0) -> Doubles:
    """Noise of the faces 0 to n - 1 of a seed: (n, size), standard normal. Streams are independent."""
    words = _words(seed, n, size + size % 2, stream)
    radius = np.sqrt(-2 * np.log((words[:, 0::2] + 1) * 2.0**-53))
    angle = 2 * np.pi * (words[:, 1::2] * 2.0**-53)
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2).reshape(n, -1)
    return rounded(pairs[:, :size], _NOISE_GRAIN)


def uniforms(seed: int, n: int, size: int, stream: int) -> Doubles:
    """Numbers in [0, 1) for each of the faces 0 to n - 1 of a seed: (n, size)."""
    return np.asarray(_words(seed, n, size, stream) * 2.0**-53, np.float64)


def choices(weights: Doubles, seed: int, n: int, stream: int) -> NDArray[np.intp]:
    """Of weights (k,) of sum 1, a number below k for each of the faces 0 to n - 1 of a seed: (n,)."""
    return np.searchsorted(np.cumsum(weights)[:-1], uniforms(seed, n, 1, stream)[:, 0], side="right")


def rounded(values: Doubles, grain: float = GRAIN) -> Doubles:
    """To the nearest multiple of `grain`, halves upwards."""
    return np.asarray(np.floor(values / grain + 0.5) * grain, np.float64)


def check_seed(seed: SupportsIndex) -> int:
    """A seed as an int. UsageError unless it is a whole number and 0 <= seed < 2^128."""
    return whole("a seed", seed, 0, LARGEST_SEED)


def _words(seed: int, n: int, count: int, stream: int) -> Doubles:
    """(n, count) whole numbers below 2^53, the upper bits of Philox's words."""
    seed, n = check_seed(seed), whole("the number of faces", n, 0, sys.maxsize)
    key = np.array([seed % _WORD, seed // _WORD], np.uint64)
    words = np.empty((n, count), np.uint64)
    for face in range(n):
        # numpy's Philox counts up before each block of four words: the first block has the number 1.
        words[face] = np.random.Philox(counter=np.array([0, face, stream, 0], np.uint64), key=key).random_raw(count)
    return (words >> np.uint64(11)).astype(np.float64)
