"""What TensorBoard shows of a training that was asked for it: losses, sheets of held-out faces and, of the finished
model, its gallery in the embedding projector.

Written by TensorBoard's own writer, which needs no TensorFlow."""

import warnings
from pathlib import Path

import numpy as np
import torch

from minifaces.arrays import Pixels
from minifaces.errors import MinifacesWarning
from minifaces.images import resized
from minifaces.studio.model import Model

FOLDER = "tensorboard"
_SPRITE = 8192  # pixels a side, the most that the projector takes


class Board:
    """Event files in `folder`/tensorboard, from a step on."""

    def __init__(self, folder: Path, first: int) -> None:
        from torch.utils.tensorboard import SummaryWriter  # slow to import

        self.writer = None
        try:
            self.writer = SummaryWriter(
                str(folder / FOLDER), purge_step=first + 1
            )  # a run that went on anew forgets what came later
        except UnicodeEncodeError:
            message = f"{folder} holds nothing for TensorBoard, which takes no name that is not UTF-8; log.jsonl does"
            warnings.warn(message, MinifacesWarning, stacklevel=3)

    def losses(self, step: int, values: dict[str, float]) -> None:
        if self.writer is not None:
            for name, value in values.items():
                self.writer.add_scalar(name, value, step)

    def sheet(self, step: int, picture: Pixels) -> None:
        """Held-out faces (H, W, 3) above, their reconstructions below."""
        if self.writer is not None:
            self.writer.add_image("held-out faces", picture, step, dataformats="HWC")

    def gallery(self, model: Model) -> None:
        """The model's gallery: latents, thumbnails, and what is known of each face."""
        if self.writer is None:
            return
        entries, attributes = model.gallery.entries, model.gallery.attributes
        rows = [
            [entry.name, " ".join(entry.description.split()), entry.split]
            + [str(entry.attributes.get(attribute, "")) for attribute in attributes]
            for entry in entries
        ]
        side = min(model.image_size, _SPRITE // int(np.ceil(np.sqrt(len(entries)))))
        faces = np.asarray(resized(model.gallery.thumbnails, side)).transpose(0, 3, 1, 2)
        self.writer.add_embedding(
            torch.from_numpy(model.gallery.latents),
            metadata=rows,
            metadata_header=["name", "description", "split", *attributes],
            label_img=torch.from_numpy(np.ascontiguousarray(faces)).float() / 255,
            tag="gallery",
        )

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
