"""The application: routes, and what stands before them."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from minifaces.errors import UsageError
from minifaces.server import api, asked, pages, trying
from minifaces.server.answers import Refusal, refused, told
from minifaces.server.desk import Desk
from minifaces.server.files import Files
from minifaces.server.guards import Guards, Limits
from minifaces.server.hosts import Place
from minifaces.server.metrics import KIND, Metrics
from minifaces.server.openapi import described
from minifaces.studio.model import Model


def explorer(files: dict[str, bytes], place: Place, limits: Limits | None = None) -> ASGIApp:
    """The explorer's files, to whoever asks by a known name."""
    shown = Files(files)
    routes = [Route("/{name:path}", shown.__call__)]
    return Guards(Starlette(routes=routes, exception_handlers=_HANDLERS), place, limits or Limits(), None)


def application(
    model: Model, files: dict[str, bytes], place: Place, limits: Limits | None = None, token: str | None = None
) -> ASGIApp:
    """The explorer and the API. With a `token` all but the health checks needs it."""
    limits, metrics = limits or Limits(), Metrics()
    desk = Desk(model, limits, metrics)
    document = json.dumps(described()).encode()

    async def ready(_: Request) -> Response:
        (face,) = await desk.decode(model.gallery.latents[:1])
        return told({"ready": bool(face.size), "model": model.name, "version": desk.version})

    async def counted(_: Request) -> Response:
        return Response(metrics.told(), headers={"content-type": KIND})

    async def told_of(_: Request) -> Response:
        return Response(document, media_type="application/json")

    async def healthy(_: Request) -> Response:
        return told({"healthy": True})

    @asynccontextmanager
    async def alive(_: Starlette) -> AsyncIterator[None]:
        yield
        await desk.close()

    async def avatar(request: Request) -> Response:
        wanted = asked.query(asked.Portrait, request.query_params)
        known = request.headers.get("if-none-match", "")
        return await api.avatar(desk, request.path_params["file"], known, wanted)  # takes a seat where it has to work

    async def page(request: Request) -> Response:
        wanted = asked.query(asked.Faces, request.query_params)
        async with desk.seat():
            return await pages.page(desk, request.url, wanted)

    routes = [
        Route("/healthz", healthy),
        Route("/readyz", ready),
        Route("/metrics", counted),
        Route("/openapi.json", told_of),
        Route(trying.PLACE, trying.file),
        Route(f"{trying.PLACE}/{{name}}", trying.file),
        Route("/avatar/{file:path}", avatar),
        Route("/faces", page),
        Route("/faces/picture.png", _asking(desk, asked.Faces, pages.picture)),
        Mount(
            api.UNDER,
            routes=[
                Route(row.path.removeprefix(api.UNDER), _endpoint(desk, row), methods=[row.method])
                for row in api.ENDPOINTS
            ],
        ),
        Route("/{name:path}", Files(files, unfolds=True).__call__),
    ]
    app = Starlette(routes=routes, exception_handlers=_HANDLERS, lifespan=alive)
    named = [route.path.partition("/{")[0] for route in routes[:-1] if isinstance(route, Route)]
    return metrics.watching(Guards(app, place, limits, token), [*named, *(row.path for row in api.ENDPOINTS)])


def _endpoint(desk: Desk, row: api.Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """A handler of a row of the API."""
    if row.method == "GET":
        return _asking(desk, row.asked, row.handler)

    async def answer(request: Request) -> Response:
        body = await request.body()
        async with desk.seat():
            if row.body == api.PICTURE:
                return await row.handler(desk, (body, asked.query(row.asked, request.query_params)))
            try:
                values = json.loads(body)
            except (ValueError, RecursionError):
                raise Refusal(400, "the body is no JSON") from None
            return await row.handler(desk, asked.checked(row.asked, values, strict=True))

    return answer


def _asking(desk: Desk, kind: type[asked.Asked], handler: api.Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler of what a query asks for."""

    async def answer(request: Request) -> Response:
        wanted = asked.query(kind, request.query_params)
        async with desk.seat():
            return await handler(desk, wanted)

    return answer


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return refused(error)


async def _misused(_: Request, error: Exception) -> Response:
    return refused(Refusal(400, str(error)))


async def _unknown(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refused(Refusal(error.status_code, error.detail.lower(), **dict(error.headers or {})))


async def _left(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # nobody hears it


_HANDLERS: dict[Any, Any] = {
    Refusal: _refuse,
    UsageError: _misused,
    HTTPException: _unknown,
    ClientDisconnect: _left,
}
