"""Free a framed head from what covers it: hair, a helmet, what stands behind it.

    face, bare = uncovered(framed)       # (size, size, 3) uint8; how much of the head was free, 0 to 1

The head's plain colour is the one that is commonest about the middle of the face. Whatever is of another colour and
hangs together with what lies beyond the head's upper outline covers it; printed eyes, glasses and mouths are islands in
the plain colour, and stay. What is covered becomes the plain colour, going on from beside it, and what is beyond the
outline white."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from minifaces.arrays import Bools, Floats, Pixels
from minifaces.images import resize

SIDE = 128  # pixels at which colours are judged
FILL = 0.86  # share of the frame that a head's height takes
# Half widths of a head at heights from its stud's top to its neck's foot, in LDraw units.
OUTLINE = ((0.0, 6.0), (4.0, 6.0), (4.0, 9.0), (5.2, 11.8), (8.0, 13.0), (21.0, 13.0), (23.8, 11.8), (25.0, 9.0),
           (25.0, 8.0), (28.0, 8.0))  # fmt: skip
UNIT = FILL * SIDE / 28  # pixels of an LDraw unit
MIDDLE, REACH = (0.5, 0.66), 0.18  # of the frame: where the plain colour is looked for, and how far about (sigma)
HUE, DARKEST, LIGHTEST = 0.05, 0.55, 1.5  # how far from the plain colour's shares of red, green and blue, and its light
LOWEST = 0.62  # of the frame: what comes in from the sides below this is print, as a beard is
STUD, BALD = np.s_[12:22, 54:74], 0.5  # where the stud is, and how much of it is of the plain colour if nothing is worn
THICK, THICKER = 2, 5  # pixels: half of what the parts of a cover are thick, at least, and about the middle of a face
BLANK = 12.0  # of 255: a face whose colours differ by less (sigma) has nothing printed on it
EDGE = 2  # pixels by which what covers a head reaches over its seen border, for its own shadow
SOFT = 1.2  # sigma of the border
SPREADS = (90.0, 30.0, 10.0, 4.0)  # sigmas over which the plain colour goes on


class Uncovered(NamedTuple):
    picture: Pixels
    """(size, size, 3) uint8: the head bare on white."""
    free: float
    """0 to 1: how much of the head was seen."""


def uncovered(framed: Pixels) -> Uncovered:
    """A head in its frame, (size, size, 3) uint8, without what covers it."""
    size = framed.shape[0]
    small = resize(framed, SIDE, SIDE).astype(np.float32)
    soft = blurred(small, 1.0)
    inside = outline() > 0.5
    plain = plain_colour(soft)
    alike = _alike(soft, plain) & inside
    covered = np.zeros_like(inside)
    if alike[STUD].mean() < BALD:
        other = _grown(~_grown(alike))  # all but it and its cracks
        thick = np.where(core(), _opened(other, THICKER), _opened(other, THICK))
        covered = _reached(~inside & rows(), thick) & inside
    seen = inside & ~_grown(covered, EDGE)
    if not (seen & alike).any():
        return Uncovered(framed, 0.0)
    skin = _continued(small, (seen & alike).astype(np.float32))
    if np.where(seen[..., None], small, skin)[core()].std(0).mean() < BLANK:
        covered, seen = np.zeros_like(inside), inside  # what seemed to cover all is the face: a skull's, a visor
    share = np.clip(blurred(seen.astype(np.float32), SOFT) * 2 - 1, 0, 1)
    share, head, skin = (_enlarged(layer, size) for layer in (share[..., None], outline()[..., None], skin))
    face = head * (share * framed + (1 - share) * skin) + 255 * (1 - head)
    free = 1 - covered.sum() / inside.sum()
    return Uncovered(face.clip(0, 255).round().astype(np.uint8), float(free))


def plain_colour(picture: Floats) -> Floats:
    """The commonest colour about the middle of a face, (3,), of (SIDE, SIDE, 3), 0 to 255."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    weight = np.exp(-((x - MIDDLE[0]) ** 2 + (y - MIDDLE[1]) ** 2) / (2 * REACH**2)).ravel()
    colours = picture.reshape(-1, 3)
    shares = colours / (colours.sum(1, keepdims=True) + 30)
    cells = (shares[:, :2] * 20).astype(np.int64) @ np.array([1, 32]) + (colours.mean(1) // 64).astype(np.int64) * 1024
    _, place = np.unique(cells, return_inverse=True)
    colour = np.average(colours, 0, weight * (place == np.bincount(place, weight).argmax()))
    for _ in range(4):
        near = np.abs(colours - colour).max(1) < 32
        colour = np.average(colours, 0, weight * near)
    return colour.astype(np.float32)


def _alike(picture: Floats, colour: Floats) -> Bools:
    """Where a picture is of a colour, in any light that a head has about it."""
    shares, light = (picture + 10) / (picture.sum(-1, keepdims=True) + 30), picture.mean(-1) / max(colour.mean(), 1)
    own = (colour + 10) / (colour.sum() + 30)
    alike: Bools = (np.abs(shares - own).max(-1) < HUE) & (light > DARKEST) & (light < LIGHTEST)
    return alike


def _continued(picture: Floats, weight: Floats) -> Floats:
    """The colours that have a weight, going on over all of the picture."""
    total = (picture * weight[..., None]).sum((0, 1)) / weight.sum()
    colours = np.broadcast_to(total, picture.shape).astype(np.float32)
    for spread in SPREADS:
        near = blurred(weight, spread)[..., None]
        colours = (blurred(picture * weight[..., None], spread) + 0.02 * colours) / (near + 0.02)
    return colours


def rows() -> Bools:
    return np.arange(SIDE)[:, None] < LOWEST * SIDE


@lru_cache(maxsize=1)
def core() -> Bools:
    """About the middle of a face, (SIDE, SIDE)."""
    y, x = np.mgrid[:SIDE, :SIDE]
    inner: Bools = (y > 56) & (y < 102) & (np.abs(x - SIDE / 2) < 34)
    return inner


@lru_cache(maxsize=1)
def outline() -> Floats:
    """How much of each pixel of a frame a head covers, (SIDE, SIDE) 0 to 1."""
    fine, top = 4, (1 - FILL) / 2 * SIDE
    half = [(SIDE / 2 + r * UNIT, top + y * UNIT) for y, r in OUTLINE]
    points = half + [(SIDE - x, y) for x, y in reversed(half)]
    image = Image.new("L", (SIDE * fine, SIDE * fine))
    ImageDraw.Draw(image).polygon([(x * fine, y * fine) for x, y in points], fill=255)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), np.float32) / np.float32(255)


def blurred(values: Floats, sigma: float) -> Floats:
    """(SIDE, SIDE) or (SIDE, SIDE, c), blurred."""
    blur = _kernel(sigma)
    down = (blur @ values.reshape(SIDE, -1)).reshape(values.shape)
    across: Floats = (blur @ down.swapaxes(0, 1).reshape(SIDE, -1)).reshape(values.shape).swapaxes(0, 1)
    return across


@lru_cache(maxsize=8)
def _kernel(sigma: float) -> Floats:
    apart = np.arange(SIDE)[:, None] - np.arange(SIDE)[None]
    bell = np.exp(-(apart**2) / (2 * sigma**2))
    kernel: Floats = (bell / bell.sum(1, keepdims=True)).astype(np.float32)
    return kernel


def _grown(mask: Bools, by: int = 1) -> Bools:
    for _ in range(by):
        wide = np.pad(mask, 1)
        mask = wide[1:-1, 1:-1] | wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
    return mask


def _opened(mask: Bools, by: int) -> Bools:
    """Without what is thinner than twice so many pixels."""
    return _grown(~_grown(~mask, by), by)


def _reached(start: Bools, free: Bools) -> Bools:
    """What can be come to from `start` by way of what is free."""
    now = start
    while True:
        more = _grown(now) & (free | start)
        if (more == now).all():
            return now
        now = more | now


def _enlarged(layer: Floats, size: int) -> Floats:
    planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in np.moveaxis(layer, 2, 0)]
    return np.stack([np.asarray(plane.resize((size, size), Image.Resampling.BILINEAR)) for plane in planes], -1)
