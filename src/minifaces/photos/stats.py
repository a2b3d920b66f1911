"""What is in a work folder, a data set or any folder of pictures: counts, splits, colours, light, angle, repetitions.

    stats = measure("faces")
    print(stats.tables["split"])        # {"train": 80, "validation": 10, "test": 10}
    write_page("stats.html", stats)     # photos/statspage.py

Each picture is read once and forgotten; numbers and the paths of a few examples are kept."""

import os
import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from minifaces.arrays import Doubles, Pixels, Places
from minifaces.cores import cores
from minifaces.errors import UsageError
from minifaces.folders import is_work_folder
from minifaces.headcolours import head_colours
from minifaces.images import read_picture, square
from minifaces.listing import list_dataset
from minifaces.photos.apply import plan
from minifaces.photos.brightness import brightness, ground_colour
from minifaces.photos.duplicates import Index, hash_of
from minifaces.photos.frame import Framed
from minifaces.photos.review import words
from minifaces.photos.screen import screen
from minifaces.photos.workfolder import Box, Work

SIDE = 128
"""Pixels a side to which pictures of a data set are brought before they are looked at."""

UNITS = {"brightness": "of white", "yaw": "degrees", "pitch": "degrees", "sure": "of 1"}
"""What is measured or known in numbers, and in which unit."""

_NUMBERS = tuple(name for name in UNITS if name != "brightness")
"""What metadata may say of it: brightness is always measured."""

_BATCH = 64  # pictures looked at together
_AHEAD = 64  # pictures read ahead
_EXAMPLES = 5  # pictures kept from either end of a spread
_MOST_VALUES = 12  # different values of an attribute that are told one by one
_TOLD_OTHERWISE = {"file_name", "design", "split"}
_OWN = {"colour", "ground", "brightness", "problem", "attribute", "folder", "kind", "counts"}
"""Names of what is measured or told here: an attribute of such a name is kept apart from it."""
_TRUTHS = {"true", "false"}


class Subject(NamedTuple):
    """A picture to be measured, and what is known of it beforehand."""

    path: Path
    facts: Mapping[str, str]
    """Counted: name of the table -> value."""
    numbers: Mapping[str, float]
    """Name of the spread -> value."""


@dataclass
class Spread:
    """Numbers of one kind, with the pictures of the least and of the most of them."""

    unit: str
    values: list[float] = field(default_factory=list)
    least: list[tuple[float, Path]] = field(default_factory=list)
    most: list[tuple[float, Path]] = field(default_factory=list)

    def add(self, value: float, path: Path) -> None:
        self.values.append(value)
        self.least = sorted([*self.least, (value, path)])[:_EXAMPLES]
        self.most = sorted([*self.most, (value, path)], reverse=True)[:_EXAMPLES]

    def quantiles(self) -> dict[str, float]:
        """The least, 5th percentile, median, 95th percentile and the most."""
        names = ("least", "5 %", "median", "95 %", "most")
        found = np.percentile(self.values, [0, 5, 50, 95, 100])
        return {name: round(float(value), 3) for name, value in zip(names, found, strict=True)}

    def histogram(self, bins: int = 24) -> tuple[Places, Doubles]:
        """(bins,) counts and (bins + 1,) edges; of shares over all of 0 to 1."""
        counts, edges = np.histogram(self.values, bins, (0, 1) if self.unit in ("of white", "of 1") else None)
        return counts.astype(np.int64), edges


@dataclass
class Stats:
    """What was found; see `as_json` for its shape without pictures."""

    folder: Path
    kind: str
    """ "work folder", or "pictures" for a data set or any other folder."""
    counts: dict[str, int] = field(default_factory=dict)
    tables: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    totals: dict[str, int] = field(default_factory=dict)
    """Of tables where a picture may count several times or not at all: how many pictures there are."""
    spreads: dict[str, Spread] = field(default_factory=dict)
    examples: dict[tuple[str, str], Path] = field(default_factory=dict)
    """One picture of each (table, value)."""

    def as_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "kind": self.kind,
            "counts": self.counts,
            **{name: dict(table.most_common()) for name, table in self.tables.items()},
            **{name: spread.quantiles() for name, spread in self.spreads.items()},
        }

    def share(self, table: str, value: str) -> float:
        """Of how many of the pictures it is true."""
        return self.tables[table][value] / (self.totals.get(table) or self.tables[table].total())

    def count(self, table: str, value: str, example: Path | None = None) -> None:
        self.tables[table][value] += 1
        if example is not None:
            self.examples.setdefault((table, value), example)


def measure(folder: str | os.PathLike[str], progress: Callable[[int, int], None] = lambda *_: None) -> Stats:
    """Measure a work folder, a data set or any folder of pictures; `progress` is called with (done, of).

    Raises UsageError for a folder without pictures or with a damaged list. Pictures that cannot be read are counted."""
    folder = Path(folder)
    of_work = is_work_folder(folder)
    stats = Stats(folder, "work folder" if of_work else "pictures")
    subjects = list(_of_work(Work(folder), stats) if of_work else _of_pictures(folder, stats))
    # The screening of a work folder has looked for repetitions already.
    index = None if of_work else Index(lambda path: square(read_picture(path), SIDE))
    pairs = _read(subjects)
    for done in range(0, len(subjects), _BATCH):
        batch = list(islice(pairs, _BATCH))
        _look(stats, [(subject, picture) for subject, picture in batch if picture is not None], index)
        for subject, picture in batch:
            if picture is None:
                stats.count("problem", "cannot be read", subject.path)
        progress(done + len(batch), len(subjects))
    if not of_work and not stats.spreads:
        raise UsageError(f"{folder} holds no picture that can be read")
    return stats


def _look(stats: Stats, batch: list[tuple[Subject, Pixels]], index: Index | None) -> None:
    angles: dict[Path, Mapping[str, float]] = {}
    if index is not None:
        unknown = [(subject, picture) for subject, picture in batch if "yaw" not in subject.numbers]
        whole = [Framed(picture, Box(0, 0, SIDE, SIDE), 1.0) for _, picture in unknown]
        for (subject, _), found in zip(unknown, screen(whole, [picture for _, picture in unknown]), strict=True):
            angles[subject.path] = _known(yaw=found.yaw, pitch=found.pitch)
    colours = head_colours(np.stack([picture for _, picture in batch])) if batch else []
    for (subject, picture), colour in zip(batch, colours, strict=True):
        for table, value in subject.facts.items():
            stats.count(table, value, subject.path)
        stats.count("colour", colour, subject.path)
        stats.count("ground", ground_colour(picture), subject.path)
        if index is not None and index.add(str(subject.path), hash_of(picture), picture) is not None:
            stats.counts["repeat another picture"] += 1
        numbers = {"brightness": brightness(picture), **subject.numbers, **angles.get(subject.path, {})}
        for name, number in numbers.items():
            stats.spreads.setdefault(name, Spread(UNITS[name])).add(number, subject.path)


def _known(**numbers: float | None) -> dict[str, float]:
    return {name: number for name, number in numbers.items() if number is not None}


def _of_work(work: Work, stats: Stats) -> Iterator[Subject]:
    """The faces of a work folder. What its lists say of originals, heads and the screening is counted on the way."""
    counts = stats.counts
    counts |= dict.fromkeys(("pictures found", "usable", "heads", "faces", "screened", "without a flag"), 0)
    for original in work.originals():
        counts["pictures found"] += 1
        counts["usable"] += original.problem is None
        if original.problem is not None:
            stats.count("problem", _kind_of(original.problem))
    counts["heads"] = sum(1 for _ in work.heads())
    for face in work.faces():
        path = work.face_path(face.head.key)
        counts["faces"] += 1
        facts = {"heads in its picture": str(face.head.of)}
        numbers = {"sure": face.frame.sure}
        if face.screen is not None:
            counts["screened"] += 1
            counts["without a flag"] += not face.screen.flags
            for flag in face.screen.flags:
                stats.count("flag", words(flag), path)
            numbers |= _known(yaw=face.screen.yaw, pitch=face.screen.pitch)
        yield Subject(path, facts, numbers)
    stats.totals["flag"] = counts["screened"]
    decisions = work.decisions()
    counts["decided by hand"] = len(decisions)
    if counts["faces"] and counts["screened"] == counts["faces"]:
        chosen = plan(work, decisions)
        counts["kept"] = len(chosen.rows)
        for key, row in chosen.rows:
            stats.count("split", row["split"], work.face_path(key))


def _kind_of(problem: str) -> str:
    """What several problems have in common: without the particulars and the remedy."""
    return re.sub("[0-9a-f]{16}", "another", problem).split(":")[0].split(" (")[0]


def _of_pictures(folder: Path, stats: Stats) -> Iterator[Subject]:
    """The pictures of a data set or of any folder, with what its metadata says."""
    listing = list_dataset(folder)
    rows = listing.rows
    designs = len({row["design"] for row in rows})
    stats.counts |= {"pictures": len(rows), "designs": designs, "repeat another picture": 0}
    stats.totals["attribute"] = len(rows)
    values: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for name in row.keys() - _TOLD_OTHERWISE - set(_NUMBERS):
            values[name].add(row[name])
    told = sorted(name for name, found in values.items() if len(found) <= _MOST_VALUES and not found <= _TRUTHS)
    for path, row in zip(listing.paths, rows, strict=True):
        for name in sorted(row):
            if row[name] == "true":
                stats.count("attribute", words(name), path)
        facts = {f"{name} (metadata)" if name in _OWN else name: row[name] for name in told if name in row}
        numbers = {name: float(row[name]) for name in _NUMBERS if _is_number(row.get(name))}
        yield Subject(path, {"split": row["split"], **facts}, numbers)


def _read(subjects: Iterable[Subject]) -> Iterator[tuple[Subject, Pixels | None]]:
    """Each picture fitted into SIDE x SIDE pixels, or None where it cannot be read; a few are read ahead."""
    with ThreadPoolExecutor(cores()) as pool:
        waiting: deque[tuple[Subject, Future[Pixels | None]]] = deque()
        for subject in subjects:
            waiting.append((subject, pool.submit(_picture, subject.path)))
            if len(waiting) >= _AHEAD:
                first, future = waiting.popleft()
                yield first, future.result()
        for subject, future in waiting:
            yield subject, future.result()


def _picture(path: Path) -> Pixels | None:
    try:
        return square(read_picture(path), SIDE)
    except UsageError:
        return None


def _is_number(text: str | None) -> TypeGuard[str]:
    try:
        return text is not None and np.isfinite(float(text))
    except ValueError:
        return False
