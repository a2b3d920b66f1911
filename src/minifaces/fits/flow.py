"""Fit the flow prior: a small network that carries noise to latents along straight lines.

Flow matching (Lipman et al. 2023) with the straight paths of rectified flow (Liu et al. 2023): at x_t = (1 - t) x_0 +
t x_1, with x_0 from N(0, I) and x_1 a latent, the network learns the mean of x_1 - x_0, told the latent's cluster or,
now and then, not. The studio runs it in numpy (minifaces.studio.flow), which also says what the clusters are for."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor

from minifaces.arrays import Floats
from minifaces.fits import latentnet
from minifaces.fits.shape import Fitted, Subject, Work, tensor_file
from minifaces.studio.folder import FLOW
from minifaces.studio.latentnet import coarse
from minifaces.vae.config import Config, Flow
from minifaces.vae.device import device
from minifaces.vae.training_data import ComposedFaces, Source

FILES = (FLOW,)
PASSES = 300  # over the latents, at most: a few pictures need no long fit, and would be learnt by heart
JITTER = 0.05  # of the standardised latents: a training face should not become a spike
FACES_A_CLUSTER = 100  # at least, on average
UNCONDITIONAL = 0.1  # share of the latents whose cluster is not told, for guidance


def work(config: Config, source: Source) -> Work:
    """What the mixture has not encoded yet, and what the network learns."""
    settings = config.flow
    if not _wanted(config, source):
        return Work()
    faces = min(settings.faces, source.faces)
    steps = _steps(settings, faces)
    ends = 2 * config.network.latent_size
    products = latentnet.products(steps, settings.batch, settings.width, settings.blocks, ends)
    return Work(max(0, faces - config.mixture.faces), products=products)


def fit(subject: Subject) -> Fitted:
    """Fit to the latents of training faces; no file where their parts are known (`minifaces.fits.parts`), and where the
    settings leave it out."""
    settings = subject.config.flow
    if not _wanted(subject.config, subject.source):
        return Fitted({})
    learnt = subject.learning(work(subject.config, subject.source).products)
    return Fitted({FLOW: tensor_file(fit_flow(subject.latents(settings.faces), settings, subject.seed, learnt))})


def _wanted(config: Config, source: Source) -> bool:
    return bool(config.flow.steps) and not (config.parts.steps and isinstance(source, ComposedFaces))


def _steps(settings: Flow, faces: float) -> int:
    return min(settings.steps, int(PASSES * faces) // settings.batch + 1)


def fit_flow(
    latents: Floats, settings: Flow, seed: int = 0, learnt: Callable[[float], None] = lambda _: None
) -> dict[str, NDArray[Any]]:
    """Fit to `latents` (n, d); -> the tensors of flow.safetensors, of the averaged weights. `learnt` as
    `latentnet.fit_network` tells it."""
    where = device()
    torch.manual_seed(seed)
    mean, scale = latents.mean(0), np.maximum(latents.std(0), 1e-6)
    standard = (latents - mean) / scale
    count = max(1, min(settings.clusters, len(latents) // FACES_A_CLUSTER))
    found = MiniBatchKMeans(count, random_state=seed % 2**32, batch_size=4096, n_init=3).fit(standard).labels_
    named, found = np.unique(found, return_inverse=True)  # a cluster without faces is none
    data, clusters = torch.from_numpy(standard).to(where), torch.from_numpy(found.astype(np.int64)).to(where)
    network = latentnet.LatentNetwork(latents.shape[1], settings.width, settings.blocks, len(named) + 1).to(where)

    def loss() -> Tensor:
        chosen = torch.randint(len(data), (settings.batch,), device=where)
        x1 = data[chosen] + JITTER * torch.randn(settings.batch, data.shape[1], device=where)
        x0, t = torch.randn_like(x1), torch.rand(settings.batch, 1, device=where)
        cluster = torch.where(torch.rand(settings.batch, device=where) < UNCONDITIONAL, len(named), clusters[chosen])
        velocity: Tensor = network(x0 * (1 - t) + x1 * t, cluster, t)
        return (velocity.float() - (x1 - x0)).square().mean()

    weights = latentnet.fit_network(network, _steps(settings, len(latents)), loss, learnt)
    return coarse({**weights, "mean": mean, "scale": scale, "shares": np.bincount(found) / len(found)})
