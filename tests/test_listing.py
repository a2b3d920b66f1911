"""Whatever a folder of pictures looks like: all that read it find the same pictures, and the rest is told of."""

import json
import os
import unicodedata
import warnings
from pathlib import Path

import pytest
from PIL import Image

from minifaces.cli.main import run
from minifaces.dataset import read_dataset
from minifaces.errors import MinifacesWarning, UsageError
from minifaces.folders import LeftOut
from minifaces.listing import attributes_of, description_of, list_dataset
from minifaces.photos.sources import read_sources


def plain(folder: Path, *names: str, kind: str = "PNG") -> None:
    for i, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (10, 6), (i, i, i)).save(folder / name, kind)


def quietly(folder: Path) -> dict[str, str]:
    """The split of each file. Nothing may be left out or told of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return {row["file_name"]: row["split"] for row in read_dataset(folder, 4).rows}


def told(folder: Path) -> tuple[list[str], list[str]]:
    """The files, and what was told."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        names = [row["file_name"] for row in read_dataset(folder, 4).rows]
    assert all(issubclass(each.category, MinifacesWarning) for each in caught)
    return names, [str(each.message) for each in caught]


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("train", ("train", "training", "Train", "TRAINING")),
        ("validation", ("val", "valid", "validation", "dev", "Val", "VALID", "Dev")),
        ("test", ("test", "testing", "eval", "evaluation", "TEST", "Testing", "Eval")),
    ],
)
def test_what_splits_are_called(tmp_path: Path, split: str, words: tuple[str, ...]) -> None:
    names = [f"{word}/{i}.png" for word in words for i in range(6)]
    plain(tmp_path / "folders", *names, *(f"deep/{name}" for name in names))
    assert set(quietly(tmp_path / "folders").values()) == {split}
    plain(tmp_path / "table", *(f"{i}.png" for i in range(len(words))))
    lines = [f"{i}.png,{word}" for i, word in enumerate(words)]
    (tmp_path / "table" / "metadata.csv").write_text("\n".join(["file_name,split", *lines]))
    assert list(quietly(tmp_path / "table").values()) == [split] * len(words)


@pytest.mark.parametrize(
    "name", ["tests", "validation_set", "test-images", "Holdout", "held-out", "trainA", "testdata", "val2", "2_train"]
)
def test_a_folder_that_looks_like_a_split_is_told_of(tmp_path: Path, name: str) -> None:
    plain(tmp_path, f"{name}/1.png", f"{name}/2.png", "train/3.png")
    (line,) = told(tmp_path)[1]
    assert f"look like splits, but are none: {name} (2);" in line


@pytest.mark.parametrize("name", ["faces", "contest", "developer", "valley", "evaluator", "000"])
def test_other_folders_are_not(tmp_path: Path, name: str) -> None:
    plain(tmp_path, f"{name}/1.png")
    assert told(tmp_path)[1] == []


def names_in(folder: Path, count: int) -> list[str]:
    """The names that everything finds there, `data prepare` too."""
    names = [row["file_name"] for row in list_dataset(folder).rows]
    found = [f.source.removeprefix(f"{folder}/") for f in read_sources([folder], LeftOut().add) if f.data]
    assert names == sorted(names)
    assert found == names
    assert len(names) == count
    return names


def test_pictures_by_whatever_name(tmp_path: Path) -> None:
    """The suffixes that Windows and browsers give, others' suffixes and none: the contents decide."""
    kinds = {
        "JPEG": ("a.jfif", "b.JPEG", "c.jpe", "g.JFIF"),
        "PPM": ("d.pnm", "h.pbm"),
        "PNG": ("e.heic", "f"),
        "GIF": ("i.photo",),
    }
    for kind, names in kinds.items():
        plain(tmp_path, *names, kind=kind)
    assert len(quietly(tmp_path)) == len(names_in(tmp_path, 9))


def test_only_of_an_unusual_suffix(tmp_path: Path) -> None:
    plain(tmp_path, "a.jfif", "b.jfif", kind="JPEG")
    assert list(quietly(tmp_path)) == ["a.jfif", "b.jfif"]


def test_links_to_folders(tmp_path: Path) -> None:
    plain(tmp_path / "D", "a.png")
    plain(tmp_path / "R", "b.png", "c/d.png")
    (tmp_path / "D" / "more").symlink_to("../R", target_is_directory=True)
    assert names_in(tmp_path / "D", 3) == ["a.png", "more/b.png", "more/c/d.png"]
    assert len(quietly(tmp_path / "D")) == 3
    (tmp_path / "R" / "back").symlink_to("..", target_is_directory=True)
    names, (line,) = told(tmp_path / "D")
    assert names == ["a.png", "more/b.png", "more/c/d.png"]
    assert "link to a folder that is read already 2 (more/back/D, more/back/R)" in line


def test_metadata_as_json_lines(tmp_path: Path) -> None:
    plain(tmp_path, *(f"e{i}.png" for i in range(4)))
    rows = [
        {"file_name": "e0.png", "design": "d0", "split": "test", "smile": True, "age": 3, "boxes": [1, 2]},
        {"file_name": ".\\e1.png", "design": "d\ud8001"},
        {"file_name": "e3.png", "split": "dev"},
    ]
    (tmp_path / "metadata.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    with pytest.warns(MinifacesWarning, match=r"1 file was left out: not named by its metadata 1 \(e2\.png\)"):
        found = read_dataset(tmp_path, 4).rows
    assert found[0] == {"file_name": "e0.png", "design": "d0", "split": "test", "smile": "true", "age": "3"}
    assert (found[1]["design"], found[2]["split"]) == ("d\\ud8001", "validation")


@pytest.mark.parametrize("damaged", [b"[]\n", b"{", b'{"design": "x"}\n', b'{"file_name": "../a.png"}\n', b"\xff\n"])
def test_damaged_json_lines_are_one_line(tmp_path: Path, damaged: bytes) -> None:
    plain(tmp_path, "a.png")
    (tmp_path / "metadata.jsonl").write_bytes(damaged)
    with pytest.raises(UsageError, match=r"metadata\.jsonl is damaged \("):
        read_dataset(tmp_path, 4)


def test_names_in_metadata_may_be_spelled_otherwise(tmp_path: Path) -> None:
    """With backslashes; in the other of Unicode's normal forms; with both in the name of the file itself."""
    accent = unicodedata.normalize("NFD", "é")
    plain(tmp_path, "sub/h0.png", f"sub/{accent}.png", "back\\slash.png")
    table = f"file_name,n\nsub\\h0.png,0\nsub/{unicodedata.normalize('NFC', 'é')}.png,1\nback\\slash.png,2\n"
    (tmp_path / "Metadata.CSV").write_text(table, encoding="utf-8")
    assert list(quietly(tmp_path)) == ["sub/h0.png", f"sub/{accent}.png", "back\\slash.png"]


def test_metadata_at_several_depths(tmp_path: Path) -> None:
    """A lower one adds to what an upper one says of a picture, and has the last word."""
    plain(tmp_path, "a.png", "in/b.png", "in/deep/c.png")
    (tmp_path / "metadata.csv").write_text("file_name,n,m\nin/b.png,1,1\na.png,2,2\n")
    (tmp_path / "in" / "metadata.csv").write_text("file_name,n\nb.png,3\n")
    (tmp_path / "in" / "deep" / "metadata.jsonl").write_text('{"file_name": "c.png", "n": 4}')
    rows = read_dataset(tmp_path, 4).rows
    said = [(row["file_name"], row["n"], row.get("m")) for row in rows]
    assert said == [("in/b.png", "3", "1"), ("a.png", "2", "2"), ("in/deep/c.png", "4", None)]


def test_a_picture_in_several_rows_stays_in_all(tmp_path: Path) -> None:
    plain(tmp_path, "a.png")
    (tmp_path / "metadata.csv").write_text("file_name,design,words\na.png,x,one\na.png,x,two\n")
    assert [row["words"] for row in read_dataset(tmp_path, 4).rows] == ["one", "two"]


def test_what_is_left_out_is_told_in_one_line(tmp_path: Path) -> None:
    plain(
        tmp_path, "a.png", "._a.png", "__MACOSX/a.png", ".hidden/b.png", "c/Thumbs.db", "c/.d.png", "work/faces/x.png"
    )
    for name in ("notes.txt", "README", "more.zip", "c/p.parquet", "movie.mp4", "page.html"):
        (tmp_path / name).write_bytes(b"text")
    (tmp_path / "work" / "manifest.jsonl").touch()
    os.mkfifo(tmp_path / "pipe")
    names, (line,) = told(tmp_path)
    assert names == ["a.png"]
    assert line == (
        f"{tmp_path}: 13 files were left out: of macOS 2 (._a.png, __MACOSX); hidden 2 (.hidden, c/.d.png); "
        "of Windows 1 (c/Thumbs.db); of a work folder 1 (work/); no picture that can be read 5 (README, movie.mp4, "
        "notes.txt, ...); archives, which `minifaces data prepare` reads 2 (c/p.parquet, more.zip)"
    )


def test_every_picture_that_cannot_be_read_is_named_at_once(tmp_path: Path) -> None:
    plain(tmp_path, *(f"{i:02}.png" for i in range(15)))
    for i in (2, 5):
        (tmp_path / f"{i:02}.png").write_bytes(b"oops")
    with pytest.raises(UsageError) as caught:
        read_dataset(tmp_path, 4)
    assert str(caught.value).startswith("2 pictures cannot be used, remove or mend them: ")
    assert str(caught.value).count(".png is not a picture") == 2
    for i in range(1, 14):
        (tmp_path / f"{i:02}.png").write_bytes(b"")
    with pytest.raises(UsageError, match=r"^13 pictures .*; and 3 more$") as caught:
        read_dataset(tmp_path, 4)
    assert str(caught.value).count(".png is empty") == 10
    (tmp_path / "metadata.csv").write_text("file_name\n00.png\ngone.png\nlost.png\n")
    with pytest.raises(UsageError, match=r"2 pictures .*gone\.png is missing.*lost\.png is missing"):
        read_dataset(tmp_path, 4)


def test_a_work_folder_is_no_data_set(tmp_path: Path) -> None:
    plain(tmp_path, "originals/a.png", "faces/b.png")
    (tmp_path / "manifest.jsonl").touch()
    with pytest.raises(UsageError, match="is a work folder: make a data set of it"):
        list_dataset(tmp_path)


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    plain(tmp_path, "a.png", os.fsdecode(b"b\xff.png"), os.fsdecode(b"\xfe/c\xff.png"), "d\x1b.png")
    rows = read_dataset(tmp_path, 4).rows
    assert [row["file_name"] for row in rows] == ["a.png", "b\\xff.png", "d\\x1b.png", "\\xfe/c\\xff.png"]
    assert [row["design"] for row in rows] == ["a", "b\\xff", "d\\x1b", "\\xfe/c\\xff"]
    output = tmp_path / "out" / "nu.html"
    assert run(["data", "stats", str(tmp_path), "-o", str(output)]) == 0
    assert output.stat().st_size > 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["map", "--data", "{data}", "-o", "{out}/map.png", "--model", "{model}"],
        ["export-site", "-o", "{out}/site", "--data", "{data}", "--model", "{model}"],
        ["data", "stats", "{data}", "-o", "{out}/stats.html"],
        ["train", "--data", "{data}", "--size", "32", "-o", "{out}/model"],
        ["evaluate", "--model", "{model}", "--data", "{data}", "-o", "{out}/report", "--only", "reconstruction"],
    ],
)
def test_every_command_tells_what_it_leaves_out(
    arguments: list[str], tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    plain(data, *(f"test/{i}.png" for i in range(4)), "test/tests/5.png", "._6.png")
    (data / "notes.txt").write_text("no picture")
    places = {"data": data, "out": tmp_path, "model": tiny_model}
    run([word.format(**places) for word in arguments])
    err = capsys.readouterr().err
    assert f"{data}: 2 files were left out: of macOS 1 (._6.png); no picture that can be read 1 (notes.txt)" in err
    assert f"{data}: folders that look like splits, but are none: tests (1);" in err


@pytest.mark.parametrize(
    ("row", "attributes", "description"),
    [
        ({"file_name": "a", "design": "d", "split": "test"}, {}, ""),
        (
            {"smile": "true", "beard": "false", "mood": "merry", "age": "3", "x": "1e3"},
            {"smile": True, "beard": False},
            "merry",
        ),
        ({"lower_design": "e", "stage": "s1", "who": "Ann", "what": "hat"}, {}, "Ann, hat"),
        ({"description": "a man", "who": "Bob", "smile": "true"}, {"smile": True}, "a man"),
    ],
)
def test_columns_are_attributes_or_words(row: dict[str, str], attributes: dict[str, bool], description: str) -> None:
    assert attributes_of(row) == attributes
    assert description_of(row) == description
