"""Edits that are learnt: the file, what it does to a latent, the pairs of faces, and what is learnt from them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import minifaces
from minifaces.attributes import DARK_HEAD, RANGES, TURN, YELLOW_HEAD
from minifaces.errors import UsageError
from minifaces.fits import pairs
from minifaces.fits.editor import fit_editor
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import Draws, draw_faces
from minifaces.ldraw.edited import (
    ANGRY,
    ANGRY_BEARDS,
    BOTH,
    EXEMPLARS,
    LOWER,
    TOP,
    UPPER,
    edited,
    facing,
    removable,
)
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.stages import load_stages
from minifaces.ldraw.truths import NAMES, labels, truths
from minifaces.studio.editor import Editor
from minifaces.studio.latentnet import whole
from minifaces.vae.config import Editor as Settings
from minifaces.vae.config import preset
from minifaces.vae.training_data import ComposedFaces

SMALL = Settings(steps=700, batch=256, width=48, blocks=1)


@pytest.fixture(scope="module")
def source() -> ComposedFaces:
    return ComposedFaces(preset("default", **{"network.image_size": 32}))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Editor:
    """Taught that a hat sets the first of three numbers to 4, whatever it was, and that a turn rotates the others."""
    rng = np.random.default_rng(0)
    start = rng.normal(size=(6000, 3)).astype(np.float32)
    edits, amounts = rng.integers(0, 2, len(start)), np.ones(len(start), np.float32)
    amounts[edits == 1] = rng.uniform(-1, 1, (edits == 1).sum())
    end = start.copy()
    end[edits == 0, 0] = 4
    end[edits == 1] = turned(start, amounts)[edits == 1]
    tensors = fit_editor(start, end, edits, amounts, {"hat": (0, 1), "turn": (-1, 1)}, SMALL)
    file = tmp_path_factory.mktemp("editor") / "editor.safetensors"
    save_file({name: np.asarray(value, order="C") for name, value in tensors.items()}, file)
    return Editor.load(file)


def turned(z: np.ndarray, angle: np.ndarray) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([z[:, 0], c * z[:, 1] - s * z[:, 2], s * z[:, 1] + c * z[:, 2]], 1)


def test_what_is_learnt_takes_the_place_of_what_was_there(fitted: Editor) -> None:
    z = np.array([[-2, 1, 0.5], [0, -1, 0], [1.5, 0.3, -0.8]], np.float32)
    for amount, share, beyond in ((1, 1, 0), (0.5, 0.5, 0), (2.5, 1, 1.5), (-1, 0, -1)):
        change, left = fitted.change(z, "hat", amount)
        np.testing.assert_allclose(change[:, 0], share * (4 - z[:, 0]), atol=0.4)
        np.testing.assert_allclose(change[:, 1:], 0, atol=0.3)
        assert left == beyond
    for amount in (-1.0, -0.4, 0.7):
        change, left = fitted.change(z, "turn", amount)
        np.testing.assert_allclose(z + change, turned(z, np.full(3, amount)), atol=0.35)
        assert left == 0
    change, left = fitted.change(z, "scarf", 0.7)
    assert not change.any()
    assert left == 0.7


@pytest.mark.parametrize(
    "changes",
    [
        {"mean": None},
        {"range.turn": None},
        {"range.turn": np.array([1, 1], np.float32)},
        {"range.turn": np.zeros(3, np.float32)},
        {"leave.bias": np.zeros(4, np.float32)},
        {"scale": np.ones(2, np.float32)},
        {"mean": np.float32(0), "scale": np.float32(1)},
        {"mean": np.zeros((3, 1), np.float32), "scale": np.ones((3, 1), np.float32)},
        {"range.turn": np.float32(1)},
        {"range.turn": np.array([[-1, 0], [0, 1]], np.float32)},
        {"kinds": np.ones(2, np.float32), "kinds.units": None},
    ],
)
def test_what_is_no_editor_is_named(changes: dict[str, np.ndarray | None], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(50, 3)).astype(np.float32)
    few = Settings(steps=1, batch=8, width=8, blocks=1)
    tensors = fit_editor(z, z, np.arange(50) % 2, np.ones(50, np.float32), {"hat": (0, 1), "turn": (-1, 1)}, few)
    tensors = {k: np.asarray(v, order="C") for k, v in {**tensors, **changes}.items() if v is not None}
    save_file(tensors, tmp_path / "e.safetensors")
    with pytest.raises(UsageError, match=r"e\.safetensors is damaged: it is not an editor"):
        Editor.load(tmp_path / "e.safetensors")


def test_the_bundled_model_edits_by_its_editor_and_goes_beyond_by_steps() -> None:
    model = minifaces.load()
    assert model.editor is not None
    assert set(RANGES) == set(model.editor.ranges) <= set(model.directions)
    z = model.gallery.latents[:3]
    step = model.directions["lips"]
    one, gone = (model.edit(z, {"lips": amount}) for amount in (1, -1))
    np.testing.assert_allclose(gone - z, model.editor.change(z, "lips", -1)[0], atol=1e-5)
    np.testing.assert_allclose(model.edit(z, {"lips": -2}) - gone, np.tile(-step, (3, 1)), atol=1e-5)
    np.testing.assert_allclose(one - z, model.editor.change(z, "lips", 1)[0], atol=1e-5)
    np.testing.assert_allclose(model.edit(z, {"lips": 1.5}) - one, np.tile(0.5 * step, (3, 1)), atol=1e-5)
    assert np.abs((one - z)[0] - (one - z)[1]).max() > 0.1  # each face loses its own mouth
    both = model.edit(model.edit(z, {"lips": 1}), {"turn": 1})  # in the order of their names
    np.testing.assert_allclose(model.edit(z, {"turn": 1, "lips": 1}), both, atol=1e-5)


def test_the_bundled_model_turns_heads_as_they_turn() -> None:
    model = minifaces.load()
    prints, stages = load_prints(), load_stages(128, "validation")
    draws = draw_faces(prints, stages, "validation", 24, np.random.default_rng(3), 0.0, varied=False)
    before = compose(prints, stages, draws)[0]
    z = model.encode(before)
    for amount in (-1.0, 1.0):
        after = compose(prints, stages, edited(prints, draws, TURN.name, np.full(24, amount)))[0]
        made = model.decode(model.edit(z, {TURN.name: amount}))
        apart, unedited = (((faces.astype(float) - after) ** 2).mean() for faces in (made, before))
        assert apart < 0.4 * unedited


def faces_of(source: ComposedFaces, draws: Draws) -> np.ndarray:
    return compose(source.prints, source.stages, draws)[0].astype(int)


def known(source: ComposedFaces, draws: Draws, name: str) -> np.ndarray:
    """(n,) 1, 0 or NaN."""
    return labels(source.prints, draws)[:, NAMES.index(name)]


@pytest.mark.parametrize("name", EXEMPLARS)
def test_a_face_is_edited_where_it_should_be(source: ComposedFaces, name: str) -> None:
    base = draw_faces(source.prints, source.stages, "train", 300, np.random.default_rng(0), 0.5)
    half, *parts = EXEMPLARS[name]
    after = edited(source.prints, base, name, np.ones(300))
    now = known(source, after, name)
    assert (now[np.isfinite(now)] == 1).all()
    brings = {UPPER: after.upper, LOWER: after.lower, BOTH: after.upper, TOP: after.crown}[half]
    assert {source.prints.designs[i].name for i in brings} == set(parts)
    assert {source.prints.designs[i].split for i in brings} == {"train"}
    if half in (UPPER, LOWER):
        kept, column = {UPPER: ("lower", 1), LOWER: ("upper", 0)}[half]
        np.testing.assert_array_equal(getattr(after, kept), getattr(base, kept))
        np.testing.assert_array_equal(after.turned[:, column], base.turned[:, column])
    apart = np.abs(faces_of(source, after) - faces_of(source, base)).sum(3)
    # Of joined faces the seam may move, and hair that stays is no edit.
    whole = (base.upper == base.lower) & (known(source, base, "printed_hair") != 1)
    above, eyes, mouth, chin = (
        apart[whole, rows].mean() for rows in (slice(4, 9), slice(10, 14), slice(18, 24), slice(26, None))
    )
    assert {UPPER: eyes > 3 * chin, LOWER: mouth > 8 * eyes, TOP: above > 3 * mouth, BOTH: eyes > 2 * above}[half]


@pytest.mark.parametrize("name", EXEMPLARS)
def test_what_a_face_has_is_taken_away(source: ComposedFaces, name: str) -> None:
    base = draw_faces(source.prints, source.stages, "train", 500, np.random.default_rng(0), 0.5)
    which = np.flatnonzero(removable(source.prints, base, name))
    had = base.chosen(which)
    assert len(which) > 15
    assert (known(source, had, name) == 1).all()
    after = edited(source.prints, had, name, -np.ones(len(had)))
    assert not (known(source, after, name) == 1).any()
    assert {source.prints.designs[i].split for i in (*after.upper, *after.lower)} == {"train"}
    if EXEMPLARS[name][0] == LOWER and name != "facial_hair":
        assert not (known(source, had, "facial_hair") == 1).any()
    apart = np.abs(faces_of(source, after) - faces_of(source, had)).sum(3)
    assert (apart.max((1, 2)) > 60).mean() > 0.9


def test_measures_are_not_removable(source: ComposedFaces) -> None:
    base = draw_faces(source.prints, source.stages, "train", 50, np.random.default_rng(0), 0.5)
    assert not removable(source.prints, base, YELLOW_HEAD.name).any()


def test_anger_comes_to_brows_and_mouth_and_leaves_beards_and_hair_there(source: ComposedFaces) -> None:
    base = draw_faces(source.prints, source.stages, "train", 400, np.random.default_rng(4), 0.5)
    after = edited(source.prints, base, ANGRY, np.ones(400))
    lower = truths(source.prints)[base.lower] == 1
    beard, woman = lower[:, NAMES.index("facial_hair")], lower[:, [NAMES.index("female"), NAMES.index("lips")]].any(1)
    names = np.array([design.name for design in source.prints.designs])
    np.testing.assert_array_equal(names[after.upper], np.array(EXEMPLARS[ANGRY])[1 + woman])
    np.testing.assert_array_equal(after.lower[~beard], after.upper[~beard])
    assert set(names[after.lower[beard]]) == set(ANGRY_BEARDS)  # each is nearest to some
    own = np.flatnonzero(np.isin(names[base.lower], ANGRY_BEARDS))
    np.testing.assert_array_equal(after.lower[own], base.lower[own])
    assert min(beard.sum(), woman.sum()) > 30
    assert len(own) > 2  # a design with such a beard keeps it
    assert (known(source, after, ANGRY) == 1).all()
    for name in ("facial_hair", "printed_hair", "female"):
        before, now = (known(source, draws, name) for draws in (base, after))
        had = (before == 1) & np.isfinite(now)
        assert had.sum() > 20
        assert (now[had] == 1).all(), name


@pytest.mark.parametrize("name", [ANGRY, "eyewear"])
def test_hair_stays_where_eyes_are_exchanged(source: ComposedFaces, name: str) -> None:
    base = draw_faces(source.prints, source.stages, "train", 600, np.random.default_rng(6), 0.3)
    haired = np.flatnonzero(truths(source.prints)[base.upper, NAMES.index("printed_hair")] == 1)
    assert len(haired) > 30
    base = base.chosen(haired)
    assert base.turned[:, 0].any()
    after = edited(source.prints, base, name, np.ones(len(base)))
    np.testing.assert_array_equal(after.crown, base.upper)
    bald = replace(after, crown=np.full(len(base), -1))
    before, kept, lost = (faces_of(source, draws) for draws in (base, after, bald))
    top = [np.abs(faces - before)[:, 6:10].mean() for faces in (kept, lost)]
    assert top[0] < 0.25 * top[1]


def test_a_turned_head_is_what_a_camera_from_the_side_sees(source: ComposedFaces) -> None:
    base = draw_faces(source.prints, source.stages, "train", 300, np.random.default_rng(1), 0.0)
    amounts = np.random.default_rng(2).uniform(-1, 1, 300)
    after = edited(source.prints, base, TURN.name, amounts)
    np.testing.assert_allclose(facing(source.stages, after) - facing(source.stages, base), amounts, atol=1e-5)
    # To the viewer's right is to the picture's right: where ink darkens a light head, its middle moves.
    light = np.flatnonzero(base.head.min(1) > 0.3)
    blank = source.stages.hit.reshape(len(source.stages), 32, 2, 32, 2).all((2, 4))[base.stage[light]]
    dark = [
        np.where(blank, 255 - compose(source.prints, source.stages, draws.chosen(light))[0].mean(3), 0).sum(1)
        for draws in (base, after)
    ]
    before, now = ((ink * np.arange(32)).sum(1) / ink.sum(1) for ink in dark)
    assert np.corrcoef(now - before, amounts[light])[0, 1] > 0.5


def test_pairs_are_of_one_face_and_differ_by_the_edit(source: ComposedFaces) -> None:
    one, again, other = (pairs.draw(source, 5, number, 80) for number in (0, 0, 1))
    np.testing.assert_array_equal(one.faces, again.faces)
    np.testing.assert_array_equal(one.amounts, again.amounts)
    assert (one.faces[:80] != other.faces[:80]).any()
    assert (one.start < 80).all()
    np.testing.assert_array_equal(one.end, np.arange(80, len(one.faces)))
    for i, (name, (least, most)) in enumerate(RANGES.items()):
        amounts = one.amounts[one.edits == i]
        assert len(amounts) > 10, name
        assert (amounts >= least - 1e-6).all()
        assert (amounts <= most + 1e-6).all()
        assert (np.abs(amounts) == 1).all() == (name not in (TURN.name, DARK_HEAD.name))
        assert (amounts < 0).any() == (least < 0)
    corners = one.faces[:, 0, 0].astype(int)
    painted = np.isin(one.edits, [list(RANGES).index(name) for name in (YELLOW_HEAD.name, DARK_HEAD.name)])
    apart = np.abs(corners[one.start] - corners[one.end]).max(1)
    assert not apart[~painted].any()
    assert apart[painted].max() < 10  # what a head sheds on the floor


def test_an_editor_of_pixels_learns_to_paint_heads(source: ComposedFaces) -> None:
    def encode(faces: np.ndarray) -> np.ndarray:  # colours of the cheeks and of the background
        return faces[:, [16, 16, 2], [8, 23, 2]].reshape(len(faces), 9).astype(np.float32) / 255

    rounds = [pairs.draw(source, 1, number) for number in range(2)]
    start, end = (np.concatenate([encode(p.faces)[getattr(p, end)] for p in rounds]) for end in ("start", "end"))
    edits, amounts = (np.concatenate([getattr(p, what) for p in rounds]) for what in ("edits", "amounts"))
    tensors = fit_editor(start, end, edits, amounts, RANGES, SMALL)
    painter = Editor.of(whole(tensors))
    base = draw_faces(source.prints, source.stages, "train", 200, np.random.default_rng(9), 0.0)
    before = encode(compose(source.prints, source.stages, base)[0])
    after = before + painter.change(before, "yellow_head", 1.0)[0]
    yellow = np.median(before[base.head_code == 14][:, :3], axis=0)
    others = base.head_code != 14
    apart = [np.median(np.abs(z[others, :3] - yellow).sum(1)) for z in (before, after)]
    assert apart[1] < 0.5 * apart[0]
    assert np.abs(after - before)[:, 6:].max() < 0.1  # the background stays
