"""`minifaces data collect`, `import`, `cut`, `frame`, `screen` and `prepare`: any pictures into a work folder."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minifaces.cli.bars import MOST_TOLD, pictures_bar
from minifaces.cli.common import JsonOption, WorkersOption, pair, print_json, say, workers_of
from minifaces.cli.help import Commands
from minifaces.cli.pathnames import folder as folder_
from minifaces.cli.pathnames import named
from minifaces.errors import UsageError, needs

if TYPE_CHECKING:
    from minifaces.photos.pipeline import Step
    from minifaces.photos.workfolder import Work
    from minifaces.photos.writer import Counts

app = Commands()

_PANEL = "Your own pictures"

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
SizeOption = Annotated[
    int | None,
    typer.Option(metavar="PIXELS", min=16, max=1024, help="A side of a face.", show_default="the folder's, else 128"),
]
ThresholdOption = Annotated[
    list[str] | None,
    typer.Option(
        "--threshold",
        metavar="DEFECT=SCORE",
        help="Flag a defect from this score on, as blurred=0.4; 1.01 for never; may be repeated.",
    ),
]


@app.command(rich_help_panel=_PANEL)
def collect(
    parts: Annotated[
        Path | None,
        typer.Argument(
            metavar="LIST",
            parser=named("LIST"),
            help="A CSV of parts, or a text with a part number or URL a line.",
            show_default=False,
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=named("--recipe"),
            help="A TOML file that says where the site has its pictures (docs/guide/photos.md).",
            show_default=False,
        ),
    ] = None,
    output: WorkOption = Path("work"),
    contact: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Your e-mail address or web page, told to the site.", show_default=False),
    ] = "",
    may_use: Annotated[
        bool, typer.Option("--i-may-use-these", help="Say that you have the right to use the pictures.")
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
    column: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The LIST's column of parts.", show_default="found by its name"),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Only such rows of the LIST, as part_cat_id=59.", show_default=False),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also ask anew for what could not be had.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Collect pictures of parts from a catalogue site.

    The largest of each part, as a guest: robots.txt is obeyed, a request every few seconds, nothing fetched twice.
    Interrupted, it goes on where it stopped."""
    if (parts is None) == (rebrickable_csv is None):
        raise UsageError("name one list of parts: a file, or --rebrickable-csv FILE")
    if recipe is None:
        raise UsageError("--recipe is missing: docs/guide/photos.md shows how to write one for a site")
    needs("collecting", "photos", "httpx", "protego", "selectolax", "jsonpath_rfc9535")
    from minifaces.photos.collect import collect as collect_
    from minifaces.photos.collect import hosts_of
    from minifaces.photos.fetch import Fetcher, check_contact
    from minifaces.photos.recipe import read_parts, read_recipe
    from minifaces.photos.workfolder import Work

    wanted = read_recipe(recipe)
    tests = [pair(text, "--where", "part_cat_id=59") for text in where or []]
    listed = read_parts(parts or rebrickable_csv or Path(), column or ("part_num" if rebrickable_csv else None), tests)
    hosts = hosts_of(wanted, listed)
    check_contact(contact)
    _confirm(may_use, sorted(hosts))
    work = Work(output, make=True)
    fetcher = Fetcher(work.folder / "cache", contact, hosts.__contains__, wanted.seconds_between)
    with fetcher, pictures_bar("collecting", len(listed)) as bar:
        counts = collect_(work, listed, wanted, fetcher, again, bar.update, bar.tell)
    _report(work, counts, bar.told, as_json)


@app.command("import", rich_help_panel=_PANEL)
def import_(
    sources: SourcesArgument,
    output: WorkOption = Path("work"),
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take pictures into a work folder as they are.

    What cannot be used is listed with the reason."""
    _run(output, "import", sources, workers, None, None, as_json)


@app.command(rich_help_panel=_PANEL)
def cut(folder: WorkArgument, workers: WorkersOption = None, as_json: JsonOption = False) -> None:
    """Find the heads in each picture.

    There may be several, side by side."""
    _run(_existing(folder), "cut", [], workers, None, None, as_json)


@app.command(rich_help_panel=_PANEL)
def frame(
    folder: WorkArgument, size: SizeOption = None, workers: WorkersOption = None, as_json: JsonOption = False
) -> None:
    """Cut each head out, centred in a square."""
    _run(_existing(folder), "frame", [], workers, size, None, as_json)


@app.command(rich_help_panel=_PANEL)
def screen(
    folder: WorkArgument, thresholds: ThresholdOption = None, workers: WorkersOption = None, as_json: JsonOption = False
) -> None:
    """Score what may be wrong with each face, and flag it.

    With --threshold, faces that were screened before are flagged anew."""
    _run(_existing(folder), "screen", [], workers, None, thresholds, as_json)


@app.command(rich_help_panel=_PANEL)
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
    thresholds: ThresholdOption = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import, cut, frame and screen in one go.

    Each picture is decoded once. Interrupted, it goes on where it stopped.
    Without a SOURCE, a work folder is brought up to date: its faces can be made again from its originals."""
    from minifaces.folders import is_work_folder

    if not sources and not is_work_folder(output):
        raise UsageError(f"{output} is no work folder yet: name pictures, a folder, a zip, a tar or a parquet file")
    _run(output, "screen", sources or [], workers, size, thresholds, as_json)


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
    from minifaces.photos.workfolder import Work

    return Work(folder).folder


def _run(
    folder: Path,
    last: "Step",
    sources: list[Path],
    workers: str | None,
    size: int | None,
    thresholds: list[str] | None,
    as_json: bool,
) -> None:
    needs("working pictures up", "photos", "scipy")
    from minifaces.folders import LeftOut
    from minifaces.photos.sources import count_sources, read_sources
    from minifaces.photos.steps import run, settings_for
    from minifaces.photos.workfolder import Work

    read_sources(sources)  # a source that is missing is told of before a folder is made
    flagged_from = dict(_threshold(text) for text in thresholds or [])
    among = workers_of(workers)
    work = Work(folder, make=True)
    wanted = settings_for(work, size, flagged_from)
    total, left = count_sources(sources), LeftOut()
    names = {"import": "importing", "cut": "cutting", "frame": "framing", "screen": "screening"}
    with pictures_bar(names[last], None if total is None else total or _lines(work)) as bar:
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
    if told > MOST_TOLD:
        say(f"... and {told - MOST_TOLD} more: see `problem` in {work.manifest}", err=True)
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

    from minifaces.photos.lists import read_rows
    from minifaces.photos.workfolder import Screen

    flags: Counter[str] = Counter()
    faces = clean = 0
    for row in read_rows(work.screen_list, Screen):
        faces += 1
        clean += not row.flags
        flags.update(row.flags)
    return {"faces": faces, "clean": clean, "flags": dict(flags.most_common())}


def _threshold(text: str) -> tuple[str, float]:
    name, value = pair(text, "--threshold", "blurred=0.4")
    try:
        return name, float(value)
    except ValueError:
        raise UsageError(f"--threshold {text}: a number wanted, as in blurred=0.4") from None


def _lines(work: "Work") -> int:
    with work.manifest.open("rb") as file:
        return sum(1 for _ in file)
