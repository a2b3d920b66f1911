"""Fit the flow prior: a small network that carries noise to latents along straight lines.

Flow matching (Lipman et al. 2023) with the straight paths of rectified flow (Liu et al. 2023): at x_t = (1 - t) x_0 +
t x_1, with x_0 from N(0, I) and x_1 a latent, the network learns the mean of x_1 - x_0. The studio runs it in numpy
(minifaces.studio.flow), which also says how the network is built."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from minifaces.studio.flow import FREQUENCIES
from minifaces.vae.config import FlowPrior
from minifaces.vae.train import bfloat16_pays

Floats = NDArray[np.float32]
PASSES = 300  # over the latents, at most: a few pictures need no long fit, and would be learnt by heart
JITTER = 0.05  # of the standardised latents: a training face should not become a spike


class Velocity(nn.Module):
    """Residual blocks on [x, time features]; tensors are named and shaped as the studio reads them."""

    def __init__(self, size: int, width: int, blocks: int) -> None:
        super().__init__()
        features = 1 + 2 * len(FREQUENCIES)
        self.enter = nn.Linear(size + features, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(blocks))
        self.expand = nn.ModuleList(nn.Linear(width + features, 2 * width) for _ in range(blocks))
        self.contract = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(blocks))
        self.leave = nn.Linear(width, size)
        nn.init.zeros_(self.leave.weight)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        angles = t * torch.tensor(FREQUENCIES)
        time = torch.cat([t, angles.sin(), angles.cos()], 1)
        hidden = self.enter(torch.cat([x, time], 1))
        for norm, expand, contract in zip(self.norms, self.expand, self.contract, strict=True):
            hidden = hidden + contract(nn.functional.silu(expand(torch.cat([norm(hidden), time], 1))))
        velocity: Tensor = self.leave(hidden)
        return velocity


def fit(latents: Floats, config: FlowPrior, seed: int = 0) -> dict[str, NDArray[np.float16] | Floats]:
    """Fit to `latents` (n, d); -> the tensors of flow.safetensors (averaged weights as float16)."""
    torch.manual_seed(seed)
    mean, scale = latents.mean(0), np.maximum(latents.std(0), 1e-6)
    data = torch.from_numpy((latents - mean) / scale)
    network = Velocity(latents.shape[1], config.width, config.blocks)
    average = {k: v.detach().clone() for k, v in network.state_dict().items()}
    adam = torch.optim.AdamW(network.parameters(), 1e-3, (0.9, 0.99), weight_decay=0.01)
    steps = min(config.steps, PASSES * len(latents) // config.batch + 1)
    for step in range(steps):
        done = step / steps
        for group in adam.param_groups:
            group["lr"] = 1e-3 * min(1.0, (step + 1) / 100) * (0.505 + 0.495 * math.cos(math.pi * done))
        x1 = data[torch.randint(len(data), (config.batch,))] + JITTER * torch.randn(config.batch, data.shape[1])
        x0, t = torch.randn_like(x1), torch.rand(config.batch, 1)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16_pays()):
            velocity = network(x0 * (1 - t) + x1 * t, t)
        loss = (velocity.float() - (x1 - x0)).square().mean()
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        with torch.no_grad():
            current = network.state_dict()
            torch._foreach_lerp_(list(average.values()), [current[k] for k in average], max(0.005, 9 / (10 + step)))
    weights = {k: v.numpy().astype(np.float16) for k, v in average.items()}
    return {"mean": mean.astype(np.float32), "scale": scale.astype(np.float32), **weights}
