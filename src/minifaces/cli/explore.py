"""`minifaces explore` and `export-site`: the page that decodes faces by itself."""

from pathlib import Path
from typing import Annotated

import typer

from minifaces.cli.common import ModelOption, human, open_model, progress
from minifaces.errors import UsageError

app = typer.Typer()

DataArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[DATA]", help="A data set or any folder of pictures.", show_default="the model's gallery"),
]
SeedOption = Annotated[int, typer.Option(help="The map's: another seed, another map.")]


@app.command()
def explore(
    data: DataArgument = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    seed: SeedOption = 0,
    model_folder: ModelOption = None,
) -> None:
    """Open the explorer: map, morphs, random faces, edits, photos and avatars in the browser.

    Everything is computed in the page; this only hands it its files, to this machine alone. Ctrl-C ends it."""
    import webbrowser

    from minifaces.explorer.export import site
    from minifaces.explorer.server import Server

    server = Server(site(_files(data, seed, model_folder)), port)
    typer.echo(f"{server.address}  (Ctrl-C ends it)")
    if browser:
        webbrowser.open(server.address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        typer.echo("ended")
    finally:
        server.server_close()


@app.command("export-site")
def export(
    output: Annotated[
        Path, typer.Argument(metavar="OUT", help="The folder, or the .html file of --single-file.", show_default=False)
    ],
    data: Annotated[
        Path | None,
        typer.Option("--data", help="A data set or any folder of pictures.", show_default="the model's gallery"),
    ] = None,
    single_file: Annotated[
        bool, typer.Option("--single-file", help="One HTML file that works from disk, offline.")
    ] = False,
    seed: SeedOption = 0,
    model_folder: ModelOption = None,
) -> None:
    """Write the explorer for any static host, or as one file."""
    from minifaces.explorer.export import export_single, export_site

    if single_file:
        if output.suffix.lower() not in (".html", ".htm"):
            raise UsageError(f"{output}: a single file needs a name that ends in .html, such as faces.html")
        size = export_single(_files(data, seed, model_folder), output)
        typer.echo(f"{output}: the explorer in one file, {human(size)}; open it in a browser")
        return
    size = export_site(_files(data, seed, model_folder), output)
    typer.echo(f"{output}: the explorer, {human(size)}; put the folder on any web server, as `python -m http.server`")


def _files(data: Path | None, seed: int, model_folder: Path | None) -> dict[str, bytes]:
    from rich.console import Console

    from minifaces.dataset import read_dataset
    from minifaces.explorer.faces import dataset_faces, gallery_faces
    from minifaces.explorer.site import site_files

    model = open_model(model_folder)
    if data is None:
        faces = gallery_faces(model)
    else:
        faces = dataset_faces(model, read_dataset(data, model.image_size), progress)
    with Console(stderr=True).status("laying out the map"):
        return site_files(model, faces, seed)
