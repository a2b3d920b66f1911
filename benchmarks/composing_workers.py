"""How many faces a second `minifaces data compose` writes by itself, with one worker and with two.

    python benchmarks/composing_workers.py [--count 3000] [--size 128] [--rounds 3]

Runs the whole command, in turn and in fresh processes, into a folder that is removed; the start, half a minute for all
stages at 128 px with each worker, is included. The CPU seconds of a face tell, on a busy machine, what an idle one
would reach. Checks that all of them write the same bytes."""

import hashlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shared import command_line

WAYS = {"this process": [], "1 worker": ["--workers", "1"], "2 workers": ["--workers", "2"]}


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    taken: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    sums = set()
    wanted = ["-n", str(arguments.count), "--size", str(arguments.size)]
    for _ in range(arguments.rounds):
        for way, options in WAYS.items():
            with tempfile.TemporaryDirectory() as folder:
                taken[way].append(measure([*options, *wanted], folder))
                sums.add(sum_of(Path(folder)))
    print(f"{arguments.count:,} faces of {arguments.size} px; {'the same' if len(sums) == 1 else 'OTHER'} bytes")
    print("composed by     seconds (spread)      a second  CPU ms each")
    for way, times in taken.items():
        seconds = sorted(wall for wall, _ in times)
        middle, cpu = statistics.median(seconds), statistics.median(cpu for _, cpu in times)
        spread = f"{seconds[0]:.1f} to {seconds[-1]:.1f}"
        rate, each = arguments.count / middle, 1000 * cpu / arguments.count
        print(f"{way:14s}  {middle:7.1f} ({spread:>13s})  {rate:8.0f}  {each:11.2f}")


def measure(options: list[str], folder: str) -> tuple[float, float]:
    """Seconds, and seconds of the processors."""
    command = [sys.executable, "-m", "minifaces", "data", "compose", *options, "-o", f"{folder}/faces"]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def sum_of(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        found.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return found.hexdigest()


if __name__ == "__main__":
    main()
