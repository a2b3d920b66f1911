"""Walk a folder of pictures: every file once, in the order of names, with the metadata that may speak of it.

    left = LeftOut()
    for entry in walk(Path("photos"), left.add):
        print(entry.path, entry.problem)
    print(left)         # 131 files were left out: of macOS 130 (._a.png, ...); hidden 1 (.git)

`data prepare` and whatever reads a folder of pictures go through here, so that they find the same files."""

import json
import os
import stat
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from minifaces.errors import UsageError
from minifaces.files import shown
from minifaces.metadata import NAMES, Metadata, read_metadata

Leave = Callable[[str, str], None]
"""Is told why a file is left out, in a word or two, and its name."""

_MOST_METADATA = 1_000_000_000  # bytes
_NAMED = 3  # files left out for one reason that are told by name
_OF_SYSTEMS = {
    "of macOS": ("__macosx", ".ds_store", ".appledouble", ".spotlight-v100", ".trashes", ".fseventsd", "icon\r"),
    "of Windows": (
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"),
        *("$recycle.bin", "system volume information"),
    ),
    "of a NAS": ("@eadir", "#recycle"),
}
"""What systems leave beside pictures, in lower case."""


class Entry(NamedTuple):
    """A file, or why something cannot be read. A file of metadata comes before all for which it speaks."""

    path: Path
    """From where the folder is named."""
    metadata: tuple[Metadata, ...] = ()
    """Of its folder and of those above it, the nearest last; of a file of metadata, its own."""
    problem: str | None = None
    """A line that goes on from the path."""


class LeftOut:
    """What was left out, for which reasons."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._names: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, reason: str, name: str) -> None:
        self.counts[reason] += 1
        if self.counts[reason] <= _NAMED:
            self._names[reason].append(name)

    def __str__(self) -> str:
        """One line."""
        total = self.counts.total()
        reasons = []
        for reason, count in self.counts.items():
            more = ", ..." if count > _NAMED else ""
            reasons.append(f"{reason} {count} ({', '.join(self._names[reason])}{more})")
        return f"{total} {'file was' if total == 1 else 'files were'} left out: {'; '.join(reasons)}"


def unwanted(name: str) -> str | None:
    """Why a file or folder of a name is no picture of anybody's, if so: what systems leave about, or hidden."""
    lower = name.lower()
    if name.startswith("._"):
        return "of macOS"
    if lower.endswith(":zone.identifier"):
        return "of Windows"
    of = next((system for system, names in _OF_SYSTEMS.items() if lower in names), None)
    return of or ("hidden" if name.startswith(".") and name not in (".", "..") else None)


def walk(root: Path, leave: Leave) -> Iterator[Entry]:
    """The files of a folder and of those below it, but for work folders and what is `unwanted`.

    Links to folders are followed, each folder being read once. Whatever is left out is told to `leave`, with its name
    from `root`; what cannot be read comes as an entry with a problem."""
    return _Walk(root, leave).folder(root, ())


class _Walk:
    def __init__(self, root: Path, leave: Leave) -> None:
        self._root = root
        self._leave = leave
        self._seen: set[tuple[int, int]] = set()

    def folder(self, folder: Path, metadata: tuple[Metadata, ...]) -> Iterator[Entry]:
        try:
            status = folder.stat()
            if (place := (status.st_dev, status.st_ino)) in self._seen:
                yield Entry(folder, problem="is a link to a folder that is read already")
                return
            self._seen.add(place)
            with os.scandir(folder) as found:
                names = sorted(entry.name for entry in found)
            if is_work_folder(folder):
                self._leave("of a work folder", f"{self._named(folder)}/")
                return
        except OSError as error:
            yield Entry(folder, problem=f"cannot be read: {error.strerror or error}")
            return
        tables = [name for name in names if is_metadata(name)]
        for name in tables:
            said, problem = _metadata(folder / name)
            metadata = (*metadata, *said)
            yield Entry(folder / name, said, problem)
        for name in names:
            path = folder / name
            if reason := unwanted(name):
                self._leave(reason, self._named(path))
            elif path.is_dir():
                yield from self.folder(path, metadata)
            elif name not in tables:
                yield Entry(path, metadata)

    def _named(self, path: Path) -> str:
        return shown(path.relative_to(self._root))


def is_metadata(name: str) -> bool:
    """Whether a file of a name says something of pictures."""
    return name.lower() in NAMES


def _metadata(path: Path) -> tuple[tuple[Metadata, ...], str | None]:
    """What a file says, if anything, and what cannot be read of it."""
    data, problem = read_file(path, _MOST_METADATA)
    if data is None:
        return (), problem
    try:
        said = read_metadata(data, path)
    except UsageError as error:
        return (), str(error).removeprefix(f"{path} ")
    return (said,), said.problem


def read_file(path: Path, most_bytes: int) -> tuple[bytes | None, str | None]:
    """A file's bytes, or why they cannot be had: a line that goes on from its name."""
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


def too_large(size: int, most_bytes: int) -> str:
    """The problem of a file of more bytes than are taken."""
    return f"has {size:,} bytes, more than {most_bytes:,}"


def is_work_folder(folder: Path) -> bool:
    """Whether pictures are on their way to a data set here (`minifaces.photos.workfolder`): its faces are no new ones.

    A manifest.jsonl alone may be anybody's, unless it is empty or lists an original."""
    manifest = folder / "manifest.jsonl"
    if not manifest.is_file():
        return False
    if (folder / "heads.jsonl").is_file():
        return True
    try:
        with manifest.open("rb") as file:
            first = file.readline(1_000_000)
        row = json.loads(first) if first.endswith(b"\n") else None
    except (OSError, ValueError, RecursionError):
        return False
    return not first or (isinstance(row, dict) and {"source", "found"} <= row.keys())
