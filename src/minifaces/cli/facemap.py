"""`minifaces map`: every face at its place, so that alike faces lie side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from minifaces.cli.bars import progress
from minifaces.cli.common import DataOption, JsonOption, ModelOption, PictureOption, open_model, save, tell
from minifaces.cli.help import Commands

if TYPE_CHECKING:
    from minifaces.arrays import Latents, Pixels
    from minifaces.studio.model import Model

app = Commands()

_CHUNK = 64  # pictures encoded between two moves of the progress bar


@app.command("map")
def draw(
    data: DataOption = None,
    output: PictureOption = Path("map.png"),
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

    model = open_model(model_folder)
    faces, latents = _gallery(model) if data is None else _encoded(model, data)
    places = project(latents, seed)
    face = max(16, size // 32)
    if layout == "grid":
        picture = draw_map(faces, snap_to_grid(places), size, face=None)
    else:
        picture = draw_map(faces, places, size, face)
    facts = {"faces": len(faces), "layout": layout, "seed": seed}
    save(output, picture, f"a map of {len(faces)} faces", as_json, facts)
    if crops:
        closer = cluster_crops(faces, places, min(6, len(faces)), size, face)
        path = output.with_stem(f"{output.stem}-crops")
        save_picture(path, grid(closer, columns=3))
        if not as_json:
            tell(path, f"{len(closer)} clusters")


def _gallery(model: "Model") -> tuple["Pixels", "Latents"]:
    return model.gallery.thumbnails, model.gallery.latents


def _encoded(model: "Model", folder: Path) -> tuple["Pixels", "Latents"]:
    """Read a data set's pictures at the model's size and encode them."""
    import numpy as np

    from minifaces.dataset import read_dataset

    faces = read_dataset(folder, model.image_size).pictures
    starts = range(0, len(faces), _CHUNK)
    bar = progress(starts, "encoding", len(starts))
    return faces, np.concatenate([model.encode(faces[start : start + _CHUNK]) for start in bar])
