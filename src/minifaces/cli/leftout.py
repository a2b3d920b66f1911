"""Tell what `minifaces data prints` left out of a library: `left_out` is part -> reason.

What a part is (an alias, a blank head) is counted. What is wrong with it is told: such a reason is the kind of fault, a
colon, and the fault."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

from rich.table import Table

from minifaces.files import spelled, write_text

_MOST = 10  # of a kind that are told one by one, and of names in a line
_LONGEST = 300  # characters of a line


def write(path: Path, left_out: Mapping[str, str]) -> None:
    """The reason of each part as CSV."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["part", "left out because"])
    rows.writerows([spelled(part), spelled(why)] for part, why in sorted(left_out.items()))
    write_text(path, text.getvalue())


def summary(left_out: Mapping[str, str]) -> Table:
    """How many parts were left out for which kind of reason."""
    table = Table("left out because", "count")
    for kind, count in Counter(why.split(": ")[0].split(" as ")[0] for why in left_out.values()).most_common():
        table.add_row(kind, str(count))
    return table


def faults(left_out: Mapping[str, str]) -> Iterator[str]:
    """A line for each fault and the parts that have it; where a kind of fault has many, one for all of them."""
    faulty = sorted((*why.split(": ", 1), part) for part, why in left_out.items() if ": " in why)
    for kind, of_kind in groupby(faulty, lambda row: row[0]):
        parts_of: dict[str, list[str]] = {}
        for _, fault, part in of_kind:
            parts_of.setdefault(fault.removeprefix(f"{part}.dat "), []).append(part)
        if len(parts_of) > _MOST:
            parts_of = {kind: [part for parts in parts_of.values() for part in parts]}
        for fault, parts in parts_of.items():
            names = ", ".join(parts[:_MOST])
            line = f"{names}: {fault}" if len(parts) <= _MOST else f"{len(parts)} parts: {fault} ({names} ...)"
            yield f"left out {line}"[:_LONGEST]
