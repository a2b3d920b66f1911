"""Refining latents: on a linear decoder against algebra, on the bundled model with designs that it has not seen."""

import numpy as np
import pytest
from numpy.typing import NDArray

import minifaces
from ldraw_fixtures import bundled
from minifaces import UsageError
from minifaces.evaluate.similarity import psnr
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import fixed_draws
from minifaces.ldraw.prints import Prints
from minifaces.ldraw.stages import load_stages
from minifaces.studio.model import Model
from minifaces.studio.refine import PULL, objective, refine, weights

__all__ = ["bundled"]  # a fixture


@pytest.fixture(scope="module")
def model() -> Model:
    return minifaces.load()


@pytest.fixture(scope="module")
def unseen(model: Model, bundled: Prints) -> NDArray[np.uint8]:
    """Two faces of the test split, one in each stage: each takes some thousand decodes."""
    designs = bundled.of_split("test")[::20]
    faces, _ = compose(
        bundled, load_stages(model.image_size, "test", limit=2), fixed_draws(bundled, designs, np.arange(2))
    )
    return faces


@pytest.fixture(scope="module")
def stages_of_refining(model: Model, unseen: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """The encoder's latents, and those after one and two steps."""
    encoded = model.encode(unseen)
    return [model.refine(unseen, encoded, steps) for steps in (0, 1, 2)]


def test_one_step_on_a_linear_decoder_is_the_best_latent() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.normal(0, 0.1, (5, 3 * 6 * 6)).astype(np.float32)
    target, start = rng.random((3, 6, 6)).astype(np.float32), rng.normal(size=5).astype(np.float32)
    refined = refine(target, start, lambda z: (z @ matrix).reshape(-1, 3, 6, 6), 1)
    weight = np.broadcast_to(weights(6, 6), target.shape).ravel() / target.size
    slope = (matrix * weight) @ (target.ravel() - start @ matrix)
    best = start + np.linalg.solve((matrix * weight) @ matrix.T + PULL * np.eye(5), slope)
    np.testing.assert_allclose(refined, best, atol=1e-3)


def test_a_decoder_that_cannot_do_better_leaves_the_latent() -> None:
    start = np.ones(4, np.float32)
    refined = refine(np.ones((3, 4, 4), np.float32), start, lambda z: np.zeros((len(z), 3, 4, 4), np.float32), 3)
    np.testing.assert_array_equal(refined, start)


def test_the_middle_weighs_most() -> None:
    weight = weights(8, 12)
    assert weight.shape == (8, 12)
    assert weight.mean() == pytest.approx(1)
    assert weight[4, 6] == weight.max() > 4 * weight[0, 0]


def test_refining_reproduces_unseen_faces_better(
    model: Model, unseen: NDArray[np.uint8], stages_of_refining: list[NDArray[np.float32]]
) -> None:
    before, once, twice = (psnr(unseen, model.decode(latents)) for latents in stages_of_refining)
    assert (once > before).all()
    assert (once - before).mean() > 0.7
    assert (twice - before).mean() > 0.9


def test_the_objective_never_rises(
    model: Model, unseen: NDArray[np.uint8], stages_of_refining: list[NDArray[np.float32]]
) -> None:
    start = stages_of_refining[0].astype(np.float64)
    for i, picture in enumerate(unseen):
        target = picture.transpose(2, 0, 1).astype(np.float32) / 255
        values = []
        for latents in stages_of_refining:
            face = model.decode(latents[i]).transpose(0, 3, 1, 2).astype(np.float32) / 255
            values.append(objective(target, face, latents[i][None] - start[i])[0])
        assert values[0] > values[1] >= values[2] - 1e-7


def test_a_refined_face_stays_near_and_likely(model: Model, stages_of_refining: list[NDArray[np.float32]]) -> None:
    encoded, _, refined = stages_of_refining
    assert np.linalg.norm(refined - encoded, axis=1).max() < 0.6 * np.linalg.norm(encoded, axis=1).mean()
    assert (model.mixture.log_density(refined) > model.mixture.threshold).all()


def test_refining_depends_on_nothing_else(
    model: Model, unseen: NDArray[np.uint8], stages_of_refining: list[NDArray[np.float32]]
) -> None:
    encoded, once, _ = stages_of_refining
    np.testing.assert_array_equal(model.refine(unseen[1:2], encoded[1:2], 1), once[1:2])


def test_the_latent_of_a_face_is_kept(model: Model) -> None:
    latents = model.sample_latents(1, seed=7)
    refined = model.refine(model.decode(latents), latents, 1)
    assert np.linalg.norm(refined - latents) < 0.3


def test_impossible_refining_is_refused(model: Model, unseen: NDArray[np.uint8]) -> None:
    for steps in (-1, 101):
        with pytest.raises(UsageError, match="steps"):
            model.refine(unseen[:1], steps=steps)
    with pytest.raises(UsageError, match="1 pictures and 2 latents"):
        model.refine(unseen[:1], np.zeros((2, model.latent_size)))
    with pytest.raises(UsageError, match="pictures"):
        model.refine(unseen[0])
    assert model.refine(unseen[:0]).shape == (0, model.latent_size)
