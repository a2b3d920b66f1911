"""How many faces a second are composed, drawing included, at 64, 128 and 256 px on all cores; and how long prints and
stages take to make.

    python benchmarks/composing_speed.py [--rounds 15] [--library LDRAW]

Prints the median, slowest and fastest of the rounds; sizes take turns, so that a busy machine slows all alike. With a
library also the seconds and core-seconds of baking each of ten prints and of tracing each of three stages."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from minifaces.ldraw.colours import read_colours
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import draw_faces
from minifaces.ldraw.head import smooth_head
from minifaces.ldraw.library import Library
from minifaces.ldraw.prints import bake, load_prints
from minifaces.ldraw.stages import draw_parameters, load_stages
from shared import command_line, machine, timed

FACES = {64: 1024, 128: 256, 256: 64}


def making(folder: Path) -> None:
    """Parts are read and resolved anew each time, as `data prints` has to."""
    from minifaces.ldraw.trace import trace_stage

    library = Library(folder)
    colours, plain = read_colours(library), smooth_head(library.mesh("3626b.dat"))
    designs = load_prints().designs
    some = [designs[i] for i in np.linspace(0, len(designs) - 1, 10).astype(int)]
    works: dict[str, list[Callable[[], object]]] = {
        "bake a print": [
            lambda d=d: bake(smooth_head(Library(folder).mesh(f"{d.part}.dat")), d.side, colours) for d in some
        ],
        "trace a stage": [lambda i=i: trace_stage(draw_parameters(i), plain) for i in range(4)][1:],
    }
    trace_stage(draw_parameters(0), plain, samples=1)  # the first loads and compiles
    print("\n| | median s | fastest to slowest | core-seconds |\n|---|---|---|---|")
    for name, calls in works.items():
        took = np.array([timed(call)() for call in calls])
        seconds, cores = np.median(took, axis=0)
        print(f"| {name} | {seconds:.2f} | {took[:, 0].min():.2f} to {took[:, 0].max():.2f} | {cores:.2f} |")


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--library", type=Path, help="an LDraw library's folder or zip")
    arguments = parser.parse_args()
    print(machine("minifaces", "numba"))
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
    if arguments.library:
        making(arguments.library)


if __name__ == "__main__":
    main()
