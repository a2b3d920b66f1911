"""The complaints that several places make: an unknown name, an impossible number."""

import difflib
import operator
from collections.abc import Sequence
from numbers import Real
from typing import Any, SupportsIndex

import numpy as np

from minifaces.errors import UsageError


def unknown(what: str, name: object, known: Sequence[str]) -> str:
    """The message for a name that is not among the known ones: the close ones first, or else all of them."""
    close = difflib.get_close_matches(str(name), known, n=3)
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
        raise UsageError(f"{what} must be a whole number, not {_told(number)}") from None
    if not least <= value <= most:
        raise UsageError(f"{what} must be from {least} to {_end(most)}, not {value}")
    return value


def within(what: str, number: Any, least: float, most: float) -> float:
    """A real number, Python's or numpy's, as a float. UsageError for what is none, and unless least <= number <= most,
    which NaN is not."""
    value = number.item() if isinstance(number, np.ndarray) and number.ndim == 0 else number
    if isinstance(value, bool) or not isinstance(value, Real):
        raise UsageError(f"{what} must be a number, not {_told(number)}")
    real = float(value)
    if not least <= real <= most:
        raise UsageError(f"{what} must be from {least:g} to {most:g}, not {number}")
    return real


def word(what: str, text: str) -> str:
    """A text as it is. UsageError for anything else."""
    if not isinstance(text, str):
        raise UsageError(f"{what} must be a text (str), not {_told(text)}")
    return text


def _end(most: int) -> str:
    """A number as people say it: of 2^128 - 1 nobody reads the digits."""
    return f"2^{most.bit_length()} - 1" if most >= 2**63 - 1 and most & (most + 1) == 0 else str(most)


def _told(value: object) -> str:
    """A value as its complaint shows it: short, and with its type, which is often what is wrong."""
    text = f"{type(value).__name__} {value!r}"
    return text if len(text) <= 60 and "\n" not in text else type(value).__name__
