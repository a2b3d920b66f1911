"""What is asked of a network at the same time is done together.

batches = Batches(decode, rows=8, workers=2)
face = await batches(latent)               # others that wait are decoded in the same run

Each worker takes what waits, up to `rows`, runs the network on it in a thread of its own, and hands out the answers.
A row's answer does not depend on the rows beside it (tests/test_server.py)."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_Waiting = tuple[Array, asyncio.Future[Array]]


class Batches:
    """Rows through a network, those that come together in one run. It belongs to the event loop that asks first."""

    def __init__(
        self, run: Callable[[Array], Array], rows: int, workers: int, told: Callable[[int], None] = lambda _: None
    ) -> None:
        """`run` takes and gives (n, ...); `told` hears how many rows each run takes."""
        self._run, self._rows, self._told, self._count = run, rows, told, workers
        self._pool = ThreadPoolExecutor(workers, "batches")
        self._waiting: asyncio.Queue[_Waiting] | None = None
        self._workers: list[asyncio.Task[None]] = []

    async def __call__(self, row: Array) -> Array:
        """One row's answer."""
        if self._waiting is None:
            self._waiting = asyncio.Queue()
            self._workers = [asyncio.create_task(self._work(self._waiting)) for _ in range(self._count)]
        answer: asyncio.Future[Array] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((row, answer))
        return await answer

    async def close(self) -> None:
        """End the workers; what waits for an answer is cancelled."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._pool.shutdown()

    async def _work(self, waiting: asyncio.Queue[_Waiting]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            taken = [await waiting.get()]
            while len(taken) < self._rows and not waiting.empty():
                taken.append(waiting.get_nowait())
            taken = [(row, answer) for row, answer in taken if not answer.done()]  # whoever hung up needs none
            if not taken:
                continue
            self._told(len(taken))
            try:
                rows = np.stack([row for row, _ in taken])
                answers = await loop.run_in_executor(self._pool, self._run, rows)
            except Exception as error:
                for _, answer in taken:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_, answer), found in zip(taken, answers, strict=True):
                if not answer.done():
                    answer.set_result(found)
