"""`minifaces data`: what its commands write, say and refuse."""

import csv
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ldraw_fixtures import FEW, baked, few
from minifaces.cli.main import run
from minifaces.dataset import read_dataset
from minifaces.ldraw.composed import composed_faces
from minifaces.ldraw.prints import Prints, load_prints, write_prints
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
    code, _, _ = call("compose", "-n", "8", "--size", "32", "--recombined", "0", "--workers", "1")
    assert code == 0
    assert len(read_dataset("faces", 32).rows) == 8
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
    for option in (("-n", "0"), ("--recombined", "1.5"), ("--seed", "-1"), ("--size", "big"), ("--workers", "some")):
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


@pytest.mark.parametrize("home", ["/proc/nowhere", "/dev/null", None])
def test_no_library_and_no_home(call: Call, monkeypatch: pytest.MonkeyPatch, home: str | None) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    if home:
        monkeypatch.setenv("HOME", home)
    code, _, err = call("prints")
    assert code == 2
    assert "name an LDraw library with --library" in err
    if home:
        code, _, err = call("prints", "--download")
        assert code == 1
        assert f"cannot write {home}/.cache/minifaces/complete.zip: " in err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_a_cache_of_somebody_else(call: Call, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(mode=0)
    code, _, err = call("prints")
    assert (code, err) == (2, "minifaces: error: name an LDraw library with --library, or get it with --download\n")


def test_the_library_in_the_cache_is_taken(call: Call, tmp_path: Path) -> None:
    (tmp_path / "cache" / "minifaces").mkdir(parents=True)
    (tmp_path / "cache" / "minifaces" / "complete.zip").write_bytes(FEW.read_bytes())
    code, out, _ = call("prints", "-o", "own.zip")
    assert code == 0
    assert "9 faces" in out


def test_nothing_but_a_broken_part(call: Call, tmp_path: Path) -> None:
    parts = tmp_path / "library" / "parts"
    parts.mkdir(parents=True)
    with zipfile.ZipFile(FEW) as archive:
        (tmp_path / "library" / "LDConfig.ldr").write_bytes(archive.read("ldraw/LDConfig.ldr"))
    (parts / "3626bp99.dat").write_text("0 Minifig Head with Smile Pattern\n3 16 0 0 oops 1 0 0 0 1 0\n")
    code, _, err = call("prints", "--library", "library")
    assert code == 2
    assert err == (
        "minifaces: error: library has no printed minifigure heads that can be used"
        " (1 cannot; the first: 3626bp99.dat line 2: 'oops' is no finite number)\n"
    )
    assert not Path("prints.zip").exists()


def test_parts_with_faults_are_told(call: Call, tmp_path: Path, baked: tuple[Prints, dict[str, str]]) -> None:
    """Each by a line, those with one fault together, and where a kind of fault has many, in one line.

    The others, which all begin with a byte order mark here, come out byte for byte as without these and without it."""
    with zipfile.ZipFile(FEW) as archive:
        archive.extractall(tmp_path)
    for path in (tmp_path / "ldraw").rglob("*.*"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    parts = tmp_path / "ldraw" / "parts"
    for part, said in {
        "3626bq01": "3 16 0 0 oops 1 0 0 0 1 0",
        "3626bq02": "1 16 0 0 0 1 0 0 0 1 0 0 0 1 s\\none.dat",
        "3626bq03": "1 16 0 0 0 1 0 0 0 1 0 0 0 1 3626bq02.dat",
        "3626bq04": "1 16 0 0 0 1 0 0 0 1 0 0 0 1 3626bq02.dat",
        "3626bq05": "hi, \x1b[31m",
        **{f"3626br{i:02}": f"3 {9000 + i} 0 0 0 1 0 0 0 1 0" for i in range(12)},
    }.items():
        (parts / f"{part}.dat").write_text(f"0 Minifig Head\n{said}\n")
    code, out, err = call("prints", "--library", "ldraw", "-o", "own.zip", "--table", "left.csv")
    assert code == 0
    assert err.replace("minifaces: warning: left out ", "") == (
        "3626bq01: line 2: 'oops' is no finite number\n"
        "3626bq05: line 2: line type 'hi,' is unknown\n"
        "3626bq02: line 2: ldraw has no file s/none.dat\n"
        "3626bq03, 3626bq04: 3626bq02.dat line 2: ldraw has no file s/none.dat\n"
        "12 parts: unknown colour (3626br00, 3626br01, 3626br02, 3626br03, 3626br04,"
        " 3626br05, 3626br06, 3626br07, 3626br08, 3626br09 ...)\n"
    )
    assert "own.zip: 9 faces of 7 heads, " in out
    counts = re.findall(r"(?:unknown colour|missing file|broken line) *\S (\d+)", out)
    assert [int(count) for count in counts] == [12, 3, 2]
    with Path("left.csv").open() as file:
        why = dict(csv.reader(file))
    assert why["3626bq05"] == "broken line: 3626bq05.dat line 2: line type 'hi,' is unknown"
    assert why["3626br11"] == "unknown colour: colour 9011 is not in LDConfig.ldr"
    write_prints(tmp_path / "same.zip", baked[0])
    assert Path("same.zip").read_bytes() == Path("own.zip").read_bytes()


def test_where_nothing_can_be_written_is_known_first(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minifaces.ldraw.prints.bake_library", None)
    for option in ("-o", "--table"):
        code, _, err = call("prints", "--library", str(FEW), option, "/dev/null/own")
        assert code == 1
        assert "cannot write /dev/null/own" in err


def test_help_shows_the_commands(call: Call) -> None:
    code, out, _ = call("--help")
    assert code == 0
    for word in ("prints", "stages", "compose"):
        assert word in out
