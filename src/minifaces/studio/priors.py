"""The priors that new faces are drawn from, in one list; the first that a model has is the one that it draws from.

    priors = open_priors(Path("model"), {"prior.safetensors": "..."}, 192)
    priors["mixture"].sample(25, seed=7)          # (25, d)

The command line, the demo, the report and the page go through this list; CONTRIBUTING.md tells how one is added."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from minifaces.arrays import Doubles
from minifaces.studio.flow import Flow
from minifaces.studio.folder import FLOW, MIXTURE, PARTS, check_size
from minifaces.studio.generator import normals
from minifaces.studio.mixture import Mixture
from minifaces.studio.parts import Parts


class Prior(Protocol):
    """What new faces are drawn from."""

    @property
    def size(self) -> int:
        """d, the length of a latent."""
        ...

    def sample(self, n: int, seed: int, temperature: float = 1.0) -> Doubles:
        """Draw (n, d) latents, float64: the same for the same seed, and the first of them the same for every n
        (`minifaces.studio.generator`). `temperature`, 0 or more, scales the deviation from the most ordinary."""
        ...


@dataclass(frozen=True)
class Normal:
    """N(0, I), at which training aims: the yardstick for what is fitted."""

    size: int

    def sample(self, n: int, seed: int, temperature: float = 1.0) -> Doubles:
        """Draw (n, size) latents."""
        return temperature * normals(seed, n, self.size)


@dataclass(frozen=True)
class Kind:
    """`open` reads a prior's file or, where it has none, makes it for latents of d numbers. `title` and `text` say what
    it is where faces of it are shown."""

    open: Callable[[Path, int], Prior]
    title: str
    text: str
    file: str | None = None
    """in the model folder and, without its ending, a part of the page's data"""
    optional: bool = False
    """whether a model may do without"""


PRIORS: dict[str, Kind] = {
    "parts": Kind(
        lambda file, _: Parts.load(file),
        "The parts",
        "Drawn as eyes, a mouth, a head and a stage, of which a network makes a latent.",
        PARTS,
        optional=True,
    ),
    "flow": Kind(
        lambda file, _: Flow.load(file),
        "The flow",
        "Drawn by a network that carries noise to where latents lie.",
        FLOW,
        optional=True,
    ),
    "mixture": Kind(
        lambda file, _: Mixture.load(file),
        "The mixture",
        "Drawn from a simpler density, a mixture of Gaussians.",
        MIXTURE,
    ),
    "normal": Kind(
        lambda _, size: Normal(size),
        "The yardstick",
        "Drawn from N(0, I) instead, as training aims at.",
    ),
}
"""by name, the preferred one first"""
FILES = tuple(kind.file for kind in PRIORS.values() if kind.file)
"""those that a model folder has for them"""


def open_priors(folder: Path, files: Mapping[str, str], size: int) -> dict[str, Prior]:
    """The priors of a model folder with `files`, for latents of `size` numbers, in the order of `PRIORS`.

    Raises UsageError, naming the file, where one is missing, damaged or for other latents."""
    priors = {}
    for name, kind in PRIORS.items():
        if kind.optional and kind.file not in files:
            continue
        path = folder / (kind.file or "")
        priors[name] = kind.open(path, size)
        check_size(path, priors[name].size, size)
    return priors
