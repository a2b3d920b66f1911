"""What this machine trains on, and how well it takes half precision."""

import torch


def device() -> torch.device:
    """A GPU where there is one; it draws other random numbers than a CPU from the same seed."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def bfloat16_pays() -> bool:
    """Whether this machine multiplies bfloat16 in hardware; elsewhere it is slower than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
