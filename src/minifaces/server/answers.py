"""What is answered, in the shapes that all of the server shares."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

LASTING = "public, max-age=31536000, immutable"
"""for what never changes under its address"""


class Refusal(Exception):  # noqa: N818 - no error of this program
    """A request that is not done, with the status and one sentence that says why."""

    def __init__(self, status: int, why: str, **headers: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def told(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return Response(body, status, dict(headers or {}), "application/json")


def refused(refusal: Refusal) -> Response:
    """A problem as RFC 9457 shapes it."""
    value = {"status": refusal.status, "detail": refusal.why}
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return Response(body, refusal.status, refusal.headers, "application/problem+json")
