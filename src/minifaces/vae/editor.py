"""Fit the editor: a small network that learns off pairs of latents what an edit does to a face (minifaces.studio.editor
runs it)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from minifaces.studio.editor import RANGE
from minifaces.studio.latentnet import coarse
from minifaces.vae import latentnet
from minifaces.vae.config import EditorFit

Floats = NDArray[np.float32]
JITTER = 0.05  # of the standardised latents: invented faces are to be edited too


def fit(
    start: Floats,
    end: Floats,
    edits: NDArray[np.int64],
    amounts: Floats,
    ranges: Mapping[str, tuple[float, float]],
    config: EditorFit,
    seed: int = 0,
) -> dict[str, NDArray[Any]]:
    """Fit to latents before and after edits, (n, d) each, which `edits` (n,) of `ranges`, names in order, by `amounts`
    (n,); -> the tensors of editor.safetensors.

    Of what a face has or has not, pairs tell of 1 and -1 alone; what is between is a share of that, since the network
    is told any time from there to 0 with the same change."""
    device = latentnet.device()
    torch.manual_seed(seed)
    mean, scale = start.mean(0), np.maximum(start.std(0), 1e-6)
    least, most = np.array(list(ranges.values()), np.float32).T
    before = torch.from_numpy((start - mean) / scale).to(device)
    change = torch.from_numpy(end - start).to(device)
    kinds, amount = torch.from_numpy(edits).to(device), torch.from_numpy(amounts[:, None]).to(device)
    origin, time = (  # when an amount is 0, and how much later it is 1
        torch.from_numpy(part[edits][:, None]).to(device) for part in (-least / (most - least), 1 / (most - least))
    )
    whole = np.array([(np.abs(amounts[edits == kind]) == 1).all() for kind in range(len(ranges))])
    shared = torch.from_numpy(whole[edits][:, None]).to(device)
    unit, spread = torch.from_numpy(scale).to(device), float(np.square(scale).mean())
    network = latentnet.LatentNetwork(start.shape[1], config.width, config.blocks, len(ranges)).to(device)

    def loss() -> Tensor:
        chosen = torch.randint(len(before), (config.batch,), device=device)
        x = before[chosen] + JITTER * torch.randn(config.batch, before.shape[1], device=device)
        share = torch.where(shared[chosen], torch.rand(config.batch, 1, device=device), 1.0)
        t = origin[chosen] + share * amount[chosen] * time[chosen]
        answer: Tensor = network(x, kinds[chosen], t)
        return (amount[chosen] * answer.float() * unit - change[chosen]).square().mean() / spread

    weights = latentnet.fit(network, config.steps, loss)
    borders = {RANGE + name: np.array(ends) for name, ends in ranges.items()}
    return coarse({**weights, **borders, "mean": mean, "scale": scale})
