"""`minifaces evaluate`: how good is a model, in figures and pictures?"""

from pathlib import Path
from typing import Annotated

import typer

from minifaces.cli.common import JsonOption, open_model, print_json, say
from minifaces.cli.paths import folder, named
from minifaces.errors import UsageError
from minifaces.files import shown

app = typer.Typer()


@app.command()
def evaluate(
    model: Annotated[
        Path | None, typer.Argument(metavar="MODEL", parser=named("MODEL"), show_default="the bundled model")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            parser=named("--data"),
            help="A data set with a test split.",
            show_default="composed faces",
        ),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="MODEL", parser=named("--against"), help="Another model to set beside it; may be repeated."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", parser=folder, help="The folder of the report.")
    ] = Path("report"),
    only: Annotated[
        list[str] | None, typer.Option(help="Only this part: reconstruction, random, morphs, latent; may be repeated.")
    ] = None,
    share: Annotated[
        float, typer.Option(min=0.01, max=4, help="How many faces to take, as a share of the usual number.")
    ] = 1.0,
    size: Annotated[
        int | None, typer.Option(min=32, max=256, help="Compare at this size.", show_default="the model's")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a model on faces that it never saw, and write a report: index.html, report.json and pictures.

    Reconstruction, random faces, morphs and the latent space, each beside what calibrates it."""
    try:
        import numba  # noqa: F401
    except ImportError as error:
        raise UsageError(f"evaluating needs {error.name}: pip install 'minifaces[evaluate]'") from None
    import time

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from minifaces.evaluate import report
    from minifaces.evaluate.evaluation import PARTS, evaluate

    if unknown := set(only or []) - set(PARTS):
        raise UsageError(f"there is no part {min(unknown)}: choose from {', '.join(PARTS)}")
    if size not in (None, 32, 64, 128, 256):
        raise UsageError(f"--size {size}: composed faces come at 32, 64, 128 and 256 pixels")
    began = time.monotonic()
    first = open_model(model)
    models = {first.name: first}
    for place in against or []:
        other = open_model(place)
        models[other.name if other.name not in models else shown(place)] = other
    columns = (TextColumn("{task.description}"), BarColumn(24), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("opening", total=1.0)
        parts = evaluate(
            models,
            data,
            tuple(part for part in PARTS if part in (only or PARTS)),
            share,
            size,
            lambda what, done: bar.update(task, description=what, completed=done),
        )
    facts = {
        "model": first.name,
        "pictures": f"{first.image_size} px",
        "latents": first.latent_size,
        "beside it": ", ".join(list(models)[1:]) or "no other",
        "data": "composed faces of the test split" if data is None else shown(data),
        "took": f"{(time.monotonic() - began) / 60:.1f} minutes",
    }
    report.write(parts, facts, out)
    if as_json:
        print_json({"report": str(out / "index.html"), "figures": str(out / "report.json")})
        return
    for part in parts:
        for table in part.tables[:1]:
            for name, row in list(table.rows.items())[:2]:
                said = "; ".join(f"{column} {report.as_text(value)}" for column, value in row.items())
                say(f"{part.title}, {name}: {said}")
    say(f"{out / 'index.html'}: the report, {facts['took']}")
