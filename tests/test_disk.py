"""Disks that are full, folders that may not be written to or read: one clear line, and what was there stays whole."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from minifaces.cli.main import run
from minifaces.dataset import read_dataset, write_dataset
from minifaces.errors import MinifacesError
from minifaces.vae import checkpoint
from minifaces.vae.config import Config, preset
from minifaces.vae.train import Status, begin, resume


@contextmanager
def mounted(*arguments: str) -> Iterator[Path]:
    """A place that something is mounted at; left out where that is not allowed."""
    place = Path(tempfile.mkdtemp(prefix="minifaces-disk-"))
    if subprocess.run(["mount", *arguments, place], capture_output=True, check=False).returncode:
        place.rmdir()
        pytest.skip("nothing can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)
        place.rmdir()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """Of sixteen megabytes."""
    with mounted("-t", "tmpfs", "-o", "size=16m", "none") as place:
        yield place


@contextmanager
def filled(disk: Path, room: int = 0) -> Iterator[None]:
    """With no room left but so many bytes."""
    stone = disk / "stone"
    with stone.open("wb") as file:
        free = shutil.disk_usage(disk).free - room
        file.write(bytes(max(0, free)))
    try:
        yield
    finally:
        stone.unlink()


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "stone")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def told(capsys: pytest.CaptureFixture[str], code: int, arguments: list[str], *words: str) -> None:
    """The command ends with that code, and one line that holds the words."""
    capsys.readouterr()
    assert run(arguments) == code
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("minifaces: error")]
    assert len(lines) == 1
    for word in words:
        assert word in lines[0]


FULL = "No space left on device"


def test_a_data_set_on_a_full_disk(small_disk: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    compose = ["data", "compose", "-n", "60", "--size", "32", "-o"]
    assert run([*compose, str(tmp_path / "calm")]) == 0
    with filled(small_disk, 100_000):
        told(capsys, 1, [*compose, str(small_disk / "faces")], str(small_disk / "faces"), FULL)
        told(
            capsys,
            2,
            ["train", "--data", str(small_disk / "faces"), "-o", str(tmp_path / "x")],
            "is an unfinished data set",
        )
    assert run([*compose, str(small_disk / "faces")]) == 0
    assert content(small_disk / "faces") == content(tmp_path / "calm")


def test_a_data_set_is_not_replaced_where_the_new_one_has_no_room(small_disk: Path) -> None:
    def faces(value: int, side: int) -> list[tuple[np.ndarray, dict[str, str]]]:
        noise = np.random.default_rng(value).integers(0, 255, (4, side, side, 3), np.uint8)
        return [(face, {"design": str(i), "split": "train"}) for i, face in enumerate(noise)]

    folder = small_disk / "faces"
    write_dataset(folder, faces(1, 16))
    before = content(folder)
    with filled(small_disk, 100_000), pytest.raises(MinifacesError, match=FULL):
        write_dataset(folder, faces(2, 200), replace=True)
    assert content(folder) == before
    assert len(read_dataset(folder, 16).pictures) == 4


def test_preparing_pictures_on_a_full_disk(
    small_disk: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(4):
        Image.fromarray(np.random.default_rng(i).integers(0, 255, (64, 64, 3), np.uint8)).save(photos / f"{i}.png")
    prepare = ["data", "prepare", str(photos), "--workers", "1", "-o"]
    with filled(small_disk, 20_000):
        told(capsys, 1, [*prepare, str(small_disk / "work")], "cannot write", FULL)
    for folder in (small_disk / "work", tmp_path / "calm"):
        assert run([*prepare, str(folder)]) == 0
    lists = [
        {name: body for name, body in content(folder).items() if name.endswith(".jsonl") and name != "log.jsonl"}
        for folder in (small_disk / "work", tmp_path / "calm")
    ]
    assert lists[0] == lists[1]


def test_a_site_on_a_full_disk(tiny_model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    site = ["export-site", "--model", str(tiny_model), "-o"]
    assert run([*site, str(tmp_path / "calm"), "--seed", "1"]) == 0
    size = sum(map(len, content(tmp_path / "calm").values()))
    with mounted("-t", "tmpfs", "-o", f"size={size * 3}", "none") as disk:
        assert run([*site, str(disk / "site")]) == 0
        before = content(disk / "site")
        with filled(disk, size // 2):
            told(capsys, 1, [*site, str(disk / "site"), "--seed", "1"], "cannot write", FULL)
            after = content(disk / "site")
            assert {name: after[name] for name in before if name != ".minifaces-site"} == {
                name: body for name, body in before.items() if name != ".minifaces-site"
            }
        assert run([*site, str(disk / "site"), "--seed", "1"]) == 0
        assert content(disk / "site") == content(tmp_path / "calm")


def tiny() -> Config:
    small = {"network.image_size": 32, "network.widths": [16, 32], "network.depths": [1, 1], "network.latent_size": 8}
    return preset("default", **small, **{"optimiser.batch": 8, "network.looks": 1})


@pytest.fixture
def pictures(tmp_path: Path) -> str:
    noise = np.random.default_rng(0).integers(0, 255, (24, 32, 32, 3), np.uint8)
    write_dataset(tmp_path / "faces", ((face, {"design": str(i), "split": "train"}) for i, face in enumerate(noise)))
    return str(tmp_path / "faces")


def test_training_on_a_full_disk(small_disk: Path, pictures: str, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    wanted = begin(tiny(), pictures, tmp_path / "calm", steps=8).train(save_every=0).network.state_dict()
    run_folder = small_disk / "model" / "training"

    def fill(status: Status) -> None:
        if status.step == 4:
            (small_disk / "stone").write_bytes(bytes(shutil.disk_usage(small_disk).free - 50_000))

    with pytest.raises(MinifacesError, match=f"cannot write .*training.*{FULL}.*the last checkpoint is kept") as error:
        begin(tiny(), pictures, run_folder, steps=8).train(fill, save_every=0)
    assert "\n" not in str(error.value)
    assert checkpoint.load(run_folder / "checkpoint").progress.step == 3
    assert not (run_folder / "checkpoint.new").exists()
    (small_disk / "stone").unlink()
    made = resume(run_folder).train(save_every=0).network.state_dict()
    assert all(torch.equal(made[name], wanted[name]) for name in wanted)


def test_an_export_on_a_full_disk_leaves_the_model_as_it_was(small_disk: Path, tiny_model: Path) -> None:
    from minifaces.studio.folder import staged
    from minifaces.studio.model import Model

    model = Path(shutil.copytree(tiny_model, small_disk / "model"))
    before = content(model)
    with filled(small_disk, 10_000), pytest.raises(OSError, match=FULL), staged(model) as scratch:
        (scratch / "encoder.onnx").write_bytes(bytes(50_000))
    assert content(model) == before
    assert len(Model(model).sample(1)) == 1


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A disk that nobody may write to, root neither."""
    (tmp_path / "held").mkdir()
    with mounted("--bind", str(tmp_path / "held")) as place:
        subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
        yield place


COMMANDS = (
    (["sample", "-n", "1", "-o"], "faces.png"),
    (["morph", "random:1", "random:2", "-o"], "morph.gif"),
    (["export-site", "-o"], "site"),
    (["demo", "-o"], "demo"),
    (["data", "compose", "-n", "1", "--size", "32", "-o"], "faces"),
    (["train", "--steps", "1", "--size", "32", "-o"], "model"),
)


@pytest.mark.parametrize(("command", "name"), COMMANDS)
def test_a_disk_that_may_not_be_written_to(
    read_only: Path, capsys: pytest.CaptureFixture[str], command: list[str], name: str
) -> None:
    told(capsys, 1, [*command, str(read_only / name)], f"cannot write {read_only / name}", "nothing may be written")


def test_preparing_into_a_disk_that_may_not_be_written_to(
    read_only: Path, capsys: pytest.CaptureFixture[str], pictures: str
) -> None:
    told(capsys, 1, ["data", "prepare", pictures, "-o", str(read_only / "work")], "cannot write", "work")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root is kept out of nothing: be somebody else for a while."""
    if os.geteuid():
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def closed() -> Iterator[Path]:
    """A place that all may look at, with what nobody may: a picture, a folder of pictures, a model, a work folder."""
    place = Path(tempfile.mkdtemp(prefix="minifaces-closed-"))
    for name in ("pictures", "model", "work"):
        (place / name).mkdir()
        shutil.copy(Path(__file__).parent.parent / "src/minifaces/explorer/static/icon-192.png", place / name / "a.png")
        (place / name).chmod(0)
    shutil.copy(Path(__file__).parent.parent / "src/minifaces/explorer/static/icon-192.png", place / "a.png")
    (place / "a.png").chmod(0)
    place.chmod(0o755)
    yield place
    for path in place.iterdir():
        path.chmod(0o755)
    shutil.rmtree(place)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["avatar", "Ada", "-o", "{}/x.png"], ("cannot write", "nothing may be written")),
        (["neighbours", "{}/a.png"], ("a.png cannot be read: Permission denied",)),
        (["neighbours", "random:1", "--model", "{}/model"], ("model", "Permission denied")),
        (["evaluate", "--data", "{}/pictures", "-o", "{}/../minifaces-report"], ("pictures", "ermission")),
        (["data", "stats", "{}/work"], ("work",)),
        (["sample", "-o", "{}/pictures/x.png"], ("pictures/x.png", "Permission denied")),
    ],
)
def test_what_may_not_be_read_is_named(
    closed: Path, capsys: pytest.CaptureFixture[str], command: list[str], words: tuple[str, ...]
) -> None:
    import minifaces

    minifaces.load()  # before the user is another
    capsys.readouterr()
    with as_nobody():
        code = run([word.format(closed) for word in command])
    told = capsys.readouterr().err
    assert code in (1, 2)
    assert told.count("\n") == 1
    assert "Traceback" not in told
    assert "unexpected" not in told
    for word in words:
        assert word in told
