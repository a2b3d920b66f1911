"""`minifaces data`: bake prints, trace stages, compose data sets. For pictures of any kind: photos.py, review.py."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minifaces.cli import photos, review
from minifaces.cli.common import bar, needs, say
from minifaces.cli.paths import file, folder, named
from minifaces.errors import UsageError

if TYPE_CHECKING:
    from minifaces.ldraw.library import Library

app = typer.Typer(
    help="Make faces: compose them from LDraw's heads, or bring pictures of any kind into shape.", no_args_is_help=True
)
app.add_typer(photos.app)
app.command()(review.review)
app.command()(review.stats)

LibraryOption = Annotated[
    Path | None, typer.Option("--library", parser=named("--library"), help="An LDraw parts library, a folder or a zip.")
]
DownloadOption = Annotated[bool, typer.Option("--download", help="Get the library from ldraw.org (about 70 MB), once.")]


@app.command()
def prints(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", parser=file)] = Path("prints.zip"),
    library: LibraryOption = None,
    download: DownloadOption = False,
    table: Annotated[
        Path | None, typer.Option(metavar="FILE", parser=file, help="Also write what was left out and why, as CSV.")
    ] = None,
) -> None:
    """Bake the printed faces of an LDraw library to textures. A part that cannot be used is left out and told."""
    from minifaces.files import atomic

    parts = _open_library(library, download)
    needs("numba", "baking")
    from minifaces.cli import leftout
    from minifaces.cli.common import console, tell, warn
    from minifaces.ldraw.prints import bake_library, write_prints

    with bar("baking") as update:
        baked, left_out = bake_library(parts, update)
    with atomic(output) as scratch:
        write_prints(scratch, baked)
    if table is not None:
        leftout.write(table, left_out)
    console().print(leftout.summary(left_out))
    for line in leftout.faults(left_out):
        warn(line)
    tell(output, f"{len(baked)} faces of {len({d.part for d in baked.designs})} heads", False)


@app.command()
def stages(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", parser=file)] = Path("stages.zip"),
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=100_000)] = 288,
    library: LibraryOption = None,
    download: DownloadOption = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes.", show_default="all cores")] = None,
    samples: Annotated[int, typer.Option(min=1, max=4096, help="Light paths a pixel, before denoising.")] = 32,
) -> None:
    """Trace plain heads under many lights and cameras. Interrupted, it goes on where it stopped."""
    path = _library_path(library, download)
    _open_library(path, False)
    needs("mitsuba", "tracing")
    from minifaces.cli.common import tell
    from minifaces.cores import cores
    from minifaces.ldraw.trace import trace_stages

    with bar("tracing") as update:
        trace_stages(path, count, output, workers or cores(), samples, lambda done: update(done, count))
    tell(output, f"{count} stages", False)


@app.command()
def compose(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", parser=folder, help="Folder of the data set.")
    ] = Path("faces"),
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=10_000_000)] = 4000,
    size: Annotated[int, typer.Option(help="Pixels: 32, 64, 128 or 256.")] = 128,
    recombined: Annotated[float, typer.Option(min=0, max=1, help="Share of faces that join two prints.")] = 0.5,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Compose faces to disk as a Hugging Face image folder with metadata.csv, split 80/10/10 by design."""
    needs("numba", "composing")
    from minifaces.cli.common import progress
    from minifaces.dataset import write_dataset
    from minifaces.ldraw.dataset import composed_faces

    write_dataset(output, progress(composed_faces(count, size, recombined, seed), "composing", count))
    say(f"{output}: {count} faces, {size} x {size}")


def _library_path(library: Path | None, download: bool) -> Path:
    if library is not None:
        return library
    from minifaces.ldraw.download import cached_library, download_library

    target = cached_library()
    if not download and not os.access(target, os.R_OK):
        raise UsageError("name an LDraw library with --library, or get it with --download")
    with bar("downloading") as update:
        return download_library(target, progress=update)


def _open_library(library: Path | None, download: bool) -> "Library":
    from minifaces.ldraw.library import Library

    return Library(_library_path(library, download))
