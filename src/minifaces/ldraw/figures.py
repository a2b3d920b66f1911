"""Whole figures drawn around composed heads: hair, helmets and hats over them, torso, arms and legs below, and figures
that show no face.

    figure = draw_figure(heads, 3, rng)      # heads: minifaces.ldraw.scenes.Cutouts
    figure.rgba, figure.seen, figure.box, figure.face

No parts but heads are at hand, so all else is drawn in two dimensions (minifaces.ldraw.dressing)."""

from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter

from minifaces.arrays import Floats, Pixels
from minifaces.ldraw.dressing import (
    CHIN,
    HEIGHT,
    HIGH,
    KINDS,
    LEFT,
    MIDDLE,
    SCALE,
    TOP,
    WIDTH,
    colour,
    curve,
    draw_worn,
    laid,
    lit,
    region,
)
from minifaces.ldraw.scenes import Cutouts

TURNED, AWAY = 52.0, 105.0  # degrees off the camera up to which a face is to be found, and from which there is none
FACELESS = {"closed": 0.4, "masked": 0.25, "creature": 0.35}  # what figures without a face are


class Figure(NamedTuple):
    """A figure on a transparent ground, layers of (HEIGHT, WIDTH)."""

    rgba: Pixels
    """(HEIGHT, WIDTH, 4) uint8, straight alpha."""
    head: Pixels
    """(HEIGHT, WIDTH, 4) uint8: its head as it is without what it wears."""
    seen: Pixels
    """(HEIGHT, WIDTH) uint8: how much of a pixel is the bare head's, 0 to 255."""
    box: Floats
    """(4,) x0, y0, x1, y1 in pixels of the head as it is without what it wears, stud and neck included."""
    face: int
    """1 where a face is seen from the front, 0 where none is, -1 between."""


def draw_figure(heads: Cutouts, i: int, rng: np.random.Generator, faceless: float = 0.3, fine: int = 1) -> Figure:
    """A figure with head `i`; a share of `faceless` shows none, whatever the head has. All is `fine` times as large,
    but nothing save the head is any finer."""
    bare, box = placed(heads, i, fine)
    yaw, pitch = float(heads.yaw[i]), float(heads.pitch[i])
    off = np.degrees(np.arccos(np.clip(np.cos(np.radians(yaw)) * np.cos(np.radians(pitch)), -1, 1)))
    face = 0 if heads.face[i] == 0 else 1 if off <= TURNED else 0 if off >= AWAY else -1
    without = str(rng.choice(list(FACELESS), p=list(FACELESS.values()))) if rng.random() < faceless else ""
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    if without and kind == "none":
        kind = "hair"
    worn = draw_worn("helmet" if without == "masked" else kind, yaw, pitch, rng, closed=bool(without))
    neck = box[3] / SCALE - rng.uniform(0, 1.5)
    body = _body(float(neck), rng) if rng.random() < 0.93 else np.zeros((HEIGHT, WIDTH, 4), np.float32)
    head = bare.copy()
    if without == "creature":
        head, worn = _creature(rng), draw_worn(kind if rng.random() < 0.3 else "none", yaw, pitch, rng)
        head = _enlarged(head, fine)
    elif not without:
        dark = Image.fromarray(_shadow(worn.over[..., 3], rng))
        head[..., :3] *= 1 - np.asarray(dark.resize((WIDTH * fine, HEIGHT * fine)))[..., None]
    over = worn.over
    if without == "masked":
        over = _mask(over, rng)
    if rng.random() < 0.25:  # a collar, a scarf, a hand before the chin
        y, half = CHIN + rng.uniform(-2, 4), rng.uniform(4, 17)
        thing = curve(
            [(MIDDLE + rng.normal(0, 4) + sx * half, y + sy) for sx, sy in ((-1, 0), (1, 0), (1, 8), (-1, 8))], 2
        )
        over = laid(lit(region(thing), colour(rng), rng), over)
    if rng.random() < 0.12:  # what is held up before all
        x, y, turn, long = (
            MIDDLE + rng.uniform(-22, 22),
            rng.uniform(TOP, TOP + 60),
            rng.uniform(0, 3.2),
            rng.uniform(8, 40),
        )
        along, wide = (
            np.array([np.cos(turn), np.sin(turn)]) * long,
            np.array([-np.sin(turn), np.cos(turn)]) * rng.uniform(1, 4),
        )
        corners = [along + wide, along - wide, -along - wide, -along + wide]
        over = laid(over, lit(region([(x + cx, y + cy) for cx, cy in corners]), colour(rng), rng))
    behind = laid(worn.behind, body) if rng.random() < 0.3 else laid(body, worn.behind)
    over, behind = _enlarged(over, fine), _enlarged(behind, fine)
    seen = head[..., 3] * (1 - over[..., 3])
    whole = laid(laid(behind, head), over)
    return Figure(stored(whole), stored(bare), (seen * 255).astype(np.uint8), box, 0 if without else face)


def stored(layer: Floats) -> Pixels:
    """A layer of straight alpha, (..., 4) uint8."""
    return (layer * np.array([1, 1, 1, 255], np.float32)).clip(0, 255).round().astype(np.uint8)


def placed(heads: Cutouts, i: int, fine: int = 1) -> tuple[Floats, Floats]:
    """Head `i` where figures have theirs, (fine HEIGHT, fine WIDTH, 4), and its box."""
    x0, y0, x1, y1 = (float(v) for v in heads.boxes[i])
    k = (x1 - x0) / (26 * SCALE)  # pixels of the cutout a pixel of the canvas
    pad = round(WIDTH * k) + HEIGHT
    left, top = x0 - LEFT * SCALE * k + pad, y0 - TOP * SCALE * k + pad
    image = Image.fromarray(np.pad(heads.rgba[i], ((pad, pad + HEIGHT), (pad, pad), (0, 0))))
    window = (left, top, left + WIDTH * k, top + HEIGHT * k)
    small = image.resize((WIDTH * fine, HEIGHT * fine), Image.Resampling.BILINEAR, box=window)
    head = _layer(small)
    box = np.array([LEFT, TOP, LEFT + 26, TOP + (y1 - y0) / k / SCALE], np.float32) * np.float32(SCALE * fine)
    return head, box


def _layer(image: Image.Image) -> Floats:
    layer = np.array(image, np.float32)
    layer[..., 3] /= 255
    return layer


def _enlarged(layer: Floats, fine: int) -> Floats:
    if fine == 1:
        return layer
    large = Image.fromarray(stored(layer)).resize((WIDTH * fine, HEIGHT * fine), Image.Resampling.BICUBIC)
    return _layer(large)


def _shadow(over: Floats, rng: np.random.Generator) -> Floats:
    """What lies over a head darkens it below."""
    moved = np.roll(over, (round(rng.uniform(0.5, 4) * SCALE), round(rng.normal(0, 1) * SCALE)), (0, 1))
    dark: Floats = np.float32(rng.uniform(0, 0.55)) * uniform_filter(moved, round(rng.uniform(1, 7) * SCALE))
    return dark


def _body(neck: float, rng: np.random.Generator) -> Floats:
    """Torso with a print, arms, hands, legs, from height `neck` down."""
    x, waist = MIDDLE, neck + 32
    paint, limb, skin = colour(rng), colour(rng), colour(rng)
    limb = paint if rng.random() < 0.6 else limb
    lean = rng.normal(0, 3)
    layer = np.zeros((HEIGHT, WIDTH, 4), np.float32)
    if rng.random() < 0.12:  # a cape
        wide = rng.uniform(20, 32)
        layer = lit(
            region(curve([(x - 14, neck), (x + 14, neck), (x + wide, HIGH - 12), (x - wide, HIGH - 12)], 2)),
            colour(rng),
            rng,
        )
    if rng.random() < 0.75:
        trousers, part = colour(rng), rng.uniform(-2, 2)
        for side in (-1, 1):
            spread = rng.uniform(17, 22)
            leg = [
                (x + part, waist),
                (x + side * 19, waist),
                (x + side * spread, waist + 34),
                (x + side * 1.0, waist + 34),
            ]
            layer = laid(layer, lit(region(leg), trousers, rng))
    for side in (-1, 1):
        reach, drop = rng.uniform(19, 27), rng.uniform(12, 26)
        tip = (x + side * (reach + rng.normal(0, 4)), neck + drop + rng.normal(0, 4))
        if rng.random() < 0.15:
            tip = (x + side * rng.uniform(10, 28), neck + rng.uniform(-6, 6))  # raised
        shoulder = (x + side * 16, neck + 4)
        arm = [
            (shoulder[0] - 4, shoulder[1]),
            (shoulder[0] + 4, shoulder[1]),
            (tip[0] + 4, tip[1]),
            (tip[0] - 4, tip[1]),
        ]
        layer = laid(layer, lit(region(curve(arm, 2)), limb, rng))
        hand = [(tip[0] + 4.5 * np.cos(a), tip[1] + 3 + 4.5 * np.sin(a)) for a in np.linspace(0, 6.28, 12)]
        layer = laid(layer, lit(region(hand), skin, rng))
    top, foot = rng.uniform(12, 15), rng.uniform(17, 21)
    trunk = [(x - top, neck), (x + top, neck), (x + foot + lean, waist), (x - foot + lean, waist)]
    torso = lit(region(trunk), paint, rng)
    for _ in range(int(rng.integers(0, 9))):  # its print
        cx, cy = x + rng.uniform(-14, 14), neck + rng.uniform(1, 30)
        if rng.random() < 0.5:
            end = (x + rng.uniform(-14, 14), neck + rng.uniform(1, 30))
            w = rng.uniform(0.3, 2)
            mark = [(cx - w, cy - w), (cx + w, cy + w), (end[0] + w, end[1] + w), (end[0] - w, end[1] - w)]
        else:
            rx, ry = rng.uniform(0.5, 8, 2)
            mark = [(cx + rx * np.cos(a), cy + ry * np.sin(a)) for a in np.linspace(0, 6.28, int(rng.integers(4, 14)))]
        ink = region(mark) * torso[..., 3]
        torso[..., :3] += ink[..., None] * (colour(rng) * rng.uniform(0.7, 1) - torso[..., :3])
    return laid(layer, torso)


def _mask(over: Floats, rng: np.random.Generator) -> Floats:
    """A closed helmet with a face of its own: plates, slits for the eyes."""
    if rng.random() < 0.7:
        plate = [
            (MIDDLE + sx * rng.uniform(8, 12), TOP + y)
            for sx, y in ((-1, 4), (1, 4), (1, 18), (0.6, 26), (-0.6, 26), (-1, 18))
        ]
        over = laid(over, lit(region(curve(plate, 1)) * over[..., 3], colour(rng), rng))
    y, wide, high, slant = TOP + rng.uniform(9, 16), rng.uniform(2, 5), rng.uniform(0.7, 3), rng.uniform(-2, 2)
    glow, apart = colour(rng), rng.uniform(4, 7)
    for side in (-1, 1):
        x = MIDDLE + side * apart
        eye = [
            (x - wide, y - side * slant),
            (x + wide, y + side * slant),
            (x + wide, y + high + side * slant),
            (x - wide, y + high),
        ]
        over = laid(over, lit(region(eye) * over[..., 3], glow, rng))
    for _ in range(int(rng.integers(0, 4))):
        y = TOP + rng.uniform(16, 26)
        line = [(MIDDLE - 6, y), (MIDDLE + 6, y + rng.normal(0, 1)), (MIDDLE + 5, y + 0.8), (MIDDLE - 5, y + 0.8)]
        over = laid(over, lit(region(line) * over[..., 3], colour(rng, 0.5), rng))
    return over


def _creature(rng: np.random.Generator) -> Floats:
    """A head that is none of the common shape: a ball with ears, a dome, a snout."""
    paint = colour(rng)
    rx, ry = rng.uniform(9, 19), rng.uniform(8, 17)
    cx, cy = MIDDLE, TOP + 28 - ry
    layer = np.zeros((HEIGHT, WIDTH, 4), np.float32)
    if rng.random() < 0.5:
        for side in (-1, 1):
            tip, root = (cx + side * rng.uniform(14, 34), cy + rng.uniform(-14, 4)), cx + side * rx * 0.7
            layer = laid(layer, lit(region(curve([(root, cy - 5), tip, (root, cy + 5)], 2)), paint, rng))
    if rng.random() < 0.4:  # a cylinder under a dome
        cylinder = [(cx - rx, cy), (cx + rx, cy), (cx + rx, TOP + 28), (cx - rx, TOP + 28)]
        layer = laid(layer, lit(region(cylinder), colour(rng), rng))
    ball = lit(region([(cx + rx * np.cos(a), cy + ry * np.sin(a)) for a in np.linspace(0, 6.28, 40)]), paint, rng)
    ball = laid(layer, ball)
    marks = int(rng.integers(0, 9))
    for k in range(marks):
        ex, ey = cx + rng.uniform(-0.8, 0.8) * rx, cy + rng.uniform(-0.7, 0.9) * ry
        r, q = rng.uniform(0.5, 3.5, 2)
        shape = [(ex + r * np.cos(a), ey + q * np.sin(a)) for a in np.linspace(0, 6.28, int(rng.integers(4, 12)))]
        ball = laid(ball, lit(region(shape), colour(rng), rng))
        if k == 0 and rng.random() < 0.5:  # a pair of eyes
            ball = laid(ball, lit(region([(2 * cx - px, py) for px, py in shape]), colour(rng), rng))
    return ball
