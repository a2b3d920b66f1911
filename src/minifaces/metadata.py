"""What a Hugging Face image folder's metadata.csv or metadata.jsonl says of the pictures beside and below it.

    said = read_metadata(path.read_bytes(), path)
    said.of("a/b.png")          # {"smile": "true"}, {} where it says nothing

Names in it may be spelled otherwise than those of the files: with Windows' backslashes, or in another of Unicode's
normal forms, as macOS writes them."""

import csv
import io
import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath

from minifaces.errors import UsageError
from minifaces.files import spelled
from minifaces.lazy import lazy

NAMES = ("metadata.csv", "metadata.jsonl")
_LONGEST = 1000  # characters of an attribute
_Row = tuple[str, dict[str, str]]


def key(name: str) -> str:
    """What all spellings of a file's name from some folder have in common."""
    return PurePosixPath(unicodedata.normalize("NFC", name.replace("\\", "/"))).as_posix()


@dataclass(frozen=True)
class Metadata:
    """The rows of a file that lies in `folder`."""

    folder: PurePath
    rows: tuple[_Row, ...]
    """The `key` of a picture's name from `folder`, and what is said of it; of a picture there may be several rows."""
    problem: str | None = None
    """Of rows that could not be read: a line that goes on from the file's name."""

    def of(self, name: str) -> dict[str, str]:
        """What is said of the picture of a name from `folder`."""
        return self._by_key.get(key(name), {})

    @lazy
    def _by_key(self) -> dict[str, dict[str, str]]:
        return dict(self.rows)


def read_metadata(data: bytes, path: PurePath) -> Metadata:
    """Read a file named `path`, with a picture's `file_name` in each row and everything else as text.

    Raises UsageError, in a line that begins with the path, where it cannot be read at all."""
    try:
        file = io.StringIO(data.decode("utf-8-sig"), newline="")
        lines = _csv_rows(file) if path.suffix.lower() == ".csv" else _json_rows(file)
        rows: list[_Row] = []
        odd: list[str] = []
        for number, row in enumerate(lines, start=1):
            if isinstance(row, str):
                odd.append(f"row {number} {row}")
            elif problem := _odd_name(name := row.pop("file_name", "")):
                odd.append(f"row {number} {problem}")
            else:
                rows.append((key(name), row))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is damaged ({error})") from None
    except KeyError:
        raise UsageError(f"{path} has no column file_name: its first line must name the columns") from None
    more = f", and {len(odd) - 1} more" if odd[1:] else ""
    return Metadata(path.parent, tuple(rows), f"is damaged ({odd[0]}{more})" if odd else None)


def attributes(path: PurePath, known: Iterable[Metadata]) -> dict[str, str]:
    """What those of the files say of a picture that lie beside or above it; the later ones have the last word."""
    found: dict[str, str] = {}
    for metadata in known:
        if path.is_relative_to(metadata.folder):
            found |= plain(metadata.of(path.relative_to(metadata.folder).as_posix()))
    return found


def plain(row: Mapping[str, object]) -> dict[str, str]:
    """The words, numbers and truths of a row, as `spelled` text; the rest, and what is empty, is left out."""
    kept = {spelled(name): spelled(text) for name, text in texts(row).items()}
    return {name: text for name, text in kept.items() if len(text) <= _LONGEST}


def texts(row: Mapping[str, object]) -> dict[str, str]:
    """The words, numbers and truths of a row as text; the rest, and what is empty, is left out."""
    kept = {_text(k): _text(v) for k, v in row.items() if isinstance(v, str | int | float)}
    return {name: text for name, text in kept.items() if text}


def _text(value: str | int | float) -> str:
    """As text; halves of characters, which JSON can name and no file can hold, become `\\ud800`."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.encode("utf-8", "backslashreplace").decode()


def _csv_rows(file: io.StringIO) -> Iterable[dict[str, str] | str]:
    """Each row, or what is wrong with it. Raises KeyError where the header lacks the column of names."""
    table = [cells for cells in csv.reader(file, strict=True) if cells]
    header, *lines = table or [[]]
    if "file_name" not in header:
        raise KeyError("file_name")
    for cells in lines:
        if len(cells) == len(header):
            yield {name: cell for name, cell in zip(header, cells, strict=True) if cell}
        else:
            yield f"has {len(cells)} cells, not {len(header)}"


def _json_rows(file: io.StringIO) -> Iterable[dict[str, str] | str]:
    for line in file:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield f"is no JSON: {error}"
            continue
        yield texts(row) if isinstance(row, dict) else "is no JSON object"


def _odd_name(name: str) -> str | None:
    """Pictures outside of the folder are none of a data set's business."""
    place = PurePosixPath(key(name)) if name else PurePosixPath()
    if not place.parts or place.is_absolute() or ".." in place.parts:
        return f"must name a file below the folder, not {name!r}"
    return None
