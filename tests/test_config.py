"""Training configurations: presets, checks, sizes of the networks they describe."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minifaces.errors import UsageError
from minifaces.studio.model import Model
from minifaces.vae.config import PRESETS, SIZED, Config, Network, checked, preset
from minifaces.vae.networks import build, multiply_accumulates


def test_presets_survive_json() -> None:
    for name, config in PRESETS.items():
        assert config.preset == name
        assert checked(config.model_dump(mode="json")) == config


def test_the_configurations_of_older_models_hold() -> None:
    """What has been added since stands at what it was when nobody could choose it."""
    bundled = Model.bundled().config.preset
    run = json.loads((Path(__file__).parents[1] / "models" / "default" / "run.json").read_text(encoding="utf-8"))
    for older in ({name: bundled[name] for name in Config.model_fields if name in bundled}, run["config"]):
        assert "mixture" not in older
        config = checked(older)
        assert (config.mixture.faces, config.mixture.held_out) == (12_000, 2000)
        assert (config.directions.faces, config.gallery.faces, config.data.collages) == (16_000, 2000, 512)


def test_seed_is_the_system_of_2020() -> None:
    config = PRESETS["seed"]
    network = build(config.network)
    learned = sum(p.numel() for p in network.parameters())
    assert learned == 2_742_803
    dense = sum(p.numel() for n, p in network.named_parameters() if n.startswith(("mean", "log_variance", "decoder.0")))
    assert 0.88 < dense / learned < 0.92  # "about 90 % of the parameters sit in its dense layers"
    assert (config.optimiser.batch, config.optimiser.learning_rate, config.epochs) == (32, 5e-4, 200)
    assert config.loss.kind == "seed"


def test_default_decodes_in_150_mmac() -> None:
    _, decoding = multiply_accumulates(PRESETS["default"].network)
    assert 100e6 < decoding <= 150e6


def test_macs_of_a_known_network() -> None:
    encoding, decoding = multiply_accumulates(PRESETS["seed"].network)
    first = 64 * 64 * 64 * 27
    rest = sum(side * side * 64 * 64 * 9 for side in (32, 16, 8, 8))
    assert encoding == first + rest + 2 * 4096 * 200
    spread = sum(side * side * 64 * f * 9 for side, f in ((8, 64), (8, 64), (16, 64), (32, 32)))
    assert decoding == 200 * 4096 + spread + 64 * 64 * 32 * 3 * 9


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_every_size_builds(size: int) -> None:
    import torch

    network = build(Network(image_size=size, widths=(8, 16), latent_size=4))  # type: ignore[arg-type]
    made, mean, _ = network(torch.rand(2, 3, size, size), torch.zeros(2, 4))
    assert made.shape == (2, 3, size, size)
    assert mean.shape == (2, 4)


def test_small_pictures_cost_less() -> None:
    costs = {
        size: sum(multiply_accumulates(preset("default", **{"network.image_size": size}).network)) for size in SIZED
    }
    assert costs[128] >= 3 * costs[64] >= 9 * costs[32]
    assert costs[256] < 1.5 * costs[128]
    given = {"network.image_size": 64, "network.widths": [16, 32], "network.latent_size": 7}
    network = preset("default", **given).network
    assert (network.widths, network.depths, network.latent_size, network.image_size) == ((16, 32), (), 7, 64)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network.image_size": 100}, "network.image_size"),
        ({"network.latent_size": 0}, "network.latent_size"),
        ({"network.nonsense": 1}, "network.nonsense"),
        ({"nonsense.deep": 1}, "nonsense.deep"),
        ({"optimiser.learning_rate": float("nan")}, "optimiser.learning_rate"),
        ({"loss.beta": "much"}, "loss.beta"),
        ({"network.widths": [48]}, "2 to 5 widths"),
        ({"network.image_size": 32, "network.widths": [16, 16, 16, 16]}, "2 to 3 widths wanted: the grid of 8 x 8"),
        ({"network.kind": "seed"}, "64 px"),
    ],
)
def test_nonsense_is_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        preset("default", **change)
    assert "\n" not in str(caught.value)


def test_unknown_preset_names_the_known() -> None:
    with pytest.raises(UsageError, match="default, seed"):
        preset("defualt")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.dictionaries(st.text(), x)))
def test_any_json_is_checked_or_refused_in_one_line(value: object) -> None:
    with suppress(UsageError):  # most nonsense is refused, an empty dictionary is a configuration
        checked(value)
        return
    with pytest.raises(UsageError) as caught:
        checked(value)
    assert "\n" not in str(caught.value)
