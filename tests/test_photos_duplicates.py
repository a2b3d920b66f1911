"""Repeated faces: what is found again, and what is not taken for it."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import fixed_draws
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.stages import load_stages
from minifaces.photos.duplicates import ALIKE, NEAR, Index, hash_of, print_similarity

Pictures = NDArray[np.uint8]


@pytest.fixture(scope="module")
def faces() -> Pictures:
    """Twenty test designs of different groups on one stage in one colour."""
    prints = load_prints()
    groups: dict[str, int] = {}
    for i in prints.of_split("test"):
        groups.setdefault(prints.designs[i].group, int(i))
    designs = np.array(list(groups.values())[:20])
    draws = fixed_draws(prints, designs, np.full(20, 3), codes=np.full(20, 14))
    return compose(prints, load_stages(128, "test"), draws)[0]


def again(face: Pictures) -> Pictures:
    """The face as it is met elsewhere: small, compressed, a little lighter."""
    file = io.BytesIO()
    Image.fromarray(face).resize((90, 90)).save(file, "JPEG", quality=70)
    met = np.asarray(Image.open(file).resize(face.shape[:2])).astype(float)
    return np.clip(met * 1.05 + 2, 0, 255).astype(np.uint8)


def test_a_repeated_face_is_alike_and_others_are_not(faces: Pictures) -> None:
    for i, face in enumerate(faces):
        met = again(face)
        assert (hash_of(face) ^ hash_of(met)).bit_count() <= NEAR
        assert print_similarity(face, met) >= ALIKE
        others = [print_similarity(face, other) for j, other in enumerate(faces) if j != i]
        assert max(others) < ALIKE


def test_the_similarity_is_symmetric_and_one_for_the_same(faces: Pictures) -> None:
    assert print_similarity(faces[0], faces[0]) == pytest.approx(1)
    assert print_similarity(faces[0], faces[1]) == pytest.approx(print_similarity(faces[1], faces[0]), abs=0.05)
    blue = faces[0][..., ::-1].copy()
    assert print_similarity(faces[0], blue) < ALIKE  # the same print on a head of another colour


def test_the_index_names_what_is_repeated(faces: Pictures) -> None:
    shelf: dict[str, Pictures] = {}
    index = Index(shelf.__getitem__)
    for i, face in enumerate([*faces, *map(again, faces)]):
        shelf[str(i)] = face
        found = index.add(str(i), hash_of(face), face if i % 2 else None)
        assert found == (None if i < len(faces) else str(i - len(faces)))
    assert len(index) == 2 * len(faces)


def test_without_faces_near_hashes_decide() -> None:
    index = Index()
    assert index.add("a", 0b1111) is None
    assert index.add("b", 0b1110) == "a"
    assert index.add("c", 2**64 - 1) is None


def test_what_is_remembered_is_not_looked_at(faces: Pictures) -> None:
    def load(key: str) -> Pictures:
        raise AssertionError(key)

    index = Index(load)
    for i in range(3000):  # past its first allocation
        index.remember(str(i), i << 40)
    assert len(index) == 3000
    known = Index({"a": faces[0]}.__getitem__)
    known.remember("a", hash_of(faces[0]))
    assert known.add("b", hash_of(faces[0]), faces[0]) == "a"


def test_any_shape_has_a_hash() -> None:
    for shape in ((1, 1, 3), (7, 300, 3), (16, 16, 3)):
        picture = np.full(shape, 90, np.uint8)
        assert 0 <= hash_of(picture) < 2**64
        assert print_similarity(picture, picture) == pytest.approx(1)
