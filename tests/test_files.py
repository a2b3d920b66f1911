"""Names of any bytes as text, and files that are written whole or not at all."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minifaces.errors import MinifacesError, UsageError
from minifaces.files import check_file, check_folder, shown, spelled, write_text

SPELLED = {
    "Łukasz 😀 é": "Łukasz 😀 é",  # what can be read stays
    "שלום": "שלום",
    "b\udcff.png": "b\\xff.png",
    "half \ud83d": "half \\ud83d",
    "\x1b[31mred\x1b[0m": "\\x1b[31mred\\x1b[0m",
    "two\nlines\r\tand\x85\u2028": "two\\nlines\\r\\tand\\x85\\u2028",
    "photo\u202egpj.exe": "photo\\u202egpj.exe",
    "\u2066left\u2069": "\\u2066left\\u2069",
    "\x00\x7f\x9b": "\\x00\\x7f\\x9b",
}


@pytest.mark.parametrize(("text", "told"), SPELLED.items())
def test_what_cannot_be_shown_is_spelled_out(text: str, told: str) -> None:
    assert spelled(text) == told


@given(st.binary(max_size=40))
def test_any_name_is_one_line_that_any_file_holds(name: bytes) -> None:
    for told in (shown(os.fsdecode(name)), spelled(os.fsdecode(name))):
        assert told.encode().decode() == told
        assert told == "" or told.splitlines() == [told]
    assert shown(os.fsdecode(name)) == spelled(os.fsdecode(name))


@pytest.mark.parametrize(
    "name",
    [
        "a" * 251 + ".txt",
        "ł" * 125 + ".txt",
        "x." + "y" * 253,
        "😀" * 63,
        "b\udcff.t\udcfe",
        "-x",
        ".txt",
        "a\nb.txt",
        " ",
    ],
)
def test_whatever_a_file_may_be_called_is_written(tmp_path: Path, name: str) -> None:
    write_text(tmp_path / name, "once")
    write_text(tmp_path / name, "twice")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "twice"


@pytest.mark.parametrize(
    ("name", "kind", "line"),
    [
        ("folder", UsageError, "folder is a folder: name a file to write"),
        ("pipe", UsageError, "pipe is not an ordinary file: name a file to write"),
        ("file/below/x.png", MinifacesError, "file is a file"),
        ("locked/new/x.png", MinifacesError, "nothing may be written in .*locked"),
        ("x" * 300, MinifacesError, "File name too long"),
    ],
)
def test_where_no_file_can_be_is_told_before_and_when_writing(
    places: Path, name: str, kind: type[Exception], line: str
) -> None:
    for attempt in (check_file, lambda path: write_text(path, "x")):
        with pytest.raises(kind, match=line):
            attempt(places / name)
    assert not list(places.rglob(".minifaces-*"))


@pytest.mark.parametrize(
    ("name", "kind", "line"),
    [
        ("file", UsageError, "file is a file: name a folder"),
        ("pipe", UsageError, "pipe is a file: name a folder"),
        ("file/below", MinifacesError, "file is a file"),
        ("locked", MinifacesError, "nothing may be written in .*locked"),
        ("locked/new/newer", MinifacesError, "nothing may be written in .*locked"),
        ("x" * 300, MinifacesError, "File name too long"),
    ],
)
def test_where_no_folder_can_be_is_told_before(places: Path, name: str, kind: type[Exception], line: str) -> None:
    with pytest.raises(kind, match=line):
        check_folder(places / name)


def test_room_that_is_there_is_seen_and_left_as_it_is(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(places)
    before = sorted(places.rglob("*"))
    for name in ("new.png", "new/newer/x.png", "./x.png", "file"):
        check_file(name)
    for name in ("folder", ".", "..", "new/newer"):
        check_folder(name)
    assert sorted(places.rglob("*")) == before


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What may be in the way of an output. Tests may run as root, whom no permissions keep out."""
    for folder in ("folder", "locked"):
        (tmp_path / folder).mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "locked" and allowed(path, mode))
    return tmp_path
