"""Fits take the time that they are given, one after another, and nothing that is done is done again."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

import minifaces
from minifaces.dataset import write_dataset
from minifaces.fits import export, pace
from minifaces.fits.export import export_model
from minifaces.fits.pace import Pace, share_out, whole, within
from minifaces.fits.shape import Work, named
from minifaces.vae.config import FITS, Config, changed, preset
from minifaces.vae.train import Run, Trained, begin
from minifaces.vae.training_data import Source

SMALL = {"network.image_size": 32, "network.widths": [16, 32], "network.latent_size": 6, "optimiser.batch": 8}
SMALL |= {"flow.steps": 5, "flow.width": 16, "mixture.faces": 100}


class Endless:
    """What composed faces say of themselves."""

    faces = float("inf")


SLOW = Pace(face=0.01, decoded=0.005, product=1e-9)


def settings() -> Config:
    return preset("default", **SMALL)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place, rng = tmp_path_factory.mktemp("pictures") / "faces", np.random.default_rng(0)
    rows = [{"design": str(i), "split": "train" if i < 130 else "validation"} for i in range(150)]
    write_dataset(place, ((rng.integers(0, 255, (32, 32, 3), np.uint8), row) for row in rows))
    return place


@pytest.fixture
def run(faces: Path, tmp_path: Path) -> Run:
    return begin(settings(), str(faces), tmp_path / "model" / "training", steps=2, threads=1)


@pytest.fixture
def trained(run: Run) -> Trained:
    return run.train()


def test_fits_have_less_to_do_where_time_is_short() -> None:
    config, names, source = preset("default"), ("mixture", "directions", "gallery"), cast(Source, Endless())

    def seconds(settings: Config) -> float:
        return sum(map(SLOW.seconds, whole(settings, source, names).values()))

    full = seconds(config)
    assert within(config, source, names, SLOW, full + 1) == config
    half = within(config, source, names, SLOW, full / 2)
    assert 0.45 * full < seconds(half) <= full / 2
    assert half.gallery == config.gallery, "which is of all faces that can be named"
    assert half.flow == config.flow, "nobody asked for it"
    least = within(config, source, names, SLOW, 0.0)
    assert (least.mixture.faces, least.mixture.held_out, least.directions.faces) == (200, 100, 200)


def test_a_quarter_of_the_minutes_at_most_is_for_fits(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "clocked", lambda _: SLOW)
    run.progress.minutes = 10.0
    training, fitting = share_out(run, spent=20.0)
    assert training + fitting == pytest.approx(580)
    assert fitting <= 150
    assert run.progress.minutes == pytest.approx(training / 60)


def test_an_export_that_is_broken_off_goes_on_where_it_was(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    export_model(trained, unbroken, "toy")
    monkeypatch.setattr(export, "export_onnx", lambda *given: shutil.copy(unbroken / given[-1].name, given[-1]))
    done: list[str] = []

    def report(what: str, share: float) -> None:
        assert 0 <= share <= 1
        if what not in done:
            done.append(what)
        if what.startswith("fitting: directions"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_model(trained, broken, "toy", report)
    assert [what.partition(",")[0] for what in done] == [
        "fitting: mixture", "fitting: gallery", "writing ONNX", "fitting: flow", "fitting: directions",
    ]  # fmt: skip
    model = minifaces.load(broken)
    assert model.sample(2, seed=1).shape == (2, 32, 32, 3)
    assert list(model.priors) == ["flow", "mixture", "normal"]
    assert model.directions == {}
    assert not list(broken.glob(".*"))

    stamps = {file: (broken / file).stat().st_mtime_ns for file in ("decoder.onnx", "flow.safetensors")}
    export_model(trained, broken, "toy", lambda what, _: done.append(what))
    assert stamps == {file: (broken / file).stat().st_mtime_ns for file in stamps}
    assert {path.name: path.read_bytes() for path in broken.iterdir()} == {
        path.name: path.read_bytes() for path in unbroken.iterdir()
    }

    other = replace(trained, config=changed(trained.config, **{"flow.blocks": 1}))
    export_model(other, broken, "toy")
    names = {path.name for path in broken.iterdir() if path.read_bytes() != (unbroken / path.name).read_bytes()}
    assert names == {"flow.safetensors", "config.json"}, "other settings, another model"


def test_every_fit_says_what_it_has_to_do(trained: Trained) -> None:
    work = whole(trained.config, trained.source, FITS)
    assert {name for name, todo in work.items() if todo != Work()} == {"mixture", "flow", "directions", "gallery"}
    assert work["gallery"].faces == 130
    assert all(hasattr(named(name), "work") for name in FITS)
