"""The attribute reader: that the shipped one is as good as its file says, and that the trainer trains."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from minifaces.attributes import PLEASANT
from minifaces.errors import UsageError
from minifaces.evaluate.reader import Reader
from minifaces.instruments import train_reader as trainer
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import fixed_draws
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.stages import load_stages
from minifaces.ldraw.truths import NAMES, labels, seen, truth

Pictures = NDArray[np.uint8]
EACH = 4


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="module")
def unseen() -> tuple[Pictures, NDArray[np.float32]]:
    """Every test design on four test stages in its own head colour, and what is known of it."""
    prints, stages = load_prints(), load_stages(128, "test")
    designs = np.repeat(prints.of_split("test"), EACH)
    draws = fixed_draws(prints, designs, np.arange(len(designs)) * 5 % len(stages))
    return compose(prints, stages, draws)[0], labels(prints, draws)


def test_it_reads_unseen_designs_as_well_as_it_says(
    reader: Reader, unseen: tuple[Pictures, NDArray[np.float32]]
) -> None:
    faces, known = unseen
    held = reader.holds(faces)
    assert held.shape == (len(faces), len(reader.names))
    for i, name in enumerate(reader.names):
        truth = known[:, NAMES.index(name)]
        found = trainer.balanced(held[:, i], truth)
        assert found > reader.facts[name]["test_balanced"] - 0.08, name


def test_it_reads_what_matters(reader: Reader) -> None:
    assert {"smile", "angry", "facial_hair", "eyewear", "teeth", "lips"} <= set(reader.names)
    for facts in reader.facts.values():
        assert trainer.reliable(facts)


def test_a_bare_head_has_nothing(reader: Reader) -> None:
    faces = trainer.bare_heads(load_prints(), load_stages(128, "test"), 40, np.random.default_rng(3))
    held = dict(zip(reader.names, reader.holds(faces).mean(0), strict=True))
    assert max(held.values()) <= 0.05, held


def test_a_reading_is_a_picture_s_own(reader: Reader, unseen: tuple[Pictures, NDArray[np.float32]]) -> None:
    faces = unseen[0][:40]
    read = reader.read(faces)
    assert read.dtype == np.float32
    assert ((read >= 0) & (read <= 1)).all()
    np.testing.assert_allclose(reader.read(faces[33:34]), read[33:34], atol=1e-4)
    np.testing.assert_array_equal(reader.holds(faces), read > reader.thresholds)
    with pytest.raises(UsageError):
        reader.read(faces[0])


def test_a_damaged_reader_is_refused(tmp_path: Path, reader: Reader) -> None:
    with pytest.raises(UsageError, match="missing"):
        Reader(tmp_path / "none.onnx")
    path = tmp_path / "some.onnx"
    path.with_suffix(".json").write_text(json.dumps({"attributes": reader.facts}))
    with pytest.raises(UsageError, match="does not load"):
        Reader(path)
    path.with_suffix(".json").write_text(json.dumps({"attributes": {"smile": {"threshold": 2}}}))
    with pytest.raises(UsageError, match="smile"):
        Reader(path)


def test_what_was_seen_is_of_designs() -> None:
    designs = {d.name: d for d in load_prints().designs}
    assert sum(len(found.keys() - {PLEASANT}) for found in seen().values()) == 288
    pleasant = [
        seen()[design.name][PLEASANT] for design in designs.values() if design.split == "train"
    ]  # all looked at
    assert (len(pleasant), sum(map(bool, pleasant))) == (310, 92)
    for name, found in seen().items():
        for attribute, value in found.items():
            assert truth(designs[name]).get(attribute) is value


def test_halves_bring_their_attributes() -> None:
    prints = load_prints()
    at = {d.name: i for i, d in enumerate(prints.designs)}
    glasses, grin = at["3626bp04/front"], at["3626bp0b/front"]  # sunglasses and no teeth; teeth and no sunglasses
    upper, lower = np.array([glasses, grin]), np.array([grin, glasses])
    draws = replace(fixed_draws(prints, upper, np.zeros(2, np.int64)), lower=lower)
    known = dict(zip(NAMES, labels(prints, draws).T, strict=True))
    np.testing.assert_array_equal(known["eyewear"], [1, 0])
    np.testing.assert_array_equal(known["teeth"], [1, 0])
    np.testing.assert_array_equal(known["facial_hair"], [0, 0])
    beard = replace(draws, lower=np.full(2, at["3626bps4/front"]))
    np.testing.assert_array_equal(labels(prints, beard)[:, NAMES.index("facial_hair")], [1, 1])
    above = replace(draws, upper=beard.lower, lower=lower)  # whose sideburns may be left
    assert np.isnan(labels(prints, above)[:, NAMES.index("facial_hair")]).all()


def test_the_trainer_learns_and_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = trainer.draw_batch(load_prints(), load_stages(128, "train", limit=16), np.random.default_rng(0))
    few = tuple(part[:24] for part in batch)
    shares = [0.0, 0.25, 0.5, 0.75]  # one batch is learnt by heart in seconds
    monkeypatch.setattr(trainer, "drawn_ahead", lambda *_: ((share, few) for share in shares))
    losses: list[float] = []
    network = trainer.train(12 / 60, report=lambda _, parts, __: losses.append(parts["entropy"]))
    assert len(losses) == 12
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    good = {"threshold": 0.5, "unseen_balanced": 0.9, "test_balanced": 0.9}
    counts = {"designs_with": [9, 9], "designs_without": [9, 9]}
    measured = {name: {**good, **counts} for name in NAMES} | {"mask": {**good, **counts, "unseen_balanced": 0.6}}
    path = tmp_path / "reader.onnx"
    trainer.export(network, measured, path)
    assert path.stat().st_size < 1e6
    made = Reader(path)
    assert made.names == tuple(name for name in NAMES if name != "mask")
    faces = trainer.bare_heads(load_prints(), load_stages(128, "test"), 3, np.random.default_rng(0))
    shown = trainer.planes(faces)
    expected = trainer.read(network, shown)[:, [NAMES.index(name) for name in made.names]]
    np.testing.assert_allclose(made.read(faces), expected, atol=0.01)
