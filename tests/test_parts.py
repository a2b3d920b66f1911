"""The parts prior: what is drawn may be met together and was asked for, and a network makes latents of it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from minifaces.attributes import PLEASANT
from minifaces.cli.main import run
from minifaces.errors import UsageError
from minifaces.evaluate.reader import Reader
from minifaces.fits.parts import CLEAN, SPREADS, _Network, codes, fit_parts, joins, measures, sensitivity
from minifaces.headcolours import head_colours
from minifaces.images import read_picture
from minifaces.ldraw.draws import PALETTE, draw_faces, head_shares
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.recombine import seam_finder
from minifaces.ldraw.stages import stage_parameters
from minifaces.pictures import grid
from minifaces.studio.generator import avatar_seed, rounded, uniforms
from minifaces.studio.latentnet import coarse, whole
from minifaces.studio.model import Model
from minifaces.studio.parts import ANY, AVATAR_HEADS, AVATARS, DRAWN, MADE, MEASURES, PARTS_STREAM, Asked, Parts
from minifaces.vae.config import Parts as Settings

K, STAGES, SIZE = 5, 4, 6  # prints, stages and numbers in a latent of what is made up here
SMALL = Settings(steps=600, batch=256, code=8, width=48, blocks=1)
Tensors = dict[str, NDArray[Any]]


def made_up(settings: Settings = SMALL) -> tuple[Tensors, NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The tensors of parts whose latents are sums of what each part brings, and the latents, parts and measures that
    they were fitted to."""
    rng = np.random.default_rng(0)
    brings = [rng.normal(size=(count, SIZE)) for count in (2 * K, 2 * K, STAGES, 3 + MEASURES)]
    chosen = np.stack([rng.integers(0, count, 4000) for count in (2 * K, 2 * K, STAGES)], 1)
    told = rng.normal(size=(4000, 3 + MEASURES)).astype(np.float32)
    made = 0.3 * told @ brings[3] + sum(brings[i][chosen[:, i]] for i in range(3))
    latents = made.astype(np.float32)
    tensors = coarse(fit_parts(latents, chosen, told, (2 * K, 2 * K, STAGES), np.eye(SIZE), settings))
    heads = np.array([[3, 0], [2, 2], [0, 1], [1, 1], [1, 0]], np.float32)
    may = np.zeros((K, 2, K), bool)
    may[0, 0, 1] = may[0, 1, 2] = may[1, 0, [0, 3]] = may[3, 1, 1] = True  # 2 and 4 are joined to none
    tensors |= coarse({"heads": heads})
    tensors |= {"head.red": np.array([0.7, 0, 0], np.float32), "head.white": np.full(3, 0.9, np.float32)}
    tensors["joins"] = np.packbits(may.reshape(K, -1), axis=1).view(np.int8)
    tensors["made"] = np.zeros(K, np.int8)
    tensors["front"] = np.array([1, 1, 0, 0], np.int8)
    every = [1] * K
    for name, upper, lower in (
        ("with.eyewear", [1, 0, 0, 1, 0], every),
        ("without.eyewear", [0, 1, 1, 0, 0], every),
        ("with.smile", every, [1, 0, 1, 1, 1]),
        ("without.smile", every, [0, 1, 0, 0, 0]),
        ("with.facial_hair", every, [0, 1, 0, 0, 1]),
        ("without.facial_hair", [1, 0, 1, 1, 0], [1, 0, 1, 1, 0]),
    ):
        tensors[name] = np.array([upper, lower], np.int8)
    return tensors, latents, chosen, told


@pytest.fixture(scope="module")
def parts() -> Parts:
    return Parts.of(whole(made_up()[0]))


def drawn(parts: Parts, n: int = 400, **asked: Any) -> tuple[NDArray[Any], ...]:
    """Of n faces: the prints of eyes and mouths, whether they are turned apart, and colours."""
    found = parts.drawn(uniforms(3, n, DRAWN, PARTS_STREAM), Asked(**asked))
    return found.eyes // 2, found.mouths // 2, (found.eyes ^ found.mouths) & 1, found.colours


def test_a_network_learns_what_parts_make_and_numpy_runs_it_as_torch_does() -> None:
    tensors, latents, chosen, told = made_up()
    parts = Parts.of(whole(tensors))
    codes = np.concatenate([parts.eyes[chosen[:, 0]], parts.mouths[chosen[:, 1]], parts.stages[chosen[:, 2]]], 1)
    made = parts.mean + parts.scale * parts.network(codes, told.astype(float))
    assert np.square(made - latents).mean() < 0.02 * latents.var()
    network = _Network((2 * K, 2 * K, STAGES), SMALL, 3 + MEASURES, SIZE)
    known = parts.network.tensors | {"eyes": parts.eyes, "mouths": parts.mouths, "stages": parts.stages}
    network.load_state_dict({name: torch.from_numpy(value.astype(np.float32)) for name, value in known.items()})
    with torch.no_grad():
        expected = network(torch.from_numpy(chosen[:9]), torch.from_numpy(told[:9])).numpy()
    assert np.abs(parts.network(codes[:9], told[:9].astype(float)) - expected).max() < 1e-4


def test_what_a_decoder_shows_is_its_derivatives_square() -> None:
    matrix = np.random.default_rng(0).normal(size=(SIZE, 8 * 8 * 3)) * 0.3

    def decode(latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        return np.rint(255 * np.clip(0.5 + latents @ matrix, 0, 1)).astype(np.uint8).reshape(-1, 8, 8, 3)

    shown = sensitivity(np.zeros((3, SIZE), np.float32), np.full(SIZE, 2, np.float32), decode)
    y, x = np.abs(np.mgrid[:8, :8] / 7 * 2 - 1)
    weight = np.where((x < 0.6) & (y < 0.55), 1.0, 0.2)[..., None].repeat(3, 2).ravel()
    np.testing.assert_allclose(shown, 4 * (matrix * weight) @ matrix.T, atol=0.02 * shown.max())


def test_parts_are_drawn_by_their_weights_and_only_as_they_may_be_met(parts: Parts) -> None:
    upper, lower, opposite, colours = drawn(parts, 4000)
    np.testing.assert_allclose(np.bincount(upper) / 4000, np.array([3, 4, 1, 2, 1]) / 11, atol=0.03)
    assert (parts.heads[upper, colours] > 0).all()
    assert 0.4 < (colours[(upper == 1) & (lower == 1)] == 0).mean() < 0.6
    assert (parts.heads[lower, colours] > 0).all()  # the other's, too
    joined = (upper != lower) | (opposite == 1)
    assert parts.joins[upper[joined], opposite[joined], lower[joined]].all()
    assert 0.45 < joined[np.isin(upper, [0, 1, 3])].mean() < 0.55
    assert not joined[np.isin(upper, [2, 4])].any()
    assert {(int(u), int(o), int(m)) for u, o, m in zip(upper, opposite, lower, strict=True) if u == 1} == {
        (1, 0, 1),
        (1, 0, 0),
        (1, 0, 3),
    }


def test_novelty_is_the_share_whose_eyes_and_mouth_are_of_two_prints(parts: Parts) -> None:
    for novelty in (0.0, 1.0):
        upper, lower, *_ = drawn(parts, novelty=novelty)
        assert ((upper != lower)[np.isin(upper, [0, 1, 3])] == bool(novelty)).all()


def test_made_prints_have_their_share_of_the_eyes_and_of_other_mouths(parts: Parts) -> None:
    one = replace(parts, made=np.array([False, False, False, True, False]), choices={})
    for novelty in (0.0, 0.4, 1.0):
        upper, lower, _, colours = drawn(one, 4000, novelty=novelty)
        assert (upper == 3).mean() == pytest.approx(MADE * novelty, abs=0.03)
    either = (upper == 1) & (colours == 0)  # the eyes of 1 may have the mouths of 0 and 3 on a red head, on a white one
    assert (lower[either] == 3).mean() == pytest.approx(MADE, abs=0.06)
    assert (lower[(upper == 1) & (colours == 1)] == 3).all()  # that of 3 alone
    without = replace(parts, made=np.ones(K, bool), choices={})
    np.testing.assert_array_equal(drawn(without), drawn(parts))


def test_heads_are_of_the_shares_that_are_asked_for(parts: Parts) -> None:
    for share in (0.25, 0.8):
        *_, colours = drawn(parts, 4000, heads={"white": share, "red": 1 - share}, novelty=0)
        assert (colours == parts.names.index("white")).mean() == pytest.approx(share, abs=0.03)
        *_, colours = drawn(parts, 4000, heads={"white": share, "red": 1 - share}, having={"eyewear": True})
        assert (colours == parts.names.index("white")).mean() == pytest.approx(share, abs=0.03)


def test_faces_from_the_front_are_of_its_stages(parts: Parts) -> None:
    share = uniforms(3, 200, DRAWN, PARTS_STREAM)
    assert set(parts.drawn(share, Asked(front=True)).stages) == {0, 1}
    assert set(parts.drawn(share).stages) == {0, 1, 2, 3}


def test_avatars_are_pleasant_where_anything_is_known_to_be(parts: Parts) -> None:
    assert parts.avatars() is ANY
    pleasant = np.array([[True, False, False, True, False]] * 2)
    names = ("tan", "yellow")
    assert replace(parts, names=names, halves={(PLEASANT, True): pleasant}).avatars() is AVATARS
    assert replace(parts, halves={(PLEASANT, True): pleasant}).avatars() is ANY  # no colour of the palette
    assert replace(parts, names=names, halves={(PLEASANT, True): ~pleasant & False}).avatars() is ANY
    assert sum(AVATAR_HEADS.values()) == pytest.approx(1)


def test_what_is_asked_for_is_drawn(parts: Parts) -> None:
    upper, lower, *_ = drawn(parts, having={"eyewear": True})
    assert set(upper) == {0, 3}
    assert set(lower) > {1}  # as varied as they may be joined
    upper, lower, *_ = drawn(parts, having={"eyewear": True, "smile": False})
    assert set(upper) == {0, 3}
    assert set(lower) == {1}
    upper, lower, *_ = drawn(parts, having={"facial_hair": True})
    assert set(lower) <= {1, 4}  # the lower half tells
    assert 0 in upper
    upper, lower, *_ = drawn(parts, having={"facial_hair": False})
    assert not ({1, 4} & (set(upper) | set(lower)))
    upper, _, _, colours = drawn(parts, heads={"white": 1})
    assert set(upper) == {1, 2, 3}
    assert set(colours) == {parts.names.index("white")}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"having": {"smile": False, "eyewear": False, "facial_hair": False}}, "no face has all that is asked for"),
        ({"having": {"smiel": True}}, "smile"),
        ({"heads": {"whit": 1}}, "white"),
    ],
)
def test_what_no_face_has_is_told(parts: Parts, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parts.sample(3, 1, asked=Asked(**asked))


def test_the_first_faces_are_the_same_however_many_and_temperature_scales_the_measures(parts: Parts) -> None:
    many = parts.sample(40, seed=9)
    assert np.abs(parts.sample(4, seed=9) - many[:4]).max() < 1e-9
    cold, warm = parts.sample(40, seed=9, temperature=0), parts.sample(40, seed=9, temperature=2)
    assert np.square(cold - many).mean() < np.square(warm - cold).mean()
    assert np.unique(np.round(cold, 6), axis=0).shape[0] < 40  # nothing but parts is left


@pytest.mark.parametrize(
    "wrong",
    [
        {"eyes": np.ones((3, 8), np.int8), "eyes.units": np.ones(3, np.float32)},
        {"heads": np.zeros((K, 2), np.int8)},
        {"head.blue": np.zeros(3, np.float32)},
        {"head.red": np.zeros(2, np.float32)},
        {"with.smile": np.zeros((2, 2), np.int8)},
        {"without.smile": None},
        {"joins": np.zeros((K, 1), np.int8)},
        {"made": np.zeros(K + 1, np.int8)},
        {"front": np.zeros(STAGES, np.int8)},
        {"front": np.ones(STAGES + 1, np.int8)},
        {"stages": None, "stages.units": None},
        {"scale": np.ones(2, np.float32)},
    ],
)
def test_tensors_that_do_not_fit_are_no_parts(wrong: dict[str, NDArray[Any] | None], tmp_path: Path) -> None:
    tensors = made_up(Settings(steps=1, code=8, width=16, blocks=1))[0] | wrong
    save_file({name: value for name, value in tensors.items() if value is not None}, tmp_path / "parts.safetensors")
    with pytest.raises(UsageError, match=r"parts\.safetensors is damaged: it is not a file of parts") as error:
        Parts.load(tmp_path / "parts.safetensors")
    assert "\n" not in str(error.value)


def test_composed_faces_are_told_by_their_parts() -> None:
    prints = load_prints()
    known = prints.of_split("train")
    draws = draw_faces(prints, stage_parameters("train"), "train", 500, np.random.default_rng(1), 0.6)
    chosen, told = codes(draws, known), measures(draws)
    np.testing.assert_array_equal(known[chosen[:, 0] // 2], draws.upper)
    np.testing.assert_array_equal(known[chosen[:, 1] // 2], draws.lower)
    np.testing.assert_array_equal(chosen[:, 2], 2 * draws.stage + draws.flip)
    np.testing.assert_allclose(told[:, :3] ** 2, draws.head, atol=1e-6)
    np.testing.assert_allclose(told[:, -1] * SPREADS[-1], np.log(draws.gain), atol=1e-6)


def test_heads_are_of_the_palette_and_mouths_of_clean_seams_join() -> None:
    prints = load_prints()
    train, shares = prints.of_split("train"), head_shares(prints, "train")
    assert sum(share.sum() for share in shares.values()) == pytest.approx(1)  # no head is of another colour
    yellow = np.array([prints.designs[i].kind == "yellow" for i in train])
    for code, share in shares.items():
        assert share[yellow].sum() == pytest.approx(
            PALETTE.get(code, 0) * sum(s[yellow].sum() for s in shares.values())
        )
    known = train[:12]
    finder, may = seam_finder(prints), joins(prints, known)
    assert may.any()
    assert not may[np.arange(12), :, np.arange(12)].any()
    for i, turned, j in np.argwhere(may)[::7]:
        assert finder.own[known[i]] == finder.own[known[j]]
        # Mirrored as a whole, a seam costs the same.
        assert finder.seam(int(known[i]), int(known[j]), np.array([True, not turned]))[1] <= CLEAN + 0.02


def test_the_bundled_model_draws_what_is_asked_for() -> None:
    model, reader = Model.bundled(), Reader()
    asked = {"eyewear": True, "facial_hair": True, "smile": False}
    latents = model.sample_latents(60, seed=5, having=asked, head="medium nougat")
    faces = model.decode(latents)
    read = dict(zip(reader.names, reader.holds(faces).T, strict=True))
    for name, wanted in asked.items():
        assert (read[name] == wanted).mean() >= 0.8
    assert np.mean(np.array(head_colours(faces)) == "medium skin") > 0.7
    assert len(np.unique(latents, axis=0)) == 60
    np.testing.assert_array_equal(latents[:3], model.sample_latents(3, 5, having=asked, head="medium nougat"))


def test_the_bundled_models_avatars_are_pleasant_with_heads_of_the_palette() -> None:
    model = Model.bundled()
    parts = model.priors["parts"]
    assert isinstance(parts, Parts)
    found = parts.drawn(uniforms(avatar_seed("Ada"), 3000, DRAWN, PARTS_STREAM), parts.avatars())
    pleasant = parts.halves[PLEASANT, True].all(0)
    assert pleasant[found.eyes // 2].all()
    assert pleasant[found.mouths // 2].all()
    assert parts.front[found.stages].all()
    often = np.bincount(found.colours, minlength=len(parts.names)) / 3000
    assert dict(zip(parts.names, often, strict=True)) == pytest.approx(
        dict.fromkeys(parts.names, 0) | AVATAR_HEADS, abs=0.04
    )
    expected = rounded(parts.sample(1, avatar_seed("Ada"), asked=AVATARS)).astype(np.float32)
    np.testing.assert_array_equal(model.avatar_latent("Ada"), expected[0])


def test_avatars_are_each_texts_own(tiny_model: Path) -> None:
    model = Model(tiny_model)
    np.testing.assert_array_equal(model.avatars(["Ada", "", "Bo"])[2], model.avatar("Bo"))
    assert model.avatars([]).shape[0] == 0


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"having": ["smile"]}, "must be a dict"),
        ({"having": {"smile": "yes"}}, "smile"),
        ({"head": 3}, "a head"),
        ({"novelty": 2}, "novelty"),
        ({"novelty": 1, "prior": "normal"}, "the prior normal knows no parts of faces"),
    ],
)
def test_what_cannot_be_asked_is_told(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Model.bundled().sample_latents(1, 1, **asked)


def test_the_command_line_asks_by_peoples_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sample", "-n", "4", "--seed", "3", "-o", str(tmp_path / "a.png"), "--json", "--head", "tan"]
    assert run([*words, "--with", "glasses", "--with", "printed hair", "--without", "smile", "--novelty", "1"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["with"], facts["without"], facts["head"]) == (["glasses", "printed hair"], ["smile"], "tan")
    model, having = Model.bundled(), {"eyewear": True, "printed_hair": True, "smile": False}
    expected = grid(model.sample(4, 3, having=having, head="tan", novelty=1))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), expected)
    assert run(["sample", "--with", "smile", "--without", "smile"]) == 2
    assert "asked for twice" in capsys.readouterr().err
