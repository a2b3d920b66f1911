"""Workers are counted by the cores that a process may use, not by those of the host."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minifaces.cores import cores

HERE = cores(Path("/nonexistent"))


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "allowed"),
    [
        ({}, 99),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, 99),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 2),
        # of nested groups the tightest counts
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "100000 100000\n"}, 1),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
          "sys/fs/cgroup/cpu.max": "100000 100000\n"}, 1),
        # a container that shows the host's path
        ({"proc/self/cgroup": "0::/docker/1234/../x\n", "sys/fs/cgroup/cpu.max": "100000 100000\n"}, 1),
        # version 1
        ({"proc/self/cgroup": "3:memory:/\n2:cpu,cpuacct:/box\n", "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "100000\n",
          "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000\n"}, 1),
        ({"proc/self/cgroup": "2:cpu:/\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
          "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, 99),
        ({"proc/self/cgroup": "3:cpu,cpuacct:/box\n", "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
          "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n"}, 1),
        # both
        ({"proc/self/cgroup": "1:cpuset:/\n0::/x\n", "sys/fs/cgroup/unified/x/cpu.max": "100000 100000"}, 1),
        ({"proc/self/cgroup": "0::/x\n1:cpu:/x\n", "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "100000\n",
          "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000\n"}, 1),
        ({"proc/self/cgroup": "0::/a:b\n", "sys/fs/cgroup/a:b/cpu.max": "100000 100000\n"}, 1),
        # damaged ones are no limit
        ({"proc/self/cgroup": "0::/a\0b\n"}, 99),
        ({"proc/self/cgroup": f"0::/{'a' * 9000}\n"}, 99),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "inf inf\n"}, 99),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": f"1{'0' * 400} 1\n"}, 99),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max/x": ""}, 99),
        ({"proc/self/cgroup": "no group\n"}, 99),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "lots\n"}, 99),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "100000 0\n"}, 99),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": ""}, 99),
    ],
)  # fmt: skip
def test_control_groups(tmp_path: Path, files: dict[str, str], allowed: int) -> None:
    assert cores(tree(tmp_path, files)) == min(HERE, allowed)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen here")
def test_a_process_that_is_bound_to_one_core() -> None:
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    code += "from minifaces.cli.common import workers_of\n"
    code += "from minifaces.cores import cores; print(cores(), workers_of(None))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["1", "1"]
