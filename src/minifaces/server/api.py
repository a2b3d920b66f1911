"""The API: what can be asked under /v1, and avatars."""

import hashlib
import json
import secrets
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from starlette.responses import Response

from minifaces.arrays import Latents, Pixels
from minifaces.pictures import grid, save_animation, strip
from minifaces.pictures.portrait import KINDS, png, portrait
from minifaces.server import asked
from minifaces.server.answers import LASTING, Refusal, told
from minifaces.server.desk import Desk
from minifaces.studio.generator import LARGEST_SEED

PICTURE = "application/octet-stream"
"""stands for the body of a request that is a picture file"""
UNDER = "/v1"
AVATARS = ("png", "webp", "svg")

Handler = Callable[[Desk, Any], Awaitable[Response]]


@dataclass(frozen=True)
class Endpoint:
    """A row of the API: OpenAPI and the routes are made of it."""

    path: str
    method: str
    name: str
    summary: str
    asked: type[asked.Asked]
    """in the query of a GET, in the body of a POST"""
    answers: tuple[str, ...]
    """media types"""
    handler: Handler
    body: str = ""
    """media type of a POST's body; the handler of a picture is given its bytes and what its query asks"""


async def avatar(desk: Desk, file: str, known: str, wanted: asked.Portrait) -> Response:
    """TEXT.KIND as a picture; nothing where its ETag is among those `known`."""
    text, dot, kind = file.rpartition(".")
    if not dot or kind not in AVATARS:
        raise Refusal(404, "an avatar is /avatar/TEXT.png, .webp or .svg")
    asked_for = json.dumps([text, kind, wanted.size, wanted.background]).encode()
    tag = f'"{desk.version}-{hashlib.sha256(asked_for).hexdigest()[:20]}"'
    headers = {"etag": tag, "cache-control": LASTING, "cross-origin-resource-policy": "cross-origin"}
    if tag in known:
        return Response(None, 304, headers)
    async with desk.seat():
        (face,) = await desk.decode((await desk.do(partial(desk.model.avatar_latent, text)))[None])
        body = await desk.do(lambda: portrait(face, wanted.size, kind, wanted.background))
    return Response(body, 200, headers, KINDS[kind])


async def random(desk: Desk, wanted: asked.Random) -> Response:
    seed = secrets.randbelow(LARGEST_SEED + 1) if wanted.seed is None else wanted.seed
    having = dict.fromkeys(wanted.having, True) | dict.fromkeys(wanted.lacking, False)

    def draw() -> Latents:
        return desk.model.sample_latents(
            wanted.n, seed, wanted.temperature, having=having or None, head=wanted.head, novelty=wanted.novelty
        )

    latents = await desk.do(draw)
    if wanted.answer == "png":
        return await _picture(desk, grid(await desk.decode(latents)))
    plain = wanted.temperature == 1 and not having and wanted.head is None and wanted.novelty is None
    first = f"random:{seed}" if plain else None  # what the reference means
    faces = [{"face": first if i == 0 else None, "latent": latent.tolist()} for i, latent in enumerate(latents)]
    return told({"seed": str(seed), "faces": faces})


async def encode(desk: Desk, sent: tuple[bytes, asked.Photo]) -> Response:
    file, wanted = sent
    latent, read = await desk.encode(file, wanted.face)
    faces = [{name: round(value, 3) for name, value in face._asdict().items()} for face in read.faces]
    chosen = None if read.chosen is None else read.chosen + 1
    return told({"latent": latent.tolist(), "faces": faces, "face": chosen})


async def decode(desk: Desk, wanted: asked.Decode) -> Response:
    size = desk.model.latent_size
    if any(len(latent) != size for latent in wanted.latents):
        raise Refusal(400, f"latents: each is {size} numbers")
    faces = await desk.decode(np.array(wanted.latents, np.float32))
    return await _picture(desk, grid(faces))


async def morph(desk: Desk, wanted: asked.Morph) -> Response:
    legs = len(wanted.faces) - (not wanted.loop)
    if legs * wanted.steps > desk.limits.frames:
        raise Refusal(400, f"steps: {legs} times {wanted.steps} pictures are more than {desk.limits.frames}")
    stops = [await desk.latent(face) for face in wanted.faces]
    film = wanted.answer != "png"
    latents = await desk.do(
        partial(desk.model.morph_latents, *stops, steps=wanted.steps, path=wanted.path, loop=wanted.loop, eased=film)
    )
    faces = await desk.decode(latents)
    if not film:
        return await _picture(desk, strip(faces))
    shown = faces if wanted.loop else np.concatenate([faces, faces[-2:0:-1]])  # there and back
    return Response(await desk.do(lambda: _animation(shown, wanted.answer)), media_type=f"image/{wanted.answer}")


async def edit(desk: Desk, wanted: asked.Edit) -> Response:
    latent = await desk.latent(wanted.face)
    edited = await desk.do(lambda: desk.model.edit(latent, wanted.amounts))
    if wanted.answer == "json":
        return told({"latent": edited[0].tolist()})
    return await _picture(desk, (await desk.decode(edited))[0])


async def gallery(desk: Desk, wanted: asked.Gallery) -> Response:
    entries = desk.model.gallery.entries
    found = desk.model.gallery.search(wanted.q.split()) if wanted.q.split() else range(len(entries))
    shown = [entries[i] for i in list(found)[wanted.offset : wanted.offset + wanted.limit]]
    faces = [
        {"face": e.name, "description": e.description, "attributes": e.attributes, "split": e.split} for e in shown
    ]
    return told({"of": len(found), "faces": faces})


async def neighbours(desk: Desk, wanted: asked.Neighbours) -> Response:
    found = desk.model.neighbours(await desk.latent(wanted.face), wanted.k)
    return told({"faces": [{"face": e.name, "description": e.description, "distance": far} for e, far in found]})


async def _picture(desk: Desk, picture: Pixels) -> Response:
    return Response(await desk.do(lambda: png(picture)), media_type=KINDS["png"])


def _animation(frames: Pixels, kind: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="minifaces-") as scratch:
        path = Path(scratch) / f"morph.{kind}"
        save_animation(path, frames, fps=25)
        return path.read_bytes()


_JSON, _PNG = "application/json", KINDS["png"]
_ANIMATIONS = ("image/gif", KINDS["webp"], _PNG)


def _get(path: str, handler: Handler, wanted: type[asked.Asked], summary: str, *answers: str) -> Endpoint:
    return Endpoint(path, "GET", handler.__name__, summary, wanted, answers, handler)


def _post(path: str, handler: Handler, wanted: type[asked.Asked], summary: str, *answers: str) -> Endpoint:
    body = PICTURE if wanted is asked.Photo else _JSON
    return Endpoint(path, "POST", handler.__name__, summary, wanted, answers, handler, body)


ENDPOINTS = (
    _get("/v1/faces/random", random, asked.Random, "Faces that are nobody's.", _JSON, _PNG),
    _get("/v1/gallery", gallery, asked.Gallery, "The faces that the model knows by name.", _JSON),
    _get("/v1/neighbours", neighbours, asked.Neighbours, "The gallery's faces that are nearest to one.", _JSON),
    _post("/v1/encode", encode, asked.Photo, "The latent of a face in a photo, and the faces that are in it.", _JSON),
    _post("/v1/decode", decode, asked.Decode, "The faces of latents, in one picture.", _PNG),
    _post("/v1/morph", morph, asked.Morph, "The way from face to face.", *_ANIMATIONS),
    _post("/v1/edit", edit, asked.Edit, "A face with more of something, or less of it.", _PNG, _JSON),
)
