"""`minifaces train --refit`: parts of a model fitted anew, to its networks as they are."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.main import get_command

import minifaces
from minifaces.cli.main import run
from minifaces.cli.train import app
from minifaces.dataset import write_dataset
from minifaces.vae.config import FITS

FLOW, DIRECTIONS = "flow.safetensors", "directions.safetensors"
SMALL = ["network.widths=[16,32]", "flow.steps=5", "flow.width=16", "mixture.faces=100"]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise, some of it dark."""
    place, rng = tmp_path_factory.mktemp("pictures") / "faces", np.random.default_rng(0)
    rows = [
        {"design": str(i), "split": "train" if i < 130 else "validation", "dark": ("true", "false")[i % 2]}
        for i in range(150)
    ]
    drawn = (rng.integers(0, 120 if row["dark"] == "true" else 255, (32, 32, 3), np.uint8) for row in rows)
    write_dataset(place, zip(drawn, rows, strict=True))
    return place


@pytest.fixture(scope="module")
def trained(faces: Path) -> Path:
    small = ["--size", "32", "--latent", "6", "--batch", "8", "--steps", "3", "--threads", "1"]
    settings = [word for setting in SMALL for word in ("--set", setting)]
    assert run(["train", "--data", str(faces), "-o", str(faces.parent / "toy"), *small, *settings]) == 0
    return faces.parent / "toy"


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "toy", ignore=shutil.ignore_patterns("training")))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_what_is_named_is_fitted_anew_and_all_else_stays(
    model: Path, faces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(model)
    settings = ["--set", "flow.steps=9", "--set", "directions.faces=100"]
    assert run(["train", "--refit", str(model), "directions", "flow", "--data", str(faces), *settings]) == 0
    told = capsys.readouterr()
    assert f"{model}: fitted anew: flow, directions; try minifaces demo" in told.out
    assert told.err == "fitting: flow ...\nfitting: directions ...\n"
    after = contents(model)
    assert after.keys() == before.keys()
    changed = {name for name in after if after[name] != before[name]}
    assert {FLOW, DIRECTIONS, "config.json"} <= changed <= {FLOW, DIRECTIONS, "config.json", "README.md"}
    old, new = (json.loads(files["config.json"]) for files in (before, after))
    assert new["files"] == {name: hashlib.sha256(after[name]).hexdigest() for name in after if name != "config.json"}
    told = {group: {**old["preset"][group]} for group in ("flow", "directions")}
    told["flow"]["steps"], told["directions"]["faces"] = 9, 100
    assert new == {**old, "files": new["files"], "preset": {**old["preset"], **told}}
    assert minifaces.load(model).sample(2, seed=1, prior="flow").shape == (2, 32, 32, 3)


def test_a_flow_of_no_steps_is_taken_away(model: Path, faces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "--refit", str(model), "flow", "--data", str(faces), "--set"]
    assert run([*words, "flow.steps=0"]) == 0
    told = capsys.readouterr()
    assert f"{model}: fitted anew: nothing; without flow; try" in told.out
    assert told.err == ""
    assert not (model / FLOW).exists()
    opened = minifaces.load(model)
    assert list(opened.priors) == ["mixture", "normal"]
    np.testing.assert_array_equal(opened.sample(2, seed=1), opened.sample(2, seed=1, prior="mixture"))
    assert run([*words, "flow.steps=5"]) == 0
    assert next(iter(minifaces.load(model).priors)) == "flow"


def test_without_a_name_all_is_fitted_anew(model: Path, faces: Path) -> None:
    before = contents(model)
    settings = ["mixture.faces=110", "flow.steps=9", "directions.faces=100", "gallery.faces=7"]
    words = [word for setting in settings for word in ("--set", setting)]
    assert run(["train", "--refit", str(model), "--data", str(faces), *words]) == 0
    after = contents(model)
    assert len(minifaces.load(model).gallery) == 7
    network = {"encoder.onnx", "decoder.onnx", "model.safetensors"}
    assert {name for name in before if before[name] == after[name]} == network


@pytest.mark.parametrize("words", [[], ["--data", "composed"]])
def test_a_model_of_pictures_needs_them_again(
    model: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(model)
    assert run(["train", "--refit", str(model), "gallery", *words]) == 2
    assert f"{model} was trained on pictures: name them with --data" in capsys.readouterr().err
    assert contents(model) == before


def retold(model: Path, **changes: object) -> None:
    """Say other things of how a model was made; None leaves one out."""
    config = json.loads((model / "config.json").read_text())
    preset = {name: value for name, value in {**config["preset"], **changes}.items() if value is not None}
    (model / "config.json").write_text(json.dumps({**config, "preset": preset}))


@pytest.mark.parametrize("source", [None, "composed"])
def test_a_model_of_composed_faces_is_not_fitted_to_pictures(
    model: Path, faces: Path, source: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    retold(model, source=source)
    before = contents(model)
    assert run(["train", "--refit", str(model), "gallery", "--data", str(faces)]) == 2
    assert f"{model} was trained on composed faces: leave --data out" in capsys.readouterr().err
    assert contents(model) == before


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"network": None}, "has the preset of another network, of 128 px and 128 numbers, not 32 px and 6 numbers"),
        ({"flow": {"kinds": 256}}, "holds settings that this version of minifaces does not take (flow.kinds: "),
        ({"network": {"image_size": 33}}, "(network.image_size: "),
    ],
)
def test_settings_that_are_not_the_models_are_told_with_their_file(
    model: Path, faces: Path, changes: dict[str, object], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    retold(model, **changes)
    before = contents(model)
    assert run(["train", "--refit", str(model), "gallery", "--data", str(faces)]) == 2
    err = capsys.readouterr().err
    assert line in err
    assert str(model / "config.json") in err
    assert err.count("\n") == 1
    assert contents(model) == before


def test_a_card_leaves_out_what_is_not_known(model: Path, faces: Path) -> None:
    assert "multiply-accumulates" in (model / "README.md").read_text()
    names = ("held_out", "train_seconds", "macs", "faces_seen", "steps", "parameters", "onnx_difference")
    retold(model, **dict.fromkeys(names))
    assert run(["train", "--refit", str(model), "gallery", "--data", str(faces), "--set", "gallery.faces=9"]) == 0
    table = [line for line in (model / "README.md").read_text().splitlines() if line.startswith("|")]
    assert table == ["| | |", "|---|---|", "| preset | `default` |", "| gallery | 9 faces |"]


def test_what_an_earlier_model_left_is_taken_away(model: Path, faces: Path) -> None:
    for name in ("editor.safetensors", "notes.txt"):
        (model / name).write_bytes(b"of an earlier model")
    assert run(["train", "--refit", str(model), "gallery", "--data", str(faces)]) == 0
    assert not (model / "editor.safetensors").exists()
    assert (model / "notes.txt").exists()


def test_no_more_threads_than_told(model: Path, faces: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert run(["train", "--refit", str(model), "gallery", "--data", str(faces), "--threads", "1"]) == 0
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_the_help_names_what_can_be_fitted() -> None:
    names = next(param for param in get_command(app).params if param.name == "names")
    assert f"{', '.join(FITS)};" in str(names.help)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["flwo"], "unknown fit 'flwo'; do you mean flow?"),
        (["beauty"], "the known are mixture, parts, flow, directions, editor, gallery"),
        (["flow", "--set", "flow.stpes=3"], "flow.stpes"),
        (["flow", "--set", "mixture.faces=300"], "mixture.faces is no setting of what is fitted anew: flow"),
        (["--set", "loss.beta=2"], "loss.beta is no setting of what is fitted anew"),
        (["--set", "network.image_size=64"], "network.image_size is no setting"),
        (["--minutes", "3"], "--minutes has no use with --refit"),
        (["--steps", "3"], "--steps has no use"),
        (["--epochs", "3"], "--epochs has no use"),
        (["--resume"], "--resume has no use"),
        (["--from", "x"], "--from has no use"),
        (["--preset", "default"], "--preset has no use"),
        (["-o", "elsewhere"], "--output has no use"),
        (["--data", "nowhere"], "nowhere is missing"),
    ],
)
def test_what_cannot_be_meant_is_a_line_and_changes_nothing(
    model: Path, capsys: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    before = contents(model)
    assert run(["train", "--refit", str(model), *words]) == 2
    err = capsys.readouterr().err
    assert line in err
    assert err.count("\n") == 1
    assert contents(model) == before
    assert not (model / ".export").exists()


def test_the_networks_in_use_are_enough(model: Path, faces: Path, tmp_path: Path) -> None:
    """Faces are encoded as the model encodes them, so that one without its training weights can be fitted anew too."""
    lacking = Path(shutil.copytree(model, tmp_path / "lacking"))
    (lacking / "model.safetensors").unlink()
    for folder in (model, lacking):
        assert run(["train", "--refit", str(folder), "gallery", "--data", str(faces)]) == 0
    assert (lacking / "gallery.safetensors").read_bytes() == (model / "gallery.safetensors").read_bytes()
    assert minifaces.load(lacking).latent_of("0").shape == (6,)


def test_what_is_no_model_is_told(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--refit", str(model / "nowhere")]) == 2
    assert "there is no model folder" in capsys.readouterr().err
