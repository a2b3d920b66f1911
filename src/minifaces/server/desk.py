"""A model that many ask at once: what comes together is decoded together, and no more is taken than can be done."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import numpy as np

from minifaces.arrays import Floats, Latents, Pixels
from minifaces.cores import cores
from minifaces.errors import UsageError
from minifaces.facefinder import LONGEST, Read, read_face
from minifaces.images import decode_within
from minifaces.server.answers import Refusal
from minifaces.server.batches import Batches
from minifaces.server.guards import Limits
from minifaces.server.metrics import Metrics
from minifaces.studio.model import Model
from minifaces.studio.network import ROWS

Made = TypeVar("Made")


class Desk:
    """What the handlers of requests ask for. It belongs to the event loop that asks first."""

    def __init__(self, model: Model, limits: Limits, metrics: Metrics) -> None:
        self.model, self.limits, self._metrics = model, limits, metrics
        sums = json.dumps(model.config.files, sort_keys=True).encode()
        self.version = hashlib.sha256(sums).hexdigest()[:12]
        """of the model: another one gives other faces"""
        self._pool = ThreadPoolExecutor(cores(), "desk")
        self._decode = Batches(model.decode, ROWS, cores(), metrics.batch)
        self._encode = Batches(model.encode, ROWS // 2, 1)
        self._pictures = ThreadPoolExecutor(1, "pictures")  # one at a time: a large one takes hundreds of megabytes
        self._taken = 0

    @asynccontextmanager
    async def seat(self) -> AsyncIterator[None]:
        """Room for a request, or a refusal: who waits for long is better off coming back."""
        if self._taken >= self.limits.together:
            self._metrics.shed.inc()
            raise Refusal(503, "too much is asked for at once: come back in a second", retry_after="1")
        self._taken += 1
        self._metrics.working.set(self._taken)
        try:
            yield
        finally:
            self._taken -= 1
            self._metrics.working.set(self._taken)

    async def do(self, work: Callable[[], Made]) -> Made:
        """Work that takes a while, in a thread. Of a request that is given up, what was not begun is not done; what was
        keeps a seat until it is, so that no more can come together than the seats."""
        return await self._in(self._pool, work)

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], Made]) -> Made:
        running = pool.submit(work)
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            if not running.cancel() and not running.done():
                self._taken += 1
                loop = asyncio.get_running_loop()
                running.add_done_callback(lambda _: self._pool_left(loop))
            raise

    def _pool_left(self, loop: asyncio.AbstractEventLoop) -> None:
        def stand_up() -> None:
            self._taken -= 1

        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(stand_up)

    async def decode(self, latents: Latents) -> Pixels:
        """(n, d) -> (n, H, W, 3) uint8."""
        return np.stack(await asyncio.gather(*(self._decode(row) for row in latents)))

    async def encode(self, file: bytes, face: int | None = None) -> tuple[Latents, Read]:
        """A picture file, and which of its faces -> (d,), and what was seen in it."""
        read = await self._in(self._pictures, lambda: self._read(file, face))
        return await self._encode(read.picture), read

    async def latent(self, face: str) -> Latents:
        """(d,) of a face's reference. No file of this machine is a face."""
        return await self.do(lambda: self._latent(face))

    async def close(self) -> None:
        await self._decode.close()
        await self._encode.close()
        self._pool.shutdown()
        self._pictures.shutdown()

    def _read(self, file: bytes, face: int | None) -> Read:
        picture = decode_within(file, "the picture", LONGEST, self.limits.pixels)
        return read_face(picture, self.model.image_size, face)

    def _latent(self, face: str) -> Latents:
        kind, mark, rest = face.partition(":")
        if mark and kind == "avatar":
            return self.model.avatar_latent(rest)
        if mark and kind == "random":
            if not rest.isascii() or not rest.isdecimal() or len(rest) > 39:
                raise UsageError("a random face is random:SEED with a seed from 0 to 2^128 - 1")
            drawn: Latents = self.model.sample_latents(1, int(rest))[0]
            return drawn
        if mark and kind == "z":
            return _unpacked(rest, self.model.latent_size)
        place = self.model.gallery.index(face)
        if place is None:
            raise Refusal(404, f"no face is called {face}: /v1/gallery lists the names")
        latent: Latents = self.model.gallery.latents[place]
        return latent


def _unpacked(text: str, size: int) -> Floats:
    """A latent in half precision, as the explorer's links hold it."""
    try:
        values = np.frombuffer(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True), "<f2")
    except ValueError:
        values = np.zeros(0, np.float16)
    if values.shape != (size,) or not np.isfinite(values).all():
        raise UsageError(f"the latent of z: is incomplete, or of another model: {size} numbers in half precision")
    return values.astype(np.float32)
