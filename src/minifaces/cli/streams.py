"""What a command reads from and writes to, made such that telling what was done cannot undo it.

with streams():
    print("Łukasz")                     # on a code page without this letter: \\u0141ukasz

A terminal's code page lacks most characters, and a process may have no stdout, stderr or stdin at all (pythonw,
services, `>&-`). Neither is a reason for a command to fail whose file is written. A stdout that is full is one."""

import errno
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, cast

from minifaces.cli.common import warn
from minifaces.errors import MinifacesError, MinifacesWarning


class ReaderGoneError(Exception):
    """Whoever read the standard output has enough."""


class _Output:
    """A text stream; what its encoding lacks is written as `\\u0141`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with self._telling():
            try:
                return self._stream.write(text)
            except UnicodeEncodeError:
                return self._stream.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))

    def flush(self) -> None:
        with self._telling():
            self._stream.flush()

    @property
    def encoding(self) -> str:
        """Of a stream that does not say, the least; a StringIO says None, and takes all."""
        return getattr(self._stream, "encoding", "ascii") or "utf-8"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.EPIPE, errno.EINVAL):  # the latter is Windows' name for it
                raise ReaderGoneError from error
            raise MinifacesError(f"cannot write to standard output: {error.strerror or error}") from error


class _Remarks(_Output):
    """stderr: where nothing can be said, everything else can still be done."""

    def write(self, text: str) -> int:
        with suppress(MinifacesError, ReaderGoneError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(MinifacesError, ReaderGoneError):
            super().flush()


@contextmanager
def streams() -> Iterator[None]:
    """Within, stdin, stdout and stderr are there and take any text, and a MinifacesWarning is told in a line."""
    _take_numbers()
    before = sys.stdin, sys.stdout, sys.stderr
    columns = os.environ.get("COLUMNS")
    if columns is not None and len(columns) < 2:  # some containers and editors say 0: Rich then shows nothing at all
        del os.environ["COLUMNS"]
    with ExitStack() as opened, warnings.catch_warnings():

        def there(stream: TextIO | None, mode: str) -> TextIO:
            if stream is not None and not getattr(stream, "closed", False):
                return stream
            return cast(TextIO, opened.enter_context(Path(os.devnull).open(mode, encoding="utf-8")))

        sys.stdin = there(sys.stdin, "r")
        sys.stdout = cast(TextIO, _Output(there(sys.stdout, "w")))
        sys.stderr = cast(TextIO, _Remarks(there(sys.stderr, "w")))
        show = warnings.showwarning

        def tell(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, MinifacesWarning):
                warn(str(message))
            else:
                show(message, category, filename, lineno, file, line)

        warnings.showwarning = tell
        try:
            yield
        finally:
            sys.stdin, sys.stdout, sys.stderr = before
            if columns is not None:
                os.environ["COLUMNS"] = columns


def _take_numbers() -> None:
    """See that 0, 1 and 2 are open, in processes of ours too: libraries in C write to them, whatever file they are."""
    with suppress(OSError):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(number, True)
        os.close(number)
