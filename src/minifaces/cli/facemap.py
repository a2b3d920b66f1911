"""`minifaces map`: every face at its place, so that alike faces lie side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from minifaces.cli.bars import progress
from minifaces.cli.common import DataOption, JsonOption, ModelOption, open_model, save, tell
from minifaces.cli.help import Commands
from minifaces.cli.pathnames import picture_or_parquet
from minifaces.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from minifaces.arrays import Latents, Pixels
    from minifaces.studio.model import Model

app = Commands()

_CHUNK = 64  # pictures encoded between two moves of the progress bar


@app.command("map")
def draw(
    data: DataOption = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            parser=picture_or_parquet,
            help="The picture to write, or a .parquet of faces with x and y, for Embedding Atlas.",
        ),
    ] = Path("map.png"),
    layout: Annotated[
        Literal["tsne", "grid"],
        typer.Option(
            metavar="NAME", help="tsne: where t-SNE puts the faces; grid: moved apart, so that none is hidden."
        ),
    ] = "tsne",
    size: Annotated[int, typer.Option(metavar="PIXELS", help="Width and height of the map.")] = 2048,
    crops: Annotated[bool, typer.Option("--crops", help="Also draw its clusters closer, as map-crops.png.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="0 or more: another seed, another map.")] = 0,
    as_json: JsonOption = False,
    model_folder: ModelOption = None,
) -> None:
    """Draw a map of faces: alike faces lie side by side."""
    from minifaces.pictures import cluster_crops, draw_map, grid, save_picture, snap_to_grid
    from minifaces.studio.atlas import project

    table = output.suffix.lower() == ".parquet"
    if table:
        from minifaces.hub.datasets import check_installed, write_map

        check_installed()
        if crops:
            raise UsageError(f"--crops draws pictures, and {output} is none: use -o map.png")
    model = open_model(model_folder)
    faces, latents, rows = _gallery(model) if data is None else _encoded(model, data)
    places = project(latents, seed)
    facts = {"faces": len(faces), "layout": layout, "seed": seed}
    what = f"a map of {len(faces)} faces"
    if table:
        write_map(output, faces, snap_to_grid(places) if layout == "grid" else places, rows)
        tell(output, what, as_json, facts)
        return
    face = max(16, size // 32)
    if layout == "grid":
        picture = draw_map(faces, snap_to_grid(places), size, face=None)
    else:
        picture = draw_map(faces, places, size, face)
    save(output, picture, what, as_json, facts)
    if crops:
        closer = cluster_crops(faces, places, min(6, len(faces)), size, face)
        path = output.with_stem(f"{output.stem}-crops")
        save_picture(path, grid(closer, columns=3))
        if not as_json:
            tell(path, f"{len(closer)} clusters")


Found = tuple["Pixels", "Latents", "Sequence[Mapping[str, str]]"]
"""Pictures, latents, and what is known of each."""


def _gallery(model: "Model") -> Found:
    rows = [
        {"name": entry.name, "description": entry.description, "split": entry.split}
        | {name: str(value) for name, value in entry.attributes.items()}
        for entry in model.gallery.entries
    ]
    return model.gallery.thumbnails, model.gallery.latents, rows


def _encoded(model: "Model", folder: Path) -> Found:
    """Read a data set's pictures at the model's size and encode them."""
    import numpy as np

    from minifaces.dataset import read_dataset

    read = read_dataset(folder, model.image_size)
    faces = read.pictures
    starts = range(0, len(faces), _CHUNK)
    bar = progress(starts, "encoding", len(starts))
    latents = np.concatenate([model.encode(faces[start : start + _CHUNK]) for start in bar])
    return faces, latents, read.rows
