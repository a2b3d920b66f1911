"""Make the gallery: the faces that a model knows by name, with thumbnails and latents.

Of composed faces every design in its own head colour on one plain, frontal stage; of a folder of pictures (some of) the
pictures, with what its metadata says of them."""

import io
import json
import math
from typing import Any

import numpy as np
from PIL import Image

from minifaces.arrays import Pixels
from minifaces.fits.shape import Fitted, Subject, Work, tensor_file
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import fixed_draws
from minifaces.listing import attributes_of, description_of
from minifaces.studio.folder import GALLERY, GALLERY_LATENTS, GALLERY_PICTURES
from minifaces.vae.config import Config
from minifaces.vae.training_data import ComposedFaces, Pictures, Source

FILES = (GALLERY, GALLERY_LATENTS, GALLERY_PICTURES)


def work(config: Config, source: Source) -> Work:
    """Faces to encode."""
    if isinstance(source, ComposedFaces):
        return Work(len(source.prints))
    return Work(min(config.gallery.faces, source.faces))


def fit(subject: Subject) -> Fitted:
    """Names, latents and thumbnails."""
    faces, entries = named_faces(subject.source, subject.config.gallery.faces)
    listed = json.dumps(entries, indent=0) + "\n"
    latents = tensor_file({"latents": subject.encode(faces)})
    return Fitted({GALLERY: listed.encode(), GALLERY_LATENTS: latents, GALLERY_PICTURES: _sheet(faces)})


def named_faces(source: Source, most: int) -> tuple[Pixels, list[dict[str, Any]]]:
    """Pictures (n, H, W, 3) uint8 and their entries for gallery.json; of a folder at most `most`."""
    if isinstance(source, ComposedFaces):
        designs = np.arange(len(source.prints))
        stages = np.full(len(designs), _frontal(source))
        faces, _ = compose(source.prints, source.stages, fixed_draws(source.prints, designs, stages))
        entries = [
            {"name": d.name, "description": d.description, "attributes": d.attributes, "split": d.split}
            for d in source.prints.designs
        ]
        return faces, entries
    assert isinstance(source, Pictures)
    data = source.described(most)
    unique = len({row["design"] for row in data.rows}) == len(data.rows)
    return data.pictures, [_entry(row, unique) for row in data.rows]


def _frontal(source: ComposedFaces) -> int:
    """The training stage that shows a head most plainly: on white, straight on, well filling the picture."""
    costs = [
        abs(p.yaw)
        + abs(p.pitch - 5)
        + 40 * abs(p.fill - 0.9)
        + 3 * abs(p.dx)
        + 30 * abs(p.exposure - 0.95)
        + 100 * (p.backdrop != "white")
        for p in source.stages.parameters
    ]
    return int(np.argmin(costs))


def _entry(row: dict[str, str], unique: bool) -> dict[str, Any]:
    """A gallery entry from a data set's row."""
    name = row["design"] if unique else row["file_name"]
    facts = {"description": description_of(row), "attributes": attributes_of(row), "split": row["split"]}
    return {"name": name, **facts}


def _sheet(faces: Pixels) -> bytes:
    """Thumbnails, ceil(sqrt(n)) to a row, as one WebP."""
    count, height, width, _ = faces.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet = np.full((rows * columns, height, width, 3), 255, np.uint8)
    sheet[:count] = faces
    picture = sheet.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "webp", quality=90, method=6)
    return buffer.getvalue()
