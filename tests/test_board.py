"""TensorBoard itself reads what is written for it."""

import time
from pathlib import Path

import numpy as np
from google.protobuf import text_format
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from conftest import SHOWN, SIZE
from minifaces import Model
from minifaces.vae.board import Board
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
