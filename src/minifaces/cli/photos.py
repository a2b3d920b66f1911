"""`minifaces data collect`, `import`, `split`, `frame`, `screen` and `prepare`: any pictures into a work folder."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minifaces.cli.common import JsonOption, print_json, say
from minifaces.cli.paths import folder as folder_
from minifaces.cli.paths import named
from minifaces.errors import UsageError

if TYPE_CHECKING:
    from rich.progress import Progress, Task

    from minifaces.photos.folder import Work
    from minifaces.photos.pipeline import Step
    from minifaces.photos.writer import Counts

app = typer.Typer()

_MOST_TOLD = 100  # problems told one by one; all of them are in the manifest

SourcesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="SOURCE",
        parser=named("a SOURCE"),
        help="Pictures, folders, zip, tar or parquet files.",
        show_default=False,
    ),
]
WorkArgument = Annotated[
    Path, typer.Argument(metavar="WORK", parser=named("WORK"), help="The work folder.", show_default=False)
]
WorkOption = Annotated[
    Path, typer.Option("--output", "-o", metavar="WORK", parser=folder_, help="The work folder; it may have begun.")
]
WorkersOption = Annotated[
    str | None,
    typer.Option(
        metavar="N|ADDRESS",
        help="Processes, or a Dask scheduler: tcp://host:port, tls://host:port, dask://host:port.",
        show_default="all cores",
    ),
]
SizeOption = Annotated[
    int | None, typer.Option(min=16, max=1024, help="Pixels a side of a face.", show_default="the folder's, else 128")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="DEFECT=SCORE", help="Flag a defect from this score, 0 to 1; 1.01 for never."),
]


@app.command()
def prepare(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="SOURCE",
            parser=named("a SOURCE"),
            help="Pictures, folders, zip, tar or parquet files.",
            show_default=False,
        ),
    ] = None,
    output: WorkOption = Path("work"),
    size: SizeOption = None,
    settings: SetOption = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import, split, frame and screen in one go, each picture decoded once. Goes on where it stopped.

    Without a source, a work folder is only brought up to date: so its faces can be made again from its originals."""
    from minifaces.folders import is_work_folder

    if not sources and not is_work_folder(output):
        raise UsageError(f"{output} is no work folder yet: name pictures, a folder, a zip, a tar or a parquet file")
    _run(output, "screen", sources or [], workers, size, settings, as_json)


@app.command("import")
def import_(
    sources: SourcesArgument,
    output: WorkOption = Path("work"),
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take pictures into a work folder as they are; what cannot be used is listed with the reason."""
    _run(output, "import", sources, workers, None, None, as_json)


@app.command()
def split(folder: WorkArgument, workers: WorkersOption = None, as_json: JsonOption = False) -> None:
    """Find the heads in each picture, several where they stand side by side."""
    _run(_existing(folder), "split", [], workers, None, None, as_json)


@app.command()
def frame(
    folder: WorkArgument, size: SizeOption = None, workers: WorkersOption = None, as_json: JsonOption = False
) -> None:
    """Cut each head out, centred in a square."""
    _run(_existing(folder), "frame", [], workers, size, None, as_json)


@app.command()
def screen(
    folder: WorkArgument, settings: SetOption = None, workers: WorkersOption = None, as_json: JsonOption = False
) -> None:
    """Score what may be wrong with each face, and flag it. With --set, faces screened before are flagged anew."""
    _run(_existing(folder), "screen", [], workers, None, settings, as_json)


@app.command()
def collect(
    parts: Annotated[
        Path | None,
        typer.Argument(
            metavar="LIST",
            parser=named("LIST"),
            help="A CSV, or a line each, of part numbers or URLs.",
            show_default=False,
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=named("--recipe"),
            help="TOML file that says where a site has its pictures.",
            show_default=False,
        ),
    ] = None,
    output: WorkOption = Path("work"),
    contact: Annotated[
        str, typer.Option(help="Your e-mail address or web page, told to the site.", show_default=False)
    ] = "",
    may_use: Annotated[
        bool, typer.Option("--i-may-use-these", help="I have the right to use these pictures for this.")
    ] = False,
    rebrickable_csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=named("--rebrickable-csv"),
            help="Rebrickable's parts.csv as the LIST.",
            show_default=False,
        ),
    ] = None,
    column: Annotated[str | None, typer.Option(help="Column of the LIST.", show_default="found by its name")] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Only such rows of the LIST, as part_cat_id=59.", show_default=False),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also ask anew for what could not be had.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Collect the largest picture of each part from a catalogue site, as a guest: robots.txt is obeyed, a request every
    few seconds, nothing fetched twice. Interrupted, it goes on where it stopped."""
    if (parts is None) == (rebrickable_csv is None):
        raise UsageError("name one list of parts: a file, or --rebrickable-csv FILE")
    if recipe is None:
        raise UsageError("--recipe is missing: docs/photos.md shows how to write one for a site")
    from minifaces.cli.common import needs

    for module in ("httpx", "protego", "selectolax", "jsonpath_rfc9535"):
        needs(module, "collecting", "photos")
    from minifaces.photos.collect import collect as collect_
    from minifaces.photos.collect import hosts_of
    from minifaces.photos.fetch import Fetcher, check_contact
    from minifaces.photos.folder import Work
    from minifaces.photos.recipe import read_parts, read_recipe

    wanted = read_recipe(recipe)
    tests = [_pair(text, "--where", "part_cat_id=59") for text in where or []]
    listed = read_parts(parts or rebrickable_csv or Path(), column or ("part_num" if rebrickable_csv else None), tests)
    hosts = hosts_of(wanted, listed)
    check_contact(contact)
    _confirm(may_use, sorted(hosts))
    work = Work(output, make=True)
    fetcher = Fetcher(work.folder / "cache", contact, hosts.__contains__, wanted.seconds_between)
    with fetcher, _pictures_bar("collecting", len(listed)) as bar:
        counts = collect_(work, listed, wanted, fetcher, again, bar.update, bar.tell)
    _report(work, counts, bar.told, as_json)


def _confirm(may_use: bool, hosts: list[str]) -> None:
    """The user, not this program, knows whether the pictures may be used."""
    if may_use:
        return
    question = f"Do you have the right to use the pictures of {', '.join(hosts)} to train a model?"
    if not (sys.stdin.isatty() and typer.confirm(question, err=True)):
        raise UsageError(
            f"read the terms of {', '.join(hosts)}; if you have the right to use the pictures, say --i-may-use-these"
        )


def _existing(folder: Path) -> Path:
    from minifaces.photos.folder import Work

    return Work(folder).folder


def _run(
    folder: Path,
    last: "Step",
    sources: list[Path],
    workers: str | None,
    size: int | None,
    settings: list[str] | None,
    as_json: bool,
) -> None:
    from minifaces.folders import LeftOut
    from minifaces.photos.folder import Work
    from minifaces.photos.sources import count_sources, read_sources
    from minifaces.photos.steps import run, settings_for

    read_sources(sources)  # a source that is missing is told of before a folder is made
    thresholds = dict(_threshold(text) for text in settings or [])
    among = _workers(workers)
    work = Work(folder, make=True)
    wanted = settings_for(work, size, thresholds)
    total, left = count_sources(sources), LeftOut()
    names = {"import": "importing", "split": "splitting", "frame": "framing", "screen": "screening"}
    with _pictures_bar(names[last], None if total is None else total or _lines(work)) as bar:
        counts = run(work, last, read_sources(sources, left.add), among, wanted, bar.update, bar.tell)
    if left.counts:
        say(str(left), err=True)
    _report(work, counts, bar.told, as_json)


def _report(work: "Work", counts: "Counts", told: int, as_json: bool) -> None:
    """What was done, and what the folder holds."""
    if as_json:
        problems = [{"source": o.source, "problem": o.problem} for o in work.originals() if o.problem]
        facts = {k: dict(v) if isinstance(v, dict) else v for k, v in vars(counts).items()}
        print_json({"folder": str(work.folder), "new": facts, **_flagged(work), "problems": problems})
        return
    if told > _MOST_TOLD:
        say(f"... and {told - _MOST_TOLD} more: see `problem` in {work.manifest}", err=True)
    said = {
        "new pictures": counts.pictures,
        "that cannot be used": counts.problems,
        "heads found": counts.heads,
        "framed": counts.faces,
        "screened": counts.screened,
    }
    say(f"{work.folder}: {', '.join(f'{n} {what}' for what, n in said.items() if n) or 'nothing new'}")
    state = _flagged(work)
    if state["faces"]:
        flags = ", ".join(f"{name} {count}" for name, count in state["flags"].items())
        say(f"{state['faces']} faces, {state['clean']} without a flag{'; ' + flags if flags else ''}")


def _flagged(work: "Work") -> dict[str, Any]:
    """Of all faces that are screened: how many, how many without a flag, and how often each flag."""
    from collections import Counter

    from minifaces.photos.folder import Screen
    from minifaces.photos.lists import read_rows

    flags: Counter[str] = Counter()
    faces = clean = 0
    for row in read_rows(work.screen_list, Screen):
        faces += 1
        clean += not row.flags
        flags.update(row.flags)
    return {"faces": faces, "clean": clean, "flags": dict(flags.most_common())}


def _workers(text: str | None) -> int | str:
    if text is None:
        from minifaces.cores import cores

        return cores()
    if text.isdecimal() and 1 <= int(text) <= 1024:
        return int(text)
    from minifaces.photos.workers import check_address

    check_address(text)
    return text


def _threshold(text: str) -> tuple[str, float]:
    name, value = _pair(text, "--set", "blurred=0.4")
    try:
        return name, float(value)
    except ValueError:
        raise UsageError(f"--set {text}: a number wanted, as in blurred=0.4") from None


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark or not name:
        raise UsageError(f"{option} {text}: wanted as in {example}")
    return name, value


def _lines(work: "Work") -> int:
    with work.manifest.open("rb") as file:
        return sum(1 for _ in file)


class _Bar:
    """What a step tells while it runs: how far it is, and each picture that cannot be used."""

    def __init__(self, bar: "Progress", what: str, total: int | None) -> None:
        self._bar = bar
        self._task = bar.add_task(what, total=total)
        self.told = 0

    def update(self, done: int) -> None:
        self._bar.update(self._task, completed=done)

    def tell(self, source: str, problem: str) -> None:
        from minifaces.files import spelled

        self.told += 1
        if self.told <= _MOST_TOLD:
            line = spelled(f"{source} {problem}")  # by what a site or a damaged file says
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _pictures_bar(what: str, total: int | None) -> Iterator[_Bar]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: "Task") -> Text:
            speed = task.finished_speed or task.speed
            return Text(
                "" if speed is None else f"{speed:,.0f} pictures/s" if speed >= 1 else f"{speed * 60:.0f} a minute"
            )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}" + ("" if total is None else f" of {total:,}")),
        Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield _Bar(bar, what, total)
