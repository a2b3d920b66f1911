"""What a server did, for Prometheus to collect."""

import time

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KIND = CONTENT_TYPE_LATEST
_KNOWN = ("avatar", "faces", "healthz", "readyz", "metrics", "openapi.json")
_PARTS = ("faces/random", "gallery", "neighbours", "encode", "decode", "morph", "edit")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)


class Metrics:
    """Counts of one server."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "minifaces_requests", "Requests that were answered", ["route", "method", "status"], registry=registry
        )
        self._seconds = Histogram(
            "minifaces_request_seconds", "Time to the end of an answer", ["route"], registry=registry, buckets=_SECONDS
        )
        self.shed = Counter("minifaces_shed", "Requests that found no room", registry=registry)
        self.working = Gauge("minifaces_working", "Requests that are worked on or wait for it", registry=registry)
        self._batches = Histogram(
            "minifaces_batch_rows", "Faces decoded in one run", registry=registry, buckets=(1, 2, 3, 4, 5, 6, 7, 8)
        )

    def batch(self, rows: int) -> None:
        self._batches.observe(rows)

    def told(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)

    def watching(self, app: ASGIApp) -> ASGIApp:
        """The application, counted."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            start, status = time.perf_counter(), 499  # hung up before it was answered

            async def noted(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            try:
                await app(scope, receive, noted)
            finally:
                route = _route(scope["path"])
                method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST") else "other"
                self._requests.labels(route, method, str(status)).inc()
                self._seconds.labels(route).observe(time.perf_counter() - start)

        return watched


def _route(path: str) -> str:
    """What a path asks for. Whoever asks for anything at all must not make a count of his own."""
    first, _, rest = path.removeprefix("/").partition("/")
    if first == "v1" and rest in _PARTS:
        return f"v1/{rest}"
    return first if first in _KNOWN else "files"
