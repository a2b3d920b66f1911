"""Features in which distances between faces mean something: of a network that has seen the world, and of a random one.

features = lite0(pictures)            # (n, 1280) float32
others = random_cnn(pictures)         # (n, 1024) float32, without any training at all
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minifaces.arrays import Floats, Pixels
from minifaces.images import check_faces, resized
from minifaces.studio.network import Network

Progress = Callable[[int, int], None]

ASSETS = Path(__file__).parent.parent / "assets"
SIZE = 128  # pixels that lite0 is shown
FEATURES = 1280
BATCH = 128
WIDTHS = (16, 32, 32)  # channels of the random network's levels
RANDOM_SIZE = 64  # pixels that it is shown
GRID = 4  # and its features are pooled to so many cells a side


def lite0(pictures: Pixels, progress: Progress = lambda *_: None) -> Floats:
    """Pooled features of EfficientNet-lite0, trained on ImageNet: (n, H, W, 3) uint8 -> (n, 1280) float32 in [0, 6].

    Pictures of another size are resampled to 128 x 128. `progress` is told (done, of). Networks that were trained to
    tell things apart make good judges of likeness (Zhang et al., "The unreasonable effectiveness of deep features as a
    perceptual metric", 2018). Raises UsageError for anything but pictures."""
    check_faces(pictures)
    network = _lite0()
    features = np.empty((len(pictures), FEATURES), np.float32)
    for i in range(0, len(pictures), BATCH):
        features[i : i + BATCH] = network(planes(pictures[i : i + BATCH], SIZE))
        progress(min(i + BATCH, len(pictures)), len(pictures))
    return features


def random_cnn(pictures: Pixels, seed: int = 0) -> Floats:
    """Features of a network with random weights: (n, H, W, 3) uint8 -> (n, 1024) float32.

    Three levels of 3 x 3 convolution with stride 2 and ReLU, pooled to a grid of 4 x 4 by mean and by maximum. What
    such a network sees depends on no data set, and yet follows what people see better than pixels do (Amir and Weiss,
    "Understanding and simplifying perceptual distances", CVPR 2021). The weights depend on `seed` alone. Raises
    UsageError for anything but pictures."""
    check_faces(pictures)
    weights = _random_weights(seed)
    batches = [_random_features(pictures[i : i + BATCH], weights) for i in range(0, len(pictures), BATCH)]
    return np.concatenate(batches)


def planes(pictures: Pixels, size: int) -> Floats:
    """What networks take: (n, H, W, 3) uint8 -> (n, 3, size, size) float32 in [0, 1], antialiased."""
    return np.ascontiguousarray(resized(pictures, size).transpose(0, 3, 1, 2), np.float32) / np.float32(255)


@cache
def _lite0() -> Network:
    source, target = ("face", (3, SIZE, SIZE)), ("features", (FEATURES,))
    return Network(ASSETS / "features.onnx", source, target, threads=0)


def _random_weights(seed: int) -> list[Floats]:
    """A (27, 16), (144, 32), ... matrix a level, scaled so that ReLU keeps the size of what passes (He et al. 2015)."""
    rng = np.random.Generator(np.random.PCG64(seed))
    fans = [9 * channels for channels in (3, *WIDTHS[:-1])]
    return [
        (rng.normal(size=(fan, width)) * np.sqrt(2 / fan)).astype(np.float32)
        for fan, width in zip(fans, WIDTHS, strict=True)
    ]


def _random_features(pictures: Pixels, weights: list[Floats]) -> Floats:
    hidden = planes(pictures, RANDOM_SIZE).transpose(0, 2, 3, 1) * 2 - 1
    for matrix in weights:
        hidden = np.maximum(_patches(hidden) @ matrix, 0)
    n, side, _, channels = hidden.shape
    cells = hidden.reshape(n, GRID, side // GRID, GRID, side // GRID, channels)
    return np.concatenate([cells.mean((2, 4)), cells.max((2, 4))], -1).reshape(n, -1)


def _patches(grid: Floats) -> Floats:
    """The 3 x 3 surroundings of every second place: (n, h, w, c) -> (n, h / 2, w / 2, 9 c)."""
    n, height, width, channels = grid.shape
    padded = np.pad(grid, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = sliding_window_view(padded, (3, 3), axis=(1, 2))[:, ::2, ::2]
    return np.ascontiguousarray(windows).reshape(n, height // 2, width // 2, 9 * channels)
