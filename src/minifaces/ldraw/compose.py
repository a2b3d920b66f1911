"""Compose faces: print x head colour x stage, by the hundred per second.

    draws = draw_faces(prints, stages, "train", 64, rng)
    faces, mask = compose(prints, stages, draws)         # (64, 128, 128, 3) and (64, 128, 128) uint8

A pixel is tone(S (1 - k) + D a + M m) over the background, in linear light, where over the pixel's samples a
is the mean albedo (head colour where nothing is printed), m the mean albedo of metal ink and k its mean
metalness. What was traced on a plain head is exact for the head itself; only light that goes from print to
floor and back is left out."""

from functools import lru_cache

import numba
import numpy as np

from minifaces.arrays import Bools, Pixels
from minifaces.ldraw.colours import to_linear, to_srgb
from minifaces.ldraw.draws import Draws
from minifaces.ldraw.head import V_TOTAL
from minifaces.ldraw.jit import elementwise, jit
from minifaces.ldraw.prints import THETA, Prints
from minifaces.ldraw.stages import Stages

KNEE = 0.85  # the film's shoulder: brighter light is compressed into the rest
FACE_HALF_ANGLE = np.radians(75.0)  # the print region that `mask` marks
FACE_MIDDLE_V = 15.0  # warps are about the middle of the face
LEVELS = 4096
Box = tuple[slice, slice]
WHOLE: Box = (slice(None), slice(None))
TILE = 8  # texels a side, of which it is known whether anything is printed there


def compose(prints: Prints, stages: Stages, draws: Draws, box: Box = WHOLE) -> tuple[Pixels, Pixels]:
    """Faces, (n, size, size, 3) uint8 sRGB, and (n, size, size) uint8: how much of a pixel the mask marks. Of a `box`,
    rows and columns, only what is in it."""
    textures, metal, inked = _at_size(prints, stages.size * stages.over)
    rows, columns = (range(stages.size)[part] for part in box)
    faces = np.empty((len(draws), len(rows), len(columns), 3), np.uint8)
    mask = np.empty((len(draws), len(rows), len(columns)), np.uint8)
    _kernel(
        faces, mask, rows.start, columns.start, textures, metal, inked, prints.metal_index,
        stages.diffuse, stages.specular, stages.metallic, stages.backdrop, stages.theta, stages.v, stages.hit,
        draws.upper, draws.lower, draws.crown, draws.turned, draws.seam, draws.hairline, draws.stage, draws.flip,
        draws.head, draws.ink, draws.scale, draws.shift, draws.gain, _LINEAR, _SRGB, THETA, V_TOTAL,
    )  # fmt: skip
    return faces, mask


def keep_to_one_core() -> None:
    """Compose without threads in this process from now on: in a forked process numba has none."""
    global _kernel
    _kernel = numba.njit(_kernel.py_func)  # compiled anew, without `parallel`


def use_one_thread() -> None:
    """Compose without threads in this thread of this process from now on: for workers, of which there are many."""
    numba.set_num_threads(1)


_LINEAR = to_linear(np.arange(256) / 255).astype(np.float32)
_SRGB = (to_srgb(np.arange(LEVELS + 1) / LEVELS) * 255).round().astype(np.uint8)


@elementwise("float64(float64)")
def tone(light):  # type: ignore[no-untyped-def]
    """The film curve, for arrays of linear light: straight up to 0.85, then a soft shoulder towards 1."""
    return KNEE + (1 - KNEE) * (1 - np.exp(-(light - KNEE) / (1 - KNEE))) if light > KNEE else light


@jit
def _above(line, across, v):  # type: ignore[no-untyped-def]
    """How much of what is above a line shows at v, `across` the print from -1 to 1: a feather of a third of a unit,
    about two texels to each side."""
    at = min(int((across * 0.5 + 0.5) * len(line)), len(line) - 1)
    return min(max((line[at] - v) * 1.5 + 0.5, 0.0), 1.0)


@jit(parallel=True)
def _kernel(  # type: ignore[no-untyped-def]
    faces, mask, top, left, textures, metal, occupied, metal_index,
    diffuse, specular, metallic, backdrop, thetas, vs, hits,
    upper, lower, crown, turned, seam, hairline, stage, flip,
    head, ink, scale, shift, gain, linear, srgb, widest, lowest,
):  # fmt: skip
    # `widest` and `lowest` are THETA and V_TOTAL, as arguments: numba keeps a compiled kernel as long as this
    # file is the same, with the constants of other files as they were.
    high, wide = faces.shape[1:3]
    size = diffuse.shape[1]
    over = thetas.shape[1] // size
    rows, columns = textures.shape[1], textures.shape[2]
    across, down = columns / 2 / widest, rows / lowest  # texels a radian and a unit
    # What lies outside the box is passed over: of indices that begin at 0, the compiler knows that none is negative.
    for job in numba.prange(faces.shape[0] * size):
        i, row = job // size, job % size
        s, y = stage[i], row - top
        if not 0 <= y < high:
            continue
        parts = 3 if crown[i] >= 0 else 2 if upper[i] != lower[i] else 1
        for column in range(size):
            x = (size - 1 - column if flip[i] else column) - left
            if not 0 <= x < wide:
                continue
            # Over the pixel's samples: ink-weighted albedo, metal albedo, and coverage by ink and metal.
            red = green = blue = metal_red = metal_green = metal_blue = inked = metal_share = np.float32(0)
            samples = region = 0
            for sub in range(over * over):
                sy, sx = row * over + sub // over, column * over + sub % over
                if not hits[s, sy, sx]:
                    continue
                samples += 1
                theta = thetas[s, sy, sx]
                if flip[i]:
                    theta = -theta
                if abs(theta) < FACE_HALF_ANGLE:
                    region += 1
                theta = theta * scale[i, 0] + shift[i, 0]
                v = FACE_MIDDLE_V + (vs[s, sy, sx] - FACE_MIDDLE_V) * scale[i, 1] + shift[i, 1]
                if abs(theta) >= widest or v < 0 or v >= lowest:
                    continue
                above, below, hair = 1.0, 0.0, 0.0  # how much shows of the upper print, the lower one, the crown
                if parts > 1:
                    above = _above(seam[i], theta / widest, v)
                    below = 1 - above
                if parts > 2:
                    hair = _above(hairline[i], theta / widest, v)
                    above, below = (1 - hair) * above, (1 - hair) * below
                for part in range(parts):
                    weight = above if part == 0 else below if part == 1 else hair
                    if weight <= 0:
                        continue
                    p = upper[i] if part == 0 else lower[i] if part == 1 else crown[i]
                    texture = textures[p]
                    u = -theta if turned[i, part] else theta
                    tx, ty = u * across + (columns - 1) / 2, v * down - 0.5
                    x0, y0 = int(np.floor(tx)), int(np.floor(ty))
                    if not occupied[p, max(y0, 0) // TILE, max(x0, 0) // TILE]:
                        continue
                    fx, fy = tx - x0, ty - y0
                    for corner in range(4):
                        cx, cy = x0 + corner % 2, y0 + corner // 2
                        if cx < 0 or cy < 0 or cx >= columns or cy >= rows:
                            continue
                        alpha = texture[cy, cx, 3]
                        if alpha == 0:
                            continue
                        w = (
                            weight
                            * (fx if corner % 2 else 1 - fx)
                            * (fy if corner // 2 else 1 - fy)
                            * alpha
                            / np.float32(255)
                        )
                        r, g, b = (
                            linear[texture[cy, cx, 0]] * w,
                            linear[texture[cy, cx, 1]] * w,
                            linear[texture[cy, cx, 2]] * w,
                        )
                        shine = np.float32(0)
                        if metal_index[p] >= 0:
                            shine = metal[metal_index[p], cy, cx] / np.float32(255)
                            metal_red += r * shine
                            metal_green += g * shine
                            metal_blue += b * shine
                            metal_share += w * shine
                        red += r * (1 - shine)
                        green += g * (1 - shine)
                        blue += b * (1 - shine)
                        inked += w
            norm = np.float32(1) / max(samples, 1)
            bare = 1 - inked * norm
            keep = 1 - metal_share * norm
            for c in range(3):
                pigment = red if c == 0 else green if c == 1 else blue
                shiny = metal_red if c == 0 else metal_green if c == 1 else metal_blue
                albedo = min(pigment * norm * ink[i, c], 1.0) + bare * head[i, c]
                light = specular[s, row, column, c] * keep + diffuse[s, row, column, c] * albedo
                light = (light + metallic[s, row, column, c] * shiny * norm * ink[i, c]) * gain[i]
                light = tone(light) + backdrop[s, row, column, c]
                faces[i, y, x, c] = srgb[int(min(light, 1.0) * LEVELS + 0.5)]
            mask[i, y, x] = region * 255 // (over * over)


@lru_cache(maxsize=4)
def _at_size(prints: Prints, samples: int) -> tuple[Pixels, Pixels, Bools]:
    """Textures no sharper than the samples: halved until a texel is about a sample (512 suit 256 samples); and of which
    tiles anything is printed on."""
    colours, metal = prints.colours, prints.metal
    step = max(1, 256 // samples)
    if step > 1:
        colours = np.stack([_shrink(t, step) for t in colours])
        n, height, width = metal.shape
        metal = metal.reshape(n, height // step, step, width // step, step).mean((2, 4)).astype(np.uint8)
    return colours, metal, np.stack([_inked(t[..., 3]) for t in colours])


def _inked(alpha: Pixels) -> Bools:
    """Whether a tile has ink, (rows, columns) of tiles: most have none, and need not be sampled. Sampling begins at a
    texel and takes in the next, so the first of the next tiles count too."""
    spread = alpha.copy()
    np.maximum(spread[:-1], alpha[1:], out=spread[:-1])
    np.maximum(spread[:, :-1], spread[:, 1:].copy(), out=spread[:, :-1])
    height, width = alpha.shape
    padded = np.pad(spread, ((0, -height % TILE), (0, -width % TILE)))
    tiles = padded.reshape(-(-height // TILE), TILE, -(-width // TILE), TILE)
    return np.asarray(tiles.any((1, 3)))


def _shrink(texture: Pixels, step: int) -> Pixels:
    """A texture pooled by `step`, colours weighted by alpha in linear light."""
    height, width = texture.shape[0] // step, texture.shape[1] // step
    cells = texture.reshape(height, step, width, step, 4).swapaxes(1, 2)
    inked = cells[..., 3].any((2, 3))
    ink = cells[inked]  # most have none
    alpha = ink[..., 3:] / 255.0
    pooled = np.concatenate([_LINEAR[ink[..., :3]] * alpha, alpha], -1).mean((1, 2))
    colour = to_srgb(pooled[:, :3] / np.maximum(pooled[:, 3:], 1e-6))
    small = np.zeros((height, width, 4), np.uint8)
    small[inked] = (np.concatenate([colour, pooled[:, 3:]], -1) * 255).round()
    return small
