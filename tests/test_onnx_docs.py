"""The ONNX files are as docs/reference/onnx.md tells, and its examples run without this package."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import minifaces
from minifaces import Model
from minifaces.images import read_picture

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/reference/onnx.md").read_text(encoding="utf-8")
MODULES = ROOT / "web/node_modules"


def example(kind: str) -> str:
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.M | re.S)
    return str(found)


@pytest.fixture(scope="module")
def bundled() -> Model:
    return minifaces.load()


@pytest.fixture
def folder(bundled: Model, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundled.folder, tmp_path / "model"))


def halfway(model: Model) -> np.ndarray:
    return np.asarray(model.decode(model.gallery.latents[:2].mean(axis=0))[0], dtype=int)


@pytest.mark.parametrize("name", ["encoder.onnx", "decoder.onnx"])
def test_files_are_as_documented(bundled: Model, name: str) -> None:
    model = onnx.load(bundled.folder / name)
    onnx.checker.check_model(model, full_check=True)
    (opset,) = model.opset_import
    assert opset.domain == ""
    assert f"Opset {opset.version}, standard operators" in PAGE
    rows = re.findall(r"^\| (input|output) \| `(\w+)` \((.*?)\) float32 \| `(\w+)` \((.*?)\) float32 \|$", PAGE, re.M)
    sizes = {"3": 3, "H": bundled.image_size, "W": bundled.image_size, "d": bundled.latent_size}
    assert [row[0] for row in rows] == ["input", "output"]
    for (_, *told), end in zip(rows, (model.graph.input, model.graph.output), strict=True):
        shown, letters = told[:2] if name == "encoder.onnx" else told[2:]
        (value,) = end
        kind = value.type.tensor_type
        assert (value.name, kind.elem_type) == (shown, onnx.TensorProto.FLOAT)
        batch, *others = kind.shape.dim
        assert batch.dim_param
        assert [dim.dim_value for dim in others] == [sizes[letter] for letter in letters.split(", ")[1:]]


def test_python_needs_no_minifaces(bundled: Model, folder: Path) -> None:
    script = example("python")
    assert "minifaces" not in script
    subprocess.run([sys.executable, "-c", script], check=True, cwd=folder)
    assert np.abs(read_picture(folder / "halfway.png") - halfway(bundled)).max() <= 1
    latent = np.load(folder / "latent.npy")
    assert np.abs(latent - bundled.encode(read_picture(folder / "halfway.png")[None])).max() < 1e-3


@pytest.mark.skipif(
    not (shutil.which("node") and (MODULES / "onnxruntime-web").is_dir()),
    reason="no Node.js with onnxruntime-web: npm install --no-save onnxruntime-web in web/",
)
def test_javascript_makes_the_same_face(bundled: Model, folder: Path) -> None:
    (folder / "example.mjs").write_text(example("js"), encoding="utf-8")
    (folder / "node_modules").symlink_to(MODULES)
    subprocess.run(["node", "example.mjs"], check=True, cwd=folder)
    assert np.abs(read_picture(folder / "halfway.ppm") - halfway(bundled)).max() <= 1
