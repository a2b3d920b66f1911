"""Real training runs, tiny: the loss falls, a resumed run is the unbroken one, a seed gives the same bytes, and what
comes out is a model that the studio opens."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.numpy import load_file
from sklearn.datasets import load_digits

import minifaces
from minifaces.cli.main import run as command
from minifaces.dataset import write_dataset
from minifaces.errors import MinifacesError, MinifacesWarning, UsageError
from minifaces.fits import export
from minifaces.fits.export import export_model, refit
from minifaces.fits.shape import Subject, tensor_file
from minifaces.vae import ahead, checkpoint
from minifaces.vae.board import Board
from minifaces.vae.coding import decode, encode
from minifaces.vae.config import Config, changed, preset
from minifaces.vae.networks import build
from minifaces.vae.progress import Progress
from minifaces.vae.runlog import Log
from minifaces.vae.train import Run, Status, Trained, begin, resume
from minifaces.vae.training_data import Batch, ComposedFaces, FolderFaces

STEPS = 30


@pytest.fixture(scope="module", autouse=True)
def _few_threads() -> None:
    torch.set_num_threads(1)


def tiny(**changes: object) -> Config:
    small = {"network.image_size": 32, "network.widths": [32, 64], "network.latent_size": 12, "optimiser.batch": 16}
    small |= {"optimiser.schedule": "constant", "data.faces_per_epoch": 500}
    small |= {"parts.steps": 20, "parts.faces": 300, "parts.made": 20, "parts.width": 32, "parts.code": 8}
    small |= {"flow.steps": 20, "flow.faces": 300, "flow.width": 32}
    small |= {"editor.steps": 20, "editor.faces": 100, "editor.width": 32}
    small |= {"mixture.faces": 300, "mixture.held_out": 100, "directions.faces": 400}
    small |= {"network.depths": [1, 2], "data.collaged": 0}  # a bank of collages takes seconds
    return preset("default", **(small | changes))


def train(folder: Path, **options: object) -> tuple[Trained, list[float]]:
    seen: list[float] = []
    run = begin(tiny(), "composed", folder, steps=STEPS, **options)  # type: ignore[arg-type]
    return run.train(lambda status: seen.append(status.losses["mse"])), seen


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Trained, list[float]]:
    folder = tmp_path_factory.mktemp("run") / "model" / "training"
    return folder, *train(folder)


def weights(trained: Trained) -> dict[str, torch.Tensor]:
    return dict(trained.network.state_dict())


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_the_loss_falls_and_is_logged(unbroken: tuple[Path, Trained, list[float]]) -> None:
    folder, trained, errors = unbroken
    assert trained.steps == len(errors) == STEPS
    assert np.mean(errors[-5:]) < 0.6 * np.mean(errors[:5])
    assert list((folder / "sheets").glob("*.png"))
    assert not (folder / "tensorboard").exists(), "nobody asked for it"
    assert not list(folder.rglob("*.pkl")) + list(folder.rglob("*.pt"))


def test_a_seed_gives_the_same_weights(unbroken: tuple[Path, Trained, list[float]], tmp_path: Path) -> None:
    again, _ = train(tmp_path / "training")
    assert same(weights(unbroken[1]), weights(again))


def test_a_run_that_breaks_off_at_once_has_saved_its_first_step(
    unbroken: tuple[Path, Trained, list[float]], tmp_path: Path
) -> None:
    folder = tmp_path / "training"

    def break_off(status: Status) -> None:
        if status.step == 2:
            raise RuntimeError("as if the machine had stopped")

    with pytest.raises(RuntimeError, match="as if"):
        begin(tiny(), "composed", folder, steps=STEPS).train(break_off)
    resumed = resume(folder)
    assert resumed.progress.step == 1
    assert same(weights(unbroken[1]), weights(resumed.train()))


def test_an_interrupted_run_resumes_as_if_unbroken(unbroken: tuple[Path, Trained, list[float]], tmp_path: Path) -> None:
    folder = tmp_path / "training"

    def interrupt(status: Status) -> None:
        if status.step == 11:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(MinifacesError, match=f"stopped at step 11 of {STEPS}: go on with --resume"):
        begin(tiny(), "composed", folder, steps=STEPS, helpers=1).train(interrupt)  # which makes the very same batches
    # A run that was killed while it swapped checkpoints goes on from what is left.
    (folder / "checkpoint").rename(folder / "checkpoint.old")
    resumed = resume(folder)  # what the run was, the checkpoint says
    assert resumed.progress.step == 11
    assert same(weights(unbroken[1]), weights(resumed.train()))


def test_a_run_of_some_minutes_that_is_interrupted_still_has_them(tmp_path: Path) -> None:
    folder = tmp_path / "training"

    def interrupt(status: Status) -> None:
        if status.step == 6:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(MinifacesError, match=r"stopped at step 6 of \?"):
        begin(tiny(), "composed", folder, minutes=1e-4).train(interrupt)
    resumed = resume(folder)
    assert (resumed.progress.minutes, resumed.progress.steps, resumed.progress.timed) == (1e-4, 0, 3)
    assert (
        resumed.train().steps == 6 + 3 + 7 + 1
    )  # three to warm up, seven to be timed, and one more as the time is over


def of_folder(path: Path, splits: dict[str, int]) -> FolderFaces:
    rng = np.random.default_rng(0)
    kinds = [split for split, count in splits.items() for _ in range(count)]
    write_dataset(
        path,
        [(rng.integers(0, 255, (32, 32, 3), np.uint8), {"design": str(i), "split": s}) for i, s in enumerate(kinds)],
    )
    return FolderFaces(path, tiny())


def test_the_test_split_of_a_folder_chooses_nothing(tmp_path: Path) -> None:
    source = of_folder(tmp_path / "all", {"train": 6, "validation": 2, "test": 3})
    assert source.unseen
    np.testing.assert_array_equal(source.held_out(9).faces, source.data.pictures[source.data.splits == "validation"])
    alone = of_folder(tmp_path / "two", {"train": 6, "test": 3})
    assert not alone.unseen
    np.testing.assert_array_equal(alone.held_out(9).faces, alone.data.pictures[alone.data.splits == "train"])


def test_fits_see_each_picture_of_a_folder_once(tmp_path: Path) -> None:
    of_folder(tmp_path / "faces", {"train": 14, "test": 2})
    smaller = tiny(**{"network.widths": [16, 32], "network.depths": [1, 1], "network.looks": 1})
    run = begin(smaller, str(tmp_path / "faces"), tmp_path / "training", steps=2)
    trained = run.train()
    coding = (partial(encode, trained.network), partial(decode, trained.network))
    latents = Subject(trained.config, *coding, trained.source, trained.seed).latents(1000)
    assert len(np.unique(latents, axis=0)) == len(latents) == 14
    (tmp_path / "model").mkdir()
    for of_composed in ("editor", "parts"):
        (tmp_path / f"model/{of_composed}.safetensors").write_bytes(b"of a model of composed faces")
    export_model(trained, tmp_path / "model", "tiny")
    assert not any((tmp_path / f"model/{of_composed}.safetensors").exists() for of_composed in ("editor", "parts"))
    assert next(iter(minifaces.load(tmp_path / "model").priors)) == "flow"
    card = (tmp_path / "model/README.md").read_text()
    assert "14 of its training pictures (the folder has no validation split)" in card


def test_a_run_is_not_overwritten_or_made_up(unbroken: tuple[Path, Trained, list[float]], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds a run already: go on with --resume"):
        train(unbroken[0])
    with pytest.raises(UsageError, match="holds no run to resume"):
        resume(tmp_path / "training")
    with pytest.raises(UsageError, match=f"has done {STEPS} steps already: give --steps {STEPS} or more"):
        resume(unbroken[0], steps=STEPS - 1)
    assert resume(unbroken[0], steps=STEPS).progress.finished


def test_faces_that_serve_more_than_once_do_so_in_other_company() -> None:
    class Counted:
        uses = 3

        def batch(self, _: int, step: int, count: int, part: slice) -> Batch:
            faces = np.full((count, 1, 1, 3), step, np.uint8)[part]
            return Batch(faces, faces[..., 0], faces)

    def steps(first: int) -> list[list[int]]:
        found = itertools.islice(ahead.batches(Counted(), 0, first, 8, helpers=0), 60 - first)  # type: ignore[arg-type]
        return [faces[:, 0, 0, 0].tolist() for faces, _, _ in found]

    seen = steps(0)
    assert all(len(batch) == 8 and len(set(batch)) == 3 for batch in seen)
    for face in range(33, 58):  # once all have been made from the start
        assert [step for step, batch in enumerate(seen) if face in batch] == [
            step for step in (face - 32, face - 16, face) if step < 60
        ]
    assert steps(17) == seen[17:]  # a resumed run sees what an unbroken one would


@pytest.mark.parametrize("name", ["run.json", "model.safetensors", "ema.safetensors", "optimiser.safetensors"])
def test_a_damaged_checkpoint_is_named(name: str, unbroken: tuple[Path, Trained, list[float]], tmp_path: Path) -> None:
    broken = shutil.copytree(unbroken[0] / "checkpoint", tmp_path / "checkpoint") / name
    broken.write_bytes(broken.read_bytes()[:50])
    with pytest.raises(UsageError, match="damaged") as caught:
        checkpoint.load(tmp_path / "checkpoint")
    assert "\n" not in str(caught.value)


def test_a_run_with_other_settings_than_there_are_now_is_named(
    unbroken: tuple[Path, Trained, list[float]], tmp_path: Path
) -> None:
    path = shutil.copytree(unbroken[0] / "checkpoint", tmp_path / "checkpoint") / "run.json"
    run = json.loads(path.read_text())
    run["config"]["flow"]["kinds"] = 256
    path.write_text(json.dumps(run))
    with pytest.raises(UsageError, match=r"run\.json holds settings that .* \(flow\.kinds: .*\): train anew$"):
        checkpoint.load(path.parent)


@pytest.fixture(scope="module")
def exported(unbroken: tuple[Path, Trained, list[float]]) -> Path:
    folder, trained, _ = unbroken
    export_model(trained, folder.parent, "tiny")
    return folder.parent


def test_tensors_are_kept_however_they_lie_in_memory(tmp_path: Path) -> None:
    tensor = np.arange(6, dtype=np.float32).reshape(2, 3).T
    (tmp_path / "tensors.safetensors").write_bytes(tensor_file({"turned": tensor, "one": np.array(3)}))
    kept = load_file(tmp_path / "tensors.safetensors")
    np.testing.assert_array_equal(kept["turned"], tensor)
    assert kept["one"].shape == ()


def test_a_run_begins_with_the_weights_of_a_model(
    unbroken: tuple[Path, Trained, list[float]], exported: Path, tmp_path: Path
) -> None:
    _, trained, _ = unbroken
    run = begin(tiny(), "composed", tmp_path / "finer", steps=1, start=exported)
    for name, value in trained.network.state_dict().items():
        assert torch.allclose(run.bare.state_dict()[name].float(), value.float(), atol=1e-2), name
    other = tiny(**{"network.latent_size": 8})
    with pytest.raises(UsageError, match="of another network"):
        begin(other, "composed", tmp_path / "other", steps=1, start=exported)
    with pytest.raises(UsageError, match="cannot be read"):
        begin(tiny(), "composed", tmp_path / "none", steps=1, start=tmp_path / "nowhere")


def test_a_run_may_lie_where_the_name_is_no_utf8(tmp_path: Path) -> None:
    folder = tmp_path / "b\udcff"
    tensors = {"w": torch.arange(3.0)}
    moments = {0: {"step": torch.tensor(1.0)}}
    state = checkpoint.Checkpoint(tiny(), "composed", 0, Progress(step=3), tensors, tensors, moments)
    checkpoint.save(folder, state)
    kept = checkpoint.load(folder)
    assert (kept.config, kept.data, kept.seed, kept.progress) == (tiny(), "composed", 0, Progress(step=3))
    assert kept.weights is not None
    assert kept.moments is not None
    assert (kept.weights["w"].tolist(), kept.moments[0]["step"].item()) == ([0, 1, 2], 1)
    assert checkpoint.weights(folder, tensors)["w"].tolist() == [0, 1, 2]
    with pytest.warns(MinifacesWarning, match="TensorBoard, which takes no name"):
        log = Log(folder, active=True, first=0, every=1, board=Board(folder, 0))
    log.write(1, {"loss": 2.0})
    log.close()
    assert (folder / "log.jsonl").read_text() == '{"step": 1, "loss": 2.0}\n'


def test_the_current_folder_may_become_a_model(
    unbroken: tuple[Path, Trained, list[float]], exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Fitted and exported it has been; here it matters where the files go.
    little = replace(unbroken[1], config=changed(unbroken[1].config, **{"mixture.faces": 100, "directions.faces": 100}))
    monkeypatch.setattr(export, "FITS", ("mixture", "directions", "gallery"))
    monkeypatch.setattr(export, "export_onnx", lambda *given: shutil.copy(exported / given[-1].name, given[-1]))
    monkeypatch.chdir(tmp_path)
    for folder in (Path(), Path("new/newer")):
        export_model(little, folder, "tiny")
        assert minifaces.load(folder).name == "tiny"
    assert not list(tmp_path.rglob(".*"))


def test_an_export_is_a_model(unbroken: tuple[Path, Trained, list[float]], exported: Path) -> None:
    _, trained, _ = unbroken
    model = minifaces.load(exported)
    assert model.config.preset["steps"] == STEPS
    entries = model.gallery.entries
    assert len(entries) == len({e.name for e in entries}) > 380
    faces = model.gallery.thumbnails[:40]
    latents = model.encode(faces)
    assert np.abs(latents - encode(trained.network, faces)).max() < 0.02
    with torch.no_grad():
        expected = trained.network.decode(torch.from_numpy(latents)).numpy().transpose(0, 2, 3, 1) * 255
    assert np.abs(model.decode(latents) - expected).max() <= 2
    assert list(model.priors) == ["parts", "mixture", "normal"]
    assert model.sample(3, seed=1).shape == (3, 32, 32, 3)
    assert not np.array_equal(model.sample(3, seed=1), model.sample(3, seed=1, prior="mixture"))
    assert {"smile", "facial_hair", "turn", "dark_head"} <= set(model.directions)
    assert not any(name.startswith("_") for name in model.directions)


def test_a_model_of_composed_faces_is_fitted_anew_without_being_told_of_them(exported: Path, tmp_path: Path) -> None:
    model = shutil.copytree(exported, tmp_path / "model", ignore=shutil.ignore_patterns("training"))
    refit(model, ["directions"], changes={"directions.faces": 300})
    assert (model / "parts.safetensors").read_bytes() == (exported / "parts.safetensors").read_bytes()
    old, new = (minifaces.load(folder).directions for folder in (exported, model))
    assert old.keys() == new.keys()
    assert any(not np.array_equal(old[name], new[name]) for name in old)


def test_every_look_adds_what_the_encoder_reads_differently() -> None:
    torch.manual_seed(1)
    networks = [build(tiny(**{"network.looks": looks}).network).eval() for looks in (1, 3)]
    networks[1].load_state_dict(networks[0].state_dict())
    faces = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        first, spread = networks[0].encode(faces)
        second = first + first - networks[0].encode(networks[0].decode(first))[0]
        third = second + first - networks[0].encode(networks[0].decode(second))[0]
        mean, log_variance = networks[1].encode(faces)
    torch.testing.assert_close(mean, third)
    torch.testing.assert_close(log_variance, spread)
    assert (third - second).abs().max() > 1e-3


def test_training_on_a_folder_of_digits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digits = load_digits()
    pictures = (255 - digits.images[:600] * 15.9).astype(np.uint8).repeat(4, 1).repeat(4, 2)[..., None].repeat(3, -1)
    splits = np.where(np.arange(600) % 10 == 0, "test", "train")
    rows = [
        {"design": f"digit-{i}", "split": splits[i], "digit": str(t), "round": "true" if t in (0, 6, 8, 9) else "false"}
        for i, t in enumerate(digits.target[:600])
    ]
    write_dataset(tmp_path / "digits", zip(pictures, rows, strict=True))
    settings = ["--size", "32", "--latent", "8", "--epochs", "5", "--set", "network.widths=[16,32,32]"]
    settings += ["--set", "network.looks=1", "--set", "optimiser.schedule=constant", "--set", "flow.steps=0"]
    out = tmp_path / "model"
    assert command(["train", "--data", str(tmp_path / "digits"), "-o", str(out), "--threads", "1", *settings]) == 0
    assert "trained on 540 pictures in 84 steps" in capsys.readouterr().out
    model = minifaces.load(out)
    held_out = pictures[splits == "test"].astype(float)
    error = np.mean((model.reconstruct(pictures[splits == "test"]) - held_out) ** 2)
    assert error < 0.6 * np.mean((held_out - pictures[splits == "train"].mean(0)) ** 2)  # better than the mean digit
    assert list(model.directions) == ["round"]
    entry = model.gallery.entries[0]
    assert (entry.name, entry.split, entry.attributes) == ("digit-0", "test", {"round": True})
    assert model.sample(4, seed=3).shape == (4, 32, 32, 3)


def test_an_unwritable_output_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["train", "--size", "32", "--steps", "1", "-o", "/proc/nowhere/model"]) == 1
    assert "/proc/nowhere" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "nowhere"], "nowhere is missing"),
        (["my-pictures"], "name the data with --data"),
        (["--resume", "flow"], "NAMEs are for --refit"),
        (["--preset", "nonsense"], "no preset"),
        (["--minutes", "0"], "above 0"),
        (["--steps", "-3"], "above 0"),
        (["--minutes", "1", "--epochs", "2"], "give one"),
        (["--size", "33"], "network.image_size"),
        (["--set", "nonsense"], "wanted as in loss.beta=2"),
        (["--set", "loss.gamma=2"], "loss.gamma"),
        (["--resume"], "no run to resume"),
        (["--resume", "--minutes", "3"], "--steps makes it longer"),
        (["--seed", "5000000000"], "--seed"),
    ],
)
def test_bad_requests(arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["train", *arguments, "-o", str(tmp_path / "model")]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "model").exists()


# Adam divides by the size of gradients; a larger epsilon keeps it from blowing up those that are nothing but rounding.
SHARED = {"optimiser.batch": 16, "optimiser.epsilon": 1e-3, "data.photolike": 0.5, "network.looks": 2}
TOGETHER = """
import json
import os
import signal
import sys
from pathlib import Path
import numpy as np
from minifaces.errors import MinifacesError
from minifaces.vae.config import checked
from minifaces.vae import checkpoint, train
from minifaces.vae.train import begin
write = checkpoint.save
train.bfloat16_pays = lambda _: False  # its rounding would hide what differs
folder, faces = Path(sys.argv[1]), sys.argv[2]
whole, broken = (checked(json.loads((folder / f"{name}.json").read_text())) for name in ("composed", "folder"))
run = begin(whole, "composed", folder / "whole", steps=4, threads=1)
losses, writes = [], []
checkpoint.save = lambda *given: (writes.append(1), write(*given))
trained = run.train(lambda status: losses.append(status.losses["loss"]), save_every=0)
first = len(writes)
weights = {name: value.detach().numpy() for name, value in run.bare.state_dict().items()}
timed = begin(whole, "composed", folder / "timed", minutes=0.005, threads=1).train()
stopped = ""
try:  # one of them is told to stop
    alone = run.accelerator.is_main_process
    stop = lambda status: alone and status.step == 2 and os.kill(os.getpid(), signal.SIGINT)
    begin(broken, faces, folder / "broken", steps=4, threads=1).train(stop)
except MinifacesError as error:
    stopped = str(error)
np.savez(
    folder / f"{run.accelerator.process_index}.npz", faces=trained.faces, timed=timed.steps, stopped=stopped,
    losses=losses, writes=first, **weights,
)
"""


def near(one: Mapping[str, np.ndarray], trained: Trained, run: Run) -> None:
    """What several processes learnt is what one did, as far as sums come out alike in another order."""
    for name, value in run.bare.state_dict().items():
        np.testing.assert_allclose(one[name], value.detach().numpy(), rtol=1e-3, atol=2e-5, err_msg=name)
    assert trained.steps == 4


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs of this process in float32, too: accelerate keeps the precision of the first one."""
    monkeypatch.setattr("minifaces.vae.train.bfloat16_pays", lambda _: False)
    AcceleratorState._reset_state()
    yield
    AcceleratorState._reset_state()


@pytest.mark.usefixtures("exact")
def test_processes_that_are_started_together_learn_as_one(tmp_path: Path) -> None:
    """With batch norm and composed faces, and with group norm and a folder; this is interrupted and ended by one."""
    faces = np.random.default_rng(0).integers(0, 255, (40, 32, 32, 3), np.uint8)
    write_dataset(tmp_path / "faces", ((face, {"design": str(i), "split": "train"}) for i, face in enumerate(faces)))
    (tmp_path / "together.py").write_text(TOGETHER)
    composed, folder = tiny(**SHARED), tiny(**SHARED, **{"network.norm": "group"})
    for name, config in (("composed", composed), ("folder", folder)):
        (tmp_path / f"{name}.json").write_text(config.model_dump_json())
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    subprocess.run([*command, tmp_path / "together.py", tmp_path, tmp_path / "faces"], check=True, timeout=300)
    one, other = (dict(np.load(tmp_path / f"{rank}.npz")) for rank in (0, 1))
    assert one["faces"] == other["faces"] == 4 * 16
    assert one["timed"] == other["timed"] > 13  # each clocked its own steps
    assert "stopped at step 2 of 4" in str(one["stopped"])
    assert str(one["stopped"]) == str(other["stopped"])
    assert (one.pop("writes"), other.pop("writes")) == (4, 0), "a checkpoint a step, each once"
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])
    losses: list[float] = []
    run = begin(composed, "composed", tmp_path / "alone", steps=4)
    near(one, run.train(lambda status: losses.append(status.losses["loss"])), run)
    np.testing.assert_allclose(one["losses"], losses, rtol=1e-5)
    unbroken, gone_on = (
        begin(folder, str(tmp_path / "faces"), tmp_path / "unbroken", steps=4),
        resume(tmp_path / "broken"),
    )
    assert gone_on.progress.step == 2
    trained = unbroken.train()
    gone_on.train()
    near({name: value.detach().numpy() for name, value in gone_on.bare.state_dict().items()}, trained, unbroken)


def test_a_batch_that_processes_cannot_share_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(UsageError, match="3 processes cannot share 16 faces evenly: give a --batch that they can"):
        begin(tiny(), "composed", tmp_path / "training", steps=1)
    assert not (tmp_path / "training").exists()


def test_parts_of_a_batch_are_the_batch() -> None:
    source = ComposedFaces(tiny(**{"data.photolike": 0.5, "data.collaged": 0.2, "data.collages": 4}))
    whole = source.batch(3, 5, 24)
    for part in (slice(0, 8), slice(8, 16), slice(16, 24)):
        found = source.batch(3, 5, 24, part)
        for name in ("faces", "mask", "shown"):
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name)[part])


def spoil(run: Run, at: int) -> None:
    """Have a step ruin the weights, as a gradient does that is no number."""
    step = run.adam.step

    def spoilt() -> None:
        step()
        if run.progress.step == at and not run.progress.setbacks:
            with torch.no_grad():
                for weights in run.bare.parameters():
                    weights.fill_(float("nan"))

    run.adam.step = spoilt


@pytest.mark.parametrize("save_every", [0.0, 120.0])
def test_a_loss_that_is_no_number_leads_back_to_the_last_good_state(tmp_path: Path, save_every: float) -> None:
    run = begin(tiny(), "composed", tmp_path, steps=10)
    spoil(run, at=6)
    seen: list[Status] = []
    back = 6 if save_every == 0 else 1  # where it was saved last
    with pytest.warns(MinifacesWarning, match=rf"at step [78].* back at step {back}, and on at half the learning rate"):
        trained = run.train(seen.append, save_every)
    assert trained.steps == 10
    assert [status.step for status in seen].count(back + 1) == 2
    assert all(bool(value.isfinite().all()) for value in trained.network.state_dict().values())
    kept = checkpoint.load(tmp_path / "checkpoint")
    assert kept.weights is not None
    assert all(bool(value.isfinite().all()) for value in kept.weights.values())
    assert (kept.progress.step, kept.progress.setbacks) == (10, 1)


def test_a_loss_that_stays_no_number_is_given_up(tmp_path: Path) -> None:
    wild = tiny(**{"optimiser.learning_rate": 1e6, "optimiser.clip": 0})
    with pytest.warns(MinifacesWarning), pytest.raises(MinifacesError, match="train anew with a smaller one") as error:
        begin(wild, "composed", tmp_path, steps=30).train()
    assert "\n" not in str(error.value)
    kept = checkpoint.load(tmp_path / "checkpoint")  # of before
    assert kept.average is not None
    assert all(bool(value.isfinite().all()) for value in kept.average.values())


def test_clocks_that_jump_change_nothing(
    unbroken: tuple[Path, Trained, list[float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps = itertools.cycle([4e9, 0.0, 1.7e9, -1e6])
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    again, _ = train(tmp_path / "training")
    assert same(weights(unbroken[1]), weights(again))
    assert again.seconds < 1e6


def test_a_log_goes_on_from_the_step_that_the_run_does(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"step": 1, "loss": 3.0}\n{"step": 2, "loss": 2.0}\n{"step": 3, "lo')
    log = Log(tmp_path, active=True, first=1, every=1)
    log.write(2, {"loss": 2.5})
    log.close()
    assert (tmp_path / "log.jsonl").read_text() == '{"step": 1, "loss": 3.0}\n{"step": 2, "loss": 2.5}\n'
