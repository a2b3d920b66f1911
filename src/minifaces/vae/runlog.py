"""What a training run leaves to read, and how it is told to stop."""

import json
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minifaces.errors import MinifacesWarning


class Log:
    """Losses as JSON lines and for TensorBoard, averaged over `every` steps."""

    def __init__(self, folder: Path, active: bool, first: int, every: int = 50) -> None:
        self.first, self.every = first, every
        self.kept: list[dict[str, float]] = []
        self.file = (folder / "log.jsonl").open("a") if active else None
        self.board = None
        if active:
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
