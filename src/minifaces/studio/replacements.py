"""What an edit puts in place of what a face has: another mouth for this one, not a mouth on top of it.

    found = Replacements.load("model/replacements.safetensors", latent_size)
    latents = latents + found.change(latents, "lips", 2.0)

Beside the step of its direction, which any face takes alike, such an edit moves a latent z by
min(max(amount, 0), 1) ((z - centre) reads^T) writes: once, however far the step goes, since what is gone is gone."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minifaces.errors import UsageError
from minifaces.studio.folder import read_tensors

Floats = NDArray[np.float32]
CENTRE, READS, WRITES = "centre", "reads.", "writes."


@dataclass(frozen=True, eq=False)
class Replacements:
    """`centre` (d,) of latents; `reads` and `writes` (r, d) by the name of what is edited. All float32."""

    centre: Floats
    reads: dict[str, Floats]
    writes: dict[str, Floats]

    @classmethod
    def load(cls, path: str | os.PathLike[str], latent_size: int) -> "Replacements":
        """Read replacements.safetensors; UsageError where it is missing, damaged or for other latents."""
        tensors = {name: value.astype(np.float32) for name, value in read_tensors(path).items()}
        reads, writes = (
            {name.removeprefix(kind): value for name, value in tensors.items() if name.startswith(kind)}
            for kind in (READS, WRITES)
        )
        fit = all(reads[n].shape == writes[n].shape and reads[n].ndim == 2 for n in reads if n in writes)
        wide = {value.shape[-1:] for value in tensors.values()} == {(latent_size,)}
        if CENTRE not in tensors or reads.keys() != writes.keys() or not fit or not wide:
            raise UsageError(f"{Path(path)} is damaged: it holds no replacements for latents of {latent_size}")
        return cls(tensors[CENTRE], reads, writes)

    def change(self, latents: Floats, name: str, amount: float) -> Floats:
        """What to add to latents (n, d) beside the direction's step: (n, d), or nothing for an edit without."""
        share = np.float32(min(max(amount, 0.0), 1.0))
        if name not in self.reads or not share:
            return np.zeros_like(latents)
        return np.asarray(share * ((latents - self.centre) @ self.reads[name].T) @ self.writes[name], np.float32)
