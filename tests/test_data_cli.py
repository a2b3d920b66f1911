"""`minifaces data`: what its commands write, say and refuse."""

import csv
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ldraw_fixtures import FEW, baked, few
from minifaces.cli.main import run
from minifaces.dataset import read_dataset
from minifaces.ldraw.dataset import composed_faces
from minifaces.ldraw.prints import Prints, load_prints
from minifaces.ldraw.stages import draw_parameters, read_parameters

__all__ = ["baked", "few"]  # fixtures

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> Call:
    """Run `minifaces data` in an empty folder; its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIFACES_DEBUG", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def call(*words: str) -> tuple[int, str, str]:
        code = run(["data", *words])
        told = capfd.readouterr()
        return code, told.out, told.err

    return call


def test_compose(call: Call) -> None:
    code, out, _ = call("compose", "-o", "faces", "-n", "20", "--size", "32", "--seed", "7")
    assert (code, out) == (0, "faces: 20 faces, 32 x 32\n")
    data = read_dataset("faces", 32)
    assert data.splits.tolist() == ["train"] * 16 + ["validation"] * 2 + ["test"] * 2
    for picture, row, (face, told) in zip(data.pictures, data.rows, composed_faces(20, 32, seed=7), strict=True):
        np.testing.assert_array_equal(picture, face)
        assert {key: value for key, value in row.items() if key != "file_name"} == {
            key: value for key, value in told.items() if value
        }


def test_compose_whole_prints_only(call: Call) -> None:
    code, _, _ = call("compose", "-n", "8", "--size", "32", "--recombined", "0")
    assert code == 0
    assert not any("lower_design" in row for row in read_dataset("faces", 32).rows)


def test_compose_refuses(call: Call, tmp_path: Path) -> None:
    code, out, err = call("compose", "-n", "4", "--size", "100")
    assert (code, out) == (2, "")
    assert err == "minifaces: error: stages can be had at sizes that divide 256, not at 100\n"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("keep me")
    code, _, err = call("compose", "-o", "full", "-n", "4", "--size", "32")
    assert code == 2
    assert "full is not empty" in err
    assert (tmp_path / "full" / "letter.txt").read_text() == "keep me"
    for option in (("-n", "0"), ("--recombined", "1.5"), ("--seed", "-1"), ("--size", "big")):
        code, _, err = call("compose", *option)
        assert code == 2
        assert err.startswith("minifaces: error: ")
        assert err.count("\n") == 1


def test_prints(call: Call, baked: tuple[Prints, dict[str, str]]) -> None:
    code, out, _ = call("prints", "--library", str(FEW), "-o", "own.zip", "--table", "left.csv")
    assert code == 0
    assert "own.zip: 9 faces of 7 heads, " in out
    assert "blank" in out
    loaded = load_prints(Path("own.zip").resolve())
    assert loaded.designs == baked[0].designs
    np.testing.assert_array_equal(loaded.colours[..., 3], baked[0].colours[..., 3])
    with Path("left.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["part", "left out because"]
    assert {part: why for part, why in rows[1:]} == baked[1]  # noqa: C416 - rows of exactly two


def test_stages(call: Call) -> None:
    pytest.importorskip("mitsuba")
    code, out, _ = call("stages", "--library", str(FEW), "-o", "own.zip", "-n", "1", "--samples", "1", "--workers", "1")
    assert code == 0
    assert out.startswith("own.zip: 1 stages, ")
    with zipfile.ZipFile("own.zip") as archive:
        assert read_parameters(archive) == [draw_parameters(0)]


@pytest.mark.parametrize("command", ["prints", "stages"])
def test_a_library_is_needed(call: Call, tmp_path: Path, command: str) -> None:
    code, out, err = call(command)
    assert (code, out) == (2, "")
    assert err == "minifaces: error: name an LDraw library with --library, or get it with --download\n"
    code, _, err = call(command, "--library", "none.zip")
    assert code == 2
    assert err == "minifaces: error: none.zip is missing: give an LDraw library, unpacked or zipped\n"
    (tmp_path / "text.zip").write_text("text")
    code, _, err = call(command, "--library", "text.zip")
    assert code == 2
    assert "text.zip is not a zip file" in err
    assert err.count("\n") == 1
    assert {p.name for p in tmp_path.iterdir()} == {"text.zip"}


def test_the_library_in_the_cache_is_taken(call: Call, tmp_path: Path) -> None:
    (tmp_path / "cache" / "minifaces").mkdir(parents=True)
    (tmp_path / "cache" / "minifaces" / "complete.zip").write_bytes(FEW.read_bytes())
    code, out, _ = call("prints", "-o", "own.zip")
    assert code == 0
    assert "9 faces" in out


def test_a_broken_part_is_named(call: Call, tmp_path: Path) -> None:
    parts = tmp_path / "library" / "parts"
    parts.mkdir(parents=True)
    with zipfile.ZipFile(FEW) as archive:
        (tmp_path / "library" / "LDConfig.ldr").write_bytes(archive.read("ldraw/LDConfig.ldr"))
    (parts / "3626bp99.dat").write_text("0 Minifig Head with Smile Pattern\n3 16 0 0 oops 1 0 0 0 1 0\n")
    code, _, err = call("prints", "--library", "library")
    assert code == 1
    assert err == "minifaces: error: 3626bp99.dat line 2: could not convert string to float: 'oops'\n"
    assert not Path("prints.zip").exists()


def test_help_shows_the_commands(call: Call) -> None:
    code, out, _ = call("--help")
    assert code == 0
    for word in ("prints", "stages", "compose"):
        assert word in out
