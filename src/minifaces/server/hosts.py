"""Where a server listens, and by which names it may be asked for.

A foreign page may have a name of its own lead to this machine, and so have a browser read what is served here. Names
that nobody knows are therefore refused."""

import errno
import ipaddress
import os
import re
import socket
from collections.abc import Iterable

from minifaces.errors import MinifacesError, UsageError

LOOPBACK = "127.0.0.1"
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
        return socket.create_server(address, family=family, dualstack_ipv6=both, backlog=1024)
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            raise nowhere from None
        reason = os.strerror(error.errno) if error.errno else str(error)
        hint = " from 1024 up" if error.errno == errno.EACCES else ""
        raise MinifacesError(f"port {port} cannot be had ({reason}): choose another{hint} with --port") from error


class Place:
    """Where a server listens, and the names that it answers to."""

    def __init__(self, host: str, names: Iterable[str], found: str, port: int) -> None:
        """`host` as it was asked for, `found` and `port` as the socket has them. `names` are further ones:
        `lab.example.org`, `*.example.org`, or `*` for any. Raises UsageError for a name that makes no sense."""
        allowed = {allowed_name(name) for name in names}
        place = ipaddress.ip_address(found)
        self.port = port
        self.is_open = not place.is_loopback
        """whether other machines reach it"""
        self.host = "localhost" if place.is_unspecified else host.strip("[]").lower()
        self.names = allowed | {self.host, "localhost"} | ({socket.gethostname().lower()} if self.is_open else set())

    @property
    def address(self) -> str:
        """Where a browser on this machine finds it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    def answers_to(self, host: str) -> bool:
        """Whether it serves what is asked for under this Host header."""
        if "*" in self.names:
            return True
        name = name_of(host)
        below = any(name.endswith(known[1:]) for known in self.names if known.startswith("*."))
        return below or name in self.names or self._is_address(name)

    def _is_address(self, name: str) -> bool:
        """Names can be made to lead anywhere, addresses cannot: of those any will do where others may look."""
        try:
            return ipaddress.ip_address(name).is_loopback or self.is_open
        except ValueError:
            return False


def name_of(host: str) -> str:
    """The name in a Host header, or '': `LOCALHOST:80` is localhost, `[::1]:80` is ::1."""
    match = _HOST.fullmatch(host.strip())
    return (match[1] or match[2]).lower() if match else ""


def allowed_name(name: str) -> str:
    """A further name as it is kept, without a port and in small letters. Raises UsageError."""
    if name == "*":
        return name
    known = name_of(name.removeprefix("*."))
    if not known:
        raise UsageError(f"--allow-host {name or repr('')}: wanted as in lab.example.org, *.example.org, or * for any")
    return f"*.{known}" if name.startswith("*.") else known
