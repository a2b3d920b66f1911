"""A process that has used a model and forks: its children make the same pictures, and wait for nothing of its."""

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minifaces.pictures import cluster_crops
from minifaces.studio.atlas import project
from minifaces.studio.model import Model

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
PATIENCE = 60  # seconds, for children that would wait without end


@pytest.fixture
def model(tiny_model: Path) -> Model:
    return Model(tiny_model)


def ends_well(*calls: Callable[[], None]) -> None:
    """Run each in a child of its own, all at once; one that fails or hangs is an error."""
    children = []
    for call in calls:
        if not (child := os.fork()):
            code = 1
            try:
                call()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    end = time.monotonic() + PATIENCE
    ended: dict[int, object] = {}
    while len(ended) < len(children):
        for child in set(children) - ended.keys():
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                ended[child] = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                ended[child] = "hangs"
        time.sleep(0.01)
    assert set(ended.values()) == {0}


def same(model: Model, n: int, expected: np.ndarray) -> None:
    """The faces of the seed and what the encoder makes of them are those of the parent."""
    made = model.sample(n, seed=1)
    assert np.array_equal(made, expected[:n])
    assert np.array_equal(model.encode(made), model.encode(expected)[:n])


@pytest.mark.parametrize("before", [1, 8, 9, 25])
def test_children_of_a_fork(model: Model, before: int) -> None:
    expected = model.sample(25, seed=1)
    model.encode(expected[:before])
    model.decode(np.zeros((before, model.latent_size)))
    ends_well(*(lambda n=n: same(model, n, expected) for n in (1, 8, 9, 25)))  # type: ignore[misc]
    same(model, 25, expected)


def test_many_workers_of_one_that_was_loaded_before(model: Model) -> None:
    """As servers preload: each worker answers from several threads, and has a child of its own."""
    expected = model.sample(25, seed=1)

    def worker() -> None:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda n: same(model, n, expected), (25, 9, 1, 20)))
        ends_well(lambda: same(model, 25, expected))

    ends_well(*[worker] * 4)


def test_forks_while_other_threads_are_at_it(model: Model) -> None:
    expected = model.sample(25, seed=1)
    model.encode(expected)
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            Model(model.folder).reconstruct(expected)

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            ends_well(lambda: same(model, 9, expected))
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_child_has_a_session_of_its_own(model: Model) -> None:
    """Of children that shared the bundled model's, forked beside three threads that decoded, one in forty hung."""
    parents = model._decoder._session()
    assert model._decoder._session() is parents

    def child() -> None:
        assert model._decoder._session() is not parents
        assert model._decoder._session() is model._decoder._session()

    ends_well(child, child)


def test_what_a_thread_was_working_out_is_worked_out_by_the_child(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """functools.cached_property has a lock for all objects of a class up to Python 3.11."""
    begun, go = threading.Event(), threading.Event()
    opened = Image.open

    def slow(*arguments: object, **options: object) -> Image.Image:
        if threading.current_thread() is thread:
            begun.set()
            go.wait(PATIENCE)
        return opened(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("minifaces.studio.gallery.Image.open", slow)
    thread = threading.Thread(target=lambda: model.gallery.thumbnails)
    thread.start()
    assert begun.wait(PATIENCE)
    try:
        ends_well(lambda: None if len(Model(model.folder).gallery.thumbnails) else os._exit(2))
    finally:
        go.set()
        thread.join()


def test_maps_and_clusters_in_a_child(model: Model) -> None:
    """scikit-learn and openTSNE have threads of their own."""
    latents = np.random.default_rng(0).normal(size=(300, 8))
    places = project(latents)
    faces = np.zeros((300, 8, 8, 3), np.uint8)
    crops = cluster_crops(faces, places, 3, 256, 8, 64)

    def child() -> None:
        assert np.array_equal(project(latents), places)
        assert np.array_equal(cluster_crops(faces, places, 3, 256, 8, 64), crops)
        assert len(model.gallery.thumbnails)

    ends_well(child, child)


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_pools_of_processes(model: Model, way: str) -> None:
    expected = [model.avatar(name) for name in "abc"]
    model.sample(25, seed=1)
    with ProcessPoolExecutor(2, get_context(way)) as pool:
        for made, face in zip(pool.map(model.avatar, "abc", timeout=PATIENCE), expected, strict=True):
            assert np.array_equal(made, face)
    with get_context(way).Pool(2) as old:
        for made, face in zip(old.map_async(model.avatar, "abc").get(PATIENCE), expected, strict=True):
            assert np.array_equal(made, face)
