"""A work folder written row by row, with scores that tests choose: review, replay and statistics read nothing else."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest

from minifaces.arrays import Pixels
from minifaces.images import save_picture
from minifaces.ldraw.composed import composed_faces
from minifaces.photos.lists import Appender
from minifaces.photos.workfolder import Box, Frame, Head, Original, Screen, Work
from minifaces.workers import Pool, open_pool

SIZE = 64


@contextmanager
def one_worker() -> Iterator[None]:
    """Whoever asks for one worker meanwhile gets the same, since each takes half a second to begin."""
    with open_pool(1) as kept, pytest.MonkeyPatch.context() as patch:

        def opened(workers: int | str) -> AbstractContextManager[Pool]:
            return nullcontext(kept) if workers == 1 else open_pool(workers)

        for room in ("steps", "collect"):
            patch.setattr(f"minifaces.photos.{room}.open_pool", opened)
        yield


def composed(count: int, seed: int = 3) -> Pixels:
    """(count, 64, 64, 3) uint8 faces."""
    return np.stack([face for face, _ in composed_faces(count, SIZE, seed=seed)])


def write_work(folder: Path, faces: Pixels, screens: Sequence[dict[str, object]], heads: int = 1) -> Work:
    """A work folder of framed `faces`, `heads` side by side in each original, with what `screens` says of each face:
    scores, flags and, as `duplicate_of`, the place of an earlier face."""
    work = Work(folder, make=True)
    keys: list[str] = []
    with (
        Appender(work.manifest) as manifest,
        Appender(work.heads_list) as head_list,
        Appender(work.frames_list) as frames,
        Appender(work.screen_list) as screened,
    ):
        for start in range(0, len(faces), heads):
            group = faces[start : start + heads]
            picture = np.concatenate(list(np.pad(group, ((0, 0), (8, 8), (8, 8), (0, 0)), mode="edge")), axis=1)
            scratch = folder / "scratch.png"
            save_picture(scratch, picture)
            sha = hashlib.sha256(scratch.read_bytes()).hexdigest()
            name = f"originals/{sha[:2]}/{sha}.png"
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            scratch.rename(folder / name)
            height, width = picture.shape[:2]
            manifest.add([
                Original(id=sha[:16], sha256=sha, file=name, source=f"photos/{start:03}.png", found="2026-11-24",
                         bytes=(folder / name).stat().st_size, width=width, height=height)
            ])  # fmt: skip
            for index, face in enumerate(group):
                head = Head(id=sha[:16], index=index, of=len(group), box=Box(80 * index, 0, 80 * index + 80, height))
                keys.append(head.key)
                save_picture(work.face_path(head.key), face)
                told = dict(screens[start + index])
                if (twin := told.pop("duplicate_of", None)) is not None:
                    told["duplicate_of"] = keys[twin]  # type: ignore[call-overload]
                outline = Box(80 * index + 12, 12, 80 * index + 68, 68)
                head_list.add([head])
                frames.add([Frame(key=head.key, head=outline, sure=0.9)])
                screened.add([Screen.model_validate({"key": head.key, "scores": {}, **told})])
    return work
