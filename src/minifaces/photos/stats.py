"""What is in a work folder, a data set or any folder of pictures: counts, splits, colours, light, angle, repetitions.

    stats = measure("faces")
    print(stats.tables["split"])        # {"train": 80, "validation": 10, "test": 10}
    write_page("stats.html", stats)     # photos/statspage.py

Each picture is read once and forgotten; numbers and the paths of a few examples are kept."""

import os
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from minifaces.dataset import list_dataset
from minifaces.errors import UsageError
from minifaces.images import Pixels, read_picture, square
from minifaces.photos.apply import plan
from minifaces.photos.duplicates import Index, hash_of
from minifaces.photos.folder import Box, Work
from minifaces.photos.frame import Framed
from minifaces.photos.looks import brightness, ground_colour, head_colour
from minifaces.photos.review import words
from minifaces.photos.screen import screen

SIDE = 128
"""Pixels a side to which pictures of a data set are brought before they are looked at."""

UNITS = {"brightness": "of white", "yaw": "degrees", "pitch": "degrees", "sure": "of 1"}
"""What is measured or known in numbers, and in which unit."""

_AHEAD = 64  # pictures read ahead
_EXAMPLES = 6  # pictures kept from either end of a spread
_MOST_VALUES = 12  # different values of an attribute that are told one by one
_TOLD_OTHERWISE = ("file_name", "design", "split")


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

    def histogram(self, bins: int = 24) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(bins,) counts and (bins + 1,) edges."""
        counts, edges = np.histogram(self.values, bins)
        return counts.astype(np.int64), edges


@dataclass
class Stats:
    """What was found; see `as_json` for its shape without pictures."""

    folder: Path
    kind: str
    """ "work folder", or "pictures" for a data set or any other folder."""
    counts: dict[str, int] = field(default_factory=dict)
    tables: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
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

    def count(self, table: str, value: str, example: Path | None = None) -> None:
        self.tables[table][value] += 1
        if example is not None:
            self.examples.setdefault((table, value), example)


def measure(folder: str | os.PathLike[str], progress: Callable[[int, int], None] = lambda *_: None) -> Stats:
    """Measure a work folder, a data set or any folder of pictures; `progress` is called with (done, of).

    Raises UsageError for a folder without pictures or with a damaged list. Pictures that cannot be read are counted."""
    folder = Path(folder)
    of_work = (folder / "manifest.jsonl").exists()
    stats = Stats(folder, "work folder" if of_work else "pictures")
    subjects = list(_of_work(Work(folder), stats) if of_work else _of_pictures(folder, stats))
    index = None if of_work else Index()  # the screening of a work folder has looked for repetitions already
    for number, (subject, picture) in enumerate(_read(subjects), start=1):
        if picture is None:
            stats.count("problem", "cannot be read", subject.path)
        else:
            _look(stats, subject, picture, index)
        progress(number, len(subjects))
    if not of_work and not stats.spreads:
        raise UsageError(f"{folder} holds no picture that can be read")
    return stats


def _look(stats: Stats, subject: Subject, picture: Pixels, index: Index | None) -> None:
    for table, value in subject.facts.items():
        stats.count(table, value, subject.path)
    stats.count("colour", head_colour(picture), subject.path)
    stats.count("ground", ground_colour(picture), subject.path)
    numbers = {"brightness": brightness(picture), **subject.numbers}
    if index is not None:
        if "yaw" not in numbers:
            (scores,) = screen([Framed(picture, Box(0, 0, SIDE, SIDE), 1.0)], [picture])
            numbers |= {name: n for name, n in (("yaw", scores.yaw), ("pitch", scores.pitch)) if n is not None}
        if index.add(str(subject.path), hash_of(picture), picture) is not None:
            stats.counts["repeat another picture"] += 1
    for name, number in numbers.items():
        stats.spreads.setdefault(name, Spread(UNITS[name])).add(number, subject.path)


def _of_work(work: Work, stats: Stats) -> Iterator[Subject]:
    """The faces of a work folder. What its lists say of originals, heads and the screening is counted on the way."""
    counts = stats.counts
    counts |= dict.fromkeys(("pictures found", "usable", "heads", "faces", "screened", "without a flag"), 0)
    for original in work.originals():
        counts["pictures found"] += 1
        counts["usable"] += original.problem is None
        if original.problem is not None:
            stats.count("problem", original.problem.split(":")[0].split(" (")[0])
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
            angles = (("yaw", face.screen.yaw), ("pitch", face.screen.pitch))
            numbers |= {name: angle for name, angle in angles if angle is not None}
        yield Subject(path, facts, numbers)
    decisions = work.decisions()
    counts["decided by hand"] = len(decisions)
    if counts["faces"] and counts["screened"] == counts["faces"]:
        chosen = plan(work, decisions)
        counts["kept"] = len(chosen.rows)
        for _, row in chosen.rows:
            stats.count("split", row["split"])


def _of_pictures(folder: Path, stats: Stats) -> Iterator[Subject]:
    """The pictures of a data set or of any folder, with what its metadata says."""
    rows = list_dataset(folder)
    names = {name for row in rows for name in row if name not in _TOLD_OTHERWISE}
    values = {name: {row[name] for row in rows if name in row} for name in sorted(names)}
    attributes = [name for name, found in values.items() if len(found) <= _MOST_VALUES and name not in UNITS]
    stats.counts |= {
        "pictures": len(rows),
        "designs": len({row["design"] for row in rows}),
        "repeat another picture": 0,
    }
    for row in rows:
        numbers = {name: float(row[name]) for name in UNITS if _is_number(row.get(name))}
        facts = {"split": row["split"], **{name: row[name] for name in attributes if name in row}}
        yield Subject(folder / row["file_name"], facts, numbers)


def _read(subjects: Iterable[Subject]) -> Iterator[tuple[Subject, Pixels | None]]:
    """Each picture fitted into SIDE x SIDE pixels, or None where it cannot be read; a few are read ahead."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
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
