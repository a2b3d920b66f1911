"""`minifaces explore`: where it listens, to whom it answers, and what it says of both."""

import errno
import http.client
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from minifaces import MinifacesError, UsageError
from minifaces.cli.main import run
from minifaces.explorer import output
from minifaces.server import server
from minifaces.server.app import explorer
from minifaces.server.hosts import allowed_name, listen
from minifaces.server.server import Server


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return output.site({})


class Anywhere:
    """In the place of a socket that listens beyond this machine, which no test does."""

    def __init__(self, host: str) -> None:
        self.host = host

    def getsockname(self) -> tuple[str, int]:
        return self.host, 8771

    def fileno(self) -> int:
        return -1

    def setsockopt(self, *_: int) -> None:
        pass

    def close(self) -> None:
        pass


@contextmanager
def serving(files: dict[str, bytes], *where: Any) -> Iterator[Server]:
    with Server(lambda place: explorer(files, place), 0, *where) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def status(running: Server, host: str | None, version: str = "HTTP/1.1") -> tuple[int, str]:
    connection = http.client.HTTPConnection(*running.socket.getsockname()[:2], timeout=20)
    connection._http_vsn_str = version  # type: ignore[attr-defined]
    connection.putrequest("GET", "/", skip_host=True)
    if host is not None:
        connection.putheader("Host", host)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read().decode("latin-1")
    connection.close()
    return response.status, body


ADDRESSES = ["127.0.0.1", "127.0.0.2", "localhost", "LocalHost"]
with suppress(UsageError):  # not every machine has it
    listen("::1", 0).close()
    ADDRESSES += ["::1", "[::1]"]


@pytest.mark.parametrize("host", ADDRESSES)
def test_it_listens_where_it_is_told_to(files: dict[str, bytes], host: str) -> None:
    with serving(files, host) as running:
        shown = f"[{host}]" if host == "::1" else host.lower()
        assert running.address == f"http://{shown}:{running.place.port}/"
        assert not running.place.is_open
        for name in ("localhost", "LOCALHOST:9", "localhost.", "127.0.0.1:80", "127.9.9.9", "[::1]", "[::1]:8", shown):
            assert status(running, name)[0] == 200
        for name in ("example.com", "localhost.example.com", "10.1.2.3", "0.0.0.0", "[fe80::1]", "", " ", ":80"):
            assert status(running, name)[0] == 421
        for name in (
            "evil@localhost",
            "localhost/x",
            "localhost:80:80",
            "[localhost]",
            "localhost, evil",
            "localhost#",
        ):
            assert status(running, name)[0] == 421
        assert status(running, None, "HTTP/1.0")[0] == 421


def test_who_is_refused_learns_what_would_let_him_in(files: dict[str, bytes]) -> None:
    with serving(files) as running:
        code, body = status(running, "Lab.Example.org:8771")
        assert code == 421
        assert body.endswith('start it with: --allow-host lab.example.org"}')
        for host in ("<script>", "`ls`", "x; ls", "$(ls)", "é"):  # what is said is typed into shells
            assert status(running, host)[1].endswith('start it with: --allow-host NAME"}')


@pytest.mark.parametrize(
    ("name", "let_in", "refused"),
    [
        (
            "lab.example.org",
            ["lab.example.org", "LAB.example.org:80", "lab.example.org."],
            ["x.lab.example.org", "org"],
        ),
        ("LAB.Example.org:8771", ["lab.example.org"], ["example.org"]),
        (
            "*.colab.dev",
            ["8771-m-s-1.prod.colab.dev", "x.colab.dev:443"],
            ["colab.dev", "evilcolab.dev", "colab.dev.evil"],
        ),
        ("192.168.1.7", ["192.168.1.7:80"], ["192.168.1.8"]),
        ("[fe80::1]", ["[fe80::1]:80"], ["[fe80::2]"]),
        ("*", ["anything.example.com", "10.1.2.3", "evil@localhost", ""], []),
    ],
)
def test_further_names_are_let_in(files: dict[str, bytes], name: str, let_in: list[str], refused: list[str]) -> None:
    with serving(files, "127.0.0.1", [name]) as running:
        for host in (*let_in, "localhost"):
            assert status(running, host)[0] == 200
        for host in refused:
            assert status(running, host)[0] == 421


@pytest.mark.parametrize("name", ["", "*.", "**", "a*b", "*.*", "http://lab.example.org", "lab/x", "a b", "@"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"wanted as in lab.example.org, \*.example.org, or \* for any"):
        allowed_name(name)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "2001:db8::7"])
def test_beyond_this_machine_any_address_will_do_but_no_name(
    files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(server, "listen", lambda host, _: Anywhere(host))
    monkeypatch.setattr(socket, "gethostname", lambda: "Lab7")
    with Server(lambda place: explorer(files, place), 8771, host) as made:
        assert made.place.is_open
        for name in (
            "localhost:8771",
            "127.0.0.1",
            "10.1.2.3:80",
            "[2001:db8::1]:8771",
            "lab7",
            "LAB7:8771",
            "0.0.0.0",
        ):
            assert made.place.answers_to(name)
        for name in ("example.com", "lab7.evil.com", "10.1.2.3.evil.com", "evil@10.1.2.3", ""):
            assert not made.place.answers_to(name)
        shown = {"0.0.0.0": "localhost", "::": "localhost", "2001:db8::7": "[2001:db8::7]"}.get(host, host)
        assert made.address == f"http://{shown}:8771/"


@pytest.mark.parametrize(
    ("host", "family", "both"),
    [("0.0.0.0", socket.AF_INET, False), ("::1", socket.AF_INET6, False), ("::", socket.AF_INET6, True)],
)
def test_an_open_address_is_for_both_kinds_of_addresses(
    monkeypatch: pytest.MonkeyPatch, host: str, family: int, both: bool
) -> None:
    made: dict[str, Any] = {}
    monkeypatch.setattr(socket, "create_server", lambda address, **given: made.update(given, host=address[0]))
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: True)
    listen(host, 8771)
    assert {**made, "backlog": 0} == {"host": host, "family": family, "dualstack_ipv6": both, "backlog": 0}


@pytest.mark.parametrize(
    ("number", "kind", "line"),
    [
        (errno.EADDRNOTAVAIL, UsageError, "--host 192.0.2.1 is no address of this machine"),
        (errno.EAFNOSUPPORT, UsageError, "--host 192.0.2.1 is no address of this machine"),
        (errno.EADDRINUSE, MinifacesError, "port 80 cannot be had .*: choose another with --port"),
        (errno.EACCES, MinifacesError, "port 80 cannot be had .*: choose another from 1024 up with --port"),
    ],
)
def test_what_is_in_the_way_is_told(
    monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception], line: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(kind, match=line):
        listen("192.0.2.1", 80)


@pytest.mark.parametrize("host", ["", "[]", "no.such", "x" * 300, "0.0.0.0:80", "http://localhost", "é..x"])
def test_a_host_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    def nothing(name: str, *_: object, **__: object) -> None:
        name.encode("idna")  # as the real one does first
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    with pytest.raises(UsageError, match=r"is no address of this machine: 127\.0\.0\.1 is for its own"):
        listen(host, 0)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command without laying out a map, ended at once, as by Ctrl-C."""

    def end(_: Server) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("minifaces.cli.serve.page_data_apart", lambda *_: {})
    monkeypatch.setattr(Server, "serve_forever", end)


@pytest.mark.usefixtures("quick")
def test_the_command_says_where_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert run(["explore", "--host", "127.0.0.2"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (f"{opened[0]}  (Ctrl-C ends it)\nended\n", "")
    assert opened[0].startswith("http://127.0.0.2:")
    assert run(["explore", "--no-browser", "--allow-host", "*", "--allow-host", "lab.example.org"]) == 0
    assert "any web site that somebody here visits can read" in capsys.readouterr().err
    assert len(opened) == 1


@pytest.mark.usefixtures("quick")
def test_the_command_warns_where_others_can_look(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "listen", lambda host, _: Anywhere(host))
    assert run(["explore", "--no-browser", "--host", "0.0.0.0", "--port", "8771"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("http://localhost:8771/  (Ctrl-C ends it)\n")
    assert err.startswith("minifaces: warning: every machine that reaches this one can look at the page")
    assert (err.count("\n"), err.endswith("port 8771\n")) == (1, True)


def test_the_command_tells_before_it_lays_out_a_map(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*_: object) -> None:
        raise AssertionError("worked")

    monkeypatch.setattr("minifaces.cli.serve.page_data_apart", work)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for words, code, line in (
            (["--port", port], 1, "choose another with --port"),
            (["--host", ""], 2, "--host '' is no address of this machine"),
            (["--allow-host", "http://x"], 2, "--allow-host http://x: wanted as in"),
            (["--allow-host", ""], 2, "--allow-host '': wanted as in"),
        ):
            assert run(["explore", "--no-browser", *words]) == code
            out, err = capsys.readouterr()
            assert (out, err.count("\n"), line in err) == ("", 1, True)
