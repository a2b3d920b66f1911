"""Scenes of composed heads: that their truth is true, and that the networks that judge photos learn from them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from minifaces.instruments import train_finder, train_light
from minifaces.instruments.training_scenes import Batch, Sources, draw_batch, lit
from minifaces.ldraw.clutter import figure, shapes, texture
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.scenes import Cutouts, coverage, extent, ground, outline_box, sheet
from minifaces.ldraw.stages import Stages, load_stages


@pytest.fixture(scope="module")
def stages() -> Stages:
    return load_stages(128, "test")


@pytest.fixture(scope="module")
def batch(stages: Stages) -> Batch:
    return draw_batch(Sources(load_prints(), stages, None, "test"), 24, (96, 128), np.random.default_rng(0))


def test_the_outline_by_geometry_is_the_traced_one(stages: Stages) -> None:
    seen = 0
    for parameters, alpha in zip(stages.parameters, coverage(stages), strict=True):
        box = np.clip(outline_box(parameters, stages.size), 0, stages.size)
        if parameters.backdrop == "sweep":
            assert alpha.min() > 0.99
        else:
            assert np.abs(box - extent(alpha)).max() < 0.15
            seen += 1
    assert seen > 5


def test_a_turned_head_shows_its_print_where_the_yaw_says(stages: Stages) -> None:
    """The print's ink moves to the side that the face is turned to."""
    turns = np.array([-45.0, 0.0, 45.0], np.float32)
    middles = []
    for turn in turns:
        heads = Cutouts.make(load_prints(), stages, "test", 24, np.random.default_rng(1), np.full(24, turn, np.float32))
        bare = Cutouts.make(
            load_prints(), stages, "test", 24, np.random.default_rng(1), np.full(24, turn, np.float32), 1
        )
        assert np.abs(heads.yaw - turn).max() < 30
        assert (heads.face == 1).all()
        assert (bare.face == 0).all()
        ink = np.abs(heads.rgba[..., :3].astype(float) - bare.rgba[..., :3]).sum((0, 1, 3))
        middles.append((ink * np.arange(len(ink))).sum() / ink.sum())
    assert middles[0] + 8 < middles[1] < middles[2] - 8


def test_the_boxes_of_a_sheet_are_where_its_heads_are(stages: Stages) -> None:
    rng = np.random.default_rng(2)
    heads = Cutouts.make(load_prints(), stages, "test", 4, rng)
    scene = sheet(heads, [[0, 1], [2, 3]], 200, rng, gap=0.1, margin=0.1)
    assert scene.boxes.shape == (4, 4)
    empty = replace(heads, rgba=np.zeros_like(heads.rgba))
    without = sheet(empty, [[0, 1], [2, 3]], 200, np.random.default_rng(3), gap=0.1, margin=0.1, uneven=0)
    with_heads = sheet(heads, [[0, 1], [2, 3]], 200, np.random.default_rng(3), gap=0.1, margin=0.1, uneven=0)
    apart = np.abs(with_heads.picture.astype(int) - without.picture).max(-1) > 8
    for x0, y0, x1, y1 in with_heads.boxes.round().astype(int):
        inside = apart[y0:y1, x0:x1]
        assert inside.mean() > 0.6
        assert inside[:, 0].any() or inside[:, 1].any()
        apart[max(0, y0 - 1) : y1 + 1, max(0, x0 - 1) : x1 + 1] = False
    assert not apart.any()


def test_cells_tell_the_boxes(batch: Batch) -> None:
    mine = batch.core == 1
    assert 0.02 < mine.mean() < 0.5
    assert (batch.sides[mine].reshape(-1, 2, 2).sum(1) > 4).all()  # every box has an extent in x and in y
    mirrored = batch.mirrored()
    assert (mirrored.pictures[:, :, ::-1] == batch.pictures).all()
    assert (mirrored.mirrored().sides == batch.sides).all()
    known = np.isfinite(batch.angle[..., 0]) & mine
    assert np.allclose(mirrored.angle[:, :, ::-1][known][:, 0], -batch.angle[known][:, 0])


def test_clutter_and_grounds_are_pictures_of_the_asked_size(stages: Stages) -> None:
    rng = np.random.default_rng(4)
    heads = Cutouts.make(load_prints(), stages, "test", 1, rng)
    for _ in range(12):
        for picture in (figure(heads, 0, 64, 48, rng), shapes(64, 48, rng), texture(64, 48, rng), ground(64, 48, rng)):
            assert picture.shape == (64, 48, 3)
            assert picture.dtype == np.uint8


def test_light_is_light() -> None:
    grey = np.full((2, 2, 3), 100, np.uint8)
    assert (lit(grey, 0.0, np.zeros(2)) == grey).all()
    assert lit(grey, 1.0, np.zeros(2)).mean() > 130
    assert lit(grey, -2.0, np.zeros(2)).mean() < 60
    warm = lit(grey, 0.0, np.array([0.3, -0.3]))[0, 0]
    assert warm[0] > warm[1] > warm[2]


def test_the_trainer_learns_and_its_export_is_the_network(batch: Batch, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = train_finder.FinderNetwork()
    adam = torch.optim.AdamW(network.parameters(), 2e-3)
    picture = torch.from_numpy(batch.pictures).permute(0, 3, 1, 2).float() / 255
    totals = []
    for _ in range(12):
        parts = train_finder.losses(network(picture), batch)
        assert set(parts) == {"core", "sides", "face", "yaw", "pitch"}
        loss = sum(parts.values(), torch.zeros(()))
        adam.zero_grad()
        loss.backward()
        adam.step()
        totals.append(float(loss.detach()))
    assert totals[-1] < 0.7 * totals[0]
    train_finder.export(network.eval(), tmp_path / "finder.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "finder.onnx", providers=["CPUExecutionProvider"])
    for height, width in ((96, 96), (32, 160)):
        some = torch.rand(3, 3, height, width)
        (cells,) = session.run(["cells"], {"picture": some.numpy()})
        assert cells.shape == (3, train_finder.OUTPUTS, height // 8, width // 8)
        with torch.no_grad():
            assert np.abs(cells - network(some).numpy()).max() < 0.05


def test_faces_in_known_light_teach_the_light_reader(stages: Stages, tmp_path: Path) -> None:
    torch.manual_seed(0)
    batch = train_light.draw_batch(load_prints(), stages, np.random.default_rng(0))
    assert batch.faces.shape == (train_light.FRAMES * train_light.LIGHTS, train_light.SIZE, train_light.SIZE, 3)
    assert len(batch.light) == len(batch.faces)
    levels = np.log(batch.faces.mean((1, 2, 3)) + 1)
    assert np.corrcoef(levels, batch.light[:, 0])[0, 1] > 0.7
    redder = np.log((batch.faces[..., 0].mean((1, 2)) + 1) / (batch.faces[..., 1].mean((1, 2)) + 1))
    assert np.corrcoef(redder, batch.light[:, 1])[0, 1] > 0.4
    network = train_light.LightNetwork()
    adam = torch.optim.AdamW(network.parameters(), 2e-3)
    some = slice(None, 64)  # learnt by heart sooner
    faces, truth = torch.from_numpy(batch.faces[some]).permute(0, 3, 1, 2) / 255, torch.from_numpy(batch.light[some])
    totals = []
    for _ in range(12):
        loss = torch.nn.functional.smooth_l1_loss(network(faces), truth)
        adam.zero_grad()
        loss.backward()
        adam.step()
        totals.append(float(loss.detach()))
    assert totals[-1] < 0.5 * totals[0]
    train_light.export(network.eval(), tmp_path / "light.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "light.onnx", providers=["CPUExecutionProvider"])
    with torch.no_grad():
        told = network(faces).numpy()
    assert np.abs(session.run(["light"], {"face": faces.numpy()})[0] - told).max() < 0.05
