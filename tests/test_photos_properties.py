"""What holds for any lists and any pictures: hypothesis looks for those for which it does not."""

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minifaces.arrays import Pixels
from minifaces.errors import UsageError
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.scenes import Cutouts
from minifaces.ldraw.stages import load_stages
from minifaces.photos.apply import read_decisions
from minifaces.photos.cut import find_heads
from minifaces.photos.frame import frame
from minifaces.photos.lists import Appender, read_rows
from minifaces.photos.review import suspicion
from minifaces.photos.workfolder import Box, Decision, Original, Screen

KEYS = st.from_regex(r"[0-9a-f]{16}-[0-9]{1,3}", fullmatch=True)
SHARES = st.floats(0, 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DECISIONS = st.builds(Decision, key=KEYS, keep=st.booleans(), time=TEXTS)
ORIGINALS = st.builds(
    Original,
    id=st.none(),
    source=TEXTS,
    found=TEXTS,
    problem=st.none() | TEXTS,
    attributes=st.dictionaries(TEXTS, TEXTS, max_size=3),
)
SCREENS = st.builds(
    Screen,
    key=KEYS,
    scores=st.dictionaries(TEXTS, SHARES, max_size=3),
    flags=st.lists(TEXTS, max_size=2).map(tuple),
    duplicate_of=st.none() | KEYS,
    yaw=st.none() | st.floats(-90, 90),
    pitch=st.none(),
    hash=st.none() | st.integers(0, 2**64 - 1),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lists") / "list.jsonl"


@given(rows=st.lists(ORIGINALS | DECISIONS | SCREENS, max_size=6))
def test_rows_come_back_as_they_were(path: Path, rows: list[Original | Decision | Screen]) -> None:
    for kind in (Original, Decision, Screen):
        path.unlink(missing_ok=True)
        own = [row for row in rows if isinstance(row, kind)]
        with Appender(path) as file:
            for row in own:
                file.add([row])
        assert list(read_rows(path, kind)) == own


@given(rows=st.lists(ORIGINALS, min_size=1, max_size=5), cut=st.integers(0, 10_000), later=ORIGINALS)
def test_a_list_that_broke_off_anywhere_goes_on(path: Path, rows: list[Original], cut: int, later: Original) -> None:
    path.unlink(missing_ok=True)
    with Appender(path) as file:
        file.add(rows)
    whole = path.read_bytes()
    path.write_bytes(whole[: cut % (len(whole) + 1)])
    left = list(read_rows(path, Original))
    assert left == rows[: len(left)]
    assert len(left) == path.read_bytes().count(b"\n")
    with Appender(path) as file:
        file.add([later])
    assert list(read_rows(path, Original)) == [*left, later]


def refused(read: Callable[[], object]) -> str | None:
    """The one line that refuses what is read; any other exception is a failure."""
    try:
        read()
    except UsageError as error:
        return str(error)
    return None


@given(data=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_rows_or_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    for read in (lambda: list(read_rows(path, Original)), lambda: read_decisions(path)):
        problem = refused(read)
        assert problem is None or str(path) in problem


@given(rows=st.lists(DECISIONS, max_size=8), ending=st.sampled_from(["\n", "\r\n", "\n\n"]), last=st.booleans())
def test_the_last_decision_on_a_key_holds(path: Path, rows: list[Decision], ending: str, last: bool) -> None:
    text = "".join(json.dumps(row.model_dump()) + ending for row in rows)
    path.write_bytes(text.encode() if last else text.rstrip("\r\n").encode())
    assert read_decisions(path) == {row.key: row for row in rows}


@given(
    scores=st.dictionaries(st.sampled_from("abcd"), SHARES, max_size=4),
    thresholds=st.fixed_dictionaries({name: st.floats(0, 1.01) for name in "abcd"}),
    repeats=st.booleans(),
)
def test_suspicion_tells_flagged_from_unflagged(
    scores: dict[str, float], thresholds: dict[str, float], repeats: bool
) -> None:
    first = "0" * 16 + "-0" if repeats else None
    found = suspicion(Screen(key="1" * 16 + "-0", scores=scores, duplicate_of=first), thresholds)
    assert -1 <= found <= 1
    over = any(score >= thresholds[name] for name, score in scores.items())
    if over or repeats:
        assert found >= 0
    else:
        assert found <= 0


@st.composite
def pictures_of_a_head(draw: st.DrawFn) -> tuple[Pixels, Box]:
    """A composed head of any size, anywhere on plain ground, and its outline."""
    cutouts = head_cutouts()
    which = draw(st.integers(0, len(cutouts) - 1))
    scale = draw(st.integers(64, 160)) / 128
    left, right, top, bottom = (draw(st.integers(0, 80)) for _ in range(4))
    ground = draw(st.sampled_from([255, 240, 215, 180]))
    side = round(128 * scale)
    rgba = np.asarray(Image.fromarray(cutouts.rgba[which]).resize((side, side), Image.Resampling.LANCZOS)).astype(float)
    picture = np.full((side + top + bottom, side + left + right, 3), ground, np.uint8)
    alpha = rgba[..., 3:] / 255
    picture[top : top + side, left : left + side] = (rgba[..., :3] * alpha + ground * (1 - alpha)).round()
    x0, y0, x1, y1 = cutouts.boxes[which] * scale
    return picture, Box(round(x0) + left, round(y0) + top, round(x1) + left, round(y1) + top)


@lru_cache(maxsize=1)
def head_cutouts() -> Cutouts:
    return Cutouts.make(load_prints(), load_stages(128, "test"), "test", 12, np.random.default_rng(2))


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    wide = max(0, min(one.x1, other.x1) - max(one.x0, other.x0))
    high = max(0, min(one.y1, other.y1) - max(one.y0, other.y0))
    return wide * high / (one.width * one.height + other.width * other.height - wide * high)


# Networks have their blind spots: the same examples each time.
@settings(max_examples=40, deadline=None, derandomize=True)
@given(pictures_of_a_head(), st.sampled_from([32, 64, 100]))
def test_a_head_is_found_centred_and_not_stretched(pictured: tuple[Pixels, Box], size: int) -> None:
    picture, box = pictured
    framed = frame(picture, size)
    assert framed.picture.shape == (size, size, 3)
    assert overlap(framed.box, box) > 0.75
    # The head as frame() cuts it out again has the same outline in the face's middle.
    scale = max(framed.box.height / 0.86, framed.box.width / 0.98) / size
    middle = ((box.x0 + box.x1) - (framed.box.x0 + framed.box.x1)) / 2 / scale
    assert abs(middle) < 0.1 * size
    again = frame(framed.picture, size)
    assert abs((again.box.x0 + again.box.x1) / 2 - size / 2) < 0.08 * size
    assert abs((again.box.y0 + again.box.y1) / 2 - size / 2) < 0.08 * size
    ratio = again.box.width / again.box.height
    assert abs(ratio / (box.width / box.height) - 1) < 0.2


@st.composite
def anything(draw: st.DrawFn) -> Pixels:
    height, width = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    kind = draw(st.sampled_from(["plain", "noise", "halves", "ramp"]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    if kind == "noise":
        return rng.integers(0, 256, (height, width, 3), np.uint8)
    picture = np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
    if kind == "halves":
        picture[:, width // 2 :] = rng.integers(0, 256, 3)
    if kind == "ramp":
        picture[:] = np.linspace(0, 255, width).astype(np.uint8)[None, :, None]
    return picture


@settings(max_examples=60, deadline=None)
@given(anything())
def test_any_picture_is_framed_and_split(picture: Pixels) -> None:
    before = picture.copy()
    height, width = picture.shape[:2]
    framed = frame(picture, 32)
    assert framed.picture.shape == (32, 32, 3)
    assert framed.picture.dtype == np.uint8
    boxes = find_heads(picture)
    assert boxes
    for box in boxes:
        assert 0 <= box.x0 < box.x1 <= width
        assert 0 <= box.y0 < box.y1 <= height
    # a head that is cut off reaches beyond the picture
    assert framed.box.width > 0
    assert framed.box.height > 0
    assert overlap(framed.box, Box(0, 0, width, height)) > 0
    assert 0 <= framed.sure <= 1
    np.testing.assert_array_equal(picture, before)
    again = frame(picture, 32)
    np.testing.assert_array_equal(again.picture, framed.picture)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(pictures_of_a_head())
def test_a_single_head_stays_whole(pictured: tuple[Pixels, Box]) -> None:
    picture, _ = pictured
    assert find_heads(picture) == [Box(0, 0, picture.shape[1], picture.shape[0])]
