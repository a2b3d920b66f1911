"""Edit directions: the latent step that changes one thing, for edits that no network has learnt.

directions = load_directions(Path("model/directions.safetensors"), 192)
latents + 2 * directions["smile"]"""

from pathlib import Path

import numpy as np

from minifaces.arrays import Floats
from minifaces.errors import UsageError
from minifaces.studio.folder import read_tensors


def load_directions(path: Path, size: int) -> dict[str, Floats]:
    """(size,) float32 by attribute or measure, in the order of the names: a step of 1 clearly shows it.

    Raises UsageError where the file is missing, damaged or for latents of another size."""
    directions = read_tensors(path)
    for name, direction in directions.items():
        if direction.shape != (size,):
            raise UsageError(f"{path} is damaged: {name} has the shape {direction.shape}")
    return {name: directions[name].astype(np.float32) for name in sorted(directions)}
