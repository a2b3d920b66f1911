"""Sheets of composed heads on any ground, with the truth: for finding, framing and judging heads in pictures.

    heads = Cutouts.make(prints, stages, "test", 8, rng)       # heads without a ground
    scene = sheet(heads, [[0, 1, 2]], 96, rng)                 # three side by side, 96 pixels high
    scene.picture, scene.boxes

A head is round: turned about its axis it is the same head with the print moved, so any yaw comes from any stage."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from PIL import Image

from minifaces.arrays import Floats, Pixels, Places
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import Draws, draw_faces
from minifaces.ldraw.prints import Prints
from minifaces.ldraw.stages import StageParameters, Stages, background_of

FRONT, BACK = 70.0, 125.0  # degrees of yaw up to which a face is seen, and from which none is
# Half widths of the head at heights of the LDraw head (y down): stud, rounded top, wall, rounded bottom, neck.
OUTLINE = ((-4.0, 6.0), (0.0, 6.0), (0.0, 9.0), (1.2, 11.8), (4.0, 13.0), (17.0, 13.0), (19.8, 11.8), (21.0, 9.0),
           (21.0, 8.0), (24.0, 8.0))  # fmt: skip


@dataclass(frozen=True)
class Cutouts:
    """n heads: `rgba` (n, S, S, 4) uint8 with straight alpha, `boxes` (n, 4) x0 y0 x1 y1 of the head in pixels, `yaw`
    (n,) degrees that the face is turned to the picture's right, `pitch` (n,) that the camera looks down, `face` (n,)
    1 where a face is seen, 0 where none is, -1 where it is at the very edge."""

    rgba: Pixels
    boxes: Floats
    yaw: Floats
    pitch: Floats
    face: Places

    def __len__(self) -> int:
        return len(self.rgba)

    @staticmethod
    def make(
        prints: Prints,
        stages: Stages,
        split: str,
        count: int,
        rng: np.random.Generator,
        turned: Floats | None = None,
        bare: float = 0.0,
    ) -> "Cutouts":
        """Heads of a split's designs on stages without a floor. `turned` (count,) degrees are added to the stages'
        yaw; a share of `bare` carries no print."""
        open_air = np.array([i for i, p in enumerate(stages.parameters) if p.backdrop != "sweep"])
        draws = draw_faces(prints, stages, split, count, rng)
        draws = replace(draws, stage=rng.choice(open_air, count))
        draws, yaw = turned_by(draws, stages, turned)
        blank = rng.random(count) < bare
        draws = replace(draws, shift=np.where(blank[:, None], [2 * np.pi, 0], draws.shift).astype(np.float32))
        heads = Cutouts.of(prints, stages, draws, yaw)
        return replace(heads, face=np.where(blank, 0, heads.face))

    @staticmethod
    def of(prints: Prints, stages: Stages, draws: Draws, yaw: Floats) -> "Cutouts":
        """The heads of `draws`, on stages without a floor, whose faces are turned by `yaw`."""
        lit = compose(prints, _without_ground(stages), draws)[0]
        alpha = coverage(stages)[draws.stage]
        alpha = np.where(draws.flip[:, None, None], alpha[..., ::-1], alpha)
        # Edge pixels are light times coverage, in linear light: divide it out again.
        level = (lit / 255.0) ** 2.2 / np.maximum(alpha, 0.02)[..., None]
        colour = (np.clip(level, 0, 1) ** (1 / 2.2) * 255).round()
        rgba = np.concatenate([colour, alpha[..., None] * 255], -1).astype(np.uint8)
        pitch = np.array([stages.parameters[s].pitch for s in draws.stage], np.float32)
        face = np.where(np.abs(yaw) <= FRONT, 1, np.where(np.abs(yaw) >= BACK, 0, -1))
        return Cutouts(rgba, np.array([extent(a) for a in alpha], np.float32), yaw, pitch, face)


@dataclass(frozen=True)
class Scene:
    """A picture (H, W, 3) uint8 and what is in it: `boxes` (k, 4) of its heads, `which` (k,) cutouts they are."""

    picture: Pixels
    boxes: Floats
    which: Places


def turned_by(draws: Draws, stages: Stages, turned: Floats | None) -> tuple[Draws, Floats]:
    """Draws with their prints turned by degrees, and the yaw that the faces then have."""
    if turned is not None:
        shift = draws.shift.copy()
        shift[:, 0] -= np.radians(turned)
        draws = replace(draws, shift=shift)
    seen = np.array([stages.parameters[s].yaw for s in draws.stage], np.float32)
    seen = np.radians(np.where(draws.flip, -seen, seen))
    yaw: Floats = -np.degrees(seen * draws.scale[:, 0] + draws.shift[:, 0]).astype(np.float32)
    return draws, yaw


@lru_cache(maxsize=4)
def _without_ground(stages: Stages) -> Stages:
    return replace(stages, backdrop=np.zeros_like(stages.backdrop))


@lru_cache(maxsize=4)
def coverage(stages: Stages) -> Floats:
    """How much of each pixel the head covers, (n, size, size) in 0..1; all of it where a floor was traced."""
    shown = []
    for parameters, backdrop in zip(stages.parameters, stages.backdrop, strict=True):
        ground = background_of(parameters, stages.size)
        shown.append(1 - (backdrop / np.maximum(ground, 1e-6)).mean(-1))
    return np.clip(np.array(shown, np.float32), 0, 1)


def extent(alpha: Floats) -> tuple[float, float, float, float]:
    """Where a coverage begins and ends, x0 y0 x1 y1, to parts of a pixel."""
    result = []
    for axis in (0, 1):
        profile = np.sort(alpha, axis)[-3:].mean(0) if axis == 0 else np.sort(alpha, axis)[:, -3:].mean(1)
        inside = np.flatnonzero(profile > 0.5)
        first, last = (inside[0], inside[-1]) if len(inside) else (0, len(profile) - 1)
        before = profile[first - 1] if first else 0.0
        after = profile[last + 1] if last + 1 < len(profile) else 0.0
        result.append((first + 1 - profile[first] - before, last + profile[last] + after))
    return result[0][0], result[1][0], result[0][1], result[1][1]


def outline_box(parameters: StageParameters, size: int) -> tuple[float, float, float, float]:
    """The head's box on a stage of size x size pixels by geometry alone, also where a floor was traced."""
    origin, target, up, field = parameters.camera()
    forward = (target - origin) / np.linalg.norm(target - origin)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    above = np.cross(right, forward)
    around = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    points = np.array([(r * np.sin(a), -y, r * np.cos(a)) for y, r in OUTLINE for a in around]) - origin
    scale = size / 2 / np.tan(np.radians(field / 2))
    depth = points @ forward
    x, y = size / 2 + points @ right / depth * scale, size / 2 - points @ above / depth * scale
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def ground(height: int, width: int, rng: np.random.Generator) -> Pixels:
    """What lies behind: white, grey or tinted, even or softly shaded, sometimes dark, (height, width, 3)."""
    kind = rng.choice(["white", "pale", "any", "dark"], p=[0.35, 0.4, 0.17, 0.08])
    if kind == "white":
        base = np.full(3, 255.0)
    else:
        low, high, tint = {"pale": (150, 252, 6), "any": (70, 220, 30), "dark": (5, 70, 8)}[kind]
        base = rng.uniform(low, high) + rng.normal(0, tint, 3)
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
    if kind != "white" or rng.random() < 0.5:
        slope = rng.normal(0, 9, 2) * (rng.random() < 0.7)
        bowl = rng.normal(0, 10, 2) * (rng.random() < 0.4)
        shade = slope[0] * y + slope[1] * x + bowl[0] * y**2 + bowl[1] * x**2
    else:
        shade = np.zeros((height, width))
    shaded: Pixels = np.clip(base + shade[..., None], 0, 255).astype(np.uint8)
    return shaded


def shadow(picture: Pixels, boxes: Floats, rng: np.random.Generator) -> Pixels:
    """A soft shadow where each head touches the floor."""
    height, width = picture.shape[:2]
    y, x = np.arange(height)[:, None], np.arange(width)[None]
    strength, reach = rng.uniform(0.1, 0.45), rng.uniform(0.08, 0.2)
    dark = np.zeros((height, width))
    for x0, _, x1, y1 in boxes:
        w = x1 - x0
        off = rng.normal(0, 0.1) * w
        bell = ((x - (x0 + x1) / 2 - off) / (0.36 * w)) ** 2 + ((y - y1) / (reach * w)) ** 2
        dark = np.maximum(dark, np.exp(-bell))
    return np.clip(picture * (1 - strength * dark)[..., None], 0, 255).astype(np.uint8)


def sheet(
    heads: Cutouts,
    rows: list[list[int]],
    height: int,
    rng: np.random.Generator,
    gap: float | None = None,
    margin: float | None = None,
    uneven: float = 0.3,
    stretch: float = 1.0,
) -> Scene:
    """Rows of heads (indices into `heads`) on one ground, `height` pixels high.

    Gaps are shares of a head's width (0 to 0.2 unless given), margins of its height; heads are up to `uneven` smaller
    than the largest, and all are widened by `stretch`."""
    unit = 1.0  # a largest head's height, to begin with
    shapes = [[_shape(heads, i, unit * rng.uniform(1 - uneven, 1), stretch) for i in row] for row in rows]
    gap = rng.uniform(0, 0.2) if gap is None else gap
    border = rng.uniform(0.02, 0.25) if margin is None else margin
    placed: list[tuple[int, float, float, float, float]] = []
    y = border
    for row, sizes in zip(rows, shapes, strict=True):
        x = border + rng.uniform(0, 0.1)
        tallest = max(h for _, h in sizes)
        for i, (w, h) in zip(row, sizes, strict=True):
            placed.append((i, x, y + (tallest - h) * rng.choice([0.5, 1.0]), w, h))
            x += w + gap * w
        y += tallest + max(gap, 0.02)
    full_width = max(x + w for _, x, _, w, _ in placed) + border
    full_height = max(y + h for _, _, y, _, h in placed) + border
    scale = height / full_height
    canvas = ground(height, max(8, round(full_width * scale)), rng)
    boxes = np.array([(x, y, x + w, y + h) for _, x, y, w, h in placed], np.float32) * np.float32(scale)
    if rng.random() < 0.5:
        canvas = shadow(canvas, boxes, rng)
    picture = Image.fromarray(canvas)
    for (i, *_), box in zip(placed, boxes, strict=True):
        paste(picture, heads, i, box)
    return Scene(np.asarray(picture), boxes, np.array([i for i, *_ in placed]))


def _shape(heads: Cutouts, i: int, height: float, stretch: float) -> tuple[float, float]:
    x0, y0, x1, y1 = heads.boxes[i]
    return height * (x1 - x0) / (y1 - y0) * stretch, height


def paste(picture: Image.Image, heads: Cutouts, i: int, box: Floats) -> None:
    """Put head `i` so that its box comes to lie on `box`, antialiased."""
    size = heads.rgba.shape[1]
    x0, y0, x1, y1 = (float(v) for v in heads.boxes[i])
    sx, sy = (x1 - x0) / float(box[2] - box[0]), (y1 - y0) / float(box[3] - box[1])
    left, top = int(np.floor(box[0] - x0 / sx)), int(np.floor(box[1] - y0 / sy))
    wide, high = int(np.ceil(size / sx)) + 1, int(np.ceil(size / sy)) + 1
    # The part of the cutout that the pasted rectangle shows, which may reach past the cutout: pad it.
    pad = 2 + int(np.ceil(max(sx, sy) * 2))
    head = Image.fromarray(np.pad(heads.rgba[i], ((pad, pad), (pad, pad), (0, 0))))
    ox, oy = x0 + (left - float(box[0])) * sx + pad, y0 + (top - float(box[1])) * sy + pad
    region = (ox, oy, min(ox + wide * sx, head.width), min(oy + high * sy, head.height))
    wide, high = round((region[2] - ox) / sx), round((region[3] - oy) / sy)
    region = (ox, oy, ox + wide * sx, oy + high * sy)
    if region[2] > head.width or region[3] > head.height:
        wide, high = wide - 1, high - 1
        region = (ox, oy, ox + wide * sx, oy + high * sy)
    if wide < 1 or high < 1:
        return
    small = head.resize((wide, high), Image.Resampling.BILINEAR, box=region)
    picture.paste(small, (left, top), small)
