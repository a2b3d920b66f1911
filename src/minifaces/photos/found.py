"""What a source yields: a picture file's bytes with where they came from, or why they cannot be had."""

import hashlib
from dataclasses import dataclass, field

MOST_BYTES = 100_000_000
"""No picture file needs more."""


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


def mark(*texts: str) -> int:
    """8 bytes stand for a source, or for a source and what it held: 100,000 names would take memory."""
    data = "\0".join(texts).encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
