"""minifaces: learn the faces of toy minifigures with a variational autoencoder, and play with them.

import minifaces
faces = minifaces.load()              # a minifaces.Model: the bundled one, that of a folder, or "user/model"
grid = faces.sample(25, seed=7)       # minifaces.Pictures, (25, H, W, 3) uint8: a notebook shows them
z = faces.encode(grid)                # minifaces.Latents, (25, d) float32
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from minifaces.errors import MinifacesError, UsageError

if TYPE_CHECKING:
    from minifaces.arrays import Latents, Pixels
    from minifaces.facefinder import find_faces, read_face
    from minifaces.pictures.shown import Frames, Pictures, show
    from minifaces.studio.model import Model

# Before ONNX Runtime is imported anywhere below: from 1.32 on it sends Microsoft how it is used, and keeps a number for
# the device in the user's home, which it complains of at each start where there is none. Who wants that sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
__all__ = [
    "Frames",
    "Latents",
    "MinifacesError",
    "Model",
    "Pictures",
    "Pixels",
    "UsageError",
    "__version__",
    "avatar",
    "find_faces",
    "load",
    "read_face",
    "show",
]

_HEAVY = {
    **dict.fromkeys(("Latents", "Pixels"), "minifaces.arrays"),
    **dict.fromkeys(("Frames", "Pictures", "show"), "minifaces.pictures.shown"),
    **dict.fromkeys(("find_faces", "read_face"), "minifaces.facefinder"),
    "Model": "minifaces.studio.model",
}


def __getattr__(name: str) -> Any:
    """What imports NumPy or ONNX Runtime, when it is asked for."""
    if name not in _HEAVY:
        raise AttributeError(f"module 'minifaces' has no attribute {name!r}")
    return getattr(import_module(_HEAVY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load(model: str | os.PathLike[str] | None = None, revision: str | None = None) -> Model:
    """Open a model: the bundled one, a model folder, or one of the Hugging Face Hub ("user/model", with the extra
    `hub`), there of a `revision`, best a commit. What is a name on the Hub may be a folder as well: the folder is
    meant where it, or the folder that it would be in, is there.

    Raises UsageError where it is missing or damaged, MinifacesError where the Hub cannot be reached."""
    from minifaces.studio.model import Model

    if model is None:
        return Model.bundled()
    if isinstance(model, str) and not os.path.exists(os.path.dirname(model) or "."):  # noqa: PTH110, PTH120
        from minifaces.hub.client import is_name

        if is_name(model):
            from minifaces.hub.models import fetch

            return Model(fetch(model, revision))
    if revision is not None:
        raise UsageError(f"{model} is a folder: only models of the Hugging Face Hub have revisions")
    return Model(model)


def avatar(text: str, size: int | None = None, kind: str = "png", background: str | None = None) -> bytes:
    """The bundled model's face of any text, as a picture file: the bytes that `minifaces avatar` and `serve` give.

    `size` (8 to 4096 pixels a side), `kind` (png, webp, jpg, svg) and `background` (six hexadecimal digits or "clear")
    as `minifaces.pictures.portrait`. The model is opened once. Raises UsageError for what makes no sense."""
    from minifaces.pictures.portrait import portrait

    return portrait(_bundled().avatar(text), size, kind, background)


@cache
def _bundled() -> Model:
    return load()
