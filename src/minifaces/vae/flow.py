"""Fit the flow prior: a small network that carries noise to latents along straight lines.

Flow matching (Lipman et al. 2023) with the straight paths of rectified flow (Liu et al. 2023): at x_t = (1 - t) x_0 +
t x_1, with x_0 from N(0, I) and x_1 a latent, the network learns the mean of x_1 - x_0, told the latent's kind or, now
and then, not. The studio runs it in numpy (minifaces.studio.flow), which also says how the network is built and what
the kinds are for."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor, nn

from minifaces.studio.flow import FREQUENCIES, coarse
from minifaces.vae.config import FlowPrior
from minifaces.vae.train import bfloat16_pays

Floats = NDArray[np.float32]
Tensors = dict[str, NDArray[Any]]
PASSES = 300  # over the latents, at most: a few pictures need no long fit, and would be learnt by heart
JITTER = 0.05  # of the standardised latents: a training face should not become a spike
FACES_A_KIND = 100  # at least, on average
UNTOLD = 0.1  # share of the latents whose kind is not told


class Velocity(nn.Module):
    """Residual blocks on [x, time features] and the kind; tensors are named and shaped as the studio reads them."""

    def __init__(self, size: int, width: int, blocks: int, kinds: int) -> None:
        super().__init__()
        features = 1 + 2 * len(FREQUENCIES)
        self.frequencies: Tensor
        self.register_buffer("frequencies", torch.tensor(FREQUENCIES), persistent=False)
        self.enter = nn.Linear(size + features, width)
        self.kinds = nn.Parameter(torch.zeros(kinds + 1, width))  # the last is any
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(blocks))
        self.expand = nn.ModuleList(nn.Linear(width + features, 2 * width) for _ in range(blocks))
        self.contract = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(blocks))
        self.leave = nn.Linear(width, size)
        nn.init.zeros_(self.leave.weight)

    def forward(self, x: Tensor, kinds: Tensor, t: Tensor) -> Tensor:
        angles = t * self.frequencies
        time = torch.cat([t, angles.sin(), angles.cos()], 1)
        hidden = self.enter(torch.cat([x, time], 1)) + self.kinds[kinds]
        for norm, expand, contract in zip(self.norms, self.expand, self.contract, strict=True):
            hidden = hidden + contract(nn.functional.silu(expand(torch.cat([norm(hidden), time], 1))))
        velocity: Tensor = self.leave(hidden)
        return velocity


def fit(latents: Floats, config: FlowPrior, seed: int = 0) -> Tensors:
    """Fit to `latents` (n, d); -> the tensors of flow.safetensors, of the averaged weights.

    A GPU is used where there is one; it draws other random numbers than a CPU from the same seed."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(seed)
    mean, scale = latents.mean(0), np.maximum(latents.std(0), 1e-6)
    standard = (latents - mean) / scale
    count = max(1, min(config.kinds, len(latents) // FACES_A_KIND))
    found = MiniBatchKMeans(count, random_state=seed, batch_size=4096, n_init=3).fit(standard).labels_
    named, found = np.unique(found, return_inverse=True)  # a kind without faces is none
    data, kinds = torch.from_numpy(standard).to(device), torch.from_numpy(found.astype(np.int64)).to(device)
    network = Velocity(latents.shape[1], config.width, config.blocks, len(named)).to(device)
    current = network.state_dict()
    average = {k: v.detach().clone() for k, v in current.items()}
    adam = torch.optim.AdamW(network.parameters(), 1e-3, (0.9, 0.99), weight_decay=0.01)
    steps = min(config.steps, PASSES * len(latents) // config.batch + 1)
    for step in range(steps):
        done = step / steps
        for group in adam.param_groups:
            group["lr"] = 1e-3 * min(1.0, (step + 1) / 100) * (0.505 + 0.495 * math.cos(math.pi * done))
        chosen = torch.randint(len(data), (config.batch,), device=device)
        x1 = data[chosen] + JITTER * torch.randn(config.batch, data.shape[1], device=device)
        x0, t = torch.randn_like(x1), torch.rand(config.batch, 1, device=device)
        kind = torch.where(torch.rand(config.batch, device=device) < UNTOLD, len(named), kinds[chosen])
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16_pays()):
            velocity = network(x0 * (1 - t) + x1 * t, kind, t)
        loss = (velocity.float() - (x1 - x0)).square().mean()
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        with torch.no_grad():
            share = max(0.005, 9 / (10 + step))
            torch._foreach_lerp_(list(average.values()), list(current.values()), share)
    weights = {k: v.cpu().numpy() for k, v in average.items()}
    return coarse({**weights, "mean": mean, "scale": scale, "shares": np.bincount(found) / len(found)})
