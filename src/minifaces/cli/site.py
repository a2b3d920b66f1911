"""`minifaces export-site`: the page that decodes faces by itself, for any web server or from disk."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minifaces.cli.bars import bar, progress
from minifaces.cli.common import DataOption, ModelOption, human, open_model, say
from minifaces.cli.help import Commands
from minifaces.cli.pathnames import output_name
from minifaces.errors import UsageError
from minifaces.files import check_file

if TYPE_CHECKING:
    from minifaces.explorer.faces import MapFaces

app = Commands()

SeedOption = Annotated[int, typer.Option(metavar="N", help="0 or more: another seed, another map.")]


@app.command("export-site")
def export(
    data: DataOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|FOLDER",
            parser=output_name,
            help="The folder, or the file of --single-file.",
            show_default="site or faces.html",
        ),
    ] = None,
    single_file: Annotated[
        bool, typer.Option("--single-file", help="One HTML file that works from disk, offline.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Where the folder will be, as https://example.org/faces/: "
            "most chats show the picture beside a link only with it.",
            show_default=False,
        ),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(
            metavar="TITLE",
            help="Make the folder a static Space of the Hugging Face Hub with this title.",
            show_default=False,
        ),
    ] = None,
    seed: SeedOption = 0,
    model_folder: ModelOption = None,
) -> None:
    """Write the explorer for any web server, or as one file.

    On a server it is an app as well: what a visitor has seen of it opens again offline."""
    from minifaces.explorer.output import check_place, checked_address, export_single, export_site
    from minifaces.explorer.preview import preview

    if single_file:
        if url is not None:
            raise UsageError("--url is for a folder: a single file has no picture beside it")
        if space is not None:
            raise UsageError("--space is for a folder: leave --single-file out")
        file = output or Path("faces.html")
        if file.suffix.lower() not in (".html", ".htm"):
            raise UsageError(f"{file}: a single file needs a name that ends in .html, such as faces.html")
        check_file(file)
        files, _ = page_data(data, seed, model_folder)
        size = export_single(files, file)
        say(f"{file}: the explorer in one file, {human(size)}; open it in a browser")
        return
    if space is not None and not space.strip():
        raise UsageError("--space is empty: give the Space a title")
    folder = output or Path("site")
    check_place(folder)
    address = "" if url is None else checked_address(url)
    files, faces = page_data(data, seed, model_folder)
    size = export_site(files, folder, preview(faces), address, space)
    say(f"{folder}: the explorer, {human(size)}; put the folder on any web server, as `python -m http.server`")


def page_data(data: Path | None, seed: int, model_folder: Path | None) -> tuple[dict[str, bytes], "MapFaces"]:
    """Those of the page's data folder, and the faces that they show."""
    from minifaces.dataset import read_dataset
    from minifaces.explorer.faces import dataset_faces, gallery_faces
    from minifaces.explorer.site import site_files

    model = open_model(model_folder)
    if data is None:
        faces = gallery_faces(model)
    else:
        faces = dataset_faces(model, read_dataset(data, model.image_size), progress)
    with bar("laying out the map"):
        return site_files(model, faces, seed), faces


def page_data_apart(data: Path | None, seed: int, model_folder: Path | None) -> dict[str, bytes]:
    """The first of `page_data`, made by a process that ends: what lays maps out takes 150 MB that a server has no use
    for."""
    from minifaces.children import apart

    return apart(_page_files, data, seed, model_folder)


def _page_files(data: Path | None, seed: int, model_folder: Path | None) -> dict[str, bytes]:
    from minifaces.cli.streams import streams

    with streams():
        return page_data(data, seed, model_folder)[0]
