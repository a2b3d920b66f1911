"""The 2020 system's networks in plain torch; run, it decodes one face and ends."""

import torch
from torch import Tensor, nn

LATENT = 200


def normed(width: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(width), nn.LeakyReLU(0.3)]


def encoder() -> nn.Sequential:
    """(n, 3, 64, 64) -> (n, 4096)."""
    parts: list[nn.Module] = []
    for before, stride in ((3, 1), (64, 2), (64, 2), (64, 2), (64, 1)):
        parts += [nn.Conv2d(before, 64, 3, stride, 1), *normed(64)]
    return nn.Sequential(*parts, nn.Flatten())


def decoder() -> nn.Sequential:
    """(n, 200) -> (n, 3, 64, 64) in [0, 1]."""
    parts: list[nn.Module] = [nn.Linear(LATENT, 4096), nn.Unflatten(1, (64, 8, 8))]
    for before, after, stride in ((64, 64, 1), (64, 64, 2), (64, 64, 2), (64, 32, 2)):
        parts += [nn.ConvTranspose2d(before, after, 3, stride, 1, stride - 1), *normed(after)]
    return nn.Sequential(*parts, nn.ConvTranspose2d(32, 3, 3, 1, 1), nn.Sigmoid())


def once() -> Tensor:
    with torch.inference_mode():
        return decoder().eval()(torch.zeros(1, LATENT))


if __name__ == "__main__":
    once()
