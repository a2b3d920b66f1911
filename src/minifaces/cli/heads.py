"""`minifaces data prints`, `stages` and `compose`: faces of LDraw's heads."""

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minifaces import __version__
from minifaces.cli.bars import bar, progress
from minifaces.cli.common import WorkersOption, say, tell, workers_of
from minifaces.cli.help import Commands
from minifaces.cli.pathnames import file, folder, named
from minifaces.errors import UsageError, needs

if TYPE_CHECKING:
    from minifaces.ldraw.library import Library

app = Commands()

_PANEL = "LDraw's heads"

LibraryOption = Annotated[
    Path | None,
    typer.Option("--library", metavar="FOLDER|ZIP", parser=named("--library"), help="An LDraw parts library."),
]
DownloadOption = Annotated[bool, typer.Option("--download", help="Get the library from ldraw.org, once: about 70 MB.")]


@app.command(rich_help_panel=_PANEL)
def prints(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", parser=file, help="The zip to write.")
    ] = Path("prints.zip"),
    library: LibraryOption = None,
    download: DownloadOption = False,
    table: Annotated[
        Path | None, typer.Option(metavar="FILE", parser=file, help="Also write what was left out and why, as CSV.")
    ] = None,
) -> None:
    """Bake the printed faces of an LDraw library to textures.

    A part that cannot be used is left out and told."""
    from minifaces.files import atomic

    parts = _open_library(library, download)
    needs("baking", "data", "numba")
    from minifaces.cli import leftout
    from minifaces.cli.common import console, warn
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


@app.command(rich_help_panel=_PANEL)
def stages(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", parser=file, help="The zip to write.")
    ] = Path("stages.zip"),
    count: Annotated[int, typer.Option("-n", metavar="N", min=1, max=100_000, help="How many.")] = 288,
    library: LibraryOption = None,
    download: DownloadOption = False,
    workers: WorkersOption = None,
    samples: Annotated[
        int, typer.Option(metavar="N", min=1, max=4096, help="Light paths a pixel, before denoising.")
    ] = 32,
) -> None:
    """Trace plain heads under many lights and cameras.

    Interrupted, it goes on where it stopped."""
    path = _library_path(library, download)
    _open_library(path, False)
    needs("tracing", "data", "mitsuba")
    from minifaces.ldraw.trace import trace_stages

    among = workers_of(workers)
    with bar("tracing") as update:
        trace_stages(path, count, output, among, samples, lambda done: update(done, count))
    tell(output, f"{count} stages", False)


@app.command(rich_help_panel=_PANEL)
def compose(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", parser=folder, help="The data set's folder.")
    ] = Path("faces"),
    count: Annotated[int, typer.Option("-n", metavar="N", min=1, max=10_000_000, help="How many faces.")] = 4000,
    size: Annotated[int, typer.Option(metavar="PIXELS", help="A side of a face: 32, 64, 128 or 256.")] = 128,
    recombined: Annotated[
        float,
        typer.Option(metavar="SHARE", min=0, max=1, help="So many have the eyes of one print, the mouth of another."),
    ] = 0.5,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Another seed, other faces.")] = 0,
    workers: Annotated[
        str | None,
        typer.Option(
            metavar="N|ADDRESS",
            help="Processes, or the Dask scheduler of a cluster, as tcp://host:8786.",
            show_default="this process",
        ),
    ] = None,
) -> None:
    """Compose faces into a data set.

    It is a Hugging Face image folder with metadata.csv, split 80/10/10 by design.
    However many workers there are, the faces are the same.
    After an interruption the same command writes it anew; a whole one it leaves as it is."""
    needs("composing", "data", "numba", "scipy")
    from minifaces.dataset import write_dataset
    from minifaces.ldraw.composed import composed_files
    from minifaces.workers import open_pool

    recipe = {"version": __version__, "n": count, "size": size, "recombined": recombined, "seed": seed}
    with nullcontext() if workers is None else open_pool(workers_of(workers)) as pool:
        faces = progress(composed_files(count, size, recombined, seed, pool), "composing", count)
        write_dataset(output, faces, recipe=recipe)
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
