"""What a training run leaves to read, and how it is told to stop."""

import json
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from minifaces.errors import MinifacesWarning
from minifaces.files import write_text


class Log:
    """Losses as JSON lines and for TensorBoard, averaged over `every` steps."""

    def __init__(self, folder: Path, active: bool, first: int, every: int = 50) -> None:
        self.first, self.every = first, every
        self.kept: list[dict[str, float]] = []
        self.file: IO[str] | None = None
        self.board = None
        if active:
            _cut(folder / "log.jsonl", first)
            self.file = (folder / "log.jsonl").open("a")
            from torch.utils.tensorboard import SummaryWriter  # slow to import

            try:
                self.board = SummaryWriter(str(folder / "tensorboard"), purge_step=first)
            except UnicodeEncodeError:
                message = (
                    f"{folder} holds nothing for TensorBoard, which takes no name that is not UTF-8; log.jsonl does"
                )
                warnings.warn(message, MinifacesWarning, stacklevel=2)

    def write(self, step: int, values: dict[str, float]) -> None:
        self.kept.append(values)
        if step % self.every or self.file is None:
            return
        mean = {k: sum(v[k] for v in self.kept) / len(self.kept) for k in values}
        self.kept.clear()
        self.file.write(json.dumps({"step": step, **{k: float(f"{v:.6g}") for k, v in mean.items()}}) + "\n")
        self.file.flush()
        if self.board is not None:
            for name, value in mean.items():
                self.board.add_scalar(name, value, step)

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
