"""`minifaces data review` and `minifaces data stats`: look at what was found, and decide."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minifaces.cli.bars import bar, progress
from minifaces.cli.common import JsonOption, cell, console, print_json, say, tell
from minifaces.cli.help import Commands
from minifaces.cli.pathnames import file, named, output_name
from minifaces.errors import UsageError, needs

if TYPE_CHECKING:
    from minifaces.photos.stats import Stats


app = Commands()


@app.command(rich_help_panel="Your own pictures")
def review(
    work: Annotated[Path, typer.Argument(metavar="WORK", parser=named("WORK"), help="A screened work folder.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|FOLDER",
            parser=output_name,
            help="The page, or the data set's folder.",
            show_default="review.html or faces",
        ),
    ] = None,
    decisions: Annotated[
        Path | None,
        typer.Option(
            "--apply",
            metavar="FILE",
            parser=named("--apply"),
            help="Make the data set that a page's decisions.jsonl chose.",
        ),
    ] = None,
    as_screened: Annotated[
        bool,
        typer.Option(
            "--as-screened", help="Make the data set from the decisions so far and, for other faces, the screening."
        ),
    ] = False,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="Most faces on the page.")] = 5000,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the data set that is in the folder.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a page to keep or reject faces in, or the data set.

    The page is one file that works offline. It gives decisions.jsonl, and --apply makes a data set of them,
    the same one byte for byte each time.
    WORK keeps the decisions, so that the next page goes on from there."""
    if decisions is not None and as_screened:
        raise UsageError("--apply and --as-screened exclude each other: give one")
    if decisions is None and not as_screened:
        _page(work, output or Path("review.html"), limit, as_json)
    else:
        _apply(work, output or Path("faces"), decisions, replace, as_json)


def _page(folder: Path, output: Path, limit: int, as_json: bool) -> None:
    needs("reviewing", "photos", "scipy")
    from minifaces.photos.review import write_page
    from minifaces.photos.workfolder import Work

    work = Work(folder)
    with bar("drawing") as update:
        shown, of = write_page(output, work, limit, update)
    what = f"{of} faces" if shown == of else f"the {shown} most suspicious of {of} faces"
    tell(output, f"{what}; open it in a browser", as_json, {"faces": shown, "of": of})


def _apply(folder: Path, output: Path, decisions: Path | None, replace: bool, as_json: bool) -> None:
    from minifaces.dataset import write_dataset
    from minifaces.photos.apply import plan, read_decisions, record
    from minifaces.photos.workfolder import Work

    work = Work(folder)
    given = work.decisions() if decisions is None else read_decisions(decisions)
    chosen = plan(work, given)
    faces = chosen.faces()
    if decisions is not None:
        record(work, given)  # before the long work: where another process has the folder, nothing is written
    write_dataset(output, progress(faces, "writing", len(chosen.rows)), replace)
    facts = {"faces": len(chosen.rows), "of": chosen.of, "decided": chosen.decided, "strange": chosen.strange}
    if as_json:
        print_json({"folder": str(output), **facts})
        return
    strange = f"; {chosen.strange} decisions on faces that are not there" if chosen.strange else ""
    say(f"{output}: {len(chosen.rows)} of {chosen.of} faces, {chosen.decided} decided by hand{strange}")


@app.command(rich_help_panel="Your own pictures")
def stats(
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", parser=named("FOLDER"), help="A work folder, a data set or any pictures."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", parser=file, help="Also draw it: an HTML page.", show_default="not drawn"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell and draw what is in a folder.

    Counts, splits, colours, light, angle, repetitions."""
    needs("measuring pictures", "photos", "scipy")
    from minifaces.photos.stats import measure
    from minifaces.photos.statspage import write_page

    with bar("looking") as update:
        found = measure(folder, update)
    if as_json:
        print_json(found.as_json())
    else:
        _print(found)
    if output is not None:
        write_page(output, found)
        if not as_json:
            tell(output, f"what is in {folder}")


def _print(found: "Stats") -> None:
    """Counts in one table, then what was counted by value, then the spreads."""
    from rich.table import Table

    counts = Table("", "count", title=cell(found.folder), title_justify="left", box=None)
    counts.columns[1].justify = "right"
    for name, count in found.counts.items():
        counts.add_row(cell(name), f"{count:,}")
    by_value = Table("", "", "count", "share", box=None)
    for name, table in found.tables.items():
        for place, (value, count) in enumerate(table.most_common()):
            label = cell("" if place else name, "bold")
            by_value.add_row(label, cell(value), f"{count:,}", f"{found.share(name, value):.0%}")
    for column in by_value.columns[2:]:
        column.justify = "right"
    spreads = Table("", "least", "5 %", "median", "95 %", "most", box=None)
    for name, spread in found.spreads.items():
        spreads.add_row(
            cell(f"{name}, {spread.unit}", "bold"), *(f"{number:.2f}" for number in spread.quantiles().values())
        )
    for column in spreads.columns[1:]:
        column.justify = "right"
    for shown in (counts, by_value, spreads):
        if shown.row_count:
            console().print(shown)
