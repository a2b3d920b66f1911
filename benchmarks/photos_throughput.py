"""How many pictures a second `minifaces data prepare` imports, splits, frames and screens, and in how much memory.

    python benchmarks/photos_throughput.py [--counts 1000 10000 100000] [--workers 2] [--folder /tmp/pictures]

Composes 128 px faces to JPEG files (kept in the folder for the next time), then runs the command on the first 1,000,
the first 10,000 and so on, each in a fresh process, and watches its memory: that of the process that writes, and the
largest of a worker. The rate includes the start; the CPU seconds of a picture tell, on a busy machine, what an idle one
would reach."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
from PIL import Image

from minifaces.ldraw.composed import composed_faces
from shared import command_line

FOLDER = 1000  # pictures in a sub-folder


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--workers", default="2")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/minifaces-pictures"))
    arguments = parser.parse_args()
    make_pictures(arguments.folder, max(arguments.counts))
    print("pictures  seconds  a second  CPU ms each  writer MB  worker MB")
    for count in arguments.counts:
        seconds, cpu, writer, worker = measure(arguments.folder, count, arguments.workers)
        rate, each = count / seconds, 1000 * cpu / count
        print(f"{count:8,d}  {seconds:7.1f}  {rate:8.0f}  {each:11.1f}  {writer:9.0f}  {worker:9.0f}", flush=True)


def make_pictures(folder: Path, count: int) -> None:
    if (folder / f"{(count - 1) // FOLDER:03}" / f"{count - 1:06}.jpg").exists():
        return
    for number, (face, _) in enumerate(composed_faces(count, 128, seed=11)):
        path = folder / f"{number // FOLDER:03}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(face).save(path, quality=88, subsampling=0)


def measure(folder: Path, count: int, workers: str) -> tuple[float, float, float, float]:
    """Seconds, CPU seconds, and the most MB that the writing process and a worker had."""
    sources = [str(folder / f"{n:03}") for n in range(count // FOLDER)]
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    command = [sys.executable, "-m", "minifaces.cli.main", "data", "prepare", *sources, "-o", str(work)]
    start = time.perf_counter()
    process = psutil.Popen([*command, "--workers", workers], stdout=subprocess.DEVNULL)
    writer = worker = cpu = 0.0
    while process.poll() is None:
        try:
            children = process.children(recursive=True)
            times = [p.cpu_times() for p in (process, *children)]
            writer = max(writer, process.memory_info().rss / 1e6)
            worker = max([worker, *(child.memory_info().rss / 1e6 for child in children)])
            cpu = max(cpu, sum(t.user + t.system for t in times))
        except psutil.NoSuchProcess:
            continue
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:5])} ... failed")
    seconds = time.perf_counter() - start
    shutil.rmtree(work)
    return seconds, cpu, writer, worker


if __name__ == "__main__":
    main()
