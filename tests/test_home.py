"""What loading a model leaves in the user's home, and says where there is none: nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("home", ["home", "/proc/nowhere"])
def test_the_home_is_left_alone(tmp_path: Path, home: str) -> None:
    """ONNX Runtime from 1.32 on counts its users: it would keep a number there, or complain that it cannot."""
    (tmp_path / "home").mkdir()
    mine = {k: v for k, v in os.environ.items() if not k.startswith(("ORT_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "-c", "import minifaces.studio.network, minifaces.photos.finder"],
        env={**mine, "HOME": str(tmp_path / home)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list((tmp_path / "home").iterdir()) == []
