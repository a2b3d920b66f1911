"""What callers give, as what it stands for, or one line that says what is wrong with it.

n = whole("the number of faces", np.int64(3), 1, 100)     # 3, an int
points = numbers("coordinates", [[0, 1], [2, 3]])         # an array
"""

import difflib
import math
import operator
import os
from collections.abc import Sequence
from numbers import Real
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minifaces.errors import UsageError

_LARGEST = float(np.finfo(np.float32).max)


def one_of(what: str, name: str, known: Sequence[str]) -> str:
    """A name that is among the known ones. UsageError for any other."""
    if word(f"the {what}", name) not in known:
        raise UsageError(unknown(what, name, known))
    return name


def unknown(what: str, name: str, known: Sequence[str]) -> str:
    """The message for a name that is not among the known ones: the close ones first, or else all of them."""
    close = difflib.get_close_matches(name, known, n=3)
    remedy = f"do you mean {' or '.join(close)}?" if close else f"the known are {', '.join(known) or 'none'}"
    return f"unknown {what} {name!r}; {remedy}"


def whole(what: str, number: SupportsIndex, least: int, most: int) -> int:
    """A whole number, Python's, numpy's or of any other kind that counts, as an int.

    UsageError for what is none (1.5, 2.0, "7", None, True) and unless least <= number <= most."""
    try:
        if isinstance(number, bool):
            raise TypeError
        value = operator.index(number)
    except TypeError:
        raise UsageError(f"{what} must be a whole number, not {told(number)}") from None
    if not least <= value <= most:
        raise UsageError(f"{what} must be from {least} to {_said(most)}, not {_said(value)}")
    return value


def within(what: str, number: Any, least: float, most: float) -> float:
    """A `real` number. UsageError unless least <= number <= most, which NaN is not."""
    value = real(what, number)
    if not least <= value <= most:
        raise UsageError(f"{what} must be from {least:g} to {most:g}, not {value:g}")
    return value


def real(what: str, number: Any) -> float:
    """A real number, Python's or numpy's, as a float. UsageError for what is none ("1", None, True, 1j, [1.0])."""
    value = number.item() if isinstance(number, np.ndarray) and number.ndim == 0 else number
    if isinstance(value, bool) or not isinstance(value, Real):
        raise UsageError(f"{what} must be a number, not {told(number)}")
    try:
        return float(value)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def numbers(what: str, values: ArrayLike, most: float = _LARGEST) -> NDArray[Any]:
    """Real numbers as an array of their own kind, of any shape. UsageError for anything else (texts, truths, complex
    numbers, rows of several lengths) and unless all are finite and from -most to most (by default all that
    float32 holds)."""
    try:
        found = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):  # among them tensors of a GPU, or with a gradient
        found = np.asarray(None)
    if found.dtype.kind not in "fiu":
        raise UsageError(f"{what} must be numbers in rows of one length, not {told(values)}")
    end = np.float64(most)  # also of numbers that are too short for it; and the least whole number has no abs()
    if not ((found >= -end) & (found <= end)).all():
        raise UsageError(f"{what} must be finite and from {-most:g} to {most:g}")
    return found


def flag(what: str, value: Any) -> bool:
    """Python's or numpy's True or False, as a bool. UsageError for anything else, such as "no", which Python takes
    for true."""
    found = value.item() if isinstance(value, np.ndarray | np.generic) and value.ndim == 0 else value
    if not isinstance(found, bool):
        raise UsageError(f"{what} must be True or False, not {told(value)}")
    return found


def word(what: str, text: str) -> str:
    """A text as it is. UsageError for anything else."""
    if not isinstance(text, str):
        raise UsageError(f"{what} must be a text (str), not {told(text)}")
    return text


def file_name(what: str, name: str | os.PathLike[str]) -> str:
    """The name of a file or folder as a str. UsageError for what cannot be one: 7, b"x.png", "", a zero byte."""
    try:
        text = os.fspath(name)
    except TypeError:
        text = None
    if not isinstance(text, str) or not text or "\0" in text:
        raise UsageError(f"{what} must be named by a str or Path, not {told(name)}")
    return text


def told(value: object) -> str:
    """A value as its complaint shows it: short, and with its type, which is often what is wrong."""
    kind = type(value).__name__
    if isinstance(value, np.ndarray):
        return f"{kind} {value.shape} of {value.dtype}"
    try:
        text = f"{kind} {value!r}"
    except Exception:  # a number of too many digits, or whatever an object's own code raises
        return kind
    return text if len(text) <= 60 and "\n" not in text else kind


def _said(number: int) -> str:
    """A number as people say it: of 2^128 - 1 nobody reads the digits."""
    if number >= 2**63 - 1 and number & (number + 1) == 0:
        return f"2^{number.bit_length()} - 1"
    return str(number) if number.bit_length() <= 200 else f"one of {number.bit_length()} bits"
