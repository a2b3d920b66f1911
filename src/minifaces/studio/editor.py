"""Edits that a network has learnt: another mouth in place of the one that a face has, its print moved round the head.

    editor = Editor.load("model/editor.safetensors")
    change, left = editor.change(latents, "smile", 1.5)     # (n, d), and 0.5, which is beyond what it has learnt

The network (`minifaces.studio.latentnet`) is told a standardised latent x, the edit as its kind, and how far to go as
its time, 0 at the least and 1 at the most that it has learnt; amount * scale * network(x, edit, time) is the change."""

import os
from dataclasses import dataclass

import numpy as np

from minifaces.arrays import Doubles, Floats
from minifaces.studio.latentnet import LatentNetwork, network_of, read

RANGE = "range."


@dataclass(frozen=True, eq=False)
class Editor:
    """`mean`, `scale` (d,) of the latents; `ranges`: the least and the most amount of each edit by its name, in the
    order of the network's kinds, which is that of the names."""

    mean: Doubles
    scale: Doubles
    ranges: dict[str, tuple[float, float]]
    network: LatentNetwork

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Editor":
        """Read editor.safetensors; UsageError where it is missing, damaged or no such network."""
        return read(path, cls.of, "an editor")

    @classmethod
    def of(cls, tensors: dict[str, Doubles]) -> "Editor":
        """An editor of all its tensors by name; KeyError, ValueError or IndexError where they make none."""
        layers = {name: value for name, value in tensors.items() if not name.startswith(RANGE)}
        mean, scale, kinds = (layers.pop(name) for name in ("mean", "scale", "kinds"))
        ranges = {}
        for name in sorted(name for name in tensors if name.startswith(RANGE)):
            if tensors[name].shape != (2,):
                raise ValueError(f"{name} has the shape {tensors[name].shape}")
            least, most = tensors[name].tolist()
            if not least < most:
                raise ValueError(f"{name} is empty")
            ranges[name.removeprefix(RANGE)] = (least, most)
        network = network_of(kinds, layers, mean, scale)
        if not ranges or len(kinds) != len(ranges):
            raise ValueError("its kinds and their ranges do not fit")
        return cls(mean, scale, ranges, network)

    @property
    def size(self) -> int:
        """d, the length of a latent."""
        return len(self.mean)

    def change(self, latents: Floats, name: str, amount: float) -> tuple[Floats, float]:
        """What to add to latents (n, d) for an edit: (n, d), and how much of the amount is beyond what was learnt: all
        of it for an edit that is not known."""
        if name not in self.ranges:
            return np.zeros_like(latents), amount
        least, most = self.ranges[name]
        inside = min(max(amount, least), most)
        kinds = np.full(len(latents), list(self.ranges).index(name), np.intp)
        answer = self.network((latents - self.mean) / self.scale, kinds, (inside - least) / (most - least))
        return (inside * self.scale * answer).astype(np.float32), amount - inside
