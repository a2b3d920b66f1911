"""Killed at any moment: work that is ended by SIGKILL before each of the changes that it makes to files, one after the
other, leaves nothing half-written, goes on, and ends with the same bytes. benchmarks/kills.py kills whole commands."""

import hashlib
import json
import os
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from minifaces.cli.main import run
from minifaces.dataset import write_dataset
from minifaces.errors import UsageError
from minifaces.explorer import output
from minifaces.files import atomic, is_empty, write_text
from minifaces.listing import list_dataset
from minifaces.studio.folder import open_folder, staged
from minifaces.vae import checkpoint
from minifaces.vae.config import preset
from minifaces.vae.progress import Progress

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod")


def in_a_child(work: Callable[[], Any]) -> int:
    """What became of it: its exit code, or -9 where it was killed."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_everywhere(work: Callable[[], Any]) -> Iterator[int]:
    """Do the work again and again, killed before its first change to a file, its second ...: -> which, each time. At
    last it comes to its end."""

    def die_at(number: int) -> None:
        done = 0

        def count(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal done
            writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if writes or event in CHANGES:
                done += 1
                if done == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        work()

    for number in range(1, 10_000):
        code = in_a_child(lambda at=number: die_at(at))
        if code == 0:
            return
        assert code == -signal.SIGKILL
        yield number


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_checkpoint_is_whole_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    config = preset("default")

    def state(step: int) -> checkpoint.Checkpoint:
        tensors = {"w": torch.full((3,), float(step))}
        return checkpoint.Checkpoint(config, "composed", 0, Progress(step=step), tensors, tensors, {0: dict(tensors)})

    place = tmp_path / "checkpoint"
    checkpoint.save(place, state(1))
    found, last = set(), 1

    def save_next() -> None:
        checkpoint.save(place, state(last + 1))

    for number in killed_everywhere(save_next):
        kept = checkpoint.load(place)
        assert kept.weights is not None
        assert kept.moments is not None
        values = {float(t[0]) for t in (kept.weights["w"], kept.moments[0]["w"])} | {kept.progress.step}
        assert values in ({last}, {last + 1})
        found.add(max(values) - last)
        last = kept.progress.step  # and the next one goes on from there
        assert number < 200
    assert found == {0, 1}
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint"}


def test_a_data_set_is_whole_or_unfinished_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    faces = [(rng.integers(0, 255, (8, 8, 3), np.uint8), {"design": str(i), "split": "train"}) for i in range(4)]
    recipe = {"seed": 0}
    write_dataset(tmp_path / "calm", faces, recipe=recipe)
    wanted, folder = content(tmp_path / "calm"), tmp_path / "killed"
    for number in killed_everywhere(lambda: write_dataset(folder, faces, recipe=recipe)):
        if (folder / "metadata.csv").exists() and not (folder / ".unfinished").exists():
            assert content(folder) == wanted
            assert len(list_dataset(folder).paths) == 4
        elif folder.exists():
            with pytest.raises(UsageError):
                list_dataset(folder)
        assert number < 200
    assert content(folder) == wanted
    before = (folder / "metadata.csv").stat().st_ino
    assert write_dataset(folder, faces, recipe=recipe) == 4  # which is done, so nothing is
    assert (folder / "metadata.csv").stat().st_ino == before
    with pytest.raises(UsageError, match="is not empty"):
        write_dataset(folder, faces, recipe={"seed": 1})


def test_a_data_set_that_is_replaced_is_there_until_the_new_one_is(tmp_path: Path) -> None:
    def faces(value: int) -> list[Any]:
        return [(np.full((8, 8, 3), value, np.uint8), {"design": str(i), "split": "train"}) for i in range(3)]

    folder = tmp_path / "faces"
    write_dataset(folder, faces(1))
    for _ in killed_everywhere(lambda: write_dataset(folder, faces(2), replace=True)):
        if not (folder / ".unfinished").exists():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the hidden folder of the new one
                listed = list_dataset(folder).paths
            assert len(listed) == 3
            assert len({int(np.asarray(Image.open(path)).max()) for path in listed}) == 1
    assert {int(np.asarray(Image.open(path)).max()) for path in list_dataset(folder).paths} == {2}
    assert {path.name for path in folder.iterdir()} == {"faces", "metadata.csv"}


def test_a_model_is_the_old_one_or_the_new_one_whenever_its_writer_is_killed(tiny_model: Path, tmp_path: Path) -> None:
    new, folder = tmp_path / "new", tmp_path / "model"
    shutil.copytree(tiny_model, new)
    (new / "README.md").write_text("the new one")
    config = json.loads((new / "config.json").read_text())
    changed = (new / "gallery.json").read_bytes() + b" "
    (new / "gallery.json").write_bytes(changed)
    config["files"]["gallery.json"] = hashlib.sha256(changed).hexdigest()
    (new / "config.json").write_text(json.dumps(config | {"name": "new"}))
    shutil.copytree(tiny_model, folder)
    old = open_folder(folder).name

    def replace() -> None:
        with staged(folder) as scratch:
            for file in sorted(new.iterdir(), key=lambda file: file.name == "config.json"):
                shutil.copyfile(file, scratch / file.name)

    found = []
    for number in killed_everywhere(replace):
        found.append(open_folder(folder).name)
        assert (folder / "gallery.json").read_bytes().endswith(b" ") == (found[-1] == "new")
        shutil.rmtree(folder)
        shutil.copytree(tiny_model, folder)
        assert number < 200
    assert set(found) == {old, "new"}
    assert found == sorted(found, key=lambda name: name == "new")
    assert content(folder) == content(new)


def test_a_site_is_written_by_the_next_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = {"index.html": b"old", "assets/old.js": b"old", "data/site.bin": b"old"}
    new = {"index.html": b"new", "assets/new.js": b"new", "data/site.bin": b"new", "data/x.bin": b"new"}
    monkeypatch.setattr(output, "hosted", lambda data, *_: data)
    out = tmp_path / "site"
    for _ in killed_everywhere(lambda: output.export_site(old, out, b"")):
        pass
    for _ in killed_everywhere(lambda: output.export_site(new, out, b"")):
        kind = (out / "index.html").read_bytes().decode()
        assert (out / f"assets/{kind}.js").read_bytes().decode() == kind  # what the page names is there
    found = content(out)
    assert found.pop(".minifaces-site").decode().split() == sorted(new)
    assert found == new


def test_what_a_killed_process_left_is_taken_away_and_a_living_ones_is_not(tmp_path: Path) -> None:
    def leave() -> None:
        with atomic(tmp_path / "mine.png") as scratch:
            scratch.write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_a_child(leave) == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    (tmp_path / ".minifaces-site").touch()  # no scratch file
    with atomic(tmp_path / "other.txt") as living:
        assert not left.exists()
        assert in_a_child(lambda: write_text(tmp_path / "third.txt", "x")) == 0
        assert living.exists()
        living.write_text("whole")
    assert {path.name for path in tmp_path.iterdir()} == {"other.txt", "third.txt", ".minifaces-site"}
    assert not is_empty(tmp_path)


def test_composing_is_killed_and_given_again(tmp_path: Path) -> None:
    compose = ["data", "compose", "-n", "100", "--size", "32", "-o"]
    assert run([*compose, str(tmp_path / "calm")]) == 0

    def killed(after: float) -> None:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, after)
        run([*compose, str(tmp_path / "killed")])
        time.sleep(after)

    for after in (0.1, 0.6):
        assert in_a_child(lambda after=after: killed(after)) == -signal.SIGKILL
    for _ in range(2):
        assert run([*compose, str(tmp_path / "killed")]) == 0
        assert content(tmp_path / "killed") == content(tmp_path / "calm")
