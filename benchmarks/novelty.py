"""How many random faces have eyes or a mouth that no training design has.

    python benchmarks/novelty.py [--model FOLDER] [-n 400]

All faces are seen alike: their parts (minifaces.studio.parts) are drawn again on one stage, from the front, on a yellow
head. Eyes and mouths are then held apart against those of training designs, as they are and mirrored, by structural
similarity where that half of the face is printed. They are new where they are less like every design's than 95 % of
that design's own are, drawn again with their usual warps and tints (a plain print's are much alike, a rich one's less
so). Unseen designs, composed on that stage and reconstructed, say what really new ones reach."""

from dataclasses import replace

import numpy as np

import minifaces
from minifaces.arrays import Doubles, Pixels, Places
from minifaces.evaluate.similarity import ssim
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import fixed_draws
from minifaces.ldraw.head import V_TOTAL
from minifaces.ldraw.prints import HEIGHT, load_prints
from minifaces.ldraw.stages import load_stages
from minifaces.studio.generator import normals, uniforms
from minifaces.studio.model import Model
from minifaces.studio.parts import DRAWN, MEASURES, MEASURES_STREAM, PARTS_STREAM, Asked, Drawn, Parts
from shared import command_line

SEAM = 15.5  # v between eyes and mouth
NEAR = 12  # designs, by squared differences, that are looked at closely
AGAIN = 24  # times that each design is drawn
YELLOW = 14


class View:
    """A stage from the front, and where on it a face has its eyes and where its mouth: (2, H, W) in [0, 1]."""

    def __init__(self, model: Model, parts: Parts) -> None:
        self.model, self.parts = model, parts
        self.prints, self.stages = load_prints(), load_stages(model.image_size, "train")
        self.stage = int(np.argmin([abs(stage.yaw) + abs(stage.pitch) for stage in self.stages.parameters]))
        self.yellow = parts.names.index("yellow")
        shown = []
        for rows in (slice(0, int(HEIGHT * SEAM / V_TOTAL)), slice(int(HEIGHT * SEAM / V_TOTAL), HEIGHT)):
            texture = np.zeros_like(self.prints.colours[:1])
            texture[:, rows, 156:356] = (0, 0, 0, 255)  # what can be seen from the front
            shown.append(self.composed(replace(self.prints.blank, colours=texture), np.zeros(1, np.int64))[0])
        bare = self.composed(self.prints.blank, np.zeros(1, np.int64))[0]
        self.halves = np.array([np.abs(face.astype(int) - bare).max(-1) > 40 for face in shown], np.float64)

    def composed(self, prints: object, which: Places) -> Pixels:
        on, codes = np.full(len(which), self.stage), np.full(len(which), YELLOW)
        return compose(prints, self.stages, fixed_draws(prints, which, on, codes=codes))[0]  # type: ignore[arg-type]

    def seen(self, eyes: Places, mouths: Places, noise: Doubles) -> Pixels:
        """Faces of parts on the stage: `noise` (n, MEASURES) are their measures."""
        stages, colours = np.full(len(eyes), 2 * self.stage), np.full(len(eyes), self.yellow)
        measures = np.concatenate([np.zeros((len(eyes), 4)), noise], 1)
        latents = self.parts.latents(Drawn(eyes, mouths, stages, colours), measures)
        return self.model.decode(latents.astype(np.float32))

    def like(self, faces: Pixels, other: Pixels, half: int) -> Doubles:
        """Structural similarity of pairs in a half, (n,)."""
        return ssim(faces, other, np.broadcast_to(self.halves[half], faces.shape[:3]))

    def likeness(self, faces: Pixels, known: Pixels, usual: Doubles) -> Doubles:
        """Of eyes and of mouths, how like those of `known` they are, as a share of what is `usual` of each (2, m), at
        most: (2, n), less than 1 where they are new."""
        found = np.empty((2, len(faces)))
        for half, weight in enumerate(self.halves):
            flat = (known * weight[..., None]).reshape(len(known), -1).astype(np.float32)
            for i, face in enumerate(faces):
                near = np.argsort(np.square(flat - (face * weight[..., None]).ravel()).sum(1))[:NEAR]
                alike = self.like(known[near], np.broadcast_to(face, known[near].shape), half)
                found[half, i] = (alike / usual[half, near]).max()
        return found


def main() -> None:
    parser = command_line(__doc__, model=True)
    parser.add_argument("-n", type=int, default=400, help="faces")
    arguments = parser.parse_args()
    model, n = minifaces.load(arguments.model), arguments.n
    parts = model.priors["parts"]
    assert isinstance(parts, Parts)
    view = View(model, parts)
    designs = np.flatnonzero(~parts.made)
    rows = np.concatenate([2 * designs, 2 * designs + 1])
    known = view.seen(rows, rows, np.zeros((len(rows), MEASURES)))
    noise = normals(1, n, 4 + MEASURES, MEASURES_STREAM)[:, 4:]
    alike = []
    for seed in range(AGAIN):
        again = view.seen(rows, rows, normals(seed, len(rows), 4 + MEASURES, MEASURES_STREAM)[:, 4:])
        alike.append([view.like(again, known, half) for half in (0, 1)])
    usual = np.percentile(alike, 5, axis=0)
    some = np.random.default_rng(0).choice(rows, n)
    unseen = np.concatenate([view.prints.of_split("validation"), view.prints.of_split("test")])
    faces = {
        "training designs, warped and tinted": view.likeness(view.seen(some, some, noise), known, usual),
        "unseen designs": view.likeness(model.reconstruct(view.composed(view.prints, unseen)), known, usual),
    }
    for novelty in (0.0, 0.5, 1.0):
        drawn = parts.drawn(uniforms(7, n, DRAWN, PARTS_STREAM), Asked(novelty=novelty))
        faces[f"random faces, novelty {novelty:g}"] = view.likeness(
            view.seen(drawn.eyes, drawn.mouths, noise), known, usual
        )
    if (made := np.flatnonzero(parts.made)).size:
        faces["made prints"] = view.likeness(
            view.seen(2 * made, 2 * made, np.zeros((len(made), MEASURES))), known, usual
        )
    print(f"{'':36s} {'new eyes':>9s} {'new mouth':>10s} {'either':>7s} {'likeness':>14s}")
    for name, found in faces.items():
        print(row(name, found))


def row(name: str, alike: Doubles) -> str:
    new = alike < 1
    eyes, mouth, either = (100 * share.mean() for share in (*new, new.any(0)))
    middle = np.median(alike, axis=1)
    return f"{name:36s} {eyes:7.1f} % {mouth:8.1f} % {either:5.1f} % {middle[0]:7.3f} {middle[1]:6.3f}"


if __name__ == "__main__":
    main()
