"""minifaces: learn the faces of toy minifigures with a variational autoencoder, and play with them.

import minifaces
faces = minifaces.load()              # the bundled model, or a folder
grid = faces.sample(25, seed=7)       # (25, H, W, 3) uint8
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from minifaces.errors import MinifacesError, UsageError

if TYPE_CHECKING:
    from minifaces.studio.model import Model

# Before ONNX Runtime is imported anywhere below: from 1.32 on it sends Microsoft how it is used, and keeps a number for
# the device in the user's home, which it complains of at each start where there is none. Who wants that sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
__all__ = ["MinifacesError", "UsageError", "__version__", "load"]


def load(folder: str | os.PathLike[str] | None = None) -> Model:
    """Open a model: the bundled one, or a model folder. Raises UsageError where it is missing or damaged."""
    from minifaces.studio.model import Model  # ONNX Runtime is heavy: only when a model is wanted

    return Model.bundled() if folder is None else Model(folder)
