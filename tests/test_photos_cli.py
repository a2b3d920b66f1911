"""`minifaces data` for pictures: what its commands write, say and refuse."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from minifaces.cli.main import run
from minifaces.dataset import read_dataset
from minifaces.photos.screen import DEFECTS
from minifaces.photos.workfolder import Work
from photos_work import composed, one_worker

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module", autouse=True)
def _one_worker() -> Iterator[None]:
    with one_worker():
        yield


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> Call:
    """Run `minifaces data` in a folder with six pictures; its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIFACES_DEBUG", raising=False)
    faces = composed(6)
    (tmp_path / "photos").mkdir()
    for i, face in enumerate(faces[:4]):
        Image.fromarray(face).save(tmp_path / "photos" / f"{i}.png")
    Image.fromarray(np.concatenate(list(faces[4:]), axis=1)).save(tmp_path / "photos" / "two.png")
    (tmp_path / "photos" / "list.txt").write_text("no picture")

    def call(*words: str) -> tuple[int, str, str]:
        code = run(["data", *words])
        told = capfd.readouterr()
        return code, told.out, told.err

    return call


LISTED = "photos/list.txt is not a picture that can be read: give a PNG, JPEG, WebP, AVIF, GIF, BMP, TIFF or PPM\n"


def test_pictures_to_a_data_set(call: Call) -> None:
    lenient = [word for name in DEFECTS for word in ("--threshold", f"{name}=1.01")]
    code, out, err = call("prepare", "photos", "--size", "64", "--workers", "1", *lenient)
    assert code == 0
    assert err == LISTED
    assert out.startswith("work: 5 new pictures, 1 that cannot be used, 6 heads found, 6 framed, 6 screened\n6 faces, ")
    code, out, err = call("review", "work", "--as-screened", "-o", "faces")
    assert code == 0, err
    kept = int(out.split()[1])
    assert len(read_dataset("faces", 64).rows) == kept > 0


def test_control_characters_in_names(call: Call) -> None:
    Path("photos/0.png").rename("photos/0\r\x1b[31m.png")
    Path("photos/list.txt").rename("photos/list\x1b[31m.txt")
    code, _, err = call("prepare", "photos", "--size", "64", "--workers", "1")
    assert code == 0
    assert err == LISTED.replace("list.txt", "list\\x1b[31m.txt")
    assert call("review", "work", "--as-screened", "-o", "faces")[0] == 0
    assert "photos/0\\r\\x1b[31m.png" in [row["source"] for row in read_dataset("faces", 64).rows]


def test_folders_of_names_that_are_no_utf8(call: Call) -> None:
    Path("photos/0.png").rename("photos/0\udcff.png")
    lenient = [word for name in DEFECTS for word in ("--threshold", f"{name}=1.01")]
    assert call("prepare", "photos/0\udcff.png", "--size", "64", "--workers", "1", *lenient, "-o", "w\udcff")[0] == 0
    for words, said in (
        (("review", "w\udcff", "-o", "r\udcff.html"), "r\\xff.html: 1 faces; open it"),
        (("review", "w\udcff", "--as-screened", "-o", "d\udcff"), "d\\xff: 1 of 1 faces"),
        (("stats", "d\udcff", "-o", "s\udcff.html"), "d\\xff"),
    ):
        code, out, err = call(*words)
        assert (code, err, said in out) == (0, "", True)
    assert "w\\\\xff" in Path("r\udcff.html").read_text("utf-8")


def test_a_work_folder_inside_of_the_pictures(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("photos")
    for _ in range(2):
        code, out, _ = call("prepare", ".", "--workers", "1")
        assert code == 0
    assert out.startswith("work: 1 that cannot be used\n6 faces")
    assert len(list(Work("work").originals())) == 6


def test_step_by_step(call: Call) -> None:
    assert call("import", "photos", "--workers", "1")[:2] == (0, "work: 5 new pictures, 1 that cannot be used\n")
    assert call("cut", "work", "--workers", "1")[:2] == (0, "work: 6 heads found\n")
    assert call("frame", "work", "--size", "32", "--workers", "1")[:2] == (0, "work: 6 framed\n")
    code, out, _ = call("screen", "work", "--workers", "1")
    assert code == 0
    assert out.startswith("work: 6 screened\n6 faces, ")
    assert call("cut", "work")[1].startswith("work: nothing new\n")
    assert Work("work").settings.size == 32


def test_thresholds(call: Call) -> None:
    call("prepare", "photos", "--size", "32", "--workers", "1")
    code, out, _ = call("screen", "work", "--threshold", "blurred=0", "--workers", "1")
    assert code == 0
    assert "0 without a flag; blurred 6" in out
    out = call("screen", "work", "--threshold", "blurred=1.01", "--workers", "1")[1]
    assert "blurred" not in out
    for setting, said in (("blurred", "wanted as in"), ("blurred=x", "a number wanted"), ("ugly=0.1", "no defect")):
        code, _, err = call("screen", "work", "--threshold", setting)
        assert (code, err.count("\n")) == (2, 1)
        assert said in err


def test_thresholds_stay_where_nothing_is_done(call: Call) -> None:
    """A refused command leaves no settings behind, and no flags that do not belong to them."""
    Path("broken.parquet").write_bytes(b"PAR1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pyarrow.parquet", None)
        assert call("prepare", "broken.parquet", "--threshold", "blurred=0", "--workers", "1")[0] == 2
    assert call("prepare", "photos", "--size", "32", "--workers", "1")[0] == 0
    before = Path("work/screen.jsonl").read_bytes()
    code, _, err = call("prepare", "photos", "--size", "64", "--threshold", "blurred=0", "--workers", "1")
    assert (code, err.count("\n")) == (2, 1)
    assert "has faces of 32 pixels a side" in err
    assert Path("work/screen.jsonl").read_bytes() == before
    assert Work("work").settings.thresholds == {}


def test_json(call: Call) -> None:
    code, out, _ = call("prepare", "photos", "--workers", "1", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["new"] == {"pictures": 5, "problems": 1, "heads": 6, "faces": 6, "screened": 6}
    assert told["faces"] == 6
    assert [problem["source"] for problem in told["problems"]] == ["photos/list.txt"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("prepare", "none"), "none is missing: name a picture, a folder, a zip, a tar or a parquet file"),
        (("prepare",), "work is no work folder yet: name pictures, a folder, a zip, a tar or a parquet file"),
        (("prepare", "photos", "-o", "photos"), "photos is not empty and no work folder: name another one"),
        (("prepare", "photos", "-o", "photos/0.png"), "photos/0.png is a file: name a folder"),
        (("prepare", "photos", "--size", "7"), "'--size': Input should be greater than or equal to 16"),
        (("prepare", "photos", "--workers", "0"), "--workers 0: a number from 1, or a Dask scheduler such as"),
        (("prepare", "photos", "--workers", "http://x"), "a Dask scheduler such as"),
        (("cut", "photos"), "photos is not a work folder: make one with"),
        (("collect", "list.csv"), "--recipe is missing: docs/guide/photos.md shows"),
        (("collect", "--recipe", "r.toml"), "name one list of parts: a file, or --rebrickable-csv FILE"),
    ],
)
def test_bad_use_is_one_line(call: Call, words: tuple[str, ...], said: str) -> None:
    code, out, err = call(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not Path("work").exists()
    assert len(list(Path("photos").iterdir())) == 6


def test_collect(call: Call) -> None:
    pytest.importorskip("httpx")
    pytest.importorskip("uvicorn")
    from photos_site import running_site

    with running_site() as site:
        Path("recipe.toml").write_text(
            f'page = "{site.url}/parts/{{part}}"\nimages = "#gallery img"\nseconds_between = 0.0\n'
        )
        Path("parts.csv").write_text("part_num,name,part_cat_id\n7,Head,59\nunknown,Head,59\n9,Hat,65\n")
        words = ("collect", "parts.csv", "--recipe", "recipe.toml", "--where", "part_cat_id=59")
        code, _, err = call(*words)
        assert code == 2
        assert "--contact" in err
        code, out, err = call(*words, "--contact", "me@example.org")
        assert (code, out) == (2, "")
        assert "read the terms of 127.0.0.1; if you have the right to use the pictures, say --i-may-use-these" in err
        assert site.asked == {}
        assert not Path("work").exists()
        code, out, err = call(*words, "--contact", "me@example.org", "--i-may-use-these")
        assert (code, out) == (0, "work: 1 new pictures, 1 that cannot be used\n")
        assert err == f"{site.url}/parts/unknown answers 404\n"
        code, out, _ = call("prepare", "-o", "work", "--workers", "1")
        assert code == 0
        assert "screened" in out


def test_the_question_may_be_left(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typer makes an Abort of Ctrl-C and Ctrl-D."""
    for module in ("httpx", "protego", "selectolax", "jsonpath_rfc9535"):
        pytest.importorskip(module)
    Path("recipe.toml").write_text('page = "https://x.example/{part}.jpg"\n')
    Path("parts.csv").write_text("3626b\n")

    def leave(*_: object, **__: object) -> None:
        raise typer.Abort

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", leave)
    words = ("collect", "parts.csv", "--recipe", "recipe.toml", "--contact", "me@example.org")
    code, _, err = call(*words)
    assert code == 130
    assert err == "minifaces: error: interrupted\n"
    assert not Path("work").exists()


def test_help_shows_the_commands(call: Call) -> None:
    code, out, _ = call("--help")
    assert code == 0
    for word in ("collect", "import", "cut", "frame", "screen", "prepare", "review", "stats"):
        assert f" {word} " in out
