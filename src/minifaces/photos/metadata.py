"""What a Hugging Face image folder's metadata.csv or metadata.jsonl says of the pictures beside and below it."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath

from minifaces.errors import UsageError
from minifaces.files import spelled

NAMES = ("metadata.csv", "metadata.jsonl")
_LONGEST = 1000  # characters of an attribute


@dataclass(frozen=True)
class Metadata:
    """The rows of the files below `folder`, by their names from there."""

    folder: PurePath
    rows: dict[str, dict[str, str]]


def read_metadata(data: bytes, path: PurePath) -> Metadata:
    """Read a file named `path`. Raises UsageError, in a line that begins with the path."""
    rows: list[dict[str, object]] = []
    try:
        file = io.StringIO(data.decode("utf-8-sig"), newline="")
        if path.suffix == ".csv":
            rows.extend(csv.DictReader(file))
        else:
            rows.extend(json.loads(line) for line in file if line.strip())
        named = {str(PurePosixPath(str(row.pop("file_name")))): plain(row) for row in rows}
    except KeyError:
        raise UsageError(f"{path} has no file_name in every row: the pictures are taken without it") from None
    except (ValueError, AttributeError, RecursionError, csv.Error) as error:
        raise UsageError(f"{path} is damaged ({error}): the pictures are taken without it") from None
    return Metadata(path.parent, named)


def attributes(path: PurePath, known: Iterable[Metadata]) -> dict[str, str]:
    """What is said of a picture."""
    found: dict[str, str] = {}
    for metadata in known:
        if path.is_relative_to(metadata.folder):
            found |= metadata.rows.get(path.relative_to(metadata.folder).as_posix(), {})
    return found


def plain(row: Mapping[str, object]) -> dict[str, str]:
    """The words, numbers and truths of a row, as `spelled` text; the rest, and what is empty, is left out."""
    kept = {
        spelled(str(k)): spelled(_text(v)) for k, v in row.items() if k is not None and isinstance(v, str | int | float)
    }
    return {k: v for k, v in kept.items() if v and len(v) <= _LONGEST}


def _text(value: str | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
