"""The model folder: whatever is wrong with a file is one line that names it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from conftest import save, write_config
from minifaces import UsageError
from minifaces.studio.folder import FILES
from minifaces.studio.model import Model


@pytest.mark.parametrize("name", ["config.json", *FILES])
@pytest.mark.parametrize("damage", ["missing", "truncated", "empty"])
def test_a_damaged_file_is_named(copy: Path, name: str, damage: str) -> None:
    path = copy / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 if damage == "truncated" else 0])
    with pytest.raises(UsageError) as error:
        Model(copy)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_no_folder_no_model(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no model folder"):
        Model(tmp_path / "nothing")


def _config(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, **changes}))

    return change


def _listed(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        listed = json.loads((folder / "config.json").read_text())["files"]
        _config(files={**listed, name: "0" * 64})(folder)

    return change


def _gallery(change_entries: Callable[[list], object]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        entries = json.loads((folder / "gallery.json").read_text())
        change_entries(entries)
        (folder / "gallery.json").write_text(json.dumps(entries))
        write_config(folder)

    return change


def _tensors(name: str, change_tensors: Callable[[dict], dict]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        save(change_tensors(load_file(folder / name)), folder / name)
        write_config(folder)

    return change


def _onnx_swapped(folder: Path) -> None:
    shutil.copy(folder / "encoder.onnx", folder / "decoder.onnx")
    write_config(folder)


def _onnx_garbage(folder: Path) -> None:
    (folder / "decoder.onnx").write_bytes(b"not a graph")
    write_config(folder)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (_config(format=2), "config.json is damaged: format"),
        (_config(surprise=1), "config.json is damaged: surprise"),
        (_config(image_size="large"), "config.json is damaged: image_size"),
        (_config(files={}), "config.json is damaged: files"),
        (_listed("/dev/zero"), "config.json is damaged: files: .*'/dev/zero' is no name of a file in the folder"),
        (_listed("../odd"), r"config.json is damaged: files: .*'\.\./odd' is no name"),
        (_listed("..\\odd"), "config.json is damaged: files: .*is no name"),
        (_listed(".."), r"config.json is damaged: files: .*'\.\.' is no name"),
        (_listed(""), "config.json is damaged: files: .*'' is no name"),
        (_listed("flow.safetensors"), "flow.safetensors is missing"),
        (_listed("editor.safetensors"), "editor.safetensors is missing"),
        (_config(latent_size=11), "prior.safetensors is damaged"),
        (_config(image_size=32), "decoder.onnx is damaged"),
        (_gallery(lambda entries: entries.pop()), "gallery.safetensors is damaged"),
        (_gallery(lambda entries: entries.clear()), "gallery.json is damaged: it lists no face"),
        (_gallery(lambda entries: entries[0].pop("name")), "gallery.json is damaged: 0.name"),
        (_gallery(lambda entries: entries[0].update(colour=4)), "gallery.json is damaged: 0.colour"),
        (_gallery(lambda entries: entries[0].update(attributes=["a"])), "gallery.json is damaged: 0.attr"),
        (_tensors("directions.safetensors", lambda t: {**t, "odd": np.zeros(3, "f4")}), "odd has the shape"),
        (_tensors("gallery.safetensors", lambda t: {"z": t["latents"]}), "gallery.safetensors is damaged"),
        (_onnx_swapped, "decoder.onnx is damaged: its input is face"),
        (_onnx_garbage, "decoder.onnx does not load"),
    ],
)
def test_a_folder_that_does_not_fit_together_is_refused(copy: Path, change: Callable, complaint: str) -> None:
    change(copy)
    with pytest.raises(UsageError, match=complaint) as error:
        Model(copy)
    assert "\n" not in str(error.value)


def test_thumbnails_of_another_size_are_refused(copy: Path) -> None:
    Image.new("RGB", (7, 7)).save(copy / "gallery.webp")
    write_config(copy)
    with pytest.raises(UsageError, match=r"gallery.webp is damaged: 7 x 7 pixels, not 96 x 80"):
        _ = Model(copy).gallery.thumbnails


def test_training_weights_and_card_are_not_needed(copy: Path) -> None:
    (copy / "README.md").write_text("card")
    write_config(copy)
    (copy / "README.md").unlink()
    assert len(Model(copy).sample(2)) == 2


def test_what_is_not_played_with_is_not_looked_at(copy: Path) -> None:
    _listed("notes.txt")(copy)
    assert len(Model(copy).sample(2)) == 2


def test_a_shared_name_means_the_first(copy: Path) -> None:
    _gallery(lambda entries: [entry.update(name="anna.jpg") for entry in entries[4:6]])(copy)
    model = Model(copy)
    np.testing.assert_array_equal(model.latent_of("anna.jpg"), model.gallery.latents[4])
