"""Training from parquet files: every picture once a pass, the same ones for a seed and a step however they are asked
for, a window of them in memory, and what is damaged told in one line."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from pyarrow import parquet

import minifaces
from minifaces import shards
from minifaces.arrays import Pixels
from minifaces.cli.main import run
from minifaces.dataset import write_dataset
from minifaces.errors import UsageError
from minifaces.hub.datasets import write_parquet
from minifaces.shards import Shards, list_shards
from minifaces.vae.config import Config, preset
from minifaces.vae.train import begin, resume
from minifaces.vae.training_data import FolderFaces, ShardFaces, open_source

SIZE = 32
GROUP = 10


@pytest.fixture(scope="module", autouse=True)
def _few_threads() -> None:
    torch.set_num_threads(1)


def small() -> Config:
    sizes = {"network.image_size": SIZE, "network.widths": [16, 32], "network.latent_size": 8, "network.looks": 1}
    return preset("default", **sizes, **{"optimiser.batch": 8})


def face(number: int) -> Pixels:
    return np.full((SIZE, SIZE, 3), [number % 256, number // 256, 7], np.uint8)


def numbers(faces: Pixels) -> list[int]:
    return [int(f[0, 0, 0]) + 256 * int(f[0, 0, 1]) for f in faces]


def png(picture: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def write_shard(
    path: Path, first: int, count: int, spoil: Callable[[int, bytes], bytes] = lambda _, data: data
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"bytes": spoil(i, png(face(i))), "path": f"{i}.png"} for i in range(first, first + count)]
    table = pa.table({"image": rows, "label": pa.array([i % 3 for i in range(first, first + count)])})
    parquet.write_table(table, path, row_group_size=GROUP)


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shards:
    """120 pictures in three shards of four row groups, two of which are a window."""
    for number in range(3):
        write_shard(tmp_path / f"train-{number:05}-of-00003.parquet", 40 * number, 40)
    metadata = parquet.read_metadata(tmp_path / "train-00000-of-00003.parquet")
    stored = max(
        sum(metadata.row_group(g).column(c).total_uncompressed_size for c in (0, 1))
        for g in range(metadata.num_row_groups)
    )
    monkeypatch.setattr(shards, "WINDOW", int(2.9 * stored))
    return Shards(list_shards(tmp_path)["train"], SIZE)


def test_every_picture_comes_once_a_pass_in_another_order(three: Shards) -> None:
    assert three.rows == 120
    passes = [numbers(three.take(5, np.arange(120 * p, 120 * (p + 1)))) for p in range(2)]
    assert all(sorted(found) == list(range(120)) for found in passes)
    assert passes[0] != passes[1]
    assert passes[0] != numbers(three.take(6, np.arange(120)))


def test_windows_are_of_several_shards_and_shuffled(three: Shards) -> None:
    windows = np.array(numbers(three.take(5, np.arange(120)))).reshape(6, 20)
    assert all(len({number // GROUP for number in window}) == 2 for window in windows), "two row groups each"
    assert any(len({number // 40 for number in window}) == 2 for window in windows), "of two shards, some"
    for window in windows:
        changes = np.count_nonzero(np.diff(window // GROUP))
        assert changes > 3, "their rows are mixed"


def test_any_place_can_be_asked_for_at_any_time(three: Shards) -> None:
    whole = numbers(three.take(5, np.arange(240)))
    for places in ([239, 0, 119, 120, 61], [7, 8, 9], list(range(100, 140))):
        assert numbers(three.take(5, np.array(places))) == [whole[place] for place in places]
    again = Shards(three.paths, SIZE)
    assert numbers(again.take(5, np.arange(33, 77))) == whole[33:77]


def test_no_more_than_a_window_is_kept(three: Shards, monkeypatch: pytest.MonkeyPatch) -> None:
    living: list[int] = []
    read = shards.Group.stored

    def counted(group: shards.Group) -> object:
        living.append(0 if three._window is None else 1)
        return read(group)

    monkeypatch.setattr(shards.Group, "stored", counted)
    three.take(5, np.arange(240))
    assert len(living) == 24, "each row group is read once a pass"
    assert not any(living), "while a window is read, the one before it is gone"
    assert three._window is not None
    assert sum(map(len, three._window[1]._parts)) == 20


def test_a_data_set_written_as_parquet_is_learnt_from_as_it_was(tmp_path: Path) -> None:
    """The command from end to end: train, attributes and names, validation, interruption."""
    rng = np.random.default_rng(0)
    splits = ["train"] * 40 + ["validation"] * 5 + ["test"] * 3
    dark = [i % 2 == 0 for i in range(len(splits))]
    faces = [rng.integers(0, 100 if d else 255, (SIZE, SIZE, 3), np.uint8) for d in dark]
    rows = [
        {"design": f"face-{i}", "split": split, "dark": str(d).lower()}
        for i, (split, d) in enumerate(zip(splits, dark, strict=True))
    ]
    write_dataset(tmp_path / "faces", zip(faces, rows, strict=True))
    write_parquet(tmp_path / "faces", tmp_path / "shards")
    source, folder = open_source(str(tmp_path / "shards"), small()), open_source(str(tmp_path / "faces"), small())
    assert isinstance(source, ShardFaces)
    assert isinstance(folder, FolderFaces)
    assert (source.faces, source.unseen) == (folder.faces, True) == (40, True)
    ours, theirs = (np.sort(s.batch(0, 0, 40).faces.reshape(40, -1), axis=0) for s in (source, folder))
    np.testing.assert_array_equal(ours, theirs)
    held_out = {f.tobytes() for f in source.held_out(9).faces}
    assert held_out == {f.tobytes() for f in folder.held_out(9).faces}
    out = tmp_path / "model"
    settings = ["--size", "32", "--latent", "8", "--steps", "6", "--set", "network.widths=[16,32]"]
    settings += ["--set", "network.looks=1", "--set", "flow.steps=0", "--threads", "1"]
    assert run(["train", "--data", str(tmp_path / "shards"), "-o", str(out), *settings]) == 0
    model = minifaces.load(out)
    assert [(e.name, e.split) for e in model.gallery.entries] == [(r["design"], r["split"]) for r in rows]
    assert list(model.directions) == ["dark"]
    assert model.config.preset["held_out"]["faces"] == 5


@pytest.mark.usefixtures("three")
def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    def broken(status: object) -> None:
        if status.step == 7:
            raise RuntimeError("as if the machine had stopped")

    whole = begin(small(), str(tmp_path), tmp_path / "whole", steps=12, threads=1).train()
    with pytest.raises(RuntimeError, match="as if"):
        begin(small(), str(tmp_path), tmp_path / "broken", steps=12, threads=1).train(broken, save_every=0)
    gone_on = resume(tmp_path / "broken", threads=1).train()
    for name, value in whole.network.state_dict().items():
        np.testing.assert_array_equal(value, gone_on.network.state_dict()[name])


def test_splits_are_what_files_and_folders_are_called(tmp_path: Path) -> None:
    for name in ("train-00000-of-00001", "valid.more", "test/0", "other", "data/validation-1"):
        write_shard(tmp_path / f"{name}.parquet", 0, 1)
    found = {split: sorted(f.name for f in files) for split, files in list_shards(tmp_path).items()}
    assert found == {
        "train": ["other.parquet", "train-00000-of-00001.parquet"],
        "validation": ["valid.more.parquet", "validation-1.parquet"],
        "test": ["0.parquet"],
    }
    Image.fromarray(face(0)).save(tmp_path / "1.png")
    assert list_shards(tmp_path) == {}, "a folder of pictures"


def one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    options = ["--threads", "1", "--size", "32", "--steps", "3", "--batch", "20", "--set", "network.widths=[16,32]"]
    assert run(["train", "--data", str(folder), "-o", str(folder / "model"), *options]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(lines) == 1
    return lines[0]


def test_damaged_shards_are_named_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "train-00000-of-00002.parquet"
    write_shard(data, 0, 20)
    assert "has 1 of the 2 train shards: fetch or write them again" in one_line(tmp_path, capsys)
    whole = data.read_bytes()
    data.unlink()
    data = tmp_path / "train.parquet"
    data.write_bytes(whole[:-40])
    assert f"{data} is a damaged parquet file" in one_line(tmp_path, capsys)
    data.write_bytes(whole[:200] + bytes(100) + whole[300:])
    assert f"{data}" in one_line(tmp_path, capsys)
    parquet.write_table(pa.table({"words": ["none"]}), data)
    assert f"{data} has no column of pictures" in one_line(tmp_path, capsys)
    write_shard(data, 0, 20, lambda i, data: data[:60] if i == 13 else data)
    assert f"{data}, row 13, is damaged" in one_line(tmp_path, capsys)
    data.rename(tmp_path / "test.parquet")
    assert "has no pictures in its train split" in one_line(tmp_path, capsys)


def test_pictures_that_are_only_named_are_told(tmp_path: Path) -> None:
    table = pa.table(
        {
            "image": pa.array(
                [{"bytes": None, "path": "1.png"}], pa.struct([("bytes", pa.binary()), ("path", pa.string())])
            )
        }
    )
    parquet.write_table(table, tmp_path / "train.parquet")
    found = Shards([tmp_path / "train.parquet"], SIZE)
    for ask in (lambda: found.take(0, np.arange(1)), lambda: found.first(1)):
        with pytest.raises(UsageError, match=r"train\.parquet, row 0, holds no bytes"):
            ask()
