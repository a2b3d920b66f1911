"""Run one of a model's ONNX graphs on the CPU, with the same numbers every time, in forked processes too.

A fork copies the memory of a process but none of its threads, at whatever they were. So no threads wait here between
two batches, and a child opens a session of its own, since its parent's may be a copy of one in the middle of a run."""

import math
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from minifaces.arrays import Floats
from minifaces.cores import cores
from minifaces.errors import UsageError

ROWS, SHARED = 8, 4
"""that a thread works on at a time, at most; and by how many cores the parts of a batch can be shared out evenly. Parts
side by side are done sooner than operations that are shared out, and what the parts are does not depend on the machine:
nor do the numbers"""

_opening = threading.RLock()  # no fork while ONNX Runtime, which has locks of its own for this, opens a session
_process = object()  # another one in each process


def _is_child() -> None:
    global _process
    _process = object()
    _opening.release()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_opening.acquire, after_in_parent=_opening.release, after_in_child=_is_child)


class Network:
    """A graph with one float32 input and one float32 output of known names and row shapes."""

    def __init__(
        self, path: Path, source: tuple[str, Sequence[int]], target: tuple[str, Sequence[int]], threads: int
    ) -> None:
        """Load `path`, whose input and output have the given names and shapes after the batch axis.

        `threads` is how many parts of a batch are worked on at once, 0 for as many as there are cores. Raises
        UsageError, naming the file, where the graph does not load or is another one."""
        self._path, self._threads = path, threads
        self._source, self._target = source[0], target[0]
        try:
            self._graph = path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path} does not load: {error.strerror or error}") from error
        self._sessions: list[tuple[object, Any]] = []  # each with its process, that of this one last
        session = self._session()
        _check(path, "input", session.get_inputs(), *source)
        _check(path, "output", session.get_outputs(), *target)

    def __call__(self, rows: Floats, then: Callable[[Floats], Any] = lambda made: made) -> Any:
        """A batch of rows, (n, ...) -> (n, ...), n at least 1; and what `then` makes of some of these rows at a time,
        which is shared out too."""

        def run(part: Floats, session: Any = self._session()) -> Any:
            return then(self._run(session, part))

        parts = np.array_split(rows, min(len(rows), SHARED * math.ceil(len(rows) / (SHARED * ROWS))))
        if len(parts) == 1:
            return run(rows)
        try:
            with ThreadPoolExecutor(self._threads or cores()) as pool:  # as many at most, and no more than parts
                return np.concatenate(list(pool.map(run, parts)))
        except RuntimeError:  # no thread can be started: Python is ending, or the system allows no more of them
            return np.concatenate([run(part) for part in parts])

    def _run(self, session: Any, rows: Floats) -> Floats:
        result: Floats = session.run([self._target], {self._source: rows})[0]
        if not np.isfinite(result).all():
            raise UsageError(f"{self._path} is damaged: it gives numbers that are not finite")
        return result

    def _session(self) -> Any:
        """This process's session. Those of its parents are kept, since it is not known how to take them apart."""
        with _opening:
            if not self._sessions or self._sessions[-1][0] is not _process:
                self._sessions.append((_process, _open(self._path, self._graph)))
            return self._sessions[-1][1]


def _open(path: Path, graph: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3  # errors come as exceptions; warnings are the exporter's concern
    try:
        # Not by its name, of which ONNX Runtime takes no bytes that are no UTF-8.
        providers = ["CPUExecutionProvider"]
        # Without a second try, which it would tell of on stdout.
        return onnxruntime.InferenceSession(graph, options, providers=providers, enable_fallback=0)
    except Exception as error:  # ONNX Runtime raises a dozen unrelated kinds for a damaged file
        raise UsageError(f"{path} does not load: {_first_line(error)}") from error


def _check(path: Path, what: str, found: Sequence[Any], name: str, shape: Sequence[int]) -> None:
    """One tensor of that name and shape; a size that the graph leaves open agrees with any."""
    if len(found) != 1 or found[0].name != name:
        names = ", ".join(tensor.name for tensor in found)
        raise UsageError(f"{path} is damaged: its {what} is {names}, not {name}")
    sizes = found[0].shape[1:]
    if len(sizes) != len(shape) or any(isinstance(a, int) and a != b for a, b in zip(sizes, shape, strict=True)):
        raise UsageError(f"{path} is damaged: its {what} {name} is {sizes} a row, not {list(shape)}")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
