"""What figures wear over their heads: hair, helmets, hats and hoods, drawn in two dimensions and lit as plastic is.

    worn = draw_worn("hair", yaw, pitch, rng)
    worn.rgba, worn.rgba_behind          # (HEIGHT, WIDTH, 4) float32, colours 0 to 255, alpha 0 to 1

Everything is in LDraw units about a head of 26 by 28 of them, stud and neck included, whose upper left corner lies at
(LEFT, TOP); a canvas has SCALE pixels a unit."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import uniform_filter

from minifaces.arrays import Floats

SCALE = 2.3  # pixels a unit: a head is 60 wide
WIDE, HIGH = 70.0, 114.0  # units of the canvas
LEFT, TOP = 22.0, 16.0  # units at which the head begins
WIDTH, HEIGHT = round(WIDE * SCALE), round(HIGH * SCALE)
MIDDLE = LEFT + 13  # the head's axis
DOME, CHIN = TOP + 4, TOP + 25
KINDS = {"hair": 0.52, "helmet": 0.13, "hat": 0.09, "hood": 0.05, "none": 0.21}
_HAIR = ((20, 18, 18), (45, 30, 25), (88, 58, 38), (110, 70, 35), (150, 110, 70), (215, 180, 100), (235, 215, 150),
         (200, 120, 40), (160, 60, 25), (150, 150, 150), (235, 235, 235), (240, 200, 60))  # fmt: skip
_FINE = 2  # outlines are drawn so much larger, for their edges

Point = tuple[float, float]


class Worn(NamedTuple):
    """Layers over and behind a head, (HEIGHT, WIDTH, 4) float32 of straight alpha."""

    over: Floats
    behind: Floats


def draw_worn(kind: str, yaw: float, pitch: float, rng: np.random.Generator, closed: bool = False) -> Worn:
    """What is worn by a head turned by `yaw` to the picture's right and seen from `pitch` above, degrees; `closed`
    leaves no opening for a face."""
    if kind == "none":
        nothing = np.zeros((HEIGHT, WIDTH, 4), np.float32)
        return Worn(nothing, nothing)
    turn, down = np.sin(np.radians(yaw)), 9 * np.sin(np.radians(pitch - 8))
    draw = {"hair": _hair, "helmet": _helmet, "hat": _hat, "hood": _hood}[kind]
    return draw(float(turn), float(down), closed, rng)


def colour(rng: np.random.Generator, natural: float = 0.0) -> Floats:
    """Any colour, or with that chance one that hair has."""
    if rng.random() < natural:
        base = np.array(_HAIR[rng.integers(len(_HAIR))], np.float32) + rng.normal(0, 8, 3)
    elif rng.random() < 0.4:  # black to white
        base = rng.choice([15, 30, 60, 100, 160, 200, 245]) + rng.normal(0, 6, 3)
    else:
        base = rng.uniform(0, 255, 3)
    paint: Floats = np.clip(base, 4, 252).astype(np.float32)
    return paint


def region(points: Sequence[Point], soft: float = 0.0) -> Floats:
    """Within a polygon, (HEIGHT, WIDTH) 0 to 1."""
    image = Image.new("L", (WIDTH * _FINE, HEIGHT * _FINE))
    ImageDraw.Draw(image).polygon([(x * SCALE * _FINE, y * SCALE * _FINE) for x, y in points], fill=255)
    if soft:
        image = image.filter(ImageFilter.GaussianBlur(soft * SCALE * _FINE))
    return np.asarray(image.resize((WIDTH, HEIGHT), Image.Resampling.BOX), np.float32) / np.float32(255)


def curve(points: Sequence[Point], rounds: int = 3) -> list[Point]:
    """A closed polygon with its corners cut off so often (Chaikin's curve)."""
    path = np.array(points, np.float32)
    for _ in range(rounds):
        after = np.roll(path, -1, 0)
        path = np.stack([0.75 * path + 0.25 * after, 0.25 * path + 0.75 * after], 1).reshape(-1, 2)
    return [(float(x), float(y)) for x, y in path]


def lit(
    mask: Floats, paint: Floats, rng: np.random.Generator, strands: float = 0.0, centre: Point | None = None
) -> Floats:
    """A mask as a lit piece of plastic of one colour, swelling to its middle; `strands` is how deep lines are that run
    away from `centre`. (HEIGHT, WIDTH, 4)."""
    layer = np.zeros((HEIGHT, WIDTH, 4), np.float32)
    layer[..., :3], layer[..., 3] = paint, mask
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) < 3 or len(columns) < 3:
        return layer
    part = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    y, x = np.mgrid[part].astype(np.float32) / SCALE
    cx, cy = centre or (float(x.mean()), float(y.mean()) - 3)
    swelling = uniform_filter(mask[part], round(rng.uniform(4, 10) * SCALE))
    height = swelling * 14 - 0.012 * ((x - cx) ** 2 + (y - cy) ** 2)
    if strands:
        angle, far = np.arctan2(y - cy, x - cx), np.hypot(x - cx, y - cy)
        bend = rng.normal(0, 1, 3)
        phase = angle * rng.uniform(5, 16) + bend[0] * np.sin(far * 0.2 + bend[1] * 3)
        wave = np.abs(np.sin(phase + 0.5 * bend[2] * np.sin(far * 0.5))) + 0.4 * np.sin(phase * 2.3 + 1)
        height = height + strands * wave * np.clip(far / 8, 0.2, 1)
    dy, dx = np.gradient(height, 1 / SCALE)
    length = np.sqrt(dx**2 + dy**2 + 1)
    light = np.array([rng.normal(0, 0.5), -0.6 + rng.normal(0, 0.35), rng.uniform(0.5, 1.2)])
    facing = (-dx * light[0] - dy * light[1] + light[2]) / length / np.linalg.norm(light)
    half = light / np.linalg.norm(light) + [0, 0, 1]
    gleam = (-dx * half[0] - dy * half[1] + half[2]) / length / np.linalg.norm(half)
    diffuse = rng.uniform(0.35, 0.65) + rng.uniform(0.4, 0.75) * np.clip(facing, 0, 1)
    shade = paint * diffuse[..., None] + rng.uniform(20, 190) * (np.clip(gleam, 0, 1) ** rng.uniform(12, 90))[..., None]
    layer[part][..., :3] = np.clip(shade, 0, 255)
    return layer


def _outline(
    half: float, top: float, bottom: float, flare: float, rng: np.random.Generator, ragged: float
) -> list[Point]:
    """Of a cap of hair or a helmet: from lower left over the top to lower right and back along a ragged hem."""
    x, waist = MIDDLE, (top + bottom) / 2
    left = [(x - half * flare, bottom), (x - half, waist + 4), (x - half * rng.uniform(0.9, 1.05), top + 9)]
    right = [(2 * x - px, py) for px, py in reversed(left)]
    crown = [(x - half * 0.62, top + 1), (x + rng.normal(0, 2), top - rng.uniform(0, 1.5)), (x + half * 0.62, top + 1)]
    hem = [(px, bottom + rng.normal(0, ragged)) for px in np.linspace(x + half * 0.8, x - half * 0.8, 9)]
    return [*curve([*left, *crown, *right, (x + half * 0.5, bottom), (x - half * 0.5, bottom)]), *hem]


def _opening(
    turn: float, half: float, brow: float, rng: np.random.Generator, ragged: float, foot: float
) -> list[Point]:
    """Where the face looks out: down from a fringe at height `brow` to `foot`, in front of the axis."""
    x, width = MIDDLE + 9 * turn, half * np.sqrt(1 - 0.75 * turn**2)
    count = int(rng.integers(3, 11))
    kind = rng.integers(0, 4)
    across = np.linspace(-1, 1, count)
    line = np.full(count, brow)
    if kind == 0:  # an arch
        line = line + rng.uniform(0, 6) * across**2
    elif kind == 1:  # parted at a side
        part = rng.uniform(-0.8, 0.8)
        line = line + rng.uniform(1, 7) * np.abs(across - part)
    elif kind == 2:  # to one side
        line = line + rng.uniform(-4, 4) * across
    line = line + rng.normal(0, ragged, count) * (np.arange(count) % 2 if rng.random() < 0.6 else 1)
    spread = rng.uniform(0.8, 1.15)
    top = [(x + width * a, float(y)) for a, y in zip(across, line, strict=True)]
    if rng.random() < 0.5:
        return curve([*top, (x + width, foot), (x - width, foot)], 2)
    return [*top, (x + width * spread, foot), (x - width * spread, foot)]


def _hair(turn: float, down: float, closed: bool, rng: np.random.Generator) -> Worn:
    paint = colour(rng, 0.8)
    half, top = rng.uniform(13.8, 18), TOP - rng.uniform(0, 9)
    long = rng.random() < 0.4
    bottom = rng.uniform(TOP + 14, TOP + 24) if not long else rng.uniform(TOP + 24, TOP + 46)
    ragged = rng.uniform(0, 2)
    mask = region(_outline(half, top, bottom, rng.uniform(0.75, 1.25), rng, ragged))
    behind = np.zeros_like(mask)
    if not closed:
        brow = TOP + rng.uniform(6, 14.5) + down * 0.6
        width = rng.uniform(8.5, 13.6)
        behind, mask = mask, mask * (1 - region(_opening(turn, width, brow, rng, rng.uniform(0, 2.2), TOP + 60)))
        # Short hair ends beside the head; hair at the back shows below it.
        if rng.random() < 0.5:
            short = rng.uniform(TOP + 12, TOP + 24)
            mask = mask * region(
                [(0, 0), (WIDE, 0), (WIDE, short + rng.normal(0, 2)), (0, short + rng.normal(0, 2))], 0.4
            )
    centre = (MIDDLE + rng.normal(0, 5), TOP + rng.uniform(-10, 6))
    strands = rng.uniform(0.2, 2.2) if rng.random() < 0.85 else 0.0
    return Worn(lit(mask, paint, rng, strands, centre), lit(behind, paint * 0.7, rng, strands, centre))


def _helmet(turn: float, down: float, closed: bool, rng: np.random.Generator) -> Worn:
    paint = colour(rng, 0.2)
    half, top = rng.uniform(14, 18.5), TOP - rng.uniform(0, 6)
    bottom = rng.uniform(TOP + 10, TOP + 29)
    mask = region(_outline(half, top, bottom, rng.uniform(0.8, 1.05), rng, 0.0))
    behind = lit(mask, paint * 0.5, rng)
    brow, width = TOP + rng.uniform(5, 12) + down * 0.6, rng.uniform(8, 13)
    if not closed:
        foot = TOP + 60 if rng.random() < 0.6 else rng.uniform(CHIN - 7, CHIN + 4)
        half_hole, x = width * np.sqrt(1 - 0.75 * turn**2), MIDDLE + 9 * turn
        corners = ((-1, brow), (-0.3, brow - 1), (0.3, brow - 1), (1, brow), (1, foot), (-1, foot))
        hole = region(curve([(x + sx * half_hole, y) for sx, y in corners], 2))
        rim = uniform_filter(hole, round(2 * SCALE))
        mask = mask * (1 - hole)
    over = lit(mask, paint, rng)
    if not closed and rng.random() < 0.6:
        edge = colour(rng)
        over[..., :3] += np.clip(rim * (1 - hole) * 2, 0, 1)[..., None] * (edge - over[..., :3])
    for side in (-1, 1):  # ears, horns
        if rng.random() < 0.3:
            ex, ey, size = MIDDLE + side * half * rng.uniform(0.85, 1.05), TOP + rng.uniform(6, 18), rng.uniform(2.5, 5)
            ear = region([(ex + size * np.cos(a), ey + size * np.sin(a)) for a in np.linspace(0, 6.28, 16)])
            over = laid(over, lit(ear, colour(rng, 0.2), rng, 0.0, (ex, ey)))
    if rng.random() < 0.35:  # a visor, up or over the eyes
        high = rng.uniform(4, 9)
        low = brow + (rng.uniform(-2, 2) if rng.random() < 0.6 else rng.uniform(2, 9))
        wide = half * rng.uniform(0.85, 1.15)
        glass = region(
            curve(
                [
                    (MIDDLE + 4 * turn + sx * wide, y)
                    for sx, y in ((-1, low - high), (1, low - high), (1, low), (-1, low))
                ],
                2,
            )
        )
        over = laid(over, lit(glass * rng.uniform(0.25, 1.0), colour(rng, 0.3), rng))
    if not closed and rng.random() < 0.2:  # a strap
        y = CHIN - rng.uniform(0.5, 6)
        strap = region([(MIDDLE - 14, y), (MIDDLE + 14, y), (MIDDLE + 14, y + 1), (MIDDLE - 14, y + 1)])
        over = laid(over, lit(strap, colour(rng, 0.3), rng))
    return Worn(over, behind)


def _hat(turn: float, down: float, closed: bool, rng: np.random.Generator) -> Worn:
    worn = _hair(turn, down, closed, rng) if rng.random() < 0.5 or closed else draw_worn("none", 0, 0, rng)
    paint = colour(rng, 0.3)
    half, top, brow = rng.uniform(12, 16), TOP - rng.uniform(-1, 14), TOP + rng.uniform(4, 11) + down * 0.5
    crown = region(
        curve(
            [
                (MIDDLE + sx * half, y)
                for sx, y in ((-1, brow), (-1.0, top + 4), (-0.6, top), (0.6, top), (1.0, top + 4), (1, brow))
            ],
            2,
        )
    )
    over = laid(worn.over, lit(crown, paint, rng, rng.choice([0.0, 0.3])))
    wide, thick = half * rng.uniform(0.9, 1.9), rng.uniform(1, 4)
    x, sag = MIDDLE + rng.uniform(0, 10) * turn, rng.uniform(-2, 3)
    ends = ((-1, sag), (-0.5, -thick), (0.5, -thick), (1, sag), (0.5, thick), (-0.5, thick))
    brim = region(curve([(x + sx * wide, brow + sy) for sx, sy in ends], 2))
    return Worn(laid(over, lit(brim, paint if rng.random() < 0.7 else colour(rng), rng)), worn.behind)


def _hood(turn: float, down: float, closed: bool, rng: np.random.Generator) -> Worn:
    paint = colour(rng, 0.3)
    half = rng.uniform(15, 20)
    mask = region(_outline(half, TOP - rng.uniform(1, 8), TOP + rng.uniform(28, 36), rng.uniform(0.9, 1.4), rng, 1.0))
    behind = lit(mask, paint * 0.4, rng)
    if not closed:
        tall, wide = rng.uniform(9, 13), rng.uniform(9, 12.5) * np.sqrt(1 - 0.75 * turn**2)
        x, y = MIDDLE + 9 * turn, CHIN - tall + rng.uniform(-1, 3) + down * 0.4
        mask = mask * (1 - region([(x + wide * np.cos(a), y + tall * np.sin(a)) for a in np.linspace(0, 6.28, 40)]))
    return Worn(lit(mask, paint, rng, rng.choice([0.0, 0.5])), behind)


def laid(under: Floats, over: Floats) -> Floats:
    """One layer over another, straight alpha."""
    alpha = over[..., 3:] + under[..., 3:] * (1 - over[..., 3:])
    shade = over[..., :3] * over[..., 3:] + under[..., :3] * under[..., 3:] * (1 - over[..., 3:])
    return np.concatenate([shade / np.maximum(alpha, 1e-4), alpha], -1).astype(np.float32)
