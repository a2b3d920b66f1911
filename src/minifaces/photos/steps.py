"""Run the steps over a work folder: import, cut, frame and screen, each picture decoded once.

    run(Work("work", make=True), "screen", read_sources([Path("photos")]), workers=2)

First every picture that the folder lists is brought as far as it shall come; then new ones are found. One process, this
one, writes everything, in order: pictures before the lines that name them. That is why a run can be interrupted at any
moment and goes on with the first picture that lacks a line, and why it comes to the same bytes however many workers
there are."""

from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from minifaces.errors import MinifacesError, UsageError
from minifaces.files import atomic
from minifaces.photos.found import Found
from minifaces.photos.lists import Appender, read_rows
from minifaces.photos.pipeline import LOST, Done, FramedFace, Job, Plan, Step, work_up
from minifaces.photos.screen import DEFECTS
from minifaces.photos.workfolder import Frame, Head, Original, Row, Screen, Settings, Work
from minifaces.photos.writer import Counts, State, Writer, flags_of
from minifaces.workers import Pool, open_pool, work_through

T = TypeVar("T")
R = TypeVar("R", bound=Row)


def run(
    work: Work,
    last: Step,
    found: Iterable[Found] = (),
    workers: int | str = 1,
    settings: Settings | None = None,
    update: Callable[[int], None] = lambda _: None,
    tell: Callable[[str, str], None] = lambda *_: None,
) -> Counts:
    """Bring every picture of a work folder, and what is found, up to the step `last`.

    Other thresholds in `settings` than the folder's flag the faces anew that were screened before.
    What was `found` may be read as it is asked for; what the folder lists already is passed over. `update` is told how
    many pictures are done, `tell` of each one that cannot be used and why, or whose colours are taken for others. A
    source that had a problem is tried again.
    Raises UsageError for settings that do not fit the folder's faces, MinifacesError where it cannot be written or an
    original is damaged."""
    with work.locked(), ExitStack() as stack:
        settings = _settle(work, settings)
        writer = stack.enter_context(Writer(work, settings, tell))
        pool = stack.enter_context(open_pool(workers))
        plan = Plan(settings.size, last)
        done = 0
        if last != "import":
            for state, result in _through(pool, plan, _unfinished(work, last)):
                writer.go_on(state, result)
                update(done := done + 1)
        new = ((each, Job(each.source, each.data, each.problem)) for each in found if writer.takes(each))
        for each, result in _through(pool, plan, new):
            writer.add(each, result)
            update(done := done + 1)
    return writer.counts


def settings_for(work: Work, size: int | None, thresholds: dict[str, float]) -> Settings:
    """A folder's settings with what was asked for instead. Raises UsageError for a size or threshold that cannot be."""
    present = work.settings
    try:
        return Settings(size=size or present.size, thresholds=present.thresholds | check_thresholds(thresholds))
    except ValidationError:
        raise UsageError(f"a face has 16 to 1024 pixels a side, not {size}") from None


def check_thresholds(thresholds: dict[str, float]) -> dict[str, float]:
    for name, value in thresholds.items():
        if name not in DEFECTS:
            raise UsageError(f"{name} is no defect that is screened for: {', '.join(DEFECTS)}")
        if not 0 <= value <= 1.01:
            raise UsageError(f"{name}={value}: a threshold is from 0 to 1, or 1.01 to never flag")
    return thresholds


def _settle(work: Work, wanted: Settings | None) -> Settings:
    """The settings to work with; they are written down. Faces of two sizes cannot be in one folder."""
    present = work.settings
    settings = wanted or present
    check_thresholds(settings.thresholds)
    if settings.size != present.size and work.frames_list.exists() and work.frames_list.stat().st_size:
        raise UsageError(
            f"{work.folder} has faces of {present.size} pixels a side: name another folder for {settings.size}"
        )
    if settings.thresholds != present.thresholds and work.screen_list.exists():
        _flag_anew(work, DEFECTS | settings.thresholds)
    if settings != present or not (work.folder / "settings.json").exists():
        work.save_settings(settings)
    return settings


def _flag_anew(work: Work, limits: dict[str, float]) -> None:
    """Flag faces that were screened already by other thresholds: scores stay as they are."""
    with atomic(work.screen_list) as scratch, Appender(scratch) as rows:
        for row in read_rows(work.screen_list, Screen):
            flags = flags_of(row.scores, row.duplicate_of, limits)
            rows.add([row.model_copy(update={"flags": flags})])


def _through(pool: Pool, plan: Plan, pairs: Iterable[tuple[T, Job]]) -> Iterator[tuple[T, Done]]:
    """Each pair's first with the result of its job."""
    firsts: deque[T] = deque()

    def jobs() -> Iterator[Job]:
        for first, job in pairs:
            firsts.append(first)
            yield job

    for done in work_through(pool, partial(work_up, plan=plan), jobs(), lambda _: LOST, _weight):
        yield firsts.popleft(), done


def _weight(job: Job) -> int:
    return len(job.data or b"")


def _unfinished(work: Work, last: Step) -> Iterator[tuple[State, Job]]:
    """The originals that lack lines up to the step `last`, with what there is of them."""
    for state in _states(work):
        heads, frames = state.heads, state.frames
        lacking = not heads
        if last in ("frame", "screen"):
            lacking = lacking or len(frames) < len(heads)
        if last == "screen":
            lacking = lacking or state.screened < len(heads)
        if not lacking:
            continue
        path = work.folder / str(state.original.file)
        faces: tuple[FramedFace, ...] = ()
        if heads and len(frames) == len(heads):
            faces = tuple(FramedFace(_read(work.face_path(f.key)), f.head, f.sure) for f in frames)
        boxes = tuple(head.box for head in heads)
        yield state, Job(state.original.source, _read(path), None, boxes, faces)


def _states(work: Work) -> Iterator[State]:
    # The lists grow while this reads them: it stops where they end now.
    heads = _Peekable(_now(work.heads_list, Head), lambda head: head.id)
    frames = _Peekable(_now(work.frames_list, Frame), lambda frame: frame.key)
    screens = _Peekable(_now(work.screen_list, Screen), lambda row: row.key)
    for original in _now(work.manifest, Original):
        if original.problem is not None:
            continue
        of_it = tuple(heads.take({original.id}))
        keys = {head.key for head in of_it}
        state = State(original, of_it, tuple(frames.take(keys)), len(tuple(screens.take(keys))))
        if (
            (not of_it and heads.left())
            or (len(state.frames) < len(of_it) and frames.left())
            or (state.screened < len(of_it) and screens.left())
        ):
            break
        yield state
    if any(rest.left() for rest in (heads, frames, screens)):
        raise UsageError(
            f"{work.folder}: its lists do not belong together: remove heads.jsonl, frames.jsonl and screen.jsonl, "
            "and run the same command again"
        )


class _Peekable(Generic[R]):
    def __init__(self, rows: Iterator[R], name: Callable[[R], str]) -> None:
        self._rows = rows
        self._name = name
        self._next = next(rows, None)

    def take(self, names: Container[str | None]) -> Iterator[R]:
        """The rows that come next, as long as they have one of these names."""
        while self._next is not None and self._name(self._next) in names:
            yield self._next
            self._next = next(self._rows, None)

    def left(self) -> bool:
        return self._next is not None


def _now(path: Path, kind: type[R]) -> Iterator[R]:
    """The rows that a list has at this moment."""
    with path.open("rb") as file:
        count = sum(chunk.count(b"\n") for chunk in iter(partial(file.read, 1 << 20), b""))
    return islice(read_rows(path, kind), count)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MinifacesError(f"{path} cannot be read ({error.strerror or error}): put it back") from error
