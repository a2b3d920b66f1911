"""Made prints: new faces of designs' pieces, each whole and apart from the others."""

import numpy as np
import pytest

from minifaces.ldraw.canvas import APART, INK, Canvas, Laid
from minifaces.ldraw.collage import pieces
from minifaces.ldraw.draws import draw_faces
from minifaces.ldraw.made import made, with_made
from minifaces.ldraw.prints import HEIGHT, WIDTH, Prints, load_prints, similarity

COUNT = 30


@pytest.fixture(scope="module")
def more() -> Prints:
    return with_made(load_prints(), COUNT, seed=1)


def test_made_prints_stand_behind_the_designs_and_are_drawn_as_these_are(more: Prints) -> None:
    prints = load_prints()
    assert more.designs[: len(prints)] == prints.designs
    np.testing.assert_array_equal(more.colours[: len(prints)], prints.colours)
    train = more.of_split("train")
    np.testing.assert_array_equal(np.flatnonzero(made(more, train)), np.arange(len(train) - COUNT, len(train)))
    draws = draw_faces(more, [None] * 9, "train", 400, np.random.default_rng(0), 1.0)
    assert {0 <= i < len(prints) for i in draws.upper} == {True, False}
    assert made(more, draws.lower).any()


def test_a_seed_gives_the_same_made_prints_and_another_seed_others(more: Prints) -> None:
    again, other = with_made(load_prints(), 3, seed=1), with_made(load_prints(), 3, seed=2)
    np.testing.assert_array_equal(again.colours[-3:], more.colours[-COUNT:][:3])
    assert again.designs[-3:] == more.designs[-COUNT:][:3]
    assert not np.array_equal(again.colours[-3:], other.colours[-3:])
    assert with_made(load_prints(), 0) is load_prints()


def test_made_prints_have_two_eyes_and_a_mouth_and_are_nobodys(more: Prints) -> None:
    ink = more.colours[-COUNT:, ..., 3] > INK
    assert ink[:, 120:180, WIDTH // 2 - 70 : WIDTH // 2].sum((1, 2)).min() > 200
    assert ink[:, 120:180, WIDTH // 2 : WIDTH // 2 + 70].sum((1, 2)).min() > 200
    assert ink[:, 185:260, WIDTH // 2 - 60 : WIDTH // 2 + 60].sum((1, 2)).min() > 100
    alike = similarity(more.colours[more.of_split("train")])
    nearest = alike[-COUNT:, :-COUNT].max(1)
    assert (nearest < 0.9999).all()  # 1 is the same print
    assert np.median(nearest) < 0.8  # at which designs count as the same (minifaces.ldraw.prints.groups)


def test_made_prints_know_what_their_pieces_show(more: Prints) -> None:
    known = [design.attributes for design in more.designs[-COUNT:]]
    for name in ("smile", "lips", "printed_hair", "pleasant"):
        said = {of[name] for of in known if name in of}
        assert said == {True, False}, name
    for of in known:
        assert of.get("female", of.get("lips", False)) == of.get("lips", of.get("female", False)) or not of["lips"]


def test_what_would_touch_is_left_out_whole() -> None:
    canvas = Canvas()
    ink = np.full((10, 10, 4), 255, np.float32)
    assert canvas.lay([Laid(ink, 100, 100)])
    before = canvas.texture()
    assert not canvas.lay([Laid(ink, 200, 200), Laid(ink, 100, 110 + APART - 1)])
    assert not canvas.lay([Laid(ink, HEIGHT - 5, 200)])
    np.testing.assert_array_equal(canvas.texture(), before)
    assert canvas.lay([Laid(ink, 100, 111 + APART)])
    np.testing.assert_array_equal(canvas.texture()[100:110, 111 + APART : 121 + APART], 255)


def test_pieces_hang_together_over_a_gap() -> None:
    alpha = np.zeros((60, 60), np.uint8)
    alpha[10:20, 10:20] = alpha[10:20, 22:32] = 255
    alpha[40:50, 10:20] = 30
    assert len(pieces(alpha)) == 3
    assert len(pieces(alpha, least=INK)) == 2
    (one,) = pieces(alpha, least=INK, gap=2)
    assert one.inside.sum() == 200
