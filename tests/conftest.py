"""Shared by all tests: a real, small model folder made without torch.

Its autoencoder is linear (PCA of scikit-learn's handwritten digits, in colour at 16 x 16), written as ONNX
graphs, so that encoding, decoding and the prior can be checked against plain numpy."""

# ruff: noqa: E402 - before anything counts its threads

import os

# Tests run side by side, as many as there are cores: more threads would wait for each other, and most of them spinning.
# (numba sets the number of OpenMP's threads, torch's included, to its own when it first runs.)
for _kind in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_kind, "1")

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from safetensors.numpy import save_file
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from minifaces.studio.model import Model

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SIZE = 16
LATENT = 12
LEADING = 6
SHOWN = 30
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ATTRIBUTES = {"round": (0, 6, 8, 9), "straight": (1, 4, 7)}
LONGEST = ("explorer_views", "train", "evaluate", "explorer_people", "explorer_page", "explorer_app", "photos_page")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest begin first: then all workers end at about the same time."""
    order = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture(scope="session")
def digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """400 pictures (n, 16, 16, 3) uint8, brown on yellow, and which digit each shows."""
    data = load_digits()
    ink = np.kron(data.images[:400] / 16, np.ones((1, 2, 2)))[..., None]
    pictures = (1 - ink) * np.array([250, 202, 12]) + ink * np.array([60, 30, 20])
    return np.rint(pictures).astype(np.uint8), data.target[:400]


@pytest.fixture(scope="session")
def tiny_model(digits: tuple[NDArray[np.uint8], NDArray[np.int64]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as docs/reference/architecture.md describes it. Tests that damage it copy it first."""
    pictures, labels = digits
    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
    planes = pictures.transpose(0, 3, 1, 2).reshape(len(pictures), -1) / 255
    pca = PCA(LATENT, random_state=0).fit(planes)
    scale = np.sqrt(pca.explained_variance_)[:, None]
    latents = (pca.transform(planes) / scale.T).astype(np.float32)
    _write_networks(folder, pca.components_ / scale, pca.components_ * scale, pca.mean_)
    _write_prior(folder, latents)
    _write_directions(folder, latents, labels)
    _write_gallery(folder, pictures[:SHOWN], latents[:SHOWN], labels[:SHOWN])
    write_config(folder)
    return folder


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    """A model folder to damage."""
    return Path(shutil.copytree(tiny_model, tmp_path / "copy"))


def write_config(folder: Path, **more: object) -> None:
    """Write config.json with the sha256 of whatever the folder holds now, and what more it should say."""
    files = sorted(path for path in folder.iterdir() if path.name != "config.json")
    config = {
        "format": 1,
        "name": "tiny",
        "image_size": SIZE,
        "latent_size": LATENT,
        "preset": {"name": "linear", "seed": 0},
        "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
        **more,
    }
    (folder / "config.json").write_text(json.dumps(config))


def _write_networks(folder: Path, analysis: NDArray, synthesis: NDArray, mean: NDArray) -> None:
    face, latent = ["n", 3, SIZE, SIZE], ["n", LATENT]
    encoder = [
        helper.make_node("Flatten", ["face"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["latent"]),
    ]
    weights = {"weight": analysis.T, "bias": -mean @ analysis.T}
    _write_graph(folder / "encoder.onnx", encoder, ("face", face), ("latent", latent), weights)
    decoder = [
        helper.make_node("MatMul", ["latent", "weight"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["sum"]),
        helper.make_node("Clip", ["sum", "low", "high"], ["clipped"]),
        helper.make_node("Reshape", ["clipped", "shape"], ["face"]),
    ]
    weights = {"weight": synthesis, "bias": mean, "low": np.array(0.0), "high": np.array(1.0)}
    _write_graph(folder / "decoder.onnx", decoder, ("latent", latent), ("face", face), weights)


def _write_graph(path: Path, nodes: list, source: tuple, target: tuple, weights: dict[str, NDArray]) -> None:
    initial = [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in weights.items()]
    initial.append(numpy_helper.from_array(np.array([-1, 3, SIZE, SIZE], np.int64), "shape"))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (source, target)]
    graph = helper.make_graph(nodes, path.stem, [ends[0]], [ends[1]], initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _write_prior(folder: Path, latents: NDArray[np.float32]) -> None:
    # The latents are white: a second PCA would take whichever directions the processor's rounding prefers.
    mean, basis = latents.mean(axis=0), np.eye(LEADING, LATENT)
    coordinates = (latents - mean) @ basis.T
    mixture = GaussianMixture(3, reg_covar=1e-3, random_state=0).fit(coordinates)
    rest = latents - mean - coordinates @ basis
    tensors = {
        "mean": mean,
        "basis": basis,
        "residual": rest.std(axis=0),
        "weights": mixture.weights_,
        "means": mixture.means_,
        "cholesky": np.linalg.cholesky(mixture.covariances_),
        "threshold": np.percentile(mixture.score_samples(coordinates) / LEADING, [1]),
    }
    save({name: value.astype(np.float32) for name, value in tensors.items()}, folder / "prior.safetensors")


def _write_directions(folder: Path, latents: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
    directions = {}
    for name, with_it in ATTRIBUTES.items():
        has = np.isin(labels, with_it)
        directions[name] = latents[has].mean(axis=0) - latents[~has].mean(axis=0)
    save(directions, folder / "directions.safetensors")


def _write_gallery(folder: Path, pictures: NDArray, latents: NDArray, labels: NDArray) -> None:
    entries = [
        {
            "name": f"d{i:04d}/{'front' if i % 3 else 'back'}",
            "description": f"Digit {WORDS[label]}, handwritten",
            "attributes": {name: bool(label in with_it) for name, with_it in ATTRIBUTES.items()},
            "split": "train" if i < 20 else "test",
        }
        for i, label in enumerate(labels)
    ]
    (folder / "gallery.json").write_text(json.dumps(entries))
    save({"latents": latents}, folder / "gallery.safetensors")
    sheet = np.zeros((5 * SIZE, 6 * SIZE, 3), np.uint8)
    for i, picture in enumerate(pictures):
        row, column = divmod(i, 6)
        sheet[row * SIZE : (row + 1) * SIZE, column * SIZE : (column + 1) * SIZE] = picture
    Image.fromarray(sheet).save(folder / "gallery.webp", lossless=True)


def save(tensors: dict[str, NDArray], path: Path) -> None:
    """safetensors writes raw memory: a transposed array would come out scrambled."""
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path)


@pytest.fixture(scope="session")
def toy(tiny_model: Path) -> Model:
    """The model in that folder."""
    return Model(tiny_model)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A headless Chromium. Its camera shows a picture that moves, and may be used.

    While it is open nothing else can run an event loop in this thread: so no longer than for one file of tests."""
    from explorer_pages import launched

    with launched("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream") as browser:
        yield browser


@pytest.fixture(scope="session")
def toy_address(toy: Model) -> Iterator[str]:
    """Where the explorer of the toy model is served."""
    from explorer_pages import served
    from minifaces.explorer.faces import gallery_faces
    from minifaces.explorer.site import site_files

    with served(site_files(toy, gallery_faces(toy))) as address:
        yield address
