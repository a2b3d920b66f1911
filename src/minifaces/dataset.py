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
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minifaces.arrays import Pixels
from minifaces.cores import cores
from minifaces.errors import MinifacesError, UsageError
from minifaces.files import atomic, is_empty, read_json, write_json
from minifaces.images import read_picture, save_picture, square
from minifaces.listing import UNFINISHED, check_row, list_dataset

_METADATA = "metadata.csv"
_FACES = "faces"
_RECIPE = ".recipe.json"
_COMING = ".coming"  # where a data set is written that will replace another one
_FOLDER_SIZE = 1000  # pictures in a sub-folder
_NAMED = 10  # pictures that cannot be read are told one by one


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
    faces: Iterable[tuple[Pixels | bytes, Mapping[str, str]]],
    replace: bool = False,
    recipe: Mapping[str, Any] | None = None,
) -> int:
    """Write faces, one after the other, as a data set; return how many there were.

    Each is an (H, W, 3) uint8 picture, or a PNG file of one, and its row: `design`, `split` and any attributes (a
    `file_name` is replaced). A folder with something in it is refused, unless it holds an unfinished data set or, with
    `replace`, a data set: its metadata.csv and faces/ stay until the new ones are whole. Until the last file is
    written a mark in the folder says that a new data set is unfinished, and `read_dataset` refuses it. A `recipe`, JSON
    that faces follow from, is kept beside them: where the folder holds the faces of the same one already, that is all.
    Raises UsageError for a row without design or with an unknown split, a design in two splits, or no
    faces; MinifacesError where the folder cannot be written."""
    folder = Path(folder)
    if replace and (folder / _METADATA).exists():
        return _replace(folder, faces)
    if recipe is not None and (made := _made_already(folder, recipe)):
        return made
    _make_room(folder)
    rows = []
    split_of: dict[str, str] = {}
    for number, (picture, row) in enumerate(faces):
        check_row(row, split_of)
        name = f"{_FACES}/{number // _FOLDER_SIZE:03}/{number:06}.png"
        if isinstance(picture, bytes):
            with atomic(folder / name) as scratch:
                scratch.write_bytes(picture)
        else:
            save_picture(folder / name, picture)
        rows.append({**row, "file_name": name})
    if not rows:
        raise UsageError(f"there are no faces to write to {folder}")
    _write_rows(folder / _METADATA, rows)
    if recipe is not None:
        write_json(folder / _RECIPE, recipe)
    (folder / UNFINISHED).unlink()
    return len(rows)


def read_dataset(folder: str | os.PathLike[str], size: int) -> DataSet:
    """Read a data set, or any folder of pictures, with every picture fitted into `size` x `size` pixels.

    Which pictures those are, and their designs and splits: `minifaces.listing.list_dataset`, whose warnings and errors
    are also this one's. Raises UsageError, too, that names the pictures that cannot be read (ten of them, and how many
    more there are), and MinifacesError where memory does not suffice."""
    if size < 1:
        raise UsageError(f"pictures have at least 1 pixel a side, not {size}")
    listing = list_dataset(folder)
    return DataSet(_read_pictures(listing.paths, size), listing.rows)


def _replace(folder: Path, faces: Iterable[tuple[Pixels | bytes, Mapping[str, str]]]) -> int:
    """Write a data set beside the one in `folder`, then put it in that one's place."""
    coming = folder / _COMING
    shutil.rmtree(coming, ignore_errors=True)  # what an interruption left
    try:
        count = write_dataset(coming, faces)
        try:
            _clear(folder)
            for name in (_FACES, _METADATA):
                (coming / name).rename(folder / name)
            (folder / UNFINISHED).unlink()
        except OSError as error:
            raise MinifacesError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(coming, ignore_errors=True)
    return count


def _made_already(folder: Path, recipe: Mapping[str, Any]) -> int:
    """How many faces of this recipe a folder holds: all of them, or 0."""
    table, made_of = folder / _METADATA, folder / _RECIPE
    if (folder / UNFINISHED).exists() or not table.is_file() or not made_of.is_file() or read_json(made_of) != recipe:
        return 0
    with table.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.DictReader(file))


def _make_room(folder: Path) -> None:
    """Leave `folder` marked as unfinished and without a data set in it."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / UNFINISHED).exists() and not is_empty(folder):
            remedy = "replace it on purpose" if (folder / _METADATA).exists() else "empty it"
            raise UsageError(f"{folder} is not empty: name another folder, or {remedy}")
        _clear(folder)
        shutil.rmtree(folder / _COMING, ignore_errors=True)
    except OSError as error:
        raise MinifacesError(f"cannot write {folder}: {error.strerror or error}") from error


def _clear(folder: Path) -> None:
    """Remove a data set, and mark the folder as one that is unfinished."""
    (folder / UNFINISHED).touch()
    for name in (_METADATA, _RECIPE):
        (folder / name).unlink(missing_ok=True)
    if (folder / _FACES).exists():
        shutil.rmtree(folder / _FACES)


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


def _read_pictures(paths: Sequence[Path], size: int) -> Pixels:
    try:
        pictures = np.empty((len(paths), size, size, 3), np.uint8)
    except MemoryError:
        raise MinifacesError(
            f"{len(paths)} pictures of {size} x {size} do not fit into memory: choose a smaller size"
        ) from None

    def read(path: Path) -> Pixels | str:
        try:
            return square(read_picture(path), size)
        except UsageError as error:
            return str(error)

    problems = []
    # Threads help: Pillow decodes and resizes outside of Python's lock.
    with ThreadPoolExecutor(cores()) as pool:
        for i, picture in enumerate(pool.map(read, paths)):
            if isinstance(picture, str):
                problems.append(picture)
            else:
                pictures[i] = picture
    if problems[1:]:
        more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise UsageError(
            f"{len(problems)} pictures cannot be used, remove or mend them: {'; '.join(problems[:_NAMED])}{more}"
        )
    if problems:
        raise UsageError(problems[0])
    return pictures
