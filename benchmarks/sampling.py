"""What drawing a face costs: its latent alone, many latents, avatars, and the whole command.

    python benchmarks/sampling.py [--model FOLDER]

One latent and an avatar are the median of 40 calls, batches that of 7; the command is `minifaces sample -n 1`, the
median of 7 processes, and its memory the largest resident set of them. One row a prior of the model."""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import minifaces
from shared import command_line

BATCH, AVATARS = 512, 128


def median(call: Callable[[], object], times: int) -> float:
    """Seconds."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def main() -> None:
    arguments = command_line(__doc__, model=True).parse_args()
    model = minifaces.load(arguments.model)
    print(f"{'prior':12s} {'one latent':>12s} {f'in {BATCH}s':>12s}")
    for prior in model.priors:
        one = median(lambda prior=prior: model.sample_latents(1, 7, prior=prior), 40)
        many = BATCH / median(lambda prior=prior: model.sample_latents(BATCH, 7, prior=prior), 7)
        print(f"{prior:12s} {1000 * one:9.2f} ms {many:10.0f}/s")
    texts = [f"{i}@example.com" for i in range(AVATARS)]
    print(f"avatar, one by one: {1 / median(lambda: model.avatar('alice@example.com'), 40):.0f}/s")
    print(f"avatars, {AVATARS} at once: {AVATARS / median(lambda: model.avatars(texts), 7):.0f}/s")
    with tempfile.TemporaryDirectory() as folder:
        words = [
            sys.executable,
            "-m",
            "minifaces",
            "sample",
            "-n",
            "1",
            "--seed",
            "7",
            "-o",
            str(Path(folder, "a.png")),
        ]
        words += [] if arguments.model is None else ["--model", str(arguments.model)]
        took = median(lambda: subprocess.run(words, check=True, stdout=subprocess.DEVNULL), 7)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"minifaces sample -n 1: {took:.2f} s, {memory:.0f} MB")


if __name__ == "__main__":
    main()
