"""Trace stages that look at the head from above and from below, for training and judging the angle of a camera.

    python benchmarks/tilted_stages.py tilted.zip --library ldraw.zip [--count 96]

The stages that ship look at heads as catalogues do. These take the same series with any pitch from -35 to 65 degrees
and no floor. Turns to the side need no stages of their own: a head is round, so that a print is turned instead.
Interrupted, it goes on where it stopped."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from minifaces.files import atomic, write_text
from minifaces.ldraw.head import smooth_head
from minifaces.ldraw.library import Library
from minifaces.ldraw.stages import StageParameters, draw_parameters, encode_sheet, parameters_from, write_stages
from minifaces.ldraw.trace import trace_stage
from shared import command_line


def tilted(stage: int) -> StageParameters:
    """Number `stage` of the series, tilted."""
    rng = np.random.default_rng([77, stage])
    backdrop = draw_parameters(stage).backdrop
    return replace(
        draw_parameters(stage),
        pitch=float(rng.uniform(-35, 65)),
        fill=float(rng.uniform(0.7, 0.8)),
        backdrop="white" if backdrop == "sweep" else backdrop,
    )


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--count", type=int, default=96)
    parser.add_argument("--samples", type=int, default=12)
    arguments = parser.parse_args()
    library = Library(arguments.library)
    parts = arguments.out.with_suffix(".parts")
    parts.mkdir(parents=True, exist_ok=True)
    heads = {name: smooth_head(library.mesh(f"{name}.dat")) for name in ("3626b", "3626c")}
    for stage in range(arguments.count):
        sheet, listing = parts / f"{stage:04d}.webp", parts / f"{stage:04d}.json"
        if listing.exists():
            continue
        parameters = tilted(stage)
        planes = trace_stage(parameters, heads[parameters.head], arguments.samples)
        with atomic(sheet) as scratch:
            scratch.write_bytes(encode_sheet(*planes))
        write_text(listing, json.dumps(asdict(parameters)))
        print(f"{stage + 1} of {arguments.count}", flush=True)
    done = [(parameters_from(json.loads(p.read_text())), p.with_suffix(".webp")) for p in sorted(parts.glob("*.json"))]
    with atomic(arguments.out) as scratch:
        write_stages(scratch, [(parameters, sheet.read_bytes()) for parameters, sheet in done])


if __name__ == "__main__":
    main()
