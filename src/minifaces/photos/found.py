"""What a source yields: a picture file's bytes with where they came from, or why they cannot be had."""

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_BYTES = 100_000_000
"""No picture file needs more."""

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

Known = Callable[[str], bool]
"""Tells whether the picture of a source name was read before."""


@dataclass(frozen=True)
class Found:
    """Either `data` or `problem` is None. The problem is a line that goes on from the source's name."""

    source: str
    data: bytes | None
    problem: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    etag: str | None = None
    page: str | None = None
    part: str | None = None


def shown(path: str | os.PathLike[str]) -> str:
    """A path as text that can be written anywhere; bytes that are no UTF-8 and control characters are spelled out."""
    return spelled(os.fsencode(path).decode("utf-8", "backslashreplace"))


def spelled(text: str) -> str:
    """Text without what a terminal would obey, a table breaks at or no file can hold: `\\x1b`, `\\r`, `\\ud800`."""
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def mark(source: str) -> int:
    """8 bytes stand for a source: 100,000 names would take memory."""
    return int.from_bytes(hashlib.blake2b(source.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def too_large(size: int, most_bytes: int) -> str:
    """The problem of a file of more bytes than are taken."""
    return f"has {size:,} bytes, more than {most_bytes:,}"
