"""What a report is made of: parts with tables and pictures. The metrics fill them, `report` writes them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from minifaces.arrays import Pixels
from minifaces.evaluate.intervals import Interval

Value = Interval | float | int | str
Progress = Callable[[str, float], None]
"""told what is being done and the share of it that is"""


@dataclass(frozen=True)
class Table:
    """`rows` name -> column -> value; a row may leave columns out. `note` explains how to read it."""

    name: str
    columns: tuple[str, ...]
    rows: dict[str, dict[str, Value]]
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """`pixels` (height, width, 3) uint8, saved as `name`.png."""

    name: str
    caption: str
    pixels: Pixels


@dataclass(frozen=True)
class Part:
    """One chapter of a report."""

    name: str
    title: str
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
