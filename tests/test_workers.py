"""Workers that die: on this machine and on a cluster nothing is lost, and nothing comes twice."""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minifaces.dataset import write_dataset
from minifaces.errors import UsageError
from minifaces.ldraw.composed import composed_files
from minifaces.photos.sources import read_sources
from minifaces.photos.steps import run
from minifaces.photos.workfolder import Settings, Work
from minifaces.workers import Pool, open_pool, work_through


def double(jobs: Sequence[int], folder: Path, deadly: tuple[int, ...] = ()) -> list[int]:
    """A worker that is given a deadly number ends; a number of which the folder has a file ends it once."""
    for job in jobs:
        mark = folder / str(job)
        if job in deadly or mark.exists():
            mark.unlink(missing_ok=True)
            os.kill(os.getpid(), signal.SIGKILL)
    return [2 * job for job in jobs]


def through(workers: int, count: int, folder: Path, deadly: tuple[int, ...] = ()) -> list[int]:
    with open_pool(workers) as pool:
        step = partial(double, folder=folder, deadly=deadly)
        return list(work_through(pool, step, iter(range(count)), lambda job: -job))


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(tmp_path: Path, workers: int) -> None:
    assert through(workers, 100, tmp_path) == list(range(0, 200, 2))
    assert through(workers, 0, tmp_path) == []


def test_a_worker_that_dies_costs_nothing(tmp_path: Path) -> None:
    for number in (0, 40, 99):
        (tmp_path / str(number)).touch()
    assert through(2, 100, tmp_path) == list(range(0, 200, 2))


def test_a_job_that_ends_every_worker_is_given_up(tmp_path: Path) -> None:
    expected = [-job if job in (3, 50) else 2 * job for job in range(60)]
    assert through(2, 60, tmp_path, (3, 50)) == expected


def test_jobs_are_taken_as_they_can_be_chewed(tmp_path: Path) -> None:
    taken: list[int] = []

    def jobs() -> Iterator[int]:
        for number in range(10_000):
            taken.append(number)
            yield number

    with open_pool(1) as pool:
        results = work_through(pool, partial(double, folder=tmp_path), jobs(), lambda job: -job)
        next(results)
        assert len(taken) < 100


def test_large_jobs_go_alone() -> None:
    with open_pool(1) as pool:
        weighed = work_through(pool, count_jobs, range(4), lambda _: -1, lambda _: 5_000_000)
        assert list(weighed) == [1, 1, 1, 1]


def count_jobs(jobs: Sequence[int]) -> list[int]:
    return [len(jobs)] * len(jobs)


@pytest.mark.parametrize("address", ["", "here", "http://127.0.0.1:8786", "tcp://"])
def test_addresses_that_are_none(address: str) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(UsageError, match="a Dask scheduler such as"), open_pool(address):
        pass


def test_no_scheduler_answers() -> None:
    pytest.importorskip("distributed")
    said = r"no Dask scheduler answers at tcp://127\.0\.0\.1:9: start one"
    with pytest.raises(UsageError, match=said), open_pool("tcp://127.0.0.1:9", patience=0.5):
        pass


def test_a_cluster_that_loses_a_worker(tmp_path: Path) -> None:
    """Two workers over TCP, one of them killed in the middle: the same work folder as made here, byte for byte."""
    distributed = pytest.importorskip("distributed")
    photos = tmp_path / "photos"
    photos.mkdir()
    count = 120
    for i in range(count):
        noise = np.random.default_rng(i).integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(noise).save(photos / f"{i:03}.png")
    settings = Settings(size=32)
    here = Work(tmp_path / "here", make=True)
    run(here, "screen", read_sources([photos]), 1, settings)
    there = Work(tmp_path / "there", make=True)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, protocol="tcp://", host="127.0.0.1", dashboard_address=None
    ) as cluster:
        assert cluster.scheduler_address.startswith("tcp://")
        victims = []

        def kill_one(done: int) -> None:
            if done == 20:
                with distributed.Client(cluster.scheduler_address) as client:
                    victims.extend(client.run(os.getpid).values())
                os.kill(victims[0], signal.SIGKILL)

        address = cluster.scheduler_address.replace("tcp://", "dask://")
        counts = run(there, "screen", read_sources([photos]), address, settings, kill_one)
        assert len(victims) == 2
        assert not _lives(victims[0])
    assert counts.pictures == counts.screened == count
    sources = [row.source for row in there.originals()]
    assert sources == sorted(str(path) for path in photos.iterdir())
    files = sorted(path.relative_to(here.folder) for path in here.folder.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(there.folder) for path in there.folder.rglob("*") if path.is_file())
    for name in files:
        assert (here.folder / name).read_bytes() == (there.folder / name).read_bytes(), name


def composed(folder: Path, pool: Pool | None, update: Callable[[int], None] = lambda _: None) -> dict[str, bytes]:
    """A data set of composed faces, its files by name; `update` is told of each face."""
    faces = enumerate(composed_files(180, 32, seed=4, pool=pool))
    write_dataset(folder, (update(number) or pair for number, pair in faces))
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_composing_loses_nothing_with_a_worker(tmp_path: Path) -> None:
    """Two processes and two workers of a cluster, one of each killed in the middle: the faces of this process."""
    distributed = pytest.importorskip("distributed")
    expected = composed(tmp_path / "here", None)
    assert len(expected) == 181
    victims: list[int] = []

    def kill_one(number: int) -> None:
        if number == 10:
            victims.extend(those())
            os.kill(victims[0], signal.SIGKILL)

    def those() -> list[int]:
        return [child.pid or 0 for child in multiprocessing.active_children()]

    with open_pool(2) as pool:
        assert composed(tmp_path / "processes", pool, kill_one) == expected
    assert len(victims) == 2
    assert not _lives(victims.pop(0))
    victims.clear()
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            protocol="tcp://",
            host="127.0.0.1",
            dashboard_address=None,
        ) as cluster,
        open_pool(cluster.scheduler_address) as pool,
    ):
        assert composed(tmp_path / "cluster", pool, kill_one) == expected
    assert len(victims) == 2
    assert not _lives(victims[0])


def _lives(pid: int) -> bool:
    for _ in range(50):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            time.sleep(0.1)
            continue
        return False
    return True
