"""Compiled code is kept where it can be, and where it cannot, runs end as they would: with the same numbers.

No test needs to be, or not to be, root: a file where a folder should be stops both."""

import importlib.util
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import ModuleType

import numba
import numpy as np
import pytest

SRC = Path(__file__).parents[1] / "src"
MODULE = """
from minifaces.ldraw.jit import elementwise, jit

@jit
def double(x):
    return 2 * x

@elementwise("float64(float64)")
def half(x):
    return x / 2
"""

Load = Callable[[], ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Import a module of compiled functions anew, as each run does; the user's cache is `tmp_path / "cache"`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    source = tmp_path / "package" / "compiled.py"
    source.parent.mkdir()
    source.write_text(MODULE)
    (source.parent / "__pycache__").touch()  # so that nothing can be kept beside the module
    monkeypatch.chdir(source.parent)
    number = count()

    def load() -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"compiled{next(number)}", source)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def works(module: ModuleType) -> bool:
    """See that the functions answer rightly; whether `double` was found compiled."""
    assert module.double(21) == 42
    np.testing.assert_array_equal(module.half(np.arange(3.0)), [0, 0.5, 1])
    return bool(module.double.stats.cache_hits)


def kept(tmp_path: Path, suffix: str) -> list[Path]:
    return sorted((tmp_path / "cache").rglob(f"*{suffix}"))


def test_what_was_compiled_is_kept(load: Load, tmp_path: Path) -> None:
    assert not works(load())
    assert len(kept(tmp_path, ".nbi")) == len(kept(tmp_path, ".nbc")) == 2
    assert works(load())


@pytest.mark.parametrize(
    "environment",
    [
        {"XDG_CACHE_HOME": "/proc/nowhere"},
        {"XDG_CACHE_HOME": None, "HOME": "/proc/nowhere"},
        {"XDG_CACHE_HOME": None, "HOME": "home"},  # numba would make it wherever it is run
        {"XDG_CACHE_HOME": "caches"},
        {"XDG_CACHE_HOME": ""},
        {"XDG_CACHE_HOME": "/proc/nowhere", "NUMBA_CACHE_DIR": "/proc/nowhere"},
        {"XDG_CACHE_HOME": "/dev/null/cache", "HOME": "/dev/null"},
    ],
)
def test_no_place_to_keep_it(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str | None]
) -> None:
    for name, value in environment.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(numba.config, "CACHE_DIR", environment.get("NUMBA_CACHE_DIR", ""))
    assert not works(load())
    assert sorted(p.name for p in (tmp_path / "package").iterdir()) == ["__pycache__", "compiled.py"]


def test_nobody_knows_the_home(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without an entry in /etc/passwd, and no HOME: numba would make a folder named "~"."""
    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    assert not works(load())
    assert sorted(p.name for p in (tmp_path / "package").iterdir()) == ["__pycache__", "compiled.py"]


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk(load: Load, tmp_path: Path) -> None:
    with full_disk():
        assert not works(load())
    assert not kept(tmp_path, ".nb?")
    assert not works(load())
    assert works(load())


def test_a_place_that_goes_away_during_the_run(load: Load, tmp_path: Path) -> None:
    module = load()
    (tmp_path / "cache").rename(tmp_path / "gone")
    (tmp_path / "cache").touch()
    assert not works(module)


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        (".nbi", b"junk"),
        (".nbi", "cut"),
        (".nbi", "folder"),
        (".nbc", b""),
        (".nbc", b"cos\nnowhere\n."),  # an object of no module
        (".nbc", "cut"),
    ],
)
def test_damaged_files(load: Load, tmp_path: Path, suffix: str, damage: bytes | str) -> None:
    works(load())
    for path in kept(tmp_path, suffix):
        data = path.read_bytes()
        path.unlink()
        if damage == "folder":
            path.mkdir()
        else:
            path.write_bytes(data[: len(data) // 2] if isinstance(damage, str) else damage)
    assert not works(load())
    if damage != "folder":
        assert works(load())  # it has been put right


def test_an_install_without_a_place(tmp_path: Path) -> None:
    """The package itself, where nothing can be written, run by a user without a home."""
    for path in SRC.rglob("*.py"):
        copy = tmp_path / path.relative_to(SRC)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (tmp_path / "minifaces" / "ldraw" / "__pycache__").touch()
    script = """
import minifaces.ldraw.compose, minifaces.ldraw.head as head, minifaces.ldraw.recombine
print(head.__file__, head._compiled_v_of(13.0, 9.0), minifaces.ldraw.compose.tone(0.5))
"""
    environment = {k: v for k, v in os.environ.items() if k not in ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR")}
    environment |= {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/proc/nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{tmp_path}/minifaces/ldraw/head.py 12.0 0.5\n"


def test_one_module_decides_what_is_kept() -> None:
    text = {path.name: path.read_text(encoding="utf-8") for path in SRC.rglob("*.py")}
    assert [name for name, code in text.items() if re.search(r"cache=(True|_)", code)] == ["jit.py"]
    # compose.py compiles once more in forked processes, and never keeps that.
    compiling = {name for name, code in text.items() if re.search(r"numba\.(n?jit|(gu)?vectorize|c?func)", code)}
    assert compiling == {"compose.py", "jit.py"}
