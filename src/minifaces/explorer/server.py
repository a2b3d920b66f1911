"""Serve the explorer to this machine's browser, from memory, to nobody else.

server = Server(site(data), port=0)
print(server.address)                   # http://127.0.0.1:43210/
server.serve_forever()"""

import mimetypes
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from minifaces.errors import MinifacesError
from minifaces.explorer.page import INDEX, policy
from minifaces.explorer.site import SITE, compress

_LOOPBACK = "127.0.0.1"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".wasm": "application/wasm",  # Python's own table depends on the machine
    ".webp": "image/webp",
    ".bin": "application/octet-stream",
}
_TEXT = (".html", ".js", ".css", ".svg", ".json")


class Server(ThreadingHTTPServer):
    """Serves `files` by name on the loopback address; `port` 0 takes any that is free."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes], port: int = 0) -> None:
        """Raises MinifacesError where the port cannot be had."""
        self.files = files
        self.small = {name: compress(data) for name, data in files.items() if name.endswith(_TEXT)}
        self.policy = policy(files[INDEX].decode()) + "; frame-ancestors 'none'"
        try:
            super().__init__((_LOOPBACK, port), _Handler)
        except OSError as error:
            reason = error.strerror or str(error)
            raise MinifacesError(f"port {port} cannot be had ({reason}): choose another with --port") from error

    @property
    def address(self) -> str:
        return f"http://{_LOOPBACK}:{self.server_address[1]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up early is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, with_body: bool) -> None:
        # A foreign page may have its name resolve to this address: names that are not this machine's are refused.
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host not in (_LOOPBACK, "localhost"):
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST)
            return
        name = unquote(urlsplit(self.path).path).removeprefix("/") or INDEX
        body = self.server.files.get(name)
        if body is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        small = self.server.small.get(name) if "gzip" in self.headers.get("Accept-Encoding", "") else None
        self.send_response(HTTPStatus.OK)
        if small is not None:
            body = small
            self.send_header("Content-Encoding", "gzip")
        suffix = f".{name.rpartition('.')[2]}"
        self.send_header("Content-Type", _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or _TYPES[".bin"])
        self.send_header("Content-Length", str(len(body)))
        # All other names change with their content.
        fixed = name == INDEX or name.endswith(SITE)
        self.send_header("Cache-Control", "no-cache" if fixed else "public, max-age=31536000, immutable")
        self._send_guards()
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _refuse(self, status: HTTPStatus) -> None:
        body = f"{status.value} {status.phrase}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self._send_guards()
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_guards(self) -> None:
        self.send_header("Content-Security-Policy", self.server.policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Vary", "Accept-Encoding")

    def log_message(self, *_: Any) -> None:
        """Nothing: what a visitor looks at is told to nobody."""
