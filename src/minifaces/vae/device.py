"""What this machine trains on, with how many cores, and how well it takes half precision."""

import torch

from minifaces.cores import cores


def device() -> torch.device:
    """A GPU where there is one; it draws other random numbers than a CPU from the same seed."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def use_cores(threads: int | None = None) -> None:
    """Have torch use so many of the processor's cores, all that this process may use unless given."""
    torch.set_num_threads(threads or min(torch.get_num_threads(), cores()))


def bfloat16_pays(where: torch.device) -> bool:
    """Whether a device multiplies bfloat16 in hardware; elsewhere it is slower than float32."""
    if where.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
