"""TensorBoard itself reads what is written for it."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from conftest import SHOWN, SIZE
from minifaces import Model
from minifaces.cli.main import run
from minifaces.dataset import write_dataset
from minifaces.vae import train
from minifaces.vae.board import Board
from minifaces.vae.config import preset
from minifaces.vae.runlog import Log


def test_tensorboard_reads_losses_sheets_and_gallery(toy: Model, tmp_path: Path) -> None:
    board = Board(tmp_path, 0)
    log = Log(tmp_path, active=True, first=0, every=2, board=board)
    for step in range(1, 5):
        log.write(step, {"loss": float(step)})
    sheet = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    board.sheet(4, sheet)
    log.write(6, {"loss": 9.0})  # a run that is broken off here goes on from step 4
    log.close()
    time.sleep(1.1)  # TensorBoard orders the files of a run by the second in which each began
    Board(tmp_path, 4).gallery(toy)

    folder = tmp_path / "tensorboard"
    events = EventAccumulator(str(folder)).Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(2, 1.5), (4, 3.5)]
    (image,) = events.Images("held-out faces")
    assert (image.step, image.width, image.height) == (4, 3, 2)

    config = text_format.Parse((folder / "projector_config.pbtxt").read_text(), ProjectorConfig())
    (gallery,) = config.embeddings
    latents = np.loadtxt(folder / gallery.tensor_path, delimiter="\t")
    assert np.allclose(latents, toy.gallery.latents, atol=1e-5)
    head, *rows = (folder / gallery.metadata_path).read_text().splitlines()
    assert head.split("\t") == ["name", "description", "split", "round", "straight"]
    assert [row.split("\t")[0] for row in rows] == [entry.name for entry in toy.gallery.entries]
    sprite = np.asarray(Image.open(folder / gallery.sprite.image_path).convert("RGB"))
    assert tuple(gallery.sprite.single_image_dim) == (SIZE, SIZE)
    assert sprite.shape == (6 * SIZE, 6 * SIZE, 3)
    assert SHOWN <= 36
    assert np.abs(sprite[:SIZE, SIZE : 2 * SIZE].astype(int) - toy.gallery.thumbnails[1]).max() <= 1


def test_a_run_that_goes_on_is_shown_on(tmp_path: Path) -> None:
    small = {"network.image_size": 32, "network.latent_size": 4, "network.widths": [8, 8], "optimiser.batch": 4}
    noise = np.random.default_rng(0).integers(0, 255, (24, 32, 32, 3), np.uint8)
    rows = [{"design": str(i), "split": "train" if i < 16 else "validation"} for i in range(24)]
    write_dataset(tmp_path / "faces", zip(noise, rows, strict=True))
    place = tmp_path / "training"
    begun = train.begin(preset("default", **small), str(tmp_path / "faces"), place, steps=2, threads=1)
    begun.train()  # nobody asked for a board yet
    train.resume(place, steps=4, threads=1).train(board=True)
    time.sleep(1.1)  # as above
    train.resume(place, steps=60, threads=1).train(board=True)
    events = EventAccumulator(str(place / "tensorboard")).Reload()
    sheets = [event.step for event in events.Images("held-out faces")]  # also of what is saved on the way
    assert sheets == sorted(set(sheets))
    assert sheets[0] > 2
    assert {4, 60} <= set(sheets)
    assert [event.step for event in events.Scalars("loss")] == [50]


@pytest.mark.parametrize("words", [["--data", "composed"], ["--resume"]])
def test_without_tensorboard_the_extra_is_named_before_the_work(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert run(["train", "--tensorboard", "-o", str(tmp_path / "model"), *words]) == 2
    told = capsys.readouterr().err
    assert "--tensorboard needs tensorboard: pip install 'minifaces[tensorboard]'" in told
    assert not (tmp_path / "model").exists()
