"""Write what comes of pictures into a work folder, in the order in which it is given: pictures before their lines."""

import datetime
import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from minifaces.errors import MinifacesError
from minifaces.files import atomic
from minifaces.images import read_picture
from minifaces.photos.duplicates import Index
from minifaces.photos.found import Found, mark
from minifaces.photos.lists import Appender, read_rows
from minifaces.photos.pipeline import Done
from minifaces.photos.screen import DEFECTS, Scores
from minifaces.photos.workfolder import Frame, Head, Original, Screen, Settings, Work


@dataclass
class Counts:
    """What a run did."""

    pictures: int = 0
    """New ones that can be used."""
    problems: int = 0
    """New ones that cannot."""
    heads: int = 0
    faces: int = 0
    screened: int = 0


class State(NamedTuple):
    """An original and what the lists have of it."""

    original: Original
    heads: tuple[Head, ...]
    frames: tuple[Frame, ...]
    screened: int


class Writer:
    """Writes results into the work folder, in the order in which they are given."""

    def __init__(self, work: Work, settings: Settings, tell: Callable[[str, str], None]) -> None:
        self.counts = Counts()
        self._work = work
        self._tell = tell
        self._limits = DEFECTS | settings.thresholds
        self._today = datetime.date.today().isoformat()
        self._ids: set[int] = set()
        self._known: set[int] = set()
        self._failed: set[int] = set()
        self._index = Index(lambda key: read_picture(work.face_path(key)))

    def __enter__(self) -> "Writer":
        work = self._work
        # Lists that are damaged, or anybody else's, are told of before any is written.
        for original in work.originals():
            self._note(original)
        for row in read_rows(work.screen_list, Screen):
            if row.hash is not None:
                self._index.remember(row.key, row.hash)
        _cut_incomplete(work.heads_list)
        with ExitStack() as stack:
            self._manifest, self._heads, self._frames, self._screen = (
                stack.enter_context(Appender(path))
                for path in (work.manifest, work.heads_list, work.frames_list, work.screen_list)
            )
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *_: Any) -> None:
        self._closing.close()

    def takes(self, found: Found) -> bool:
        """Whether what was found is new: a picture is known by its contents, and by its name, under which it is told of
        where it repeats another one. What is new is known from now on."""
        name = mark(found.source, found.problem or "" if found.data is None else hashlib.sha256(found.data).hexdigest())
        new = name not in self._known
        self._known.add(name)
        return new

    def add(self, found: Found, done: Done) -> None:
        """Write a new picture, or that there is a problem with one."""
        problem = done.problem
        if problem is None and int(done.sha256[:16], 16) in self._ids:
            problem = f"holds the same bytes as {done.sha256[:16]}"
        original = Original(
            id=done.sha256[:16] or None,
            sha256=done.sha256 or None,
            file=None if problem else f"originals/{done.sha256[:2]}/{done.sha256}{done.suffix}",
            source=found.source,
            found=self._today,
            bytes=None if found.data is None else len(found.data),
            width=done.width or None,
            height=done.height or None,
            problem=problem,
            etag=found.etag,
            page=found.page,
            part=found.part,
            attributes=found.attributes,
        )
        if problem is not None:
            self._tell(found.source, problem)
            self.counts.problems += 1
            if done.problem is not None and mark(found.source, done.problem) in self._failed:
                return
        elif original.file and found.data is not None:
            _write(self._work.folder / original.file, found.data)
            self.counts.pictures += 1
            if done.remark is not None:
                self._tell(found.source, done.remark)
        self._manifest.add([original])
        self._note(original)
        if problem is None:
            self._add_faces(State(original, (), (), 0), done)

    def go_on(self, state: State, done: Done) -> None:
        """Write what the lists lack of an original."""
        original = state.original
        if done.problem or done.sha256 != original.sha256:
            what = done.problem or "is not the file that the manifest lists"
            raise MinifacesError(f"{self._work.folder}/{original.file} {what}: put it back as it was")
        self._add_faces(state, done)

    def _add_faces(self, state: State, done: Done) -> None:
        of = len(done.boxes)
        heads = [Head(id=done.sha256[:16], index=i, of=of, box=box) for i, box in enumerate(done.boxes)]
        keys = [head.key for head in heads]
        if not state.heads and heads:
            self._heads.add(heads)
            self.counts.heads += of
        for key, face in list(zip(keys, done.faces, strict=False))[len(state.frames) :]:
            _write(self._work.face_path(key), face.png)
            self._frames.add([Frame(key=key, head=face.head, sure=face.sure)])
            self.counts.faces += 1
        for key, scores, bits in list(zip(keys, done.scores, done.hashes, strict=False))[state.screened :]:
            self._add_screen(key, scores, bits)

    def _add_screen(self, key: str, scores: Scores, bits: int) -> None:
        duplicate_of = self._index.add(key, bits)
        row = Screen(
            key=key,
            scores=scores.scores,
            flags=flags_of(scores.scores, duplicate_of, self._limits),
            duplicate_of=duplicate_of,
            yaw=scores.yaw,
            pitch=scores.pitch,
            hash=bits,
        )
        self._screen.add([row])
        self.counts.screened += 1

    def _note(self, original: Original) -> None:
        if original.id is None:  # it is tried again
            self._failed.add(mark(original.source, original.problem or ""))
            return
        self._known.add(mark(original.source, original.sha256 or ""))
        if original.problem is None:
            self._ids.add(int(original.id, 16))


def flags_of(scores: dict[str, float], duplicate_of: str | None, limits: dict[str, float]) -> tuple[str, ...]:
    flags = [name for name, score in scores.items() if score >= limits[name]]
    return (*flags, *(["duplicate"] if duplicate_of else []), *(["failed"] if not scores else []))


def _cut_incomplete(path: Path) -> None:
    """Remove the heads of a last picture that are not all there: the machine stopped while they were written."""
    count = whole = 0
    for count, head in enumerate(read_rows(path, Head), start=1):
        if head.index == head.of - 1:
            whole = count
    if whole < count:
        with path.open("rb") as file:
            end = sum(len(line) for line in islice(file, whole))
        os.truncate(path, end)


def _write(path: Path, data: bytes) -> None:
    with atomic(path) as scratch:
        scratch.write_bytes(data)
