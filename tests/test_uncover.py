"""A framed head is freed from what covers it, and what is printed on it stays."""

import numpy as np
import pytest

from minifaces.arrays import Pixels
from minifaces.evaluate.similarity import psnr
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import fixed_draws
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.scenes import coverage, extent
from minifaces.ldraw.stages import load_stages
from minifaces.photos.frame import cut_out
from minifaces.uncover import SIDE, outline, plain_colour, uncovered

YELLOW = (0.9, 0.55, 0.03)  # linear


@pytest.fixture(scope="module")
def faces() -> Pixels:
    """Yellow faces from the front in their frames."""
    prints, stages = load_prints(), load_stages(SIDE, "test")
    white = [i for i, p in enumerate(stages.parameters) if p.backdrop == "white" and abs(p.yaw) < 10 and p.pitch < 15]
    designs = np.array([i for i, d in enumerate(prints.designs) if d.kind == "yellow" and d.split == "train"][:8])
    draws = fixed_draws(prints, designs, np.full(8, white[0]), np.tile(np.array(YELLOW, np.float32), (8, 1)))
    box = extent(coverage(stages)[white[0]])
    return np.stack([cut_out(face, box, SIDE) for face in compose(prints, stages, draws)[0]])


def test_the_outline_is_that_of_a_head(faces: Pixels) -> None:
    head = faces[0].min(-1) < 200
    assert (head & (outline() > 0.5)).sum() > 0.9 * (head | (outline() > 0.5)).sum()


def test_a_bare_head_stays(faces: Pixels) -> None:
    inner = np.zeros((len(faces), SIDE, SIDE))
    inner[:, 44:100, 22:106] = 1  # within walls and chin
    bared = [uncovered(face) for face in faces]
    assert np.median([each.free for each in bared]) > 0.9
    assert np.median(psnr(faces, np.stack([each.picture for each in bared]), inner)) > 35


def test_hair_and_ground_are_taken_off_and_the_print_stays(faces: Pixels) -> None:
    head = outline() > 0.5
    kept = []
    for face in faces:
        covered = face.copy()
        covered[~head] = (40, 90, 160)
        covered[:46] = (60, 35, 20)
        covered[:80, :24] = (60, 35, 20)
        result = uncovered(covered)
        assert 0.4 < result.free < 0.85
        picture = result.picture.astype(int)
        assert (picture[~(outline() > 0)] == 255).all()
        gone = picture[28:42, 40:90]
        assert np.abs(gone - plain_colour(face.astype(np.float32))).mean() < 40
        middle = np.s_[56:100, 34:94]
        kept.append(np.abs(picture[middle] - face[middle]).mean())
    assert np.median(kept) < 6


def test_the_plain_colour_is_the_heads_and_not_the_prints(faces: Pixels) -> None:
    for face in faces:
        red, green, blue = plain_colour(face.astype(np.float32))
        assert red > 200
        assert 120 < green < 225
        assert blue < 90


def test_what_is_no_head_is_left_as_it_is() -> None:
    """Where the commonest colour is all about, too, nothing can be told apart."""
    for picture in (np.zeros((64, 64, 3), np.uint8), np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)):
        result = uncovered(picture)
        assert result.picture.shape == (64, 64, 3)
        assert 0 <= result.free <= 1


def test_a_print_that_fills_the_face_is_no_cover() -> None:
    prints, stages = load_prints(), load_stages(SIDE, "test")
    white = [i for i, p in enumerate(stages.parameters) if p.backdrop == "white" and abs(p.yaw) < 10 and p.pitch < 15]
    visor = [d.name for d in prints.designs].index("3626bpse/front")
    middle = np.s_[50:100, 40:88]
    for stage, box in ((i, extent(coverage(stages)[i])) for i in white):
        face = compose(prints, stages, fixed_draws(prints, np.array([visor]), np.array([stage])))[0][0]
        framed = cut_out(face, box, SIDE)
        assert uncovered(framed).picture[middle].std((0, 1)).mean() > 0.8 * framed[middle].std((0, 1)).mean() > 10
