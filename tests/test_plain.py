"""A plain install plays without SciPy, scikit-learn, openTSNE, PyAV and torch, and says which extra else is needed."""

import json
import subprocess
import sys
from pathlib import Path

from minifaces.images import save_picture
from minifaces.studio.model import Model

# A module that is None in sys.modules is as good as not installed, for `import` and for `find_spec`.
WITHOUT = """
import contextlib, io, json, sys
for name in ("scipy", "sklearn", "openTSNE", "av", "torch", "numba", "onnx", "pyarrow", "httpx", "mitsuba"):
    sys.modules[name] = None
from minifaces.cli.main import run
told = []
for line in sys.argv[1:]:
    with contextlib.redirect_stderr(io.StringIO()) as said:
        told.append((run(line.split()), said.getvalue()))
print("\\n" + json.dumps(told))
"""

PLAYS = {
    "sample -n 2 -o sample.png": "sample.png",
    "avatar Ada --background clear --size 128 -o avatar.png": "avatar.png",
    "reconstruct avatar.png --refine -o recon.png": "recon.png",
    "edit random:3 --smile 1 -o edited.png": "edited.png",
    "neighbours random:3 -o near.png": "near.png",
    "gallery beard -o gallery.png": "gallery.png",
    "morph random:1 random:2 --path geodesic --steps 3 -o morph.gif": "morph.gif",
    "map --size 512 -o map.png": "map.png",
    "map --layout grid --size 512 -o grid.png": "grid.png",
    "export-site -o site": "site/index.html",
}
NEEDS = {
    "map --data faces -o map.png": "openTSNE: pip install 'minifaces[map]'",
    "map --crops --size 512 -o map.png": "sklearn: pip install 'minifaces[map]'",
    "morph random:1 random:2 --steps 3 -o morph.mp4": "av: pip install 'minifaces[video]'",
    "data prepare faces -o work": "scipy: pip install 'minifaces[photos]'",
    "data stats faces": "scipy: pip install 'minifaces[photos]'",
    "data compose -n 2 -o composed": "numba: pip install 'minifaces[data]'",
    "train --data faces": "torch: pip install 'minifaces[train]'",
    "evaluate": "numba: pip install 'minifaces[evaluate]'",
}


def plainly(folder: Path, *lines: str) -> list[tuple[int, str]]:
    """Command lines without the packages of any extra: their exit codes and what they said on stderr."""
    command = [sys.executable, "-c", WITHOUT, *lines]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return [(code, said) for code, said in json.loads(done.stdout.splitlines()[-1])]


def test_a_plain_install_plays(tmp_path: Path) -> None:
    for (code, said), (line, file) in zip(plainly(tmp_path, *PLAYS), PLAYS.items(), strict=True):
        assert code == 0, f"{line}: {said}"
        assert (tmp_path / file).stat().st_size > 500, line


def test_what_needs_more_says_of_which_extra(tmp_path: Path) -> None:
    for i, face in enumerate(Model.bundled().sample(7, seed=1)):
        save_picture(tmp_path / f"faces/{i}.png", face)
    for (code, said), (line, told) in zip(plainly(tmp_path, *NEEDS), NEEDS.items(), strict=True):
        assert (code, said.count("\n")) == (2, 1), f"{line}: {said}"
        assert f"needs {told}" in said
