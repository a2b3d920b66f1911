"""Write files whole or not at all, and read JSON with errors that name the file."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minifaces.errors import MinifacesError, UsageError


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a scratch path beside `path`; move it over `path` when the block ends without an error.

    The scratch file keeps `path`'s suffix, since picture and video libraries choose the format by it.
    Missing parent folders are made. Raises MinifacesError where the place cannot be written."""
    target = Path(path)
    if target.is_dir():
        raise UsageError(f"{target} is a folder: name a file to write")
    if target.exists() and not target.is_file():  # /dev/null and pipes are not to be replaced
        raise UsageError(f"{target} is not an ordinary file: name a file to write")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
    except OSError as error:
        raise MinifacesError(f"cannot write {target}: {error.strerror or error}") from error
    os.close(handle)
    scratch = Path(name)
    try:
        yield scratch
        scratch.chmod(0o666 & ~_umask())  # mkstemp makes files private
        scratch.replace(target)
    except OSError as error:
        raise MinifacesError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        scratch.unlink(missing_ok=True)


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
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UsageError(f"{path} is damaged: {error}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
