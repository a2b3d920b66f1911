"""Losses against values worked out by hand, and the fits that follow training."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from minifaces.errors import UsageError
from minifaces.fits.directions import directions
from minifaces.fits.flow import fit_flow
from minifaces.fits.latentnet import LatentNetwork
from minifaces.fits.mixture import fit_mixture
from minifaces.studio.flow import CLUSTER_STREAM, Flow
from minifaces.studio.generator import uniforms
from minifaces.studio.latentnet import coarse, whole
from minifaces.studio.mixture import Mixture
from minifaces.vae import losses
from minifaces.vae.config import PRESETS, Loss
from minifaces.vae.config import Flow as FlowSettings
from minifaces.vae.train import learning_rate


def test_divergence_of_known_gaussians() -> None:
    mean, log_variance = torch.zeros(3, 5), torch.zeros(3, 5)
    assert losses.divergence(mean, log_variance) == 0
    # KL(N(1, 4) || N(0, 1)) = (4 + 1 - 1 - ln 4) / 2 a dimension
    known = (4 + 1 - 1 - math.log(4)) / 2
    assert losses.divergence(mean + 1, log_variance + math.log(4)) == pytest.approx(5 * known, rel=1e-5)


def test_gradient_difference() -> None:
    true = torch.rand(2, 3, 8, 8)
    assert losses.gradient_difference(true + 0.25, true).abs().max() < 1e-6  # a constant has no gradient
    ramp = torch.arange(8.0).expand(2, 3, 8, 8)
    apart = losses.gradient_difference(true + ramp, true)[..., 1:-1]
    assert torch.allclose(apart, torch.ones_like(apart), atol=1e-5)  # (2 in x, 0 in y) / 2


def test_seed_loss_is_ten_thousand_mean_squared_errors_and_kl() -> None:
    true = torch.full((4, 3, 64, 64), 0.5)
    made, mean = true + 0.1, torch.ones(4, 200)
    parts = losses.total(PRESETS["seed"].loss, made, true, mean, torch.zeros(4, 200), torch.zeros(4, 1, 64, 64), 0)
    assert parts["loss"] == pytest.approx(1e4 * 0.01 + 100, rel=1e-5)


def test_calibrated_loss() -> None:
    true, mask = torch.rand(2, 3, 16, 16), torch.zeros(2, 1, 16, 16)
    mean = torch.ones(2, 4)

    def loss(error: float, progress: float = 1.0, mask: torch.Tensor = mask) -> dict[str, torch.Tensor]:
        return losses.total(Loss(gradient=0, similarity=0), true + error, true, mean, torch.zeros(2, 4), mask, progress)

    # with the best sigma the likelihood's term is 1/2 whatever the error, and KL counts per pixel value
    assert loss(0.1)["loss"] == pytest.approx(0.5 + 2 / 768, rel=1e-4)
    assert loss(0.3)["sigma"] == pytest.approx(0.3, rel=1e-4)
    assert loss(0.1, progress=0.05)["loss"] == pytest.approx(0.5 + 0.5 * 2 / 768, rel=1e-4)  # half warmed up
    # an error inside the print region weighs more
    print_ = mask.clone()
    print_[:, :, :8] = 1
    inside, outside = torch.zeros_like(true), torch.zeros_like(true)
    inside[:, :, :8], outside[:, :, 8:] = 0.1, 0.1
    sigma = [losses.total(Loss(), true + e, true, mean, mean, print_, 1)["sigma"].square() for e in (inside, outside)]
    assert sigma[0] / sigma[1] == pytest.approx(4, rel=1e-3)


def test_learning_rate() -> None:
    assert learning_rate(1e-3, "constant", 0, 0.9) == 1e-3
    assert learning_rate(1e-3, "cosine", 0, 0) == pytest.approx(1e-3 / 150)
    assert learning_rate(1e-3, "cosine", 1000, 0.5) == pytest.approx(1e-3)
    assert learning_rate(1e-3, "cosine", 9999, 1.0) == pytest.approx(1e-5)


def test_prior_finds_three_clusters_in_a_plane() -> None:
    rng = np.random.default_rng(0)
    plane = np.linalg.qr(rng.normal(size=(10, 2)))[0].T

    def draw(n: int) -> np.ndarray:
        centres = np.array([[8, 0], [-4, 7], [-4, -7]])
        inside = centres[rng.integers(0, 3, n)] + rng.normal(size=(n, 2))
        return (inside @ plane + rng.normal(0, 0.01, (n, 10)) + 5).astype(np.float32)

    tensors, scores = fit_mixture(draw(3000), draw(1000))
    assert len(tensors["basis"]) == 2
    assert max(scores, key=lambda c: scores[c]) >= 4  # of 1, 2, 4, 8, ...: not 1 or 2
    tensors = {k: v.astype(float) for k, v in tensors.items()}
    threshold = float(tensors.pop("threshold")[0])
    density = Mixture(threshold=threshold, **tensors).log_density(draw(2000))
    assert 0.98 < (density > threshold).mean() < 0.998  # the 1st percentile of held-out density
    assert Mixture(threshold=threshold, **tensors).log_density(np.full((1, 10), 5.0))[0] < threshold  # between them


def angle(one: np.ndarray, other: np.ndarray) -> float:
    """Between two vectors, in radians."""
    return float(np.arccos(one @ other / np.linalg.norm(one) / np.linalg.norm(other)))


def test_directions_tell_apart_what_goes_together() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    beard = (rng.random(n) < 0.5).astype(float)
    brows = np.where(rng.random(n) < 0.8, beard, 1 - beard)  # mostly with beards
    smile = (rng.random(n) < 0.4).astype(float)
    angry = np.where(smile > 0, 0, rng.random(n) < 0.8).astype(float)  # never with a smile
    true = rng.normal(size=(4, 12))
    z = np.stack([beard, brows, smile, angry], 1) @ true + rng.normal(0, 0.1, (n, 12))
    hidden = np.where(rng.random(n) < 0.1, np.nan, beard)
    turn = rng.normal(0.5, 1, n)
    z += turn[:, None] * true[0, ::-1]
    known = {"beard": hidden, "brows": brows, "smile": smile, "angry": angry, "turn": turn, "rare": np.eye(1, n)[0]}
    found = directions(z.astype(np.float32), known)
    assert set(found) == {"beard", "brows", "smile", "angry", "turn"}
    assert np.abs(found["turn"] - true[0, ::-1]).max() < 0.05  # a measure: 1 is a change by 1
    naive = z[brows == 1].mean(0) - z[brows == 0].mean(0)
    assert angle(found["brows"], true[1]) < 0.3 * angle(naive, true[1])
    assert angle(found["beard"], true[0]) < 0.15
    # making somebody smile takes the anger along
    assert angle(found["smile"], true[2] - true[3]) < angle(found["smile"], true[2])
    # as long as the change of the mean and one standard deviation more
    along = found["beard"] / np.linalg.norm(found["beard"])
    assert np.linalg.norm(found["beard"]) == pytest.approx(np.linalg.norm(true[0]) + (z @ along).std(), rel=0.1)


def test_lips_and_woman_do_not_take_each_others_step() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    lips = (rng.random(n) < 0.3).astype(float)
    female = np.where(rng.random(n) < 0.9, lips, 1 - lips)
    mouth, lashes = np.eye(12)[:2]
    z = lips[:, None] * mouth + female[:, None] * lashes + rng.normal(0, 0.1, (n, 12))
    found = directions(z.astype(np.float32), {"lips": lips, "female": female})
    for step in found.values():  # each brings both
        assert 0.6 < step[0] / step[1] < 1.6


def test_flow_learns_two_clusters_and_numpy_runs_it_as_torch_does(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    centres = np.array([[6.0, 1.0, 0.0], [-6.0, 1.0, 3.0]])
    latents = (centres[rng.integers(0, 2, 4000)] + rng.normal(0, 0.4, (4000, 3))).astype(np.float32)
    tensors = fit_flow(latents, FlowSettings(steps=700, batch=256, width=64, blocks=2))
    save_file(tensors, tmp_path / "flow.safetensors")
    fitted = Flow.load(tmp_path / "flow.safetensors")
    drawn = fitted.sample(500, seed=1)
    near = np.linalg.norm(drawn[:, None] - centres, axis=2)
    assert (near.min(1) < 2).mean() > 0.95
    assert 0.4 < (near[:, 0] < near[:, 1]).mean() < 0.6
    assert np.abs(fitted.sample(7, seed=1) - drawn[:7]).max() < 1e-9  # however many are asked for
    network = LatentNetwork(3, 64, 2, len(fitted.weights) + 1)
    tensors = fitted.velocity.layers.tensors | {"kinds": fitted.velocity.kinds}
    network.load_state_dict({k: torch.from_numpy(v.astype(np.float32)) for k, v in tensors.items()})
    kinds = np.arange(5)
    x = rng.normal(size=(5, 3))
    with torch.no_grad():
        expected = network(torch.from_numpy(x.astype(np.float32)), torch.from_numpy(kinds), torch.full((5, 1), 0.3))
    assert np.abs(fitted.velocity(x, kinds, 0.3) - expected.numpy()).max() < 1e-4


def test_matrices_of_a_flow_are_kept_to_half_a_unit() -> None:
    rng = np.random.default_rng(0)
    tensors = {"weight": rng.normal(size=(5, 40)).astype(np.float32), "bias": rng.normal(size=5).astype(np.float32)}
    stored = coarse(tensors)
    assert {name: value.dtype for name, value in stored.items()} == {
        "weight": np.int8,
        "weight.units": np.float32,
        "bias": np.float32,
    }
    kept = whole(stored)
    assert kept.keys() == tensors.keys()
    np.testing.assert_array_equal(kept["bias"], tensors["bias"])
    wrong = np.abs(kept["weight"] - tensors["weight"]).max(1)
    assert (wrong <= np.abs(tensors["weight"]).max(1) / 127 / 2 * 1.0001).all()
    assert (wrong > 0).all()


def test_kinds_of_a_flow_are_drawn_by_their_shares_and_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    centres = np.array([[6.0, 1.0, 0.0], [-6.0, 1.0, 3.0], [0.0, -8.0, 0.0]])
    which = rng.choice(3, 4000, p=[0.7, 0.2, 0.1])
    latents = (centres[which] + rng.normal(0, 0.4, (4000, 3))).astype(np.float32)
    settings = FlowSettings(steps=500, batch=256, width=64, blocks=1, clusters=3)
    save_file(fit_flow(latents, settings), tmp_path / "flow.st")
    fitted = Flow.load(tmp_path / "flow.st")
    np.testing.assert_allclose(sorted(fitted.weights), [0.1, 0.2, 0.7], atol=0.02)
    near = np.linalg.norm(fitted.sample(1000, seed=3)[:, None] - centres, axis=2).argmin(1)
    np.testing.assert_allclose(np.bincount(near) / 1000, [0.7, 0.2, 0.1], atol=0.05)
    kinds = np.searchsorted(np.cumsum(fitted.weights)[:-1], uniforms(3, 1000, 1, CLUSTER_STREAM)[:, 0], side="right")
    assert [len(set(near[kinds == kind])) for kind in range(3)] == [1, 1, 1]  # noise of one kind comes to one place


def test_kinds_that_do_not_fit_their_shares_are_told(tmp_path: Path) -> None:
    latents = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)
    tensors = fit_flow(latents, FlowSettings(steps=2, width=8, blocks=1, clusters=2))
    save_file(tensors | {"shares": np.ones(5, np.float32)}, tmp_path / "flow.safetensors")
    with pytest.raises(UsageError, match=r"flow\.safetensors is damaged: .*its kinds and their shares do not fit"):
        Flow.load(tmp_path / "flow.safetensors")


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": np.float32(0)},
        {"scale": np.float32(1)},
        {"mean": np.float32(0), "scale": np.float32(1)},
        {"scale": np.ones(1, np.float32)},
        {"mean": np.zeros((3, 1), np.float32), "scale": np.ones((3, 1), np.float32)},
        {"shares": np.float32(1)},
        {"shares": np.ones((2, 1), np.float32)},
        {"kinds": np.ones(3, np.float32), "kinds.units": None},
        {"kinds.units": np.float32(1)},
        {"leave.weight": np.ones((2, 8), np.float32), "leave.weight.units": None, "leave.bias": np.ones(1, np.float32)},
    ],
)
def test_tensors_of_other_shapes_are_no_flow(wrong: dict[str, np.ndarray | None], tmp_path: Path) -> None:
    latents = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)
    tensors = fit_flow(latents, FlowSettings(steps=2, width=8, blocks=1, clusters=2)) | wrong
    kept = {name: np.asarray(value) for name, value in tensors.items() if value is not None}
    save_file(kept, tmp_path / "flow.safetensors")
    with pytest.raises(UsageError, match=r"flow\.safetensors is damaged: it is not a flow") as error:
        Flow.load(tmp_path / "flow.safetensors")
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_flow_is_named(tmp_path: Path) -> None:
    save_file({"mean": np.zeros(3, np.float32), "scale": np.ones(3, np.float32)}, tmp_path / "flow.safetensors")
    with pytest.raises(UsageError, match=r"flow\.safetensors is damaged"):
        Flow.load(tmp_path / "flow.safetensors")


def test_dissimilarity_is_nothing_for_equals_and_weighs_faint_marks_by_their_contrast() -> None:
    dark = torch.full((1, 3, 32, 32), 0.1)
    marked = dark.clone()
    marked[..., 12:20, 12:20] = 0.2
    assert losses.dissimilarity(marked, marked) == pytest.approx(0, abs=1e-5)
    lost = losses.dissimilarity(dark, marked)
    assert lost > 0.1
    # the same difference costs less where there is strong contrast already
    busy = (torch.arange(32) % 2).float().expand(1, 3, 32, 32) * 0.7 + 0.1
    assert losses.dissimilarity(busy, busy + marked - dark) < lost / 2
