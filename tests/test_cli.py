"""The command line on the tiny model: what it writes, what it says, and how it fails."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from PIL import Image
from pyarrow import parquet

import minifaces
from conftest import SIZE, write_config
from minifaces.cli import common
from minifaces.cli.main import app, run
from minifaces.studio.atlas import project
from minifaces.studio.model import Model

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> Call:
    """Run a command line in an empty folder; its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIFACES_DEBUG", raising=False)

    def call(*words: str, model: Path | None = tiny_model) -> tuple[int, str, str]:
        code = run([*words, *([] if model is None else ["--model", str(model)])])
        told = capfd.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture
def photo(digits: tuple[NDArray[np.uint8], NDArray[np.int64]], tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.fromarray(digits[0][3]).resize((50, 40)).save(path)
    return path


def shape(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_help_and_version_import_nothing_heavy() -> None:
    code = "import sys; from minifaces.cli.main import run; run(['-h']); print(*sys.modules, file=sys.stderr)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "sample" in told.stdout
    assert not {"numpy", "onnxruntime", "sklearn", "torch", "PIL", "av", "scipy"} & set(told.stderr.split())


def test_version(call: Call) -> None:
    assert call("--version", model=None) == (0, "minifaces 0.1.0\n", "")
    told = subprocess.run([sys.executable, "-m", "minifaces", "--version"], capture_output=True, text=True, check=True)
    assert told.stdout == "minifaces 0.1.0\n"


@pytest.mark.parametrize("words", [[], ["--help"], ["model"], *([name, "--help"] for name in ("edit", "demo", "map"))])
def test_help_is_not_an_error(call: Call, words: list[str]) -> None:
    _, out, err = call(*words, model=None)
    assert "Usage: minifaces" in out
    assert err == ""


def commands(command: Any, *names: str) -> Iterator[tuple[str, ...]]:
    """The words of each command, groups among them."""
    yield names
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, *names, name)


COMMANDS = list(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_is_for_people(call: Call, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, err = call(*words, "--help", model=None)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= columns
    assert not re.findall(r"<\w|\{|\[\[|\w<=|\.\.\.\.", out)  # types of Python, braces, ranges of typer
    empty = [line for line in out.splitlines() if re.fullmatch(r"│ +(--?[\w-]+ *)+([A-Z|]+ *)?│", line)]
    assert not empty, "an option without a word of help"


@pytest.mark.parametrize(
    ("group", "listed"),
    [
        (
            "",
            "demo sample avatar reconstruct morph edit neighbours gallery map explore serve export-site train evaluate "
            "data model",
        ),
        ("data", "collect import cut frame screen prepare review stats prints stages compose parquet push"),
        ("model", "info pull push"),
    ],
)
def test_commands_come_in_the_order_of_use_with_a_line_each(
    call: Call, monkeypatch: pytest.MonkeyPatch, group: str, listed: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = call(*group.split(), "--help", model=None)[1]
    assert " ".join(re.findall(r"^│ ([a-z][a-z-]+) +\S", out, re.M)) == listed
    commands = re.sub("─ Options.*?╰", "", out, flags=re.S)  # typer's own options take two lines
    assert not re.search("^│ {6}", commands, re.M), "a text that needs a second line"


def test_sample_is_told_in_one_line_and_repeatable(call: Call) -> None:
    code, out, err = call("sample", "-n", "5", "--seed", "7", "-o", "a.png")
    assert (code, err) == (0, "")
    assert out.startswith("a.png: 5 faces of seed 7, 56 x 36, ")
    assert out.count("\n") == 1
    call("sample", "-n", "5", "--seed", "7", "-o", "b.png")
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    call("sample", "-n", "5", "--seed", "7", "--temperature", "0.5", "-o", "b.png")
    assert Path("a.png").read_bytes() != Path("b.png").read_bytes()


def test_a_fresh_sample_tells_the_seed_that_repeats_it(call: Call) -> None:
    seed = json.loads(call("sample", "-n", "2", "-o", "a.png", "--json")[1])["seed"]
    call("sample", "-n", "2", "--seed", str(seed), "-o", "b.png")
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_sample_leaves_out_a_share_of_what_it_draws(call: Call) -> None:
    call("sample", "-n", "8", "--seed", "7", "-o", "all")
    code, out, _ = call("sample", "-n", "4", "--seed", "7", "--reject", "0.5", "-o", "kept", "--json")
    assert (code, json.loads(out)["reject"]) == (0, 0.5)
    drawn, kept = ([path.read_bytes() for path in sorted(Path(f).iterdir())] for f in ("all", "kept"))
    places = [drawn.index(face) for face in kept]
    assert places == sorted(places)
    assert len(places) == 4


def test_sample_into_a_folder_is_one_file_a_face(call: Call) -> None:
    code, out, _ = call("sample", "-n", "300", "--seed", "7", "-o", "faces", "--json")
    assert code == 0
    assert json.loads(out)["folder"] == "faces"
    names = sorted(path.name for path in Path("faces").iterdir())
    assert names == [f"{i:03}.png" for i in range(1, 301)]
    assert shape("faces/300.png") == (SIZE, SIZE)


def test_reconstruct_puts_each_above_its_reconstruction(call: Call, photo: Path) -> None:
    code, out, _ = call("reconstruct", str(photo), str(photo), "-o", "recon.png", "--json")
    facts = json.loads(out)
    assert (code, facts["width"], facts["height"]) == (0, 2 * SIZE + 4, 2 * SIZE)
    assert facts["psnr_db"][str(photo)] > 10


def test_reconstructions_may_be_refined(call: Call, photo: Path) -> None:
    words = ("reconstruct", str(photo), "-o", "recon.png", "--json")
    plain, refined = (json.loads(call(*words, *more)[1])["psnr_db"][str(photo)] for more in ([], ["--refine"]))
    # Of the tiny model no latent is better than the encoder's where all pixels weigh alike.
    assert 0 < abs(refined - plain) < 1


@pytest.mark.parametrize(
    "words",
    [
        ["morph", "d0001", "FACE", "-o", "x.png"],
        ["edit", "FACE", "--round", "1", "-o", "x.png"],
        ["neighbours", "FACE"],
    ],
)
def test_a_picture_as_face_may_be_refined(call: Call, photo: Path, words: list[str]) -> None:
    words = [str(photo) if word == "FACE" else word for word in words]
    told = []
    for more in ([], ["--refine"]):
        code, out, err = call(*words, *more)
        assert (code, err) == (0, "")
        told.append(Path("x.png").read_bytes() if "-o" in words else out)
    assert told[0] != told[1]


def test_an_avatar_is_a_picture_and_a_seed(call: Call) -> None:
    code, out, _ = call("avatar", "alice@example.com", "-o", "alice.png", "--json")
    assert (code, json.loads(out)["seed"]) == (0, "339688337767178012159931884687414820388")
    assert call("sample", "-n", "1", "--seed", json.loads(out)["seed"], "-o", "same.png")[0] == 0
    np.testing.assert_array_equal(np.asarray(Image.open("alice.png")), np.asarray(Image.open("same.png")))
    assert call("avatar", "alice@example.com", "--size", "40", "-o", "large.png")[0] == 0
    assert shape("large.png") == (40, 40)
    assert "8 to 4096" in call("avatar", "x", "--size", "4")[2]
    assert call("avatar", "x", "--background", "clear", "-o", "clear.svg")[0] == 0
    assert Path("clear.svg").read_text().startswith("<svg ")
    assert "six hexadecimal digits" in call("avatar", "x", "--background", "red")[2]
    assert "no clear ground" in call("avatar", "x", "--background", "clear", "-o", "x.jpg")[2]
    assert "use one of .png, .webp, .jpg, .jpeg, .svg" in call("avatar", "x", "-o", "x.gif")[2]


@pytest.mark.parametrize("suffix", ["gif", "webp", "apng", "mp4"])
def test_morphs_are_animations(call: Call, suffix: str, photo: Path) -> None:
    code, out, _ = call(
        "morph", "d0001", "random:7", str(photo), "--steps", "5", "--loop", "-o", f"m.{suffix}", "--json"
    )
    facts = json.loads(out)
    assert (code, facts["frames"]) == (0, 12)
    assert Path(facts["file"]).stat().st_size == facts["bytes"] > 100


@pytest.mark.parametrize("path", ["linear", "slerp", "density", "geodesic"])
def test_a_morph_as_a_strip(call: Call, path: str) -> None:
    code, out, _ = call("morph", "d0001", "d0002", "--path", path, "-o", "m.png")
    assert code == 0
    assert out.startswith(f"m.png: 9 steps, {9 * SIZE} x {SIZE}, ")


def test_a_morph_is_the_same_in_python_and_on_the_command_line(call: Call, tiny_model: Path) -> None:
    call("morph", "d0001", "d0002", "-o", "m.png")
    model = minifaces.load(tiny_model)
    with Image.open("m.png") as strip:
        shown = np.asarray(strip.convert("RGB"))
    frames = model.morph(model.latent_of("d0001"), model.latent_of("d0002"), steps=9)
    np.testing.assert_array_equal(shown, np.concatenate(list(frames), axis=1))


@pytest.mark.parametrize(
    "words",
    [
        ["d0001", "--round", "2", "--straight", "-1"],
        ["--round=2", "d0001", "--straight=-1"],
        ["d0001", "--set", "round=2", "--set", "straight=-1"],
        ["--straight", "-1", "--set", "round=2", "d0001"],
    ],
)
def test_edits_may_be_written_in_any_order(call: Call, words: list[str]) -> None:
    code, out, err = call("edit", *words, "--json")
    assert (code, err) == (0, "")
    facts = json.loads(out)
    assert facts["face"] == "d0001"
    assert facts["amounts"] == {"round": 2, "straight": -1}
    assert shape("edited.png") == (2 * SIZE, SIZE)


def test_an_edit_may_be_shown_in_steps(call: Call) -> None:
    assert call("edit", "d0001", "--round", "1", "--sweep", "-o", "e.png")[0] == 0
    assert shape("e.png") == (7 * SIZE, SIZE)


@pytest.mark.parametrize("layout", ["tsne", "grid"])
def test_a_map_of_the_gallery(call: Call, layout: str) -> None:
    code, out, _ = call("map", "--layout", layout, "--size", "256", "--crops")
    assert code == 0
    assert out.splitlines()[0].startswith("map.png: a map of 30 faces, 256 x 256, ")
    assert shape("map.png") == (256, 256)
    assert Path("map-crops.png").exists()


def test_a_map_of_a_folder_of_pictures(call: Call, photo: Path) -> None:
    assert call("map", "--data", str(photo.parent), "--size", "64", "-o", "out/map.png")[0] == 0
    assert shape("out/map.png") == (64, 64)


def test_a_map_is_written_for_embedding_atlas(call: Call, toy: Model) -> None:
    code, out, _ = call("map", "-o", "map.parquet", "--json")
    assert code == 0
    assert json.loads(out)["faces"] == 30
    table = parquet.read_table("map.parquet")
    assert table.column_names == ["image", "x", "y", "name", "description", "split", "round", "straight"]
    rows = table.to_pylist()
    np.testing.assert_array_equal([(row["x"], -row["y"]) for row in rows], project(toy.gallery.latents))
    for row, entry, face in zip(rows, toy.gallery.entries, toy.gallery.thumbnails, strict=True):
        assert (row["name"], row["split"], row["round"]) == (entry.name, entry.split, entry.attributes.get("round"))
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(row["image"]["bytes"]))), face)
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["image"] == {"_type": "Image"}
    assert features["x"] == {"dtype": "float64", "_type": "Value"}


def test_a_map_of_pictures_is_a_table_of_them(call: Call, photo: Path) -> None:
    assert call("map", "--data", str(photo.parent), "--layout", "grid", "-o", "own.parquet")[0] == 0
    assert parquet.read_table("own.parquet").column_names[:4] == ["image", "x", "y", "file_name"]
    code, _, told = call("map", "--crops", "-o", "own.parquet")
    assert (code, "--crops draws pictures" in told) == (2, True)


def test_neighbours_leave_the_face_itself_out(call: Call) -> None:
    code, out, _ = call("neighbours", "d0001", "-k", "3", "--json", "-o", "n.png")
    rows = json.loads(out)
    assert code == 0
    assert rows[0]["name"] != "d0001/front"
    assert len(rows) == 3
    assert rows == sorted(rows, key=lambda row: row["distance"])
    assert shape("n.png") == (4 * SIZE, SIZE)
    assert rows[0]["name"] in call("neighbours", "d0001", "-k", "3")[1]


def test_the_gallery_is_listed_or_shown(call: Call) -> None:
    listed = call("gallery", "seven")[1]
    assert listed.count("Digit seven") == len(listed.splitlines()) - 1
    assert all(row["attributes"]["round"] for row in json.loads(call("gallery", "--attribute", "round", "--json")[1]))
    assert call("gallery", "seven", "-o", "g.png")[1].startswith("g.png: 3 faces, ")
    assert call("gallery", "pirate", "--json")[1] == "[]\n"


def test_model_info(call: Call) -> None:
    facts = json.loads(call("model", "info", "--json")[1])
    assert (facts["name"], facts["gallery"]) == ("tiny", {"train": 20, "test": 10})
    assert facts["priors"] == ["mixture", "normal"]
    threshold = pytest.approx(-2.1046, abs=0.001)
    assert facts["mixture"] == {"components": 3, "dimensions": 6, "threshold": threshold}
    assert "3 Gaussians over 6 dimensions" in call("model", "info")[1]


def test_the_demo_makes_a_page_of_everything(call: Call) -> None:
    code, out, err = call("demo", "-o", "shown")
    assert (code, err) == (0, "")
    assert out.startswith("shown/index.html: 13 things")
    page = Path("shown/index.html").read_text()
    for path in Path("shown").iterdir():
        if path.suffix in (".png", ".gif", ".webp", ".mp4"):
            assert f'src="{path.name}"' in page
    assert page.count("<figure") == page.count("minifaces ") - page.count("minifaces demo") == 13
    assert page.count("alt=") + page.count("aria-label=") == 13
    assert call("demo", "-o", "shown")[0] == 0


def test_the_demo_leaves_other_peoples_files_alone(call: Call) -> None:
    Path("mine").mkdir()
    Path("mine/index.html").write_text("mine")
    code, _, err = call("demo", "-o", "mine")
    assert (code, err.count("\n")) == (2, 1)
    assert [path.name for path in Path("mine").iterdir()] == ["index.html"]


BAD = {
    "no such command": ["sampel"],
    "no such option": ["sample", "--tempreature", "1"],
    "no faces": ["sample", "-n", "0"],
    "too many faces": ["sample", "-n", "1000000000"],
    "too many faces for a picture": ["sample", "-n", "20000"],
    "not a number": ["sample", "-n", "many"],
    "not a temperature": ["sample", "--temperature", "nan"],
    "a negative temperature": ["sample", "--temperature", "-1"],
    "a negative seed": ["sample", "--seed", "-1"],
    "no such prior": ["sample", "--prior", "flat"],
    "nothing left": ["sample", "--reject", "1"],
    "less than nothing to reject": ["sample", "--reject", "-0.1"],
    "too many to draw": ["sample", "-n", "20000", "--reject", "0.9", "-o", "many"],
    "no such format": ["sample", "-o", "faces.xyz"],
    "a missing picture": ["reconstruct", "missing.png"],
    "no picture at all": ["reconstruct"],
    "a folder as picture": ["reconstruct", "."],
    "an empty picture": ["reconstruct", "empty.png"],
    "a broken picture": ["reconstruct", "broken.png"],
    "a text as picture": ["reconstruct", "text.png"],
    "a broken picture as face": ["neighbours", "broken.png"],
    "a broken picture to refine": ["morph", "d0001", "broken.png", "--refine"],
    "a missing picture to refine": ["reconstruct", "missing.png", "--refine"],
    "one face to morph": ["morph", "d0001"],
    "no such face": ["morph", "d0001", "d9999/frnt"],
    "no such seed": ["morph", "d0001", "random:x"],
    "an endless seed": ["morph", "d0001", "random:" + "9" * 5000],
    "an endless name": ["morph", "d0001", "d" * 5000],
    "one step": ["morph", "d0001", "d0002", "--steps", "1"],
    "no speed": ["morph", "d0001", "d0002", "--fps", "0"],
    "no such path": ["morph", "d0001", "d0002", "--path", "round"],
    "no such animation": ["morph", "d0001", "d0002", "-o", "m.avi"],
    "nothing to edit": ["edit", "d0001"],
    "no face to edit": ["edit", "--round", "1"],
    "two faces to edit": ["edit", "d0001", "d0002", "--round", "1"],
    "no such attribute": ["edit", "d0001", "--beard", "1"],
    "an amount that is none": ["edit", "d0001", "--round", "much"],
    "an amount that is missing": ["edit", "d0001", "--round"],
    "a setting without an amount": ["edit", "d0001", "--set", "round"],
    "an endless amount": ["edit", "d0001", "--round", "inf"],
    "no neighbours": ["neighbours", "d0001", "-k", "0"],
    "nobody like that": ["gallery", "pirate"],
    "nobody has that": ["gallery", "--attribute", "beard"],
    "a map of nothing": ["map", "--data", "nowhere"],
    "a map of an empty folder": ["map", "--data", "hollow"],
    "a map without room": ["map", "--size", "1"],
    "a map of no seed": ["map", "--seed", "-1", "--size", "64"],
    "a file as demo folder": ["demo", "-o", "text.png"],
}


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["map", "faces"], ": name pictures with --data and a model with --model"),
        (["model", "info", "my-model"], ": name a model with --model"),
        (["avatar", "two", "words"], "(words)"),
    ],
)
def test_a_word_too_many_is_told_where_it_belongs(
    words: list[str], remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    assert capsys.readouterr().err.endswith(f"{remedy}\n")


@pytest.mark.parametrize("words", BAD.values(), ids=BAD.keys())
def test_bad_requests_are_one_line_and_leave_nothing(call: Call, digits: tuple, words: list[str]) -> None:
    whole = Path("whole.png")
    Image.fromarray(digits[0][0]).save(whole)
    Path("broken.png").write_bytes(whole.read_bytes()[:150])
    Path("empty.png").touch()
    Path("text.png").write_text("not a picture")
    Path("hollow").mkdir()
    before = sorted(Path().rglob("*"))
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert err.startswith("minifaces: error: ")
    assert err.count("\n") == 1
    assert len(err) < 6000
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("command", [["sample", "-n", "2"], ["morph", "d0001", "d0002", "--steps", "3"], ["demo"]])
def test_an_unwritable_output_is_a_failure(call: Call, command: list[str]) -> None:
    Path("file").touch()
    output = "file/below" if command == ["demo"] else "file/below.gif" if "morph" in command else "file/below.png"
    code, out, err = call(*command, "-o", output)
    assert (code, out) == (1, "")
    assert err.startswith("minifaces: error: ")
    assert err.count("\n") == 1


def test_a_damaged_model_is_one_line(call: Call, copy: Path) -> None:
    (copy / "decoder.onnx").write_bytes(b"")
    code, _, err = call("sample", model=copy)
    assert (code, err.count("\n")) == (2, 1)
    assert "decoder.onnx is damaged" in err
    write_config(copy)
    assert "decoder.onnx does not load" in call("sample", model=copy)[2]
    assert not Path("faces.png").exists()


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (KeyboardInterrupt(), 130, "minifaces: error: interrupted\n"),
        (
            ValueError("two\nlines"),
            1,
            "minifaces: error: unexpected ValueError: two lines (MINIFACES_DEBUG=1 shows where)\n",
        ),
    ],
)
def test_an_interrupt_or_a_bug_is_one_line(
    call: Call, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, line: str
) -> None:
    def fail(_: Path | None) -> None:
        raise error

    monkeypatch.setattr(common, "open_model", fail)
    monkeypatch.setattr("minifaces.cli.play.open_model", fail)
    assert call("sample") == (code, "", line)
    monkeypatch.setenv("MINIFACES_DEBUG", "1")
    with pytest.raises(type(error)):
        call("sample")


def test_a_reader_that_leaves_is_no_error(tiny_model: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    code = "import sys; from minifaces.cli.main import run; sys.exit(run())"
    words = [sys.executable, "-c", code, "gallery", "--json", "--model", str(tiny_model)]
    told = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (told.returncode, told.stderr) == (141, "")
