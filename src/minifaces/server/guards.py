"""What stands before everything that is served: who may ask, how much may be sent, how long it may take."""

import asyncio
import hmac
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from minifaces.server.answers import Refusal, refused
from minifaces.server.hosts import Place, name_of

_REFUSED = (
    "this is not shown as {name}, since a foreign page could lead a name of its own here. "
    "If the name is yours, start it with: --allow-host {name}"
)
_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
_OPEN = ("/healthz", "/readyz", "/try", "/try/try.js", "/try/try.css")
"""what needs no token: whoever watches the process knows none, and a browser is given it on the page"""


@dataclass(frozen=True)
class Limits:
    """How much one request, and all at once, may take."""

    together: int = 64  # requests that are worked on or wait for it: of more the rest is told to come back
    upload: int = 10_000_000  # bytes of a body
    held: int = 60_000_000  # bytes of all bodies together: of more the rest is told to come back
    pixels: int = 25_000_000  # of a picture that is sent
    faces: int = 256  # of an answer
    frames: int = 240  # of a morph
    seconds: float = 20  # that a request may take, the time to send it included


class Guards:
    """An application behind: the host's name, the token, the size of what is sent, the time, and headers."""

    def __init__(self, app: ASGIApp, place: Place, limits: Limits, token: str | None) -> None:
        self._app, self._place, self._limits = app, place, limits
        self._token = None if token is None else f"Bearer {token}".encode()
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, taken = False, 0

        async def piece() -> Message:
            """The body piece by piece, as long as it is no larger than it may be."""
            nonlocal taken
            message = await receive()
            size = len(message.get("body", b""))
            taken += size
            self._held += size
            if taken > self._limits.upload:
                raise self._too_much()
            if size and self._held > self._limits.held:
                raise Refusal(503, "too much is sent at once: come back in a second", retry_after="1")
            return message

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            self._check(scope)
            async with asyncio.timeout(self._limits.seconds):
                await self._app(scope, piece, guarded)
        except Refusal as refusal:
            if not begun:
                await refused(refusal)(scope, receive, guarded)
        except TimeoutError:
            if not begun:
                late = Refusal(503, f"that took longer than {self._limits.seconds:g} seconds", retry_after="5")
                await refused(late)(scope, receive, guarded)
        finally:
            self._held -= taken

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._place.answers_to(host):
            raise Refusal(421, _REFUSED.format(name=name_of(host) or "NAME"))
        if self._token is not None and scope["path"] not in _OPEN:
            given = headers.get("authorization", "").encode("latin-1")
            if not hmac.compare_digest(given, self._token):
                raise Refusal(401, "this needs the token that it was started with", www_authenticate="Bearer")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._limits.upload:
            raise self._too_much()

    def _too_much(self) -> Refusal:
        return Refusal(413, f"more than {self._limits.upload} bytes are not taken")
