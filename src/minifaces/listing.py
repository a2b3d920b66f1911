"""List a data set, or any folder of pictures: which pictures there are, of which design and in which split.

    listing = list_dataset("faces")
    for path, row in zip(listing.paths, listing.rows):
        print(path, row["design"], row["split"])

No picture is read. Whatever is left out is told in a warning of one line."""

import hashlib
import os
import re
import stat
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from minifaces.errors import MinifacesWarning, UsageError
from minifaces.files import shown
from minifaces.folders import LeftOut, is_metadata, is_work_folder, walk
from minifaces.images import READABLE, is_picture
from minifaces.metadata import Metadata, key

SPLITS = ("train", "validation", "test")
UNFINISHED = ".unfinished"
"""A mark in a folder whose data set is not whole yet."""

_SPLIT_OF = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
"""What splits are called, by libraries and by people, in any case."""
_LIKE_A_SPLIT = re.compile(rf"({'|'.join(_SPLIT_OF)}|hold-?out|held-?out)(s|sets?|data|images|[ab])?")
_TRUTHS = ("true", "false")
_NO_WORDS = ("file_name", "design", "lower_design", "split", "stage")
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".parquet", ".7z", ".rar")


@dataclass(frozen=True)
class Listing:
    """Pictures, not read yet, and what is known of each."""

    paths: tuple[Path, ...]
    rows: tuple[dict[str, str], ...]
    """For each picture `file_name`, `design`, `split` and its attributes, as text that can be written anywhere."""


def list_dataset(folder: str | os.PathLike[str]) -> Listing:
    """The pictures of a data set or of any folder, and of those below it.

    Where there is a metadata.csv or metadata.jsonl, in the folder or below it, the pictures are those that they name,
    in that order. Without any, all are taken in the order of their names, each file that has the suffix of a picture or
    begins as one. Where a row has no design, that is the name without its suffix; where it has no split, that is what a
    folder on the way is called (train, val, test and their kin), or else chosen by a hash of the design: 90 % train,
    5 % validation, 5 % test.
    Warns (MinifacesWarning), in a line each, of what is left out and of folders that look like splits but are none.
    Raises UsageError for a folder without pictures, an unfinished data set, damaged metadata or a design in two
    splits."""
    folder = Path(folder)
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: name a data set or a folder of pictures")
    if is_work_folder(folder):
        raise UsageError(f"{folder} is a work folder: make a data set of it with `minifaces data review`")
    if (folder / UNFINISHED).exists():
        raise UsageError(f"{folder} is an unfinished data set: write it again")
    left = LeftOut()
    files, tables = _walked(folder, left)
    found = _named(folder, files, tables, left) if tables else _all(folder, files, left)
    if left.counts:
        _warn(f"{shown(folder)}: {left}")
    if not found:
        raise UsageError(f"{folder} holds no pictures ({', '.join(READABLE)})")
    rows = tuple(_completed(path.relative_to(folder), row) for path, row in found)
    split_of: dict[str, str] = {}
    for row in rows:
        try:
            check_row(row, split_of)
        except UsageError as error:
            raise UsageError(f"{folder / row['file_name']}: {error}") from None
    _warn_of_folders(folder, rows)
    return Listing(tuple(path for path, _ in found), rows)


def attributes_of(row: Mapping[str, str]) -> dict[str, bool]:
    """The attributes in a row: its columns that say true or false."""
    return {name: value == "true" for name, value in row.items() if value in _TRUTHS}


def description_of(row: Mapping[str, str]) -> str:
    """What a row says in words: its column `description`, or else all that is no attribute, no number and no name."""
    if "description" in row:
        return row["description"]
    words = (v for k, v in row.items() if k not in _NO_WORDS and v not in _TRUTHS and not _is_number(v))
    return ", ".join(words)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def split_called(name: str) -> str | None:
    """The split that people or libraries call so, if any."""
    return _SPLIT_OF.get(name.lower())


def check_row(row: Mapping[str, str], split_of: dict[str, str]) -> None:
    """Refuse a row without design or split; note the design's split in `split_of` and refuse a second one."""
    design, split = row.get("design"), row.get("split")
    if not design:
        raise UsageError(f"a face needs a design, but its row is {dict(row)}")
    if split not in SPLITS:
        raise UsageError(f"{design}: the split must be one of {', '.join(SPLITS)}, not {split}")
    if split_of.setdefault(design, split) != split:
        raise UsageError(f"{design} is in two splits, {split_of[design]} and {split}: give it one")


def _walked(folder: Path, left: LeftOut) -> tuple[list[Path], list[Metadata]]:
    """The files, and the metadata that there is. Raises UsageError where some of it is damaged."""
    files: list[Path] = []
    tables: list[Metadata] = []
    for entry in walk(folder, left.add):
        if is_metadata(entry.path.name):
            if entry.problem:
                raise UsageError(f"{entry.path} {entry.problem}")
            tables.extend(entry.metadata)
        elif entry.problem:
            left.add(entry.problem.removeprefix("is a "), shown(entry.path.relative_to(folder)))
        else:
            files.append(entry.path)
    return files, tables


def _all(folder: Path, files: list[Path], left: LeftOut) -> list[tuple[Path, dict[str, str]]]:
    found: list[tuple[Path, dict[str, str]]] = []
    for path in files:
        suffix = path.suffix.lower()
        if suffix in READABLE or _begins_as_picture(path):
            found.append((path, {}))
        else:
            archive = suffix in _ARCHIVES
            reason = "archives, which `minifaces data prepare` reads" if archive else "no picture that can be read"
            left.add(reason, shown(path.relative_to(folder)))
    return found


def _named(folder: Path, files: list[Path], tables: list[Metadata], left: LeftOut) -> list[tuple[Path, dict[str, str]]]:
    """The pictures that the metadata names. What another file says of a picture that was named is added to its row."""
    places = {key(path.relative_to(folder).as_posix()): path for path in files}
    found: dict[tuple[str, int], tuple[Path, dict[str, str]]] = {}
    for table in tables:
        within = table.folder.relative_to(folder)
        times: Counter[str] = Counter()
        for name, said in table.rows:
            place = (within / name).as_posix()
            number = times[place] = times[place] + 1
            path, before = found.get((place, number), (places.get(place, folder / place), {}))
            found[place, number] = path, before | said
    named = {place for place, _ in found}
    for place, path in places.items():
        if place not in named:
            left.add("not named by its metadata", shown(path.relative_to(folder)))
    return list(found.values())


def _begins_as_picture(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode) and is_picture(path)
    except OSError:
        return False


def _completed(name: Path, row: dict[str, str]) -> dict[str, str]:
    """The row of the picture of a name from the folder, with design and split."""
    text = shown(name)
    design = row.get("design") or shown(name.with_suffix(""))
    said = row.get("split", "")
    by_folder = next(filter(None, map(split_called, name.parts[:-1])), None)
    split = split_called(said) or said or by_folder or _split_by_hash(design)
    return {**row, "file_name": text, "design": design, "split": split}


def _split_by_hash(design: str) -> str:
    """The same split for the same design everywhere, whatever other designs there are."""
    percent = int.from_bytes(hashlib.sha256(design.encode()).digest()[:8], "big") % 100
    return "train" if percent < 90 else "validation" if percent < 95 else "test"


def _warn_of_folders(folder: Path, rows: tuple[dict[str, str], ...]) -> None:
    names = Counter(part for row in rows for part in PurePosixPath(row["file_name"]).parts[:-1])
    like = [name for name in names if name.lower() not in _SPLIT_OF and _looks_like_a_split(name)]
    if like:
        told = ", ".join(f"{name} ({names[name]})" for name in like)
        _warn(
            f"{shown(folder)}: folders that look like splits, but are none: {told}; their pictures are treated as "
            f"those of any folder. Splits are called {', '.join(_SPLIT_OF)}"
        )


def _looks_like_a_split(name: str) -> bool:
    return any(_LIKE_A_SPLIT.fullmatch(word) for word in re.split(r"[^a-z-]+|(?<=[a-z])-(?!out)", name.lower()))


def _warn(line: str) -> None:
    warnings.warn(line, MinifacesWarning, stacklevel=3)
