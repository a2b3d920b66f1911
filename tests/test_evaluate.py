"""The report: what it measures on the bundled model, and what is written."""

import json
from pathlib import Path

import numpy as np
import pytest

import minifaces
from minifaces.cli.main import run
from minifaces.dataset import write_dataset
from minifaces.evaluate import report, testset
from minifaces.evaluate.edits import edits
from minifaces.evaluate.intervals import Interval
from minifaces.evaluate.parts import Part, Picture, Table
from minifaces.evaluate.reconstruction import reconstruction
from minifaces.evaluate.similarity import psnr
from minifaces.ldraw.composed import composed_faces


def quiet(*_: object) -> None:
    """Progress that nobody looks at."""


@pytest.fixture(scope="module")
def faces() -> testset.FaceSet:
    return testset.composed(64, "test", 1)


def test_unseen_faces_are_of_unseen_designs_and_each_design_is_a_group(faces: testset.FaceSet) -> None:
    assert faces.draws is not None
    assert faces.prints is not None
    assert {faces.prints.designs[i].split for i in faces.draws.upper} == {"test"}
    assert len(np.unique(faces.groups)) == len(faces) == len(faces.prints.of_split("test"))
    train = testset.composed(64, "train", 1)
    assert not set(train.groups) & set(faces.groups)
    assert 0 < faces.kinds["large prints"].mean() < 0.5


def test_perfect_reconstruction_gets_perfect_figures_and_a_bare_head_does_not(faces: testset.FaceSet) -> None:
    made = {"perfect": faces.pictures}
    part = reconstruction(faces, made, faces, made, quiet)
    rows = part.tables[0].rows
    assert rows["perfect"]["SSIM"].value == pytest.approx(1)
    assert rows["perfect"]["retrieval@1"].value == 100
    assert rows["bare head"]["retrieval@1"].value < 30
    assert rows["bare head"]["PSNR, print"].value < 22
    agreement = part.tables[-1].rows
    assert agreement["perfect"]["all"].value == 100 > agreement["bare head"]["all"].value
    gap = next(t for t in part.tables if "gap" in t.columns).rows["perfect"]["gap"]
    assert gap.value == 0


def test_a_bare_head_differs_from_the_face_by_its_print(faces: testset.FaceSet) -> None:
    plain = testset.bare(faces)
    outside = 1 - faces.mask
    assert np.median(psnr(faces.pictures, plain, outside)) > np.median(psnr(faces.pictures, plain, faces.mask)) + 5


def test_the_truth_of_an_edit_is_the_face_composed_with_it(faces: testset.FaceSet) -> None:
    some = np.arange(0, len(faces), 3)
    true = faces.truth(some, "smile", 1)
    assert true is not None
    apart = (true != faces.pictures[some]).any(3)
    assert apart[:, 32:].any((1, 2)).mean() > 0.9  # mouths are other ones
    assert not apart[:, :16].any()  # and eyes the same
    for name, amount in (("hat", 1), ("yellow_head", -1), ("dark_head", 9)):
        assert faces.truth(some, name, amount) is None
    assert testset.FaceSet(faces.pictures, faces.mask, faces.groups).truth(some, "smile", 1) is None


def test_of_directions_that_nobody_can_read_nothing_is_told(faces: testset.FaceSet) -> None:
    model = minifaces.load()
    model.directions = {"hat": model.directions["smile"]}
    assert edits(model, faces, quiet) == ([], [])
    model.directions = {"eyewear": np.zeros(model.latent_size, np.float32)}
    tables, (picture,) = edits(model, faces, quiet)
    assert [table.name for table in tables] == ["edits"]
    assert picture.pixels.std() > 0


def test_a_report_holds_figures_pictures_and_escaped_words(tmp_path: Path) -> None:
    rows = {"<model>": {"PSNR": Interval(27.3, 26.0, 28.0), "n": 4, "bad": float("nan")}}
    picture = Picture("sheet", "a & b", np.full((8, 9, 3), 200, np.uint8))
    report.write([Part("one", "One", [Table("t", ("PSNR", "n", "bad"), rows)], [picture])], {"model": "x"}, tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "&lt;model&gt;" in page
    assert "<model>" not in page
    assert "data:image/webp;base64" in page
    assert (tmp_path / "sheet.png").is_file()
    figures = json.loads((tmp_path / "report.json").read_text())["parts"]["one"]["t"]["<model>"]
    assert figures["PSNR"] == {"value": 27.3, "low": 26.0, "high": 28.0}
    assert figures["bad"] is None


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of the bundled model, which takes a while, on faces of a quarter of its pixels."""
    folder = tmp_path_factory.mktemp("bundled") / "r"
    assert run(["evaluate", "--share", "0.05", "--size", "64", "-o", str(folder)]) == 0
    return folder


def test_a_report_of_the_bundled_model(bundled: Path) -> None:
    parts = json.loads((bundled / "report.json").read_text())["parts"]
    assert set(parts) == {"reconstruction", "random", "morphs", "latent"}
    own = parts["reconstruction"]["faces of unseen designs"][minifaces.load().name]
    assert own["PSNR"]["value"] > 24
    assert own["retrieval@1"]["value"] > 80
    random = parts["random"]["random faces"]
    floor = random["floor: the data again"]
    assert floor["FD-lite0"]["value"] < random["blurred data"]["FD-lite0"]["value"]
    assert random[f"{minifaces.load().name}: parts"]["density"] > random[f"{minifaces.load().name}: normal"]["density"]
    assert parts["random"]["memorisation"]["copies of the data"]["authenticity"] == 0


def test_pictures_are_compared_at_any_size(bundled: Path) -> None:
    parts = json.loads((bundled / "report.json").read_text())["parts"]
    line = parts["morphs"]["paths"]["linear"]
    assert line["PSNR at the ends"]["value"] > 24
    assert line["distance"]["value"] < line["95 % of frames within"] < line["worst of all"]
    assert parts["latent"]["edits against the truth"]["teeth"]["PSNR to the truth"]["value"] > 20
    assert parts["latent"]["edits"]["teeth"]["added: the truth, %"] > 80
    assert 10 < parts["latent"]["edits of measures"]["turn"]["by -1: the truth"] * -1 < 25


def test_a_folder_of_few_pictures_is_measured_by_halves_and_copies_are_looked_for_in_all(
    tmp_path: Path, tiny_model: Path
) -> None:
    write_dataset(tmp_path / "faces", composed_faces(60, 32, recombined=0, seed=5))
    arguments = ["evaluate", "--data", str(tmp_path / "faces"), "--only", "random", "--size", "32"]
    assert run([*arguments, "--model", str(tiny_model), "-o", str(tmp_path / "r")]) == 0
    figures = (tmp_path / "r/report.json").read_text()
    tables = json.loads(figures)["parts"]["random"]
    rows = tables["random faces"]
    training = int((testset.of_folder(tmp_path / "faces", 32, "train", 400).groups != "").sum())
    assert rows["floor: the data again"]["faces"] == training // 2
    assert rows["unseen designs"]["faces"] == len(testset.of_folder(tmp_path / "faces", 32, "test", 400))
    assert f"Among {training} training faces" in (tmp_path / "r/index.html").read_text()
    memory = tables["memorisation"]
    assert memory["copies of the data"]["authenticity"] == 0
    assert memory["the data again"]["C_T"] != 0


def test_a_folder_with_too_few_pictures_is_told_so(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = [face for face, _ in composed_faces(8, 32, recombined=0)]
    for one, rest, part, said in (
        ("test", "train", "morphs", "two unseen faces"),
        ("train", "test", "latent", "two training faces"),
    ):
        folder = tmp_path / part
        write_dataset(folder, [(f, {"design": str(i), "split": rest if i else one}) for i, f in enumerate(drawn)])
        words = ["--model", str(tiny_model), "--data", str(folder), "--only", part, "-o", str(tmp_path / "r")]
        assert run(["evaluate", *words]) == 2
        assert said in capsys.readouterr().err
        assert not (tmp_path / "r").exists()


def test_morphs_of_a_folder_are_held_against_its_training_faces(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dataset(tmp_path / "faces", composed_faces(60, 128, recombined=0, seed=5))
    arguments = ["evaluate", "--data", str(tmp_path / "faces"), "--only", "morphs", "--share", "0.02"]
    assert run([*arguments, "-o", str(tmp_path / "r"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["report"].endswith("index.html")
    rows = json.loads((tmp_path / "r/report.json").read_text())["parts"]["morphs"]["paths"]
    assert rows["unseen faces, reconstructed"]["distance"]["value"] > 5  # to others than themselves
    assert rows["linear"]["morphs beyond it whose ends are not, %"]["value"] <= 100


def test_bad_use_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    for arguments, said in (
        (["--only", "beauty"], "no part beauty"),
        (["-o", str(tmp_path / "file")], "is a file"),
        (["--size", "100"], "--size 100"),
        (["--model", str(tmp_path / "none")], "none"),
    ):
        assert run(["evaluate", *arguments]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert len(error.splitlines()) == 1
