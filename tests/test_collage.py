"""Collages: new textures from pieces of training prints."""

import numpy as np
import pytest

from minifaces.ldraw.collage import Pieces, collages
from minifaces.ldraw.prints import Prints, load_prints
from minifaces.vae.config import preset
from minifaces.vae.training_data import ComposedFaces


@pytest.fixture(scope="module")
def prints() -> Prints:
    return load_prints()


@pytest.fixture(scope="module")
def pieces(prints: Prints) -> Pieces:
    return Pieces(prints)


def test_the_pieces_of_a_print_are_apart_and_hold_its_ink(prints: Prints, pieces: Pieces) -> None:
    for i in range(0, len(prints), 40):
        ink = prints.colours[i, ..., 3] > 0
        seen = np.zeros(ink.shape, int)
        for piece in pieces.of[i]:
            seen[piece.box] += piece.inside
        assert seen.max() <= 1
        assert not seen[~ink].any()
        assert seen.sum() >= 0.97 * ink.sum()  # all but dust


def test_a_seed_gives_the_same_collages_and_another_seed_others(prints: Prints, pieces: Pieces) -> None:
    choice = prints.of_split("train")
    one, again, other = (collages(prints, pieces, choice, 6, np.random.default_rng(s)) for s in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any((1, 2, 3)).all()
    assert (one[..., 3] > 0).any((1, 2)).sum() >= 5  # nearly all have ink


def test_collages_are_new_and_made_of_the_chosen_prints_only(prints: Prints, pieces: Pieces) -> None:
    choice = prints.of_split("train")[:2]
    made = collages(prints, pieces, choice, 8, np.random.default_rng(0))
    own = prints.colours[choice]
    assert all((made[i] != texture).any() for i in range(len(made)) for texture in own)
    # Alpha is never recoloured: what a collage has of it, some chosen print has.
    assert np.isin(made[..., 3], own[..., 3]).all()


def test_training_faces_depend_on_seed_and_step_alone() -> None:
    config = preset(
        "default", **{"network.image_size": 32, "data.collaged": 0.9, "data.collages": 40, "data.photolike": 0.5}
    )
    source, fresh = ComposedFaces(config), ComposedFaces(config)
    first = source.batch(3, 499, 8)
    source.batch(3, 500, 8)  # another bank of collages
    for batch in (source.batch(3, 499, 8), fresh.batch(3, 499, 8)):
        assert (batch.faces == first.faces).all()
        assert (batch.shown == first.shown).all()
    assert (first.shown != first.faces).any((1, 2, 3)).any()
    assert (first.shown == first.faces).all((1, 2, 3)).any()
