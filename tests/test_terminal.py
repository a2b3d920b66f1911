"""What commands say: to any terminal, to none at all, of any names, and never at the cost of what they do."""

import errno
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minifaces.cli import common, gallery
from minifaces.cli.main import run
from minifaces.errors import MinifacesWarning

TEXT = "Łukasz é ☺😀"
ODD = "b\udcff.png"  # a name that is no UTF-8, as Python keeps it
ESCAPES = "\x1b[31mred\x1b]0;title\x07 \u202egpj.exe\u2066\x9b"

Said = tuple[int, str, str]
Call = Callable[..., Said]


class Terminal(io.TextIOWrapper):
    """A strict stream of a code page, as Windows gives one to what is redirected."""

    def __init__(self, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding, errors="strict", newline="\n")

    def told(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined]


@pytest.fixture
def call(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run a command on the tiny model, in a folder with pictures of odd names, on a terminal of an encoding."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIFACES_DEBUG", raising=False)
    assert run(["sample", "-n", "1", "--seed", "5", "-o", "face.png", "--model", str(tiny_model)]) == 0
    for name in (f"{TEXT}.png", ODD, f"{ESCAPES}.png"):
        shutil.copy("face.png", name)

    def call(encoding: str, *words: str, model: Path | str | None = tiny_model) -> Said:
        out, err = Terminal(encoding), Terminal(encoding)
        with monkeypatch.context() as streams:
            streams.setattr(sys, "stdout", out)
            streams.setattr(sys, "stderr", err)
            code = run([*words, *([] if model is None else ["--model", str(model)])])
            assert (sys.stdout, sys.stderr) == (out, err)
        return code, out.told(), err.told()

    return call


COMMANDS = {
    "sample": ["sample", "-n", "2", "-o", f"{TEXT}/x.png"],
    "sample into a folder": ["sample", "-n", "2", "-o", TEXT],
    "avatar": ["avatar", TEXT, "-o", "x.png"],
    "reconstruct": ["reconstruct", f"{TEXT}.png", "-o", "x.png"],
    "morph": ["morph", f"{TEXT}.png", "d0001", "--steps", "3", "-o", f"{TEXT}.gif"],
    "edit": ["edit", f"{TEXT}.png", "--round", "1", "-o", "x.png"],
    "neighbours": ["neighbours", f"{TEXT}.png", "-k", "2", "-o", "x.png"],
    "map": ["map", "--size", "64", "-o", f"{TEXT}/map.png"],
    "gallery": ["gallery", "-o", f"{TEXT}.webp"],
}


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "cp437", "utf-8"])
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_no_code_page_ends_a_command(call: Call, encoding: str, words: list[str]) -> None:
    code, out, err = call(encoding, *words)
    assert (code, err) == (0, "")
    shown = TEXT.encode(encoding, "backslashreplace").decode(encoding)
    assert (shown in out) == (words != COMMANDS["reconstruct"])
    code, out, err = call(encoding, *words, "--json")
    assert (code, err) == (0, "")
    assert TEXT in str(json.loads(out)) or words[0] in ("neighbours", "gallery")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_what_a_command_says_of_anything_fits_any_terminal(call: Call, encoding: str, tiny_model: Path) -> None:
    folder = Path(shutil.copytree(tiny_model, TEXT))
    code, out, _ = call(encoding, "model", "info", model=folder)
    assert (code, "tiny" in out) == (0, True)
    code, out, err = call(encoding, "reconstruct", f"no {TEXT}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    code, out, err = call(encoding, "--help", model=None)
    assert (code, err) == (0, "")
    assert "\\u" not in out


@settings(max_examples=50)
@given(
    st.recursive(st.text() | st.integers() | st.none(), lambda inner: st.dictionaries(st.text(), inner, max_size=3)),
    st.sampled_from(["cp1252", "ascii", "utf-8", "utf-16", "cp437"]),
)
def test_json_comes_back_as_it_was_from_any_terminal(value: Any, encoding: str) -> None:
    with pytest.MonkeyPatch.context() as streams:
        streams.setattr(sys, "stdout", out := Terminal(encoding))
        common.print_json(value)
    assert json.loads(out.told()) == value
    assert not set(out.told()) & set("\x1b\x7f\x85\x9b\u2028\u202e\u2066")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        (ODD, "b\\xff.png"),
        (f"{ESCAPES}.png", "\\x1b[31mred\\x1b]0;title\\x07 \\u202egpj.exe\\u2066\\x9b.png"),
        ("two\nlines.png", "two\\nlines.png"),
    ],
    ids=["no UTF-8", "escapes", "lines"],
)
def test_any_name_is_shown_in_a_line_and_obeyed_by_nobody(call: Call, name: str, kept: str, tiny_model: Path) -> None:
    shutil.copy("face.png", name)
    model = shutil.copytree(tiny_model, f"model {name}")
    for words in (
        ["edit", name, "--round", "1"],
        ["neighbours", name, "-o", "x.png"],
        ["morph", name, "d0001", "-o", name],
        ["morph", name, "d0001", "--steps", "3", "-o", f"{name}.mp4"],
        ["sample", "-n", "2", "-o", f"folder {name}/"],
        ["avatar", name],
        ["map", "-o", name, "--size", "64", "--crops"],
    ):
        code, out, err = call("utf-8", *words, model=model)
        assert (code, err) == (0, "")
        assert kept.removesuffix(".png") in out
        assert not set(out) & set("\x1b\x07\x9b\u202e\u2066")
    code, out, _ = call("utf-8", "reconstruct", name, "--json")
    assert (code, list(json.loads(out)["psnr_db"])) == (0, [kept if name == ODD else name])  # JSON can hold the others
    code, out, err = call("utf-8", "reconstruct", f"no {name}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert not set(err) & set("\x1b\x07\x9b\u202e\u2066")
    code, out, _ = call("utf-8", "model", "info", model=model)
    assert (code, kept in out) == (0, True)


def test_a_page_of_pictures_of_any_names(call: Call) -> None:
    Path("faces").mkdir()
    for name in (ODD, f"{ESCAPES}.png", f"{TEXT}.png"):
        shutil.copy(name, "faces")
    for words in (["map", "--size", "64", "-o", "x.png"], ["export-site", "-o", f"site {ODD}"]):
        assert call("ascii", *words, "--data", "faces")[::2] == (0, "")
    site = json.loads(gzip.decompress(Path(f"site {ODD}/data/site.bin").read_bytes()))
    assert sorted(site["faces"]["names"])[1:] == ["b\\xff", TEXT]


def test_the_demo_takes_any_name(call: Call, tiny_model: Path) -> None:
    model = shutil.copytree(tiny_model, f"model {ODD}")
    code, out, err = call("ascii", "demo", "-o", f"demo {ODD} {TEXT}", model=model)
    assert (code, err) == (0, "")
    assert out.startswith("demo b\\xff.png \\u0141ukasz \\xe9")
    assert "model b\\xff.png" in Path(f"demo {ODD} {TEXT}/index.html").read_text("utf-8")


def test_a_table_shows_what_is_not_markup_and_not_obeyed(
    capsys: pytest.CaptureFixture[str], tiny_model: Path, call: Call
) -> None:
    gallery._table([{"name": "[/x] [red]", "description": ESCAPES, "attributes": {"[b]": True}, "split": "a\nb"}])
    said = capsys.readouterr().out
    assert "[/x] [red]" in said
    assert "[b]" in said
    assert "a\\nb" in said
    assert "\\x1b[31mred\\x1b]0;title\\x07" in said
    assert "\x1b" not in said
    code, out, _ = call("utf-8", "model", "info", model=shutil.copytree(tiny_model, "[/x] [red]"))
    assert (code, "[/x] [red]" in out) == (0, True)


class Broken(io.StringIO):
    """A stream of which every write fails."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, _: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


SAYING = ("avatar x", "gallery --json", "gallery", "model info", "--help", "--version")


def words_of(command: str, model: Path) -> list[str]:
    """One of the commands above, on a model."""
    return [*command.split(), *([] if command.startswith("-") else ["--model", str(model)])]


@pytest.mark.parametrize("command", SAYING)
def test_who_has_read_enough_is_told_from_a_full_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_model: Path, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    words = words_of(command, tiny_model)
    for number, code, said in (
        (errno.EPIPE, 141, ""),
        (errno.EINVAL, 141, ""),  # Windows
        (errno.ENOSPC, 1, "minifaces: error: cannot write to standard output: No space left on device\n"),
    ):
        monkeypatch.setattr(sys, "stdout", Broken(number))
        monkeypatch.setattr(sys, "stderr", err := io.StringIO())
        assert (run(words), err.getvalue()) == (code, said)


@pytest.mark.parametrize("number", [errno.EPIPE, errno.ENOSPC, errno.EBADF])
def test_a_log_that_takes_nothing_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_model: Path, number: int
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stderr", Broken(number))
    assert run(["sample", "-n", "300", "-o", "new", "--model", str(tiny_model)]) == 0
    assert len(list(Path("new").iterdir())) == 300
    assert run(["avatar", "x", "-o", "new.xyz"]) == 2
    assert run(["reconstruct", "missing.png"]) == 2


@pytest.mark.parametrize("command", SAYING)
def test_without_any_streams_everything_is_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_model: Path, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    closed = (tmp_path / "closed").open("w")
    closed.close()
    for none in (None, closed):
        for name in ("stdin", "stdout", "stderr"):
            monkeypatch.setattr(sys, name, none)
        assert run(words_of(command, tiny_model)) == 0
        assert run(["morph", "--fps", "0", "d0001"]) == 2
        assert (sys.stdin, sys.stdout, sys.stderr) == (none, none, none)


def test_a_stream_need_not_be_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_model: Path) -> None:
    class Window:
        """What a program with a window puts in the place of stdout; this one knows few characters."""

        said = ""

        def write(self, text: str) -> int:
            self.said += text.encode("latin-1").decode("latin-1")
            return len(text)

        def flush(self) -> None:
            pass

    monkeypatch.chdir(tmp_path)
    for stream, shown in ((io.StringIO(), TEXT), (Window(), "\\u0141ukasz \\xe9 \\u263a\\U0001f600")):
        monkeypatch.setattr(sys, "stdout", stream)
        assert run(["avatar", TEXT, "--model", str(tiny_model)]) == 0
        said = stream.said if isinstance(stream, Window) else stream.getvalue()
        assert said.startswith(f"avatar.png: the face of '{shown}', ")
        assert run(["avatar", TEXT, "--json", "--model", str(tiny_model)]) == 0
        told = stream.said if isinstance(stream, Window) else stream.getvalue()
        assert json.loads(told.removeprefix(said))["text"] == TEXT


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors_are_nobody_elses(tmp_path: Path, closed: str) -> None:
    """A file of ours that got the number 1 or 2 would be written into by libraries in C."""
    code = (
        "import os, subprocess, sys; from minifaces.cli.streams import streams\n"
        "with streams():\n"
        "    print('said'); print('said', file=sys.stderr)\n"
        "    file = os.open('file', os.O_CREAT | os.O_WRONLY); os.write(1, b'x'); os.write(2, b'x')\n"
        "    subprocess.run([sys.executable, '-c', 'import os; os.fstat(0); os.fstat(1); os.fstat(2)'], check=True)\n"
        "sys.exit(0 if file > 2 else 3)"
    )
    (tmp_path / "code.py").write_text(code)
    told = subprocess.run(["sh", "-c", f'exec "{sys.executable}" code.py {closed}'], cwd=tmp_path, check=False)
    assert told.returncode == 0
    assert (tmp_path / "file").read_bytes() == b""


def test_a_process_without_stdout_writes_its_file(tmp_path: Path, tiny_model: Path) -> None:
    command = f'exec "{sys.executable}" -m minifaces avatar x -o x.png --model "{tiny_model}" >&-'
    told = subprocess.run(["sh", "-c", command], cwd=tmp_path, stderr=subprocess.PIPE, check=False)
    assert (told.returncode, told.stderr) == (0, b"")
    assert (tmp_path / "x.png").exists()


def test_a_warning_is_a_line(monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    real = common.open_model

    def warn(folder: Path | None) -> Any:
        warnings.warn(f"the model {ODD} is old", MinifacesWarning, stacklevel=1)
        warnings.warn("of another kind", UserWarning, stacklevel=1)
        return real(folder)

    monkeypatch.setattr("minifaces.cli.play.open_model", warn)
    for _ in range(2):
        with pytest.warns(UserWarning, match="of another kind") as others:
            code, _, err = call("ascii", "avatar", "x")
        assert (code, err) == (0, "minifaces: warning: the model b\\xff.png is old\n")
        assert [other.category for other in others] == [UserWarning]


@pytest.mark.parametrize("columns", ["0", "1", "", "80"])
def test_a_terminal_without_a_width_shows_tables(
    monkeypatch: pytest.MonkeyPatch, tiny_model: Path, columns: str
) -> None:
    class Shown(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", columns)
    for command, shown in (("gallery", "d0001/front"), ("--help", "neighbours")):
        monkeypatch.setattr(sys, "stdout", out := Shown())
        assert run(words_of(command, tiny_model)) == 0
        assert shown in out.getvalue()
    assert os.environ["COLUMNS"] == columns


def test_a_long_text_is_not_said_back(call: Call) -> None:
    code, out, _ = call("utf-8", "avatar", "x" * 100_000)
    assert (code, len(out) < 300) == (0, True)
    assert json.loads(call("utf-8", "avatar", "x" * 100_000, "--json")[1])["text"] == "x" * 100_000


@pytest.mark.parametrize(("typed", "offered"), [("minifaces mo", "morph"), ("minifaces sample --te", "--temperature")])
def test_a_shell_completes_commands_and_options(typed: str, offered: str) -> None:
    asked = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" ")), "_MINIFACES_COMPLETE": "complete_bash"}
    command = [sys.executable, "-m", "minifaces"]
    done = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True, check=True)
    assert offered in done.stdout.split()
