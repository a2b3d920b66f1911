"""Serve an application at an address of this machine, until it is told to stop.

with Server(lambda place: explorer(site(data), place)) as server:
    print(server.address)                   # http://127.0.0.1:43210/
    server.serve_forever()"""

import asyncio
import ctypes
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType

import uvicorn
from starlette.types import ASGIApp

from minifaces.server.hosts import LOOPBACK, Place, listen

GRACE = 30  # seconds that what was accepted has to be finished in
IDLE = 15  # seconds that somebody may keep a connection without asking anything


_MMAP_THRESHOLD = -3  # malloc.h of the GNU C library


def give_memory_back() -> None:
    """Have large blocks go back to the system once they are free, where the C library is GNU's. By itself it keeps
    blocks of up to 32 MB: a gigabyte of them after a few large pictures."""
    with suppress(AttributeError, OSError, TypeError):  # another system's
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 1 << 20)


class Server:
    """Listens at once, so that what is in the way is told; answers from `serve_forever` on."""

    def __init__(
        self, application: Callable[[Place], ASGIApp], port: int = 0, host: str = LOOPBACK, names: Iterable[str] = ()
    ) -> None:
        """Listen as `listen` does, and answer to `names` too, as `Place` says.

        Raises UsageError for a host or name that makes no sense, MinifacesError where the port cannot be had."""
        names = list(names)
        self.socket = listen(host, port)
        # Of sockets that were made elsewhere asyncio does not: a body would wait 40 ms for its headers' receipt.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        found = self.socket.getsockname()
        self.place = Place(host, names, str(found[0]), found[1])
        config = uvicorn.Config(
            application(self.place),
            log_config=None,
            access_log=False,  # what a visitor looks at is told to nobody
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=IDLE,
            timeout_graceful_shutdown=GRACE,
        )
        self._server = uvicorn.Server(config)

    @property
    def address(self) -> str:
        """Where a browser on this machine finds it."""
        return self.place.address

    def serve_forever(self) -> None:
        """Answer until `shutdown` or a signal; what was accepted is finished. KeyboardInterrupt after Ctrl-C."""
        asyncio.run(self._server.serve([self.socket]))

    def shutdown(self) -> None:
        """Have `serve_forever` end, from another thread."""
        self._server.should_exit = True

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
