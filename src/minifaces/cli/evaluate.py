"""`minifaces evaluate`: how good is a model, in figures and pictures?"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minifaces.cli.bars import parts_bar
from minifaces.cli.common import JsonOption, ModelOption, open_model, print_json, say
from minifaces.cli.help import Commands
from minifaces.cli.pathnames import folder, named
from minifaces.errors import UsageError, needs
from minifaces.files import shown

if TYPE_CHECKING:
    from minifaces.evaluate.parts import Part
    from minifaces.studio.model import Model

app = Commands()


@app.command()
def evaluate(
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
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", parser=folder, help="The folder of the report.")
    ] = Path("report"),
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART", help="Only reconstruction, random, morphs or latent; may be repeated.", show_default="all"
        ),
    ] = None,
    share: Annotated[
        float,
        typer.Option(metavar="SHARE", min=0.01, max=4, help="So many faces of the usual number: 0.1 is a quick look."),
    ] = 1.0,
    size: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help="Compare at 32, 64, 128 or 256 pixels a side.", show_default="the model's"),
    ] = None,
    as_json: JsonOption = False,
    model_folder: ModelOption = None,
) -> None:
    """Measure a model on faces that it never saw.

    Reconstruction, random faces, morphs and the latent space, each beside what calibrates it.
    The report is a page, index.html; report.json has its figures."""
    needs("evaluating", "evaluate", "numba", "scipy", "sklearn")
    from minifaces.evaluate import report
    from minifaces.evaluate.evaluation import PARTS, evaluate

    _check(only or [], PARTS, size)
    began = time.monotonic()
    models = _opened(model_folder, against or [])
    parts = tuple(part for part in PARTS if part in (only or PARTS))
    with parts_bar("opening") as update:
        made = evaluate(models, data, parts, share, size, update)
    took = f"{(time.monotonic() - began) / 60:.1f} minutes"
    report.write(made, _facts(models, data) | {"took": took}, output)
    if as_json:
        print_json({"report": str(output / "index.html"), "figures": str(output / "report.json")})
        return
    for line in _first_figures(made):
        say(line)
    say(f"{output / 'index.html'}: the report, {took}")


def _check(only: Sequence[str], parts: Sequence[str], size: int | None) -> None:
    if unknown := set(only) - set(parts):
        raise UsageError(f"there is no part {min(unknown)}: choose from {', '.join(parts)}")
    if size not in (None, 32, 64, 128, 256):
        raise UsageError(f"--size {size}: composed faces come at 32, 64, 128 and 256 pixels")


def _opened(first: Path | None, against: Sequence[Path]) -> "dict[str, Model]":
    """The models by name; by folder where a name is taken."""
    model = open_model(first)
    models = {model.name: model}
    for place in against:
        other = open_model(place)
        models[other.name if other.name not in models else shown(place)] = other
    return models


def _facts(models: "dict[str, Model]", data: Path | None) -> dict[str, str | int]:
    name, *others = models
    return {
        "model": name,
        "pictures": f"{models[name].image_size} px",
        "latents": models[name].latent_size,
        "beside it": ", ".join(others) or "no other",
        "data": "composed faces of the test split" if data is None else shown(data),
    }


def _first_figures(parts: "Sequence[Part]") -> Iterator[str]:
    """The first two rows of each part's first table."""
    from minifaces.evaluate.report import as_text

    for part in parts:
        for table in part.tables[:1]:
            for name, row in list(table.rows.items())[:2]:
                figures = "; ".join(f"{column} {as_text(value)}" for column, value in row.items())
                yield f"{part.title}, {name}: {figures}"
