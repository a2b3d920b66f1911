"""Data sets come back as they were written; nothing half-written or damaged is taken for one."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minifaces.dataset import read_dataset, write_dataset
from minifaces.errors import MinifacesError, UsageError

Face = tuple[np.ndarray, dict[str, str]]


def faces(n: int = 6) -> Iterator[Face]:
    for i in range(n):
        row = {"design": f"3626bp{i // 2:02}/front", "split": ["train", "validation", "test"][i // 2 % 3]}
        if i % 3 == 0:
            row["description"] = 'smile, "wide"\nwith ümlaut'
        yield np.full((8, 8, 3), i * 10, np.uint8), row


def plain(folder: Path, *names: str) -> None:
    for i, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (10, 6), (i, i, i)).save(folder / name)


def test_a_data_set_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    assert write_dataset(folder, faces()) == 6
    data = read_dataset(folder, size=8)
    assert np.array_equal(data.pictures, np.stack([picture for picture, _ in faces()]))
    assert data.splits.tolist() == ["train", "train", "validation", "validation", "test", "test"]
    for i, (row, (_, given)) in enumerate(zip(data.rows, faces(), strict=True)):
        assert row == {**given, "file_name": f"faces/000/{i:06}.png"}
    assert sorted(path.name for path in folder.iterdir()) == ["faces", "metadata.csv"]


def test_a_bare_carriage_return_comes_back(tmp_path: Path) -> None:
    row = {"design": "a\rb", "split": "train", "said\r": "x\ry"}
    write_dataset(tmp_path, [(np.zeros((8, 8, 3), np.uint8), row)])
    assert read_dataset(tmp_path, size=8).rows == ({**row, "file_name": "faces/000/000000.png"},)


def test_the_table_begins_with_the_columns_of_an_image_folder(tmp_path: Path) -> None:
    write_dataset(tmp_path, faces())
    with (tmp_path / "metadata.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.reader(file)) == ["file_name", "design", "split", "description"]


def test_faces_are_written_one_by_one(tmp_path: Path) -> None:
    """When a face is asked for, all before it are on the disk, and there is no table yet."""

    def watched() -> Iterator[Face]:
        for i, face in enumerate(faces()):
            assert len(list(tmp_path.rglob("*.png"))) == i
            assert not (tmp_path / "metadata.csv").exists()
            yield face

    write_dataset(tmp_path, watched())


def test_an_interrupted_data_set_is_refused_and_can_be_written_again(tmp_path: Path) -> None:
    def interrupted() -> Iterator[Face]:
        yield from faces(3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(tmp_path, interrupted())
    with pytest.raises(UsageError, match="unfinished"):
        read_dataset(tmp_path, size=8)
    write_dataset(tmp_path, faces(2))
    assert len(read_dataset(tmp_path, size=8).rows) == 2
    assert len(list(tmp_path.rglob("*.png"))) == 2


def test_a_folder_in_use_is_refused_unless_told_otherwise(tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", faces(6))
    with pytest.raises(UsageError, match="is not empty"):
        write_dataset(tmp_path / "set", faces(2))
    assert len(read_dataset(tmp_path / "set", size=8).rows) == 6
    write_dataset(tmp_path / "set", faces(2), replace=True)
    assert len(read_dataset(tmp_path / "set", size=8).rows) == 2
    plain(tmp_path / "mine", "holiday.png")
    with pytest.raises(UsageError, match="is not empty"):
        write_dataset(tmp_path / "mine", faces(2), replace=True)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["holiday.png"]


def test_a_data_set_stays_until_the_next_one_is_whole(tmp_path: Path) -> None:
    def failing() -> Iterator[Face]:
        yield from faces(1)
        assert len(read_dataset(tmp_path, size=8).rows) == 6
        raise UsageError("a face is missing")

    write_dataset(tmp_path, faces(6))
    for _ in range(2):
        with pytest.raises(UsageError, match="a face is missing"):
            write_dataset(tmp_path, failing(), replace=True)
    assert len(read_dataset(tmp_path, size=8).rows) == 6
    write_dataset(tmp_path, faces(2), replace=True)
    assert len(read_dataset(tmp_path, size=8).rows) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faces", "metadata.csv"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"split": "train"}, "needs a design"),
        ({"design": "a", "split": "dev"}, "dev"),
        ({"design": "a"}, "split must be"),
        ({"design": "3626bp00/front", "split": "test"}, "two splits"),
    ],
)
def test_odd_rows_are_refused(tmp_path: Path, row: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        write_dataset(tmp_path, [next(faces()), (np.zeros((8, 8, 3), np.uint8), row)])
    with pytest.raises(UsageError, match="unfinished"):
        read_dataset(tmp_path, size=8)


def test_writing_fails_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no faces"):
        write_dataset(tmp_path / "none", [])
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        write_dataset(tmp_path / "file", faces())
    with pytest.raises(MinifacesError, match="cannot write"):
        write_dataset(tmp_path / "file" / "set", faces())


def test_any_folder_of_pictures_is_read_in_order(tmp_path: Path) -> None:
    plain(tmp_path, "b/2.jpg", "b/1.png", "a.webp", "c/d/e.GIF", ".hidden/x.png", "c/.thumb.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    data = read_dataset(tmp_path, size=5)
    assert [row["file_name"] for row in data.rows] == ["a.webp", "b/1.png", "b/2.jpg", "c/d/e.GIF"]
    assert [row["design"] for row in data.rows] == ["a", "b/1", "b/2", "c/d/e"]
    assert data.pictures.shape == (4, 5, 5, 3)
    assert data.pictures.dtype == np.uint8


def test_folder_names_are_splits(tmp_path: Path) -> None:
    plain(tmp_path, "train/1.png", "Validation/2.png", "test/deep/3.png")
    data = read_dataset(tmp_path, size=4)
    assert {row["file_name"]: row["split"] for row in data.rows} == {
        "train/1.png": "train",
        "Validation/2.png": "validation",
        "test/deep/3.png": "test",
    }


def test_the_split_by_hash_depends_on_the_design_alone(tmp_path: Path) -> None:
    names = [f"{i:03}.png" for i in range(400)]
    plain(tmp_path / "all", *names)
    plain(tmp_path / "some", *names[100:150])
    everything = {row["design"]: row["split"] for row in read_dataset(tmp_path / "all", size=1).rows}
    some = {row["design"]: row["split"] for row in read_dataset(tmp_path / "some", size=1).rows}
    assert some.items() <= everything.items()
    counts = Counter(everything.values())
    assert 340 <= counts["train"] <= 380
    assert 8 <= counts["validation"] <= 34
    assert 8 <= counts["test"] <= 34


def test_tables_of_other_makers(tmp_path: Path) -> None:
    """A table may lack design and split, begin with a byte-order mark, and lie in each split's folder."""
    plain(tmp_path, "train/1.png", "test/1.png", "test/unlisted.png")
    (tmp_path / "train/metadata.csv").write_text("\ufefffile_name,mood\r\n1.png,happy\r\n\r\n", encoding="utf-8")
    (tmp_path / "test/metadata.csv").write_text("mood,file_name\n,1.png\n")
    assert read_dataset(tmp_path, size=4).rows == (
        {"file_name": "test/1.png", "design": "test/1", "split": "test"},
        {"file_name": "train/1.png", "design": "train/1", "split": "train", "mood": "happy"},
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"", "no column file_name"),
        (b"name,design\na.png,x\n", "no column file_name"),
        (b"file_name\n", "no pictures"),
        (b"file_name,design\na.png\n", "1 cells, not 2"),
        (b"file_name,design\na.png,x,y\n", "3 cells, not 2"),
        (b"file_name,design\n,x\n", "row 1 must name a file"),
        (b"file_name\n../a.png\n", "below the folder"),
        (b"file_name\n/etc/a.png\n", "below the folder"),
        (b"file_name\ngone.png\n", r"gone\.png is missing"),
        (b'file_name\n"a.png\n', "damaged"),
        (b"file_name\n\xff\xfe\n", "damaged"),
        (b"file_name,split\na.png,holdout\n", r"a\.png.*holdout"),
        (b"file_name,design,split\na.png,x,train\na.png,x,test\n", "two splits"),
    ],
)
def test_damaged_tables_are_one_line(tmp_path: Path, table: bytes, message: str) -> None:
    plain(tmp_path, "a.png")
    (tmp_path / "metadata.csv").write_bytes(table)
    with pytest.raises(UsageError, match=message) as caught:
        read_dataset(tmp_path, size=4)
    assert "\n" not in str(caught.value)


def test_reading_fails_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        read_dataset(tmp_path / "nothing", size=4)
    with pytest.raises(UsageError, match="holds no pictures"):
        read_dataset(tmp_path, size=4)
    plain(tmp_path, "a.png", "c.png")
    (tmp_path / "b.jpg").write_bytes(b"oops")
    with pytest.raises(UsageError, match=r"b\.jpg is not a picture"):
        read_dataset(tmp_path, size=4)
    with pytest.raises(UsageError, match="pixel"):
        read_dataset(tmp_path, size=0)
    with pytest.raises(MinifacesError, match="memory"):
        read_dataset(tmp_path, size=10**8)
