"""Does work that is killed at any moment go on, lose nothing and end as if it had not been?

python benchmarks/kills.py                       all of it: some 25 minutes on two cores
python benchmarks/kills.py training --kills 5    one kind, fewer times

Each command runs in a process of its own, forked from one that has imported what it needs and done nothing. It is
killed with SIGKILL after a random time and then given again (training with --resume), so often; at last it is let run
to its end. What it wrote is compared with what a run wrote that nobody killed: training's weights
byte for byte, the others' files byte for byte. Every other kill of training comes while it writes a checkpoint. Between
two kills the checkpoint must be readable, and every file that stands in its place must be whole; at the end nothing may
be left of what was being written."""

import argparse
import hashlib
import importlib
import math
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

IMPORTED = (
    *("torch", "accelerate", "onnx", "onnxscript", "torch.utils.tensorboard", "numba", "openTSNE", "sklearn.mixture"),
    *("minifaces.vae.train", "minifaces.fits.export", "minifaces.cli.main"),
)
WRITES = 0.03  # seconds, about, that a checkpoint takes to be written


@dataclass(frozen=True)
class Work:
    """A command that is killed."""

    begin: list[str]
    again: list[str]
    """how it is given after a kill"""
    results: tuple[str, ...] = ("**/[!.]*",)
    """patterns of what is compared at the end"""
    coming: str = ""
    """a place where it writes for a moment what must not be half-written"""


@dataclass
class Found:
    killed: int = 0
    writing: int = 0
    """of those, while it wrote to the place that is `coming`"""


def kinds(faces: Path, out: Path) -> dict[str, Work]:
    small = ["--size", "32", "--latent", "8", "--batch", "16", "--threads", "1"]
    small += ["--set", "flow.steps=50", "--set", "network.widths=[16,32]"]
    begin = ["train", "--data", str(faces), "--steps", "60", *small, "-o", str(out)]
    compose = ["data", "compose", "-n", "3000", "--size", "64", "-o", str(out)]
    prepare = ["data", "prepare", str(faces), "-o", str(out)]
    site = ["export-site", "-o", str(out)]
    weights = ("training/checkpoint/*.safetensors", "*.safetensors", "*.onnx", "gallery.*")
    return {
        "training": Work(
            begin, ["train", "--resume", "-o", str(out), "--threads", "1"], weights, "training/checkpoint.new"
        ),
        "data compose": Work(compose, compose),
        "data prepare": Work(prepare, prepare),
        "export-site": Work(site, site),
    }


def sums(folder: Path, patterns: Iterable[str]) -> dict[str, str]:
    """Short sums of files by their names."""
    files = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in sorted(files)
        if path.name != "log.jsonl"  # which tells when
    }


def pictures(folder: Path) -> Path:
    """A folder of digits as pictures."""
    folder.mkdir()
    for i, digit in enumerate(load_digits().images[:400]):
        Image.fromarray(np.kron(255 - digit * 15, np.ones((4, 4))).astype(np.uint8)).save(folder / f"{i:04d}.png")
    return folder


def unreadable(folder: Path) -> str:
    """What is wrong with a run's checkpoint."""
    from minifaces import MinifacesError
    from minifaces.vae import checkpoint

    place = folder / "training" / "checkpoint"
    if not checkpoint.exists(place):
        return ""
    try:
        checkpoint.load(place)
    except MinifacesError as error:
        return str(error)
    return ""


def broken(folder: Path, calm: Path) -> str:
    """Which file stands in its place and is not as it will be; lists may grow still."""
    for path in folder.rglob("[!.]*"):
        whole = calm / path.relative_to(folder)
        if not path.is_file() or path.name == "log.jsonl":
            continue
        if not whole.is_file():
            return f"{path.name} is of no whole run"
        have, will = path.read_bytes(), whole.read_bytes()
        if have != will and not (path.suffix == ".jsonl" and will.startswith(have)):
            return f"{path.name} is half-written"
    return ""


def left(folder: Path) -> str:
    """What was being written when it was killed, and nobody took away."""
    found = [*folder.rglob(".minifaces-new-*"), *folder.rglob("checkpoint.*"), *folder.rglob(".unfinished")]
    return f"left behind: {', '.join(path.name for path in found)}" if found else ""


def begun(command: list[str], log: Path) -> int:
    """A process that runs it."""
    child = os.fork()
    if child == 0:
        with log.open("ab") as file:
            for stream in (1, 2):
                os.dup2(file.fileno(), stream)
        from minifaces.cli.main import run

        os._exit(run(command))
    return child


def ended(child: int, seconds: float = math.inf) -> int | None:
    """Its exit code, or None where it needs longer."""
    end = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            return None
        time.sleep(0.0005)


def ran(command: list[str], work: Work, out: Path, draws: random.Random, lasts: float, found: Found, log: Path) -> bool:
    """Whether it came to its end, before it was killed after a random time."""
    coming = out / work.coming if work.coming and draws.random() < 0.5 else None
    times = draws.choice([1, 1, 2])
    wait = draws.uniform(0, WRITES if coming else 1.1 * lasts)
    child, code = begun(command, log), None
    while coming and times and (code := ended(child, 0)) is None:
        if coming.exists():
            times -= 1
            while times and coming.exists() and (code := ended(child, 0)) is None:
                pass
    if code is None:
        code = ended(child, wait)
    if code is None:
        os.kill(child, signal.SIGKILL)
        ended(child)
        found.killed += 1
        found.writing += bool(work.coming) and (out / work.coming).exists()
        return False
    if code:
        raise SystemExit(log.read_text().strip().splitlines()[-1])
    return True


def study(name: str, kills: int, draws: random.Random) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        faces, log = pictures(root / "digits"), root / "log"
        calm, out = root / "calm", root / "killed"
        start = time.monotonic()
        if ended(begun(kinds(faces, calm)[name].begin, log)):
            raise SystemExit(log.read_text())
        lasts = time.monotonic() - start
        work, found, wrong = kinds(faces, out)[name], Found(), []
        wanted = sums(calm, work.results)

        def check(whole: bool) -> None:
            training = name == "training"
            wrong.append(unreadable(out) if training else broken(out, calm))
            if whole:
                wrong.append(left(out))
                wrong.append("" if sums(out, work.results) == wanted else "another result")

        going = False
        while found.killed < kills:
            whole = ran(work.again if going else work.begin, work, out, draws, lasts, found, log)
            check(whole)
            if whole:
                shutil.rmtree(out)
            going = name != "training" or bool(list(out.glob("training/checkpoint*/run.json")))
        code = ended(begun(work.again if going else work.begin, log))
        if code:
            wrong.append(log.read_text().strip().splitlines()[-1])
        check(True)
        faults = [what for what in wrong if what]
        print(f"| {name} | {lasts:.0f} s | {found.killed} | {found.writing or '-'} | {len(faults)} |", flush=True)
        for line in dict.fromkeys(faults):
            print(f"  {line}")
        return not faults


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("kinds", nargs="*", help="training, data compose, data prepare, export-site; all without one")
    options.add_argument("--kills", type=int, default=0, help="50 of training and 20 of the others without it")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    draws = random.Random(given.seed)
    for module in IMPORTED:
        importlib.import_module(module)
    print("| work | lasts, calm | kills | in a checkpoint | wrong |\n|---|---|---|---|---|")
    names = given.kinds or list(kinds(Path(), Path()))
    good = [study(name, given.kills or (50 if name == "training" else 20), draws) for name in names]
    raise SystemExit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
