"""Figures drawn around composed heads: that their truth is true, and that networks learn from them."""

import numpy as np
import pytest
import torch

from minifaces.instruments import train_places
from minifaces.instruments.convnets import planes
from minifaces.instruments.figure_scenes import CELL, FRESH, Scenes, stood
from minifaces.instruments.train_finder import FinderNetwork, take_over
from minifaces.ldraw.dressing import KINDS, draw_worn
from minifaces.ldraw.figures import draw_figure
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.scenes import Cutouts
from minifaces.ldraw.stages import Stages, load_stages


@pytest.fixture(scope="module")
def stages() -> Stages:
    return load_stages(128, "test")


@pytest.fixture(scope="module")
def scenes(stages: Stages) -> Scenes:
    return Scenes(load_prints(), stages, "test", 0, first=14)


def test_every_kind_of_headgear_leaves_the_face_free_unless_closed() -> None:
    rng = np.random.default_rng(0)
    for kind in KINDS:
        chin = [draw_worn(kind, 0.0, 8.0, rng).over[90:94, 76:85, 3].mean() for _ in range(8)]
        assert np.median(chin) < 0.05, kind
        if kind != "none":
            brow = [draw_worn(kind, 0.0, 8.0, rng, closed=True).over[58:66, 76:85, 3].mean() for _ in range(8)]
            assert np.median(brow) > 0.9, kind


def test_what_is_seen_of_a_head_is_its_own(stages: Stages) -> None:
    rng = np.random.default_rng(1)
    turned = np.array([0, 0, 0, 0, 170], np.float32)
    heads = Cutouts.make(load_prints(), stages, "test", 5, rng, turned)
    shares = []
    for i in range(5):
        figure = draw_figure(heads, i, rng, faceless=0.0)
        x0, y0, x1, y1 = figure.box.round().astype(int)
        head = figure.head[..., 3] > 200
        assert abs(head.sum(1)[y0:y1].max() - (x1 - x0)) <= 3
        assert not head[: y0 - 2].any()
        assert not head[y1 + 2 :].any()
        assert (figure.seen <= figure.head[..., 3].astype(int) + 1).all()
        shares.append(figure.seen.sum() / figure.head[..., 3].sum())
        assert figure.face == (1 if i < 4 else 0)
    assert min(shares) < 0.95  # something is worn
    assert [draw_figure(heads, 0, rng, faceless=1.0).face for _ in range(3)] == [0, 0, 0]


def test_a_figure_stands_where_it_is_told_to(scenes: Scenes) -> None:
    """The head's own pixels lie about the place, tilted as told."""
    figure = scenes.pool[0]._replace(rgba=scenes.pool[0].head)
    image, where = stood(figure, 50.0, 15.0, (70.0, 60.0), (128, 144))
    alpha = np.asarray(image)[..., 3].astype(float)
    y, x = np.mgrid[:128, :144] + 0.5
    assert abs((alpha * x).sum() / alpha.sum() - 70) < 2
    assert abs((alpha * y).sum() / alpha.sum() - 60) < 3
    assert where[2] == 50
    across = (x - 70) * np.cos(np.radians(15)) + (y - 60) * np.sin(np.radians(15))
    assert np.abs(across[alpha > 128]).max() < 28  # as wide as told along its own axis
    along = (y - 60) * np.cos(np.radians(15)) - (x - 70) * np.sin(np.radians(15))
    assert np.abs(across[(alpha > 128) & (along < -23)]).max() < 15  # the stud is on top


def test_cells_tell_where_heads_are(scenes: Scenes) -> None:
    rng = np.random.default_rng(2)
    batch = scenes.places(12, (128, 160), rng)
    mine = batch.core == 1
    assert mine.any()
    for i, row, column in np.argwhere(mine):
        x, y, wide, high, tilt = batch.place[i, row, column]
        assert np.hypot(x, y) <= max(wide / 2, CELL)
        assert 0.8 < high / wide < 1.6
        assert abs(tilt) <= 25
    mirrored = batch.mirrored()
    assert (mirrored.mirrored().place == batch.place).all()
    assert np.allclose(mirrored.place[:, :, ::-1][..., 0], -batch.place[..., 0])
    before = len(scenes.pool)
    scenes.refresh(rng)
    assert len(scenes.pool) == before + FRESH


def test_the_network_learns(scenes: Scenes) -> None:
    torch.manual_seed(0)
    batch = scenes.places(6, (64, 96), np.random.default_rng(4))
    network = FinderNetwork(train_places.PLACE)
    take_over(network, train_places.FINDER, batch.pictures)
    network.train()
    adam = torch.optim.AdamW(network.parameters(), 2e-3)
    totals = []
    for _ in range(8):
        loss = sum(train_places.losses(network(planes(batch.pictures)), batch).values(), torch.zeros(()))
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        totals.append(float(loss.detach()))
    assert totals[-1] < 0.8 * totals[0]


def test_a_network_begins_as_what_was_exported(scenes: Scenes) -> None:
    """Of the finder's layers all but the last are taken over: its features are the same."""
    pictures = scenes.places(2, (64, 96), np.random.default_rng(5)).pictures
    networks = [FinderNetwork(), FinderNetwork(train_places.PLACE)]
    for network in networks:
        take_over(network, train_places.FINDER, pictures)
    with torch.no_grad():
        ours, finders = (network.stem(planes(pictures)) for network in networks)
    assert torch.allclose(ours, finders)
    assert networks[0].tell.weight.shape != networks[1].tell.weight.shape
