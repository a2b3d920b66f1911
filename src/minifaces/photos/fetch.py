"""Fetch from other people's servers as a guest: what robots.txt allows, slowly, once, and saying who asks.

    with Fetcher(Path("work/cache"), contact="me@example.org") as fetcher:
        answer = fetcher.get("https://catalogue.example/parts/1", most_bytes=5_000_000)

Robots exclusion: RFC 9309, by protego; there is no way around it. Retries: RFC 9110, Retry-After in seconds or as a
date. Whole answers are kept on disk, so that nothing is asked for twice."""

import datetime
import email.utils
import hashlib
import random
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from minifaces.errors import MinifacesError, UsageError
from minifaces.files import atomic, write_text

AGENT = "minifaces"
"""The name that a robots.txt may speak of."""

_REDIRECTS = 5
_TRIES = 4
_TRY_AGAIN = (429, 500, 502, 503, 504)
_LONGEST_WAIT = 300.0  # seconds; a server that asks for more is left alone
_LONGEST_ANSWER = 120.0  # seconds from its first to its last byte
_TIMEOUT = 20.0  # seconds without a byte
_ROBOTS_BYTES = 500_000  # RFC 9309, section 2.5
_ROBOTS_HOURS = 24  # section 2.4


class RefusedError(MinifacesError):
    """A page or picture that cannot be had; the message goes on from its URL."""


class LaterError(MinifacesError):
    """One that cannot be had now, but may be at another time; the message goes on from its URL."""


class ElsewhereError(RefusedError):
    """One that lies on a host that may not be asked: as long as nobody allows it."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"lies at {host}, which the recipe does not name: if it should, add it to `hosts`, use --again"
        )
        self.host = host


class _MissingError(RefusedError):
    """The server says that there is nothing here for us (4xx)."""


class Answer(NamedTuple):
    url: str
    """Where redirects ended."""
    data: bytes
    etag: str | None


class _Kept(BaseModel):
    """What is known of an answer on disk; the body lies beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asked: str
    url: str
    time: float
    etag: str | None = None
    refused: str | None = None


class Fetcher:
    """A polite client. `allowed` says which hosts may be asked; `pause` is the least time between requests to one.

    Raises UsageError where httpx or protego is not installed, or the contact is none."""

    def __init__(
        self,
        cache: Path,
        contact: str,
        allowed: Callable[[str], bool] = lambda _: True,
        pause: float = 2.0,
        backoff: float = 2.0,
        timeout: float = _TIMEOUT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        try:
            import httpx
            import protego
        except ImportError as error:
            raise UsageError(f"collecting needs {error.name}: pip install 'minifaces[photos]'") from None
        self._httpx, self._protego = httpx, protego
        self._cache, self._allowed, self._pause, self._backoff, self._sleep = cache, allowed, pause, backoff, sleep
        agent = f"{AGENT}/{version(AGENT)} (+{check_contact(contact)})"
        self._client = httpx.Client(headers={"User-Agent": agent}, timeout=timeout, http2=False)
        self._got: set[str] = set()  # by this one, rather than since a time: clocks are set back
        self._last: dict[str, float] = {}  # when each host was last asked
        self._robots: dict[str, Any] = {}  # of each site its rules, or why they cannot be had

    def __enter__(self) -> "Fetcher":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._client.close()

    def get(self, url: str, most_bytes: int, again: bool = False) -> Answer:
        """The whole answer to a GET, from the disk if it was had before; with `again`, before by this fetcher.

        Raises RefusedError, with the reason, for one that cannot be had; ElsewhereError where a host may not be asked
        and LaterError where the server is out of order or cannot be reached, which are not kept; MinifacesError where
        it wants to be left alone for long."""
        body, about = self._places(url)
        if (kept := _read_kept(about)) and not (again and url not in self._got):
            if kept.refused:
                raise RefusedError(kept.refused)
            if body.exists():
                return Answer(kept.url, body.read_bytes(), kept.etag)
        try:
            answer = self._follow(url, most_bytes)
        except ElsewhereError:
            raise
        except RefusedError as error:
            self._got.add(url)
            self._keep(about, _Kept(asked=url, url=url, time=time.time(), refused=str(error)))
            raise
        with atomic(body) as scratch:
            scratch.write_bytes(answer.data)
        self._got.add(url)
        self._keep(about, _Kept(asked=url, url=answer.url, time=time.time(), etag=answer.etag))
        return answer

    def forget(self, url: str) -> None:
        """Remove what `get` keeps of an answer that is stored elsewhere now."""
        for path in self._places(url):
            path.unlink(missing_ok=True)

    def _follow(self, url: str, most_bytes: int) -> Answer:
        for _ in range(_REDIRECTS + 1):
            host = urlsplit(url).hostname or ""
            if urlsplit(url).scheme not in ("http", "https") or not host:
                raise RefusedError(f"leads to {url}, which is not on the web")
            if not self._allowed(host):
                raise ElsewhereError(host)
            robots = self._robots_of(url)
            if not robots.can_fetch(url, AGENT):
                raise RefusedError("is not for robots: the site's robots.txt says so")
            answer, target = self._ask(url, most_bytes, max(self._pause, robots.crawl_delay(AGENT) or 0.0))
            if target is None:
                return answer
            url = target
        raise RefusedError(f"leads on and on, through more than {_REDIRECTS} redirects")

    def _robots_of(self, url: str) -> Any:
        """The rules of a site: none where there is no robots.txt; without them nothing is asked (RFC 9309)."""
        parts = urlsplit(url)
        root = f"{parts.scheme}://{parts.netloc}"
        if root not in self._robots:
            try:
                self._robots[root] = self._protego.Protego.parse(self._robots_text(f"{root}/robots.txt"))
            except (RefusedError, LaterError) as error:
                self._robots[root] = LaterError(f"waits for the robots.txt of {parts.netloc}, which {error}")
        if isinstance(self._robots[root], LaterError):
            raise self._robots[root]
        return self._robots[root]

    def _robots_text(self, url: str) -> str:
        body, about = self._places(url)
        kept = _read_kept(about)
        if kept and body.exists() and 0 <= time.time() - kept.time < _ROBOTS_HOURS * 3600:
            return body.read_text(encoding="utf-8")
        text, target = "", url
        try:
            for _ in range(_REDIRECTS + 1):
                answer, onward = self._ask(target, _ROBOTS_BYTES, self._pause, cut=True)
                if onward is None:
                    text = answer.data.decode("utf-8", "replace")
                    break
                target = onward
                if not self._allowed(urlsplit(target).hostname or ""):
                    raise RefusedError(f"leads to {target}, which the recipe does not name")
        except _MissingError:
            pass  # no robots.txt, no rules
        write_text(body, text)
        self._keep(about, _Kept(asked=url, url=target, time=time.time()))
        return text

    def _ask(self, url: str, most_bytes: int, pause: float, cut: bool = False) -> tuple[Answer, str | None]:
        """One GET with its retries: the answer, or the URL that it redirects to."""
        host = urlsplit(url).netloc
        for tried in range(1, _TRIES + 1):
            self._wait_for_turn(host, pause)
            try:
                with self._client.stream("GET", url) as response:
                    if response.status_code in _TRY_AGAIN:
                        wait = self._told_to_wait(response.headers.get("Retry-After"), tried)
                        reason = f"answers {response.status_code}"
                    else:
                        return self._take(response, url, most_bytes, cut)
            except (self._httpx.InvalidURL, UnicodeError) as error:  # the latter of a host that no DNS could name
                raise RefusedError(f"is no URL: {error}") from None
            except self._httpx.HTTPError as error:
                wait = self._told_to_wait(None, tried)
                reason = f"does not answer well ({str(error) or type(error).__name__})"
            if wait > _LONGEST_WAIT:
                raise MinifacesError(
                    f"{host} asks to wait {wait / 60:.0f} minutes: run the same command after that to go on"
                )
            if tried < _TRIES:
                self._sleep(wait)
        raise LaterError(f"{reason}, after {_TRIES} tries")

    def _take(self, response: Any, url: str, most_bytes: int, cut: bool) -> tuple[Answer, str | None]:
        status = response.status_code
        if status in (301, 302, 303, 307, 308) and (target := response.headers.get("Location")):
            try:
                return Answer(url, b"", None), urljoin(url, target)
            except ValueError:  # such as http://[
                raise RefusedError(f"leads to {target}, which is no URL") from None
        if 400 <= status < 500:
            raise _MissingError(f"answers {status}")
        if status != 200:
            raise RefusedError(f"answers {status}")
        data = bytearray()
        start = time.monotonic()
        for chunk in response.iter_bytes(1 << 16):
            data += chunk
            if len(data) > most_bytes:
                if cut:
                    break
                raise RefusedError(f"has more than {most_bytes / 1e6:.1f} MB")
            if time.monotonic() - start > _LONGEST_ANSWER:
                raise RefusedError(f"is not whole after {_LONGEST_ANSWER:.0f} s")
        return Answer(url, bytes(data[:most_bytes]), response.headers.get("ETag")), None

    def _wait_for_turn(self, host: str, pause: float) -> None:
        now = time.monotonic()
        wait = self._last.get(host, -pause) + pause - now
        if wait > 0:
            self._sleep(wait)
        self._last[host] = time.monotonic()

    def _told_to_wait(self, told: str | None, tried: int) -> float:
        """Seconds: what the server says, or else longer each time, with some chance in it."""
        own: float = self._backoff * 2 ** (tried - 1) * random.uniform(1.0, 1.5)
        if told is None:
            return own
        if told.strip().isdecimal():
            return max(own, float(told))
        try:
            until = email.utils.parsedate_to_datetime(told)
        except ValueError:
            return own
        now = datetime.datetime.now(until.tzinfo)
        return max(own, (until - now).total_seconds())

    def _places(self, url: str) -> tuple[Path, Path]:
        name = hashlib.sha256(url.encode()).hexdigest()[:32]
        return self._cache / name[:2] / f"{name}.body", self._cache / name[:2] / f"{name}.json"

    def _keep(self, about: Path, kept: _Kept) -> None:
        write_text(about, kept.model_dump_json(exclude_defaults=True) + "\n")


def check_contact(contact: str) -> str:
    """Raise UsageError unless a site's owner could write to this address."""
    words = contact.strip()
    name, _, place = words.partition("@")
    reachable = words.startswith(("http://", "https://")) or (name and "." in place)
    if reachable and words.isascii() and words.isprintable() and " " not in words:
        return words
    raise UsageError(f"--contact {contact!r}: give an e-mail address or a web page where you can be reached")


def _read_kept(about: Path) -> _Kept | None:
    try:
        return _Kept.model_validate_json(about.read_bytes())
    except (OSError, ValidationError):
        return None  # as if it had never been asked
