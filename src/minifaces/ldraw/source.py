"""The files of an LDraw library as they lie about: in a folder or a zip, in any case, with either slash, in any
encoding.

files, repeated = find_files(Path("ldraw.zip"))
files["3626bp01.dat"].text()
files["p:stud.dat"], files["top:ldconfig.ldr"]"""

import codecs
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from minifaces.errors import MinifacesError, UsageError
from minifaces.files import shown

MOST_BYTES = 16_000_000  # ten times the largest file of the 2025-02 library
_WANTED = "give an LDraw library, unpacked or zipped"
_DAMAGES = (
    *(OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    RuntimeError,  # a member is encrypted, or packed in an unknown way
)


class LibraryError(MinifacesError):
    """A file or part that cannot be used; the message names the file and the line, `kind` what such faults have in
    common."""

    def __init__(self, message: str, kind: str = "broken line") -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class File:
    """A file by its name in the library."""

    name: str
    open: Callable[[], IO[bytes]]

    def text(self, first: int = MOST_BYTES + 1) -> str:
        """Its text, or that of its `first` bytes. Raises LibraryError where it has none."""
        try:
            with self.open() as file:
                data = file.read(first)
        except _DAMAGES as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise LibraryError(f"{self.name} cannot be read ({why})", "unreadable file") from error
        if len(data) > MOST_BYTES:
            raise LibraryError(f"{self.name} is larger than {MOST_BYTES // 1_000_000} MB", "large file")
        text = decode(data)
        if not text:
            raise LibraryError(f"{self.name} is empty", "empty file")
        if "\0" in text:
            raise LibraryError(f"{self.name} is no text", "unreadable file")
        return text


def decode(data: bytes) -> str:
    """UTF-8 as LDraw wants it, UTF-16 where a byte order mark says so, or else Latin-1, as old editors wrote.

    The byte order mark goes, and so does the Ctrl-Z by which DOS ended a text."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    return text.rstrip("\x1a\r\n ")


def lines(text: str) -> list[str]:
    """The lines of a text. `splitlines` would also cut at characters that a comment may hold."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def find_files(path: Path) -> tuple[dict[str, File], dict[str, list[File]]]:
    """The files of a library, and those whose name another has already.

    Their keys are lower-case names relative to parts/ ("s/3626s01.dat"), of primitives "p:" and the name relative to
    p/, of anything else "top:" and the name without its folders. Of files with one key that with the fewest folders
    counts, then the first in the order of the alphabet. Raises UsageError where there is no library."""
    if path.is_dir():
        found = list(_in_folder(path))
    elif path.is_file():
        found = list(_in_zip(path))
    else:
        raise UsageError(f"{path} is missing: {_WANTED}")
    files: dict[str, File] = {}
    repeated: dict[str, list[File]] = {}
    for file in sorted(found, key=lambda file: (file.name.count("/"), file.name.lower(), file.name.swapcase())):
        key = _key(file.name)
        if key in files:
            repeated.setdefault(key, []).append(file)
        elif key:
            files[key] = file
    if all(key.startswith(("p:", "top:")) for key in files):
        raise UsageError(f"{path} holds no parts/ folder: {_WANTED}")
    return files, repeated


def _key(name: str) -> str:
    *folders, last = name.lower().split("/")
    if "__macosx" in folders or any(part.strip(".") and part.startswith(".") for part in (*folders, last)):
        return ""  # what systems leave beside files
    for depth in reversed(range(len(folders))):
        if folders[depth] in ("parts", "p"):
            prefix = "" if folders[depth] == "parts" else "p:"
            return prefix + "/".join((*folders[depth + 1 :], last))
    return f"top:{last}"


def _in_folder(root: Path) -> Iterator[File]:
    """All files below a folder, those of linked folders too, and folders that are called like a part."""
    been: set[str] = set()

    def refuse(error: OSError) -> None:
        inside = Path(error.filename).relative_to(root).parts
        if not inside or {part.lower() for part in inside} & {"parts", "p"}:
            raise UsageError(f"{shown(error.filename)} cannot be read ({error.strerror}): make it readable")

    for place, folders, names in os.walk(root, onerror=refuse, followlinks=True):
        real = os.path.realpath(place)
        if real in been:
            folders.clear()
            continue
        been.add(real)
        folders.sort()
        for name in (*names, *(folder for folder in folders if folder.lower().endswith(".dat"))):
            path = Path(place, name)
            yield File(path.relative_to(root).as_posix().replace("\\", "/"), partial(_open, path))


def _open(path: Path) -> IO[bytes]:
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError("it is no ordinary file")  # a pipe would be waited for without end
    return path.open("rb")


def _in_zip(path: Path) -> Iterator[File]:
    try:
        archive = zipfile.ZipFile(path)
    except PermissionError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror})") from None
    except _DAMAGES:
        raise UsageError(f"{path} is not a zip file: {_WANTED}") from None
    for info in archive.infolist():
        name = info.filename.replace("\\", "/")
        if not name.endswith("/"):
            yield File(name, partial(archive.open, info))
