"""Downloading a library from a real server on this machine: whole, broken off, resumed, refused."""

import gzip
import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from minifaces.errors import MinifacesError
from minifaces.ldraw.download import cached_library, download_library

pytest.importorskip("httpx")


def zip_of(seed: int, size: int = 300_000) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("ldraw/parts/a.dat", np.random.default_rng(seed).bytes(size))
    return buffer.getvalue()


class Server(ThreadingHTTPServer):
    """Serves `body` under any path, as the attributes say; `requests` are the headers it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = zip_of(1)
        self.etag: str | None = '"one"'
        self.status = 200
        self.break_after: int | None = None  # close the connection after so many bytes of a body
        self.chunked = False  # tell no length
        self.gzipped = False
        self.requests: list[dict[str, str]] = []

    def handle_error(self, *_: object) -> None:
        pass  # a client that goes away is part of the test

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/complete.zip"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.requests.append(dict(self.headers))
        if server.status != 200:
            self.send_response(server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body, status = server.body, 200
        asked = self.headers.get("Range")
        if asked and self.headers.get("If-Range") in (None, server.etag):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            status, body = 206, body[start:]
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(server.body) - 1}/{len(server.body)}")
        if server.etag:
            self.send_header("ETag", server.etag)
        if server.gzipped:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        if server.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        sent = body[: server.break_after]
        if server.chunked:
            for i in range(0, len(sent), 50_000):
                piece = sent[i : i + 50_000]
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            if server.break_after is None:
                self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(sent)
        self.close_connection = server.break_after is not None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "complete.zip"


def refused(target: Path, server: Server) -> str:
    """The one line of the error."""
    with pytest.raises(MinifacesError) as error:
        download_library(target, server.url)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_whole_download(server: Server, target: Path) -> None:
    steps: list[tuple[int, int]] = []
    assert download_library(target, server.url, lambda *step: steps.append(step)) == target
    assert target.read_bytes() == server.body
    assert [p.name for p in target.parent.iterdir()] == ["complete.zip"]
    size = len(server.body)
    assert steps[-1] == (size, size)
    assert {total for _, total in steps} == {size}
    assert steps == sorted(steps)
    assert len(steps) > 2
    assert "minifaces" in server.requests[0]["User-Agent"]
    assert "Range" not in server.requests[0]


def test_what_is_there_is_not_fetched_again(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"mine")
    assert download_library(target, server.url) == target
    assert target.read_bytes() == b"mine"
    assert server.requests == []


def test_a_download_goes_on_where_it_broke_off(server: Server, target: Path) -> None:
    server.break_after = 150_000
    said = refused(target, server)
    assert "broke off" in said
    assert "run the same command again" in said
    assert not target.exists()
    part = target.with_name("complete.zip.part")
    have = part.stat().st_size
    assert 0 < have <= 150_000
    server.break_after = None
    steps: list[tuple[int, int]] = []
    download_library(target, server.url, lambda *step: steps.append(step))
    assert target.read_bytes() == server.body
    assert server.requests[1]["Range"] == f"bytes={have}-"
    assert server.requests[1]["If-Range"] == '"one"'
    assert steps[0][0] > have
    assert steps[-1] == (len(server.body), len(server.body))
    assert [p.name for p in target.parent.iterdir()] == ["complete.zip"]


def test_it_may_break_off_more_than_once(server: Server, target: Path) -> None:
    server.break_after = 70_000
    for _ in range(3):
        refused(target, server)
    server.break_after = None
    download_library(target, server.url)
    assert target.read_bytes() == server.body
    starts = [int(r["Range"].removeprefix("bytes=").removesuffix("-")) for r in server.requests[1:]]
    assert starts == sorted(set(starts))


def test_a_changed_file_is_fetched_from_the_start(server: Server, target: Path) -> None:
    server.break_after = 150_000
    refused(target, server)
    server.break_after, server.body, server.etag = None, zip_of(2), '"two"'
    download_library(target, server.url)
    assert server.requests[1]["If-Range"] == '"one"'
    assert target.read_bytes() == server.body


def test_without_an_etag_nothing_is_resumed(server: Server, target: Path) -> None:
    server.break_after, server.etag = 150_000, None
    refused(target, server)
    server.break_after, server.body = None, zip_of(3)
    download_library(target, server.url)
    assert "Range" not in server.requests[1]
    assert target.read_bytes() == server.body


def test_a_length_that_is_not_told(server: Server, target: Path) -> None:
    server.chunked = True
    server.break_after = 150_000
    refused(target, server)
    server.break_after = None
    steps: list[tuple[int, int]] = []
    download_library(target, server.url, lambda *step: steps.append(step))
    assert target.read_bytes() == server.body
    assert "Range" in server.requests[1]  # resumed, still without a length
    assert {total for _, total in steps} == {0}


def test_a_file_that_shrank(server: Server, target: Path) -> None:
    """More is there than the server has: the leftovers go, and the next call fetches it whole."""
    target.parent.mkdir()
    target.with_name("complete.zip.part").write_bytes(b"x" * 400_000)
    target.with_name("complete.zip.etag").write_text('"one"')
    assert "changed while it was fetched" in refused(target, server)
    download_library(target, server.url)
    assert target.read_bytes() == server.body


@pytest.mark.parametrize("status", [404, 403, 500, 503])
def test_a_refusal(server: Server, target: Path, status: int) -> None:
    server.status = status
    said = refused(target, server)
    assert f"answered {status}" in said
    assert "--library" in said
    assert not target.exists()


def test_a_refusal_leaves_what_came_before(server: Server, target: Path) -> None:
    server.break_after = 150_000
    refused(target, server)
    server.status = 503
    refused(target, server)
    server.status, server.break_after = 200, None
    download_library(target, server.url)
    assert "Range" in server.requests[-1]
    assert target.read_bytes() == server.body


def test_what_is_not_a_zip(server: Server, target: Path) -> None:
    server.body = b"<html>Please log in</html>"
    assert "did not send a zip file" in refused(target, server)
    assert list(target.parent.iterdir()) == []
    server.body = zip_of(1)[:-1000]  # whole as far as the server knows, but cut off
    assert "did not send a zip file" in refused(target, server)


def test_a_size_that_is_not_what_was_told(server: Server, target: Path) -> None:
    """A server that compresses although it was asked not to tells the compressed length."""
    server.gzipped = True
    assert f"broke off at {len(server.body)} of " in refused(target, server)
    assert not target.exists()


def test_nobody_answers(server: Server, target: Path) -> None:
    url = server.url
    server.shutdown()
    server.server_close()
    with pytest.raises(MinifacesError, match=r"broke off .*run the same command again") as error:
        download_library(target, url)
    assert "\n" not in str(error.value)


def test_a_place_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = refused(tmp_path / "file" / "complete.zip", server)
    assert said.startswith(f"cannot write {tmp_path / 'file' / 'complete.zip'}")
    (tmp_path / "complete.zip.part").mkdir()
    assert "cannot write" in refused(tmp_path / "complete.zip", server)


def test_where_the_library_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cached_library() == tmp_path / "minifaces" / "complete.zip"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cached_library() == tmp_path / ".cache" / "minifaces" / "complete.zip"
