"""Run one of a model's ONNX graphs on the CPU, with the same numbers every time."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from minifaces.errors import UsageError

ROWS = 8
"""that a thread works on at a time. Parts of a batch side by side are done sooner than operations that are shared out,
and what the parts are does not depend on the machine: nor do the numbers"""


class Network:
    """A graph with one float32 input and one float32 output of known names and row shapes."""

    def __init__(
        self, path: Path, source: tuple[str, Sequence[int]], target: tuple[str, Sequence[int]], threads: int
    ) -> None:
        """Load `path`, whose input and output have the given names and shapes after the batch axis.

        `threads` is how many parts of a batch are worked on at once, 0 for as many as there are cores. Raises
        UsageError, naming the file, where the graph does not load or is another one."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 3  # errors come as exceptions; warnings are the exporter's concern
        try:
            # Not by its name, of which ONNX Runtime takes no bytes that are no UTF-8.
            self._session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises a dozen unrelated kinds for a damaged file
            raise UsageError(f"{path} does not load: {_first_line(error)}") from error
        _check(path, "input", self._session.get_inputs(), *source)
        _check(path, "output", self._session.get_outputs(), *target)
        self._source, self._target, self._threads = source[0], target[0], threads

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """A batch of rows, (n, ...) -> (n, ...), n at least 1."""
        if len(rows) <= ROWS:
            return self._run(rows)
        parts = np.array_split(rows, -(-len(rows) // ROWS))
        return np.concatenate(list(_pool(self._threads).map(self._run, parts)))

    def _run(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = self._session.run([self._target], {self._source: rows})[0]
        return result


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads or os.cpu_count())


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
