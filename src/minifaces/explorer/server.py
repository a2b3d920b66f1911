"""Serve the explorer from memory: to this machine's browsers, or to those of others where that is asked for.

server = Server(site(data), port=0)
print(server.address)                   # http://127.0.0.1:43210/
server.serve_forever()"""

import errno
import ipaddress
import mimetypes
import os
import re
import socket
from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from minifaces.errors import MinifacesError, UsageError
from minifaces.explorer.page import INDEX, policy
from minifaces.explorer.site import SITE, compress

LOOPBACK = "127.0.0.1"
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
_PIECE = 2**16  # of an answer, which may take as long as the handler's timeout
_REFUSED = """\
The explorer is not shown as {name}, since a foreign page could lead a name of its own here.
If the name is yours, start it with: minifaces explore --allow-host {name}
"""
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+?)\.?)(?::[0-9]*)?", re.IGNORECASE)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at a name or address of this machine; `port` 0 takes any that is free.

    Raises UsageError where this machine has no such address, MinifacesError where the port cannot be had."""
    nowhere = UsageError(
        f"--host {host or repr('')} is no address of this machine: {LOOPBACK} is for its own browsers, 0.0.0.0 for all"
    )
    if not host:
        raise nowhere
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, ValueError):  # the latter of names that cannot be
        raise nowhere from None
    family, *_, address = found[0]
    both = address[0] == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server(address, family=family, dualstack_ipv6=both)
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            raise nowhere from None
        reason = os.strerror(error.errno) if error.errno else str(error)
        hint = " from 1024 up" if error.errno == errno.EACCES else ""
        raise MinifacesError(f"port {port} cannot be had ({reason}): choose another{hint} with --port") from error


class Server(ThreadingHTTPServer):
    """Serves `files` by name to whoever asks for them by a name of this machine.

    A foreign page may have its own name lead here, and so read what is served: other names than these are refused."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes], port: int = 0, host: str = LOOPBACK, names: Iterable[str] = ()) -> None:
        """Listen as `listen` does, and answer to `names` too: `lab.example.org`, `*.example.org`, or `*` for any.

        Raises UsageError for a host or name that makes no sense, MinifacesError where the port cannot be had."""
        allowed = {allowed_name(name) for name in names}
        super().__init__((host, port), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listen(host, port)
        self.server_address = self.socket.getsockname()
        place = ipaddress.ip_address(str(self.server_address[0]))
        self.is_open = not place.is_loopback
        """whether other machines reach it"""
        self.host = "localhost" if place.is_unspecified else host.strip("[]").lower()
        self.names = allowed | {self.host, "localhost"} | ({socket.gethostname().lower()} if self.is_open else set())
        self.files = files
        self.small = {name: compress(data) for name, data in files.items() if name.endswith(_TEXT)}
        self.policy = policy(files[INDEX].decode()) + "; frame-ancestors 'none'"

    @property
    def address(self) -> str:
        """Where a browser on this machine finds it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.server_address[1]}/"

    def answers_to(self, host: str) -> bool:
        """Whether it serves what is asked for under this Host header."""
        if "*" in self.names:
            return True
        name = _name(host)
        below = any(name.endswith(known[1:]) for known in self.names if known.startswith("*."))
        return below or name in self.names or self._is_address(name)

    def _is_address(self, name: str) -> bool:
        """Names can be made to lead anywhere, addresses cannot: of those any will do where others may look."""
        try:
            return ipaddress.ip_address(name).is_loopback or self.is_open
        except ValueError:
            return False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up early is no error."""


def _name(host: str) -> str:
    """The name in a Host header, or '': `LOCALHOST:80` is localhost, `[::1]:80` is ::1."""
    match = _HOST.fullmatch(host.strip())
    return (match[1] or match[2]).lower() if match else ""


def allowed_name(name: str) -> str:
    """One of the `names` of a Server as it is kept, without a port and in small letters. Raises UsageError."""
    if name == "*":
        return name
    known = _name(name.removeprefix("*."))
    if not known:
        raise UsageError(f"--allow-host {name or repr('')}: wanted as in lab.example.org, *.example.org, or * for any")
    return f"*.{known}" if name.startswith("*.") else known


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds that somebody may keep a thread waiting
    server: Server

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, with_body: bool) -> None:
        host = self.headers.get("Host", "")
        if not self.server.answers_to(host):
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, _REFUSED.format(name=_name(host) or "NAME"))
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
        # These names change with their content.
        lasting = name.startswith(("assets/", "data/", "runtime-")) and not name.endswith(SITE)
        self.send_header("Cache-Control", "public, max-age=31536000, immutable" if lasting else "no-cache")
        self._send_guards()
        self.end_headers()
        if with_body:
            for start in range(0, len(body), _PIECE):
                self.wfile.write(body[start : start + _PIECE])

    def _refuse(self, status: HTTPStatus, why: str = "") -> None:
        body = f"{status.value} {status.phrase}\n{why}".encode()
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
