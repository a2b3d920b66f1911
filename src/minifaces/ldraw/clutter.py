"""What is no bare head: whole figures, heads under hair, bricks, textures. Drawn roughly, as what a finder must refuse.

picture = figure(heads, 3, 96, 64, rng)
picture = shapes(96, 96, rng)"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from minifaces.arrays import Pixels
from minifaces.ldraw.scenes import Cutouts, ground, paste

Colour = tuple[int, int, int, int]


def texture(height: int, width: int, rng: np.random.Generator) -> Pixels:
    """A ground that is not even: grain, stripes as of wood, things out of focus."""
    base = rng.uniform(30, 225) + rng.normal(0, 20, 3)
    field = np.zeros((height, width, 3), np.float32) + base.astype(np.float32)
    for cells in (3, 8, 24):
        rough = rng.normal(0, rng.uniform(4, 30), (cells, max(1, cells // int(rng.integers(1, 8))), 1))
        rough = rough + rng.normal(0, rng.uniform(0, 10), (*rough.shape[:2], 3))
        if rng.random() < 0.5:
            rough = rough.transpose(1, 0, 2)
        planes = [
            Image.fromarray(rough[..., c].astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
            for c in range(3)
        ]
        field += np.stack([np.asarray(p) for p in planes], -1)
    picture = Image.fromarray(np.clip(field, 0, 255).astype(np.uint8))
    if rng.random() < 0.6:
        _scatter(picture, int(rng.integers(1, 7)), rng)
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.exponential(0.015)) * height))
    return np.asarray(picture)


def shapes(height: int, width: int, rng: np.random.Generator) -> Pixels:
    """A few plain things on an even or uneven ground: bricks, balls, boxes, lines of text."""
    behind = texture(height, width, rng) if rng.random() < 0.4 else ground(height, width, rng)
    picture = Image.fromarray(behind).resize((2 * width, 2 * height))
    if rng.random() < 0.5:
        _scatter(picture, int(rng.integers(1, 6)), rng, large=True)
    for _ in range(int(rng.integers(0, 5))):
        high, wide = (max(4, int(v)) for v in rng.uniform(0.1, 0.9, 2) * (2 * height, 2 * width))
        thing = solid(high, wide, rng)
        picture.paste(thing, (int(rng.uniform(-0.3, 0.9) * 2 * width), int(rng.uniform(-0.3, 0.9) * 2 * height)), thing)
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))


def solid(height: int, width: int, rng: np.random.Generator) -> Image.Image:
    """One lit thing on a transparent ground, (height, width): a ball, a cylinder, a box with round corners, a dome."""
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    kind = rng.integers(0, 4)
    if kind == 0:
        draw.ellipse((0, 0, width - 1, height - 1), fill=255)
    elif kind == 1:
        draw.rounded_rectangle((0, 0, width - 1, height - 1), rng.uniform(0, 0.5) * min(height, width), fill=255)
    elif kind == 2:
        draw.pieslice((0, 0, width - 1, 2 * height), 180, 360, fill=255)
    else:
        lean = rng.uniform(0, 0.25, 2) * width
        draw.polygon([(lean[0], 0), (width - lean[1], 0), (width, height), (0, height)], fill=255)
    x, y = np.linspace(-1, 1, width)[None], np.linspace(-1, 1, height)[:, None]
    light = rng.uniform(-0.5, 0.5, 2)
    shade = 1.05 - rng.uniform(0.1, 0.6) * ((x - light[0]) ** 2 + rng.uniform(0, 0.5) * (y - light[1]) ** 2)
    gloss = rng.uniform(0, 160) * np.exp(-(((x - light[0]) / 0.15) ** 2 + ((y - light[1]) / rng.uniform(0.1, 1)) ** 2))
    colour = np.array(_colour(rng)[:3])
    lit = np.clip(colour * np.clip(shade, 0.1, 1.3)[..., None] + gloss[..., None], 0, 255).astype(np.uint8)
    result = Image.fromarray(lit)
    result.putalpha(mask)
    return result


def shuffled(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """The picture's parts in another order, some upside down: all of its colours and edges, and no head."""
    cells = int(rng.integers(2, 5))
    height, width = picture.shape[0] // cells, picture.shape[1] // cells
    parts = [picture[r * height :, c * width :][:height, :width] for r in range(cells) for c in range(cells)]
    order = np.roll(rng.permutation(cells * cells), 1) if cells > 2 else np.array([3, 2, 1, 0])
    parts = [parts[k][::-1] if rng.random() < 0.4 else parts[k] for k in order]
    rows = [np.concatenate(parts[r * cells : (r + 1) * cells], 1) for r in range(cells)]
    whole = Image.fromarray(np.concatenate(rows))
    return np.asarray(whole.resize((picture.shape[1], picture.shape[0])))


def _patch(heads: Cutouts, rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """A part of a face, as a print that is on no head."""
    i = int(rng.integers(len(heads)))
    x0, y0, x1, y1 = heads.boxes[i]
    wide, high = (x1 - x0) * rng.uniform(0.3, 0.8), (y1 - y0) * rng.uniform(0.25, 0.55)
    left, top = rng.uniform(x0, x1 - wide), rng.uniform(y0 + 0.2 * (y1 - y0), y1 - 0.15 * (y1 - y0) - high)
    part = Image.fromarray(heads.rgba[i]).resize((width, height), box=(left, top, left + wide, top + high))
    return part.rotate(180) if rng.random() < 0.3 else part


def _scatter(picture: Image.Image, count: int, rng: np.random.Generator, large: bool = False) -> None:
    draw = ImageDraw.Draw(picture)
    w, h = picture.size
    for _ in range(count):
        reach = rng.uniform(0.15, 0.9 if large else 0.45) * min(w, h)
        x, y = rng.uniform(0.1, 0.9) * w, rng.uniform(0.1, 0.9) * h
        wide, high = reach * rng.uniform(0.3, 1, 2) / 2
        fill = _colour(rng)
        kind = rng.integers(0, 5)
        if kind == 0:
            draw.ellipse((x - wide, y - high, x + wide, y + high), fill=fill)
        elif kind == 1:
            draw.rectangle((x - wide, y - high, x + wide, y + high), fill=fill)
        elif kind == 2:  # a brick with studs
            draw.rectangle((x - wide, y - high * 0.5, x + wide, y + high * 0.5), fill=fill)
            for k in range(int(rng.integers(1, 5))):
                left = x - wide + (0.1 + 0.45 * k) * wide
                draw.rectangle((left, y - high * 0.7, left + 0.3 * wide, y - high * 0.5), fill=fill)
        elif kind == 3:
            turns = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
            draw.polygon([(x + wide * np.cos(t), y + high * np.sin(t)) for t in turns], fill=fill)
        else:
            for k in range(int(rng.integers(1, 5))):
                place = y + k * 0.12 * h
                draw.line(
                    (x - wide, place, x + wide * rng.uniform(0, 1), place), fill=fill, width=max(1, int(0.02 * h))
                )


def _colour(rng: np.random.Generator) -> Colour:
    red, green, blue = (int(v) for v in rng.integers(0, 256, 3))
    return red, green, blue, 255


def figure(heads: Cutouts, i: int, height: int, width: int, rng: np.random.Generator) -> Pixels:
    """A whole figure with head `i`, with hair, a helmet or neither, upright, leaning or lying, or cut at the waist."""
    behind = texture(height, width, rng) if rng.random() < 0.6 else ground(height, width, rng)
    person = _person(heads, i, rng)
    lean = rng.normal(0, 12) if rng.random() < 0.85 else rng.uniform(-180, 180)
    person = person.rotate(lean, Image.Resampling.BILINEAR, expand=True)
    box = person.getbbox() or (0, 0, *person.size)
    person = person.crop(box)
    scale = min(width / person.width, height / person.height) * rng.uniform(0.8, 1.1)
    if rng.random() < 0.45:
        scale = width / person.width * rng.uniform(0.8, 2.0)  # nearer: the legs are out of the picture
    size = max(4, round(person.width * scale)), max(4, round(person.height * scale))
    person = person.resize(size, Image.Resampling.BILINEAR)
    picture = Image.fromarray(behind)
    left = round((width - size[0]) * rng.uniform(0.2, 0.8))
    top = round((height - size[1]) * rng.uniform(0.0, 0.8)) if rng.random() < 0.6 else round(0.03 * height)
    picture.paste(person, (left, top), person)
    return np.asarray(picture)


def _person(heads: Cutouts, i: int, rng: np.random.Generator) -> Image.Image:
    """On a transparent ground of 130 x 170, 1.4 pixels a LDraw unit."""
    u, x, top = 1.4, 65.0, 22.0
    canvas = Image.new("RGBA", (130, 170))
    neck, waist, feet = top + 27 * u, top + 60 * u, top + 96 * u

    def put(cx: float, y: float, width: float, height: float) -> None:
        thing = solid(max(3, round(height)), max(3, round(width)), rng)
        canvas.paste(thing, (round(cx - thing.width / 2), round(y)), thing)

    body = rng.random() < 0.92
    if body:
        skew = rng.uniform(0.75, 1.1)
        for side in (-1, 1):
            put(x + side * 9.5 * u * skew, waist - 2, 19 * u * skew, feet - waist)
            reach = x + side * rng.uniform(17, 25) * u
            put(reach, neck + rng.uniform(2, 8) * u, rng.uniform(6, 11) * u, rng.uniform(14, 24) * u)
            put(reach + rng.normal(0, 4), neck + rng.uniform(15, 30) * u, 8 * u, 8 * u)
        put(x, neck, rng.uniform(32, 42) * u, waist - neck)
        if rng.random() < 0.45:
            part = _patch(heads, rng, round(rng.uniform(12, 26) * u), round(rng.uniform(14, 28) * u))
            canvas.paste(part, (round(x - part.width / 2), round(neck + 3)), part)
        draw = ImageDraw.Draw(canvas)
        for _ in range(int(rng.integers(0, 9))):  # its print
            a = rng.uniform(-14, 14, 2) * u + x
            b = rng.uniform(2, 31, 2) * u + neck
            draw.line((a[0], b[0], a[1], b[1]), fill=_colour(rng), width=int(rng.integers(1, 6)))
    kind = rng.random()
    if kind < 0.85 or not body:
        paste(canvas, heads, i, np.array([x - 13 * u, top - 1.0, x + 13 * u, top + 28 * u], np.float32))
        if not body or rng.random() < 0.78:
            _hair(ImageDraw.Draw(canvas), _colour(rng), x, top, u, rng)
    else:  # a creature, a robot, a helmet
        put(x, top, rng.uniform(18, 36) * u, rng.uniform(18, 30) * u)
        if rng.random() < 0.5:
            for side in (-1, 1):
                put(x + side * 18 * u, top + rng.uniform(2, 14) * u, 16 * u, 7 * u)
        part = _patch(heads, rng, round(12 * u), round(18 * u))
        if rng.random() < 0.5:
            canvas.paste(part, (round(x - part.width / 2), round(top + 8 * u)), part)
    if rng.random() < 0.4:
        put(x + rng.choice([-1, 1]) * rng.uniform(10, 30) * u, rng.uniform(top, waist), *(rng.uniform(3, 30, 2) * u))
    return canvas


def _hair(draw: ImageDraw.ImageDraw, fill: Colour, x: float, top: float, u: float, rng: np.random.Generator) -> None:
    """Hair, a hood or a helmet: a dome, most often with something at the sides, sometimes over all of the head."""
    brow = rng.uniform(6, 13) * u if rng.random() < 0.8 else 27 * u
    wide, tall = rng.uniform(13.5, 18) * u, rng.uniform(1, 9) * u
    draw.pieslice((x - wide, top - tall, x + wide, top + 2 * brow + tall), 180, 360, fill=fill)
    draw.rectangle((x - wide, top + brow - 2, x + wide, top + brow + 3), fill=fill)
    if rng.random() < 0.7:
        length = rng.uniform(8, 30) * u
        for side in (-1, 1):
            edges = sorted((x + side * wide, x + side * rng.uniform(9, 12) * u))
            draw.rectangle((edges[0], top + brow * 0.6, edges[1], top + brow * 0.6 + length), fill=fill)
    for _ in range(int(rng.integers(0, 6))):
        cx, cy, r = x + rng.uniform(-1, 1) * wide, top + rng.uniform(-0.2, 0.8) * brow, rng.uniform(2, 7) * u
        shade = tuple(int(np.clip(c + rng.normal(0, 12), 0, 255)) for c in fill[:3])
        draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=(*shade, 255))
