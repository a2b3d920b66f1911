"""Composing against plain numpy formulas, and what is drawn for it."""

from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ldraw_fixtures import baked, bundled, few
from minifaces.errors import UsageError
from minifaces.ldraw.colours import to_linear, to_srgb
from minifaces.ldraw.compose import compose, tone
from minifaces.ldraw.composed import composed_faces
from minifaces.ldraw.designs import ATTRIBUTES, Design
from minifaces.ldraw.draws import PALETTE, Draws, draw_faces, fixed_draws, head_code
from minifaces.ldraw.prints import HEIGHT, WIDTH, Prints
from minifaces.ldraw.recombine import FIRST, LAST, MOST_INK, SAME, SeamFinder
from minifaces.ldraw.stages import Stages, load_stages

__all__ = ["baked", "bundled", "few"]  # fixtures

RED, HEAD = (200, 40, 10), np.array([0.8, 0.5, 0.1], np.float32)


def prints_of(texture: NDArray[np.uint8], metal: NDArray[np.uint8] | None = None) -> Prints:
    """Prints that hold one texture only."""
    design = Design("x", "front", "", 14, "default", "yellow", {}, "", "x", "train")
    plane = np.zeros((0, HEIGHT, WIDTH), np.uint8) if metal is None else metal[None]
    return Prints((design,), texture[None], plane, np.array([len(plane) - 1], np.int32), {14: (250, 202, 12)})


def solid(inked: NDArray[np.bool_] | bool) -> NDArray[np.uint8]:
    """A texture of red where `inked`, a mask over its columns, rows or all."""
    texture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    texture[..., :3] = RED
    texture[..., 3] = np.where(inked, 255, 0)
    return texture


@pytest.fixture(scope="module")
def stages() -> Stages:
    return load_stages(64, "validation", limit=6)


def on_all(prints: Prints, stages: Stages) -> Draws:
    count = len(stages)
    return fixed_draws(prints, np.zeros(count, np.int64), np.arange(count), np.tile(HEAD, (count, 1)))


def shown(light: NDArray, stages: Stages) -> NDArray:
    return np.clip(to_srgb(np.clip(tone(light) + stages.backdrop, 0, 1)), 0, 1) * 255


def test_tone() -> None:
    np.testing.assert_allclose(tone(np.array([0, 0.3, 0.85])), [0, 0.3, 0.85])
    assert tone(np.array(1.0)) == pytest.approx(0.85 + 0.15 * (1 - np.exp(-1)))
    bright = tone(np.linspace(0, 3, 100))
    assert (np.diff(bright) > 0).all()
    assert bright.max() < 1


def test_a_bare_head(stages: Stages) -> None:
    prints = prints_of(solid(False))
    draws = on_all(prints, stages)
    faces, mask = compose(prints, stages, draws)
    expected = shown(stages.specular + stages.diffuse * HEAD, stages)
    assert np.abs(faces - expected).max() < 2  # the table's last steps in the deepest dark
    assert np.abs(faces - expected).mean() < 0.4
    theta = np.where(stages.hit, stages.theta, np.inf)
    inside = (np.abs(theta) < np.radians(75)).reshape(len(stages), 64, 2, 64, 2).mean((2, 4))
    np.testing.assert_array_equal(mask, (inside * 4).astype(int) * 255 // 4)
    half = replace(draws, gain=np.full(len(draws), 0.5, np.float32))
    expected = shown((stages.specular + stages.diffuse * HEAD) / 2, stages)
    assert np.abs(compose(prints, stages, half)[0] - expected).max() < 2


def within(stages: Stages, low: float, high: float) -> NDArray[np.bool_]:
    """Pixels all of whose samples see the print between two angles (degrees), off the texture's top and bottom."""
    theta = np.degrees(stages.theta)
    seen = stages.hit & (theta > low) & (theta < high) & (stages.v > 0.5) & (stages.v < 26.5)
    return seen.reshape(len(stages), 64, 2, 64, 2).all((2, 4))


def test_an_inked_head(stages: Stages) -> None:
    prints = prints_of(solid(True))
    faces, _ = compose(prints, stages, on_all(prints, stages))
    red = to_linear(np.array(RED) / 255)
    expected = shown(stages.specular + stages.diffuse * red, stages)
    inner = within(stages, -110, 110)
    assert inner.mean() > 0.2
    assert np.abs(faces - expected)[inner].max() < 2


def test_a_metallic_head(stages: Stages) -> None:
    prints = prints_of(solid(True), np.full((HEIGHT, WIDTH), 255, np.uint8))
    faces, _ = compose(prints, stages, on_all(prints, stages))
    red = to_linear(np.array(RED) / 255)
    inner = within(stages, -110, 110)
    assert np.abs(faces - shown(stages.metallic * red, stages))[inner].max() < 2
    half = prints_of(solid(True), np.full((HEIGHT, WIDTH), 51, np.uint8))  # a fifth metal, four fifths pigment
    light = 0.2 * stages.metallic * red + 0.8 * (stages.specular + stages.diffuse * red)
    faces, _ = compose(half, stages, on_all(half, stages))
    assert np.abs(faces - shown(light, stages))[inner].max() < 2


@pytest.mark.parametrize("degrees", [-70, -35, 0, 50])
def test_a_print_is_shown_at_its_angle(stages: Stages, degrees: float) -> None:
    """Ink from an angle on: a kernel that maps angles to texels in another way than baking does shows here."""
    angle = ((np.arange(WIDTH) + 0.5) / WIDTH * 2 - 1) * 118
    inked, bare = prints_of(solid(angle > degrees)), prints_of(solid(False))
    faces, _ = compose(inked, stages, on_all(inked, stages))
    plain, _ = compose(bare, stages, on_all(bare, stages))
    changed = (faces != plain).any(-1)
    before, after = within(stages, -110, degrees - 1), within(stages, degrees + 1, 110)
    assert before.any()
    assert after.any()
    assert not changed[before].any()
    assert changed[after].mean() > 0.99


@pytest.mark.parametrize("v", [5, 13.5, 22])
def test_a_print_is_shown_at_its_height(stages: Stages, v: float) -> None:
    height = ((np.arange(HEIGHT) + 0.5) / HEIGHT * 27)[:, None]
    inked, bare = prints_of(solid(height > v)), prints_of(solid(False))
    faces, _ = compose(inked, stages, on_all(inked, stages))
    plain, _ = compose(bare, stages, on_all(bare, stages))
    changed = (faces != plain).any(-1)
    inner = within(stages, -60, 60)
    at = stages.v.reshape(len(stages), 64, 2, 64, 2)
    assert not changed[inner & (at.max((2, 4)) < v - 0.3)].any()
    assert changed[inner & (at.min((2, 4)) > v + 0.3)].mean() > 0.99


def test_a_crown_above_an_upper_print_above_a_lower_one(stages: Stages) -> None:
    """Each as it is alone, above its line."""
    parts = [solid(True) for _ in range(3)]
    for texture, colour in zip(parts, (RED, (10, 180, 60), (20, 40, 200)), strict=True):
        texture[..., :3] = colour
    prints = replace(
        prints_of(parts[0]),
        colours=np.stack(parts),
        metal_index=np.full(3, -1, np.int32),
        designs=prints_of(parts[0]).designs * 3,
    )
    plain = on_all(prints, stages)
    count, v = len(stages), stages.v.reshape(len(stages), 64, 2, 64, 2)
    joined = replace(
        plain,
        lower=np.full(count, 1),
        crown=np.full(count, 2),
        seam=np.full((count, 128), 15, np.float32),
        hairline=np.tile(np.where(np.arange(64) < 32, 8, 0).astype(np.float32), (count, 1)),
    )
    faces = compose(prints, stages, joined)[0]
    alone = [
        compose(prints, stages, replace(plain, upper=one, lower=one))[0] for one in np.repeat([[0], [1], [2]], count, 1)
    ]
    left, right = within(stages, -100, -2), within(stages, 2, 100)
    bands = {  # where, by the lowest and the highest v of a pixel, a print shows
        2: [(left, 0, 7.6)],
        0: [(left, 8.4, 14.6), (right, 1, 14.6)],
        1: [(left, 15.4, 26), (right, 15.4, 26)],
    }
    for part, places in bands.items():
        for side, low, high in places:
            where = side & (v.min((2, 4)) > low) & (v.max((2, 4)) < high)
            assert where.any()
            np.testing.assert_array_equal(faces[where], alone[part][where])


def test_a_box_of_a_face_is_that_of_the_whole_face(bundled: Prints, stages: Stages) -> None:
    draws = draw_faces(bundled, stages, "train", 20, np.random.default_rng(2))
    assert draws.flip.any()
    whole, box = compose(bundled, stages, draws), (slice(20, 45), slice(8, 61))
    for part, all_of_it in zip(compose(bundled, stages, draws, box), whole, strict=True):
        np.testing.assert_array_equal(part, all_of_it[:, *box])


def test_warp_and_ink(stages: Stages) -> None:
    """A shift of 20 degrees moves the print, and twice the ink's light is twice the albedo."""
    angle = ((np.arange(WIDTH) + 0.5) / WIDTH * 2 - 1) * 118
    step, moved = prints_of(solid(angle > 20)), prints_of(solid(angle > 0))
    draws = on_all(step, stages)
    shift = np.tile(np.array([np.radians(20), 0], np.float32), (len(stages), 1))
    inner = within(stages, -80, 80)
    one, _ = compose(step, stages, replace(draws, shift=shift))
    other, _ = compose(moved, stages, on_all(moved, stages))
    assert (np.abs(one.astype(int) - other)[inner].max(-1) <= 12).mean() > 0.98
    full = prints_of(solid(True))
    ink = np.full((len(stages), 3), 1.2, np.float32)
    faces, _ = compose(full, stages, replace(on_all(full, stages), ink=ink))
    light = stages.specular + stages.diffuse * to_linear(np.array(RED) / 255) * 1.2
    assert np.abs(faces - shown(light, stages))[inner].max() < 2


def test_flip_mirrors_the_stage_and_turned_the_print(bundled: Prints, stages: Stages) -> None:
    designs = np.array([3, 40, 80, 120, 160, 200])
    draws = fixed_draws(bundled, designs, np.arange(6))
    yes = np.ones(6, bool)
    faces, mask = compose(bundled, stages, draws)
    mirrored, other = compose(bundled, stages, replace(draws, flip=yes, turned=np.ones((6, 2), bool)))
    np.testing.assert_array_equal(mirrored, faces[:, :, ::-1])
    np.testing.assert_array_equal(other, mask[:, :, ::-1])
    turned, _ = compose(bundled, stages, replace(draws, turned=np.ones((6, 2), bool)))
    flipped, _ = compose(bundled, stages, replace(draws, flip=yes))
    np.testing.assert_array_equal(turned, flipped[:, :, ::-1])
    assert (turned != faces).any()


def test_recombined_faces_change_over_at_the_seam(stages: Stages) -> None:
    """Red above the seam, bare below, and nothing but one of the two away from it."""
    red, bare = prints_of(solid(True)), prints_of(solid(False))
    textures, none = np.concatenate([red.colours, bare.colours]), np.full(2, -1, np.int32)
    both = Prints(red.designs * 2, textures, red.metal, none, red.head_colours)
    draws = on_all(both, stages)
    seam = np.full((len(stages), 128), 14.0, np.float32)
    faces, _ = compose(both, stages, replace(draws, lower=np.ones(len(stages), np.int64), seam=seam))
    inner = within(stages, -80, 80)
    at = stages.v.reshape(len(stages), 64, 2, 64, 2)
    for prints, where in ((red, at.max((2, 4)) < 13.5), (bare, at.min((2, 4)) > 14.5)):
        whole, _ = compose(prints, stages, on_all(prints, stages))
        np.testing.assert_array_equal(faces[inner & where], whole[inner & where])


def test_dark_inks_survive_smaller_textures() -> None:
    """At 32 px the textures are pooled: a fully inked print stays what it was."""
    small = load_stages(32, "validation", limit=2)
    prints = prints_of(solid(True))
    faces, _ = compose(prints, small, on_all(prints, small))
    theta = small.hit & (np.abs(small.theta) < 1.8) & (small.v > 1) & (small.v < 26)
    inner = theta.reshape(2, 32, 2, 32, 2).all((2, 4))
    expected = shown(small.specular + small.diffuse * to_linear(np.array(RED) / 255), small)
    assert np.abs(faces - expected)[inner].max() < 2


def equal(one: Draws, other: Draws) -> bool:
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(Draws))


@pytest.mark.parametrize("size", [32, 64, 128])
def test_faces_are_the_same_for_a_seed(bundled: Prints, size: int) -> None:
    few_stages = load_stages(size, "test", limit=3)
    draws = [draw_faces(bundled, few_stages, "test", 12, np.random.default_rng(s)) for s in (4, 4, 5)]
    assert equal(draws[0], draws[1])
    assert not equal(draws[0], draws[2])
    faces, mask = compose(bundled, few_stages, draws[0])
    again, _ = compose(bundled, few_stages, draws[1])
    np.testing.assert_array_equal(faces, again)
    assert faces.shape == (12, size, size, 3)
    assert mask.shape == (12, size, size)
    assert faces.dtype == mask.dtype == np.uint8
    assert len(draws[0]) == 12
    assert (faces.std((1, 2, 3)) > 10).all()


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_faces_of_a_split_show_its_designs_only(bundled: Prints, stages: Stages, split: str) -> None:
    draws = draw_faces(bundled, stages, split, 300, np.random.default_rng(1), recombined=1.0)
    allowed = set(bundled.of_split(split).tolist())
    assert set(draws.upper.tolist()) | set(draws.lower.tolist()) <= allowed
    joined = draws.upper != draws.lower
    assert 0.3 < joined.mean() <= 1
    for upper, lower in zip(draws.upper[joined], draws.lower[joined], strict=True):
        one, other = bundled.designs[upper], bundled.designs[lower]
        assert (one.kind == "own") == (other.kind == "own")
        if one.kind == "own":
            assert one.colour == other.colour
    assert (draws.stage < len(stages)).all()
    assert (draws.head >= 0).all()
    assert (draws.head <= 0.97).all()


def test_without_variation_prints_are_as_they_are(bundled: Prints, stages: Stages) -> None:
    draws = draw_faces(bundled, stages, "test", 50, np.random.default_rng(2), recombined=0, varied=False)
    np.testing.assert_array_equal(draws.upper, draws.lower)
    assert not draws.flip.any()
    assert not draws.turned.any()
    assert (draws.scale == 1).all()
    assert (draws.ink == 1).all()
    assert (draws.shift == 0).all()
    assert (draws.gain == 1).all()
    plain = fixed_draws(bundled, draws.upper, draws.stage, codes=draws.head_code)
    for one, other in zip(compose(bundled, stages, draws), compose(bundled, stages, plain), strict=True):
        np.testing.assert_array_equal(one, other)
    own = fixed_draws(bundled, draws.upper[:3], draws.stage[:3])
    assert own.head_code.tolist() == [bundled.designs[i].colour for i in draws.upper[:3]]


def test_head_colours(bundled: Prints) -> None:
    rng = np.random.default_rng(0)
    assert sum(PALETTE.values()) == pytest.approx(1)
    yellow = next(d for d in bundled.designs if d.kind == "yellow")
    codes = np.array([head_code(yellow, rng) for _ in range(2000)])
    assert set(codes.tolist()) <= set(PALETTE)
    assert (codes == 14).mean() == pytest.approx(0.46, abs=0.04)
    own = next(d for d in bundled.designs if d.kind == "own" and d.colour not in PALETTE)
    assert np.mean([head_code(own, rng) == own.colour for _ in range(500)]) == pytest.approx(0.9, abs=0.05)


def test_dark_heads_and_large_prints_are_drawn_more_often(bundled: Prints, stages: Stages) -> None:
    draws = draw_faces(bundled, stages, "train", 20_000, np.random.default_rng(0), recombined=0, varied=False)
    chosen = bundled.of_split("train")
    count = np.bincount(draws.upper, minlength=len(bundled))[chosen]
    large = (bundled.colours[chosen, ::8, ::8, 3] > 127).mean((1, 2)) > 0.15
    luma = [np.dot(bundled.head_colours[bundled.designs[i].colour], [0.2126, 0.7152, 0.0722]) for i in chosen]
    dark = np.array(luma) < 90
    assert count[large & ~dark].mean() / count[~large & ~dark].mean() == pytest.approx(2, rel=0.15)
    assert (count > 0).all()


def test_seams_avoid_ink(bundled: Prints) -> None:
    """The ink that a seam crosses, counted anew on the textures: never more than a texel's worth."""
    finder, rng = SeamFinder(bundled), np.random.default_rng(3)
    choice = bundled.of_split("train")
    joined = 0
    for upper in rng.choice(choice, 60):
        lower, turned, seam = finder.partner(int(upper), choice, rng)
        if lower == upper:
            assert (seam == 27).all()
            assert not turned.any()
            continue
        joined += 1
        assert seam.shape == (WIDTH // 4,)
        assert (seam >= FIRST).all()
        assert (seam <= LAST).all()
        rows = np.floor(seam / 27 * HEIGHT / 4).astype(int)
        assert np.abs(np.diff(rows)).max() <= 1
        alpha, colour = [], []
        for index, turn in zip((upper, lower), turned, strict=True):
            texture = bundled.colours[index][:, ::-1] if turn else bundled.colours[index]
            cells = texture.reshape(HEIGHT // 4, 4, WIDTH // 4, 4, 4)
            at = cells[rows, :, np.arange(WIDTH // 4)].astype(float) / 255  # (128, 4, 4, 4)
            alpha.append(at[..., 3].max((1, 2)))
            colour.append(at[..., :3].mean((1, 2)) * alpha[-1][:, None])
        differ = np.abs(colour[0] - colour[1]).max(-1) > SAME
        assert (alpha[0] + alpha[1])[differ].sum() <= MOST_INK + 0.01
    assert joined > 25


def test_composed_faces() -> None:
    rows = list(composed_faces(20, 32, seed=3))
    assert [row["split"] for _, row in rows] == ["train"] * 16 + ["validation"] * 2 + ["test"] * 2
    for face, row in rows:
        assert face.shape == (32, 32, 3)
        assert row.keys() >= {"design", "lower_design", "split", "head_colour", "stage", "yaw", *ATTRIBUTES}
        assert all(isinstance(value, str) for value in row.values())
        if row["lower_design"]:
            assert row["description"] == ""
            assert not any(row[name] for name in ATTRIBUTES)
        assert abs(float(row["yaw"])) <= 25
    assert any(row["lower_design"] for _, row in rows)
    again = list(composed_faces(20, 32, seed=3))
    assert all((a[0] == b[0]).all() and a[1] == b[1] for a, b in zip(rows, again, strict=True))
    assert any((a[0] != b[0]).any() for a, b in zip(rows, composed_faces(20, 32, seed=4), strict=True))


def test_whole_faces_tell_what_is_known(bundled: Prints) -> None:
    known = {design.name: design for design in bundled.designs}
    for _, row in composed_faces(10, 32, recombined=0):
        design = known[row["design"]]
        assert row["lower_design"] == ""
        assert row["description"] == design.description
        assert row["split"] == design.split
        told = {name: row[name] == "true" for name in ATTRIBUTES if row[name]}
        assert told == design.attributes


def test_an_unknown_size() -> None:
    with pytest.raises(UsageError, match="sizes that divide 256, not at 100"):
        next(composed_faces(4, 100))
