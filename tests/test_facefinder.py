"""Photos of figures: their faces are found, chosen, framed upright and told of."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minifaces import UsageError, facefinder
from minifaces.arrays import Pixels
from minifaces.cli.main import run
from minifaces.evaluate.testset import composed
from minifaces.facefinder import Found, bare_face, described, find_faces, frame, read_face
from minifaces.images import save_picture, square
from minifaces.instruments.figure_scenes import stood
from minifaces.ldraw.draws import fixed_draws
from minifaces.ldraw.figures import draw_figure
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.scenes import Cutouts
from minifaces.ldraw.stages import load_stages
from minifaces.smallnets import overlap


@pytest.fixture(scope="module")
def heads() -> Cutouts:
    """Classic faces from the front, on stages that no training saw."""
    prints, stages = load_prints(), load_stages(128, "test")
    plain = [i for i, p in enumerate(stages.parameters) if p.backdrop != "sweep" and abs(p.yaw) < 8 and p.pitch < 15]
    designs = np.array([i for i, d in enumerate(prints.designs) if d.split == "test"][:4])
    draws = fixed_draws(prints, designs, np.array(plain[:1] * 4))
    return Cutouts.of(prints, stages, draws, np.zeros(4, np.float32))


def photo(heads: Cutouts, places: list[tuple[float, float, float, float]], seed: int = 5) -> Pixels:
    """Bare-headed or dressed figures at (x, y, width of the head, tilt) before grey."""
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", (480, 320), (150, 150, 155))
    for i, (x, y, wide, tilt) in enumerate(places):
        image, _ = stood(draw_figure(heads, i, rng, faceless=0.0), wide, tilt, (x, y), (320, 480))
        picture.paste(image, (0, 0), image)
    return np.asarray(picture)


def test_faces_are_found_where_they_are(heads: Cutouts) -> None:
    places = [(110.0, 110.0, 60.0, 0.0), (340.0, 130.0, 80.0, 12.0)]
    found = find_faces(photo(heads, places))
    assert len(found) == 2
    for (x, y, wide, tilt), face in zip(reversed(places), found, strict=True):  # the larger one first
        assert overlap(face.box, Found(x, y, wide, 1.1 * wide, tilt, 1.0).box) > 0.5
        assert abs(face.tilt - tilt) < 8
        assert face.sure > 0.5


def test_nothing_is_found_where_no_figure_is() -> None:
    rng = np.random.default_rng(0)
    for picture in (np.full((90, 200, 3), 255, np.uint8), rng.integers(0, 255, (100, 100, 3)).astype(np.uint8)):
        assert find_faces(picture) == []
        read = read_face(picture, 32)
        np.testing.assert_array_equal(read.picture, square(picture, 32))
        assert (read.faces, read.chosen) == ([], None)
        assert described(read) == "no face was found: taken as it is"


def test_one_of_several_faces_is_taken(heads: Cutouts) -> None:
    picture = photo(heads, [(110.0, 110.0, 60.0, 0.0), (340.0, 130.0, 80.0, 0.0)])
    first, second = read_face(picture, 64), read_face(picture, 64, 2)
    assert (first.chosen, second.chosen) == (0, 1)
    assert first.faces == second.faces
    np.testing.assert_array_equal(second.picture, bare_face(picture, first.faces[1], 64))
    assert "face 2 of 2" in described(second)
    np.testing.assert_array_equal(read_face(picture, 64, 0).picture, square(picture, 64))
    with pytest.raises(UsageError, match="face 3 is asked for, and 2 faces found"):
        read_face(picture, 64, 3)
    with pytest.raises(UsageError, match="the number of a face"):
        read_face(picture, 64, -1)


def test_a_bare_head_in_its_frame_stays_as_it_is() -> None:
    faces = composed(128, "test", 1, most=6)
    for picture in faces.pictures:
        np.testing.assert_array_equal(read_face(picture, 128).picture, picture)


def test_a_tilted_head_is_framed_upright() -> None:
    """A bar across the middle of a picture, seen at an angle, lies level in the frame."""
    picture = Image.new("RGB", (300, 300), "white")
    bar = Image.new("RGB", (120, 20), "black")
    picture.paste(bar, (90, 140))
    tilted = np.asarray(picture.rotate(-15, Image.Resampling.BICUBIC, fillcolor="white"))  # clockwise
    framed = frame(tilted, Found(150.0, 150.0, 120.0, 130.0, 15.0, 1.0), 100)
    level = frame(np.asarray(picture), Found(150.0, 150.0, 120.0, 130.0, 0.0, 1.0), 100)
    assert np.abs(framed.astype(int) - level).mean() < 6
    dark = (framed.mean(-1) < 128).any(1)
    assert 12 <= dark.sum() <= 17


def test_the_border_goes_on_where_a_head_is_cut_off() -> None:
    picture = np.full((40, 40, 3), (10, 200, 30), np.uint8)
    framed = frame(picture, Found(0.0, 0.0, 50.0, 50.0, 10.0, 1.0), 32)
    assert (framed == (10, 200, 30)).all()


def test_heads_that_are_one_are_told_once() -> None:
    one, same, other = (Found(x, 50.0, 40.0, 44.0, 0.0, s) for x, s in ((50.0, 0.8), (55.0, 0.9), (150.0, 0.7)))
    assert facefinder._apart([one, same, other], 0.5) == [same, other]
    assert facefinder._apart([one, same, other], 0.85) == [same]


def test_the_command_line_tells_which_face_it_takes(
    heads: Cutouts, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    two, output = str(tmp_path / "two.png"), str(tmp_path / "out.png")
    save_picture(two, photo(heads, [(110.0, 110.0, 60.0, 0.0), (340.0, 130.0, 80.0, 0.0)]))
    assert run(["reconstruct", two, "--face", "2", "-o", output]) == 0
    assert "face 2 of 2" in capfd.readouterr().err
    assert run(["neighbours", two, "--face", "9"]) == 2
    assert "face 9 is asked for, and 2 faces found" in capfd.readouterr().err
