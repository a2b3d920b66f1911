"""Progress bars on stderr, where somebody can see them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn, track
from rich.text import Text

from minifaces.files import spelled

if TYPE_CHECKING:
    from rich.progress import Task

    from minifaces.vae.train import Status

T = TypeVar("T")

MOST_TOLD = 100
"""of the pictures that cannot be used, so many are told one by one"""


def progress(steps: Iterable[T], what: str, total: int) -> Iterable[T]:
    """Show a bar while `steps` are gone through."""
    console = Console(stderr=True)
    return track(steps, what, total=total, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar; call what comes back with (done, of)."""
    with _shown() as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total or None)


@contextmanager
def parts_bar(what: str) -> Iterator[Callable[[str, float], None]]:
    """A bar of work that has several parts; call what comes back with (the part, the share that is done)."""
    with _shown(TextColumn("{task.description}"), BarColumn(24), TimeElapsedColumn()) as shown:
        task = shown.add_task(what, total=1.0)
        yield lambda part, done: shown.update(task, description=part, completed=done)


@contextmanager
def training_bar(step: int, steps: int | None, wanted: bool) -> Iterator[Callable[["Status"], None]]:
    """A bar of a training with its losses; it stays, in a log too. Of several processes one should want it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(16),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[said]}"),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not wanted) as shown:
        task = shown.add_task("training", total=steps, completed=step, said="")

        def show(status: "Status") -> None:
            said = " ".join(f"{k} {status.losses[k]:.3g}" for k in ("loss", "mse", "kl"))
            left = f"{status.seconds_left / 60:.0f} min left" if status.seconds_left else ""
            shown.update(task, completed=status.step, total=status.steps or None, said=f"{said} {left}")

        yield show


@contextmanager
def stages_bar() -> Iterator[Callable[[str, float], None]]:
    """A bar of work in stages; call what comes back with (the stage, the share of all that is done). Each stage is a
    line too, which stays, in a log as well."""
    columns = (TextColumn("{task.description}"), BarColumn(24), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task, stage = shown.add_task("", total=1.0), ""

        def show(what: str, done: float) -> None:
            nonlocal stage
            if what != stage:
                stage = what
                console.print(f"{what} ...", markup=False, highlight=False, soft_wrap=True)
            shown.update(task, description=what.partition(",")[0], completed=done)

        yield show


class PicturesBar:
    """What a step tells while it runs: how far it is, and each picture that cannot be used."""

    def __init__(self, shown: Progress, what: str, total: int | None) -> None:
        self._shown = shown
        self._task = shown.add_task(what, total=total)
        self.told = 0

    def update(self, done: int) -> None:
        self._shown.update(self._task, completed=done)

    def tell(self, source: str, problem: str) -> None:
        self.told += 1
        if self.told <= MOST_TOLD:
            line = spelled(f"{source} {problem}")  # by what a site or a damaged file says
            self._shown.console.print(line, markup=False, highlight=False, soft_wrap=True)


class _Rate(ProgressColumn):
    def render(self, task: "Task") -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} pictures/s" if speed >= 1 else f"{speed * 60:.0f} a minute")


@contextmanager
def pictures_bar(what: str, total: int | None) -> Iterator[PicturesBar]:
    """A bar of pictures, how many a second."""
    count = TextColumn("{task.completed:,.0f}" + ("" if total is None else f" of {total:,}"))
    with _shown(TextColumn("{task.description}"), BarColumn(), count, _Rate(), TimeRemainingColumn()) as shown:
        yield PicturesBar(shown, what, total)


def _shown(*columns: Any) -> Progress:
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
