"""Edits that replace: the file, what it does to a latent, and the pairs of faces that it is learnt from."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import minifaces
from minifaces.errors import UsageError
from minifaces.ldraw.compose import compose, draw_faces
from minifaces.studio.replacements import Replacements
from minifaces.vae import pairs
from minifaces.vae.config import preset
from minifaces.vae.faces import ComposedFaces
from minifaces.vae.truths import NAMES, labels

CENTRE = np.array([1, 0, 0], np.float32)
READS, WRITES = np.array([[1, 0, 0]], np.float32), np.array([[-1, 0, 2]], np.float32)


@pytest.fixture(scope="module")
def source() -> ComposedFaces:
    return ComposedFaces(preset("default", **{"network.image_size": 32}))


def test_what_is_replaced_goes_once_and_with_more_of_it_only(tmp_path: Path) -> None:
    file = tmp_path / "replacements.safetensors"
    save_file({"centre": CENTRE, "reads.hat": READS.astype(np.float16), "writes.hat": WRITES}, file)
    found = Replacements.load(file, 3)
    z = np.array([[3, 5, 7], [1, 0, 0]], np.float32)  # the first reads 2, the second nothing
    for amount, share in ((0.5, 0.5), (1, 1), (2.5, 1), (-1, 0), (0, 0)):
        np.testing.assert_allclose(found.change(z, "hat", amount), share * np.array([[-2, 0, 4], [0, 0, 0]]))
    assert not found.change(z, "scarf", 1.0).any()


@pytest.mark.parametrize(
    "tensors",
    [
        {"reads.hat": READS, "writes.hat": WRITES},
        {"centre": CENTRE, "reads.hat": READS},
        {"centre": CENTRE, "reads.hat": READS, "writes.hat": np.zeros((2, 3), np.float32)},
        {"centre": CENTRE, "reads.hat": READS[:, :2], "writes.hat": WRITES[:, :2]},
        {"centre": CENTRE, "reads.hat": READS[0], "writes.hat": WRITES[0]},
    ],
)
def test_what_holds_no_replacements_is_named(tensors: dict[str, np.ndarray], tmp_path: Path) -> None:
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, tmp_path / "r.safetensors")
    with pytest.raises(UsageError, match=r"r\.safetensors is damaged: it holds no replacements for latents of 3"):
        Replacements.load(tmp_path / "r.safetensors", 3)


def test_the_bundled_model_replaces_and_steps() -> None:
    model = minifaces.load()
    assert model.replacements is not None
    z = model.gallery.latents[:2]
    more, less = model.edit(z, {"lips": 2}) - z, model.edit(z, {"lips": -2}) - z
    step = 2 * model.directions["lips"]
    np.testing.assert_allclose(less, np.stack([-step, -step]), atol=1e-5)
    np.testing.assert_allclose(more - step, model.replacements.change(z, "lips", 1.0), atol=1e-5)
    assert np.abs(more[0] - more[1]).max() > 0.1  # each face loses its own mouth


def test_a_pair_differs_by_the_half_that_gives_way(source: ComposedFaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "PAIRS", 60)
    rng = np.random.default_rng(0)
    base = draw_faces(source.prints, source.stages, "train", 600, rng, pairs.JOINED)
    faces = compose(source.prints, source.stages, base)[0].astype(int)
    for name, which, changed in pairs._changes(source, base, rng):
        assert len(which) == len(changed) > 20, name
        apart = np.abs(compose(source.prints, source.stages, changed)[0] - faces[which]).sum(3)
        if name not in pairs.HALVES:
            assert (apart.max((1, 2)) > 0).all()
            continue
        half, column = pairs.HALVES[name], NAMES.index(name)
        kept = ("lower", "upper")[half]
        np.testing.assert_array_equal(getattr(changed, kept), getattr(base, kept)[which])
        np.testing.assert_array_equal(changed.turned[:, 1 - half], base.turned[which, 1 - half])
        now = labels(source.prints, changed)[:, column]
        assert (now[np.isfinite(now)] == 1).all()
        assert (labels(source.prints, base)[which, column] == 0).all()
        joined = base.upper[which] == base.lower[which]  # of others the seam may move
        eyes, mouth, chin = (apart[joined, rows].mean() for rows in (slice(13), slice(18, 24), slice(26, None)))
        assert (mouth > 10 * eyes) if half else (eyes > 4 * chin), name


def test_a_linear_map_of_pixels_learns_to_paint_heads(source: ComposedFaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "BASE", 900)
    monkeypatch.setattr(pairs, "PAIRS", 400)
    monkeypatch.setattr(pairs, "RIDGE", 1e-3)

    def encode(faces: np.ndarray) -> np.ndarray:  # colours of the cheeks and of the background
        return faces[:, [16, 16, 2], [8, 23, 2]].reshape(len(faces), 9).astype(np.float32) / 255

    centre, learnt = pairs.replacements(source, encode)
    painted = learnt["yellow_head"]
    assert painted.step.shape == centre.shape == (9,)
    base = draw_faces(source.prints, source.stages, "train", 200, np.random.default_rng(9), 0.0)
    before = encode(compose(source.prints, source.stages, base)[0])
    moved = painted.step / pairs.EMPHASIS + (before - centre) @ painted.reads.T @ painted.writes
    yellow = np.median(before[base.head_code == 14][:, :3], axis=0)
    others = base.head_code != 14
    apart = [np.median(np.abs(z[others, :3] - yellow).sum(1)) for z in (before, before + moved)]
    assert apart[1] < 0.5 * apart[0]
    assert np.abs(moved[:, 6:]).max() < 0.1  # the background stays
