"""For the tests of the ldraw room: small libraries written on the spot, and a few real heads.

Not a conftest: test modules import the fixtures they use by name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minifaces.ldraw.library import Library
from minifaces.ldraw.prints import Prints, bake_library, load_prints

FEW = Path(__file__).parent / "data" / "ldraw-few.zip"
ALL = Path(__file__).parents[2] / "shared" / "ldraw-heads.zip"
needs_all = pytest.mark.skipif(not ALL.exists(), reason=f"{ALL} (the whole set of heads) is not here")

Write = Callable[[dict[str, str]], Library]

# A tetrahedron of volume 1/6, every triangle counter-clockwise seen from outside.
TETRAHEDRON = (
    "3 16 0 0 0 0 1 0 1 0 0\n"  # towards -z
    "3 16 0 0 0 1 0 0 0 0 1\n"  # towards -y
    "3 16 0 0 0 0 0 1 0 1 0\n"  # towards -x
    "3 16 1 0 0 0 1 0 0 0 1\n"
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a library folder from {"parts/a.dat": text, ...} and open it."""

    def write(files: dict[str, str]) -> Library:
        for name, text in files.items():
            path = tmp_path / "library" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Library(tmp_path / "library")

    return write


@pytest.fixture(scope="session")
def few() -> Library:
    """A few real heads with all that they refer to."""
    return Library(FEW)


@pytest.fixture(scope="session")
def baked(few: Library) -> tuple[Prints, dict[str, str]]:
    """Their prints, and what was left out and why."""
    return bake_library(few)


@pytest.fixture(scope="session")
def bundled() -> Prints:
    return load_prints()


def volume(corners: np.ndarray) -> float:
    """Signed volume within (n, 3, 3) triangles: positive where they are counter-clockwise from outside."""
    return float(np.linalg.det(corners).sum() / 6)
