"""Pictures to learn finding and judging heads from: composed heads on any ground, spoilt, and what is none; with truth.

batch = draw_batch(sources, 0, 64, (96, 96), np.random.default_rng(0))
batch.pictures, batch.core, batch.sides"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from minifaces.arrays import Bools, Floats, Pixels, Places
from minifaces.ldraw.clutter import figure, shapes, shuffled, texture
from minifaces.ldraw.colours import to_linear, to_srgb
from minifaces.ldraw.compose import compose, tone
from minifaces.ldraw.draws import draw_faces
from minifaces.ldraw.prints import Prints
from minifaces.ldraw.scenes import Cutouts, Scene, ground, outline_box, sheet
from minifaces.ldraw.stages import Stages

CELL = 8  # pixels of a cell
CORE, RIM = 0.5, 0.66  # share of a head's box, about its middle, in which cells belong to it; between, nobody asks
POOL = 40  # heads that a batch is made of
STEEP = 50.0  # degrees of pitch beyond which it is not asked whether a face is seen
_LINEAR = to_linear(np.arange(256) / 255)


@dataclass(frozen=True)
class Sources:
    """What heads are drawn from: stages as they ship, and tilted ones or None."""

    prints: Prints
    stages: Stages
    tilted: Stages | None
    split: str


@dataclass(frozen=True)
class Batch:
    """n pictures (n, H, W, 3) uint8, and per cell of 8 x 8 pixels: `core` 1 on the middle of a head, 0 off heads, -1
    between; `sides` (n, h, w, 4) distances from the cell's middle to the left, upper, right and lower side of the
    head's box, in pixels; `face` 1, 0 or -1 (unknown); `angle` (n, h, w, 2) yaw and pitch, degrees."""

    pictures: Pixels
    core: Places
    sides: Floats
    face: Places
    angle: Floats

    def mirrored(self) -> "Batch":
        """Everything as in a mirror."""
        turned = self.angle[:, :, ::-1] * np.array([-1, 1], np.float32)
        return Batch(
            np.ascontiguousarray(self.pictures[:, :, ::-1]),
            np.ascontiguousarray(self.core[:, :, ::-1]),
            np.ascontiguousarray(self.sides[:, :, ::-1][..., [2, 1, 0, 3]]),
            np.ascontiguousarray(self.face[:, :, ::-1]),
            np.ascontiguousarray(turned),
        )


def draw_batch(sources: Sources, count: int, shape: tuple[int, int], rng: np.random.Generator) -> Batch:
    """`count` pictures of a shape (height, width), both multiples of 32."""
    heads = _pool(sources, rng)
    pictures = np.empty((count, *shape, 3), np.uint8)
    cells = (shape[0] // CELL, shape[1] // CELL)
    core = np.zeros((count, *cells), np.int64)
    sides, angle = np.zeros((count, *cells, 4), np.float32), np.zeros((count, *cells, 2), np.float32)
    face = np.full((count, *cells), -1, np.int64)
    for i in range(count):
        picture, boxes, which = _scene(sources, heads, shape, rng)
        pictures[i] = worn(relit(picture, rng)[0], rng)
        for box, k in zip(boxes, which, strict=True):
            _mark(core[i], sides[i], box)
            mine = _within(box, CORE, cells)
            face[i][mine] = heads.face[k] if k >= 0 else 1
            angle[i][mine] = (heads.yaw[k], heads.pitch[k]) if k >= 0 else np.nan
    return Batch(pictures, core, sides, face, angle)


def _pool(sources: Sources, rng: np.random.Generator) -> Cutouts:
    """Heads from both kinds of stages: half of them as in catalogues, the others turned anyhow."""
    parts = []
    for stages, count in ((sources.stages, POOL * 3 // 5), (sources.tilted, POOL - POOL * 3 // 5)):
        if stages is None:
            continue
        turned = np.where(rng.random(count) < 0.55, 0, rng.uniform(-180, 180, count)).astype(np.float32)
        parts.append(Cutouts.make(sources.prints, stages, sources.split, count, rng, turned, bare=0.15))
    face = np.concatenate([np.where((p.face == 1) & (p.pitch > STEEP), -1, p.face) for p in parts])
    rgba, boxes, yaw, pitch = (
        np.concatenate([getattr(p, name) for p in parts]) for name in ("rgba", "boxes", "yaw", "pitch")
    )
    return Cutouts(rgba, boxes, yaw, pitch, face)


def _scene(
    sources: Sources, heads: Cutouts, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[Pixels, Floats, Places]:
    """One picture of `shape`, boxes (k, 4) of its heads, and which heads they are (-1: none of the pool)."""
    height, width = shape
    kinds = {"sheet": 0.47, "floor": 0.12, "figure": 0.27, "shapes": 0.07, "close": 0.03, "shuffled": 0.04}
    kind = rng.choice(list(kinds), p=list(kinds.values()))
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    if kind == "figure":
        return figure(heads, int(rng.integers(len(heads))), height, width, rng), *nothing
    if kind == "shapes":
        picture = shapes(height, width, rng) if rng.random() < 0.6 else texture(height, width, rng)
        return (picture if rng.random() < 0.8 else ground(height, width, rng)), *nothing
    if kind == "close":
        return _close(heads, shape, rng), *nothing
    if kind == "shuffled":
        whole = figure(heads, 0, height, width, rng) if rng.random() < 0.4 else _sheet(heads, shape, rng).picture
        return np.asarray(Image.fromarray(shuffled(whole, rng)).resize((width, height))), *nothing
    scene = _floor(sources, max(1, round(width / height)), rng) if kind == "floor" else _sheet(heads, shape, rng)
    picture, boxes = fitted(scene.picture, scene.boxes, shape, rng)
    return picture, boxes, scene.which


def _sheet(heads: Cutouts, shape: tuple[int, int], rng: np.random.Generator) -> Scene:
    height, width = shape
    rows = 1 if height <= width and rng.random() < 0.75 else int(rng.integers(1, 4))
    columns = max(1, round(width / height * rows * rng.uniform(0.5, 1.2)))
    if rng.random() < 0.5 and width <= height * 1.4:
        rows = columns = 1
    layout = [list(rng.integers(0, len(heads), columns)) for _ in range(rows)]
    stretch = float(rng.uniform(1.0, 1.9)) if rng.random() < 0.12 else 1.0
    scene = sheet(heads, layout, 128 if rows == 1 else 160, rng, stretch=stretch)
    if rng.random() < 0.05:  # before an uneven ground
        behind = texture(scene.picture.shape[0], scene.picture.shape[1], rng)
        plain = (np.abs(scene.picture.astype(int) - scene.picture[0, 0]).max(-1) < 12)[..., None]
        scene = Scene(np.where(plain, behind, scene.picture), scene.boxes, scene.which)
    return scene


def _floor(sources: Sources, count: int, rng: np.random.Generator) -> Scene:
    """Heads on the floors that were traced, each in its own picture, side by side."""
    faces, boxes = on_floors(sources.prints, sources.stages, sources.split, count, rng)
    boxes[:, 0::2] += np.arange(count)[:, None] * sources.stages.size
    return Scene(np.concatenate(list(faces), 1), boxes, np.full(count, -1))


def on_floors(
    prints: Prints, stages: Stages, split: str, count: int, rng: np.random.Generator
) -> tuple[Pixels, Floats]:
    """Faces (n, H, W, 3) on the floors that were traced, and their heads' boxes (n, 4), pixels."""
    traced = [i for i, p in enumerate(stages.parameters) if p.backdrop == "sweep"]
    draws = draw_faces(prints, stages, split, count, rng)
    draws.stage[:] = rng.choice(traced, count)
    faces = compose(prints, stages, draws)[0]
    boxes = np.array([outline_box(stages.parameters[s], stages.size) for s in draws.stage], np.float32)
    boxes[draws.flip, 0::2] = stages.size - boxes[draws.flip][:, 2::-2]
    return faces, boxes


def _close(heads: Cutouts, shape: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """So near that the picture shows a part of a face and no more."""
    i = int(rng.integers(len(heads)))
    x0, y0, x1, y1 = heads.boxes[i]
    w = (x1 - x0) * rng.uniform(0.15, 0.35)
    x, y = rng.uniform(x0 + 4, x1 - w - 4), rng.uniform(y0 + 0.25 * (y1 - y0), max(y0 + 0.26 * (y1 - y0), y1 - w - 20))
    part = Image.fromarray(heads.rgba[i]).convert("RGB")
    return np.asarray(part.resize((shape[1], shape[0]), Image.Resampling.BICUBIC, box=(x, y, x + w, y + w)))


def fitted(picture: Pixels, boxes: Floats, shape: tuple[int, int], rng: np.random.Generator) -> tuple[Pixels, Floats]:
    """Scaled and moved into a picture of `shape`, wholly in it or with a head cut off; the border goes on."""
    height, width = shape
    h, w = picture.shape[:2]
    cut = rng.random() < 0.2
    scale = min(height / h, width / w) * (rng.uniform(1.0, 1.5) if cut else rng.uniform(0.45, 1.0) ** 0.6)
    squeeze = float(np.exp(rng.normal(0, 0.08))) if rng.random() < 0.06 else 1.0  # of pictures that were made to fit
    high, wide = max(1, round(h * scale)), max(1, round(w * scale * squeeze))
    small = np.asarray(Image.fromarray(picture).resize((wide, high), Image.Resampling.BILINEAR))
    top, left = (round(float(rng.uniform(min(0, n - m), max(0, n - m)))) for n, m in ((height, high), (width, wide)))
    pad = [(max(0, top), max(0, height - top - high)), (max(0, left), max(0, width - left - wide)), (0, 0)]
    whole = np.pad(small[max(0, -top) :, max(0, -left) :], pad, "edge")[:height, :width]
    moved = boxes * np.array([wide / w, high / h] * 2, np.float32) + np.array([left, top] * 2, np.float32)
    return whole, moved.astype(np.float32)


def relit(picture: Pixels, rng: np.random.Generator) -> tuple[Pixels, float, Floats]:
    """More or less light, and of another colour: the picture, log2 of the gain, log of red and blue against green."""
    gain = float(rng.normal(0, 0.1) if rng.random() < 0.4 else rng.uniform(-2.6, 2.4))
    cast = rng.normal(0, 0.03 if rng.random() < 0.4 else 0.35, 2)
    return lit(picture, gain, cast), gain, cast.astype(np.float32)


def lit(picture: Pixels, gain: float, cast: NDArray[np.floating]) -> Pixels:
    """`picture` (H, W, 3) uint8 with 2^gain times the light and red and blue changed by factors exp(cast)."""
    factors = 2**gain * np.exp([cast[0], 0.0, cast[1]])
    light = _LINEAR[:, None] * factors
    table = (to_srgb(np.clip(np.where(light > 1, 1.0, light) if gain <= 0 else tone(light), 0, 1)) * 255).round()
    table = table.astype(np.uint8)
    return np.stack([table[picture[..., c], c] for c in range(3)], -1)


def worn(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Softened, with noise, compressed: each or none."""
    image = Image.fromarray(picture)
    if rng.random() < 0.35:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.exponential(0.7))))
    if rng.random() < 0.3:
        grain = rng.normal(0, rng.exponential(5), picture.shape)
        image = Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(rng.integers(40, 96)))
        image = Image.open(file)
    return np.asarray(image.convert("RGB"))


def _within(box: Floats, share: float, cells: tuple[int, int]) -> Bools:
    """Cells whose middle lies within `share` of the box, about its middle; at least the cell of the middle."""
    y, x = (np.arange(n)[:, None] * CELL + CELL / 2 for n in cells)
    x = x.T
    mx, my, w, h = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]
    reach_x, reach_y = max(share * w / 2, CELL * 0.51), max(share * h / 2, CELL * 0.51)
    within: Bools = (np.abs(x - mx) <= reach_x) & (np.abs(y - my) <= reach_y)
    return within


def _mark(core: Places, sides: Floats, box: Floats) -> None:
    cells = core.shape
    rim, mine = _within(box, RIM, cells), _within(box, CORE, cells)
    core[rim & (core != 1)] = -1
    core[mine] = 1
    y, x = (np.arange(n) * CELL + CELL / 2 for n in cells)
    x, y = np.broadcast_to(x, cells), np.broadcast_to(y[:, None], cells)
    distances = np.stack([x - box[0], y - box[1], box[2] - x, box[3] - y], -1)
    sides[mine] = distances[mine]
