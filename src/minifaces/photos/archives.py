"""Read the members of zip and tar archives, one at a time and never onto the disk, as untrusted input.

A member's name is only a name here: nothing is written under it. Names that lead out of the archive are refused all the
same, since whoever made them meant harm; so are links, encrypted members and members that expand beyond reason."""

import bz2
import gzip
import io
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal, cast

from minifaces.errors import UsageError
from minifaces.files import shown
from minifaces.folders import Leave, is_metadata, too_large, unwanted
from minifaces.metadata import Metadata, attributes, read_metadata
from minifaces.photos.found import Found

Kind = Literal["zip", "tar", "parquet"]

WITHOUT = ": the pictures are taken without it"
"""Goes on from what is wrong with metadata."""

_PACKINGS: tuple[tuple[bytes, Callable[[Path], Any]], ...] = (
    (b"\x1f\x8b", gzip.GzipFile),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)
_MOST_MEMBERS = 1_000_000
_MOST_EXPANSION = 200  # times; a plain white bitmap of a head expands 40-fold
_SMALL = 1_000_000  # bytes that may expand as they like
_HEADERS = 16_000_000  # bytes of tar headers between two members
_DRIVE = re.compile("[A-Za-z]:")
_DAMAGES = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError),
    NotImplementedError,  # a zip file of a later version, or packed in an unknown way
)


def kind_of(path: Path) -> Kind | None:
    """What an ordinary file holds by its first bytes; None where it is none of these, or cannot be read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as file:
            head = file.read(4)
            if head == b"PAR1":
                return "parquet"
            if head in (b"PK\x03\x04", b"PK\x05\x06"):
                return "zip"
            with _unpacked(path) as inside:
                return "tar" if inside.read(512)[257:262] == b"ustar" else None
    except _DAMAGES:
        return None


def count_zip(path: Path) -> int:
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(not info.is_dir() for info in archive.infolist())
    except _DAMAGES:
        return 1


def read_zip(path: Path, most_bytes: int, leave: Leave) -> Iterator[Found]:
    """The members of a zip file in the order of its directory, with what a metadata.csv among them says.

    Backslashes in their names, as some of Windows' programs write, are slashes."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if len(infos) > _MOST_MEMBERS:
                yield Found(shown(path), None, f"has {len(infos)} members, more than {_MOST_MEMBERS}")
                return
            said: list[Metadata] = []
            for info in sorted(infos, key=lambda info: not is_metadata(_place(info.filename).name)):
                name, place = _member(path, info.filename), _place(info.filename)
                if info.filename.endswith(("/", "\\")) or _left_out(place, name, leave):
                    continue
                found = _zip_member(archive, info, name, most_bytes)
                if is_metadata(place.name) and found.data is not None:
                    try:
                        said.append(read_metadata(found.data, place))
                        problem = said[-1].problem
                    except UsageError as error:
                        problem = str(error).removeprefix(f"{place} ")
                    if problem:
                        yield Found(name, None, problem + WITHOUT)
                else:
                    yield replace(found, attributes=attributes(place, said))
    except _DAMAGES as error:
        yield Found(shown(path), None, f"is a damaged zip file: {error}")


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, most_bytes: int) -> Found:
    mode = info.external_attr >> 16
    problem = _refused(info.filename, info.file_size, most_bytes)
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        problem = "is a link or no ordinary file"
    elif info.flag_bits & 1:
        problem = "is encrypted: unpack it yourself and name the folder"
    elif info.file_size > max(_SMALL, _MOST_EXPANSION * info.compress_size):
        problem = f"expands {info.file_size // max(1, info.compress_size)}-fold: that is a bomb"
    if problem:
        return Found(name, None, problem)
    try:
        with archive.open(info) as file:
            data = file.read(most_bytes + 1)  # the declared size may lie
    except (*_DAMAGES, RuntimeError) as error:
        return Found(name, None, f"cannot be unpacked: {error}")
    if len(data) > most_bytes:
        return Found(name, None, too_large(len(data), most_bytes))
    return Found(name, data)


def read_tar(path: Path, most_bytes: int, leave: Leave) -> Iterator[Found]:
    """The members of a tar file, plain or packed by gzip, bzip2 or xz, in their order."""
    name = shown(path)
    try:
        most = max(_SMALL, _MOST_EXPANSION * path.stat().st_size)
        with _unpacked(path) as inside:
            meter = _Meter(inside)
            with tarfile.open(fileobj=meter, mode="r|", bufsize=64 * 1024) as archive:
                for number, member in enumerate(iter(archive.next, None)):
                    archive.members.clear()  # type: ignore[attr-defined]  # tarfile would keep them all
                    if number >= _MOST_MEMBERS:
                        yield Found(name, None, f"has more than {_MOST_MEMBERS} members: the rest was not read")
                        return
                    if member.offset_data + member.size > most:
                        problem = f"expands more than {_MOST_EXPANSION}-fold: that is a bomb; the rest was not read"
                        yield Found(_member(path, member.name), None, problem)
                        return
                    # Skipping the member must remain possible; headers that want more than that are refused.
                    meter.allow(member.size + _HEADERS)
                    inside_name = _member(path, member.name)
                    if not member.isdir() and not _left_out(_place(member.name), inside_name, leave):
                        yield _tar_member(archive, member, inside_name, most_bytes)
    except _DAMAGES as error:
        yield Found(name, None, f"is a damaged tar file, read as far as it goes: {error}")


def _tar_member(archive: tarfile.TarFile, member: tarfile.TarInfo, name: str, most_bytes: int) -> Found:
    problem = _refused(member.name, member.size, most_bytes)
    if not member.isreg() or member.issparse():
        problem = "is a link or no ordinary file"
    elif is_metadata(PurePosixPath(member.name).name):
        problem = "is read from folders and zip files only: unpack the tar if its words matter"
    if problem:
        return Found(name, None, problem)
    file = archive.extractfile(member)
    return Found(name, file.read() if file else b"")


def _refused(member: str, size: int, most_bytes: int) -> str | None:
    """Why a member may not be read, going by its name and size."""
    parts = _place(member).parts
    if not parts or ".." in parts or parts[0].startswith("/") or _DRIVE.match(parts[0]):
        return "has a name that leads out of the archive"
    if size > most_bytes:
        return too_large(size, most_bytes)
    return None


def _place(member: str) -> PurePosixPath:
    return PurePosixPath(member.replace("\\", "/"))


def _left_out(place: PurePosixPath, name: str, leave: Leave) -> bool:
    """Whether a member lies where a folder's file would be left out; told of if so."""
    reason = next(filter(None, map(unwanted, place.parts)), None)
    if reason:
        leave(reason, name)
    return reason is not None


def _member(path: Path, name: str) -> str:
    return f"{shown(path)}!{shown(name)}"


def _unpacked(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        head = file.read(6)
    for magic, unpack in _PACKINGS:
        if head.startswith(magic):
            return cast(IO[bytes], unpack(path))
    return path.open("rb")


class _Meter(io.RawIOBase):
    """Passes reads on until more was read than was allowed: tarfile takes headers of any size into memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = _HEADERS

    def allow(self, count: int) -> None:
        self._left = count

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise tarfile.ReadError("its headers are larger than any that are meant well")
        return data
