"""Find pictures wherever they are: picture files, folders, zip and tar archives, Hugging Face image folders, parquet.

    for found in read_sources([Path("photos"), Path("more.zip")]):
        print(found.source, found.problem or len(found.data))

Nothing is skipped in silence: what cannot be used comes as a `Found` with a problem, and reading goes on. Whether the
bytes are a picture is found out later, by decoding them: names are not believed."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from minifaces.errors import UsageError
from minifaces.files import shown
from minifaces.photos import archives, tables
from minifaces.photos.folder import is_work_folder
from minifaces.photos.found import MOST_BYTES, Found, Known, mark, too_large
from minifaces.photos.metadata import NAMES, Metadata, attributes, read_metadata

_INSIDE_FOLDERS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".parquet")
"""In a folder, files of these names are read as what they hold; a source that is named itself goes by its contents."""


def read_sources(
    sources: Iterable[Path], known: Known = lambda _: False, most_bytes: int = MOST_BYTES
) -> Iterator[Found]:
    """Every picture of the sources, in an order that depends on nothing but their names and contents.

    Those whose name `known` is true of are passed over without being read, and so are work folders inside of a folder:
    their faces and originals are no new pictures, and a run whose sources lie around its work folder would never end.
    Of several of one name, as an archive may hold and a folder that is named twice, the first is taken.
    A picture file larger than `most_bytes` is a problem. Raises UsageError for a source that is missing or itself a
    work folder."""
    sources = list(sources)
    for source in sources:
        if not os.path.lexists(source):
            raise UsageError(f"{source} is missing: name a picture, a folder, a zip, a tar or a parquet file")
        if is_work_folder(source):
            raise UsageError(f"{source} is a work folder, not a source: name it with -o")
    return _firsts(found for source in sources for found in _read(source, known, most_bytes))


def _firsts(found: Iterable[Found]) -> Iterator[Found]:
    """The first of each name. Whether `known` is true of a later one already depends on how fast the workers are."""
    seen: set[int] = set()
    for each in found:
        if (name := mark(each.source)) not in seen:
            seen.add(name)
            yield each


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


def _read(source: Path, known: Known, most_bytes: int) -> Iterator[Found]:
    if source.is_dir():
        yield from _Folder(source, known, most_bytes).read()
    else:
        yield from _read_file(source, known, most_bytes, {}, archives.kind_of(source))


def _read_file(
    path: Path, known: Known, most_bytes: int, attributes: dict[str, str], kind: str | None
) -> Iterator[Found]:
    if kind == "zip":
        yield from archives.read_zip(path, known, most_bytes)
    elif kind == "tar":
        yield from archives.read_tar(path, known, most_bytes)
    elif kind == "parquet":
        yield from tables.read_parquet(path, known, most_bytes)
    elif not known(name := shown(path)):
        data, problem = _contents(path, most_bytes)
        yield Found(name, data, problem, attributes)


def _contents(path: Path, most_bytes: int) -> tuple[bytes | None, str | None]:
    """A file's bytes, or why they cannot be had."""
    try:
        status = path.stat()  # before opening: a pipe would wait for a writer
        if not stat.S_ISREG(status.st_mode):
            return None, "is not an ordinary file"
        if status.st_size > most_bytes:
            return None, too_large(status.st_size, most_bytes)
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
    except OSError as error:
        broken = path.is_symlink() and not path.exists()
        return None, "is a link that leads nowhere" if broken else f"cannot be read: {error.strerror or error}"
    if len(data) > most_bytes:
        return None, too_large(len(data), most_bytes)
    return data, None


def _names_many(path: Path) -> bool:
    return path.name.lower().endswith(_INSIDE_FOLDERS)


def _files(folder: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_work_folder(Path(here) / name))
        yield from (Path(here) / name for name in sorted(files))


@dataclass
class _Folder:
    """Walks a folder in the order of names. Links to folders are followed, each folder being read once."""

    root: Path
    known: Known
    most_bytes: int
    seen: set[tuple[int, int]] = field(default_factory=set)

    def read(self) -> Iterator[Found]:
        yield from self._walk(self.root, ())

    def _walk(self, folder: Path, metadata: tuple[Metadata, ...]) -> Iterator[Found]:
        try:
            status = folder.stat()
            if (mark := (status.st_dev, status.st_ino)) in self.seen:
                yield from self._problem(folder, "is a link to a folder that is read already")
                return
            self.seen.add(mark)
            names = sorted(path.name for path in folder.iterdir())
            if is_work_folder(folder):
                return
        except OSError as error:
            yield from self._problem(folder, f"cannot be read: {error.strerror or error}")
            return
        for name in (name for name in NAMES if name in names):
            path = folder / name
            data, problem = _contents(path, self.most_bytes)
            if data is None:
                yield from self._problem(path, str(problem))
                continue
            try:
                metadata = (*metadata, read_metadata(data, path))
            except UsageError as error:
                yield from self._problem(path, str(error).removeprefix(f"{path} "))
        for name in names:
            path = folder / name
            if path.is_dir():
                yield from self._walk(path, metadata)
            elif name not in NAMES:
                kind = archives.kind_of(path) if _names_many(path) else None
                yield from _read_file(path, self.known, self.most_bytes, attributes(path, metadata), kind)

    def _problem(self, path: Path, problem: str) -> Iterator[Found]:
        if not self.known(name := shown(path)):
            yield Found(name, None, problem)
