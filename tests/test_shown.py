"""What the Python API gives shows itself in a notebook, and is a numpy array all the same."""

import base64
import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image

import minifaces
from conftest import LATENT, SIZE
from minifaces import Frames, Model, Pictures, UsageError
from minifaces.pictures import draw_map, grid, pairs, read_picture, snap_to_grid


def shown(thing: Any) -> dict[str, Any]:
    """By kind, what IPython takes to a notebook."""
    formats, _ = DisplayFormatter().format(thing)
    return formats


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_pictures_are_arrays(toy: Model) -> None:
    faces = toy.sample(4, seed=1)
    plain = np.asarray(faces)
    assert type(plain) is np.ndarray
    assert type(faces.max()) is np.uint8
    assert type(255 - faces) is np.ndarray
    assert type(faces.mean(axis=0)) is np.ndarray
    assert isinstance(faces, np.ndarray)
    assert np.array_equal(faces, plain)
    again = pickle.loads(pickle.dumps(faces))
    assert type(again) is Pictures
    assert np.array_equal(again, plain)
    assert np.array_equal(toy.encode(faces), toy.encode(plain))


def test_whatever_the_model_makes_of_faces_are_pictures(toy: Model) -> None:
    faces = toy.sample(3, seed=1)
    made = [faces, toy.reconstruct(faces), toy.avatar("Ada"), toy.avatars(["Ada", "Bob"]), toy.gallery.thumbnails]
    laid = [grid(faces), pairs(faces, faces), draw_map(faces, snap_to_grid([[0, 0], [1, 0], [0, 1]]), 64, None)]
    assert [type(each) for each in (*made, *laid)] == [Pictures] * 8
    assert type(toy.morph(np.eye(2, LATENT), steps=3)) is Frames


def test_a_notebook_shows_pictures_as_a_grid(toy: Model) -> None:
    faces = toy.sample(4, seed=1)
    formats = shown(faces)
    assert formats.keys() == {"text/plain", "image/jpeg"}
    assert formats["text/plain"] == f"Pictures (4, {SIZE}, {SIZE}, 3)"
    picture = np.asarray(opened(formats["image/jpeg"]))
    assert picture.shape == grid(faces).shape
    assert np.abs(picture.astype(int) - grid(faces)).mean() < 8  # a JPEG of very small faces
    assert opened(shown(faces[2])["image/jpeg"]).size == (SIZE, SIZE)


def test_a_notebook_shows_frames_moving(toy: Model) -> None:
    frames = toy.morph(toy.latent_of("random:1"), toy.latent_of("random:2"), steps=7)
    formats = shown(frames)
    assert formats.keys() == {"text/plain", "text/html"}
    held = re.search(r'src="data:image/webp;base64,([^"]+)"', formats["text/html"])
    assert held
    film = opened(base64.b64decode(held[1]))
    assert (film.n_frames, film.size, film.info["loop"]) == (7, (SIZE, SIZE), 0)
    assert shown(frames[3]).keys() == {"text/plain", "image/jpeg"}
    assert "text/html" in shown(frames[::2])


@pytest.mark.parametrize("cut", [(0, slice(None), slice(None), 1), (0, 0), (slice(0, 0),)])
def test_what_is_no_picture_any_more_is_shown_as_numbers(toy: Model, cut: tuple[Any, ...]) -> None:
    part = toy.sample(2, seed=1)[cut]
    assert shown(part) == {"text/plain": repr(part)}


def test_many_pictures_are_shown_small() -> None:
    many = np.zeros((200, 128, 128, 3), np.uint8).view(Pictures)
    assert max(opened(shown(many)["image/jpeg"]).size) == 1600


def test_pictures_are_saved_as_what_they_are(toy: Model, tmp_path: Path) -> None:
    faces = toy.sample(4, seed=1)
    faces.save(tmp_path / "grid.png")
    faces[0].save(tmp_path / "one.png")
    assert np.array_equal(read_picture(tmp_path / "grid.png"), grid(faces))
    assert np.array_equal(read_picture(tmp_path / "one.png"), faces[0])
    frames = toy.morph(toy.latent_of("random:1"), toy.latent_of("random:2"), steps=5)
    frames.save(tmp_path / "morph.gif")
    frames[2].save(tmp_path / "halfway.png")
    assert Image.open(tmp_path / "morph.gif").n_frames == 5
    assert np.array_equal(read_picture(tmp_path / "halfway.png"), frames[2])


class Notebook:
    """What `show` hands to a notebook."""

    kernel = None

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.given: list[Any] = []
        monkeypatch.setattr("IPython.get_ipython", lambda: self)
        monkeypatch.setattr("IPython.display.display", self.given.append)


def test_show_lays_out_and_moves(toy: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook(monkeypatch)
    faces = toy.sample(4, seed=1)
    minifaces.show(faces, columns=4, size=32)
    minifaces.show(list(np.asarray(faces)), captions=list("abcd"))
    minifaces.show(np.asarray(faces[0]))
    minifaces.show(faces, fps=2)
    minifaces.show(faces.view(Frames))
    still, captioned, one, moving, frames = notebook.given
    assert still.shape == (32, 4 * 32 + 3 * 4, 3)
    assert captioned.shape[0] > grid(faces).shape[0]
    assert one.shape == (SIZE, SIZE, 3)
    assert "data:image/webp" in moving.data
    assert "data:image/webp" in frames.data


def test_show_refuses_in_one_line(toy: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    faces = toy.sample(2, seed=1)
    with pytest.raises(UsageError, match=r"notebooks only: write a file, as faces.save\(\"faces.png\"\)"):
        minifaces.show(faces)
    Notebook(monkeypatch)
    for arguments in ({"pictures": 255.0 - faces}, {"size": 0}, {"columns": 0}, {"fps": 100}, {"captions": ["one"]}):
        with pytest.raises(UsageError):
            minifaces.show(**{"pictures": faces, **arguments})
