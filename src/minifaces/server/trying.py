"""A page to try the API: what /openapi.json describes, as forms. Script and style are files of its own, so that its
policy lets in nothing else."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from minifaces.server.answers import Refusal

PLACE = "/try"
_FOLDER = Path(__file__).parent / "trying"
_KINDS = {"index.html": "text/html", "try.js": "text/javascript", "try.css": "text/css"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


async def file(request: Request) -> Response:
    """GET or HEAD of the page and of what it is made of."""
    name = request.path_params.get("name") or "index.html"
    if name not in _KINDS:
        raise Refusal(404, "there is no such page")
    headers = {"content-security-policy": _POLICY, "cache-control": "no-cache"}
    return Response((_FOLDER / name).read_bytes(), 200, headers, f"{_KINDS[name]}; charset=utf-8")
