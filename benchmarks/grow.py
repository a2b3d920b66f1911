"""How the bundled model's network grew between its starts: a smaller one (fewer latents, fewer blocks in the encoder's
levels) becomes one of the present sizes, which at first makes the same pictures.

    python benchmarks/grow.py FIRST GROWN      model folders; `minifaces train --from GROWN` goes on

New blocks end in a zero convolution and pass on what they get; the decoder gives new latents no weight at first."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from minifaces.vae.config import PRESETS
from minifaces.vae.networks import build
from shared import command_line


def places(first: list[int], grown: list[int]) -> dict[int, int]:
    """Where the layers of the first encoder go in the grown one: pixel-unshuffle and stem, then each level's blocks and
    what follows them, a convolution or a norm."""
    moved, old, new = {1: 1}, 2, 2
    for fewer, more in zip(first, grown, strict=True):
        moved |= {old + block: new + block for block in range(fewer)}
        old, new = old + fewer, new + more
        moved[old] = new
        old, new = old + 1, new + 1
    return moved


def grow(first: Path, grown: Path) -> None:
    torch.manual_seed(3)
    config = PRESETS["default"].network
    state = build(config).state_dict()
    depths = json.loads((first / "config.json").read_text())["preset"]["network"]["depths"]
    moved = places(depths or [1] * len(config.widths), list(config.depths))
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


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("grown", type=Path)
    arguments = parser.parse_args()
    grow(arguments.first, arguments.grown)


if __name__ == "__main__":
    main()
