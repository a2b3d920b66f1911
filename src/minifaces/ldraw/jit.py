"""Compile with numba, and keep what was compiled from run to run wherever there is a place for it.

    @jit(parallel=True)
    def _kernel(faces, ...): ...

Compiled code is kept beside its module, in the user's cache or in NUMBA_CACHE_DIR, whichever numba can write first. It
saves ten seconds a run and nothing else, so a read-only install without a home, a full disk or a damaged file is no
reason to stop: then each run compiles anew, to the same code."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba


def jit(function: Callable[..., Any] | None = None, *, parallel: bool = False) -> Any:
    """`function` compiled at its first call, or what compiles one (as a decorator with an option)."""
    if function is None:
        return lambda function: jit(function, parallel=parallel)
    compiled = numba.njit(parallel=parallel)(function)
    if _place_is_known():
        with suppress(RuntimeError, OSError, AttributeError):  # no place to write, or another numba
            compiled.enable_caching()
            compiled._cache = _Kept(compiled._cache)
    return compiled


def elementwise(signature: str) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function of numbers, at once, to one of arrays: `signature` as "float64(float64)"."""

    def compile_(function: Callable[..., Any]) -> Any:
        with suppress(Exception):  # no place, or what is kept there cannot be read or replaced
            return numba.vectorize([signature], cache=_place_is_known())(function)
        return numba.vectorize([signature])(function)

    return compile_


class _Kept:
    """numba's cache of one function, except that a fault of the place where it keeps things ends nothing.

    What cannot be read counts as not there, and makes room for what is compiled instead. A damaged file can be
    unpickled to any exception."""

    def __init__(self, cache: Any) -> None:
        self.cache = cache

    def load_overload(self, *wanted: Any) -> Any:
        try:
            return self.cache.load_overload(*wanted)
        except Exception:
            with suppress(Exception):
                self.cache.flush()
            return None

    def save_overload(self, *compiled: Any) -> None:
        with suppress(Exception):
            self.cache.save_overload(*compiled)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cache, name)


def _place_is_known() -> bool:
    """Whether the user's cache is a certain place. Where nobody knows the home, numba makes a folder named "~" wherever
    it is run."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        return True
    try:
        return (Path(os.environ["XDG_CACHE_HOME"]) if "XDG_CACHE_HOME" in os.environ else Path.home()).is_absolute()
    except RuntimeError:
        return False
