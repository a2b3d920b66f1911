"""Losses: pure functions of faces (n, 3, H, W) in [0, 1], posteriors (n, d) and the print mask (n, 1, H, W)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from minifaces.vae.config import Loss

LEAST_LOG_SIGMA = -6.0  # a sharper likelihood than 0.0025 would only chase rounding


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, I)) in nats, averaged over the batch (Kingma and Welling 2014, app. B)."""
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1).mean()


def gradient_difference(made: Tensor, true: Tensor) -> Tensor:
    """Absolute difference of the Sobel gradients, averaged over x and y: (n, 3, H, W)."""
    sobel = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]], device=made.device) / 4
    kernel = torch.stack([sobel, sobel.T])[:, None].repeat(3, 1, 1, 1)
    apart = F.conv2d(F.pad(made - true, (1, 1, 1, 1), "replicate"), kernel, groups=3).abs()
    n, _, height, width = apart.shape
    return apart.view(n, 3, 2, height, width).mean(2)


def total(
    loss: Loss, made: Tensor, true: Tensor, mean: Tensor, log_variance: Tensor, mask: Tensor, progress: float
) -> dict[str, Tensor]:
    """The loss to minimise as "loss", and its parts: "mse", "kl"; if calibrated, "sigma" and "gradient" too.

    `progress` in [0, 1] is the share of training done: KL warms up linearly over its first `loss.warm_up`.
    The calibrated loss is divided by the number of pixel values, so that pictures of any size weigh alike:
      error / (2 sigma^2) + gradient * edges / sigma + beta * KL / values,   sigma^2 = error, not differentiated,
    which is the sigma-VAE (Rybkin et al. 2021) with the analytic sigma of each batch."""
    kl = divergence(mean, log_variance)
    squared = (made - true).square()
    mse = squared.mean()
    if loss.kind == "seed":
        return {"loss": 1e4 * mse + loss.beta * kl, "mse": mse, "kl": kl}
    weight = 1 + loss.print_weight * mask
    weight = weight / weight.mean()
    error = (weight * squared).mean()
    sigma = error.detach().sqrt().clamp(min=torch.e**LEAST_LOG_SIGMA)
    warm = min(1.0, progress / loss.warm_up) if loss.warm_up else 1.0
    edges = (weight * gradient_difference(made, true)).mean()
    objective = error / (2 * sigma**2) + loss.gradient * edges / sigma + loss.beta * warm * kl / true[0].numel()
    return {"loss": objective, "mse": mse, "kl": kl, "sigma": sigma, "gradient": edges}
