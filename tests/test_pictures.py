"""Layouts have known pixels, animations play back as they were given, and the map draws every face."""

import math
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minifaces.errors import MinifacesError, UsageError
from minifaces.pictures import (
    captioned,
    cluster_crops,
    draw_map,
    grid,
    pairs,
    save_animation,
    snap_to_grid,
    strip,
)


def flat(*levels: int, height: int = 6, width: int = 8) -> np.ndarray:
    """One evenly grey face a level."""
    return np.stack([np.full((height, width, 3), level, np.uint8) for level in levels])


def crossfade(n: int, side: int = 32) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    a = np.stack([x * 7, y * 7, x + y], axis=-1)
    b = np.stack([y * 5, 200 - x * 3, 255 - y * 4], axis=-1)
    return np.stack([a + (b - a) * t for t in np.linspace(0, 1, n)]).astype(np.uint8)


# --- layout ---


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), st.none() | st.integers(1, 25), st.integers(0, 5))
def test_grid_holds_every_face_at_its_place(n: int, columns: int | None, gap: int) -> None:
    faces = flat(*range(n))
    picture = grid(faces, columns, gap, background=(9, 99, 199))
    across = min(n, columns or math.ceil(math.sqrt(n)))
    down = math.ceil(n / across)
    assert picture.shape == (down * (6 + gap) - gap, across * (8 + gap) - gap, 3)
    for i in range(n):
        y, x = i // across * (6 + gap), i % across * (8 + gap)
        assert np.array_equal(picture[y : y + 6, x : x + 8], faces[i])
    rest = (picture == (9, 99, 199)).all(axis=-1).sum()
    assert rest == picture.shape[0] * picture.shape[1] - n * 6 * 8


def test_strip_is_one_row() -> None:
    assert strip(flat(1, 2, 3))[0, :, 0].tolist() == [1] * 8 + [2] * 8 + [3] * 8


def test_pairs_lie_on_each_other_and_wrap() -> None:
    picture = pairs(flat(1, 2, 3), flat(11, 12, 13), columns=2, gap=0)
    assert picture[::6, ::8, 0].tolist() == [[1, 2], [11, 12], [3, 255], [13, 255]]


def test_captions_are_written_below_and_cut_to_fit() -> None:
    faces = flat(10, 10, 10, height=40, width=40)
    result = captioned(faces, ["", "smile", "a caption far too long for a small face"])
    lines = result[:, 40:]
    assert np.array_equal(result[:, :40], faces)
    assert (lines[0] == 255).all()
    assert lines[1].min() < 100
    assert lines[2].min() < 100


def test_layouts_refuse_nonsense() -> None:
    for faces in (flat(1)[0], flat(1).astype(np.float32), flat(1)[:0], flat(1)[..., :2]):
        with pytest.raises(UsageError, match="faces"):
            grid(faces)
    with pytest.raises(UsageError, match="column"):
        grid(flat(1), columns=0)
    with pytest.raises(UsageError, match="shapes"):
        pairs(flat(1, 2), flat(1))
    with pytest.raises(UsageError, match="captions"):
        captioned(flat(1, 2), ["one"])


# --- animation ---


def played(path: Path) -> tuple[np.ndarray, list[int], dict[str, object]]:
    """Frames, milliseconds of each, and the file's other properties."""
    frames, durations = [], []
    with Image.open(path) as image:
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            image.load()
            frames.append(np.asarray(image.convert("RGB")))
            durations.append(round(image.info.get("duration", 0)))
        return np.stack(frames), durations, dict(image.info)


@pytest.mark.parametrize(("suffix", "error"), [(".gif", 4.0), (".webp", 5.0), (".apng", 0.0)])
def test_animations_play_back(tmp_path: Path, suffix: str, error: float) -> None:
    frames = crossfade(12)
    path = tmp_path / f"a{suffix}"
    save_animation(path, frames, fps=25)
    again, durations, info = played(path)
    assert again.shape == frames.shape
    assert durations == [40] * 12
    assert info["loop"] == 0
    assert np.sqrt(((again.astype(float) - frames) ** 2).mean()) <= error
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".apng"])
def test_an_animation_that_does_not_loop_plays_once(tmp_path: Path, suffix: str) -> None:
    save_animation(tmp_path / f"a{suffix}", crossfade(3), loop=False)
    info = played(tmp_path / f"a{suffix}")[2]
    assert info.get("loop") == (None if suffix == ".gif" else 1)


@pytest.mark.parametrize(("suffix", "fps"), [(".gif", 30), (".gif", 7.5), (".webp", 60), (".apng", 24)])
def test_rounded_durations_do_not_drift(tmp_path: Path, suffix: str, fps: float) -> None:
    save_animation(tmp_path / f"a{suffix}", crossfade(30), fps=fps)
    durations = played(tmp_path / f"a{suffix}")[1]
    assert abs(sum(durations) - 30 * 1000 / fps) <= 5
    assert max(durations) - min(durations) <= 10


def test_large_gif_frames_stay_close(tmp_path: Path) -> None:
    frames = crossfade(2, side=34).repeat(8, axis=1).repeat(8, axis=2)
    save_animation(tmp_path / "a.gif", frames)
    again = played(tmp_path / "a.gif")[0]
    assert np.sqrt(((again.astype(float) - frames) ** 2).mean()) < 6


@pytest.mark.parametrize(("height", "width"), [(32, 48), (31, 47)])
def test_mp4_plays_back_with_even_sides(tmp_path: Path, height: int, width: int) -> None:
    frames = crossfade(10, side=48)[:, :height, :width]
    save_animation(tmp_path / "a.mp4", frames, fps=20)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == Fraction(20)
        assert stream.pix_fmt == "yuv420p"
        again = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    assert again.shape == (10, 32, 48, 3)
    assert np.sqrt(((again[:, :height, :width].astype(float) - frames) ** 2).mean()) < 8


def test_mp4_without_h264(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av, "codecs_available", {"mpeg4"})
    save_animation(tmp_path / "a.mp4", crossfade(5))
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"
        assert sum(1 for _ in container.decode(video=0)) == 5


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".apng", ".mp4"])
def test_one_frame_is_an_animation(tmp_path: Path, suffix: str) -> None:
    save_animation(tmp_path / f"a{suffix}", crossfade(1))
    assert (tmp_path / f"a{suffix}").stat().st_size > 0


def test_animations_fail_in_one_line(tmp_path: Path) -> None:
    for name in ("a.png", "a.avi", "a"):
        with pytest.raises(UsageError, match=r"\.gif, \.webp, \.apng, \.mp4"):
            save_animation(tmp_path / name, crossfade(2))
    for fps in (0, -1, float("nan"), 51):
        with pytest.raises(UsageError, match="frames a second"):
            save_animation(tmp_path / "a.gif", crossfade(2), fps=fps)
    with pytest.raises(UsageError, match="no faces"):
        save_animation(tmp_path / "a.gif", crossfade(2)[:0])
    with pytest.raises(UsageError, match="16383"):
        save_animation(tmp_path / "a.gif", np.zeros((1, 1, 16384, 3), np.uint8))
    (tmp_path / "file").touch()
    with pytest.raises(MinifacesError, match="cannot write"):
        save_animation(tmp_path / "file" / "a.mp4", crossfade(2))
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


# --- map ---


def test_map_draws_faces_where_they_belong() -> None:
    places = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 5.0]])
    canvas = draw_map(flat(10, 20, 30, height=8), places, size=200, face=20)
    assert canvas.shape == (200, 200, 3)
    assert (canvas[:3] == 255).all()
    # 0.96 * 200 - 20 = 172 pixels between the middles furthest apart; y is scaled as x, and centred.
    for (x, y), level in zip([(14, 57), (186, 57), (14, 143)], (10, 20, 30), strict=True):
        block = canvas[y - 10 : y + 10, x - 10 : x + 10]
        assert (block == level).all()
    assert (canvas != 255).all(axis=-1).sum() == 3 * 400


def test_map_keeps_the_shape_of_faces_that_are_not_square() -> None:
    canvas = draw_map(flat(0, height=10, width=20), np.zeros((1, 2)), size=100, face=40)
    dark = np.argwhere(canvas[:, :, 0] == 0)
    assert (np.ptp(dark, axis=0) + 1).tolist() == [20, 40]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_a_snapped_map_has_no_overlaps(n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    cells = snap_to_grid(random.normal(size=(n, 2)))
    side = math.ceil(math.sqrt(n))
    assert len(np.unique(cells, axis=0)) == n
    assert cells.min() >= 0
    assert cells.max() <= side - 1
    canvas = draw_map(flat(*[0] * n, height=8), cells, size=256, face=None)
    area = (canvas == 0).all(axis=-1).sum()
    face = math.isqrt(int(area) // n)
    assert area == n * face * face  # an overlap would lose pixels
    assert face >= 256 * 0.9 / side - 2


@pytest.mark.parametrize("n", [900, 2500])
def test_snapping_keeps_neighbourhoods(n: int) -> None:
    """A shuffled grid is found again: exactly when assigned at once, nearly when it is split first."""
    side = math.isqrt(n)
    truth = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    truth = np.random.default_rng(0).permutation(truth)
    cells = snap_to_grid(truth * 3.0 + 7)
    assert np.array_equal(cells, truth)
    blurred = snap_to_grid(truth + np.random.default_rng(1).normal(0, 0.5, truth.shape))
    assert np.abs(blurred - truth).mean() < 1
    assert len(np.unique(blurred, axis=0)) == n


def test_snapping_odd_coordinates() -> None:
    assert snap_to_grid(np.empty((0, 2))).shape == (0, 2)
    assert len(np.unique(snap_to_grid(np.zeros((7, 2))), axis=0)) == 7
    with pytest.raises(UsageError, match="finite"):
        snap_to_grid(np.array([[0.0, np.nan]]))


def test_cluster_crops_show_each_cluster_largest_first() -> None:
    random = np.random.default_rng(3)
    centres, counts, levels = [(0, 0), (50, 0), (0, 50)], [10, 30, 20], [40, 120, 200]
    places = np.concatenate([random.normal(c, 1, (k, 2)) for c, k in zip(centres, counts, strict=True)])
    faces = flat(*np.repeat(levels, counts).tolist(), height=16, width=16)
    crops = cluster_crops(faces, places, clusters=3, size=600, face=10, crop=80, zoom=3)
    assert crops.shape == (3, 80, 80, 3)
    for crop, level in zip(crops, (120, 200, 40), strict=True):
        assert set(np.unique(crop).tolist()) == {level, 255}
        assert (crop[35:45, 35:45] == level).all()


def test_maps_fail_in_one_line() -> None:
    faces, places = flat(1, 2), np.zeros((2, 2))
    for size in (0, 16385):
        with pytest.raises(UsageError, match="16384"):
            draw_map(faces, places, size=size)
    with pytest.raises(UsageError, match="a face on this map"):
        draw_map(faces, places, size=100, face=101)
    for odd in (np.zeros((3, 2)), np.zeros((2, 3)), np.full((2, 2), np.inf)):
        with pytest.raises(UsageError, match="coordinates"):
            draw_map(faces, odd)
    with pytest.raises(UsageError, match="number of clusters"):
        cluster_crops(faces, places, clusters=0)
    assert len(cluster_crops(faces, places, clusters=2)) == 1


def test_a_map_that_does_not_fit_into_memory_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> np.ndarray:
        raise MemoryError

    monkeypatch.setattr(np, "full", full)
    with pytest.raises(MinifacesError, match=r"0\.8 GB"):
        draw_map(np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 2)), size=16384)
