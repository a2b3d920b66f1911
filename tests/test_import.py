"""Importing the package is quick and brings nothing heavy; the rooms keep their contracts."""

import subprocess
import sys


def test_importing_brings_nothing_heavy() -> None:
    heavy = "torch", "onnxruntime", "numba", "mitsuba", "sklearn", "openTSNE", "av", "PIL", "numpy"
    code = f"import sys, minifaces; sys.exit(','.join(m for m in {heavy!r} if m in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True)
