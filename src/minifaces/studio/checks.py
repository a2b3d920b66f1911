"""The complaints that several places make: an unknown name, an impossible number."""

import difflib
from collections.abc import Sequence

from minifaces.errors import UsageError


def unknown(what: str, name: str, known: Sequence[str]) -> str:
    """The message for a name that is not among the known ones: the close ones first, or else all of them."""
    close = difflib.get_close_matches(name, known, n=3)
    remedy = f"do you mean {' or '.join(close)}?" if close else f"the known are {', '.join(known) or 'none'}"
    return f"unknown {what} {name!r}; {remedy}"


def within(what: str, number: float, least: float, most: float) -> None:
    """UsageError unless least <= number <= most, which NaN is not."""
    if not least <= number <= most:
        raise UsageError(f"{what} must be from {least:g} to {most:g}, not {number}")
