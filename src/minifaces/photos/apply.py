"""From a reviewed work folder to a data set that `minifaces train` takes, with the same bytes every time.

A decision holds over the screening: without one, a face with no flag is kept, and of faces that repeat each other the
first that has no other flag. Splits are by group: the faces of one original, the repetitions of a face and the faces of
one design are never in two splits.

    chosen = plan(Work("work"), read_decisions("decisions.jsonl"))
    write_dataset("faces", chosen.faces())"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from minifaces.arrays import Pixels
from minifaces.errors import UsageError
from minifaces.images import read_picture
from minifaces.photos.lists import Appender
from minifaces.photos.workfolder import Decision, Face, Work

DUPLICATE = "duplicate"
"""The flag of a face that repeats another."""

HELD_OUT = 0.1
"""Share of the groups that go to validation, and as many to test."""

_OWN = ("file_name", "design", "split")  # columns that imported attributes may not set


@dataclass(frozen=True)
class Plan:
    """Which faces a data set gets, and what its metadata says of each."""

    work: Work
    rows: tuple[tuple[str, dict[str, str]], ...]
    """The key of each face that is kept, in manifest order, and its row."""
    of: int
    """Faces in the work folder."""
    decided: int
    """How many of these a person decided on."""
    strange: int
    """Decisions on faces that are not in the work folder."""

    def faces(self) -> Iterator[tuple[Pixels, dict[str, str]]]:
        """The pictures (size, size, 3) uint8 with their rows, as `write_dataset` takes them.

        Raises UsageError where there are none, or later where a framed face is missing or damaged."""
        if not self.rows:
            raise UsageError(f"none of the {self.of} faces is kept: keep some in the review, or raise thresholds")
        return ((read_picture(self.work.face_path(key)), row) for key, row in self.rows)


def read_decisions(path: str | os.PathLike[str]) -> dict[str, Decision]:
    """The decision that holds for each key: that of the last line. Raises UsageError, naming the line, for others."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{path} is missing: download it from the review page") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    decisions = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                row = Decision.model_validate_json(line)
            except ValidationError:
                raise UsageError(
                    f'{path} line {number} is no decision like {{"key":"0123456789abcdef-0","keep":true}}: '
                    "download the file from the review page again"
                ) from None
            decisions[row.key] = row
    return decisions


def record(work: Work, decisions: Mapping[str, Decision]) -> None:
    """Add the decisions that are new to the work folder's own, so that the next page goes on from them."""
    known = work.decisions()
    news = [row for key, row in decisions.items() if known.get(key) != row]
    if news:
        with work.locked(), Appender(work.decisions_list, whole=True) as own:
            own.add(news)


def plan(work: Work, decisions: Mapping[str, Decision]) -> Plan:
    """Choose the faces and give each its design and split; no picture is read yet.

    Raises UsageError where faces are not screened, or the decisions are all on other faces."""
    groups = Groups()
    kept: list[tuple[str, str, dict[str, str]]] = []  # original id, key, row
    firsts: dict[str, str] = {}  # for every face the first that it repeats, or itself
    taken: set[str] = set()
    decided = 0
    for face in work.faces():
        if face.screen is None:
            raise UsageError(f"{work.folder} is not wholly screened: run `minifaces data screen {work.folder}` first")
        decision = decisions.get(face.head.key)
        decided += decision is not None
        twin = face.screen.duplicate_of
        first = firsts[face.head.key] = firsts.get(twin, twin) if twin else face.head.key
        design = _design(face, first)
        groups.join(face.head.id, first)
        groups.join(face.head.id, design)
        faultless = all(flag == DUPLICATE for flag in face.screen.flags)
        if decision.keep if decision else faultless and first not in taken:
            taken.add(first)
            kept.append((face.head.id, face.head.key, _row(face, design)))
    if not firsts:
        raise UsageError(f"{work.folder} holds no faces: run `minifaces data frame` and `data screen` first")
    strange = sum(key not in firsts for key in decisions)
    if decisions and strange == len(decisions):
        raise UsageError(
            f"none of the {strange} decisions is on a face of {work.folder}: name the folder they belong to"
        )
    split_of = splits({groups.of(original) for original, _, _ in kept})
    rows = tuple((key, {**row, "split": split_of[groups.of(original)]}) for original, key, row in kept)
    return Plan(work, rows, len(firsts), decided, strange)


def splits(groups: set[str]) -> dict[str, str]:
    """A split for each group: in the order of a hash of their names, a tenth test, a tenth validation (at least one of
    each where there are three groups), the others train. A group more or less hardly moves another."""
    ordered = sorted(groups, key=lambda name: hashlib.sha256(name.encode()).digest())
    held_out = max(round(len(ordered) * HELD_OUT), int(len(ordered) >= 3))
    return {
        name: "test" if place < held_out else "validation" if place < 2 * held_out else "train"
        for place, name in enumerate(ordered)
    }


class Groups:
    """Names that belong together (union-find). A group is called by the least of its names."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def of(self, name: str) -> str:
        while (above := self._above.setdefault(name, name)) != name:
            self._above[name] = self._above[above]  # halves the way for the next one
            name = above
        return name

    def join(self, one: str, other: str) -> None:
        low, high = sorted((self.of(one), self.of(other)))
        self._above[high] = low


def _design(face: Face, first: str) -> str:
    """What the source calls the face, else the first face that it repeats, which may be itself."""
    told = face.original.attributes.get("design")
    if not told:
        return first
    return told if face.head.of == 1 else f"{told}-{face.head.index}"


def _row(face: Face, design: str) -> dict[str, str]:
    attributes = {name: value for name, value in face.original.attributes.items() if name not in _OWN}
    facts = {
        "design": design,
        "key": face.head.key,
        "source": face.original.source,
        "part": face.original.part,
        "page": face.original.page,
        "sure": face.frame.sure,
        "yaw": face.screen and face.screen.yaw,
        "pitch": face.screen and face.screen.pitch,
    }
    return {**attributes, **{name: str(value) for name, value in facts.items() if value is not None}}
