"""What is no bare head: whole figures, heads under hair, bricks, textures. Drawn roughly, as what a finder must refuse.

picture = figure(heads, 3, 96, 64, rng)
picture = shapes(96, 96, rng)"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from minifaces.ldraw.compose import Bytes, Floats
from minifaces.ldraw.scenes import Cutouts, ground, paste

Colour = tuple[int, int, int, int]


def texture(height: int, width: int, rng: np.random.Generator) -> Bytes:
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


def shapes(height: int, width: int, rng: np.random.Generator) -> Bytes:
    """A few plain things on an even or uneven ground: bricks, balls, boxes, lines of text."""
    behind = texture(height, width, rng) if rng.random() < 0.4 else ground(height, width, rng)
    picture = Image.fromarray(behind).resize((2 * width, 2 * height))
    _scatter(picture, int(rng.integers(1, 6)), rng, large=True)
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))


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


def figure(heads: Cutouts, i: int, height: int, width: int, rng: np.random.Generator) -> Bytes:
    """A whole figure with head `i`, with hair, a helmet or neither, upright, leaning or lying, or cut at the waist."""
    behind = texture(height, width, rng) if rng.random() < 0.6 else ground(height, width, rng)
    person = _person(heads, i, rng)
    lean = rng.normal(0, 12) if rng.random() < 0.85 else rng.uniform(-180, 180)
    person = person.rotate(lean, Image.Resampling.BILINEAR, expand=True)
    box = person.getbbox() or (0, 0, *person.size)
    person = person.crop(box)
    scale = min(width / person.width, height / person.height) * rng.uniform(0.8, 1.1)
    if rng.random() < 0.35:
        scale = width / person.width * rng.uniform(0.8, 1.3)  # a bust: the legs are out of the picture
    size = max(4, round(person.width * scale)), max(4, round(person.height * scale))
    person = person.resize(size, Image.Resampling.BILINEAR)
    picture = Image.fromarray(behind)
    left = round((width - size[0]) * rng.uniform(0.2, 0.8))
    top = round((height - size[1]) * rng.uniform(0.2, 0.8)) if size[1] <= height else round(0.03 * height)
    picture.paste(person, (left, top), person)
    return np.asarray(picture)


def _person(heads: Cutouts, i: int, rng: np.random.Generator) -> Image.Image:
    """On a transparent ground of 130 x 170, 1.4 pixels a LDraw unit."""
    u, x, top = 1.4, 65.0, 22.0
    canvas = Image.new("RGBA", (130, 170))
    draw = ImageDraw.Draw(canvas)
    torso, legs, sleeve, hand, hair = (_colour(rng) for _ in range(5))
    if rng.random() < 0.3:
        sleeve = torso
    neck, waist, feet = top + 28 * u, top + 60 * u, top + 96 * u
    if rng.random() < 0.9:
        skew = rng.uniform(0.75, 1.1)
        draw.rectangle((x - 19 * u * skew, waist, x + 19 * u * skew, feet), fill=legs)
        draw.line((x, waist + 8 * u, x, feet), fill=(0, 0, 0, 90), width=2)
        for side in (-1, 1):
            elbow = (x + side * 21 * u, neck + rng.uniform(8, 18) * u)
            wrist = (x + side * rng.uniform(16, 27) * u, neck + rng.uniform(12, 34) * u)
            draw.line(((x + side * 15 * u, neck + 5 * u), elbow, wrist), fill=sleeve, width=int(9 * u), joint="curve")
            draw.ellipse((wrist[0] - 5 * u, wrist[1] - 5 * u, wrist[0] + 5 * u, wrist[1] + 5 * u), fill=hand)
        draw.polygon([(x - 15 * u, neck), (x + 15 * u, neck), (x + 20 * u, waist), (x - 20 * u, waist)], fill=torso)
        for _ in range(int(rng.integers(0, 9))):  # its print
            a = rng.uniform(-13, 13, 2) * u + x
            b = rng.uniform(3, 30, 2) * u + neck
            draw.line((a[0], b[0], a[1], b[1]), fill=_colour(rng), width=int(rng.integers(1, 6)))
        hairy = rng.random() < 0.8
    else:
        hairy = True  # a head by itself, but not bare
    paste_box: Floats = np.array([x - 13 * u, top - 1.0, x + 13 * u, top + 28 * u], np.float32)
    paste(canvas, heads, i, paste_box)
    if hairy:
        _hair(ImageDraw.Draw(canvas), hair, x, top, u, rng)
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
        draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=(*shade, 255))  # type: ignore[arg-type]
