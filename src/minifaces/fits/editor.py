"""Fit the editor: a small network that learns off pairs of latents what an edit does to a face (minifaces.studio.editor
runs it)."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from minifaces.arrays import Floats, Places
from minifaces.attributes import RANGES
from minifaces.fits import latentnet, pairs
from minifaces.fits.shape import Fitted, Subject, Work, tensor_file
from minifaces.studio.editor import RANGE
from minifaces.studio.folder import EDITOR
from minifaces.studio.latentnet import coarse
from minifaces.vae.config import Config, Editor
from minifaces.vae.device import device
from minifaces.vae.training_data import ComposedFaces, Source

FILES = (EDITOR,)
JITTER = 0.05  # of the standardised latents: invented faces are to be edited too


def work(config: Config, source: Source) -> Work:
    """Faces of pairs to encode, and what the network learns."""
    if not isinstance(source, ComposedFaces):
        return Work()
    settings, ends = config.editor, 2 * config.network.latent_size
    products = latentnet.products(settings.steps, settings.batch, settings.width, settings.blocks, ends)
    return Work(settings.faces * (1 + pairs.EACH), products=products)


def fit(subject: Subject) -> Fitted:
    """Fit to pairs of composed faces, of rounds of a few thousand pictures, encoded at once. No file for a folder of
    pictures: of those nobody knows what they would be with another mouth."""
    source, settings = subject.source, subject.config.editor
    if not isinstance(source, ComposedFaces):
        return Fitted({})
    rows = []  # without the pictures, which would fill the memory
    for number in range(max(1, settings.faces // pairs.ROUND)):
        made = pairs.draw(source, subject.seed, number, min(settings.faces, pairs.ROUND))
        latents = subject.encode(made.faces)
        rows.append((latents[made.start], latents[made.end], made.edits, made.amounts))
    start, end, edits, amounts = (np.concatenate(part) for part in zip(*rows, strict=True))
    learnt = subject.learning(work(subject.config, source).products)
    return Fitted({EDITOR: tensor_file(fit_editor(start, end, edits, amounts, RANGES, settings, subject.seed, learnt))})


def fit_editor(
    start: Floats,
    end: Floats,
    edits: Places,
    amounts: Floats,
    ranges: Mapping[str, tuple[float, float]],
    settings: Editor,
    seed: int = 0,
    learnt: Callable[[float], None] = lambda _: None,
) -> dict[str, NDArray[Any]]:
    """Fit to latents before and after edits, (n, d) each, which `edits` (n,) of `ranges`, names in order, by `amounts`
    (n,); -> the tensors of editor.safetensors. `learnt` as `latentnet.fit_network` tells it.

    Of what a face has or has not, pairs tell of 1 and -1 alone; what is between is a share of that, since the network
    is told any time from there to 0 with the same change."""
    where = device()
    torch.manual_seed(seed)
    mean, scale = start.mean(0), np.maximum(start.std(0), 1e-6)
    least, most = np.array(list(ranges.values()), np.float32).T
    before = torch.from_numpy((start - mean) / scale).to(where)
    change = torch.from_numpy(end - start).to(where)
    kinds, amount = torch.from_numpy(edits).to(where), torch.from_numpy(amounts[:, None]).to(where)
    origin, time = (  # when an amount is 0, and how much later it is 1
        torch.from_numpy(part[edits][:, None]).to(where) for part in (-least / (most - least), 1 / (most - least))
    )
    whole = np.array([(np.abs(amounts[edits == kind]) == 1).all() for kind in range(len(ranges))])
    shared = torch.from_numpy(whole[edits][:, None]).to(where)
    unit, spread = torch.from_numpy(scale).to(where), float(np.square(scale).mean())
    network = latentnet.LatentNetwork(start.shape[1], settings.width, settings.blocks, len(ranges)).to(where)

    def loss() -> Tensor:
        chosen = torch.randint(len(before), (settings.batch,), device=where)
        x = before[chosen] + JITTER * torch.randn(settings.batch, before.shape[1], device=where)
        share = torch.where(shared[chosen], torch.rand(settings.batch, 1, device=where), 1.0)
        t = origin[chosen] + share * amount[chosen] * time[chosen]
        answer: Tensor = network(x, kinds[chosen], t)
        return (amount[chosen] * answer.float() * unit - change[chosen]).square().mean() / spread

    weights = latentnet.fit_network(network, settings.steps, loss, learnt)
    borders = {RANGE + name: np.array(ends) for name, ends in ranges.items()}
    return coarse({**weights, **borders, "mean": mean, "scale": scale})
