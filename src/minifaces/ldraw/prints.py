"""Bake the prints of the library's heads to textures, and keep them in one file.

    minifaces data prints --library ldraw-heads.zip

A print is 512 x 320 texels over theta (-118 to 118 degrees) and v (the whole profile), sRGB colour with
straight alpha, drawn with 4 x 4 samples a texel: nearly 10 texels per LDraw unit, as sharp as a face at 256
px. Prints in metallic ink carry a second plane, the metalness. The file is a zip of lossless WebP pictures
and prints.json."""

import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from minifaces.arrays import Doubles, Floats, Pixels, Places
from minifaces.errors import UsageError
from minifaces.lazy import lazy
from minifaces.ldraw.colours import Colour, colour_of, read_colours, to_linear, to_srgb
from minifaces.ldraw.designs import Catalogue, Design, catalogue
from minifaces.ldraw.head import V_TOTAL, HeadMesh, smooth_head, v_of
from minifaces.ldraw.library import EDGE, INHERIT, Library, Mesh
from minifaces.ldraw.source import LibraryError

WIDTH, HEIGHT = 512, 320
THETA = np.radians(118.0)
SAMPLES = 4
LEAST_INK = 0.0008  # share of the texture below which a side counts as blank
REACH, SURFACE = 100.0, 50_000.0  # of a head, far beyond any: LDraw's reach 24 units and have 8,000 square units


@dataclass(frozen=True, eq=False)
class Prints:
    """`designs`, `colours` (n, 320, 512, 4) uint8 sRGB + alpha, `metal` (m, 320, 512) uint8 metalness of the
    few that have any, `metal_index` (n,) int32: row in `metal`, or -1; `head_colours` LDraw code -> sRGB
    0..255."""

    designs: tuple[Design, ...]
    colours: Pixels
    metal: Pixels
    metal_index: NDArray[np.int32]
    head_colours: dict[int, tuple[int, int, int]]

    def __len__(self) -> int:
        return len(self.designs)

    def of_split(self, split: str) -> Places:
        """Indices of the designs of one split."""
        return np.array([i for i, d in enumerate(self.designs) if d.split == split])

    @lazy
    def blank(self) -> "Prints":
        """One design with nothing printed: what is composed of it is a bare head."""
        nothing, no_metal = np.zeros_like(self.colours[:1]), np.full(1, -1, np.int32)
        return replace(self, designs=self.designs[:1], colours=nothing, metal_index=no_metal)


def bake(head: HeadMesh, side: str, colours: dict[int, Colour]) -> tuple[Pixels, Pixels]:
    """One side's print: (320, 512, 4) sRGB + alpha, and its metalness (320, 512)."""
    turn = 1.0 if side == "front" else -1.0
    corners, codes = head.corners[head.outer], head.colours[head.outer]
    x, y, z = turn * corners[..., 0], corners[..., 1], -turn * corners[..., 2]
    theta = np.arctan2(x, z)
    shown = (np.abs(theta).min(1) < THETA) & (np.ptp(theta, axis=1) < np.pi / 2)
    wide, high = WIDTH * SAMPLES, HEIGHT * SAMPLES
    across = (theta / THETA * 0.5 + 0.5) * wide - 0.5
    down = v_of(np.hypot(x, z), y) / V_TOTAL * high - 0.5
    inks = sorted({int(c) for c in codes[shown]} - {INHERIT, EDGE})
    label = {INHERIT: 0, EDGE: 0} | {code: i + 1 for i, code in enumerate(inks)}
    canvas = Image.new("I", (wide, high), 0)
    draw = ImageDraw.Draw(canvas)
    # Bare plastic first: drawing covers a polygon's border too, and the ink should win there.
    for i in sorted(np.flatnonzero(shown), key=lambda i: label[int(codes[i])] != 0):
        draw.polygon([(across[i, k], down[i, k]) for k in range(3)], fill=label[int(codes[i])])
    table = np.zeros((len(inks) + 1, 5))
    for code, row in label.items():
        if row:
            ink = colour_of(code, colours)
            table[row] = [*to_linear(np.array(ink.srgb) / 255), 1.0, ink.metalness]
    samples = np.asarray(canvas).reshape(HEIGHT, SAMPLES, WIDTH, SAMPLES).swapaxes(1, 2)
    inked = samples.any((2, 3))
    cells = np.zeros((HEIGHT, WIDTH, 5))
    cells[inked] = table[samples[inked]].mean((1, 2))  # most of a head is bare
    alpha = cells[..., 3]
    colour = to_srgb(cells[..., :3] / np.maximum(alpha, 1e-6)[..., None])
    rgba = np.concatenate([colour, alpha[..., None]], -1)
    metal = cells[..., 4] / np.maximum(alpha, 1e-6)
    return (rgba * 255).round().astype(np.uint8), (metal * 255).round().astype(np.uint8)


def bake_library(
    library: Library, progress: Callable[[int, int], None] = lambda *_: None
) -> tuple[Prints, dict[str, str]]:
    """All printed faces of a library, grouped and split, and what was left out (part or design -> reason).

    A part that cannot be used is left out; that is found before the first is baked, which takes minutes. Raises
    LibraryError where LDConfig.ldr cannot be used, UsageError where there is no head."""
    colours = read_colours(library)
    listed = usable(library, colours)
    designs: list[Design] = []
    textures: list[Pixels] = []
    metals: list[Pixels] = []
    seen: dict[bytes, str] = {}
    for done, design in enumerate(listed.designs):
        progress(done, len(listed.designs))
        rgba, metal = bake(smooth_head(library.mesh(f"{design.part}.dat")), design.side, colours)
        if (rgba[..., 3] > 127).mean() < LEAST_INK:
            listed.left_out[design.name] = "blank"
            continue
        key = rgba[::4, ::4].tobytes()
        if key in seen:
            listed.left_out[design.name] = f"same print as {seen[key]}"
            continue
        seen[key] = design.name
        designs.append(design)
        textures.append(rgba)
        metals.append(metal)
    if not designs:
        faults = [why.split(": ", 1)[1] for why in listed.left_out.values() if ": " in why]
        told = f" that can be used ({len(faults)} cannot; the first: {faults[0]})" if faults else ""
        raise UsageError(f"{library.path} has no printed minifigure heads{told}")
    stack = np.stack(textures)
    designs = split_designs(designs, groups(designs, stack))
    metallic = [i for i, m in enumerate(metals) if m.any()]
    index = np.full(len(designs), -1, np.int32)
    index[metallic] = np.arange(len(metallic))
    plane = np.stack([metals[i] for i in metallic]) if metallic else np.zeros((0, HEIGHT, WIDTH), np.uint8)
    heads = {code: colour.srgb for code, colour in colours.items()}
    return Prints(tuple(designs), stack, plane, index, heads), listed.left_out


def usable(library: Library, colours: dict[int, Colour]) -> Catalogue:
    """The designs that can be baked and composed, and why the others cannot. Reads all that they refer to."""
    listed = catalogue(library)
    for part, own in {design.part: design.colour for design in listed.designs}.items():
        try:
            _check(library.mesh(f"{part}.dat"), own, colours)
        except LibraryError as error:
            listed.fault(part, error)
    return listed


def _check(mesh: Mesh, head_colour: int, colours: dict[int, Colour]) -> None:
    """Raise LibraryError where a head cannot be baked or composed."""
    for code in {*mesh.colours.tolist(), head_colour} - {INHERIT, EDGE}:
        colour_of(code, colours)
    if head_colour not in colours:  # a colour of its own: prints keep the named ones alone
        raise LibraryError(f"colour {head_colour} of the head is not in LDConfig.ldr", "unknown colour")
    edges = mesh.corners[:, 1:] - mesh.corners[:, :1]
    surface = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1).sum() / 2
    if not (np.abs(mesh.corners).max(initial=0) <= REACH and surface <= SURFACE):
        raise LibraryError("it is larger than any head", "impossible shape")


def similarity(textures: Pixels) -> Floats:
    """How alike prints are, (n, n) in [-1, 1]: the lesser correlation, of what is inked or of its colour.

    The better of the print as it is and mirrored counts, since training mirrors prints."""
    small = np.stack([np.asarray(Image.fromarray(t).resize((64, 40), Image.Resampling.BOX)) for t in textures])
    alpha = small[..., 3:] / 255.0
    ink = (small[..., :3] / 255.0 - 0.5) * alpha

    def correlation(planes: Doubles, others: Doubles) -> Doubles:
        a, b = (p.reshape(len(p), -1) for p in (planes, others))
        a, b = (p / np.maximum(np.linalg.norm(p, axis=1, keepdims=True), 1e-9) for p in (a, b))
        product: Doubles = a @ b.T
        return product

    plain = np.minimum(correlation(alpha, alpha), correlation(ink, ink))
    turned = np.minimum(correlation(alpha, alpha[:, :, ::-1]), correlation(ink, ink[:, :, ::-1]))
    return np.maximum(plain, turned).astype(np.float32)


def groups(designs: list[Design], textures: Pixels, threshold: float = 0.8) -> list[str]:
    """A group name per design: near-identical prints, and the two sides of one head, belong together."""
    leader = list(range(len(designs)))

    def find(i: int) -> int:
        while leader[i] != i:
            i = leader[i]
        return i

    alike = similarity(textures) > threshold
    for i in range(len(designs)):
        for j in range(i):
            if alike[i, j] or designs[i].part == designs[j].part:
                first, second = sorted((find(i), find(j)))
                leader[second] = first
    return [designs[find(i)].part for i in range(len(designs))]


def split_designs(designs: list[Design], names: list[str]) -> list[Design]:
    """80 % train, 10 % validation, 10 % test of the designs, whole groups at a time, in the order of a hash.

    By hash, so that a design more or less moves hardly any other to another split."""
    size = Counter(names)
    order = sorted(size, key=lambda name: hashlib.sha256(name.encode()).digest())
    split: dict[str, str] = {}
    total = 0
    for name in order:
        share = total / len(designs)
        split[name] = "test" if share < 0.1 else "validation" if share < 0.2 else "train"
        total += size[name]
    return [replace(d, group=n, split=split[n]) for d, n in zip(designs, names, strict=True)]


def write_prints(path: Path, prints: Prints) -> None:
    """Pack prints into one zip: prints.json and lossless WebP pictures."""
    listing = {
        "head_colours": {str(c): list(rgb) for c, rgb in prints.head_colours.items()},
        "designs": [asdict(d) for d in prints.designs],
        "metal": prints.metal_index.tolist(),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("prints.json"), json.dumps(listing, indent=0))
        for i, (design, texture) in enumerate(zip(prints.designs, prints.colours, strict=True)):
            archive.writestr(zipfile.ZipInfo(f"{design.part}-{design.side}.webp"), _webp(texture))
            if (row := prints.metal_index[i]) >= 0:
                archive.writestr(zipfile.ZipInfo(f"{design.part}-{design.side}-metal.webp"), _webp(prints.metal[row]))


@cache
def load_prints(path: Path | None = None) -> Prints:
    """The bundled prints, or those of a zip at `path`. Raises UsageError where it is missing or damaged."""
    path = path or Path(__file__).parents[1] / "assets" / "prints.zip"
    try:
        with zipfile.ZipFile(path) as archive:
            listing = json.loads(archive.read("prints.json"))
            designs = tuple(Design(**d) for d in listing["designs"])
            index = np.array(listing["metal"], np.int32)
            colours = np.empty((len(designs), HEIGHT, WIDTH, 4), np.uint8)
            metal = np.empty((int(index.max(initial=-1)) + 1, HEIGHT, WIDTH), np.uint8)
            for i, design in enumerate(designs):
                colours[i] = _image(archive, f"{design.part}-{design.side}.webp", "RGBA")
                if index[i] >= 0:
                    metal[index[i]] = _image(archive, f"{design.part}-{design.side}-metal.webp", "L")
            heads = {int(c): (int(r), int(g), int(b)) for c, (r, g, b) in listing["head_colours"].items()}
    except FileNotFoundError:
        raise UsageError(f"{path} is missing: bake prints with `minifaces data prints`") from None
    except (zipfile.BadZipFile, LookupError, ValueError, TypeError, AttributeError, OSError) as error:
        raise UsageError(f"{path} is damaged ({error}): bake prints again with `minifaces data prints`") from error
    return Prints(designs, colours, metal, index, heads)


def _webp(picture: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "webp", lossless=True, quality=80, method=4)
    return buffer.getvalue()


def _image(archive: zipfile.ZipFile, name: str, mode: str) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(archive.read(name))).convert(mode))
