"""The small networks from latents to latents that `minifaces.studio.latentnet` runs, and how they are fitted."""

import math
from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from minifaces.studio.latentnet import FREQUENCIES
from minifaces.vae.device import bfloat16_pays

PEAK = 1e-3  # learning rate
TOLD = 50  # steps after which it is told how far the learning is


class Layers(nn.Module):
    """Residual blocks on [x, what they are told]; tensors are named and shaped as the studio reads them."""

    def __init__(self, inputs: int, told: int, width: int, blocks: int, size: int) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs + told, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(blocks))
        self.expand = nn.ModuleList(nn.Linear(width + told, 2 * width) for _ in range(blocks))
        self.contract = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(blocks))
        self.leave = nn.Linear(width, size)
        nn.init.zeros_(self.leave.weight)

    def through(self, x: Tensor, told: Tensor, shift: Tensor | float = 0.0) -> Tensor:
        """(n, inputs), (n, told) and what is added to the first answer, (n, width) -> (n, size)."""
        hidden = self.enter(torch.cat([x, told], 1)) + shift
        for norm, expand, contract in zip(self.norms, self.expand, self.contract, strict=True):
            hidden = hidden + contract(nn.functional.silu(expand(torch.cat([norm(hidden), told], 1))))
        answer: Tensor = self.leave(hidden)
        return answer


class LatentNetwork(Layers):
    """From latents to latents, with a kind and a time."""

    def __init__(self, size: int, width: int, blocks: int, kinds: int) -> None:
        super().__init__(size, 1 + 2 * len(FREQUENCIES), width, blocks, size)
        self.frequencies: Tensor
        self.register_buffer("frequencies", torch.tensor(FREQUENCIES), persistent=False)
        self.kinds = nn.Parameter(torch.zeros(kinds, width))

    def forward(self, x: Tensor, kinds: Tensor, t: Tensor) -> Tensor:
        """(n, d), (n,) and (n, 1) -> (n, d)."""
        angles = t * self.frequencies
        return self.through(x, torch.cat([t, angles.sin(), angles.cos()], 1), self.kinds[kinds])


def products(steps: int, batch: int, width: int, blocks: int, ends: int) -> float:
    """Multiply-accumulates that a network takes in so many `steps`, of so many numbers at its two `ends`, forwards and
    twice as many backwards."""
    return 3.0 * steps * batch * width * (4 * blocks * width + ends)


def fit_network(
    network: nn.Module, steps: int, loss: Callable[[], Tensor], learnt: Callable[[float], None] = lambda _: None
) -> dict[str, NDArray[Any]]:
    """Take `steps` to make what `loss` tells, anew each time, small: the averaged weights by name. `learnt` is told now
    and then what share of the steps was taken."""
    where = next(network.parameters()).device
    half, current = bfloat16_pays(where), network.state_dict()
    average = {k: v.detach().clone() for k, v in current.items()}
    adam = torch.optim.AdamW(network.parameters(), PEAK, (0.9, 0.99), weight_decay=0.01)
    for step in range(steps):
        for group in adam.param_groups:
            group["lr"] = PEAK * min(1.0, (step + 1) / 100) * (0.505 + 0.495 * math.cos(math.pi * step / steps))
        with torch.autocast(where.type, torch.bfloat16, enabled=half):
            value = loss()
        adam.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        adam.step()
        with torch.no_grad():
            torch._foreach_lerp_(list(average.values()), list(current.values()), max(0.005, 9 / (10 + step)))
        if step % TOLD == TOLD - 1 or step == steps - 1:
            learnt((step + 1) / steps)
    return {k: v.cpu().numpy() for k, v in average.items()}
