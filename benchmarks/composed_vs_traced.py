"""Composed against directly path-traced faces of the same heads on the same stages, at 128 px.

    python benchmarks/composed_vs_traced.py --library ldraw-heads.zip --pairs 50 [--picture pairs.png]

Pairs are drawn with a seed, on stages of the validation split; a fifth of the designs are printed in metallic ink.
Prints PSNR (dB) per pair, median and worst. About ten seconds a pair and core."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from minifaces.arrays import Pixels
from minifaces.evaluate.similarity import psnr
from minifaces.images import save_picture
from minifaces.ldraw.colours import colour_of, read_colours, to_srgb
from minifaces.ldraw.compose import compose, tone
from minifaces.ldraw.draws import fixed_draws
from minifaces.ldraw.head import HeadMesh, smooth_head
from minifaces.ldraw.library import EDGE, INHERIT, Library
from minifaces.ldraw.prints import Prints, load_prints
from minifaces.ldraw.stages import background_of, load_stages
from minifaces.ldraw.trace import trace_face
from minifaces.pictures import grid
from shared import command_line

SIZE = 128


def traced(library: Library, prints: Prints, index: int, stage: int) -> Pixels:
    """Design `index` on stage `stage` of the validation split, traced whole: (128, 128, 3) uint8."""
    parameters = load_stages(SIZE, "validation").parameters[stage]
    colours, design = read_colours(library), prints.designs[index]
    head = smooth_head(library.mesh(f"{design.part}.dat"))
    turn = 1.0 if design.side == "front" else -1.0
    flip = np.array([turn, 1.0, turn])
    head = HeadMesh(head.corners * flip, head.normals * flip, head.colours, head.outer)
    inks = {
        int(c): colour_of(design.colour if c in (INHERIT, EDGE) else int(c), colours) for c in np.unique(head.colours)
    }
    srgb = np.array([inks[int(c)].srgb for c in head.colours]) / 255
    plastic = np.isin(head.colours, (INHERIT, EDGE))
    metal = np.array([0.0 if bare else inks[int(c)].metalness for c, bare in zip(head.colours, plastic, strict=True)])
    plain = smooth_head(library.mesh(f"{parameters.head}.dat"))
    light, coverage = trace_face(parameters, head, srgb, metal, plain)
    light, coverage = (x.reshape(SIZE, 2, SIZE, 2, -1).mean((1, 3)) for x in (light, coverage))
    return (to_srgb(tone(light) + (1 - coverage) * background_of(parameters, SIZE)) * 255).round().astype(np.uint8)


def pair(job: tuple[str, int, int]) -> tuple[Pixels, Pixels]:
    path, index, stage = job
    os.environ["NUMBA_NUM_THREADS"] = "1"
    prints = load_prints()
    draws = fixed_draws(prints, np.array([index]), np.array([stage]))
    composed, _ = compose(prints, load_stages(SIZE, "validation"), draws)
    return traced(Library(path), prints, index, stage), composed[0]


def draw_pairs(prints: Prints, count: int) -> list[tuple[int, int]]:
    """Designs with stages traced on their own kind of head (blocked or hollow stud)."""
    rng = np.random.default_rng(5)
    heads = [p.head for p in load_stages(SIZE, "validation").parameters]
    metallic, plain = (np.flatnonzero((prints.metal_index >= 0) == m) for m in (True, False))
    chosen = np.r_[
        rng.choice(metallic, count // 5, replace=False), rng.choice(plain, count - count // 5, replace=False)
    ]
    pairs = []
    for index in chosen:
        fitting = [s for s, head in enumerate(heads) if head == prints.designs[index].part[:5]]
        pairs.append((int(index), int(rng.choice(fitting or range(len(heads))))))
    return pairs


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--library", required=True)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    prints = load_prints()
    pairs = draw_pairs(prints, arguments.pairs)
    columns, scores = [], []
    with ProcessPoolExecutor(arguments.workers, mp_context=get_context("spawn")) as pool:
        for (index, stage), (true, made) in zip(
            pairs, pool.map(pair, [(arguments.library, *p) for p in pairs]), strict=True
        ):
            score = float(psnr(true[None], made[None])[0])
            ink = "metallic" if prints.metal_index[index] >= 0 else ""
            print(f"{prints.designs[index].name:18s} stage {stage:3d} {score:6.2f} dB {ink}", flush=True)
            apart = np.clip(np.abs(true.astype(int) - made) * 5, 0, 255).astype(np.uint8)
            columns.append(np.concatenate([true, made, apart]))
            scores.append(score)
    values = np.array(scores)
    metal = np.array([prints.metal_index[i] >= 0 for i, _ in pairs])
    print(
        f"median {np.median(values):.2f} dB, worst {values.min():.2f} dB, metallic: {np.median(values[metal]):.2f} dB"
    )
    if arguments.picture:
        save_picture(arguments.picture, grid(np.stack(columns), columns=10, gap=0))


if __name__ == "__main__":
    main()
