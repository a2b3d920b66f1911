"""What a server did, for Prometheus to collect."""

import time
from collections.abc import Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KIND = CONTENT_TYPE_LATEST
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

    def watching(self, app: ASGIApp, routes: Iterable[str]) -> ASGIApp:
        """The application, counted by those of its `routes` that a path is of or below; all else are files.

        Whoever asks for anything at all must not make a count of his own."""
        known = sorted(routes, key=len, reverse=True)

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
                path = scope["path"]
                route = next((one for one in known if path == one or path.startswith(f"{one}/")), "files")
                route = route.removeprefix("/")
                method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST") else "other"
                self._requests.labels(route, method, str(status)).inc()
                self._seconds.labels(route).observe(time.perf_counter() - start)

        return watched
