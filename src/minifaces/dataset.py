"""Data sets: Hugging Face image folders, written face by face and read into one array.

    folder/
      metadata.csv        file_name, design, split, attributes ...
      faces/000/000000.png
      faces/000/000001.png

    write_dataset("faces", ((face, {"design": "3626bp01/front", "split": "train"}) for face in ...))
    data = read_dataset("faces", size=64)
    train = data.pictures[data.splits == "train"]

Any other folder of pictures is read too: see `read_dataset`."""

import csv
import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from minifaces.errors import MinifacesError, UsageError
from minifaces.files import atomic
from minifaces.images import READABLE, Pixels, read_picture, save_picture, square

SPLITS = ("train", "validation", "test")

_METADATA = "metadata.csv"
_FACES = "faces"
_UNFINISHED = ".unfinished"  # stands in the folder until a data set is whole
_COMING = ".coming"  # where a data set is written that will replace another one
_FOLDER_SIZE = 1000  # pictures in a sub-folder


@dataclass(frozen=True)
class DataSet:
    """Pictures and what is known of each."""

    pictures: Pixels
    """(n, size, size, 3) uint8."""
    rows: tuple[dict[str, str], ...]
    """For each picture `file_name`, `design`, `split` and its attributes; what is not known is left out."""

    @property
    def splits(self) -> NDArray[np.str_]:
        """(n,) strings: train, validation or test."""
        return np.array([row["split"] for row in self.rows])


def write_dataset(
    folder: str | os.PathLike[str],
    faces: Iterable[tuple[Pixels, Mapping[str, str]]],
    replace: bool = False,
) -> int:
    """Write faces, one after the other, as a data set; return how many there were.

    Each is an (H, W, 3) uint8 picture and its row: `design`, `split` and any attributes (a `file_name` is
    replaced). A folder with something in it is refused, unless it holds an unfinished data set or, with
    `replace`, a data set: its metadata.csv and faces/ stay until the new ones are whole. Until the last file is
    written a mark in the folder says that a new data set is unfinished, and `read_dataset` refuses it.
    Raises UsageError for a row without design or with an unknown split, a design in two splits, or no
    faces; MinifacesError where the folder cannot be written."""
    folder = Path(folder)
    if replace and (folder / _METADATA).exists():
        return _replace(folder, faces)
    _make_room(folder)
    rows = []
    split_of: dict[str, str] = {}
    for number, (picture, row) in enumerate(faces):
        _check_row(row, split_of)
        name = f"{_FACES}/{number // _FOLDER_SIZE:03}/{number:06}.png"
        save_picture(folder / name, picture)
        rows.append({**row, "file_name": name})
    if not rows:
        raise UsageError(f"there are no faces to write to {folder}")
    _write_rows(folder / _METADATA, rows)
    (folder / _UNFINISHED).unlink()
    return len(rows)


def read_dataset(folder: str | os.PathLike[str], size: int) -> DataSet:
    """Read a data set, or any folder of pictures, with every picture fitted into `size` x `size` pixels.

    metadata.csv lies in the folder, or one in each of its sub-folders. Without any, all pictures below the
    folder are taken in the order of their names. Where a row has no design, that is the name without its
    suffix; where it has no split, that is a sub-folder named train, validation or test, or else chosen by a
    hash of the design: 90 % train, 5 % validation, 5 % test.
    Raises UsageError for a folder without pictures, an unfinished data set, a damaged metadata.csv, a design
    in two splits, or the first picture that cannot be read; MinifacesError where memory does not suffice."""
    if size < 1:
        raise UsageError(f"pictures have at least 1 pixel a side, not {size}")
    rows = list_dataset(folder)
    return DataSet(_read_pictures([Path(folder, row["file_name"]) for row in rows], size), rows)


def list_dataset(folder: str | os.PathLike[str]) -> tuple[dict[str, str], ...]:
    """The rows of a data set or of any folder of pictures as `read_dataset` describes them, without reading a picture.

    Raises UsageError as `read_dataset` does, except for pictures."""
    folder = Path(folder)
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: name a data set or a folder of pictures")
    if (folder / _UNFINISHED).exists():
        raise UsageError(f"{folder} is an unfinished data set: write it again")
    tables = sorted(folder.glob(_METADATA)) or sorted(folder.glob(f"*/{_METADATA}"))
    found = [row for table in tables for row in _read_rows(table, folder)] if tables else _list_pictures(folder)
    if not found:
        raise UsageError(f"{folder} holds no pictures ({', '.join(READABLE)})")
    rows = [_completed(row) for row in found]
    split_of: dict[str, str] = {}
    for row in rows:
        try:
            _check_row(row, split_of)
        except UsageError as error:
            raise UsageError(f"{folder / row['file_name']}: {error}") from None
    return tuple(rows)


def _replace(folder: Path, faces: Iterable[tuple[Pixels, Mapping[str, str]]]) -> int:
    """Write a data set beside the one in `folder`, then put it in that one's place."""
    coming = folder / _COMING
    shutil.rmtree(coming, ignore_errors=True)  # what an interruption left
    try:
        count = write_dataset(coming, faces)
        try:
            _clear(folder)
            for name in (_FACES, _METADATA):
                (coming / name).rename(folder / name)
            (folder / _UNFINISHED).unlink()
        except OSError as error:
            raise MinifacesError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(coming, ignore_errors=True)
    return count


def _make_room(folder: Path) -> None:
    """Leave `folder` marked as unfinished and without a data set in it."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / _UNFINISHED).exists():
            remedy = "replace it on purpose" if (folder / _METADATA).exists() else "empty it"
            raise UsageError(f"{folder} is not empty: name another folder, or {remedy}")
        _clear(folder)
        shutil.rmtree(folder / _COMING, ignore_errors=True)
    except OSError as error:
        raise MinifacesError(f"cannot write {folder}: {error.strerror or error}") from error


def _clear(folder: Path) -> None:
    """Remove a data set, and mark the folder as one that is unfinished."""
    (folder / _UNFINISHED).touch()
    (folder / _METADATA).unlink(missing_ok=True)
    if (folder / _FACES).exists():
        shutil.rmtree(folder / _FACES)


def _check_row(row: Mapping[str, str], split_of: dict[str, str]) -> None:
    """Refuse a row without design or split; note the design's split in `split_of` and refuse a second one."""
    design, split = row.get("design"), row.get("split")
    if not design:
        raise UsageError(f"a face needs a design, but its row is {dict(row)}")
    if split not in SPLITS:
        raise UsageError(f"{design}: the split must be one of {', '.join(SPLITS)}, not {split}")
    if split_of.setdefault(design, split) != split:
        raise UsageError(f"{design} is in two splits, {split_of[design]} and {split}: give it one")


def _write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    columns = dict.fromkeys(["file_name", "design", "split", *(key for row in rows for key in row)])
    # By itself the csv module leaves a bare carriage return unquoted, and reading would break the row there.
    broken = any("\r" in text for row in rows for cell in row.items() for text in cell)
    with atomic(path) as scratch, scratch.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(
            file, list(columns), restval="", lineterminator="\n", quoting=csv.QUOTE_ALL if broken else csv.QUOTE_MINIMAL
        )
        writer.writeheader()
        writer.writerows(rows)


def _read_rows(path: Path, folder: Path) -> list[dict[str, str]]:
    """Read one metadata.csv; its file names are given from `folder`, which holds its own folder or is it."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is damaged: {error}") from error
    header, *lines = table or [[]]
    if "file_name" not in header:
        raise UsageError(f"{path} has no column file_name: its first line must name the columns")
    rows = []
    for number, cells in enumerate((line for line in lines if line), start=1):
        if len(cells) != len(header):
            raise UsageError(f"{path} is damaged: row {number} has {len(cells)} cells, not {len(header)}")
        row = {key: cell for key, cell in zip(header, cells, strict=True) if cell}
        # Pictures outside of the folder are none of a data set's business.
        name = PurePosixPath(row.get("file_name", ""))
        if not name.parts or name.is_absolute() or ".." in name.parts:
            raise UsageError(f"{path}: row {number} must name a file below the folder, not {str(name)!r}")
        rows.append({**row, "file_name": (path.parent.relative_to(folder) / name).as_posix()})
    return rows


def _list_pictures(folder: Path) -> list[dict[str, str]]:
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in READABLE and not path.is_dir()
    )
    return [{"file_name": name} for name in names if not any(part.startswith(".") for part in name.split("/"))]


def _completed(row: dict[str, str]) -> dict[str, str]:
    """Add the design and the split where a row has none."""
    path = PurePosixPath(row["file_name"])
    design = row.get("design") or path.with_suffix("").as_posix()
    folders = [part.lower() for part in path.parts[:-1] if part.lower() in SPLITS]
    split = row.get("split") or (folders[0] if folders else _split_by_hash(design))
    return {**row, "design": design, "split": split}


def _split_by_hash(design: str) -> str:
    """The same split for the same design everywhere, whatever other designs there are."""
    percent = int.from_bytes(hashlib.sha256(design.encode()).digest()[:8], "big") % 100
    return "train" if percent < 90 else "validation" if percent < 95 else "test"


def _read_pictures(paths: list[Path], size: int) -> Pixels:
    try:
        pictures = np.empty((len(paths), size, size, 3), np.uint8)
    except MemoryError:
        raise MinifacesError(
            f"{len(paths)} pictures of {size} x {size} do not fit into memory: choose a smaller size"
        ) from None
    # Threads help: Pillow decodes and resizes outside of Python's lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for i, picture in enumerate(pool.map(lambda path: square(read_picture(path), size), paths)):
            pictures[i] = picture
    return pictures
