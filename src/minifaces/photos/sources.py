"""Find pictures wherever they are: picture files, folders, zip and tar archives, Hugging Face image folders, parquet.

    for found in read_sources([Path("photos"), Path("more.zip")]):
        print(found.source, found.problem or len(found.data))

Nothing is skipped in silence: what cannot be used comes as a `Found` with a problem, what is left out is told of, and
reading goes on. Whether the bytes are a picture is found out later, by decoding them: names are not believed."""

import os
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from minifaces.errors import UsageError
from minifaces.files import shown
from minifaces.folders import Leave, is_metadata, is_work_folder, read_file, unwanted, walk
from minifaces.metadata import attributes
from minifaces.photos import archives, tables
from minifaces.photos.found import MOST_BYTES, Found

_INSIDE_FOLDERS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".parquet")
"""In a folder, files of these names are read as what they hold; a source that is named itself goes by its contents."""


def read_sources(
    sources: Iterable[Path], leave: Leave = lambda *_: None, most_bytes: int = MOST_BYTES
) -> Iterator[Found]:
    """Every picture of the sources, in an order that depends on nothing but their names and contents.

    Work folders inside of a folder are left out: their faces and originals are no new pictures, and a run whose sources
    lie around its work folder would never end. So is what systems leave beside pictures, and what is hidden; `leave` is
    told of all of it. A picture file larger than `most_bytes` is a problem. Raises UsageError for a source that is
    missing or itself a work folder."""
    sources = list(sources)
    for source in sources:
        if not os.path.lexists(source):
            raise UsageError(f"{source} is missing: name a picture, a folder, a zip, a tar or a parquet file")
        if is_work_folder(source):
            raise UsageError(f"{source} is a work folder, not a source: name it with -o")
    return (found for source in sources for found in _read(source, leave, most_bytes))


def count_sources(sources: Iterable[Path]) -> int | None:
    """About how many files `read_sources` will come upon, for a progress bar; None where only reading could tell."""
    count = 0
    for source in sources:
        for path in _files(source) if source.is_dir() else [source]:
            kind = archives.kind_of(path) if source == path or _names_many(path) else None
            if kind == "tar":
                return None
            if kind == "zip":
                count += archives.count_zip(path)
            else:
                count += tables.count_rows(path) if kind == "parquet" else 1
    return count


def _read(source: Path, leave: Leave, most_bytes: int) -> Iterator[Found]:
    if not source.is_dir():
        yield from _read_file(source, leave, most_bytes, {}, archives.kind_of(source))
        return
    for entry in walk(source, partial(_leave_in, source, leave)):
        path = entry.path
        if is_metadata(path.name):
            if entry.problem:
                yield Found(shown(path), None, entry.problem + archives.WITHOUT)
        elif entry.problem:
            yield Found(shown(path), None, entry.problem)
        else:
            kind = archives.kind_of(path) if _names_many(path) else None
            yield from _read_file(path, leave, most_bytes, attributes(path, entry.metadata), kind)


def _leave_in(source: Path, leave: Leave, reason: str, name: str) -> None:
    leave(reason, shown(source / name))


def _read_file(
    path: Path, leave: Leave, most_bytes: int, attributes: dict[str, str], kind: str | None
) -> Iterator[Found]:
    if kind == "zip":
        yield from archives.read_zip(path, most_bytes, leave)
    elif kind == "tar":
        yield from archives.read_tar(path, most_bytes, leave)
    elif kind == "parquet":
        yield from tables.read_parquet(path, most_bytes)
    else:
        data, problem = read_file(path, most_bytes)
        yield Found(shown(path), data, problem, attributes)


def _names_many(path: Path) -> bool:
    return path.name.lower().endswith(_INSIDE_FOLDERS)


def _files(folder: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(n for n in folders if not unwanted(n) and not is_work_folder(Path(here) / n))
        yield from (Path(here) / name for name in sorted(files) if not unwanted(name))
