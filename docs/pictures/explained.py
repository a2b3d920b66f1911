"""Make the pictures that docs/explanation/ shows, with the bundled model.

python docs/pictures/explained.py"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from openTSNE import TSNE
from PIL import Image, ImageDraw

import minifaces
from minifaces.arrays import Doubles, Pixels
from minifaces.images import save_picture
from minifaces.pictures import grid
from minifaces.studio.model import Model

HERE = Path(__file__).resolve().parent
CORNERS = ("3626bp05", "3626cp7e", "3626bph1", "3626bp3e")
ENDS = ("3626bp05", "3626cp7e")
STEPS = 10
DOT = 3


def plane(model: Model) -> None:
    """A part of a plane through latent space, with four faces in its corners."""
    a, b, c, d = (model.latent_of(name) for name in CORNERS)
    t = np.linspace(0, 1, 9)[:, None]
    rows = [(1 - s) * ((1 - t) * a + t * b) + s * ((1 - t) * c + t * d) for s in np.linspace(0, 1, 5)]
    save_picture(HERE / "latent-plane.webp", grid(model.decode(np.concatenate(rows).astype("f4")), columns=9, gap=0))


def around(model: Model) -> None:
    """A face, and what lies ever farther from it in six random directions."""
    centre = model.latent_of("3626bp05")
    spread = model.gallery.latents.std(axis=0)
    ways = np.random.default_rng(4).normal(size=(6, model.latent_size)) * spread
    far = [centre + share * way for way in ways[:3] for share in (0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2)]
    save_picture(HERE / "latent-around.webp", grid(model.decode(np.array(far, "f4")), columns=10, gap=0))


def priors(model: Model) -> None:
    """Ten faces of each prior a row: N(0, I), the mixture, parts; then parts at temperatures 0.5 and 1.5."""
    rows = [model.sample(10, seed=11, prior=name) for name in ("normal", "mixture", "parts")]
    rows += [model.sample(10, seed=11, temperature=t) for t in (0.5, 1.5)]
    save_picture(HERE / "priors.webp", grid(np.concatenate(rows), columns=10, gap=0))


def ways(model: Model) -> None:
    """From one face to another: pictures mixed, then the four paths through latent space."""
    a, b = (model.latent_of(name) for name in ENDS)
    one, other = model.decode(np.stack([a, b])).astype(float)
    mixed = [np.uint8(np.rint((1 - t) * one + t * other)) for t in np.linspace(0, 1, STEPS)]
    rows = [
        np.stack(mixed),
        *(model.morph(a, b, steps=STEPS, path=p) for p in ("linear", "slerp", "density", "geodesic")),
    ]
    save_picture(HERE / "paths.webp", grid(np.concatenate(rows), columns=STEPS, gap=0))


def maps(model: Model) -> None:
    """The gallery laid out with three perplexities, above the same of noise that has no clusters at all."""
    latents = model.gallery.latents.astype(float)
    noise = np.random.default_rng(0).normal(size=(len(latents), 50))
    colours = model.gallery.thumbnails[:, 64:80, 56:72].reshape(len(latents), -1, 3).mean(1)
    rows = [
        np.concatenate([dots(laid(points, p), c) for p in (2, 30, 100)], axis=1)
        for points, c in ((latents, colours), (noise, np.full((len(noise), 3), 90)))
    ]
    save_picture(HERE / "perplexities.webp", np.concatenate(rows))


def laid(points: Doubles, perplexity: float) -> Doubles:
    layout = TSNE(perplexity=perplexity, initialization="pca", n_jobs=1, random_state=0).fit(points)
    return np.asarray(layout, np.float64)


def dots(places: Doubles, colours: NDArray[np.floating], size: int = 300) -> Pixels:
    """A map of dots, (size, size, 3)."""
    picture = Image.new("RGB", (size * 4, size * 4), "white")
    draw, margin = ImageDraw.Draw(picture), 10 * DOT
    low, extent = places.min(0), np.ptp(places, axis=0).max()
    for (x, y), colour in zip((places - low) / extent * (size * 4 - 2 * margin) + margin, colours, strict=True):
        draw.ellipse((x - 4 * DOT, y - 4 * DOT, x + 4 * DOT, y + 4 * DOT), tuple(map(int, colour)), "#444")
    return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS))


if __name__ == "__main__":
    bundled = minifaces.load()
    for make in (plane, around, priors, ways, maps):
        make(bundled)
