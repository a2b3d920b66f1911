"""Pages of one face, or of the way between two: what a chat shows beside their links, and then the explorer."""

import html
from urllib.parse import urlencode

import numpy as np
from starlette.datastructures import URL
from starlette.responses import Response

from minifaces.arrays import Pixels
from minifaces.images import resize
from minifaces.pictures import strip
from minifaces.pictures.portrait import KINDS, png
from minifaces.server.asked import Faces
from minifaces.server.desk import Desk

WIDTH, HEIGHT = 1200, 630  # what chats show beside a link
_STEPS = 5  # of a way between two faces
_PAPER = (247, 246, 242)

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title} · minifaces</title>
<meta property="og:type" content="website">
<meta property="og:title" content="{title}">
<meta property="og:description" content="{words}">
<meta property="og:image" content="{picture}">
<meta property="og:image:width" content="{width}">
<meta property="og:image:height" content="{height}">
<meta property="og:image:alt" content="{title}">
<meta name="twitter:card" content="summary_large_image">
<meta name="description" content="{words}">
<meta http-equiv="refresh" content="0; url={place}">
<p><a href="{place}">{title}</a></p>
</html>
"""


async def page(desk: Desk, address: URL, wanted: Faces) -> Response:
    """The page of a face, or of two, at this address."""
    for face in wanted.face:
        await desk.latent(face)  # there is no page of a face that is none
    asked = urlencode([("face", face) for face in wanted.face])
    title = " and ".join(_called(face) for face in wanted.face)
    two = len(wanted.face) > 1
    view = f"morph?{asked}&t=0&play=1" if two else f"edit?{asked}"
    words = "The way from one face to the other" if two else "A toy minifigure's face"
    text = _PAGE.format(
        title=html.escape(title),
        words=f"{words}, drawn by a small neural network.",
        picture=html.escape(str(address.replace(path="/faces/picture.png", query=asked))),
        width=WIDTH,
        height=HEIGHT,
        place=html.escape(f"./#/{view}"),
    )
    return Response(text.encode("utf-8", "replace"), media_type="text/html; charset=utf-8")


async def picture(desk: Desk, wanted: Faces) -> Response:
    stops = [await desk.latent(face) for face in wanted.face]
    latents = np.stack(stops)
    if len(stops) > 1:
        latents = await desk.do(lambda: desk.model.morph_latents(*stops, steps=_STEPS))
    faces = await desk.decode(latents)
    body = await desk.do(lambda: png(_framed(faces)))
    headers = {"cache-control": "public, max-age=86400", "cross-origin-resource-policy": "cross-origin"}
    return Response(body, 200, headers, KINDS["png"])


def _framed(faces: Pixels) -> Pixels:
    """Faces side by side in the middle of a picture for chats."""
    row: Pixels = strip(faces)
    scale = min(WIDTH / row.shape[1], HEIGHT / row.shape[0])
    row = resize(row, round(row.shape[0] * scale), round(row.shape[1] * scale))
    canvas = np.full((HEIGHT, WIDTH, 3), _PAPER, np.uint8)
    top, left = (HEIGHT - row.shape[0]) // 2, (WIDTH - row.shape[1]) // 2
    canvas[top : top + row.shape[0], left : left + row.shape[1]] = row
    return canvas


def _called(face: str) -> str:
    """What a person would call a face."""
    kind, mark, rest = face.partition(":")
    if not mark:
        return face
    return {"avatar": f"The face of {rest}", "random": f"Random face {rest}"}.get(kind, "A face of one's own")
