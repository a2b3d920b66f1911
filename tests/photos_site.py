"""A catalogue site on this machine, with everything that real ones do to a collector."""

import asyncio
import io
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import numpy as np
import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route


def picture(width: int, height: int, seed: int = 0, kind: str = "JPEG") -> bytes:
    """A picture file that is like no other of another seed or size."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, kind)
    return buffer.getvalue()


class Site:
    """What it serves can be changed while it runs; `asked` counts the requests of each path."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.agents: set[str] = set()
        self.robots: str | int = "User-agent: *\nDisallow: /private/\n"
        self.busy = 2  # how often /busy answers 429 before it works
        self.retry_after = "7"
        self.broken = True
        self.server = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    port = 0

    def routes(self) -> list[Route]:
        handlers = {
            "/robots.txt": self._robots,
            "/parts/{part}": self._part,
            "/private/{part}": self._part,
            "/data/{part}": self._data,
            "/old/{part}": lambda r: RedirectResponse(f"/parts/{r.path_params['part']}", 301),
            "/elsewhere/{part}": lambda r: RedirectResponse(
                f"http://localhost:{self.port}/parts/{r.path_params['part']}"
            ),
            "/oops": lambda _: Response(status_code=301, headers={"Location": "http://[oops"}),
            "/loop": lambda _: RedirectResponse("/loop"),
            "/file": lambda _: RedirectResponse("file:///etc/passwd"),
            "/image/{width:int}x{height:int}/{seed:int}.jpg": self._image,
            "/twin/{part}.jpg": lambda _: Response(picture(50, 60), media_type="image/jpeg"),
            "/same.jpg": lambda _: Response(picture(50, 50), media_type="image/jpeg"),
            "/truncated.jpg": lambda _: Response(picture(300, 300)[:5000], media_type="image/jpeg"),
            "/words.jpg": lambda _: Response(b"<html>no picture", media_type="image/jpeg"),
            "/busy.jpg": self._busy,
            "/later.jpg": lambda _: Response(status_code=503, headers={"Retry-After": "3600"}),
            "/error.jpg": lambda _: Response(status_code=500),
            "/slow.jpg": self._slow,
            "/broken.jpg": self._broken,
            "/endless.jpg": self._endless,
        }
        return [Route(path, self._counted(handler)) for path, handler in handlers.items()]

    def _counted(self, handler):
        async def counted(request: Request) -> Response:
            self.asked[request.url.path] += 1
            self.agents.add(request.headers["user-agent"])
            answer = handler(request)
            return await answer if asyncio.iscoroutine(answer) else answer

        return counted

    def _robots(self, _: Request) -> Response:
        return PlainTextResponse(self.robots) if isinstance(self.robots, str) else Response(status_code=self.robots)

    def _part(self, request: Request) -> Response:
        """The page of a part: of "7" a gallery, a thumbnail, a logo and a picture in a data: URL."""
        part = request.path_params["part"]
        if not part.isdecimal():
            return Response(PAGES[part], media_type="text/html") if part in PAGES else Response(status_code=404)
        n = int(part)
        return HTMLResponse(
            f"""<html><head><title>{part}</title></head><body><img src="/logo.png">
            <div id=gallery><img src="/image/40x30/{n}.jpg" width=4000>
            <img src="/image/20x20/{n}.jpg" srcset="/image/60x50/{n}.jpg 600w, /image/120x90/{n}.jpg 1200w">
            <a href="../image/90x90/{n}.jpg">side</a><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="></div>"""
        )

    def _data(self, request: Request) -> Response:
        n = request.path_params["part"]
        if n in DATA:
            return Response(DATA[n], media_type="application/json")
        sizes = ("30x30", "200x100", "80x80")
        return JSONResponse({"images": [{"url": f"/image/{size}/{n}.jpg"} for size in sizes], "name": "a head"})

    def _image(self, request: Request) -> Response:
        p = request.path_params
        etag = f'"{p["width"]}-{p["seed"]}"'
        return Response(picture(p["width"], p["height"], p["seed"]), media_type="image/jpeg", headers={"ETag": etag})

    def _busy(self, _: Request) -> Response:
        self.busy -= 1
        if self.busy >= 0:
            return Response(status_code=429, headers={"Retry-After": self.retry_after})
        return Response(picture(70, 70), media_type="image/jpeg")

    async def _slow(self, _: Request) -> Response:
        await asyncio.sleep(1.5)
        return Response(picture(70, 70), media_type="image/jpeg")

    def _broken(self, _: Request) -> Response:
        """Says that there is more than it sends, then hangs up."""
        data = picture(70, 70, 9)
        if not self.broken:
            return Response(data, media_type="image/jpeg")

        async def half() -> AsyncIterator[bytes]:
            yield data[:1000]

        return StreamingResponse(half(), media_type="image/jpeg", headers={"Content-Length": str(len(data))})

    def _endless(self, _: Request) -> Response:
        async def bytes_() -> AsyncIterator[bytes]:
            while True:
                yield b"\xff" * 10_000
                await asyncio.sleep(0)

        return StreamingResponse(bytes_(), media_type="image/jpeg")


PAGES = {
    "empty": "<p>nothing here",
    "truncated": '<img src="/truncated.jpg"><img src="/image/10x10/3.jpg">',
    "only-truncated": '<img src="/truncated.jpg">',
    "words": '<img src="/words.jpg">',
    "gone": '<img src="/image/nothing.jpg">',
    "private": '<img src="/private/1">',
    "other-host": '<img src="http://pictures.example/a.jpg">',
    "two-hosts": '<img src="http://pictures.example/a.jpg"><img src="/image/11x11/1.jpg">',
    "two-hosts-too": '<img src="http://pictures.example/b.jpg"><img src="/image/12x12/2.jpg">',
    "same-a": '<img src="/same.jpg">',
    "same-b": '<img src="/same.jpg">',
    "based": '<base href="/image/"><img data-src="33x22/1.jpg#top">',
}


DATA = {
    "half": rb'{"url": "/image/\ud800.jpg"}',
    "deep": b'{"a":' * 500 + b"1" + b"}" * 500,
}


@contextmanager
def running_site() -> Iterator[Site]:
    site = Site()
    app = Starlette(routes=site.routes())
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    site.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(10)
