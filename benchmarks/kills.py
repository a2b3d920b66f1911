"""Does work that is killed at any moment go on, lose nothing and end as if it had not been?

python benchmarks/kills.py                       all of it: some 25 minutes on two cores
python benchmarks/kills.py training --kills 5    one kind, fewer times

Each command runs in a process of its own, is killed with SIGKILL after a random time, and is then given again (training
with --resume), until it has been killed so often; at last it is let run to its end. What it wrote is compared with what
a run wrote that nobody killed: training's weights byte for byte, the others' files byte for byte. Between two kills
the checkpoint must be readable, and no file may be half-written."""

import argparse
import hashlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

PROGRAM = [sys.executable, "-m", "minifaces"]


@dataclass(frozen=True)
class Work:
    """A command that is killed."""

    begin: list[str]
    again: list[str]
    """how it is given after a kill"""
    made: Callable[[Path], dict[str, str]]
    """sums of what it made, by name"""
    whole: Callable[[Path], str]
    """what is wrong between two kills, or nothing"""


def sums(folder: Path, pattern: str = "**/*", besides: tuple[str, ...] = ()) -> dict[str, str]:
    files = [path for path in sorted(folder.glob(pattern)) if path.is_file() and path.name not in besides]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in files}


def pictures(folder: Path) -> Path:
    """A folder of digits as pictures."""
    folder.mkdir()
    for i, digit in enumerate(load_digits().images[:400]):
        Image.fromarray(np.kron(255 - digit * 15, np.ones((4, 4))).astype(np.uint8)).save(folder / f"{i:04d}.png")
    return folder


def readable(folder: Path) -> str:
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


def unbroken(folder: Path) -> str:
    """Which pictures of a folder are half-written."""
    for path in folder.rglob("[!.]*.png"):  # what is not yet in its place begins with a dot
        try:
            Image.open(path).load()
        except OSError as error:
            return f"{path.name}: {error}"
    return ""


def kinds(faces: Path, out: Path) -> dict[str, Work]:
    settings = [
        "--size",
        "32",
        "--latent",
        "8",
        "--batch",
        "16",
        "--threads",
        "1",
        "--set",
        "flow.steps=50",
        "--set",
        "network.widths=[16,32]",
    ]
    begin = ["train", "--data", str(faces), "--steps", "120", *settings, "-o", str(out)]
    compose = ["data", "compose", "-n", "3000", "--size", "64", "-o", str(out)]
    prepare = ["data", "prepare", str(faces), "-o", str(out)]
    site = ["export-site", "-o", str(out)]
    return {
        "training": Work(
            begin,
            ["train", "--resume", "-o", str(out), "--threads", "1"],
            lambda folder: sums(folder, "model/*.safetensors") | sums(folder, "*.safetensors") | sums(folder, "*.onnx"),
            readable,
        ),
        "data compose": Work(compose, compose, sums, unbroken),
        "data prepare": Work(prepare, prepare, lambda folder: sums(folder, besides=("log.jsonl",)), unbroken),
        "export-site": Work(site, site, sums, lambda _: ""),
    }


def ran(command: list[str], seconds: float | None, log: Path) -> int | None:
    """The exit code, or None where it was killed after so many seconds."""
    with log.open("ab") as file, subprocess.Popen([*PROGRAM, *command], stdout=file, stderr=file) as process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None


def study(name: str, kills: int, draws: random.Random) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        faces, log = pictures(root / "digits"), root / "log"
        calm, killed = root / "calm", root / "killed"
        work = kinds(faces, calm)[name]
        start = time.monotonic()
        if ran(work.begin, None, log) != 0:
            raise SystemExit(log.read_text())
        lasts = time.monotonic() - start
        wanted = work.made(calm)
        work = kinds(faces, killed)[name]
        done, begun, wrong = 0, False, []
        while done < kills:
            command = work.again if begun else work.begin
            code = ran(command, draws.uniform(0.3, 1.1 * lasts), log)
            if code is None:
                done += 1
            elif code == 0:  # it came to its end: begin anew
                if work.made(killed) != wanted:
                    wrong.append("another result")
                shutil.rmtree(killed)
            else:
                wrong.append(log.read_text().strip().splitlines()[-1])
                shutil.rmtree(killed, ignore_errors=True)
            if killed.exists() and (what := work.whole(killed)):
                wrong.append(what)
            begun = name != "training" or (
                (killed / "training").exists() and bool(list(killed.glob("training/checkpoint*/run.json")))
            )
        code = ran(work.again if begun else work.begin, None, log)
        same = code == 0 and work.made(killed) == wanted
        if code != 0:
            wrong.append(log.read_text().strip().splitlines()[-1])
        print(
            f"| {name} | {lasts:.0f} s | {done} | {len(wrong)} | {'the same' if same else 'NOT the same'} |", flush=True
        )
        for line in dict.fromkeys(wrong):
            print(f"  {line}")
        return same and not wrong


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("kinds", nargs="*", help="training, data compose, data prepare, export-site; all without one")
    options.add_argument("--kills", type=int, default=0, help="50 of training and 20 of the others without it")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    draws = random.Random(given.seed)
    print("| work | lasts, calm | kills | wrong | at the end |\n|---|---|---|---|---|")
    names = given.kinds or ["training", "data compose", "data prepare", "export-site"]
    good = [study(name, given.kills or (50 if name == "training" else 20), draws) for name in names]
    raise SystemExit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
