"""What a seed means: the published algorithm, the normal distribution, and the vectors that the page is held to."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minifaces import UsageError
from minifaces.studio.generator import LARGEST_SEED, avatar_seed, normals, rounded, uniforms

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "generator.json").read_text())
seeds = st.integers(0, LARGEST_SEED)


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x64-10 as in the paper, in whole numbers without end."""
    word, (low, high) = 2**64, key
    for _ in range(10):
        a, c = counter[0] * 0xD2E7470EE14C6C93, counter[2] * 0xCA5A826395121157
        counter = [(c >> 64) ^ counter[1] ^ low, c % word, (a >> 64) ^ counter[3] ^ high, a % word]
        low, high = (low + 0x9E3779B97F4A7C15) % word, (high + 0xBB67AE8584CAA73B) % word
    return counter


def test_the_reference_is_the_papers() -> None:
    """The known answers that come with the authors' Random123."""
    assert philox([0] * 4, [0] * 2)[0] == 0x16554D9ECA36314C
    ones = 2**64 - 1
    assert philox([ones] * 4, [ones] * 2)[0] == 0x87B092C3013FE90B


@given(seed=seeds, face=st.integers(0, 5), stream=st.integers(0, 3), size=st.integers(1, 9))
def test_normals_are_as_documented(seed: int, face: int, stream: int, size: int) -> None:
    key = [seed % 2**64, seed // 2**64]
    words = [word for block in (1, 2, 3) for word in philox([block, face, stream, 0], key)]
    found = normals(seed, face + 1, size, stream)[face]
    for pair in range(0, size, 2):
        u, v = ((word >> 11) / 2**53 for word in words[pair : pair + 2])
        radius = np.sqrt(-2 * np.log(u + 2.0**-53))
        expected = radius * np.array([np.cos(2 * np.pi * v), np.sin(2 * np.pi * v)])
        assert np.abs(found[pair : pair + 2] - expected[: size - pair]).max() <= 2**-17 + 1e-12
    assert (found * 2**16 == np.rint(found * 2**16)).all()


@given(seed=seeds)
def test_uniforms_are_the_upper_bits_of_the_first_word(seed: int) -> None:
    expected = [philox([1, face, 2, 0], [seed % 2**64, seed // 2**64])[0] >> 11 for face in range(3)]
    assert (uniforms(seed, 3, 1, stream=2)[:, 0] * 2**53).tolist() == expected


def test_noise_is_normal_and_faces_and_streams_are_independent() -> None:
    noise = normals(3, 400, 100)
    assert stats.kstest(noise.ravel(), "norm").pvalue > 0.01
    others = [noise[1:], normals(4, 399, 100), normals(3, 399, 100, stream=1)]
    assert all(abs(np.corrcoef(noise[:-1].ravel(), other.ravel())[0, 1]) < 0.02 for other in others)
    assert stats.kstest(uniforms(3, 5000, 1, 2)[:, 0], "uniform").pvalue > 0.01


def test_the_first_faces_of_a_seed_are_the_same_however_many() -> None:
    np.testing.assert_array_equal(normals(7, 30, 5)[:3], normals(7, 3, 5))
    np.testing.assert_array_equal(normals(7, 3, 7)[:, :6], normals(7, 3, 6))


@pytest.mark.parametrize("case", VECTORS["noise"], ids=lambda case: f"{case['seed']}-{case['stream']}-{case['face']}")
def test_vectors_of_noise(case: dict[str, Any]) -> None:
    found = normals(int(case["seed"]), case["face"] + 1, case["size"], case["stream"])[case["face"]]
    assert found.tolist() == case["normals"]


@pytest.mark.parametrize("case", VECTORS["avatars"], ids=lambda case: repr(case["text"][:20]))
def test_vectors_of_avatars(case: dict[str, Any]) -> None:
    assert avatar_seed(case["text"]) == int(case["seed"])


def test_an_avatars_seed_is_half_a_sha256_of_composed_text() -> None:
    digest = hashlib.sha256("Zo\u00eb".encode()).hexdigest()
    assert avatar_seed("Zoe\u0308") == int(digest[:32], 16)


@given(text=st.text(st.characters(), max_size=20))
def test_any_text_has_a_seed(text: str) -> None:
    assert 0 <= avatar_seed(text) <= LARGEST_SEED


def test_halves_are_rounded_upwards() -> None:
    assert rounded(np.array([-1.5, -0.5, 0.5, 0.4]), 1.0).tolist() == [-1, 0, 1, 0]


@pytest.mark.parametrize("seed", [-1, 2**128])
def test_seeds_have_bounds(seed: int) -> None:
    with pytest.raises(UsageError, match="seed"):
        normals(seed, 1, 1)
