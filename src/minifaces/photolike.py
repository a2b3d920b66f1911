"""Make clean faces look like photographs of faces: worse framed, badly lit, soft, noisy, JPEG-compressed.

    shown, wanted, mask = photolike(faces, mask, rng)

What a photographer did to the head (framing, light, tint) is in both pictures, so that a model learns to reproduce
it; what the camera and the file did (softness, noise, JPEG) is in `shown` alone, so that it learns to see through."""

import io

import numpy as np
from PIL import Image, ImageFilter

from minifaces.arrays import Pixels

SCALE, SHIFT, ROLL = 0.10, 0.04, 2.5  # standard deviations: log size, share of the picture, degrees
LIGHT, CONTRAST, TINT = 0.18, 0.12, 0.05  # of log gain, log contrast about the middle, log gain of each channel
SOFTEST, NOISIEST = 0.011, 0.02  # blur's sigma as a share of the picture, noise's of the range
QUALITY = (35, 95)  # of JPEG
SMALLEST = 0.45  # of the picture's size: what it may have been scaled down to
CHANCE = 0.5  # of each of softness, small size, noise, JPEG


def photolike(faces: Pixels, mask: Pixels, rng: np.random.Generator) -> tuple[Pixels, Pixels, Pixels]:
    """Faces (n, H, W, 3) and their masks (n, H, W), uint8 -> (shown, wanted, mask) of the same shapes."""
    shown, wanted, masks = np.empty_like(faces), np.empty_like(faces), np.empty_like(mask)
    for i in range(len(faces)):
        reframed, masks[i] = _reframed(faces[i], mask[i], rng)
        wanted[i] = _relit(reframed, rng)
        shown[i] = degraded(wanted[i], rng)
    return shown, wanted, masks


def degraded(face: Pixels, rng: np.random.Generator) -> Pixels:
    """What a camera and a file may do to one (H, W, 3) uint8 picture: soften, shrink, add noise, compress."""
    size = face.shape[0]
    picture = Image.fromarray(face)
    soft, small, noisy, compressed = rng.random(4) < CHANCE
    if soft:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1) * SOFTEST * size))
    if small:
        less = round(size * rng.uniform(SMALLEST, 1))
        picture = picture.resize((less, less), Image.Resampling.LANCZOS)
        picture = picture.resize((size, size), Image.Resampling.BICUBIC)
    if noisy:
        grain = rng.normal(0, 255 * NOISIEST * rng.random(), face.shape)
        picture = Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))
    if compressed:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=int(rng.integers(*QUALITY)))
        picture = Image.open(file)
    return np.asarray(picture)


def _reframed(face: Pixels, mask: Pixels, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    """Moved, turned in the plane and scaled; what comes into view repeats the border."""
    size = face.shape[0]
    pad = size // 4
    scale, roll = np.exp(rng.normal(0, SCALE)), np.radians(rng.normal(0, ROLL))
    dx, dy = rng.normal(0, SHIFT * size, 2)
    c, s = np.cos(roll) / scale, np.sin(roll) / scale
    middle = size / 2
    affine = (c, -s, middle + pad - c * middle + s * middle + dx, s, c, middle + pad - s * middle - c * middle + dy)
    moved = Image.fromarray(np.pad(face, ((pad, pad), (pad, pad), (0, 0)), "edge")).transform(
        (size, size), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC
    )
    region = Image.fromarray(np.pad(mask, pad)).transform(
        (size, size), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR
    )
    return np.asarray(moved), np.asarray(region)


def _relit(face: Pixels, rng: np.random.Generator) -> Pixels:
    gain = np.exp(rng.normal(0, LIGHT) + rng.normal(0, TINT, 3))
    contrast = np.exp(rng.normal(0, CONTRAST))
    table = (np.arange(256) / 255)[:, None] * gain
    table = (table - 0.5) * contrast + 0.5
    lookup = (np.clip(table, 0, 1) * 255).round().astype(np.uint8)
    return np.stack([lookup[face[..., c], c] for c in range(3)], -1)
