"""`minifaces neighbours` and `gallery`: look at the faces that a model knows by name."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minifaces.cli.common import (
    FaceOption,
    JsonOption,
    ModelOption,
    RefineOption,
    cell,
    console,
    latents_of,
    open_model,
    print_json,
    tell,
)
from minifaces.cli.help import Commands
from minifaces.cli.pathnames import picture
from minifaces.errors import UsageError

if TYPE_CHECKING:
    from minifaces.studio.gallery import Entry

app = Commands()


@app.command()
def neighbours(
    face: Annotated[
        str,
        typer.Argument(
            metavar="FACE", help="A gallery name, random:SEED, avatar:TEXT or a picture file.", show_default=False
        ),
    ],
    k: Annotated[int, typer.Option("-k", metavar="N", help="How many.")] = 8,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", parser=picture, help="Also a picture: the face, then its neighbours."
        ),
    ] = None,
    number: FaceOption = None,
    refine: RefineOption = False,
    as_json: JsonOption = False,
    model_folder: ModelOption = None,
) -> None:
    """Find the faces of the gallery that are most like one."""
    import numpy as np

    from minifaces.pictures import save_picture, strip

    model = open_model(model_folder)
    (latent,) = latents_of(model, [face], refine, number)
    nearest, distances = model.gallery.nearest(latent, k, without=model.gallery.index(face))
    rows = [
        {**_facts(model.gallery.entries[i]), "distance": round(float(distance), 4)}
        for i, distance in zip(nearest, distances, strict=True)
    ]
    if as_json:
        print_json(rows)
    else:
        _table(rows)
    if output is not None:
        shown = np.concatenate([model.decode(latent), model.gallery.thumbnails[nearest]])
        save_picture(output, strip(shown))
        if not as_json:
            tell(output, f"{face} and {len(nearest)} neighbours")


@app.command()
def gallery(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORD", help="Only faces with it in their name or description.")
    ] = None,
    attribute: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only faces that have it, such as a smile.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", parser=picture, help="A sheet of the faces instead of a list."),
    ] = None,
    as_json: JsonOption = False,
    model_folder: ModelOption = None,
) -> None:
    """List the faces that the model knows by name, or show them."""
    from minifaces.pictures import captioned, grid, save_picture

    model = open_model(model_folder)
    found = model.gallery.search(words or [], attribute)
    if not found and not as_json:
        raise UsageError("no face of the gallery is like that; `minifaces gallery` lists them all")
    rows = [_facts(model.gallery.entries[i]) for i in found]
    if as_json:
        print_json(rows)
    elif output is None:
        _table(rows)
    if output is not None and found:
        faces = captioned(model.gallery.thumbnails[found], [str(row["name"]) for row in rows])
        save_picture(output, grid(faces))
        if not as_json:
            tell(output, f"{len(found)} faces")


def _facts(entry: "Entry") -> dict[str, object]:
    return {
        "name": entry.name,
        "description": entry.description,
        "attributes": entry.attributes,
        "split": entry.split,
    }


def _table(rows: Sequence[dict[str, object]]) -> None:
    """Facts as a table; of the attributes only those that a face has."""
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for name in rows[0]:
        table.add_column(name, overflow="fold", justify="right" if name == "distance" else "left")
    for row in rows:
        attributes = row["attributes"]
        assert isinstance(attributes, dict)
        has = ", ".join(attribute for attribute, value in attributes.items() if value)
        table.add_row(*(cell(has if name == "attributes" else value) for name, value in row.items()))
    console().print(table)
