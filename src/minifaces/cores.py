"""How many of the machine's cores this process may use: what workers and threads are counted by.

A host's cores say little: a container or a `taskset` may allow two of sixty-four."""

import math
import os
from pathlib import Path, PurePosixPath

_ROOT = Path("/")


def cores(root: Path = _ROOT) -> int:
    """The least of: the cores that Python may use (`os.process_cpu_count`, from Python 3.13), those that the process is
    bound to, and what its control groups (cgroup v2 `cpu.max`, v1 `cpu.cfs_quota_us`) allow it, rounded up. At least 1.

    `root` is where /proc and /sys are looked for."""
    allowed: list[float] = [getattr(os, "process_cpu_count", os.cpu_count)() or 1]
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        allowed.append(len(os.sched_getaffinity(0)))
    return max(1, math.ceil(min(*allowed, *_quotas(root))))


def _quotas(root: Path) -> list[float]:
    """The cores that each control group of this process allows; infinity among them."""
    found = [math.inf]
    for line in _lines(root / "proc/self/cgroup"):
        _, _, rest = line.partition(":")
        controllers, _, place = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        mounted = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        # In a container the group's own path is often that of the host, and only the top is to be seen.
        path = PurePosixPath("/", place).relative_to("/")
        for part in (path, *path.parents):
            found.append(_quota(mounted / part, version=1 if controllers else 2))
    return found


def _quota(group: Path, version: int) -> float:
    if version == 2:
        words = " ".join(_lines(group / "cpu.max")).split()
    else:
        words = [*_lines(group / "cpu.cfs_quota_us"), *_lines(group / "cpu.cfs_period_us")]
    try:
        quota, period = (float(word) for word in words)  # "max" and anything odd is no limit
    except ValueError:
        return math.inf
    return quota / period if quota > 0 and period > 0 else math.inf


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
