"""What a training run leaves to read, and how it is told to stop."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from minifaces.files import write_text
from minifaces.vae.board import Board


class Log:
    """Losses as JSON lines, and on a board if there is one, averaged over `every` steps."""

    def __init__(self, folder: Path, active: bool, first: int, every: int = 50, board: Board | None = None) -> None:
        self.first, self.every, self.board = first, every, board
        self.kept: list[dict[str, float]] = []
        self.file: IO[str] | None = None
        if active:
            _cut(folder / "log.jsonl", first)
            self.file = (folder / "log.jsonl").open("a")

    def write(self, step: int, values: dict[str, float]) -> None:
        self.kept.append(values)
        if step % self.every or self.file is None:
            return
        mean = {k: sum(v[k] for v in self.kept) / len(self.kept) for k in values}
        self.kept.clear()
        self.file.write(json.dumps({"step": step, **{k: float(f"{v:.6g}") for k, v in mean.items()}}) + "\n")
        self.file.flush()
        if self.board is not None:
            self.board.losses(step, mean)

    def close(self) -> None:
        for file in (self.file, self.board):
            if file is not None:
                file.close()


def _cut(path: Path, last: int) -> None:
    """Take away what a run that broke off had logged beyond the step that it goes on from."""
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    write_text(path, "".join(line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= last))


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C (or SIGTERM) into a flag, so that a step is finished and saved; a second one interrupts."""
    caught: list[int] = []
    previous: dict[int, Any] = {}

    def handle(number: int, frame: Any) -> None:
        if caught and callable(previous[number]):
            previous[number](number, frame)
        caught.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        previous[number] = signal.signal(number, handle)
    try:
        yield lambda: bool(caught)
    finally:
        for caught_signal, handler in previous.items():
            signal.signal(caught_signal, handler)
