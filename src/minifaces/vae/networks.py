"""The two networks: `SeedVAE`, the 2020 system as it was, and `ResidualVAE`.

Both encode faces (n, 3, H, W) in [0, 1] to the mean and log variance of a diagonal Gaussian posterior, (n, d)
each, and decode latents (n, d) to faces."""

import math
from typing import cast

import torch
from torch import Tensor, nn

from minifaces.studio.looks import look_again
from minifaces.vae.config import Network

LOG_VARIANCE = (-12.0, 6.0)  # beyond these the exponential loses all meaning


class VAE(nn.Module):
    """What training and export need of a network."""

    looks = 1

    def look(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """What the encoder makes of faces at once: mean and log variance."""
        raise NotImplementedError

    def encode(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """The posterior's mean after `looks` looks (`minifaces.studio.looks`) and the first one's log variance,
        float32."""
        mean, log_variance = (part.float() for part in self.look(faces))
        return look_again(mean, lambda made: self.look(made)[0].float(), self.decode, self.looks), log_variance

    def decode(self, latents: Tensor) -> Tensor:
        raise NotImplementedError

    def mean_encoder(self) -> nn.Module:
        """One look at faces without the weights of the variance: the mean alone, (n, d)."""
        raise NotImplementedError

    def forward(self, faces: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Faces and standard normal noise (n, d) -> reconstruction, mean, log variance."""
        mean, log_variance = self.encode(faces)
        return self.decode(mean + torch.exp(log_variance / 2) * noise), mean, log_variance


def build(network: Network) -> VAE:
    """A fresh network, initialised from torch's current random state."""
    return SeedVAE(network.latent_size) if network.kind == "seed" else ResidualVAE(network)


class SeedVAE(VAE):
    """lego-face-VAE (Echevarria 2020): 64 px, five 3 x 3 convolutions each way, 2.74 M parameters at d = 200.

    Keras' defaults are kept: Glorot initialisation, batch norm with momentum 0.99 and epsilon 0.001, leak 0.3."""

    def __init__(self, latent_size: int = 200) -> None:
        super().__init__()
        self.encoder = seed_encoder()
        self.mean = nn.Linear(4096, latent_size)
        self.log_variance = nn.Linear(4096, latent_size)
        self.decoder = seed_decoder(latent_size)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(cast(Tensor, module.bias))

    def look(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.encoder(faces)
        return self.mean(hidden), self.log_variance(hidden)

    def decode(self, latents: Tensor) -> Tensor:
        return cast(Tensor, self.decoder(latents))

    def mean_encoder(self) -> nn.Module:
        return nn.Sequential(self.encoder, self.mean)


def seed_encoder() -> nn.Sequential:
    """(n, 3, 64, 64) -> (n, 4096)."""
    layers: list[nn.Module] = []
    channels = 3
    for stride in (1, 2, 2, 2, 1):  # 64 x 64, 32, 16, 8 and 8 pixels a side
        layers += [nn.Conv2d(channels, 64, 3, stride, 1), *_keras_norm(64)]
        channels = 64
    return nn.Sequential(*layers, nn.Flatten())


def seed_decoder(latent_size: int) -> nn.Sequential:
    """(n, d) -> (n, 3, 64, 64) in [0, 1]."""
    layers: list[nn.Module] = [nn.Linear(latent_size, 4096), nn.Unflatten(1, (64, 8, 8))]
    channels = 64
    for filters, stride in ((64, 1), (64, 2), (64, 2), (32, 2)):  # 8 x 8, 16, 32 and 64
        layers += [nn.ConvTranspose2d(channels, filters, 3, stride, 1, stride - 1), *_keras_norm(filters)]
        channels = filters
    return nn.Sequential(*layers, nn.ConvTranspose2d(channels, 3, 3, 1, 1), nn.Sigmoid())


class ResidualVAE(VAE):
    """Residual levels between a pixel-unshuffle stem and a pixel-shuffle end: no layer works at full size, and no
    transposed convolution leaves a checkerboard (Odena et al. 2016; Shi et al. 2016)."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.looks = network.looks
        self.encoder = residual_encoder(network)
        self.posterior = nn.Linear(_values(network), 2 * network.latent_size)
        self.decoder = residual_decoder(network)

    def look(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.posterior(self.encoder(faces)).chunk(2, 1)
        return mean, log_variance.clamp(*LOG_VARIANCE)

    def decode(self, latents: Tensor) -> Tensor:
        return cast(Tensor, self.decoder(latents))

    def mean_encoder(self) -> nn.Module:
        size = self.posterior.out_features // 2
        mean = nn.Linear(self.posterior.in_features, size)
        with torch.no_grad():
            mean.weight.copy_(self.posterior.weight[:size])
            mean.bias.copy_(self.posterior.bias[:size])
        return nn.Sequential(self.encoder, mean)


def residual_encoder(network: Network) -> nn.Sequential:
    """(n, 3, H, W) -> (n, values of the last level): a level a width, of as many blocks as `depths` says."""
    widths, depths = network.widths, network.depths or (1,) * len(network.widths)
    fold, last = network.fold, len(widths) - 1
    layers: list[nn.Module] = [
        nn.PixelUnshuffle(fold),  # 3 fold^2 channels of, at 128 px, 32 x 32
        nn.Conv2d(3 * fold**2, widths[0], 3, padding=1),
    ]
    for level, (width, depth) in enumerate(zip(widths, depths, strict=True)):  # 32 x 32, 16, 8, ... places
        layers += [Residual(width, network.norm) for _ in range(depth)]
        if level < last:
            layers.append(nn.Conv2d(width, widths[level + 1], 3, 2, 1))
    return nn.Sequential(*layers, _norm(widths[last], network.norm), nn.SiLU(), nn.Flatten())


def residual_decoder(network: Network) -> nn.Sequential:
    """(n, d) -> (n, 3, H, W) in [0, 1]: the levels backwards, one block each."""
    widths, fold, last = network.widths, network.fold, len(network.widths) - 1
    grid = network.grid >> last  # places a side of the last level
    layers: list[nn.Module] = [
        nn.Linear(network.latent_size, _values(network)),
        nn.Unflatten(1, (widths[last], grid, grid)),
    ]
    for level in range(last, -1, -1):  # ..., 8 x 8, 16, 32 places
        layers.append(Residual(widths[level], network.norm))
        if level:
            layers += [nn.Conv2d(widths[level], 4 * widths[level - 1], 1), nn.PixelShuffle(2)]
    layers += [_norm(widths[0], network.norm), nn.SiLU(), nn.Conv2d(widths[0], 3 * fold**2, 3, padding=1)]
    return nn.Sequential(*layers, nn.PixelShuffle(fold), nn.Sigmoid())


def _values(network: Network) -> int:
    """Of the last level of a residual network: channels times places."""
    grid = network.grid >> (len(network.widths) - 1)
    return network.widths[-1] * grid * grid


class Residual(nn.Module):
    """x + conv(silu(norm(conv(silu(norm(x)))))), the last convolution zero at first, so that depth does not hurt."""

    def __init__(self, width: int, norm: str) -> None:
        super().__init__()
        last = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(cast(Tensor, last.bias))
        self.body = nn.Sequential(
            _norm(width, norm),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            _norm(width, norm),
            nn.SiLU(),
            last,
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + cast(Tensor, self.body(x))


def multiply_accumulates(network: Network) -> tuple[int, int]:
    """Multiply-accumulate operations of encoding and of decoding one face."""
    model = build(network).eval()
    count = 0

    def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal count
        weight = cast(Tensor, layer.weight)
        places = (
            inputs[0][0].numel() // weight.shape[0]
            if isinstance(layer, nn.ConvTranspose2d)
            else output[0].numel() // weight.shape[0]
        )
        count += weight.numel() * places

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            layer.register_forward_hook(hook)
    with torch.no_grad():
        model.encode(torch.zeros(1, 3, network.image_size, network.image_size))
        encoding = count
        model.decode(torch.zeros(1, network.latent_size))
    return encoding, count - encoding


def _norm(width: int, kind: str) -> nn.Module:
    return nn.BatchNorm2d(width) if kind == "batch" else nn.GroupNorm(math.gcd(8, width), width)


def _keras_norm(width: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(width, eps=1e-3, momentum=0.01), nn.LeakyReLU(0.3)]
