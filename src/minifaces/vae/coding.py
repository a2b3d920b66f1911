"""Faces to latents and back with a network in memory, and how well that goes."""

import torch
from torch import Tensor

from minifaces.arrays import Floats, Pixels
from minifaces.vae.networks import VAE

CHUNK = 64  # faces at a time


def planes(faces: Pixels) -> Tensor:
    """(n, H, W, 3) uint8 -> (n, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(faces).permute(0, 3, 1, 2).contiguous().float() / 255


def encode(network: VAE, faces: Pixels) -> Floats:
    """Posterior means (n, d) of faces (n, H, W, 3) uint8."""
    device = next(network.parameters()).device
    with torch.no_grad():
        chunks = [network.encode(planes(faces[i : i + CHUNK]).to(device))[0] for i in range(0, len(faces), CHUNK)]
    return torch.cat(chunks).cpu().numpy()


def decode(network: VAE, latents: Floats) -> Pixels:
    """Faces (n, H, W, 3) uint8 of latents (n, d)."""
    where = next(network.parameters()).device
    with torch.no_grad():
        chunks = [torch.from_numpy(latents[i : i + CHUNK]).to(where) for i in range(0, len(latents), CHUNK)]
        made = torch.cat([(network.decode(few).clamp(0, 1) * 255).round().byte().cpu() for few in chunks])
    return made.permute(0, 2, 3, 1).numpy()


def reconstruction_quality(network: VAE, faces: Pixels) -> dict[str, float]:
    """Mean PSNR (dB) and median, of the reconstructions of faces (n, H, W, 3) uint8 by a network on the CPU."""
    latents = torch.from_numpy(encode(network, faces))
    with torch.no_grad():
        made = torch.cat([network.decode(latents[i : i + CHUNK]) for i in range(0, len(latents), CHUNK)])
    error = (made - planes(faces)).square().mean((1, 2, 3))
    psnr = -10 * torch.log10(error)
    return {
        "faces": len(faces),
        "psnr": round(float(psnr.mean()), 2),
        "psnr_median": round(float(psnr.median()), 2),
    }
