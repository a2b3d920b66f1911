"""What README.md and the tutorial show works as written: commands and snippets are run; long commands, and those of
the other docs, are at least understood."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import minifaces
from minifaces.cli.main import app, run

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TUTORIAL = (ROOT / "docs/guide/first-morph.md").read_text(encoding="utf-8")
OTHERS = "\n".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").rglob("*.md")))
ASSETS = Path(minifaces.__file__).parent / "assets"


def blocks(text: str, kind: str) -> list[str]:
    """The contents of a document's code blocks of one kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.M | re.S)


def commands(text: str, kind: str) -> list[list[str]]:
    """The arguments of every minifaces command in the blocks of one kind."""
    lines = [line for block in blocks(text, kind) for line in block.replace("\\\n", "").splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("minifaces ")]


def others() -> list[list[str]]:
    """Commands that are too long to run, each once."""
    found = [*commands(README, "sh long"), *commands(TUTORIAL, "sh long"), *commands(OTHERS, "sh")]
    return [list(words) for words in dict.fromkeys(map(tuple, found)) if not words[0].startswith("-")]


@pytest.mark.parametrize("text", [README, TUTORIAL], ids=["README", "tutorial"])
def test_commands_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(commands(text, "sh")) >= 5
    for arguments in commands(text, "sh"):
        assert run(arguments) == 0, arguments
        if "-o" in arguments:
            assert Path(arguments[arguments.index("-o") + 1]).stat().st_size > 1000


@pytest.mark.parametrize("arguments", others(), ids=" ".join)
def test_long_commands_are_understood(arguments: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        name, *arguments = arguments
        command = command.commands[name]
    context = command.make_context(command.name, arguments)  # parses and checks, does not run
    assert context.command is command


def test_snippets_run(tmp_path: Path) -> None:
    for text, check in ((README, "happier.shape == grid.shape and len(frames) == 60"), (TUTORIAL, "len(frames) == 30")):
        script = tmp_path / "snippet.py"
        script.write_text("\n".join([*blocks(text, "python"), f"assert {check}\n"]))
        subprocess.run([sys.executable, script], check=True, cwd=tmp_path)


def test_pictures_are_there() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} points to {target}"


def test_what_ships_is_small() -> None:
    def megabytes(*names: str) -> float:
        return sum((ASSETS / name).stat().st_size for name in names) / 1e6

    assert megabytes("prints.zip", "stages.zip") <= 25
    assert megabytes(*(f"model/{p.name}" for p in (ASSETS / "model").iterdir())) <= 20
