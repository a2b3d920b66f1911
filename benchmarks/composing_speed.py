"""How many faces a second are composed, drawing included, at 64, 128 and 256 px on all cores.

    python benchmarks/composing_speed.py [--rounds 15]

Prints the median, slowest and fastest of the rounds; sizes take turns, so that a busy machine slows all alike."""

import time

import numpy as np

from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import draw_faces
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.stages import load_stages
from shared import command_line

FACES = {64: 1024, 128: 256, 256: 64}


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    prints, rng = load_prints(), np.random.default_rng(0)
    stages = {size: load_stages(size, "train") for size in FACES}
    rates: dict[int, list[float]] = {size: [] for size in FACES}
    for turn in range(arguments.rounds + 1):
        for size, count in FACES.items():
            start = time.perf_counter()
            compose(prints, stages[size], draw_faces(prints, stages[size], "train", count, rng))
            if turn:  # the first compiles
                rates[size].append(count / (time.perf_counter() - start))
    print("size  median  slowest  fastest   (faces/s)")
    for size, values in rates.items():
        print(f"{size:4d}  {np.median(values):6.0f}  {min(values):7.0f}  {max(values):7.0f}")


if __name__ == "__main__":
    main()
