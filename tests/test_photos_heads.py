"""Splitting, framing and screening: composed heads with known truth, spoilt in known ways, and real photographs."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from minifaces.images import read_picture
from minifaces.ldraw.clutter import figure
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.scenes import Cutouts, Scene, sheet
from minifaces.ldraw.stages import load_stages
from minifaces.photos.cut import find_heads
from minifaces.photos.duplicates import Index, hash_of
from minifaces.photos.finder import detect
from minifaces.photos.frame import FILL, Framed, crop, cut_out, frame, thing
from minifaces.photos.screen import DEFECTS, WORDS, Scores, screen
from minifaces.photos.sharpness import blur_of
from minifaces.photos.workfolder import Box
from minifaces.smallnets import overlap

Bytes = NDArray[np.uint8]
PHOTOS = Path(__file__).parents[2] / "shared" / "real-photos"


def heads_of(count: int, seed: int, yaw: float = 0.0, bare: float = 0.0) -> Cutouts:
    turned = np.full(count, yaw, np.float32)
    return Cutouts.make(
        load_prints(), load_stages(256, "test"), "test", count, np.random.default_rng(seed), turned, bare
    )


def one(seed: int, yaw: float = 0.0, bare: float = 0.0, margin: float = 0.15) -> Scene:
    return sheet(heads_of(1, seed, yaw, bare), [[0]], 200, np.random.default_rng(seed), margin=margin)


def scores(pictures: list[Bytes]) -> list[Scores]:
    return screen([frame(picture, 128) for picture in pictures], pictures)


@pytest.fixture(scope="module")
def good() -> list[Bytes]:
    return [one(seed).picture for seed in range(24)]


@pytest.fixture(scope="module")
def clean(good: list[Bytes]) -> list[Scores]:
    return scores(good)


@pytest.mark.parametrize("rows", [[[0]], [[0, 1]], [[0, 1, 2]], [[0, 1, 2, 3]], [[0, 1], [2, 3]]])
def test_heads_are_cut_apart_in_their_gutters(rows: list[list[int]]) -> None:
    right = 0
    for seed in range(6):
        scene = sheet(heads_of(4, seed), rows, 180, np.random.default_rng(seed), gap=0.1)
        found = find_heads(scene.picture)
        height, width = scene.picture.shape[:2]
        assert sum(box.width * box.height for box in found) == height * width  # nothing is lost, nothing is twice
        inside = [
            box.x0 - 0.02 * width <= x0 and x1 <= box.x1 + 0.02 * width and box.y0 <= (y0 + y1) / 2 <= box.y1
            for box, (x0, y0, x1, y1) in zip(found, scene.boxes, strict=False)
        ]
        right += len(found) == len(scene.boxes) and all(inside)
    assert right >= 5


def test_a_wide_head_stays_whole() -> None:
    for seed in range(8):
        scene = sheet(heads_of(1, seed), [[0]], 160, np.random.default_rng(seed), stretch=1.6)
        height, width = scene.picture.shape[:2]
        assert find_heads(scene.picture) == [(0, 0, width, height)]


def test_touching_heads_are_told_apart() -> None:
    counts = [
        len(find_heads(sheet(heads_of(3, seed), [[0, 1, 2]], 160, np.random.default_rng(seed), gap=0.0).picture))
        for seed in range(8)
    ]
    assert counts.count(3) >= 7


def test_the_outline_is_found_and_framed_as_composed_faces_are() -> None:
    overlaps = []
    for seed in range(24):
        scene = one(seed, margin=0.05 + 0.02 * seed)
        framed = frame(scene.picture, 128)
        assert framed.picture.shape == (128, 128, 3)
        overlaps.append(overlap(framed.box, tuple(scene.boxes[0])))
        assert framed.sure > 0.5
        (inner,) = detect([framed.picture])
        x0, y0, x1, y1 = inner[0].box
        assert abs((y1 - y0) / 128 - FILL) < 0.1
        assert abs((x0 + x1) / 2 - 64) < 6
    assert np.median(overlaps) > 0.94
    assert min(overlaps) > 0.8


def test_a_head_at_the_border_is_padded_with_ground() -> None:
    scene = one(3, margin=0.2)
    x0, y0, x1, y1 = scene.boxes[0].round().astype(int)
    tight = scene.picture[y0 - 2 : y1 + 2, x0 - 2 : x1 + 2]
    framed = frame(tight, 128)
    ground = np.median(np.concatenate([tight[0], tight[-1]]), 0)
    assert np.abs(framed.picture[[0, -1]].astype(float) - ground).max(-1).mean() < 30
    assert framed.picture.shape == (128, 128, 3)


def test_squares_beyond_the_picture() -> None:
    picture = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    assert (crop(picture, 1, 1, 3) == picture[1:4, 1:4]).all()
    assert crop(picture, -4, -4, 12).shape == (12, 12, 3)
    assert crop(picture, 50, 50, 4).shape == (4, 4, 3)
    assert cut_out(picture, (-1000.0, -1000.0, 1000.0, 1000.0), 16).shape == (16, 16, 3)


def test_without_a_head_what_stands_on_the_ground_is_framed() -> None:
    picture = np.full((100, 140, 3), 240, np.uint8)
    picture[30:80, 50:70] = (200, 0, 40)
    assert overlap(thing(picture), (50, 30, 70, 80)) > 0.85
    framed = frame(picture, 64)
    assert framed.sure == 0
    assert frame(np.full((40, 40, 3), 128, np.uint8), 64).box == (0, 0, 40, 40)


@pytest.mark.parametrize("shape", [(1, 20_000, 3), (20_000, 1, 3)])
def test_a_long_picture_takes_no_more_memory_than_a_large_one(shape: tuple[int, int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    tracemalloc.start()
    framed = frame(picture, 32)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6  # a square about it has 1.2 GB
    assert framed.picture.shape == (32, 32, 3)
    assert framed.box == (0, 0, shape[1], shape[0])


def test_what_stands_in_a_long_picture_is_framed_where_it_is() -> None:
    picture = np.full((1000, 8000, 3), 240, np.uint8)
    picture[200:800, 5000:6000] = (200, 0, 40)
    assert overlap(frame(picture, 32).box, (5000, 200, 6000, 800)) > 0.8


def test_good_faces_have_no_flags(clean: list[Scores]) -> None:
    assert set(DEFECTS) == set(WORDS)
    for told in clean:
        assert set(told.scores) == set(DEFECTS)
        assert all(0 <= score <= 1 for score in told.scores.values())
    flagged = [[name for name, score in told.scores.items() if score >= DEFECTS[name]] for told in clean]
    assert sum(not names for names in flagged) >= 20


def blurred(picture: Bytes) -> Bytes:
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(5)))


def cut(picture: Bytes) -> Bytes:
    return picture[:, : int(0.62 * picture.shape[1])]


@pytest.mark.parametrize(
    ("defect", "spoil"),
    [
        ("blurred", blurred),
        ("cut_off", cut),
        ("dark", lambda p: (p * 0.35).astype(np.uint8)),
        ("bright", lambda p: np.clip(p * 2.2 + 60, 0, 255).astype(np.uint8)),
        ("colour_cast", lambda p: (p * [1.0, 0.75, 0.5]).astype(np.uint8)),
        ("small", lambda p: np.asarray(Image.fromarray(p).resize((48, 52)))),
    ],
)
def test_what_is_spoilt_is_told(defect: str, spoil, good: list[Bytes], clean: list[Scores]) -> None:  # type: ignore[no-untyped-def]
    worse = scores([spoil(picture) for picture in good])
    rises = [w.scores[defect] > c.scores[defect] for w, c in zip(worse, clean, strict=True)]
    assert np.mean(rises) >= 0.9
    assert np.mean([w.scores[defect] >= DEFECTS[defect] for w in worse]) >= 0.7


def test_turned_heads_have_an_angle_and_backs_have_no_face(clean: list[Scores]) -> None:
    turned = scores([one(seed, yaw=55.0).picture for seed in range(12)])
    assert np.mean([t.scores["angle"] >= DEFECTS["angle"] for t in turned]) >= 0.8
    assert np.median([t.yaw for t in turned if t.yaw is not None]) > 25
    assert np.median([abs(c.yaw) for c in clean if c.yaw is not None]) < 15
    for backs in (
        scores([one(seed, yaw=180.0).picture for seed in range(12)]),
        scores([one(seed, bare=1.0).picture for seed in range(12)]),
    ):
        assert np.mean([b.scores["no_face"] >= DEFECTS["no_face"] for b in backs]) >= 0.8
        assert sum(b.yaw is None for b in backs) >= 9


def test_a_whole_figure_is_no_head() -> None:
    rng = np.random.default_rng(0)
    heads = heads_of(12, 0)
    told = scores([figure(heads, i, 200, 140, rng) for i in range(12)])
    names = ("not_head", "crowded")
    assert np.mean([any(t.scores[n] >= DEFECTS[n] for n in names) for t in told]) >= 0.8


def test_scores_do_not_depend_on_the_company(good: list[Bytes]) -> None:
    framed = [frame(picture, 128) for picture in good[:5]]
    assert screen(framed, good[:5]) == [screen([f], [p])[0] for f, p in zip(framed, good, strict=False)]
    assert screen([], []) == []


def test_any_size_of_face_is_judged() -> None:
    for size in (16, 64, 200):
        plain = Framed(np.full((size, size, 3), 90, np.uint8), Box(0, 0, 1, 1), 0.0)
        (told,) = screen([plain], [np.zeros((1, 1, 3), np.uint8)])
        assert told.scores["not_head"] > 0.5
        assert told.pitch is None


def test_the_blur_of_a_step_is_its_sigma() -> None:
    step = np.zeros((64, 64, 3), np.uint8)
    step[20:44, 20:44] = 200
    image = Image.fromarray(step)
    for sigma in (1.5, 2.5):
        soft = np.asarray(image.filter(ImageFilter.GaussianBlur(sigma)))
        assert blur_of(soft) == pytest.approx(sigma, rel=0.25)
    assert blur_of(step) < 0.7
    assert blur_of(np.full((8, 8, 3), 7, np.uint8)) == 10


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the photographs are not here")
def test_real_figures_are_refused_and_their_repetitions_found() -> None:
    """Photographs of whole figures by Yaroslav Isaienkov and contributors, CC BY 4.0; none is a bare head."""
    pictures = {path.name: read_picture(path) for path in sorted(PHOTOS.glob("*.jpg"))}
    framed = {name: frame(picture, 128) for name, picture in pictures.items()}
    told = screen(list(framed.values()), list(pictures.values()))
    refused = [
        any(s.scores[n] >= DEFECTS[n] for n in ("not_head", "crowded", "no_face", "cut_off", "angle")) for s in told
    ]
    assert np.mean(refused) >= 0.95
    index = Index(lambda name: framed[name].picture)
    repeated = {name for name, face in framed.items() if index.add(name, hash_of(face.picture), face.picture)}
    seen: set[bytes] = set()
    for name in pictures:
        data = (PHOTOS / name).read_bytes()
        assert data not in seen or name in repeated
        seen.add(data)
