"""What the programs of this folder share. They run in an environment of their own, without minifaces:

    python keras_vae.py train FACES OUT MINUTES     learns; what it makes of unseen faces meanwhile is kept in OUT
    python keras_vae.py works SPEC                  does what it is told a line at a time, so that others take turns
    python keras_vae.py once                        decodes one face and ends

FACES is an .npz with `train` and `unseen`, (n, 64, 64, 3) uint8. SPEC is a network as JSON: `kind` "seed" (2020's) or
"residual" (`minifaces.vae.networks`), `image_size`, `latent_size`, `widths`, `depths` and `fold`."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FIRST, APART = 10.0, 1.3  # seconds until pictures are kept first, and then the factor from one time to the next
Spec = dict[str, Any]
Works = dict[str, tuple[int, Callable[[], Any]]]
"""name -> how many faces it is, and doing it"""


class Watch:
    """The clock of a training, which stands still while unseen faces are worked on."""

    def __init__(self, unseen: np.ndarray, folder: Path, minutes: float) -> None:
        self.unseen, self.folder, self.minutes = unseen, folder, minutes
        self.due, self.number = FIRST, 0
        self.seconds = self.cores = 0.0
        self._go()

    def passed(self, passes: float, made: Callable[[np.ndarray], np.ndarray]) -> bool:
        """Whether the time is over, after so many passes; `made`: faces (n, H, W, 3) in [0, 1] -> reconstructions."""
        self.seconds += time.perf_counter() - self._started
        self.cores += time.process_time() - self._spent
        over = self.seconds >= 60 * self.minutes
        if over or self.seconds >= self.due:
            self._keep(passes, made(self.unseen))
        self._go()
        return over

    def _keep(self, passes: float, faces: np.ndarray) -> None:
        self.due = self.seconds * APART
        self.number += 1
        pictures = np.rint(np.clip(faces, 0, 1) * 255).astype(np.uint8)
        told = {"seconds": self.seconds, "cores": self.cores, "passes": passes}
        np.savez(self.folder / f"{self.number:03d}.npz", faces=pictures, **told)
        print(json.dumps(told), flush=True)

    def _go(self) -> None:
        self._started, self._spent = time.perf_counter(), time.process_time()


def rows(spec: Spec) -> tuple[np.ndarray, np.ndarray]:
    """64 random pictures, channels last, and 64 latents, float32."""
    rng, size = np.random.default_rng(0), spec["image_size"]
    return rng.random((64, size, size, 3), np.float32), rng.standard_normal((64, spec["latent_size"]), np.float32)


def main(
    train: Callable[[np.ndarray, Watch], None], works: Callable[[Spec], Works], once: Callable[[], Any], versions: str
) -> None:
    """Do what the command line says."""
    what, *rest = sys.argv[1:]
    if what == "train":
        faces = np.load(rest[0])
        learnt, unseen = (faces[name].astype(np.float32) / 255 for name in ("train", "unseen"))
        train(learnt, Watch(unseen, Path(rest[1]), float(rest[2])))
    elif what == "works":
        _answer(works(json.loads(rest[0])), versions)
    else:
        once()


def _answer(works: Works, versions: str) -> None:
    """Say what there is; then do what each line of stdin names and say how long it took: seconds, core-seconds."""
    print(json.dumps({"versions": versions, "works": {name: count for name, (count, _) in works.items()}}), flush=True)
    for line in sys.stdin:
        work = works[line.strip()][1]
        started, spent = time.perf_counter(), time.process_time()
        work()
        print(json.dumps([time.perf_counter() - started, time.process_time() - spent]), flush=True)
