"""The picture that a chat shows beside a link to the site: the logo, the name, and faces of the map.

files = export_site(site_files(model, faces), Path("site"), preview(faces))"""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from minifaces.arrays import Doubles, Latents, Places
from minifaces.explorer.faces import MapFaces
from minifaces.explorer.page import page_files
from minifaces.images import resize

SIZE = (1200, 630)
"""what chats show whole"""
LOGO = "icon-512.png"
_PAPER, _INK, _SOFT = (247, 246, 242), (23, 23, 26), (91, 91, 102)  # of the page
_COLUMNS, _ROWS, _FACE, _STEP = 5, 4, 128, 146
_RIGHT, _LEFT = 44, 72  # room beside the faces and beside the name
_ROUNDS, _ENOUGH = 20, 5000  # of the search for faces, and faces to search among


def preview(faces: MapFaces) -> bytes:
    """A JPEG of `SIZE`, the same for the same faces."""
    picture = Image.new("RGB", SIZE, _PAPER)
    chosen = various(faces.latents, _COLUMNS * _ROWS)
    top = (SIZE[1] - (-(-len(chosen) // _COLUMNS) - 1) * _STEP - _FACE) // 2
    left = SIZE[0] - _RIGHT - (_COLUMNS - 1) * _STEP - _FACE
    for place, face in enumerate(chosen):
        row, column = divmod(place, _COLUMNS)
        # White becomes paper.
        printed = resize(faces.pictures[face], _FACE, _FACE).astype(int) * _PAPER // 255
        picture.paste(Image.fromarray(printed.astype(np.uint8)), (left + column * _STEP, top + row * _STEP))
    with Image.open(io.BytesIO(page_files()[LOGO])) as logo:
        small = logo.resize((148, 148), Image.Resampling.LANCZOS)
    picture.paste(small, (_LEFT - 12, 150), small)
    draw = ImageDraw.Draw(picture)
    draw.text((_LEFT, 312), "minifaces", _INK, ImageFont.load_default(72), stroke_width=2)
    for line, words in enumerate(("Every name has a face.", "Find yours.")):
        draw.text((_LEFT, 414 + 44 * line), words, _SOFT, ImageFont.load_default(32))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=88, subsampling=0, optimize=True)
    return stream.getvalue()


def various(latents: Latents, most: int) -> Places:
    """Which faces show best what there is, `most` of them or fewer, in their order: the one nearest to the middle of
    each cluster (Lloyd, "Least squares quantization in PCM", 1982), begun with faces evenly apart."""
    among = _evenly(len(latents), _ENOUGH)
    points = latents[among].astype(np.float64)
    centres = points[_evenly(len(points), most)]
    for _ in range(_ROUNDS):
        nearest = _distances(points, centres).argmin(axis=1)
        for cluster in np.unique(nearest):
            centres[cluster] = points[nearest == cluster].mean(axis=0)
    return np.asarray(among[np.unique(_distances(points, centres).argmin(axis=0))])


def _evenly(count: int, most: int) -> Places:
    return np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)


def _distances(points: Doubles, centres: Doubles) -> Doubles:
    """Squares of how far each of n points is from each of k, (n, k)."""
    return np.asarray((points**2).sum(axis=1)[:, None] - 2 * points @ centres.T + (centres**2).sum(axis=1))
