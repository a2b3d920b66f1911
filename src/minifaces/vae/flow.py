"""Fit the flow prior: a small network that carries noise to latents along straight lines.

Flow matching (Lipman et al. 2023) with the straight paths of rectified flow (Liu et al. 2023): at x_t = (1 - t) x_0 +
t x_1, with x_0 from N(0, I) and x_1 a latent, the network learns the mean of x_1 - x_0, told the latent's kind or, now
and then, not. The studio runs it in numpy (minifaces.studio.flow), which also says what the kinds are for."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor

from minifaces.studio.latentnet import coarse
from minifaces.vae import latentnet
from minifaces.vae.config import FlowPrior

Floats = NDArray[np.float32]
Tensors = dict[str, NDArray[Any]]
PASSES = 300  # over the latents, at most: a few pictures need no long fit, and would be learnt by heart
JITTER = 0.05  # of the standardised latents: a training face should not become a spike
FACES_A_KIND = 100  # at least, on average
UNTOLD = 0.1  # share of the latents whose kind is not told


def fit(latents: Floats, config: FlowPrior, seed: int = 0) -> Tensors:
    """Fit to `latents` (n, d); -> the tensors of flow.safetensors, of the averaged weights."""
    device = latentnet.device()
    torch.manual_seed(seed)
    mean, scale = latents.mean(0), np.maximum(latents.std(0), 1e-6)
    standard = (latents - mean) / scale
    count = max(1, min(config.kinds, len(latents) // FACES_A_KIND))
    found = MiniBatchKMeans(count, random_state=seed % 2**32, batch_size=4096, n_init=3).fit(standard).labels_
    named, found = np.unique(found, return_inverse=True)  # a kind without faces is none
    data, kinds = torch.from_numpy(standard).to(device), torch.from_numpy(found.astype(np.int64)).to(device)
    network = latentnet.LatentNetwork(latents.shape[1], config.width, config.blocks, len(named) + 1).to(device)

    def loss() -> Tensor:
        chosen = torch.randint(len(data), (config.batch,), device=device)
        x1 = data[chosen] + JITTER * torch.randn(config.batch, data.shape[1], device=device)
        x0, t = torch.randn_like(x1), torch.rand(config.batch, 1, device=device)
        kind = torch.where(torch.rand(config.batch, device=device) < UNTOLD, len(named), kinds[chosen])
        velocity: Tensor = network(x0 * (1 - t) + x1 * t, kind, t)
        return (velocity.float() - (x1 - x0)).square().mean()

    weights = latentnet.fit(network, min(config.steps, PASSES * len(latents) // config.batch + 1), loss)
    return coarse({**weights, "mean": mean, "scale": scale, "shares": np.bincount(found) / len(found)})
