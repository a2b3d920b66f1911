"""Write files whole or not at all, read JSON with errors that name the file, and show names of any bytes as text."""

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

if sys.platform != "win32":  # which moves no file that is open, as a locked one has to be
    import fcntl

from minifaces.errors import MinifacesError, UsageError

_SCRATCH = ".minifaces-new-"  # begins the names of files that are being written

# Control characters, what turns the direction of writing or ends a line, and halves of characters (surrogates).
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(path: str | os.PathLike[str]) -> str:
    """A path as text that can be written anywhere, `spelled`; bytes that are no UTF-8 become `\\xff`."""
    return spelled(os.fsencode(path).decode("utf-8", "backslashreplace"))


def spelled(text: str) -> str:
    """Text in one line, without what a terminal would obey, a reader would be misled by or no file can hold.

    They become `\\x1b`, `\\n`, `\\u202e`; the bytes that Python keeps of a name that is no UTF-8, `\\xff`."""
    return _UNSHOWN.sub(_spell, text)


def _spell(match: re.Match[str]) -> str:
    character = match[0]
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a scratch path beside `path`; move it over `path` when the block ends without an error.

    The scratch file keeps `path`'s suffix, since picture and video libraries choose the format by it. It is locked as
    long as its process lives: those that killed processes left in the folder are removed.
    Missing parent folders are made. Raises MinifacesError where the place cannot be written."""
    check_file(path)
    target = Path(path)
    # Of the name only this: longer, it may be too long, and not all libraries take names that are no UTF-8.
    suffix = target.suffix if target.suffix.isascii() and len(target.suffix) <= 16 else ""
    with _telling(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep_once(target.parent.absolute())
        handle, scratch = _locked_scratch(target.parent, suffix)
    try:
        with _telling(target):
            yield scratch
            scratch.chmod(0o666 & ~_umask())  # mkstemp makes files private
            scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)


def _locked_scratch(folder: Path, suffix: str) -> tuple[int | None, Path]:
    """A new file, and its handle, which holds the lock (None where files are not locked)."""
    while True:
        handle, name = tempfile.mkstemp(prefix=_SCRATCH, suffix=suffix, dir=folder)
        if sys.platform == "win32":
            os.close(handle)
            return None, Path(name)
        with suppress(OSError):  # some network disks have no locks: nothing is removed there
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:  # else another process found it before it was locked
            return handle, Path(name)
        os.close(handle)


@lru_cache(maxsize=4096)
def _sweep_once(folder: Path) -> None:
    """`sweep`, when this process first writes into a folder."""
    sweep(folder)


def sweep(folder: Path) -> None:
    """Remove the scratch files of processes that were killed while they wrote into `folder`."""
    if sys.platform == "win32":
        return
    with suppress(OSError):  # whatever stays behind is in nobody's way
        for path in folder.glob(f"{_SCRATCH}*"):
            with suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing but what a killed process may have left."""
    sweep(folder)
    return not any(folder.iterdir())


def check_file(path: str | os.PathLike[str]) -> None:
    """See, before long work, that a file can be written at `path`.

    Raises UsageError where something else is there, MinifacesError where there is no room for it."""
    target = Path(path)
    with _telling(target):
        if target.is_dir():
            raise UsageError(f"{target} is a folder: name a file to write")
        if target.exists() and not target.is_file():  # /dev/null and pipes are not to be replaced
            raise UsageError(f"{target} is not an ordinary file: name a file to write")
        _check_room(target, target.parent)


def check_folder(path: str | os.PathLike[str]) -> None:
    """See, before long work, that files can be written into the folder `path`, which is made when they are.

    Raises UsageError where it is no folder, MinifacesError where there is no room for it."""
    target = Path(path)
    with _telling(target):
        if target.exists() and not target.is_dir():
            raise UsageError(f"{target} is a file: name a folder")
        _check_room(target, target)


def _check_room(target: Path, folder: Path) -> None:
    """The nearest of the folders above that is there must be one, and may be written to."""
    nearest = next((place for place in (folder, *folder.parents) if place.exists()), Path())
    if not nearest.is_dir():
        raise MinifacesError(f"cannot write {target}: {nearest} is a file")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise MinifacesError(f"cannot write {target}: nothing may be written in {nearest}")


@contextmanager
def _telling(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MinifacesError(f"cannot write {target}: {error.strerror or error}") from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic(path) as scratch:
        scratch.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read JSON; a missing or damaged file is one clear line."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path} is missing") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is damaged: {error}") from error
    except RecursionError:
        raise UsageError(f"{path} is damaged: it is nested too deeply") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
