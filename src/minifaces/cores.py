"""How many of the machine's cores this process may use: what workers and threads are counted by.

A host's cores say little: a container or a `taskset` may allow two of sixty-four."""

import itertools
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
        # Version 1 has a folder for each group of controllers, beside which version 2 may be mounted lower down.
        mounts = ("cpu", controllers) if controllers else ("", "unified")
        # In a container the group's own path is often that of the host, and only the top is to be seen.
        path = PurePosixPath("/", place).relative_to("/")
        for mount, part in itertools.product(mounts, (path, *path.parents)):
            found.append(_quota(root / "sys/fs/cgroup" / mount / part, version=1 if controllers else 2))
    return found


def _quota(group: Path, version: int) -> float:
    if version == 2:
        words = " ".join(_lines(group / "cpu.max")).split()
    else:
        words = [*_lines(group / "cpu.cfs_quota_us"), *_lines(group / "cpu.cfs_period_us")]
    try:
        quota, period = (int(word) for word in words)  # "max" and anything odd is no limit
        return quota / period if quota > 0 and period > 0 else math.inf
    except (ValueError, OverflowError):
        return math.inf


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):  # missing, no UTF-8, or a path of which a byte is zero
        return []
