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
from minifaces import MinifacesError, UsageError
from minifaces.checks import whole, within
from minifaces.cli.main import run
from minifaces.images import read_picture, save_picture, square
from minifaces.pictures import (
    captioned,
    check_animation,
    cluster_crops,
    draw_map,
    grid,
    pairs,
    save_animation,
    snap_to_grid,
    strip,
)
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
    "clusters": (lambda _, i: cluster_crops(FACES, PLACES, i, 64, 8, 16), 2),
    "size of a map looked closer at": (lambda _, i: cluster_crops(FACES, PLACES, 1, i, 8, 16), 64),
    "face of a map looked closer at": (lambda _, i: cluster_crops(FACES, PLACES, 1, 64, i, 16), 8),
    "crop": (lambda _, i: cluster_crops(FACES, PLACES, 1, 64, 8, i), 16),
    "side of a square": (lambda _, i: square(FACES[0], i), 20),
    "a background's red": (lambda _, i: grid(FACES, background=(i, 0, 0)), 20),
    "n of the mixture": (lambda m, i: m.mixture.sample(i, 1), 2),
    "seed of the mixture": (lambda m, i: m.mixture.sample(2, i), 2),
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
    for wrong in (-1, 2**200, 10**5000):
        with pytest.raises(UsageError, match="must be from"):
            call(model, wrong)


NUMBERS: dict[str, tuple[Callable[[Model, Any], Any], float]] = {
    "temperature": (lambda m, x: m.sample(2, 1, temperature=x), 0.5),
    "reject": (lambda m, x: m.sample(2, 1, reject=x), 0.5),
    "amount": (lambda m, x: m.edit(Z, {"round": x}), 0.5),
    "zoom": (lambda _, x: cluster_crops(FACES, PLACES, 1, 64, 8, 16, x), 2.0),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(model: Model, name: str) -> None:
    call, number = NUMBERS[name]
    expected = call(model, number)
    for kind in (np.float64, np.float32, np.array):
        np.testing.assert_array_equal(call(model, kind(number)), expected)
    if name != "reject":
        np.testing.assert_array_equal(call(model, np.int8(1)), call(model, 1.0))
    for wrong in ("1", None, True, 1j, [1.0], np.ones(2)):
        with pytest.raises(UsageError, match="must be a number, not "):
            call(model, wrong)
    for wrong in (np.nan, np.inf, -1e9, 10**400, -(10**5000)):
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
    with pytest.raises(UsageError, match=r"^it must be a number, not ndarray \(9, 9\) of float64$"):
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
        with pytest.raises(UsageError, match="a model's folder must be named by"):
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
    with pytest.raises(UsageError, match="the attribute must be a text"):
        model.edit(Z, {7: 1.0})  # type: ignore[dict-item]
    with pytest.raises(UsageError, match="the prior must be a text"):
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
    with pytest.raises(UsageError, match=r"a picture must be \(H, W, 3\) uint8|of one size"):
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


NAMES: dict[str, Callable[[Model, Any], Any]] = {
    "a model": lambda _, name: minifaces.load(name),
    "a picture to read": lambda _, name: read_picture(name),
    "a picture to save": lambda _, name: save_picture(name, FACES[0]),
    "an animation": lambda _, name: save_animation(name, FACES),
    "an animation to check": lambda _, name: check_animation(name, 25),
}


@pytest.mark.parametrize("name", NAMES)
def test_what_names_no_file(model: Model, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for wrong in (7, b"x.gif", "", "a\0.gif", Path("a\0.gif"), ["x.gif"], FACES[0], True):
        with pytest.raises(UsageError, match="must be named by a str or Path, not ") as caught:
            NAMES[name](model, wrong)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 200
    for long in ("a" * 5000, Path("a" * 5000)):
        with pytest.raises(MinifacesError):
            NAMES[name](model, long)
    assert not any(tmp_path.iterdir())


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError("no")


WRONG: dict[str, tuple[Callable[[Model, Any], Any], list[Any]]] = {
    "prior": (lambda m, w: m.sample(1, prior=w), [7, ["flow"], np.ones(3), Odd(), "mixtur"]),
    "path": (lambda m, w: m.morph(Z, path=w), [7, ["linear"], np.ones(3), None, Odd(), "lin"]),
    "amounts": (
        lambda m, w: m.edit(Z, w),
        ["smile", None, [("round", 1.0)], {("round",): 1.0}, {1: 1.0, "round": 1.0}],
    ),
    "face": (lambda m, w: m.latent_of(w), [7, b"d0001", None, Odd(), Z[0], Path("a\0.png"), "a\0.png"]),
    "loop": (lambda m, w: m.morph(Z, steps=3, loop=w), ["no", 0, 1, None, [False], np.ones(2, bool), 1.0]),
    "eased": (lambda m, w: m.morph(Z, steps=3, eased=w), ["no", 0, 1, None, [False], np.ones(2, bool), 1.0]),
    "loop of an animation": (
        lambda _, w: save_animation("x.gif", FACES, loop=w),
        ["no", 0, 1, None, [False], np.ones(2, bool)],
    ),
    "face to leave out": (lambda m, w: m.gallery.nearest(Z[0], 1, w), ["1", -1, 10**6, 1.0, True, [1]]),
    "text": (lambda m, w: m.avatar(w), [7, b"x", None, Path("x"), ["x"]]),
    "name": (lambda m, w: m.gallery.index(w), [7, None, b"d0001"]),
    "words": (lambda m, w: m.gallery.search(w), [7, None, [7], [b"x"], [None], ["x", 1]]),
    "attribute": (lambda m, w: m.gallery.search(attribute=w), [7, ["round"], np.ones(3)]),
    "latent of nearest": (lambda m, w: m.gallery.nearest(w, 1), ["x", Z, Z[0, :3], None, 1j * Z[0], np.nan * Z[0]]),
    "latents": (
        lambda m, w: m.decode(w),
        [["1"] * LATENT, np.ones(LATENT, bool), np.full(LATENT, 1e300), np.zeros(LATENT, "M8[s]"), [Odd()] * LATENT],
    ),
    "far latents": (lambda m, w: m.decode(w), [np.full(LATENT, far) for far in (1.1e6, -1e30, 3e38, -(2**63))]),
    "a far latent": (lambda m, w: m.gallery.nearest(w, 1), [np.full(LATENT, far) for far in (1.1e6, -1e30, 3e38)]),
    "latents of the mixture": (lambda m, w: m.mixture.log_density(w), ["x", Z[0], Z[:, :3], Z > 0, np.inf * Z]),
    "latents of a map": (
        lambda _, w: project(w),
        ["x", None, [[1], [1, 2]], 1j * Z, Z > 0, np.full((9, 3), 1e300), np.zeros((3, 0)), np.full((9, 3), None)],
    ),
    "pictures": (
        lambda m, w: m.encode(w),
        ["x", None, iter(FACES), np.zeros((2, 0, 0, 3), np.uint8), [FACES[0], FACES[0, :4, :4]], Odd()],
    ),
    "picture": (lambda _, w: square(w, 8), ["x", None, FACES, FACES[0, ..., 0], FACES[0] / 255, FACES[0, :0], Odd()]),
    "frames": (lambda _, w: grid(w), ["x", None, iter(FACES), Odd(), [Odd()]]),
    "coordinates": (
        lambda _, w: draw_map(FACES, w, 64, 8),
        ["x", None, 1j * PLACES, PLACES > 0, PLACES.astype(object), PLACES[:2], np.full((3, 2), 1.7e308)],
    ),
    "coordinates of clusters": (
        lambda _, w: cluster_crops(FACES, w, 1, 64, 8, 16),
        ["x", None, 1j * PLACES, PLACES > 0, PLACES[:2], np.full((3, 2), -1.7e308)],
    ),
    "places of a grid": (
        lambda _, w: snap_to_grid(w),
        ["x", None, 1j * PLACES, PLACES > 0, PLACES[0], [[1, 2], [3]], np.full((3, 2), 1.7e308)],
    ),
    "background": (
        lambda _, w: grid(FACES, background=w),
        ["white", None, 255, (1, 2), (0.5, 0.5, 0.5), (256, 0, 0), (-1, 0, 0), (True, True, True), [[1, 2, 3]]],
    ),
    "captions": (lambda _, w: captioned(FACES, w), ["abc", 7, None, [1, 2, 3], ["a", "b"], [b"a", b"b", b"c"]]),
    "background of captions": (lambda _, w: captioned(FACES, ["a"] * 3, w), ["nope", (1, 2), (256, 0, 0)]),
    "frames a second": (
        lambda _, w: check_animation("x.mp4", w),
        ["20", None, True, 1j, [20], np.ones(2), 0, -1, np.nan, np.inf, 61, 10**400],
    ),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.filterwarnings("error")
def test_all_else_is_one_line(model: Model, name: str) -> None:
    call, wrong = WRONG[name]
    for value in wrong:
        with pytest.raises(UsageError) as caught:
            call(model, value)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 200


@pytest.mark.filterwarnings("error")
def test_the_farthest_latents(model: Model) -> None:
    """What is not refused overflows nowhere."""
    there = np.where(np.arange(LATENT) % 2, 1e6, -1e6)
    for path in ("linear", "slerp", "density", "geodesic"):
        model.morph(there, -there, Z[0], steps=3, path=path)  # type: ignore[arg-type]
    model.edit(there, dict.fromkeys(model.directions, 100))
    model.polish(there)
    model.neighbours(there)
    model.mixture.gradient(there[None])
    model.refine(FACES[:1], there, 1)
    project([*Z, *-Z, there, -there])


@pytest.mark.parametrize("kind", [np.bool_, np.array])
def test_true_and_false(model: Model, tmp_path: Path, kind: Callable[[bool], Any]) -> None:
    for way in ("loop", "eased"):
        for value in (True, False):
            expected = model.morph(Z, steps=4, **{way: value})  # type: ignore[arg-type]
            np.testing.assert_array_equal(model.morph(Z, steps=4, **{way: kind(value)}), expected)
    save_animation(tmp_path / "a.gif", FACES, loop=False)
    save_animation(tmp_path / "b.gif", FACES, loop=kind(False))
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_numbers_of_any_kind_are_the_same_numbers(tmp_path: Path) -> None:
    places = np.array([[0, 0], [250, 10], [20, 250]])
    expected = draw_map(FACES, places.astype(float), 64, 8)
    for same in (places, places.astype(np.uint8), places.astype(np.float16), places.tolist()):
        np.testing.assert_array_equal(draw_map(list(FACES), same, 64, 8), expected)
        np.testing.assert_array_equal(snap_to_grid(same), snap_to_grid(places))
        np.testing.assert_array_equal(
            cluster_crops(FACES, same, 2, 64, 8, 16), cluster_crops(FACES, places, 2, 64, 8, 16)
        )
    np.testing.assert_array_equal(grid(FACES, background=np.array([1, 2, 3])), grid(FACES, background=(1, 2, 3)))
    save_animation(tmp_path / "a.mp4", FACES, 20)
    for fps in (20.0, np.int64(20), np.float32(20), np.array(20)):
        save_animation(str(tmp_path / "b.mp4"), FACES, fps)
        assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


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
    (copy / "gallery.json").write_text((copy / "gallery.json").read_text() + "\n")
    write_config(copy)
    for again in (lambda: pickle.loads(text), lambda: deepcopy(model)):
        with pytest.raises(UsageError, match="holds another model"):
            again()
    shutil.rmtree(copy)
    with pytest.raises(UsageError, match="no model folder"):
        pickle.loads(text)


@pytest.mark.parametrize(
    ("name", "late"),
    [
        ("encoder.onnx", lambda m: m.encode(FACES)),
        ("encoder.onnx", lambda m: m.polish(Z)),
        ("gallery.webp", lambda m: m.gallery.thumbnails),
    ],
)
def test_what_is_read_late_is_of_the_same_model(copy: Path, name: str, late: Callable[[Model], Any]) -> None:
    """Another model may be in the folder by then, whole in itself."""
    model, used = Model(copy), Model(copy)
    expected = late(used)
    with (copy / name).open("ab") as file:
        file.write(b"\0")
    write_config(copy)
    with pytest.raises(UsageError, match=f"{name} has changed since the model was opened: open it again"):
        late(model)
    np.testing.assert_array_equal(late(used), expected)
    (copy / name).unlink()
    with pytest.raises(UsageError, match=f"{name} is missing"):
        late(model)


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
