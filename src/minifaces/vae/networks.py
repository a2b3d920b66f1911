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
        encoder: list[nn.Module] = []
        channels = 3
        for stride in (1, 2, 2, 2, 1):
            encoder += [nn.Conv2d(channels, 64, 3, stride, 1), *_keras_norm(64)]
            channels = 64
        decoder: list[nn.Module] = []
        for filters, stride in ((64, 1), (64, 2), (64, 2), (32, 2)):
            decoder += [
                nn.ConvTranspose2d(channels, filters, 3, stride, 1, stride - 1),
                *_keras_norm(filters),
            ]
            channels = filters
        decoder += [nn.ConvTranspose2d(channels, 3, 3, 1, 1), nn.Sigmoid()]
        self.encoder = nn.Sequential(*encoder, nn.Flatten())
        self.mean = nn.Linear(4096, latent_size)
        self.log_variance = nn.Linear(4096, latent_size)
        self.decoder = nn.Sequential(nn.Linear(latent_size, 4096), nn.Unflatten(1, (64, 8, 8)), *decoder)
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


class ResidualVAE(VAE):
    """Residual levels between a pixel-unshuffle stem and a pixel-shuffle end: no layer works at full size, and no
    transposed convolution leaves a checkerboard (Odena et al. 2016; Shi et al. 2016)."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.looks = network.looks
        widths, depths = network.widths, network.depths or (1,) * len(network.widths)
        fold, grid = network.image_size // 32, 32 >> (len(widths) - 1)
        encoder: list[nn.Module] = [nn.PixelUnshuffle(fold), nn.Conv2d(3 * fold * fold, widths[0], 3, padding=1)]
        for width, depth, following in zip(widths, depths, (*widths[1:], 0), strict=True):
            encoder += [Residual(width, network.norm) for _ in range(depth)]
            if following:
                encoder.append(nn.Conv2d(width, following, 3, 2, 1))
        self.encoder = nn.Sequential(*encoder, _norm(widths[-1], network.norm), nn.SiLU(), nn.Flatten())
        self.posterior = nn.Linear(widths[-1] * grid * grid, 2 * network.latent_size)
        decoder: list[nn.Module] = [
            nn.Linear(network.latent_size, widths[-1] * grid * grid),
            nn.Unflatten(1, (widths[-1], grid, grid)),
        ]
        for width, following in zip(widths[::-1], (*widths[-2::-1], 0), strict=True):
            decoder.append(Residual(width, network.norm))
            if following:
                decoder += [nn.Conv2d(width, 4 * following, 1), nn.PixelShuffle(2)]
        decoder += [_norm(widths[0], network.norm), nn.SiLU(), nn.Conv2d(widths[0], 3 * fold * fold, 3, padding=1)]
        self.decoder = nn.Sequential(*decoder, nn.PixelShuffle(fold), nn.Sigmoid())

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
