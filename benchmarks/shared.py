"""What the scripts of this folder share: their command lines, pictures as they are met, as JPEG, and the side by side:
works that take turns, ours in this process and others' in one of their own, and what machine that was."""

import argparse
import importlib.metadata
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minifaces.arrays import Pixels
from minifaces.cores import cores

PEERS = Path(__file__).parent / "peers"
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_tile")
Took = tuple[float, float]
"""seconds, and seconds of all cores together"""


def command_line(text: str | None, model: bool = False, peers: bool = False) -> argparse.ArgumentParser:
    """The command line of the script whose docstring is `text`, which --help shows as it is written. One about a model,
    the bundled one unless told otherwise, has --model, and --picture for what it can draw; one beside `peers` has
    --peers, the Python where they are installed, and --rounds."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    if model:
        parser.add_argument("--model", type=Path)
        parser.add_argument("--picture", type=Path)
    if peers:
        parser.add_argument("--peers", metavar="PYTHON", help="where benchmarks/peers.txt is installed; else only ours")
        parser.add_argument("--rounds", type=int, default=7)
    return parser


def jpeg(picture: Pixels, rng: np.random.Generator, quality: int | None = None) -> Pixels:
    """A picture saved as JPEG, of a quality of 60 to 95 unless one is given, and read again."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality or int(rng.integers(60, 96)))
    return np.asarray(Image.open(file))


def machine(*packages: str) -> str:
    """One line: processor, cores, what it can, how busy it is, and versions."""
    name, flags = platform.processor() or platform.machine(), ""
    if Path("/proc/cpuinfo").exists():
        lines = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
        told = {key.strip(): value.strip() for key, value in lines.items()}
        name, flags = told.get("model name", name), told.get("flags", "")
    has = ", ".join(flag for flag in FLAGS if flag in flags.split()) + ("" if "amx_tile" in flags else ", no AMX")
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)
    return f"{name}, {cores()} cores ({has}){load}; Python {platform.python_version()}, {versions}"


def timed(call: Callable[[], object]) -> Callable[[], Took]:
    """The same, telling how long it took this process and its threads."""

    def work() -> Took:
        started, spent = time.perf_counter(), time.process_time()
        call()
        return time.perf_counter() - started, time.process_time() - spent

    return work


class Peer:
    """A program of peers/ in its own environment, which works on what it is told to, and waits in between."""

    def __init__(self, python: str, program: str, spec: Mapping[str, Any]) -> None:
        words = [python, str(PEERS / program), "works", json.dumps(spec)]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        told = self._answer()
        self.versions: str = told["versions"]
        self.works: dict[str, int] = told["works"]
        """name -> how many faces it is"""

    def work(self, name: str) -> Callable[[], Took]:
        def ask() -> Took:
            assert self.process.stdin is not None
            self.process.stdin.write(name + "\n")
            self.process.stdin.flush()
            seconds, spent = self._answer()
            return seconds, spent

        return ask

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def _answer(self) -> Any:
        """The next line that is an answer: libraries print lines of their own."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(("{", "[")):
                return json.loads(line)
        raise SystemExit(f"{' '.join(self.process.args)} ended early")


@dataclass
class Rates:
    """How many things a second each turn did, and how many a core-second."""

    wall: list[float] = field(default_factory=list)
    core: list[float] = field(default_factory=list)

    def add(self, count: int, took: Took) -> None:
        self.wall.append(count / took[0])
        self.core.append(count / max(took[1], 1e-9))

    @property
    def middle(self) -> Took:
        return statistics.median(self.wall), statistics.median(self.core)


def in_turns(works: Mapping[str, tuple[int, Callable[[], Took]]], rounds: int, least: float = 0.3) -> dict[str, Rates]:
    """Each work once a round, repeated until it has taken `least` seconds; a first round warms up."""
    rates = {name: Rates() for name in works}
    for turn in range(rounds + 1):
        for name, (count, work) in works.items():
            took, done = np.zeros(2), 0
            while done == 0 or took[0] < (least if turn else 0):
                took += work()
                done += count
            if turn:
                rates[name].add(done, (float(took[0]), float(took[1])))
    return rates


def show(rates: Mapping[str, Rates], against: str, unit: str = "a second") -> None:
    """A table, with ratios to the work `against`."""
    print(f"| | {unit}: median | slowest to fastest | a core-second | times {against} | by core-seconds |")
    print("|---|---|---|---|---|---|")
    base = rates[against].middle if against in rates else (float("nan"),) * 2
    for name, found in rates.items():
        wall, core = found.middle
        spread = f"{figure(min(found.wall))} to {figure(max(found.wall))}"
        ratios = f"{wall / base[0]:.2f} | {core / base[1]:.2f}"
        print(f"| {name} | {figure(wall)} | {spread} | {figure(core)} | {ratios} |", flush=True)


def figure(value: float) -> str:
    """Three places that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


# A process counts the memory of the one that began it, which is a small one therefore.
BEGINNER = """import json, resource, subprocess, sys, time
start = time.perf_counter()
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([status, time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss]))"""


def whole_process(words: list[str]) -> tuple[float, float, float]:
    """Run a command: seconds, core-seconds and the megabytes that it took at most."""
    told = subprocess.run([sys.executable, "-I", "-S", "-c", BEGINNER, *words], capture_output=True, check=True).stdout
    status, seconds, cores_took, memory = json.loads(told)
    if status:
        raise SystemExit(f"{' '.join(words)} ended with {status}")
    return seconds, cores_took, memory / (2**20 if sys.platform == "darwin" else 2**10)
