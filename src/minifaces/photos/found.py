"""What a source yields: a picture file's bytes with where they came from, or why they cannot be had."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_BYTES = 100_000_000
"""No picture file needs more."""

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


def mark(source: str) -> int:
    """8 bytes stand for a source: 100,000 names would take memory."""
    return int.from_bytes(hashlib.blake2b(source.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def too_large(size: int, most_bytes: int) -> str:
    """The problem of a file of more bytes than are taken."""
    return f"has {size:,} bytes, more than {most_bytes:,}"
