"""Losses: pure functions of faces (n, 3, H, W) in [0, 1], posteriors (n, d) and the print mask (n, 1, H, W)."""

from collections.abc import Callable

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
    # Sums of shifted pictures: a third of the time of a grouped convolution on the CPU.
    apart = F.pad(made - true, (1, 1, 1, 1), "replicate")
    across, down = apart[..., 2:] - apart[..., :-2], apart[..., 2:, :] - apart[..., :-2, :]
    across = across[..., :-2, :] + 2 * across[..., 1:-1, :] + across[..., 2:, :]
    down = down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:]
    return (across.abs() + down.abs()) / 8


def dissimilarity(made: Tensor, true: Tensor) -> Tensor:
    """1 - SSIM (Wang et al. 2004) of the brightness (n, H, W), averaged over 7 x 7 windows at every second pixel.

    Local contrast divides the error, so that a faint mark on a dark head counts like a strong one on a bright head."""
    # Rec. 601's weights, with which the bundled model was trained; elsewhere it is Rec. 709's (minifaces.images.LUMA).
    weights = torch.tensor([0.299, 0.587, 0.114], device=made.device).view(1, 3, 1, 1)
    x, y = ((weights * faces).sum(1, keepdim=True) for faces in (made, true))
    moments = F.avg_pool2d(torch.cat([x, y, x * x, y * y, x * y], 1), min(7, *made.shape[2:]), 2)
    mx, my, xx, yy, xy = moments.unbind(1)
    c1, c2 = 0.01**2, 0.03**2
    similar = (2 * mx * my + c1) * (2 * (xy - mx * my) + c2)
    return 1 - (similar / ((mx * mx + my * my + c1) * (xx - mx * mx + yy - my * my + c2))).mean()


def total(
    loss: Loss,
    made: Tensor,
    true: Tensor,
    mean: Tensor,
    log_variance: Tensor,
    mask: Tensor,
    progress: float,
    overall: Callable[[Tensor], Tensor] = lambda value: value,
) -> dict[str, Tensor]:
    """The loss to minimise as "loss", and its parts: "mse", "kl"; if calibrated, "sigma", "gradient" and "ssim" too.

    `progress` in [0, 1] is the share of training done: KL warms up linearly over its first `loss.warm_up`.
    The calibrated loss is divided by the number of pixel values, so that pictures of any size weigh alike:
      error / (2 sigma^2) + gradient * edges / sigma + similarity * (1 - SSIM) + beta * KL / values,
    sigma^2 = error, not differentiated: the sigma-VAE (Rybkin et al. 2021) with the analytic sigma of each batch, and
    two terms more. Where the faces are a part of a batch, `overall` gives the mean of all parts of what it is given;
    then the mean of all parts' losses is the loss of the batch."""
    kl = divergence(mean, log_variance)
    squared = (made - true).square()
    mse = squared.mean()
    if loss.kind == "seed":
        return {"loss": 1e4 * mse + loss.beta * kl, "mse": mse, "kl": kl}
    weight = 1 + loss.print_weight * mask
    weight = weight / overall(weight.mean())
    error = (weight * squared).mean()
    sigma = overall(error.detach()).sqrt().clamp(min=torch.e**LEAST_LOG_SIGMA)
    warm = min(1.0, progress / loss.warm_up) if loss.warm_up else 1.0
    edges = (weight * gradient_difference(made, true)).mean()
    apart = dissimilarity(made, true)
    objective = error / (2 * sigma**2) + loss.gradient * edges / sigma + loss.similarity * apart
    objective = objective + loss.beta * warm * kl / true[0].numel()
    return {"loss": objective, "mse": mse, "kl": kl, "sigma": sigma, "gradient": edges, "ssim": 1 - apart}
