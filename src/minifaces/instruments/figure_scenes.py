"""Photographs of figures to learn from, with the truth about where heads with a face are.

    scenes = Scenes(load_prints(), load_stages(128, "train"), "train", seed=0)
    batch = scenes.places(24, (128, 128), rng)
    batch.pictures, batch.core, batch.place

Figures are slow to draw, so a pool of them is kept, of which a few are new in every batch."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from minifaces.arrays import Floats, Pixels, Places
from minifaces.instruments.training_scenes import lit, worn
from minifaces.ldraw.clutter import shapes, solid, texture
from minifaces.ldraw.figures import Figure, draw_figure
from minifaces.ldraw.prints import Prints
from minifaces.ldraw.scenes import Cutouts, ground
from minifaces.ldraw.stages import Stages

CELL = 8  # pixels of a cell
CORE, RIM = 0.5, 0.7  # share of a head's width, about its middle, in which cells belong to it; between, nobody asks
SMALLEST, LARGEST = 15.0, 62.0  # pixels of a head's width
FIRST, POOL, FRESH, KEPT = 64, 600, 4, 40  # figures at hand at first and at most, new ones a batch, heads at a time


@dataclass(frozen=True)
class PlacesBatch:
    """Pictures (n, H, W, 3) uint8 and, a cell of 8 x 8 pixels: `core` 1 on the middle of a head with a face, 0 off
    such, -1 where nobody asks; `place` (n, h, w, 5): from the cell's middle to the head's, x and y, its width and
    height, all in pixels, its tilt in degrees, clockwise."""

    pictures: Pixels
    core: Places
    place: Floats

    def mirrored(self) -> "PlacesBatch":
        turned = self.place[:, :, ::-1] * np.array([-1, 1, 1, 1, -1], np.float32)
        pictures, core = np.ascontiguousarray(self.pictures[:, :, ::-1]), np.ascontiguousarray(self.core[:, :, ::-1])
        return PlacesBatch(pictures, core, np.ascontiguousarray(turned))


class Scenes:
    """A pool of figures and what is made of it."""

    def __init__(self, prints: Prints, stages: Stages, split: str, seed: int, first: int = FIRST) -> None:
        self.prints, self.stages, self.split = prints, stages, split
        rng = np.random.default_rng(seed)
        self.heads = self._cutouts(rng)
        self.pool = [self._figure(rng) for _ in range(first)]

    def refresh(self, rng: np.random.Generator) -> None:
        """Draw new figures, once there are enough of them in the place of others."""
        if rng.random() < FRESH / KEPT:
            self.heads = self._cutouts(rng)
        for _ in range(FRESH):
            if len(self.pool) >= POOL:
                self.pool.pop(int(rng.integers(POOL)))
            self.pool.append(self._figure(rng))

    def _cutouts(self, rng: np.random.Generator) -> Cutouts:
        turned = np.where(rng.random(KEPT) < 0.75, rng.normal(0, 18, KEPT), rng.uniform(-180, 180, KEPT))
        return Cutouts.make(self.prints, self.stages, self.split, KEPT, rng, turned.astype(np.float32), bare=0.1)

    def _figure(self, rng: np.random.Generator) -> Figure:
        return draw_figure(self.heads, int(rng.integers(len(self.heads))), rng)

    def places(self, count: int, shape: tuple[int, int], rng: np.random.Generator) -> PlacesBatch:
        """`count` pictures of a shape (height, width), both multiples of 32."""
        cells = (shape[0] // CELL, shape[1] // CELL)
        pictures = np.empty((count, *shape, 3), np.uint8)
        core, place = np.zeros((count, *cells), np.int64), np.zeros((count, *cells, 5), np.float32)
        for i in range(count):
            picture, heads = self.scene(shape, rng)
            pictures[i] = faulty(picture, rng)
            for head in heads:
                _mark(core[i], place[i], head)
        return PlacesBatch(pictures, core, place)

    def scene(self, shape: tuple[int, int], rng: np.random.Generator) -> tuple[Pixels, list[tuple[Figure, Floats]]]:
        """A picture as it is before the camera, and the figures in it with where their heads are: x and y of the
        middle, width, height, tilt."""
        height, width = shape
        picture = Image.fromarray(backdrop(height, width, rng))
        heads: list[tuple[Figure, Floats]] = []
        common = float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
        for _ in range(int(rng.choice([0, 1, 2, 3, 4, 6], p=[0.07, 0.45, 0.2, 0.13, 0.1, 0.05]))):
            figure = self.pool[int(rng.integers(len(self.pool)))]
            wide = float(np.clip(common * np.exp(rng.normal(0, 0.15)), SMALLEST - 3, LARGEST + 6))
            tilt = rng.normal(0, 9) if rng.random() < 0.9 else rng.uniform(-180, 180)
            x, y = rng.uniform(0.05, 0.95) * width, rng.uniform(0.05, 0.8) * height
            if any(np.hypot(x - h[1][0], y - h[1][1]) < 0.8 * (wide + h[1][2]) for h in heads):
                continue
            image, where = stood(figure, wide, tilt, (x, y), shape)
            if rng.random() < 0.3:
                image = image.filter(ImageFilter.GaussianBlur(float(rng.exponential(0.02)) * wide))
            picture.paste(image, (0, 0), image)
            heads.append((figure, where))
        return np.asarray(picture), heads


def stood(
    figure: Figure, wide: float, tilt: float, middle: tuple[float, float], shape: tuple[int, int]
) -> tuple[Image.Image, Floats]:
    """A figure on a transparent ground of `shape`, its head `wide` pixels with its middle at `middle`, and where that
    is."""
    x0, y0, x1, y1 = (float(v) for v in figure.box)
    scale = wide / (x1 - x0)
    image = Image.fromarray(figure.rgba)
    small = image.resize(
        (max(2, round(image.width * scale)), max(2, round(image.height * scale))), Image.Resampling.BILINEAR
    )
    affine = onto(((x0 + x1) / 2 * scale, (y0 + y1) / 2 * scale), 1.0, tilt, middle)
    turned = small.convert("RGBa").transform(
        (shape[1], shape[0]), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR
    )
    return turned.convert("RGBA"), np.array([*middle, wide, (y1 - y0) * scale, tilt], np.float32)


def onto(source: tuple[float, float], scale: float, tilt: float, target: tuple[float, float]) -> tuple[float, ...]:
    """What Pillow's transform needs to bring `source` to `target`, `scale` times as large and turned clockwise."""
    c, s = np.cos(np.radians(tilt)) / scale, np.sin(np.radians(tilt)) / scale
    return (c, s, source[0] - c * target[0] - s * target[1], -s, c, source[1] + s * target[0] - c * target[1])


def backdrop(height: int, width: int, rng: np.random.Generator) -> Pixels:
    """What figures stand before: grounds, textures, things out of focus, studs, boards."""
    kind = rng.random()
    if kind < 0.25:
        behind = ground(height, width, rng)
    elif kind < 0.55:
        behind = texture(height, width, rng)
    elif kind < 0.75:
        behind = shapes(height, width, rng)
    else:
        behind = _studs(height, width, rng)
    picture = Image.fromarray(behind)
    for _ in range(int(rng.integers(0, 4))):
        high, wide = (max(4, int(v)) for v in rng.uniform(0.08, 0.7, 2) * (height, width))
        thing = solid(high, wide, rng).rotate(rng.uniform(-40, 40), expand=True)
        picture.paste(thing, (int(rng.uniform(-0.2, 1) * width), int(rng.uniform(-0.2, 1) * height)), thing)
    if rng.random() < 0.6:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.exponential(0.012)) * height))
    return np.asarray(picture)


def _studs(height: int, width: int, rng: np.random.Generator) -> Pixels:
    """A plate of studs seen from any height."""
    step, squash = rng.uniform(0.06, 0.3) * height, rng.uniform(0.4, 1.0)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    slope = 1 + rng.uniform(0, 1.5) * (1 - y / height)
    u = ((x - width / 2) * slope / step + rng.random()) % 1 - 0.5
    v = (y * slope / step / squash + rng.random()) % 1 - 0.5
    far = np.hypot(u, v)
    shade = 1 + 0.15 * (far < 0.32) + rng.uniform(-0.5, 0.5) * np.exp(-((far - 0.32) ** 2) / 0.004) * (v + u)
    base = rng.uniform(20, 235, 3) * rng.uniform(0.5, 1)
    lit_ground: Pixels = np.clip(base * shade[..., None], 0, 255).astype(np.uint8)
    return lit_ground


def faulty(picture: Pixels, rng: np.random.Generator, off: float = 1.0) -> Pixels:
    """As a camera in anybody's hand takes it: too dark or light, of another colour, soft, noisy, compressed; `off` is
    how wrong the light may be."""
    gain = float(rng.normal(0, 0.15) if rng.random() < 0.45 else rng.uniform(-1.8, 1.3))
    cast = rng.normal(0, 0.03 if rng.random() < 0.4 else 0.2, 2)
    picture = lit(picture, gain * off, cast * off)
    if rng.random() < 0.15:  # sharpened and of too much contrast
        picture = np.clip((picture.astype(np.float32) - 128) * rng.uniform(1, 1.6) + 128, 0, 255).astype(np.uint8)
    return worn(picture, rng)


def _mark(core: Places, place: Floats, head: tuple[Figure, Floats]) -> None:
    figure, (x, y, wide, high, tilt) = head
    rows, columns = (np.arange(n) * CELL + CELL / 2 for n in core.shape)
    dx, dy = np.broadcast_arrays(x - columns[None], y - rows[:, None])
    far = np.hypot(dx, dy)
    mine = far <= max(CORE * wide / 2, CELL * 0.6)
    rim = far <= max(RIM * wide / 2, CELL * 1.2)
    if figure.face == 0:
        return
    outside = min(x, y, core.shape[1] * CELL - x, core.shape[0] * CELL - y) < 0.3 * wide
    if figure.face < 0 or not SMALLEST <= wide <= LARGEST or abs(tilt) > 25 or outside:
        core[rim & (core != 1)] = -1
        return
    core[rim & (core != 1)] = -1
    core[mine] = 1
    values = np.stack([dx, dy, *(np.full(core.shape, v) for v in (wide, high, tilt))], -1)
    place[mine] = values[mine]
