"""The lists of a work folder: JSON lines that only grow at their end, and may break off in the middle of the last one.

with Appender(path) as file:
    file.add([row])
rows = list(read_rows(path, Row))
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import BaseModel, ValidationError

from minifaces.errors import MinifacesError, UsageError

R = TypeVar("R", bound=BaseModel)


def read_rows(path: Path, kind: type[R], whole: bool = False) -> Iterator[R]:
    """The lines of a list, one after the other; none where there is no such file. A last line that broke off is left
    out, unless the file is `whole`: people's editors end it without a line break.

    Raises UsageError, naming file and line, for any other line that is damaged."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n") and not whole:
                return
            try:
                yield kind.model_validate_json(line)
            except ValidationError as error:
                raise UsageError(f"{path} line {number} is damaged: {first_problem(error)}") from None


class Appender:
    """Adds lines to the end of a list. Rows given together are written together. A last line that broke off is cut; in
    a file that is `whole` it is ended, as `read_rows` reads it."""

    def __init__(self, path: Path, whole: bool = False) -> None:
        self._path = path
        self._whole = whole
        self._file: IO[bytes] | None = None

    def __enter__(self) -> "Appender":
        try:
            self._file = self._path.open("ab+")
            end = self._file.seek(0, os.SEEK_END)
            if end > (after := _after_last_line(self._file, end)):
                if self._whole:
                    self._file.write(b"\n")
                else:
                    self._file.truncate(after)
        except OSError as error:
            raise MinifacesError(f"cannot write {self._path}: {error.strerror or error}") from error
        return self

    def __exit__(self, *_: Any) -> None:
        if self._file:
            self._file.close()

    def add(self, rows: Iterable[BaseModel]) -> None:
        assert self._file, "use as a context manager"
        # Defaults are left out: most fields of most rows have nothing to say.
        text = "".join(row.model_dump_json(exclude_defaults=True) + "\n" for row in rows)
        try:
            self._file.write(text.encode())
            self._file.flush()
        except OSError as error:
            raise MinifacesError(f"cannot write {self._path}: {error.strerror or error}") from error


def _after_last_line(file: IO[bytes], end: int) -> int:
    """Where the last line ends that has a line break."""
    while end:
        start = max(0, end - 4096)
        file.seek(start)
        if keep := file.read(end - start).rfind(b"\n") + 1:
            return start + keep
        end = start
    return 0


def first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']}" if where else str(problem["msg"])
