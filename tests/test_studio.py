"""The studio on the tiny model: what it computes, that a seed stays one, every way to ask in vain."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from PIL import Image

import minifaces
from conftest import LATENT, SHOWN, SIZE, write_config
from minifaces import UsageError
from minifaces.studio.atlas import project
from minifaces.studio.generator import avatar_seed
from minifaces.studio.model import Model

Digits = tuple[NDArray[np.uint8], NDArray[np.int64]]


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Model:
    return minifaces.load(tiny_model)


def test_importing_is_light_and_has_the_names_of_annotations() -> None:
    code = (
        "import sys, minifaces\n"
        "assert not {'numpy', 'onnxruntime', 'PIL'} & set(sys.modules)\n"
        "assert {'Latents', 'Model', 'Pixels', 'load'} <= set(dir(minifaces))\n"
        "from minifaces import *"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert minifaces.Model is Model
    assert (minifaces.Pixels, minifaces.Latents) == (NDArray[np.uint8], NDArray[np.float32])
    with pytest.raises(AttributeError, match="no attribute 'Modle'"):
        minifaces.Modle  # type: ignore[attr-defined]  # noqa: B018


def test_a_model_says_what_it_is(model: Model) -> None:
    assert (model.name, model.image_size, model.latent_size) == ("tiny", SIZE, LATENT)
    assert model.config.preset == {"name": "linear", "seed": 0}
    assert list(model.directions) == ["round", "straight"]
    assert len(model.gallery) == SHOWN


def test_encoding_gives_the_gallerys_latents_and_decoding_the_pictures(model: Model, digits: Digits) -> None:
    pictures = digits[0][:SHOWN]
    np.testing.assert_allclose(model.encode(pictures), model.gallery.latents, atol=1e-4)
    error = model.reconstruct(pictures).astype(float) - pictures
    assert np.sqrt((error**2).mean()) < 30
    np.testing.assert_array_equal(model.gallery.thumbnails, pictures)


def test_batches_do_not_change_results(model: Model, digits: Digits) -> None:
    pictures = digits[0][:70]  # two batches and a part
    one_by_one = np.concatenate([model.encode(picture[None]) for picture in pictures])
    np.testing.assert_allclose(model.encode(pictures), one_by_one, atol=1e-5)
    assert model.decode(one_by_one).shape == (70, SIZE, SIZE, 3)
    assert model.encode(pictures[:0]).shape == (0, LATENT)
    assert model.decode(one_by_one[:0]).shape == (0, SIZE, SIZE, 3)


def test_an_encoder_that_reads_faintly_sees_all_by_looking_again(copy: Path, digits: Digits) -> None:
    graph = onnx.load(copy / "encoder.onnx")
    for weight in graph.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32:
            weight.CopyFrom(numpy_helper.from_array(values / 2, weight.name))
    onnx.save(graph, copy / "encoder.onnx")
    # Faint digits on the mean digit are decoded without loss: nothing is cut off at black or white.
    faint = model_with(copy, looks=1)
    faces = faint.decode(0.3 * faint.encode(digits[0][:50]))
    once, twice, often = (model_with(copy, looks).encode(faces) for looks in (1, 2, 8))
    np.testing.assert_allclose(twice, 1.5 * once, atol=0.02)
    np.testing.assert_allclose(often, 2 * once, atol=0.05)


def model_with(folder: Path, looks: int) -> Model:
    write_config(folder, looks=looks)
    return Model(folder)


def test_pictures_of_other_sizes_are_resized(model: Model, digits: Digits) -> None:
    large = digits[0][:4].repeat(3, axis=1).repeat(3, axis=2)
    np.testing.assert_allclose(model.encode(large), model.encode(digits[0][:4]), atol=0.6)


@pytest.mark.parametrize("prior", ["mixture", "normal"])
def test_a_seed_means_the_same_faces_whatever_their_number(model: Model, tiny_model: Path, prior: str) -> None:
    many = model.sample_latents(40, seed=7, prior=prior)
    assert many.dtype == np.float32
    few = Model(tiny_model, threads=1).sample_latents(3, seed=7, prior=prior)
    np.testing.assert_array_equal(many[:3], few)
    assert not np.array_equal(many, model.sample_latents(40, seed=8, prior=prior))
    faces = model.sample(5, seed=7, prior=prior)
    np.testing.assert_array_equal(faces, model.sample(5, seed=7, prior=prior))
    assert faces.dtype == np.uint8


def test_a_seed_is_fixed_for_good(model: Model) -> None:
    """A change here changes every face that anyone has noted down by its seed."""
    normal = model.sample_latents(1, seed=7, prior="normal")[0, :3]
    assert (normal * 1024).tolist() == [-151, 514, -1117]


def test_an_avatar_is_the_face_of_the_seed_of_a_text(model: Model) -> None:
    latent = model.avatar_latent("Zo\u00eb")
    np.testing.assert_array_equal(latent, model.sample_latents(1, avatar_seed("Zoe\u0308"))[0])
    np.testing.assert_array_equal(latent, model.latent_of("avatar:Zo\u00eb"))
    np.testing.assert_array_equal(model.avatar("Zo\u00eb"), model.decode(latent)[0])
    assert not np.array_equal(latent, model.avatar_latent("zo\u00eb"))
    assert not np.array_equal(model.latent_of("avatar:"), model.latent_of("avatar: "))


@pytest.mark.parametrize("prior", ["mixture", "normal"])
def test_drawn_latents_are_multiples_of_a_grain(model: Model, prior: str) -> None:
    latents = model.sample_latents(20, seed=3, temperature=0.7, prior=prior)
    assert (latents * 1024 == np.rint(latents * 1024)).all()


def test_without_a_seed_faces_differ(model: Model) -> None:
    assert not np.array_equal(model.sample_latents(1), model.sample_latents(1))


def test_polishing_ends_at_what_the_encoder_makes_of_a_face(model: Model) -> None:
    drawn = 30 * model.sample_latents(4, seed=3)  # so far out that faces are cut at black and white
    once, twice = model.polish(drawn), model.polish(drawn, 2)
    assert np.abs(twice - once).max() < np.abs(once - drawn).max() / 2
    np.testing.assert_array_equal(twice, model.polish(once))
    np.testing.assert_array_equal(model.polish(drawn, 0), drawn)
    with pytest.raises(UsageError, match="rounds"):
        model.polish(drawn, -1)


def test_the_nearest_are_those_that_polishing_moves_least(model: Model) -> None:
    drawn = np.concatenate([30 * model.sample_latents(3, seed=3), model.polish(model.sample_latents(3, seed=3), 5)])
    drawn = drawn[[3, 0, 4, 1, 2, 5]]
    np.testing.assert_array_equal(model.keep_nearest(drawn, 3), drawn[[0, 2, 5]])
    np.testing.assert_array_equal(model.keep_nearest(drawn, 6), drawn)
    assert model.keep_nearest(drawn, 0).shape == (0, model.latent_size)
    with pytest.raises(UsageError, match="latents to keep"):
        model.keep_nearest(drawn, 7)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"n": 0}, "1 to 100000"),
        ({"n": 10**9}, "1 to 100000"),
        ({"n": 1, "temperature": float("nan")}, "temperature"),
        ({"n": 1, "temperature": float("inf")}, "temperature"),
        ({"n": 1, "temperature": -1.0}, "temperature"),
        ({"n": 1, "seed": -1}, "seed"),
        ({"n": 1, "prior": "norml"}, "do you mean normal"),
    ],
)
def test_impossible_samples_are_refused(model: Model, arguments: dict, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        model.sample(**arguments)


@pytest.mark.parametrize("path", ["linear", "slerp", "density", "geodesic"])
def test_a_morph_goes_from_face_to_face(model: Model, path: str) -> None:
    a, b, c = model.gallery.latents[:3]
    frames = model.morph(a, b, c, steps=9, path=path)
    assert frames.shape == (17, SIZE, SIZE, 3)
    np.testing.assert_array_equal(frames[[0, 8, 16]], model.decode([a, b, c]))
    assert len(model.morph(a, b, steps=9, path=path, loop=True)) == 16


def test_impossible_morphs_are_refused(model: Model) -> None:
    a = model.gallery.latents[0]
    with pytest.raises(UsageError, match="two faces"):
        model.morph(a)
    with pytest.raises(UsageError, match="steps"):
        model.morph(a, a, steps=1)
    with pytest.raises(UsageError, match="do you mean linear"):
        model.morph(a, a, path="linea")


def test_editing_moves_along_the_direction(model: Model) -> None:
    z = model.gallery.latents[:2]
    edited = model.edit(z, {"round": 2, "straight": -0.5})
    expected = z + 2 * model.directions["round"] - 0.5 * model.directions["straight"]
    np.testing.assert_allclose(edited, expected, rtol=1e-5)
    np.testing.assert_array_equal(model.edit(z, {}), z)
    with pytest.raises(UsageError, match="do you mean round"):
        model.edit(z, {"rond": 1})
    with pytest.raises(UsageError, match="the known are round, straight"):
        model.edit(z, {"moustache": 1})
    with pytest.raises(UsageError, match="amount of round"):
        model.edit(z, {"round": float("nan")})


def test_neighbours_are_the_nearest_in_order(model: Model) -> None:
    found = model.neighbours(model.gallery.latents[5], k=4)
    assert found[0] == (model.gallery.entries[5], 0.0)
    everything = np.sort(np.linalg.norm(model.gallery.latents - model.gallery.latents[5], axis=1))
    np.testing.assert_allclose([distance for _, distance in found], everything[:4])
    assert len(model.neighbours(model.gallery.latents[5], SHOWN + 1)) == SHOWN
    with pytest.raises(UsageError, match="neighbours"):
        model.neighbours(model.gallery.latents[5], 0)


@pytest.mark.parametrize("latents", [np.zeros(LATENT + 1), np.zeros((2, 2, LATENT)), np.full(LATENT, np.inf)])
def test_odd_latents_are_refused(model: Model, latents: NDArray) -> None:
    with pytest.raises(UsageError, match="latents"):
        model.decode(latents)


@pytest.mark.parametrize("shape", [(2, 8, 9, 3), (8, 8, 3), (2, 8, 8, 4)])
def test_odd_pictures_are_refused(model: Model, shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="pictures"):
        model.encode(np.zeros(shape, np.uint8))


def test_a_face_may_be_named_drawn_or_a_file(model: Model, digits: Digits, tmp_path: Path) -> None:
    np.testing.assert_array_equal(model.latent_of("d0001/front"), model.gallery.latents[1])
    np.testing.assert_array_equal(model.latent_of("D0001"), model.gallery.latents[1])
    np.testing.assert_array_equal(model.latent_of("random:7"), model.sample_latents(3, seed=7)[0])
    Image.fromarray(digits[0][3]).save(tmp_path / "face.png")
    latent = model.latent_of(str(tmp_path / "face.png"))
    np.testing.assert_allclose(latent, model.gallery.latents[3], atol=1e-4)
    refined = model.latent_of(str(tmp_path / "face.png"), refine=2)
    np.testing.assert_array_equal(refined, model.refine(digits[0][3:4], latent, 2)[0])
    assert 0 < np.linalg.norm(refined - latent) < 3


@pytest.mark.parametrize(
    ("face", "complaint"),
    [
        ("d0010/frnt", "d0010/front"),
        ("nobody at all", "minifaces gallery"),
        ("random:", "random:7"),
        ("random:-1", "random:7"),
        ("random:seven", "random:7"),
        ("random:" + "9" * 39, "2\\^128"),
        ("random:" + "9" * 40, "39 digits"),
        ("missing.png", "missing.png is missing"),
        (".", "is a folder"),
    ],
)
def test_a_face_that_is_none_is_refused(model: Model, face: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        model.latent_of(face)


def test_the_gallery_is_searched_by_words_and_attribute(model: Model, digits: Digits) -> None:
    labels = digits[1][:SHOWN]
    assert model.gallery.search(["HANDwritten", "zero"]) == np.flatnonzero(labels == 0).tolist()
    assert model.gallery.search(attribute="straight") == np.flatnonzero(np.isin(labels, (1, 4, 7))).tolist()
    assert model.gallery.search(["d0004/front"]) == [4]
    assert model.gallery.search() == list(range(SHOWN))
    assert model.gallery.search(["pirate"]) == []
    with pytest.raises(UsageError, match="do you mean straight"):
        model.gallery.search(attribute="strait")


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6, 7, 30])
def test_a_map_lays_out_any_number(model: Model, n: int) -> None:
    first, second = (project(model.gallery.latents[:n], seed=3) for _ in range(2))
    assert first.shape == (n, 2)
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)


def test_a_map_keeps_alike_digits_together(model: Model, digits: Digits) -> None:
    pictures, labels = digits
    places = project(model.encode(pictures[:200]))
    distance = np.linalg.norm(places[:, None] - places, axis=2) + np.diag(np.full(200, np.inf))
    assert (labels[distance.argmin(axis=1)] == labels[:200]).mean() > 0.75


def test_a_map_of_equal_faces_is_finite() -> None:
    assert np.isfinite(project(np.ones((10, 4)))).all()


@pytest.mark.parametrize("latents", [np.zeros((0, 4)), np.zeros(4), np.full((3, 4), np.nan)])
def test_a_map_of_nothing_is_refused(latents: NDArray) -> None:
    with pytest.raises(UsageError, match="map"):
        project(latents)
