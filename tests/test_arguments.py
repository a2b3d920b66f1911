"""What Python callers give: numpy's numbers count as Python's, paths as texts, and all else is refused in one line."""

import json
import pickle
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from copy import copy as shallow
from copy import deepcopy
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

import minifaces
from conftest import LATENT, SHOWN, SIZE, save, write_config
from minifaces import UsageError
from minifaces.checks import whole, within
from minifaces.cli.main import run
from minifaces.images import save_picture
from minifaces.pictures import captioned, draw_map, grid, pairs, save_animation, snap_to_grid, strip
from minifaces.studio.atlas import project
from minifaces.studio.model import Model

Z = np.random.default_rng(0).normal(size=(3, LATENT)).astype(np.float32)
FACES = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
PLACES = snap_to_grid(np.random.default_rng(0).normal(size=(3, 2)))


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Model:
    return Model(tiny_model)


# What takes a whole number, and one that it takes.
WHOLES: dict[str, tuple[Callable[[Model, Any], Any], int]] = {
    "seed of sample": (lambda m, i: m.sample(2, seed=i), 7),
    "seed of sample, mixture": (lambda m, i: m.sample(2, seed=i, prior="mixture"), 7),
    "seed of sample, normal": (lambda m, i: m.sample(2, seed=i, prior="normal"), 7),
    "n of sample": (lambda m, i: m.sample(i, seed=1), 3),
    "n of sample_latents": (lambda m, i: m.sample_latents(i, seed=1), 3),
    "polish of sample": (lambda m, i: m.sample(2, seed=1, polish=i), 1),
    "rounds of polish": (lambda m, i: m.polish(Z, i), 2),
    "n of keep_nearest": (lambda m, i: m.keep_nearest(Z, i), 2),
    "steps of refine": (lambda m, i: m.refine(FACES[:1], steps=i), 1),
    "steps of morph": (lambda m, i: m.morph(Z[0], Z[1], steps=i), 4),
    "steps of morph_latents": (lambda m, i: m.morph_latents(Z[0], Z[1], steps=i), 4),
    "knots of geodesics": (lambda m, i: m.geodesics(Z[:1], Z[1:2], knots=i, rounds=1), 3),
    "rounds of geodesics": (lambda m, i: m.geodesics(Z[:1], Z[1:2], knots=2, rounds=i), 1),
    "k of neighbours": (lambda m, i: [entry.name for entry, _ in m.neighbours(Z[0], i)], 3),
    "k of nearest": (lambda m, i: m.gallery.nearest(Z[0], i)[0], 3),
    "refine of latent_of": (lambda m, i: m.latent_of("d0001/front", i), 1),
    "threads": (lambda m, i: Model(m.folder, i).decode(Z), 1),
    "seed of a map": (lambda _, i: project(Z, i), 3),
    "columns of a grid": (lambda _, i: grid(FACES, i), 2),
    "gap of a grid": (lambda _, i: grid(FACES, gap=i), 2),
    "size of a map": (lambda _, i: draw_map(FACES, PLACES, i, 8), 64),
    "face of a map": (lambda _, i: draw_map(FACES, PLACES, 64, i), 8),
}


@pytest.mark.parametrize("name", WHOLES)
def test_whole_numbers(model: Model, name: str) -> None:
    call, number = WHOLES[name]
    expected = call(model, number)
    for kind in (np.int64, np.int32, np.uint8, np.uint64, np.array):
        np.testing.assert_array_equal(call(model, kind(number)), expected)
    for wrong in (number + 0.5, float(number), np.float32(number), str(number), True, np.True_, [number], b"1", {}):
        with pytest.raises(UsageError, match="must be a whole number, not ") as caught:
            call(model, wrong)
        assert "\n" not in str(caught.value)
    for wrong in (-1, 2**200):
        with pytest.raises(UsageError, match="must be from"):
            call(model, wrong)


NUMBERS: dict[str, tuple[Callable[[Model, Any], Any], float]] = {
    "temperature": (lambda m, x: m.sample(2, 1, temperature=x), 0.5),
    "amount": (lambda m, x: m.edit(Z, {"round": x}), 0.5),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(model: Model, name: str) -> None:
    call, number = NUMBERS[name]
    expected = call(model, number)
    for kind in (np.float64, np.float32, np.array):
        np.testing.assert_array_equal(call(model, kind(number)), expected)
    np.testing.assert_array_equal(call(model, np.int8(1)), call(model, 1.0))
    for wrong in ("1", None, True, 1j, [1.0], np.ones(2)):
        with pytest.raises(UsageError, match="must be a number, not "):
            call(model, wrong)
    for wrong in (np.nan, np.inf, -1e9):
        with pytest.raises(UsageError, match="must be from"):
            call(model, wrong)


def test_a_share_is_rejected_and_the_rest_polished(model: Model) -> None:
    """As `keep_nearest` and `polish` do one after the other."""
    drawn = model.sample_latents(15, 7)
    expected = model.polish(model.keep_nearest(drawn, 9), 1)
    np.testing.assert_array_equal(model.sample_latents(9, 7, reject=np.float64(0.4), polish=1), expected)
    np.testing.assert_array_equal(model.sample(9, 7, reject=0.4, polish=1), model.decode(expected))
    for wrong in (-0.1, 0.95, np.nan, "0.1"):
        with pytest.raises(UsageError, match="the share to reject must be"):
            model.sample(2, 1, reject=wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="faces drawn must be from 1 to 100000, not 200000"):
        model.sample_latents(100_000, 1, reject=0.5)


def test_a_complaint_is_short() -> None:
    with pytest.raises(UsageError, match=r"^it must be a whole number, not list$"):
        whole("it", list(range(1000)), 0, 1)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^it must be a number, not ndarray$"):
        within("it", np.zeros((9, 9)), 0, 1)


def test_texts_and_paths(model: Model, tmp_path: Path) -> None:
    face = tmp_path / "face.png"
    save_picture(face, FACES[0])
    expected = model.latent_of(str(face))
    for same in (face, Path(str(face).encode().decode())):
        np.testing.assert_array_equal(model.latent_of(same), expected)
    np.testing.assert_array_equal(model.latent_of(Path("d0001/front")), model.latent_of("d0001/front"))
    assert minifaces.load(model.folder).name == minifaces.load(str(model.folder)).name == model.name
    for wrong in (b"d0001/front", 7, None, Z[0]):
        with pytest.raises(UsageError, match="a face must be a text"):
            model.latent_of(wrong)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="must be a text"):
            model.avatar(wrong)  # type: ignore[arg-type]
    for wrong in (7, FACES):
        with pytest.raises(UsageError, match="a model's folder is named by"):
            minifaces.load(wrong)  # type: ignore[arg-type]
    assert model.gallery.search("seven") == model.gallery.search(["seven"]) != []


@pytest.mark.parametrize(
    "wrong", ["d0001", 1j * Z, [[1.0], [1.0, 2.0]], None, {"z": 1}, Z[:, :-1], Z[None], np.nan * Z]
)
def test_what_is_no_latent(model: Model, wrong: Any) -> None:
    for call in (
        model.decode,
        model.polish,
        lambda z: model.edit(z, {}),
        lambda z: model.morph(Z[0], z),
        model.neighbours,
    ):
        with pytest.raises(UsageError, match="latents must be"):
            call(wrong)


def test_one_latent_and_several(model: Model) -> None:
    """Neighbours are of one; of a morph each row is a stop."""
    assert model.neighbours(Z[:1], 2) == model.neighbours(Z[0], 2)
    with pytest.raises(UsageError, match="one latent at a time"):
        model.neighbours(Z, 2)
    np.testing.assert_array_equal(model.morph(Z, steps=3), model.morph(*Z, steps=3))
    with pytest.raises(UsageError, match="a dict such as"):
        model.edit(Z, ["smile"])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="unknown attribute 7"):
        model.edit(Z, {7: 1.0})  # type: ignore[dict-item]
    with pytest.raises(UsageError, match="unknown prior 7"):
        model.sample(1, 1, prior=7)  # type: ignore[arg-type]


WRONG_PICTURES: dict[str, Any] = {
    "floats": FACES[0] / 255,
    "several": FACES,
    "one in a batch": FACES[:1],
    "a list": list(FACES),
    "grey": FACES[0, ..., 0],
    "alpha": np.zeros((8, 8, 4), np.uint8),
    "truths": FACES[0] > 100,
    "nothing": FACES[0, :0],
    "of several sizes": [FACES[0], FACES[0, :4]],
    "wide": FACES[0].astype(np.int64),
    "none": None,
}


@pytest.mark.parametrize("name", WRONG_PICTURES)
def test_what_is_no_picture_to_save(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a picture to save must be \(H, W, 3\) uint8|of one size"):
        save_picture(tmp_path / "x.png", WRONG_PICTURES[name])
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name", [name for name in WRONG_PICTURES if name not in ("several", "one in a batch", "a list")]
)
def test_what_are_no_frames(name: str, tmp_path: Path, model: Model) -> None:
    wrong = WRONG_PICTURES[name]
    for call in (
        lambda w: save_animation(tmp_path / "x.gif", w),
        grid,
        strip,
        lambda w: pairs(w, w),
        lambda w: captioned(w, "a"),
    ):
        with pytest.raises(UsageError, match=r"faces must be an \(n, H, W, 3\)|no faces|of one size"):
            call(wrong)
    with pytest.raises(UsageError, match=r"pictures must be"):
        model.encode(wrong)
    assert not any(tmp_path.iterdir())


def test_lists_of_frames(tmp_path: Path, model: Model) -> None:
    frames = list(FACES)
    save_animation(tmp_path / "list.gif", frames, np.float32(20))
    save_animation(tmp_path / "array.gif", FACES, 20)
    assert (tmp_path / "list.gif").read_bytes() == (tmp_path / "array.gif").read_bytes()
    for call in (grid, strip, lambda w: pairs(w, w), lambda w: captioned(w, ["a", "b", "c"]), model.encode):
        np.testing.assert_array_equal(call(frames), call(FACES))
    for wrong in ("20", None, True):
        with pytest.raises(UsageError, match="frames a second must be a number"):
            save_animation(tmp_path / "x.gif", FACES, wrong)


def test_few_neighbours(model: Model) -> None:
    assert len(model.neighbours(Z[0], 10**6)) == SHOWN
    assert len(model.gallery.nearest(Z[0], 10**6, without=3)[0]) == SHOWN - 1


def test_a_model_is_pickled_and_copied_as_its_folder(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy.parent)
    model = Model(copy.name, threads=1)
    face = model.avatar("x")
    text = pickle.dumps(model)
    monkeypatch.chdir("/")
    for same in (pickle.loads(text), deepcopy(model), shallow(model)):
        np.testing.assert_array_equal(same.avatar("x"), face)
        np.testing.assert_array_equal(same.encode(FACES), model.encode(FACES))
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        for name, made in zip("xy", pool.map(model.avatar, "xy"), strict=True):
            np.testing.assert_array_equal(made, model.avatar(name))
    shutil.rmtree(copy)
    with pytest.raises(UsageError, match="no model folder"):
        pickle.loads(text)


def test_the_gallery_of_one_face_has_no_neighbours(copy: Path) -> None:
    entries = json.loads((copy / "gallery.json").read_text())[:1]
    (copy / "gallery.json").write_text(json.dumps(entries))
    save({"latents": load_file(copy / "gallery.safetensors")["latents"][:1]}, copy / "gallery.safetensors")
    Image.fromarray(FACES[0]).save(copy / "gallery.webp", lossless=True)
    write_config(copy)
    model = Model(copy)
    assert [entry.name for entry, _ in model.neighbours(Z[0])] == [entries[0]["name"]]
    with pytest.raises(UsageError, match="no other face"):
        model.gallery.nearest(Z[0], 1, without=0)
    assert run(["neighbours", entries[0]["name"], "--model", str(copy)]) == 2
    assert run(["neighbours", "random:1", "--model", str(copy)]) == 0
