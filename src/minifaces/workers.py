"""Run a function over many jobs on this machine's processes or on a dask.distributed cluster.

    with open_pool("tcp://10.0.0.5:8786") as pool:      # or open_pool(4): processes here
        for done in work_through(pool, function, jobs, lost):
            ...

The function is pure: it gets a list of jobs and gives a list of results, and writes nothing. Results come back in the
order of the jobs, each once, and only as many jobs are taken from their iterator as the workers can chew. Where a
worker dies, its jobs are done again; one that ends every worker that it is given to is given up and told to `lost`."""

import multiprocessing
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from minifaces.children import work_for_parent
from minifaces.errors import MinifacesError, UsageError

J = TypeVar("J")
R = TypeVar("R")

_CHUNK = 16  # jobs sent at a time
_CHUNK_WEIGHT = 4_000_000  # bytes sent at a time
_TRIES = 2  # of a job alone, before it is given up


class Pool(ABC):
    """Workers. What `submit` gives has `result()`, which waits."""

    slots: int
    """How many chunks are worked on at a time."""
    died: tuple[type[BaseException], ...]
    """What `result()` raises where the workers that had the jobs ended."""

    @abstractmethod
    def submit(self, function: Callable[[Sequence[J]], list[R]], jobs: Sequence[J]) -> Any: ...

    @abstractmethod
    def revive(self) -> None:
        """Take work again after a death."""

    @abstractmethod
    def holds(self, future: Any) -> bool:
        """Whether a future will give its result although a worker died."""

    @abstractmethod
    def close(self) -> None: ...


@contextmanager
def open_pool(workers: int | str, patience: float = 20) -> Iterator[Pool]:
    """So many processes here, or the cluster of the Dask scheduler at an address such as tcp://10.0.0.5:8786, which may
    take `patience` seconds to answer, and as many to have a worker.

    `dask://` means `tcp://`. Raises UsageError for another address, or where no scheduler with a worker answers."""
    pool = _Processes(workers) if isinstance(workers, int) else _Cluster(workers, patience)
    try:
        yield pool
    finally:
        pool.close()


def work_through(
    pool: Pool,
    function: Callable[[Sequence[J]], list[R]],
    jobs: Iterable[J],
    lost: Callable[[J], R],
    weigh: Callable[[J], int] = lambda _: 0,
) -> Iterator[R]:
    """The function's result of each job, in their order. `weigh` says how many bytes a job has."""
    chunks = _chunks(jobs, weigh)
    waiting: deque[tuple[list[J], Any]] = deque()
    while True:
        while len(waiting) < pool.slots + 2 and (chunk := next(chunks, None)):
            waiting.append((chunk, pool.submit(function, chunk)))
        if not waiting:
            return
        chunk, future = waiting.popleft()
        try:
            results = future.result()
        except pool.died:
            pool.revive()
            results = [_alone(pool, function, job, lost) for job in chunk]
            waiting = deque((jobs, f if pool.holds(f) else pool.submit(function, jobs)) for jobs, f in waiting)
        yield from results


def _alone(pool: Pool, function: Callable[[Sequence[J]], list[R]], job: J, lost: Callable[[J], R]) -> R:
    for _ in range(_TRIES):
        try:
            return cast(R, pool.submit(function, [job]).result()[0])
        except pool.died:
            pool.revive()
    return lost(job)


def _chunks(jobs: Iterable[J], weigh: Callable[[J], int]) -> Iterator[list[J]]:
    chunk: list[J] = []
    weight = 0
    for job in jobs:
        chunk.append(job)
        weight += weigh(job)
        if len(chunk) == _CHUNK or weight >= _CHUNK_WEIGHT:
            yield chunk
            chunk, weight = [], 0
    if chunk:
        yield chunk


def check_address(address: str) -> str:
    """A Dask scheduler's address as Dask knows it. Raises UsageError for what is none."""
    scheme, mark, place = address.partition("://")
    if not mark or not place or scheme not in ("dask", "tcp", "tls"):
        raise UsageError(
            f"--workers {address}: a number from 1, or a Dask scheduler such as tcp://10.0.0.5:8786, wanted"
        )
    return f"{'tcp' if scheme == 'dask' else scheme}://{place}"


class _Processes(Pool):
    """Processes of this machine, begun anew where one dies. They are spawned: forking with threads about is unsafe."""

    died = (BrokenProcessPool,)

    def __init__(self, count: int) -> None:
        if count < 1:
            raise UsageError(f"{count} workers: at least 1 wanted")
        self.slots = count
        self._executor = self._begin()

    def _begin(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.slots, multiprocessing.get_context("spawn"), work_for_parent)

    def submit(self, function: Callable[[Sequence[J]], list[R]], jobs: Sequence[J]) -> Any:
        try:
            return self._executor.submit(function, jobs)
        except BrokenProcessPool:  # since the last result came
            self.revive()
            return self._executor.submit(function, jobs)

    def revive(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._begin()

    def holds(self, future: Any) -> bool:  # a death ends the whole pool
        return bool(future.done() and not future.cancelled() and future.exception() is None)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)


class _Cluster(Pool):
    """A dask.distributed cluster. Jobs are sent with their bytes: its machines need not share a disk with this one."""

    def __init__(self, address: str, patience: float) -> None:
        at = check_address(address)
        try:
            from distributed import Client, KilledWorker
        except ImportError:
            raise UsageError("a Dask cluster needs distributed: pip install 'minifaces[cluster]'") from None
        self.died = (KilledWorker,)
        self._address = address
        try:
            self._client = Client(at, timeout=patience)
        except (OSError, ValueError, TimeoutError) as error:
            raise UsageError(f"no Dask scheduler answers at {address}: start one, or correct the address") from error
        try:
            self._client.wait_for_workers(1, timeout=patience)
        except TimeoutError:
            self._client.close()
            raise UsageError(f"the Dask scheduler at {address} has no workers: start some") from None
        self.slots = max(2, sum(self._client.nthreads().values()))

    def submit(self, function: Callable[[Sequence[J]], list[R]], jobs: Sequence[J]) -> Any:
        # Not pure: equal jobs are not to be taken for one. Not scattered: data without a task that makes them is lost
        # with the worker that holds them.
        return _Remote(self._client.submit(function, jobs, pure=False), self)

    def revive(self) -> None:
        """The scheduler sees to it."""

    def holds(self, future: Any) -> bool:  # noqa: ARG002 - a dead worker's jobs are given to another one
        return True

    def close(self) -> None:
        self._client.close()


class _Remote:
    """A future of the cluster, whose own failures are one line."""

    def __init__(self, future: Any, cluster: _Cluster) -> None:
        self._future = future
        self._cluster = cluster

    def result(self) -> Any:
        from concurrent.futures import CancelledError

        try:
            return self._future.result()
        except self._cluster.died:
            raise
        except (OSError, CancelledError) as error:
            raise MinifacesError(
                f"the Dask scheduler at {self._cluster._address} was lost ({type(error).__name__}): "
                "run the same command again to go on"
            ) from error
        except (ImportError, AttributeError) as error:
            raise MinifacesError(
                f"a worker of the cluster cannot run the job ({error}): install this minifaces there"
            ) from error
