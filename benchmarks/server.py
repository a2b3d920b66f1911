"""How much does `minifaces serve` take, and what does it do when it is asked for more?

python benchmarks/server.py                 (needs wrk: apt-get install wrk)
python benchmarks/server.py --seconds 60    for figures to quote
python benchmarks/server.py --minutes 10    what memory it takes, minute by minute, while it draws new avatars

A server of its own on loopback, wrk beside it on the same cores. Avatars are of texts that nobody asked for before."""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FRESH = """
local asked = 0
local mark = tostring(os.time()) .. tostring({}):sub(8)
function request()
  asked = asked + 1
  return wrk.format("GET", "/avatar/" .. mark .. asked .. ".%s")
end
"""


@contextmanager
def serving() -> Iterator[tuple[str, int]]:
    """The address of a server, and its process."""
    command = [sys.executable, "-m", "minifaces", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        address = process.stdout.readline().split()[0].rstrip("/")
        try:
            while not reached(f"{address}/readyz"):
                time.sleep(0.2)
            yield address, process.pid
        finally:
            process.terminate()


def reached(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def memory(pid: int) -> float:
    """Resident megabytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000  # type: ignore[index]


def wrk(address: str, seconds: float, connections: int, *more: str) -> dict[str, float]:
    """Answers a second and their times, of good ones and others."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", *more, address]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    units = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}

    def time_of(share: str) -> float:
        number, unit = re.search(rf"{share}%\s+([\d.]+)(us|ms|s|m)\b", told).groups()  # type: ignore[union-attr]
        return float(number) * units[unit]

    total = int(re.search(r"(\d+) requests in ", told)[1])  # type: ignore[index]
    others = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", told)
    refused = int(others[1]) if others else 0
    return {
        "rate": (total - refused) / seconds,
        "p50": time_of("50"),
        "p99": time_of("99"),
        "refused": refused,
        "broken": sum(map(int, broken.groups())) if broken else 0,
    }


def row(what: str, found: dict[str, float]) -> None:
    print(
        f"| {what} | {found['rate']:,.0f} | {found['p50']:.1f} | {found['p99']:.1f} | {found['refused']:.0f} "
        f"| {found['broken']:.0f} |",
        flush=True,
    )


def memory_by_minute(address: str, pid: int, script: Path, minutes: int) -> None:
    print("| minute | resident MB | good answers a second |\n|---|---|---|", flush=True)
    print(f"| 0 | {memory(pid):.0f} | - |", flush=True)
    for minute in range(1, minutes + 1):
        rate = wrk(address, 60, 16, "-s", str(script))["rate"]
        print(f"| {minute} | {memory(pid):.0f} | {rate:.0f} |", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=10, help="of each row")
    options.add_argument("--minutes", type=int, default=0, help="only this: memory under load for so long")
    given = options.parse_args()
    seconds = given.seconds
    if not shutil.which("wrk"):
        raise SystemExit("wrk is missing: apt-get install wrk")
    with tempfile.TemporaryDirectory() as scratch, serving() as (address, pid):
        scripts = {kind: Path(scratch) / f"{kind}.lua" for kind in ("png", "webp")}
        for kind, path in scripts.items():
            path.write_text(FRESH % kind, encoding="ascii")
        if given.minutes:
            memory_by_minute(address, pid, scripts["png"], given.minutes)
            return
        with urllib.request.urlopen(f"{address}/avatar/Ada.png") as answer:
            tag = answer.headers["ETag"]
        before = memory(pid)
        print("| asked | good answers a second | p50 ms | p99 ms | refused | broken |\n|---|---|---|---|---|---|")
        row(
            "an avatar that one has (304)", wrk(f"{address}/avatar/Ada.png", seconds, 16, "-H", f"If-None-Match: {tag}")
        )
        row("the page", wrk(address, seconds, 16))
        for kind, path in scripts.items():
            row(f"new avatars, {kind}", wrk(address, seconds, 16, "-s", str(path)))
        held = [memory(pid)]
        row("new avatars, png, 640 at once", wrk(address, seconds, 640, "-s", str(scripts["png"])))
        start = time.monotonic()
        while not reached(f"{address}/avatar/after{time.time()}.png"):
            time.sleep(0.05)
        print(f"\nafter that the next avatar came within {time.monotonic() - start:.1f} s")
        held.append(memory(pid))
        print(f"resident: {before:.0f} MB before, {held[0]:.0f} MB after the avatars, {held[1]:.0f} MB after all")


if __name__ == "__main__":
    main()
