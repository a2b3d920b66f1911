"""A model where threads cannot be had: in a small container, and while Python ends."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from minifaces.studio.model import Model

AT_THE_END = """
import atexit, sys
import numpy as np
from minifaces.studio.model import Model
model = Model(sys.argv[1])
expected = model.sample(25, seed=1)
atexit.register(lambda: print(all(np.array_equal(model.sample(n, seed=1), expected[:n]) for n in (1, 8, 9, 25))))
"""


@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_no_more_threads(tiny_model: Path, allowed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `docker run --pids-limit` and `ulimit -u` have it."""
    model = Model(tiny_model, threads=4)
    expected = model.sample(25, seed=1)
    latents = model.encode(expected)
    start, started = threading.Thread.start, []

    def limited(thread: threading.Thread) -> None:
        if len(started) == allowed:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    for n in (1, 8, 9, 25):
        started.clear()
        assert np.array_equal(model.sample(n, seed=1), expected[:n])
        assert np.array_equal(model.encode(expected[:n]), latents[:n])


def test_at_the_end_of_python(tiny_model: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", AT_THE_END, str(tiny_model)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.stdout, ended.stderr) == ("True\n", "")
