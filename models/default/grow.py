"""The bundled model's second start: a default network of the first kind (128 latents, one block a level) grown to the
present one (192, depths 1 2 2 1), which at first makes the same pictures.

    python models/default/grow.py FIRST GROWN      model folders; `minifaces train --from GROWN` goes on

New blocks end in a zero convolution and pass on what they get; the decoder gives new latents no weight at first."""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from minifaces.vae.config import PRESETS
from minifaces.vae.networks import build

FIRST_DEPTHS = (1, 1, 1, 1)


def places(depths: tuple[int, ...]) -> list[int]:
    """Where the encoder has its stem, each level's first block, and what follows the level: a convolution or a norm."""
    at, found = 2, [1]
    for depth in depths:
        found += [at, at + depth]
        at += depth + 1
    return found


def main(first: Path, grown: Path) -> None:
    torch.manual_seed(3)
    config = PRESETS["default"].network
    state = build(config).state_dict()
    moved = dict(zip(places(FIRST_DEPTHS), places(config.depths), strict=True))
    for name, value in load_file(first / "model.safetensors").items():
        if name.startswith("encoder."):
            _, place, rest = name.split(".", 2)
            state[f"encoder.{moved[int(place)]}.{rest}"].copy_(value)
        elif name.startswith("posterior."):
            size, target = len(value) // 2, state[name]
            target[config.latent_size :] = 0 if name.endswith("weight") else -1
            if name.endswith("bias"):
                target[: config.latent_size] = 0
            target[:size] = value[:size]
            target[config.latent_size : config.latent_size + size] = value[size:]
        elif name == "decoder.0.weight":
            state[name].zero_()[:, : value.shape[1]] = value
        else:
            state[name].copy_(value)
    grown.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in state.items()}, grown / "model.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
