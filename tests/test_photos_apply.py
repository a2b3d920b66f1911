"""From decisions to a data set: what is kept, which split it gets, and the same bytes every time."""

import json
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minifaces.arrays import Pixels
from minifaces.cli.main import run
from minifaces.dataset import read_dataset, write_dataset
from minifaces.errors import UsageError
from minifaces.images import resize
from minifaces.listing import SPLITS, list_dataset
from minifaces.photos.apply import Groups, Plan, plan, read_decisions, record, splits
from minifaces.photos.lists import read_rows
from minifaces.photos.workfolder import Decision, Original, Work
from photos_work import SIZE, composed, one_worker, write_work

FACES = 12


@pytest.fixture(scope="module", autouse=True)
def _one_worker() -> Iterator[None]:
    with one_worker():
        yield


@pytest.fixture(scope="module")
def faces() -> Pixels:
    return composed(FACES)


@pytest.fixture
def work(faces: Pixels, tmp_path: Path) -> Work:
    """Two heads in each original; 2 is blurred, 6 repeats 2 and 9 too, 11 repeats 4 and is dark."""
    screens: list[dict[str, object]] = [{} for _ in range(FACES)]
    screens[2] = {"flags": ["blurred"]}
    screens[6] = {"flags": ["duplicate"], "duplicate_of": 2}
    screens[9] = {"flags": ["duplicate"], "duplicate_of": 2}
    screens[11] = {"flags": ["dark", "duplicate"], "duplicate_of": 4}
    return write_work(tmp_path / "work", faces, screens, heads=2)


def keys_of(work: Work) -> list[str]:
    return [face.head.key for face in work.faces()]


def kept(work: Work, decisions: dict[int, bool]) -> list[int]:
    """Which faces are kept, by their places."""
    keys = keys_of(work)
    told = {keys[i]: Decision(key=keys[i], keep=keep) for i, keep in decisions.items()}
    return [keys.index(key) for key, _ in plan(work, told).rows]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_without_decisions_what_has_no_flag_is_kept(work: Work) -> None:
    # 2 has a flag, so 6 is the first good one of 2, 6 and 9
    assert kept(work, {}) == [0, 1, 3, 4, 5, 6, 7, 8, 10]


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ({2: True}, [0, 1, 2, 3, 4, 5, 7, 8, 10]),
        ({6: False}, [0, 1, 3, 4, 5, 7, 8, 9, 10]),
        ({2: True, 9: True}, [0, 1, 2, 3, 4, 5, 7, 8, 9, 10]),
        ({11: True}, [0, 1, 3, 4, 5, 6, 7, 8, 10, 11]),
        ({4: False}, [0, 1, 3, 5, 6, 7, 8, 10]),
    ],
)
def test_decisions_hold_over_the_screening(work: Work, decisions: dict[int, bool], expected: list[int]) -> None:
    assert kept(work, decisions) == expected


def test_splits_keep_together_what_belongs_together(work: Work) -> None:
    keys = keys_of(work)
    everything = {key: Decision(key=key, keep=True) for key in keys}
    rows = dict(plan(work, everything).rows)
    split = [rows[key]["split"] for key in keys]
    # originals are (0 1) (2 3) (4 5) (6 7) (8 9) (10 11); 6 and 9 join theirs to 2's, 11 joins 10 to 4's
    for group in ((0, 1), (2, 3, 6, 7, 8, 9), (4, 5, 10, 11)):
        assert len({split[i] for i in group}) == 1
    assert set(split) == set(SPLITS)
    assert rows[keys[6]]["design"] == rows[keys[9]]["design"] == keys[2]


def test_the_same_decisions_give_the_same_bytes(work: Work, tmp_path: Path) -> None:
    keys = keys_of(work)
    lines = [{"key": key, "keep": keep, "time": "2026"} for key, keep in zip(keys[:6], [True, False] * 3, strict=True)]
    trees = []
    for number in range(2):
        random.Random(number).shuffle(lines)
        path = tmp_path / f"decisions-{number}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        write_dataset(tmp_path / f"faces-{number}", plan(work, read_decisions(path)).faces())
        trees.append(tree(tmp_path / f"faces-{number}"))
    assert trees[0] == trees[1]
    data = read_dataset(tmp_path / "faces-0", SIZE)
    assert [row["key"] for row in data.rows] == [keys[i] for i in (0, 2, 4, 7, 8, 10)]


def test_rows_tell_of_their_originals(work: Work) -> None:
    text = work.manifest.read_text().splitlines()
    first = Original.model_validate_json(text[0])
    told = first.model_copy(
        update={"part": "3626bp01", "attributes": {"design": "mine", "split": "test", "smile": "true"}}
    )
    work.manifest.write_text("\n".join([told.model_dump_json(), *text[1:]]) + "\n")
    (_, row), (_, other) = plan(work, {}).rows[:2]
    assert row["design"] == "mine-0"
    assert other["design"] == "mine-1"
    assert (row["part"], row["smile"], row["source"]) == ("3626bp01", "true", "photos/000.png")
    assert row["split"] == other["split"]


def test_the_last_line_of_a_key_holds(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    key = "0123456789abcdef-0"
    path.write_bytes(b"\xef\xbb\xbf" + f'{{"key":"{key}","keep":true}}\r\n\n{{"key":"{key}","keep":false}}'.encode())
    assert read_decisions(path) == {key: Decision(key=key, keep=False)}


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"key": "a-0", "keep": true}', '{"key": "0123456789abcdef-0"}', "null", "{}"]
)
def test_bad_decisions_are_refused_with_their_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "decisions.jsonl"
    path.write_text('{"key": "0123456789abcdef-0", "keep": true}\n' + line + "\n")
    with pytest.raises(UsageError, match=r"decisions.jsonl line 2 is no decision"):
        read_decisions(path)


def test_decisions_are_recorded_once(work: Work) -> None:
    key = keys_of(work)[0]
    given = {key: Decision(key=key, keep=False, time="2026")}
    record(work, given)
    record(work, given)
    assert work.decisions_list.read_text().count("\n") == 1
    record(work, {key: Decision(key=key, keep=True, time="2027")})
    assert work.decisions() == {key: Decision(key=key, keep=True, time="2027")}


def test_a_list_that_was_edited_by_hand_is_added_to(work: Work) -> None:
    """Editors end a file without a line break."""
    first, second = (Decision(key=key, keep=False) for key in keys_of(work)[:2])
    work.decisions_list.write_text(first.model_dump_json())
    record(work, {second.key: second})
    assert work.decisions() == {first.key: first, second.key: second}


def test_what_cannot_be_applied_is_refused(work: Work, tmp_path: Path) -> None:
    strange = Decision(key="0123456789abcdef-0", keep=True)
    with pytest.raises(UsageError, match="none of the 1 decisions is on a face of"):
        plan(work, {strange.key: strange})
    nothing = plan(work, {key: Decision(key=key, keep=False) for key in keys_of(work)} | {strange.key: strange})
    assert (nothing.rows, nothing.of, nothing.decided, nothing.strange) == ((), FACES, FACES, 1)
    with pytest.raises(UsageError, match="none of the 12 faces is kept"):
        nothing.faces()
    with pytest.raises(UsageError, match=r"none.jsonl is missing"):
        read_decisions(tmp_path / "none.jsonl")
    work.screen_list.write_text("".join(work.screen_list.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(UsageError, match="not wholly screened"):
        plan(work, {})
    work.frames_list.unlink()
    with pytest.raises(UsageError, match="holds no faces"):
        plan(work, {})


def test_a_missing_face_leaves_no_whole_data_set(work: Work, tmp_path: Path) -> None:
    chosen = plan(work, {})
    work.face_path(chosen.rows[-1][0]).unlink()
    with pytest.raises(UsageError, match="is missing"):
        write_dataset(tmp_path / "faces", chosen.faces())
    with pytest.raises(UsageError, match="unfinished"):
        list_dataset(tmp_path / "faces")


@given(st.sets(st.text(min_size=1), max_size=60))
def test_every_group_gets_a_split(groups: set[str]) -> None:
    given_splits = splits(groups)
    assert set(given_splits) == groups
    counts = Counter(given_splits.values())
    if len(groups) >= 3:
        assert min(counts[split] for split in SPLITS) >= 1
        assert counts["train"] >= len(groups) - 2 * max(1, round(len(groups) / 10))
    else:
        assert counts["train"] == len(groups)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=30))
def test_groups_are_the_parts_of_a_graph(pairs: list[tuple[int, int]]) -> None:
    groups = Groups()
    for one, other in pairs:
        groups.join(str(one), str(other))
    reached = {i: {i} for i in range(13)}
    for _ in range(13):
        for one, other in pairs:
            reached[one] |= reached[other]
            reached[other] |= reached[one]
    for i in range(13):
        for j in range(13):
            assert (groups.of(str(i)) == groups.of(str(j))) == bool(reached[i] & reached[j])
    for i in range(13):
        assert groups.of(str(i)) == min(map(str, reached[i]))


def test_the_command(work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    key = keys_of(work)[0]
    Path("decisions.jsonl").write_text(json.dumps({"key": key, "keep": False}) + "\n")
    assert run(["data", "review", "work", "--as-screened", "-o", "screened"]) == 0
    assert capfd.readouterr().out == "screened: 9 of 12 faces, 0 decided by hand\n"
    assert run(["data", "review", "work", "--apply", "decisions.jsonl"]) == 0
    assert capfd.readouterr().out == "faces: 8 of 12 faces, 1 decided by hand\n"
    assert len(read_dataset("faces", SIZE).rows) == 8
    assert [row.key for row in read_rows(work.decisions_list, Decision)] == [key]
    assert run(["data", "review", "work", "--apply", "decisions.jsonl"]) == 2
    assert "faces is not empty" in capfd.readouterr().err
    assert run(["data", "review", "work", "--apply", "decisions.jsonl", "--replace", "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == {"folder": "faces", "faces": 8, "of": 12, "decided": 1, "strange": 0}
    assert run(["data", "review", "work"]) == 0
    assert capfd.readouterr().out.startswith("review.html: 12 faces; open it in a browser, ")
    assert run(["data", "review", "work", "--apply", "decisions.jsonl", "--as-screened"]) == 2
    assert run(["data", "review", "none"]) == 2
    assert "is not a work folder" in capfd.readouterr().err


def test_in_a_folder_in_use_nothing_is_written(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("decisions.jsonl").write_text(json.dumps({"key": keys_of(work)[0], "keep": False}) + "\n")
    with work.locked():
        assert run(["data", "review", "work", "--apply", "decisions.jsonl"]) == 2
    assert "work is in use by another process" in capfd.readouterr().err
    assert not Path("faces").exists()


def test_plan_reads_no_picture(work: Work) -> None:
    for path in work.folder.rglob("*.png"):
        path.unlink()
    assert isinstance(plan(work, {}), Plan)


def test_the_pipeline_replays(faces: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Originals, manifest and decisions are enough: with other workers, everything comes to the same bytes."""
    monkeypatch.chdir(tmp_path)
    for number, face in enumerate(faces):
        Image.fromarray(resize(face, 150, 150)).save(_made(tmp_path / "photos" / f"{number}.jpg"), quality=85)
    Image.fromarray(np.concatenate([faces[0], faces[1]], axis=1)).save(tmp_path / "photos" / "two.png")
    Image.fromarray(faces[2]).save(tmp_path / "photos" / "small-again.png")
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no picture")
    assert run(["data", "prepare", "photos", "-o", "work", "--workers", "1"]) == 0
    keys = keys_of(Work("work"))
    assert len(keys) >= FACES + 2
    lines = [{"key": key, "keep": number % 3 > 0} for number, key in enumerate(keys[:9])]
    Path("decisions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(["data", "review", "work", "--apply", "decisions.jsonl", "-o", "faces"]) == 0

    for name in ("originals", "manifest.jsonl", "decisions.jsonl"):
        copy = shutil.copytree if name == "originals" else shutil.copy
        copy(Path("work", name), _made(Path("replayed", name)))
    assert run(["data", "prepare", "-o", "replayed", "--workers", "2"]) == 0
    assert run(["data", "review", "replayed", "--apply", "replayed/decisions.jsonl", "-o", "again"]) == 0
    assert tree(Path("faces")) == tree(Path("again"))
    first, second = tree(Path("work")), tree(Path("replayed"))
    assert {name: data for name, data in first.items() if name[0] != "."} == {
        name: data for name, data in second.items() if name[0] != "."
    }
    assert len(read_dataset("faces", SIZE).rows) >= 6


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
