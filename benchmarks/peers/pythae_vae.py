"""Pythae's VAE and trainer with the 2020 system's networks: the commands are those of peer.py.

Pythae leaves networks to its users. Its loss is half the summed squared error + KL; Adam, batches of 64, and the
learning rate of its own examples, 1e-3."""

import contextlib
import logging
import tempfile

import numpy as np
import peer
import pythae
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor, nn
from torch_vae import LATENT, decoder, encoder

BATCH = 64


class Encoder(BaseEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.mean, self.log_variance = encoder(), nn.Linear(4096, LATENT), nn.Linear(4096, LATENT)

    def forward(self, faces: Tensor) -> ModelOutput:
        hidden = self.body(faces)
        return ModelOutput(embedding=self.mean(hidden), log_covariance=self.log_variance(hidden))


class Decoder(BaseDecoder):
    def __init__(self) -> None:
        super().__init__()
        self.body = decoder()

    def forward(self, latents: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.body(latents))


class OverError(Exception):
    """The time is over: a trainer cannot be told to stop."""


class Watched(TrainingCallback):
    def __init__(self, watch: peer.Watch, model: VAE) -> None:
        self.watch, self.model, self.passes = watch, model, 0

    def on_epoch_end(self, *_: object, **__: object) -> None:
        def made(faces: np.ndarray) -> np.ndarray:
            self.model.eval()
            with torch.no_grad():
                parts = [self.model.reconstruct(part) for part in planes(faces).split(BATCH)]
            self.model.train()
            return torch.cat(parts).permute(0, 2, 3, 1).numpy()

        self.passes += 1
        if self.watch.passed(self.passes, made):
            raise OverError


def planes(faces: np.ndarray) -> Tensor:
    return torch.from_numpy(faces).permute(0, 3, 1, 2).contiguous()


def trainer(model: VAE, faces: Tensor, folder: str, callbacks: list[TrainingCallback]) -> BaseTrainer:
    logging.disable(logging.INFO)
    settings = BaseTrainerConfig(
        output_dir=folder, num_epochs=10_000, per_device_train_batch_size=BATCH, learning_rate=1e-3, no_cuda=True
    )
    return BaseTrainer(
        model, BaseDataset(faces, torch.zeros(len(faces))), training_config=settings, callbacks=callbacks
    )


def network() -> VAE:
    return VAE(VAEConfig((3, 64, 64), LATENT), Encoder(), Decoder())


def train(faces: np.ndarray, watch: peer.Watch) -> None:
    model = network()
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(OverError):
        trainer(model, planes(faces), folder, [Watched(watch, model)]).train()


def works(spec: peer.Spec) -> peer.Works:
    pictures, latents = (torch.from_numpy(rows) for rows in peer.rows(spec))
    pictures = pictures.permute(0, 3, 1, 2).contiguous()
    model = network().eval()
    with tempfile.TemporaryDirectory() as folder:
        learning = trainer(network(), pictures, folder, [])
        learning.prepare_training()

    def embed(faces: Tensor) -> None:
        with torch.no_grad():
            model.embed(faces)

    def decode(rows: Tensor) -> None:
        with torch.no_grad():
            model.decoder(rows)

    found: peer.Works = {"train": (BATCH, lambda: learning.train_step(1))}  # a pass of a single batch
    for count in (1, 64):
        found[f"encode {count}"] = (count, lambda count=count: embed(pictures[:count]))
        found[f"decode {count}"] = (count, lambda count=count: decode(latents[:count]))
    return found


if __name__ == "__main__":
    peer.main(train, works, lambda: None, f"Pythae {pythae.__version__ if hasattr(pythae, '__version__') else '0.1.2'}")
