"""The explorer's files from memory."""

import mimetypes

from starlette.requests import Request
from starlette.responses import Response

from minifaces.explorer.page import INDEX, policy
from minifaces.explorer.site import SITE, compress
from minifaces.server.answers import LASTING, Refusal

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".wasm": "application/wasm",  # Python's own table depends on the machine
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".bin": "application/octet-stream",
}
_TEXT = (".html", ".js", ".css", ".svg", ".json")


class Files:
    """Files by their names; text is also kept compressed."""

    def __init__(self, files: dict[str, bytes], unfolds: bool = False) -> None:
        """`unfolds` tells the page that there are pages of faces, `/faces`, whose links unfold in chats."""
        if unfolds:
            files = {**files, INDEX: files[INDEX].replace(b"</head>", b'<meta name="minifaces-unfolds"></head>', 1)}
        self._files = files
        self._small = {name: compress(data) for name, data in files.items() if name.endswith(_TEXT)}
        self.policy = policy(files[INDEX].decode()) + "; frame-ancestors 'none'"
        """the Content-Security-Policy of the page"""

    async def __call__(self, request: Request) -> Response:
        """GET or HEAD of a file; the empty name is the page."""
        name = request.path_params["name"] or INDEX
        body = self._files.get(name)
        if body is None:
            raise Refusal(404, "there is no such page")
        # These names change with their content.
        lasting = name.startswith(("assets/", "data/")) and not name.endswith(SITE)
        headers = {"cache-control": LASTING if lasting else "no-cache", "content-security-policy": self.policy}
        if "gzip" in request.headers.get("accept-encoding", "") and name in self._small:
            body, headers["content-encoding"] = self._small[name], "gzip"
        suffix = f".{name.rpartition('.')[2]}"
        kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or _TYPES[".bin"]
        return Response(body, 200, {**headers, "content-type": kind, "vary": "accept-encoding"})
