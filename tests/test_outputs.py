"""The names that commands are given: what cannot be meant is one line, before anything is drawn."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from minifaces.cli.main import app, run


def commands(group: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*names, name))
        else:
            yield (*names, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))
WRITING = [name for name, command in COMMANDS.items() if any("-o" in param.opts for param in command.params)]
FOLDERS = [
    *[("demo",), ("evaluate",), ("train",), ("data", "compose"), ("data", "prepare"), ("data", "import")],
    ("data", "collect"),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, which stays as it is. No command gets as far as opening a model."""

    def open_model(_: Path | None) -> None:
        raise AssertionError("opened")

    for module in ("play", "gallery", "facemap", "site", "serve", "demo", "model", "evaluate"):
        monkeypatch.setattr(f"minifaces.cli.{module}.open_model", open_model)
    monkeypatch.delenv("MINIFACES_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    (tmp_path / "here.png").mkdir()
    (tmp_path / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    yield tmp_path
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_text() == "mine"


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = run(words)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("minifaces: error: ")
    assert err.count("\n") == 1
    return code, err.removeprefix("minifaces: error: ").rstrip("\n")


def test_all_that_write_are_known() -> None:
    assert len(WRITING) >= 18
    assert set(FOLDERS) < set(WRITING)


@pytest.mark.parametrize("command", WRITING, ids=" ".join)
def test_no_output_is_a_dash_or_empty(capsys: pytest.CaptureFixture[str], command: tuple[str, ...]) -> None:
    for option in ("-o", "--output"):
        code, line = refused(capsys, *command, option, "-")
        assert (code, "standard output is not written to" in line) == (2, True)
        code, line = refused(capsys, *command, option, "")
        assert (code, "output's name is empty" in line) == (2, True)


@pytest.mark.parametrize("command", [name for name in WRITING if name != ("data", "review")], ids=" ".join)
@pytest.mark.parametrize("name", ["/dev/null", "file/below", "file/below/x.png", "x" * 300 + ".png"])
def test_where_nothing_can_be_is_told_first(
    capsys: pytest.CaptureFixture[str], command: tuple[str, ...], name: str
) -> None:
    code, line = refused(capsys, *command, "-o", name)
    assert code == (2 if name == "/dev/null" else 1)
    assert name in line


ONE = {
    "avatar": ["avatar", "x"],
    "reconstruct": ["reconstruct", "x.png"],
    "edit": ["edit", "x.png", "--smile", "1"],
    "map": ["map"],
    "neighbours": ["neighbours", "x.png"],
    "gallery": ["gallery"],
    "morph": ["morph", "a", "b"],
}


@pytest.mark.parametrize("words", ONE.values(), ids=ONE)
@pytest.mark.parametrize(
    ("name", "line"),
    [
        (".", ". is a folder: name a file to write"),
        ("..", ".. is a folder"),
        ("here", "here is a folder"),
        ("here.png", "here.png is a folder"),
        ("new/", "new/ is a folder"),
        ("new.png/", "new.png/ is a folder"),
        ("x.", "x. ends in a dot: name a picture, as in x.png"),
        ("x.xyz", "x.xyz: use one of .png, .webp, .jpg, .jpeg"),
        ("x.png ", "x.png : use one of"),
        (".png", ".png is a suffix alone: put a name before it, as in faces.png"),
        ("new/.WebP", "new/.WebP is a suffix alone"),
        ("x", "cannot save a"),
    ],
)
def test_a_picture_has_a_name_and_a_known_suffix(
    capsys: pytest.CaptureFixture[str], words: list[str], name: str, line: str
) -> None:
    code, told = refused(capsys, *words, "-o", name)
    assert code == 2
    assert (line if words[0] != "morph" else line.replace(*_ANIMATED)) in told


_ANIMATED = (".png, .webp, .jpg, .jpeg", ".gif, .webp, .apng, .mp4")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("/dev/null", "/dev/null is a file: name a folder"),
        ("file", "file is a file: name a folder"),
        ("file/", "file is a file: name a folder"),
        ("x.", "x. ends in a dot"),
        (".png", ".png is a suffix alone"),
        ("new/.jpg", "new/.jpg is a suffix alone"),
        ("x.mp4", "cannot save a picture as x.mp4"),
    ],
)
def test_a_picture_or_a_folder_has_one_too(capsys: pytest.CaptureFixture[str], name: str, line: str) -> None:
    code, told = refused(capsys, "sample", "-o", name)
    assert (code, told.startswith(line)) == (2, True)


@pytest.mark.parametrize(
    "name", [".", "here", "here.png", "new", "new/", "new.v2/", "new/newer", "x.png", "x.JPG", "./-"]
)
def test_what_can_be_meant_is_let_through(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIFACES_DEBUG", "1")
    with pytest.raises(AssertionError, match="opened"):
        run(["sample", "-o", name])


def test_a_slash_says_that_it_is_a_folder(
    tiny_model: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(place := tmp_path_factory.mktemp("place"))
    for name, made in (("faces.v2/", "faces.v2/2.png"), ("x.png/", "x.png/2.png"), ("./-", "-/2.png"), (".", "2.png")):
        assert run(["sample", "-n", "2", "-o", name, "--model", str(tiny_model)]) == 0
        assert (place / made).is_file()


EMPTY = {
    "a model": ["sample", "--model", ""],
    "a model to show": ["model", "info", "--model", ""],
    "a model to measure": ["evaluate", "--model", ""],
    "a model beside": ["evaluate", "--against", ""],
    "data to measure by": ["evaluate", "--data", ""],
    "data of a map": ["map", "--data", ""],
    "data of a page": ["explore", "--data", ""],
    "data of a site": ["export-site", "--data", ""],
    "a photo": ["reconstruct", ""],
    "one of many photos": ["reconstruct", "x.png", ""],
    "a source": ["data", "prepare", ""],
    "one of many sources": ["data", "import", "file", ""],
    "a work folder": ["data", "cut", ""],
    "a work folder to look at": ["data", "review", ""],
    "decisions": ["data", "review", "here", "--apply", ""],
    "a folder to count": ["data", "stats", ""],
    "a library": ["data", "prints", "--library", ""],
    "a list": ["data", "collect", ""],
    "a list of a site": ["data", "collect", "--rebrickable-csv", ""],
    "a recipe": ["data", "collect", "file", "--recipe", ""],
    "weights to begin with": ["train", "--from", ""],
    "a model to fit anew": ["train", "--refit", ""],
}


@pytest.mark.parametrize("words", EMPTY.values(), ids=EMPTY)
def test_no_name_is_empty(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    code, line = refused(capsys, *words)
    assert (code, "is empty: name a file or folder" in line) == (2, True)


def test_no_data_to_train_on_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "train", "--data", "") == (2, "--data is empty: name a folder of pictures, or composed")


@pytest.mark.parametrize(
    "words", [["neighbours", ""], ["morph", "d0001", ""], ["edit", "", "--round", "1"]], ids=lambda words: words[0]
)
def test_no_face_is_empty(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tiny_model: Path, words: list[str]
) -> None:
    monkeypatch.undo()
    assert refused(capsys, *words, "--model", str(tiny_model)) == (
        2,
        "a FACE is empty: give a gallery name, random:SEED, avatar:TEXT or a picture file",
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["export-site", "-o", "-"], "standard output is not written to"),
        (["export-site", "-o", "here.png/", "--single-file"], "ends in .html"),
        (["export-site", "-o", "file/x.html", "--single-file"], "file is a file"),
        (["export-site", "-o", "file"], "file is a file: name a folder"),
        (["export-site", "-o", "."], ". holds files that no export wrote: name another folder"),
        (["morph", "a", "b", "--fps", "0"], "frames a second"),
        (["morph", "a", "b", "--fps", "100", "-o", "x.gif"], ".gif plays 0.1 to 50 frames a second"),
    ],
)
def test_sites_and_animations_are_looked_at_first(
    capsys: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    code, told = refused(capsys, *words)
    assert (code, line in told) == (1 if "file/x.html" in words else 2, True)


def test_a_locked_folder_is_told_first(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "here" and allowed(path, mode))
    for words in (["map", "-o", "here/x.png"], ["sample", "-o", "here"], ["evaluate", "-o", "here/new"]):
        code, line = refused(capsys, *words)
        assert (code, "nothing may be written in here" in line) == (1, True)
