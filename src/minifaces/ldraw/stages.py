"""Stages: the light on a plain head, traced once, on which any print can be composed.

A stage holds, per pixel and in linear light, what does not depend on the print:
  diffuse  D  light that the head returns per unit of albedo (with the colour it sheds on the floor)
  specular S  gloss, plus whatever of the surroundings was traced
  metallic M  light that a white metal print would return
  coverage A  share of the pixel that was traced; the rest shows `background`
and, exactly from the camera, where on the head's surface (theta, v) each sample looks.

Stages are stored as one lossy WebP sheet each (D, S, M, A below one another) in a zip with their
parameters."""

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from minifaces.arrays import Bools, Doubles, Floats
from minifaces.errors import UsageError
from minifaces.ldraw.colours import to_linear
from minifaces.ldraw.head import cast_rays

BUNDLED = Path(__file__).parents[1] / "assets" / "stages.zip"
SIZE = 256  # pixels of a stored stage
DISTANCE = 140.0  # camera to head, LDraw units
HALF_HEIGHT, CENTRE = 14.0, -10.0  # of the whole head with stud and neck, y up
LIMITS = (1.6, 2.5, 2.5, 1.0)  # brightest storable D, S, M, A; brighter is white in any face
GAMMA = 2.2  # stored = (value / limit) ** (1 / gamma): 8 bits are enough for dark heads too
HELD_OUT = 32  # the first stages of the series serve validation and test in turn, all others training


@dataclass(frozen=True)
class StageParameters:
    """Camera, light and background of one stage. Angles in degrees, lengths in LDraw units, y up."""

    id: int
    seed: int
    yaw: float
    pitch: float
    roll: float
    fill: float  # share of the picture's height that the head fills
    dx: float
    dy: float
    head: str  # plain head: "3626b" (blocked stud) or "3626c" (hollow stud)
    roughness: float
    exposure: float  # what a white head's middle returns
    ambient: float
    gradient: float
    ground: float  # light from below, as a share of that from above
    # soft boxes: azimuth, elevation, half width, half height, radiance
    boxes: tuple[tuple[float, float, float, float, float], ...]
    tint: tuple[float, float, float]
    backdrop: str  # "white", "plain" or "sweep"
    floor: tuple[float, float, float]  # albedo of the sweep
    background: tuple[float, float, float]  # sRGB in 0..1 of a plain background ...
    shade: float  # ... and how much darker (sRGB) its top is than its middle

    @property
    def split(self) -> str:
        if self.id >= HELD_OUT:
            return "train"
        return "validation" if self.id % 2 == 0 else "test"

    def camera(self) -> tuple[Doubles, Doubles, Doubles, float]:
        """(origin, target, up, full field of view in degrees)."""
        yaw, pitch, roll = np.radians([self.yaw, self.pitch, self.roll])
        target = np.array([self.dx, CENTRE + self.dy, 0.0])
        toward = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
        up = np.array([np.sin(roll) * np.cos(yaw), np.cos(roll), -np.sin(roll) * np.sin(yaw)])
        return (
            target + DISTANCE * toward,
            target,
            up,
            2 * np.degrees(np.arctan(HALF_HEIGHT / self.fill / DISTANCE)),
        )


def draw_parameters(stage: int) -> StageParameters:
    """Number `stage` of an endless series like catalogue photographs: mostly frontal, soft light, pale."""
    rng = np.random.default_rng([2026, stage])
    mirror = rng.choice([-1.0, 1.0])

    def uniform(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    def tint(red: float, blue: float) -> tuple[float, float, float]:
        return float(1 + rng.normal(0, red)), 1.0, float(1 + rng.normal(0, blue))

    boxes = (
        (mirror * uniform(20, 60), uniform(30, 55), uniform(6, 15), uniform(8, 20), uniform(9, 28)),
        (-mirror * uniform(30, 75), uniform(5, 40), uniform(4, 12), uniform(10, 28), uniform(2, 12)),
        (0.0, uniform(65, 85), uniform(15, 30), uniform(12, 25), uniform(2, 6)),
    )
    backdrop = str(rng.choice(["sweep", "white", "plain"], p=[0.35, 0.38, 0.27]))
    white = np.ones(3) if backdrop != "plain" else uniform(0.72, 0.97) * np.array(tint(0.015, 0.02))
    return StageParameters(
        id=stage,
        seed=int(rng.integers(1 << 30)),
        yaw=float(np.clip(rng.normal(0, 8), -25, 25)),
        pitch=float(np.clip(rng.normal(8, 4), 2, 16)),
        roll=float(np.clip(rng.normal(0, 0.5), -1, 1)),
        fill=uniform(0.72, 1.0),
        dx=float(rng.normal(0, 0.3)),
        dy=float(rng.normal(0, 0.3)),
        head=str(rng.choice(["3626b", "3626c"])),
        roughness=float(np.clip(0.22 * np.exp(rng.normal(-0.2, 0.25)), 0.08, 0.6)),
        exposure=uniform(0.84, 1.02),
        ambient=uniform(0.45, 0.8),
        gradient=uniform(0.1, 0.45),
        ground=uniform(0.7, 1.0),
        boxes=boxes,
        tint=tint(0.02, 0.03),
        backdrop=backdrop,
        floor=tuple(float(np.clip(c, 0, 0.9)) for c in uniform(0.6, 0.85) * np.array(tint(0.02, 0.03))),  # type: ignore[arg-type]
        background=tuple(float(np.clip(c, 0, 1)) for c in white),  # type: ignore[arg-type]
        shade=uniform(-0.06, 0.06) if backdrop == "plain" else 0.0,
    )


def surface_samples(parameters: StageParameters, samples: int) -> tuple[Floats, Floats, Bools]:
    """Where samples x samples rays meet the printed surface: theta (radians), v, and whether they do."""
    origin, target, up, field = parameters.camera()
    forward = (target - origin) / np.linalg.norm(target - origin)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    above = np.cross(right, forward)
    half = np.tan(np.radians(field / 2))
    start = DISTANCE - 20.0  # well before the head, which is 13 thick
    return cast_rays(samples, origin, forward, right * half, above * half, start)


def background_of(parameters: StageParameters, size: int) -> Doubles:
    """What shows where nothing was traced: (size, 1, 3) linear."""
    ramp = parameters.shade * np.linspace(-1, 1, size)[:, None, None]
    return to_linear(np.clip(np.array(parameters.background) + ramp, 0, 1))


def encode_sheet(diffuse: Floats, specular: Floats, metallic: Floats, coverage: Floats, quality: int = 97) -> bytes:
    """Four planes (256, 256, 3) or (256, 256) of linear light as one lossy WebP."""
    planes = [diffuse, specular, metallic, np.repeat(coverage[..., None], 3, -1)]
    coded = [(np.clip(p / limit, 0, 1) ** (1 / GAMMA) * 255).round() for p, limit in zip(planes, LIMITS, strict=True)]
    buffer = io.BytesIO()
    sheet = Image.fromarray(np.concatenate(coded).astype(np.uint8))
    sheet.save(buffer, "webp", quality=quality, method=6, exact=True)
    return buffer.getvalue()


def decode_sheet(data: bytes) -> tuple[Floats, Floats, Floats, Floats]:
    """The planes of `encode_sheet`: D, S, M (256, 256, 3) and A (256, 256), float32 linear."""
    coded = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    if coded.shape != (4 * SIZE, SIZE, 3):
        raise ValueError(f"a sheet of {coded.shape[1]} x {coded.shape[0]} pixels")
    level = np.arange(256) / 255.0
    planes = [(level**GAMMA * limit).astype(np.float32)[p] for p, limit in zip(np.split(coded, 4), LIMITS, strict=True)]
    coverage = planes[3].mean(-1)
    coverage = np.where(coverage > 0.985, 1.0, np.where(coverage < 0.004, 0.0, coverage)).astype(np.float32)
    return planes[0], planes[1], planes[2], coverage


@dataclass(frozen=True, eq=False)
class Stages:
    """Stages ready for composing at one size: n of size x size pixels with `over` x `over` samples each.

    `diffuse`, `specular`, `metallic`, `backdrop` (n, size, size, 3) float32; `theta`, `v` (n, size * over,
    size * over) float32, `hit` the same shape, bool."""

    parameters: tuple[StageParameters, ...]
    size: int
    over: int
    diffuse: Floats
    specular: Floats
    metallic: Floats
    backdrop: Floats  # (n, size, size, 3): (1 - A) * background
    theta: Floats
    v: Floats
    hit: Bools

    def __len__(self) -> int:
        return len(self.parameters)


def write_stages(path: Path, sheets: list[tuple[StageParameters, bytes]]) -> None:
    """Pack stages into one zip: stages.json and a WebP sheet each."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        listing = json.dumps([asdict(p) for p, _ in sheets], indent=0)
        archive.writestr(zipfile.ZipInfo("stages.json"), listing)
        for parameters, sheet in sheets:
            archive.writestr(zipfile.ZipInfo(f"{parameters.id:04d}.webp"), sheet)


def read_parameters(archive: zipfile.ZipFile) -> list[StageParameters]:
    """The listing of a stages zip."""
    return [parameters_from(entry) for entry in json.loads(archive.read("stages.json"))]


def parameters_from(entry: dict[str, object]) -> StageParameters:
    """Parameters from JSON, lists turned back into tuples."""

    def frozen(value: object) -> object:
        return tuple(frozen(v) for v in value) if isinstance(value, list) else value

    return StageParameters(**{k: frozen(v) for k, v in entry.items()})  # type: ignore[arg-type]


def load_stages(size: int, split: str, path: Path | None = None, over: int = 2, limit: int | None = None) -> Stages:
    """The stages of a split ("train", "validation", "test") at `size` pixels: the bundled or those in `path`.

    Raises UsageError where `size` does not divide 256 or the file is missing or damaged."""
    check_size(size)
    return _load(size, split, path or BUNDLED, over, limit)


def check_size(size: int) -> None:
    """Raise UsageError where `size` does not divide 256."""
    if size < 8 or SIZE % size:
        raise UsageError(f"stages can be had at sizes that divide {SIZE}, not at {size}")


def stage_parameters(split: str, path: Path = BUNDLED) -> list[StageParameters]:
    """What stages a split has. Raises UsageError where the file is missing or damaged."""
    with _opened(path) as archive:
        return [p for p in read_parameters(archive) if p.split == split]


@cache
def _load(size: int, split: str, path: Path, over: int, limit: int | None) -> Stages:
    chosen = stage_parameters(split, path)[:limit]
    if not chosen:
        raise UsageError(f"{path} holds no stages for {split}")
    return load_chosen(size, chosen, path, over)


def load_chosen(size: int, chosen: Sequence[StageParameters], path: Path = BUNDLED, over: int = 2) -> Stages:
    """Some of the stages, one or more: a few take a few hundredths of a second each, all of a split half a minute."""
    with _opened(path) as archive:
        sheets = [decode_sheet(archive.read(f"{p.id:04d}.webp")) for p in chosen]
    pooled = [[_pool(plane, size) for plane in sheet] for sheet in sheets]
    backdrops = [(1 - sheet[3][..., None]) * background_of(p, size) for p, sheet in zip(chosen, pooled, strict=True)]
    surface = [surface_samples(p, size * over) for p in chosen]
    return Stages(
        tuple(chosen),
        size,
        over,
        diffuse=np.stack([p[0] for p in pooled]),
        specular=np.stack([p[1] for p in pooled]),
        metallic=np.stack([p[2] for p in pooled]),
        backdrop=np.stack(backdrops).astype(np.float32),
        theta=np.stack([s[0] for s in surface]),
        v=np.stack([s[1] for s in surface]),
        hit=np.stack([s[2] for s in surface]),
    )


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The file; UsageError where it, or what is read of it meanwhile, is missing or damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError:
        raise UsageError(f"{path} is missing: trace stages with `minifaces data stages`") from None
    except (zipfile.BadZipFile, LookupError, ValueError, TypeError, AttributeError, OSError) as error:
        raise UsageError(f"{path} is damaged ({error}): trace stages again with `minifaces data stages`") from error


def _pool(plane: Floats, size: int) -> Floats:
    step = SIZE // size
    cells = plane.reshape(size, step, size, step, *plane.shape[2:])
    if plane.ndim == 2:
        return np.asarray(cells.mean((1, 3)))
    # What numpy's mean comes to, in a third of the time.
    total = cells[:, 0, :, 0].copy()
    for row, column in list(np.ndindex(step, step))[1:]:
        total += cells[:, row, :, column]
    total /= np.float32(step**2)
    return total
