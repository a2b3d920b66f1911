"""Are the faces of 100,000 texts spread as the palette says, and no two of them alike?

    python benchmarks/many_avatars.py OUT [--model FOLDER] [-n 100000]

Distances between faces are of their latents, as far as the decoder shows them (`minifaces.fits.parts.sensitivity`).
Prints the shares of heads and prints, the nearest pairs, and what structural similarity says of these; OUT becomes a
sheet of the 20 nearest pairs, one above the other."""

from pathlib import Path

import numpy as np

import minifaces
from minifaces.arrays import Doubles, Floats
from minifaces.evaluate.similarity import ssim
from minifaces.fits.parts import PROBES, sensitivity
from minifaces.images import save_picture
from minifaces.pictures import pairs
from minifaces.studio.generator import avatar_seed, rounded, uniforms
from minifaces.studio.parts import DRAWN, PARTS_STREAM, Parts
from shared import command_line

PAIRS, SHOWN = 20_000, 20
BLOCK = 1000
ALIKE = 0.98  # structural similarity from which one would take two faces for one


def main() -> None:
    parser = command_line(__doc__, model=True)
    parser.add_argument("output", type=Path)
    parser.add_argument("-n", type=int, default=100_000)
    arguments = parser.parse_args()
    model = minifaces.load(arguments.model)
    parts = model.priors["parts"]
    assert isinstance(parts, Parts)
    seeds = [avatar_seed(f"user{i}@example.com") for i in range(arguments.n)]
    drawn = parts.drawn(np.concatenate([uniforms(s, 1, DRAWN, PARTS_STREAM) for s in seeds]), parts.avatars())
    often = np.bincount(drawn.colours, minlength=len(parts.names)) / len(seeds)
    print(", ".join(f"{name} {100 * share:.1f} %" for name, share in zip(parts.names, often, strict=True) if share))
    eyes, mouths = drawn.eyes // 2, drawn.mouths // 2 % len(parts.made)
    print(
        f"eyes of {len(np.unique(eyes))} prints, the most frequent {100 * np.bincount(eyes).max() / len(seeds):.1f} %;"
    )
    made = [100 * parts.made[rows].mean() for rows in (eyes, mouths)]
    print(f"made prints: {made[0]:.0f} % of the eyes, {made[1]:.0f} % of the mouths")
    latents = np.concatenate([rounded(parts.sample(1, s, asked=parts.avatars())) for s in seeds]).astype(np.float32)
    shown = sensitivity(latents[:PROBES], latents.std(0), model.decode)
    seen = (latents / latents.std(0)) @ np.linalg.cholesky(shown + 1e-9 * np.eye(len(shown))).astype(np.float32)
    one, other, far = nearest(seen)
    alike = np.concatenate(
        [
            ssim(model.decode(latents[one[i : i + BLOCK]]), model.decode(latents[other[i : i + BLOCK]]))
            for i in range(0, len(one), BLOCK)
        ]
    )
    levels = np.percentile(alike, [50, 95, 100]).round(3)
    print(f"the {len(one)} nearest pairs: structural similarity {levels} (50, 95, 100 %)")
    print(f"more than {ALIKE}: {(alike > ALIKE).sum()}; equal latents: {(far == 0).sum()}")
    closest = np.argsort(-alike)[:SHOWN]
    faces = [model.decode(latents[side[closest]]) for side in (one, other)]
    save_picture(arguments.output, pairs(faces[0], faces[1], columns=10))


def nearest(rows: Floats) -> tuple[np.ndarray, np.ndarray, Doubles]:
    """The PAIRS nearest pairs among each row's nearest other: rows, rows and squared distances."""
    squares = np.square(rows).sum(1)
    found, far = np.empty(len(rows), np.int64), np.empty(len(rows))
    for i in range(0, len(rows), BLOCK):
        block = rows[i : i + BLOCK]
        apart = squares[i : i + BLOCK, None] + squares - 2 * block @ rows.T
        apart[np.arange(len(block)), np.arange(i, i + len(block))] = np.inf
        found[i : i + BLOCK], far[i : i + BLOCK] = apart.argmin(1), apart.min(1)
    pairs_of = {tuple(sorted((int(a), int(b)))): float(d) for a, (b, d) in enumerate(zip(found, far, strict=True))}
    chosen = sorted(pairs_of, key=pairs_of.__getitem__)[:PAIRS]
    a, b = np.array(chosen).T
    return a, b, np.array([pairs_of[pair] for pair in chosen])


if __name__ == "__main__":
    main()
