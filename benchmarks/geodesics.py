"""How far the geodesic path of a morph differs from the straight line, on pairs of gallery faces held out of training.

    python benchmarks/geodesics.py [--model FOLDER] [--pairs 30] [--steps 60] [--picture strips.png]

For each path, over all pairs: its energy, the sum of squared changes from picture to picture, and its length, the sum
of the changes, as shares of the straight line's; the largest change between two pictures next to each other, as a
root mean square in 255ths; edges, their root mean square in the middle third of the way as a share of what the ends
have (faces that show through each other have weaker ones); and the seconds that a pair takes. "line, even pace"
is the straight line walked in equal changes of the picture; "cross-fade" mixes the two pictures, which no model is
needed for."""

import time

import numpy as np

import minifaces
from minifaces.arrays import Doubles, Latents, Places
from minifaces.images import save_picture
from minifaces.pictures import grid
from minifaces.studio.model import Model, PathName
from minifaces.studio.paths import linear
from shared import command_line

PATHS: tuple[PathName, ...] = ("linear", "density", "geodesic")
COLUMNS = 9


def pairs(model: Model, count: int) -> Places:
    """Gallery indices, (count, 2), of test faces."""
    rng = np.random.default_rng(0)
    unseen = [i for i, entry in enumerate(model.gallery.entries) if entry.split == "test"]
    return np.array([rng.choice(unseen, 2, replace=False) for _ in range(count)])


def changes(faces: Doubles) -> Doubles:
    """Root mean square change from each of n pictures to the next, (n - 1,)."""
    moved: Doubles = np.sqrt((np.diff(faces, axis=0) ** 2).mean((1, 2, 3)))
    return moved


def even(model: Model, a: Doubles, b: Doubles, steps: int) -> Latents:
    """Latents on the straight line between which pictures change evenly."""
    fine = np.linspace(0, 1, 97)
    travelled = np.concatenate([[0], np.cumsum(changes(model.decode(linear(a, b, fine)).astype(float)))])
    way = linear(a, b, np.interp(np.linspace(0, travelled[-1], steps), travelled, fine))
    return way.astype(np.float32)


def edges(faces: Doubles) -> Doubles:
    """Root mean square difference of neighbouring pixels of n pictures, (n,)."""
    down, across = ((np.diff(faces, axis=axis) ** 2).mean((1, 2, 3)) for axis in (1, 2))
    slope: Doubles = np.sqrt(down + across)
    return slope


def main() -> None:
    parser = command_line(__doc__, model=True)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--steps", type=int, default=60)
    arguments = parser.parse_args()
    model, steps = minifaces.load(arguments.model), arguments.steps
    latents = model.gallery.latents.astype(np.float64)
    rows: dict[str, list[list[float]]] = {}
    strips: list[Doubles] = []
    for first, second in pairs(model, arguments.pairs):
        a, b = latents[first], latents[second]
        ways: dict[str, Latents] = {}
        seconds: dict[str, float] = {}
        for path in PATHS:
            start = time.perf_counter()
            ways[path] = model.morph_latents(a, b, steps=steps, path=path)
            seconds[path] = time.perf_counter() - start
        ways["line, even pace"] = even(model, a, b, steps)
        faces = {name: model.decode(way).astype(float) for name, way in ways.items()}
        ends = faces["linear"][[0, -1]]
        t = np.linspace(0, 1, steps)[:, None, None, None]
        faces["cross-fade"] = (1 - t) * ends[0] + t * ends[1]
        base = changes(faces["linear"])
        middle = slice(steps // 3, -(steps // 3))
        for name, way in faces.items():
            change = changes(way)
            rows.setdefault(name, []).append(
                [
                    (change**2).sum() / (base**2).sum(),
                    change.sum() / base.sum(),
                    change.max(),
                    edges(way[middle]).mean() / edges(ends).mean(),
                    seconds.get(name, 0.0),
                ]
            )
        if len(strips) < 6:
            shown = np.linspace(0, steps - 1, COLUMNS).round().astype(int)
            strips.append(np.concatenate([faces[n][shown] for n in ("line, even pace", "geodesic", "cross-fade")]))
    print("path             energy  length  largest change  edges  seconds a pair")
    for name, values in rows.items():
        energy, length, largest, sharp, took = np.mean(values, axis=0)
        print(f"{name:15s}  {energy:6.3f}  {length:6.3f}  {largest:14.2f}  {sharp:5.3f}  {took:14.2f}")
    share = np.array(rows["geodesic"])[:, 0]
    print(f"energy of single geodesics: {share.min():.3f} to {share.max():.3f}")
    if arguments.picture:
        save_picture(arguments.picture, grid(np.concatenate(strips).astype(np.uint8), columns=COLUMNS))


if __name__ == "__main__":
    main()
