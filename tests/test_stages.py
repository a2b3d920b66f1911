"""Stages: their parameters, their file, where each ray meets the head, and a real trace."""

import json
import zipfile
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldraw_fixtures import FEW, few
from minifaces.errors import UsageError
from minifaces.ldraw.colours import to_linear
from minifaces.ldraw.head import smooth_head
from minifaces.ldraw.library import Library
from minifaces.ldraw.stages import (
    LIMITS,
    SIZE,
    StageParameters,
    background_of,
    decode_sheet,
    draw_parameters,
    encode_sheet,
    load_stages,
    parameters_from,
    read_parameters,
    surface_samples,
    write_stages,
)
from test_head import implicit, profile

__all__ = ["few"]  # fixtures

BUNDLED = Path(__file__).parents[1] / "src" / "minifaces" / "assets" / "stages.zip"
IDS = st.integers(0, 100_000)


@given(IDS)
@settings(deadline=None)
def test_parameters_are_within_their_ranges(stage: int) -> None:
    p = draw_parameters(stage)
    assert p == draw_parameters(stage)
    assert p.id == stage
    assert p.split == ("train" if stage >= 32 else "test" if stage % 2 else "validation")
    assert -25 <= p.yaw <= 25
    assert 2 <= p.pitch <= 16
    assert -1 <= p.roll <= 1
    assert 0.72 <= p.fill <= 1
    assert p.head in ("3626b", "3626c")
    assert 0.08 <= p.roughness <= 0.6
    assert 0.84 <= p.exposure <= 1.02
    assert p.backdrop in ("white", "plain", "sweep")
    assert all(0 <= c <= 1 for c in (*p.floor, *p.background))
    assert (p.background == (1, 1, 1) and p.shade == 0) or p.backdrop == "plain"
    assert len(p.boxes) == 3
    assert p.boxes[0][0] * p.boxes[1][0] < 0  # one box from each side
    assert all(width > 0 and height > 0 and radiance > 0 for _, _, width, height, radiance in p.boxes)
    assert parameters_from(json.loads(json.dumps(asdict(p)))) == p


def test_parameters_are_like_catalogue_photographs() -> None:
    drawn = [draw_parameters(i) for i in range(400)]
    assert np.mean([p.yaw for p in drawn]) == pytest.approx(0, abs=1.5)
    assert np.std([p.yaw for p in drawn]) == pytest.approx(8, abs=1)
    assert len({p.seed for p in drawn}) == 400
    backdrops = Counter(p.backdrop for p in drawn)
    assert backdrops["sweep"] / 400 == pytest.approx(0.35, abs=0.08)


@given(IDS)
@settings(deadline=None)
def test_the_camera_looks_at_the_head(stage: int) -> None:
    p = draw_parameters(stage)
    origin, target, up, field = p.camera()
    away = origin - target
    assert np.linalg.norm(away) == pytest.approx(140)
    assert np.degrees(np.arctan2(away[0], away[2])) == pytest.approx(p.yaw)
    assert np.degrees(np.arcsin(away[1] / 140)) == pytest.approx(p.pitch)
    assert np.linalg.norm(up) == pytest.approx(1)
    assert 2 * 140 * np.tan(np.radians(field / 2)) * p.fill == pytest.approx(28)  # the head is 28 high


@pytest.mark.parametrize("stage", [0, 1, 40, 77])
def test_surface_samples_agree_with_the_camera(stage: int) -> None:
    """The way back: the point at (theta, v) lies on the surface, faces the camera and projects to its pixel."""
    p, n = draw_parameters(stage), 96
    theta, v, hit = surface_samples(p, n)
    assert 0.2 < hit.mean() < 0.8
    assert (theta[~hit] == 0).all()
    radius, y = profile(v[hit].astype(float))
    around = theta[hit].astype(float)
    points = np.stack([radius * np.sin(around), y, radius * np.cos(around)], -1)
    assert np.abs(implicit(points)).max() < 1e-6
    points[:, 1] *= -1  # the camera's y is up
    origin, target, up, field = p.camera()
    to = points - origin
    forward = (target - origin) / np.linalg.norm(target - origin)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    above = np.cross(right, forward)
    scale = (to @ forward) * np.tan(np.radians(field / 2))
    column, row = (to @ right / scale + 1) / 2 * n - 0.5, (1 - to @ above / scale) / 2 * n - 0.5
    rows, columns = np.nonzero(hit)
    assert np.abs(column - columns).max() < 0.02
    assert np.abs(row - rows).max() < 0.02
    nearer = (points - 0.005 * to) * [1, -1, 1]  # towards the camera one leaves the body
    assert (implicit(nearer) > 0).all()


def test_no_ray_that_meets_the_body_is_missed() -> None:
    """Rays stepped through the body one by one: inside somewhere exactly where a hit is told."""
    p, n = draw_parameters(5), 40
    theta, _, hit = surface_samples(p, n)
    origin, target, up, field = p.camera()
    forward = (target - origin) / 140
    right = np.cross(forward, up) / np.linalg.norm(np.cross(forward, up))
    above = np.cross(right, forward)
    grid = ((np.arange(n) + 0.5) / n * 2 - 1) * np.tan(np.radians(field / 2))
    rays = forward + grid[None, :, None] * right - grid[:, None, None] * above
    along = np.linspace(115, 165, 2000)
    points = (origin + along[:, None, None, None] * rays) * [1, -1, 1]
    # beside the flat top and bottom, that is: there, studs and necks begin
    radius, y = np.hypot(points[..., 0], points[..., 2]), points[..., 1]
    inside = ((np.maximum(radius - 8, 0) / 5) ** 2 + ((np.maximum(4 - y, 0) + np.maximum(y - 17, 0)) / 4) ** 2) < 1
    first = inside.argmax(0)
    entry = np.take_along_axis(radius, first[None], 0)[0]
    meets = inside.any(0) & (entry > 8.05)
    assert (meets & ~hit).sum() == 0
    assert (hit & ~inside.any(0)).sum() <= 4  # rays that graze between two steps
    assert np.abs(theta[hit]).max() > 1.2


@pytest.mark.parametrize("stage", [2, 33])
def test_a_mirrored_camera_sees_the_mirrored_head(stage: int) -> None:
    p = draw_parameters(stage)
    mirrored = replace(p, yaw=-p.yaw, roll=-p.roll, dx=-p.dx)
    theta, v, hit = surface_samples(p, 64)
    other_theta, other_v, other_hit = (plane[:, ::-1] for plane in surface_samples(mirrored, 64))
    both = hit & other_hit
    assert (hit != other_hit).mean() < 0.002
    np.testing.assert_allclose(other_theta[both], -theta[both], atol=1e-4)
    np.testing.assert_allclose(other_v[both], v[both], atol=1e-3)


def planes() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Smooth light like that of a stage."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    base = np.exp(-((x - 0.4) ** 2 + (y - 0.4) ** 2) * 3)
    tint = np.array([1, 0.97, 0.93])
    coverage = np.clip((0.45 - np.hypot(x - 0.5, y - 0.5)) * 40, 0, 1)
    light = [(base[..., None] * tint * top).astype(np.float32) for top in (0.9, 0.3, 1.2)]
    return light[0], light[1], light[2], coverage.astype(np.float32)


def test_a_sheet_keeps_its_planes() -> None:
    source = planes()
    decoded = decode_sheet(encode_sheet(*source))
    for plane, back, limit in zip(source, decoded, LIMITS, strict=True):
        assert back.dtype == np.float32
        assert back.shape == plane.shape
        noise = np.mean(((plane / limit) ** (1 / 2.2) - (back / limit) ** (1 / 2.2)) ** 2)
        assert 10 * np.log10(1 / noise) > 38
    coverage = decoded[3]
    assert (coverage[source[3] == 0] == 0).mean() > 0.99  # white stays white
    assert (coverage[source[3] == 1] == 1).mean() > 0.99


def test_what_is_too_bright_is_cut() -> None:
    bright = np.full((SIZE, SIZE, 3), 9, np.float32)
    decoded = decode_sheet(encode_sheet(bright, bright, -bright, np.ones((SIZE, SIZE), np.float32)))
    np.testing.assert_allclose(decoded[0], 1.6, rtol=0.03)
    np.testing.assert_allclose(decoded[1], 2.5, rtol=0.03)
    np.testing.assert_allclose(decoded[2], 0, atol=1e-3)


def test_the_background() -> None:
    plain = next(p for p in map(draw_parameters, range(100)) if p.backdrop == "plain")
    shown = background_of(plain, 65)
    assert shown.shape == (65, 1, 3)
    np.testing.assert_allclose(shown[32, 0], to_linear(np.array(plain.background)))
    top = np.clip(np.array(plain.background) - plain.shade, 0, 1)
    np.testing.assert_allclose(shown[0, 0], to_linear(top))
    white = next(p for p in map(draw_parameters, range(100)) if p.backdrop == "white")
    np.testing.assert_allclose(background_of(white, 8), 1)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of four stages: two for validation and test, two to train on."""
    path = tmp_path_factory.mktemp("stages") / "own.zip"
    sheet = encode_sheet(*planes())
    write_stages(path, [(draw_parameters(i), sheet) for i in (0, 1, 32, 33)])
    return path


def test_write_and_load(own: Path) -> None:
    with zipfile.ZipFile(own) as archive:
        assert read_parameters(archive) == [draw_parameters(i) for i in (0, 1, 32, 33)]
    for split, ids in (("train", [32, 33]), ("validation", [0]), ("test", [1])):
        stages = load_stages(32, split, own)
        assert [p.id for p in stages.parameters] == ids
        assert len(stages) == len(ids)
        assert stages.diffuse.shape == (len(ids), 32, 32, 3)
        assert stages.theta.shape == stages.hit.shape == (len(ids), 64, 64)
    assert len(load_stages(32, "train", own, limit=1)) == 1
    stages = load_stages(64, "test", own, over=1)
    diffuse, _, _, coverage = decode_sheet(encode_sheet(*planes()))
    pooled = diffuse.reshape(64, 4, 64, 4, 3).mean((1, 3))
    np.testing.assert_allclose(stages.diffuse[0], pooled, rtol=1e-5)
    shown = (1 - coverage.reshape(64, 4, 64, 4).mean((1, 3)))[..., None] * background_of(draw_parameters(1), 64)
    np.testing.assert_allclose(stages.backdrop[0], shown, atol=1e-5)
    theta, v, hit = surface_samples(draw_parameters(1), 64)
    np.testing.assert_array_equal(stages.theta[0], theta)
    np.testing.assert_array_equal(stages.v[0], v)
    np.testing.assert_array_equal(stages.hit[0], hit)


@pytest.mark.parametrize("size", [-1, 0, 4, 48, 100, 512])
def test_an_impossible_size(size: int) -> None:
    with pytest.raises(UsageError, match=f"sizes that divide 256, not at {size}"):
        load_stages(size, "train")


def test_a_missing_or_damaged_file(own: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.zip is missing: trace stages with"):
        load_stages(32, "train", tmp_path / "none.zip")
    with pytest.raises(UsageError, match="holds no stages for holdout"):
        load_stages(32, "holdout", own)
    (tmp_path / "cut.zip").write_bytes(own.read_bytes()[:-50])
    small = encode_sheet(*(plane[:64, :64] for plane in planes()))
    entry = json.dumps([asdict(draw_parameters(40))])
    for name, listing, sheet in (
        ("listing", "[{]", small),
        ("object", '{"id": 1}', small),
        ("unknown", '[{"id": 40, "colour": 3}]', small),
        ("size", entry, small),
        ("picture", entry, b"not a picture"),
    ):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr("stages.json", listing)
            archive.writestr("0040.webp", sheet)
    with zipfile.ZipFile(tmp_path / "sheet.zip", "w") as archive:
        archive.writestr("stages.json", entry)
    for name in ("cut", "listing", "object", "unknown", "size", "picture", "sheet"):
        with pytest.raises(UsageError, match=rf"{name}\.zip is damaged .*minifaces data stages") as error:
            load_stages(32, "train", tmp_path / f"{name}.zip")
        assert "\n" not in str(error.value)


def test_the_bundled_stages() -> None:
    with zipfile.ZipFile(BUNDLED) as archive:
        parameters = read_parameters(archive)
    assert Counter(p.split for p in parameters) == {"train": 256, "validation": 16, "test": 16}
    assert [p.id for p in parameters] == list(range(288))
    for p in (*parameters[:4], *parameters[-4:]):
        assert_close(p, draw_parameters(p.id))
    for split in ("validation", "test"):
        stages = load_stages(32, split)
        assert stages.diffuse.shape == stages.specular.shape == stages.metallic.shape == (16, 32, 32, 3)
        for plane, limit in zip((stages.diffuse, stages.specular, stages.metallic), LIMITS, strict=False):
            assert np.isfinite(plane).all()
            assert 0 <= plane.min() < plane.max() <= limit + 1e-4
        assert 0 <= stages.backdrop.min() <= stages.backdrop.max() <= 1
        share = stages.hit.mean((1, 2))
        assert (share > 0.2).all()
        assert (share < 0.8).all()
        # The head is where the camera says: lit where it is hit, dark (no albedo) around it.
        lit = stages.diffuse.mean(-1) > 0.15
        hit = stages.hit[:, ::2, ::2] & stages.hit[:, 1::2, 1::2]
        assert lit[hit].mean() > 0.97


def assert_close(one: StageParameters, other: StageParameters) -> None:
    """Equal but for the last digits, which numpy may compute differently elsewhere."""
    for key, value in asdict(one).items():
        if isinstance(value, str):
            assert value == asdict(other)[key]
        else:
            np.testing.assert_allclose(np.array(value), np.array(asdict(other)[key]), rtol=1e-9)


def test_a_real_trace(few: Library) -> None:
    pytest.importorskip("mitsuba")
    from minifaces.ldraw.trace import environment, trace_stage

    p = next(q for q in map(draw_parameters, range(32, 90)) if q.backdrop == "white" and q.head == "3626b")
    light = environment(p)
    assert light.shape == (64, 128, 3)
    assert np.isfinite(light).all()
    assert light.min() > 0
    diffuse, specular, metallic, coverage = trace_stage(p, smooth_head(few.mesh("3626b.dat")), samples=4)
    hit = surface_samples(p, SIZE)[2]
    for plane in (diffuse, specular, metallic):
        assert plane.shape == (SIZE, SIZE, 3)
        assert plane.dtype == np.float32
        assert np.isfinite(plane).all()
        assert plane.min() >= 0
    assert coverage[hit].mean() > 0.99
    assert coverage[:8].max() == 0  # the head does not reach the corners
    inner = hit & (coverage > 0.99)
    assert np.median(diffuse[inner].mean(-1)) == pytest.approx(p.exposure, rel=1e-4)
    assert np.median(specular[inner]) < 0.3 * np.median(diffuse[inner])  # plastic, a few per cent gloss
    assert 0.2 < np.median(metallic[inner]) / np.median(diffuse[inner]) < 3
    assert diffuse[coverage == 0].mean() < 0.002  # but for what the denoiser smears


def test_a_trace_without_a_denoiser_takes_more_samples(few: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mitsuba")
    from minifaces.ldraw import trace

    p, head = draw_parameters(3), smooth_head(few.mesh("3626b.dat"))
    clean = trace.trace_stage(p, head, samples=8)[0]
    monkeypatch.setattr(trace, "_denoiser", lambda: None)
    raw = trace.trace_stage(p, head, samples=1)[0]
    monkeypatch.setattr(trace, "UNDENOISED", 1)
    assert np.array_equal(raw, trace.trace_stage(p, head, samples=8)[0])  # eight paths for one
    single = trace.trace_stage(p, head, samples=1)[0]
    assert np.abs(raw - clean).mean() < 0.6 * np.abs(single - clean).mean()  # noise falls as their square root


def test_tracing_goes_on_where_it_stopped(tmp_path: Path) -> None:
    pytest.importorskip("mitsuba")
    from minifaces.ldraw.trace import trace_stages

    class EnoughError(Exception):
        pass

    def stop_at_two(done: int) -> None:
        if done == 2:
            raise EnoughError

    output, parts = tmp_path / "own.zip", tmp_path / "own.parts"
    with pytest.raises(EnoughError):
        trace_stages(FEW, 2, output, workers=1, samples=1, progress=stop_at_two)
    assert not output.exists()
    assert {p.name for p in parts.iterdir()} == {f"000{i}.{kind}" for i in range(2) for kind in ("json", "webp")}
    (parts / "0001.json").unlink()  # as if broken off between the two files
    first = (parts / "0000.webp").read_bytes()
    stamp = (parts / "0000.webp").stat().st_mtime_ns
    seen: list[tuple[int, int]] = []
    trace_stages(
        FEW,
        2,
        output,
        workers=1,
        samples=1,
        progress=lambda done: seen.append((done, (parts / "0000.webp").stat().st_mtime_ns)),
    )
    assert seen == [(1, stamp), (2, stamp)]
    assert not parts.exists()
    with zipfile.ZipFile(output) as archive:
        assert read_parameters(archive) == [draw_parameters(0), draw_parameters(1)]
        assert archive.read("0000.webp") == first
    assert len(load_stages(32, "validation", output)) == 1
