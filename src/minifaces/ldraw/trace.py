"""Trace stages, and whole faces to check composing against, with Mitsuba 3.

Needs the `data` extra. The llvm variant is used where LLVM 19 or newer is installed (older ones abort), the
scalar one otherwise; Open Image Denoise cleans the picture where it is installed, more samples where not."""

import ctypes.util
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minifaces.arrays import Floats
from minifaces.errors import MinifacesError, UsageError
from minifaces.files import atomic, write_text
from minifaces.ldraw.colours import to_linear
from minifaces.ldraw.head import HeadMesh, smooth_head
from minifaces.ldraw.library import Library
from minifaces.ldraw.stages import (
    SIZE,
    StageParameters,
    draw_parameters,
    encode_sheet,
    parameters_from,
    surface_samples,
    write_stages,
)
from minifaces.workers import open_pool, work_through

GREY = 0.5  # albedo at which the diffuse light is measured; black gives the rest
METAL_ROUGHNESS = 0.3  # of metallic inks
UNDENOISED = 8  # times the samples where nothing cleans the picture


@cache
def _mitsuba() -> Any:
    """Mitsuba with a variant set, one thread: tracing runs one process a core."""
    os.environ.setdefault("OIDN_NUM_THREADS", "1")
    llvm = _llvm()
    if llvm:
        os.environ["DRJIT_LIBLLVM_PATH"] = llvm
    try:
        import drjit
        import mitsuba
    except ImportError:
        raise UsageError("tracing needs Mitsuba: pip install 'minifaces[data]'") from None
    mitsuba.set_log_level(mitsuba.LogLevel.Error)
    mitsuba.set_variant("llvm_ad_rgb" if llvm else "scalar_rgb")
    drjit.set_thread_count(1)
    return mitsuba


def _llvm() -> str | None:
    """A shared LLVM library of version 19 or newer, or None."""
    if given := os.environ.get("DRJIT_LIBLLVM_PATH"):
        return given
    found = [ctypes.util.find_library(f"LLVM-{v}") or ctypes.util.find_library(f"LLVM.{v}") for v in range(24, 18, -1)]
    folders = [Path("/usr/lib"), *Path("/usr/lib").glob("*-linux-gnu"), *Path("/usr/lib").glob("llvm-*/lib")]
    for version in range(24, 18, -1):
        found += [str(p) for folder in folders for p in folder.glob(f"libLLVM*.{version}*")]
    return next((f for f in found if f), None)


@cache
def _denoiser() -> Any:
    """Open Image Denoise, or None where it is not installed."""
    try:
        import pyoidn
    except ImportError:
        return None
    return pyoidn


def _denoise(image: Floats) -> Floats:
    """The colour of ten channels (colour, coverage, albedo, normal), denoised if Open Image Denoise is there."""
    colour, albedo, normal = (np.ascontiguousarray(image[..., i : i + 3]) for i in (0, 4, 7))
    if _denoiser() is None:
        return colour
    return np.asarray(_denoiser().denoise(colour, albedo=albedo, normal=normal, hdr=True))


def environment(p: StageParameters, height: int = 64) -> Floats:
    """A latitude-longitude map (height, 2 height, 3): soft boxes in an even room, turned with the camera."""
    polar = ((np.arange(height) + 0.5) / height * np.pi)[:, None]
    around = ((np.arange(2 * height) + 0.5) / height * np.pi)[None]
    up = np.repeat(np.cos(polar), 2 * height, 1)
    toward = np.stack([np.sin(around) * np.sin(polar), up, -np.cos(around) * np.sin(polar)], -1)
    light = p.ambient * (1 + p.gradient * up) * np.where(up < 0, p.ground, 1.0)
    for azimuth, elevation, half_width, half_height, radiance in p.boxes:
        turn, rise = np.radians(azimuth + p.yaw), np.radians(elevation)
        centre = np.array([np.sin(turn) * np.cos(rise), np.sin(rise), np.cos(turn) * np.cos(rise)])
        right = np.cross([0.0, 1.0, 0.0], centre)
        right /= np.linalg.norm(right)
        ahead = toward @ centre
        x = np.degrees(np.arctan2(toward @ right, ahead))
        y = np.degrees(np.arctan2(toward @ np.cross(centre, right), np.maximum(ahead, 1e-3)))
        edge = [1 / (1 + np.exp((np.abs(a) - half) * 0.75)) for a, half in ((x, half_width), (y, half_height))]
        light = light + radiance * edge[0] * edge[1] * (ahead > 0)
    tinted: Floats = (light[..., None] * np.array(p.tint)).astype(np.float32)
    return tinted


def _mesh(
    mi: Any,
    head: HeadMesh,
    colour: NDArray[np.floating],
    metal: NDArray[np.floating],
    rough: NDArray[np.floating],
) -> Any:
    """A Mitsuba mesh, y up and facing +z; linear colour (n, 3), metalness and roughness (n,) per triangle."""
    count = len(head.colours)
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict(
        {
            "type": "principled",
            "base_color": {"type": "mesh_attribute", "name": "face_color"},
            "roughness": {"type": "mesh_attribute", "name": "face_rough"},
            "metallic": {"type": "mesh_attribute", "name": "face_metal"},
            "specular": 0.5,
        }
    )
    mesh = mi.Mesh("head", vertex_count=3 * count, face_count=count, has_vertex_normals=True, props=properties)
    flip = np.array([1, -1, -1])
    mesh.add_attribute("face_color", 3, np.asarray(colour, np.float32).ravel())
    mesh.add_attribute("face_metal", 1, np.asarray(metal, np.float32).ravel())
    mesh.add_attribute("face_rough", 1, np.asarray(rough, np.float32).ravel())
    scalar = mi.variant().startswith("scalar")
    values = mi.traverse(mesh)
    for name, value in (("vertex_positions", head.corners * flip), ("vertex_normals", head.normals * flip)):
        flat = value.astype(np.float32).ravel()
        values[name] = flat if scalar else mi.Float(flat)
    faces = np.arange(3 * count, dtype=np.uint32)
    values["faces"] = faces if scalar else mi.UInt32(faces)
    values.update()
    return mesh


def _sweep(mi: Any, p: StageParameters) -> Any:
    """A studio backdrop: floor, a bend of radius 80 and a wall, as one smooth mesh (LDraw axes)."""
    bend = np.linspace(0, np.pi / 2, 24)
    z = np.r_[-300.0, 60 + 80 * np.sin(bend), 140.0]
    y = np.r_[24.02, 24.02 - 80 * (1 - np.cos(bend)), -400.0]
    tilt = np.r_[0.0, bend, np.pi / 2]
    left, right = (np.stack([np.full_like(z, x), y, z], -1) for x in (-400.0, 400.0))
    normal = np.stack([0 * tilt, -np.cos(tilt), -np.sin(tilt)], -1)
    corners = np.concatenate(
        [np.stack([left[:-1], right[:-1], right[1:]], 1), np.stack([left[:-1], right[1:], left[1:]], 1)]
    )
    normals = np.concatenate(
        [
            np.stack([normal[:-1], normal[:-1], normal[1:]], 1),
            np.stack([normal[:-1], normal[1:], normal[1:]], 1),
        ]
    )
    count = len(corners)
    mesh = HeadMesh(corners, normals, np.zeros(count, int), np.zeros(count, bool))
    return _mesh(mi, mesh, np.tile(p.floor, (count, 1)), np.zeros(count), np.full(count, 0.9))


def _render(p: StageParameters, mesh: Callable[[Any], Any], samples: int) -> tuple[Floats, Floats]:
    """Linear light (256, 256, 3) and coverage (256, 256) of one scene."""
    mi = _mitsuba()
    origin, target, up, field = p.camera()
    look = mi.ScalarTransform4f().look_at(origin=origin.tolist(), target=target.tolist(), up=up.tolist())
    film = {
        "type": "hdrfilm",
        "width": SIZE,
        "height": SIZE,
        "rfilter": {"type": "box"},
        "pixel_format": "rgba",
    }
    scene = {
        "type": "scene",
        "integrator": {
            "type": "aov",
            "aovs": "albedo:albedo,normal:sh_normal",
            "image": {"type": "path", "max_depth": 4, "hide_emitters": p.backdrop != "sweep"},
        },
        "sensor": {
            "type": "perspective",
            "fov": field,
            "near_clip": 1.0,
            "to_world": look,
            "film": film,
            "sampler": {"type": "independent", "sample_count": samples * (1 if _denoiser() else UNDENOISED)},
        },
        "head": mesh(mi),
        "light": {"type": "envmap", "bitmap": mi.Bitmap(environment(p))},
    }
    if p.backdrop == "sweep":
        scene["sweep"] = _sweep(mi, p)
    image = np.array(mi.render(mi.load_dict(scene), seed=p.seed % (1 << 20)), dtype=np.float32)
    coverage = np.ones((SIZE, SIZE), np.float32) if p.backdrop == "sweep" else np.clip(image[..., 3], 0, 1)
    return _denoise(image), coverage


def _exposure(p: StageParameters, diffuse: Floats, coverage: Floats) -> float:
    """The gain that brings the middle of a white head to the wanted exposure."""
    hit = surface_samples(p, SIZE)[2]
    return p.exposure / float(np.median(diffuse.mean(-1)[hit & (coverage > 0.99)]))


def trace_stage(p: StageParameters, plain: HeadMesh, samples: int = 32) -> tuple[Floats, Floats, Floats, Floats]:
    """Diffuse, specular and metallic light (256, 256, 3) and coverage (256, 256) of a plain head, linear."""
    diffuse, black, coverage = _diffuse_and_black(p, plain, samples)
    mirror, _ = _render(p, _uniform(plain, 1.0, 1.0, METAL_ROUGHNESS), samples)
    gain = _exposure(p, diffuse, coverage)
    d, s, m = (np.asarray(np.maximum(light, 0) * gain, np.float32) for light in (diffuse, black, mirror))
    return d, s, m, coverage


def _diffuse_and_black(p: StageParameters, plain: HeadMesh, samples: int) -> tuple[Floats, Floats, Floats]:
    """Light per unit of albedo, light of a black head, and coverage: two traces, linear in albedo."""
    grey, coverage = _render(p, _uniform(plain, GREY, 0.0, p.roughness), samples)
    black, _ = _render(p, _uniform(plain, 0.0, 0.0, p.roughness), samples)
    return np.maximum(grey - black, 0) / GREY, black, coverage


def _uniform(head: HeadMesh, albedo: float, metal: float, rough: float) -> Callable[[Any], Any]:
    """A head of one material, made when Mitsuba is at hand."""
    count = len(head.colours)
    return lambda mi: _mesh(mi, head, np.full((count, 3), albedo), np.full(count, metal), np.full(count, rough))


def trace_face(
    p: StageParameters,
    head: HeadMesh,
    srgb: NDArray[np.floating],
    metal: NDArray[np.floating],
    plain: HeadMesh,
    samples: int = 128,
) -> tuple[Floats, Floats]:
    """A printed head traced whole, to check composing: linear light (256, 256, 3), coverage (256, 256).

    `srgb` (n, 3) in [0, 1] and `metal` (n,) per triangle of `head`."""
    rough = np.where(metal > 0, METAL_ROUGHNESS, p.roughness)
    light, coverage = _render(p, lambda mi: _mesh(mi, head, to_linear(srgb), metal, rough), samples)
    diffuse, _, _ = _diffuse_and_black(p, plain, 32)
    return light * _exposure(p, diffuse, coverage), coverage


class Job(NamedTuple):
    """A stage to trace: a worker needs no library."""

    stage: int
    plain: HeadMesh
    samples: int


def _traced(jobs: Sequence[Job]) -> list[bytes]:
    """Their sheets (in a worker)."""
    return [encode_sheet(*trace_stage(draw_parameters(job.stage), job.plain, job.samples)) for job in jobs]


def _lost(job: Job) -> bytes:
    raise MinifacesError(f"each worker that was to trace stage {job.stage} ended: is their memory short?")


def trace_stages(
    library: Path,
    count: int,
    output: Path,
    workers: int | str,
    samples: int = 32,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Trace stages 0..count - 1 by so many `workers`, or a cluster's (`minifaces.workers.open_pool`), and pack them
    into the zip `output`.

    Each stage is kept beside it in `<output>.parts/` until all are done, so that an interrupted run goes on
    where it stopped. `progress` is called with the number of stages done."""
    folder = output.with_suffix(".parts")
    folder.mkdir(parents=True, exist_ok=True)
    missing = [s for s in range(count) if not (folder / f"{s:04d}.json").exists()]
    done = count - len(missing)
    progress(done)
    plain = cache(lambda part: smooth_head(Library(library).mesh(f"{part}.dat")))
    jobs = (Job(stage, plain(draw_parameters(stage).head), samples) for stage in missing)
    with open_pool(workers) as pool:
        for stage, sheet in zip(missing, work_through(pool, _traced, jobs, _lost, lambda _: 1 << 40), strict=True):
            with atomic(folder / f"{stage:04d}.webp") as scratch:
                scratch.write_bytes(sheet)
            write_text(folder / f"{stage:04d}.json", json.dumps(asdict(draw_parameters(stage))))
            done += 1
            progress(done)
    sheets = []
    for stage in range(count):
        entry = json.loads((folder / f"{stage:04d}.json").read_text())
        sheets.append((parameters_from(entry), (folder / f"{stage:04d}.webp").read_bytes()))
    with atomic(output) as scratch:
        write_stages(scratch, sheets)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
