"""Photographs' faults: what they change, and what they leave."""

import numpy as np

from minifaces.evaluate.similarity import psnr
from minifaces.evaluate.testset import composed
from minifaces.photolike import degraded, photolike


def test_shown_and_wanted_differ_by_the_camera_alone() -> None:
    faces = composed(64, "test", 1)
    mask = (faces.mask * 255).astype(np.uint8)
    shown, wanted, moved = photolike(faces.pictures, mask, np.random.default_rng(0))
    assert shown.shape == wanted.shape == faces.pictures.shape
    assert moved.shape == mask.shape
    # Soft, noisy and compressed, yet plainly the same picture; framing and light go further.
    assert 22 < np.median(psnr(wanted, shown)) < 45
    assert np.median(psnr(faces.pictures, wanted)) < 18
    again = photolike(faces.pictures, mask, np.random.default_rng(0))
    assert all((a == b).all() for a, b in zip((shown, wanted, moved), again, strict=True))


def test_the_mask_moves_with_the_face() -> None:
    ramp = np.tile(np.arange(64, dtype=np.uint8)[:, None] * 4, (1, 64))
    faces = np.repeat(ramp[None, :, :, None], 3, 3)
    mask = ramp[None].copy()
    for seed in range(5):
        _, wanted, moved = photolike(faces, mask, np.random.default_rng(seed))
        inside = (moved[0] > 20) & (wanted[0, ..., 1] < 250)
        assert np.corrcoef(wanted[0, ..., 1][inside], moved[0][inside])[0, 1] > 0.9


def test_degrading_keeps_a_flat_picture_flat() -> None:
    flat = np.full((64, 64, 3), 120, np.uint8)
    for seed in range(20):
        made = degraded(flat, np.random.default_rng(seed)).astype(float)
        assert abs(made.mean() - 120) < 2
        assert made.std() < 6
