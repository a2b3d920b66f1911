"""Do photographed figures give the faces of their heads, where these are known?

    python benchmarks/composed_figures.py [-n 200] [--model FOLDER] [--picture figures.png]

Figures drawn around heads of test designs on stages that no training saw, under hair, hats, helmets and hoods or bare,
tilted by up to 20 degrees, one to three in a picture of 640 x 480 with heads 60 to 130 pixels wide, on grounds that
training draws too, with a camera's faults and JPEG of quality 60 to 95. Told: how many heads are found and placed right
(intersection over union of at least 0.5) and what is found where nothing is; of those found, by how many decibels of
the print region the model's face is like the bare head, all of it and what is seen of it, and how often the design is
the nearest of all. The same of the bare heads themselves, framed as the figures' were, is the most that can be had."""

import time
from itertools import pairwise

import numpy as np
from PIL import Image
from scipy.ndimage import map_coordinates

import minifaces
from minifaces.arrays import Floats, Pixels
from minifaces.evaluate.reconstruction import design_ranks
from minifaces.evaluate.similarity import psnr
from minifaces.evaluate.testset import FaceSet
from minifaces.facefinder import WIDEST, Found, bare_face, find_faces, frame
from minifaces.instruments.figure_scenes import backdrop, faulty, onto, stood
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import draw_faces
from minifaces.ldraw.figures import Figure, draw_figure
from minifaces.ldraw.prints import Prints, load_prints
from minifaces.ldraw.scenes import Cutouts, turned_by
from minifaces.ldraw.stages import Stages, load_stages
from minifaces.smallnets import overlap
from minifaces.uncover import FILL
from shared import command_line, jpeg

HIGH, WIDE, SIZE = 480, 640, 128
TILTED = 20.0
OFF = 0.5  # how wrong the light may be, of what training sees


class Photo:
    """A picture, and which faces of the set are in it where: (x, y, width, height, tilt) of each."""

    def __init__(self, figures: dict[int, Figure], rng: np.random.Generator) -> None:
        picture = Image.fromarray(backdrop(HIGH, WIDE, rng))
        self.where: dict[int, Floats] = {}
        for place, (i, figure) in enumerate(figures.items()):
            wide, tilt = rng.uniform(60, 130), rng.uniform(-TILTED, TILTED)
            x, y = (place + 0.5) / len(figures) * WIDE + rng.uniform(-20, 20), rng.uniform(0.25, 0.55) * HIGH
            image, self.where[i] = stood(figure, wide, tilt, (x, y), (HIGH, WIDE))
            picture.paste(image, (0, 0), image)
        self.picture = jpeg(faulty(np.asarray(picture), rng, OFF), rng)


def faces_of(prints: Prints, stages: Stages, count: int, rng: np.random.Generator) -> tuple[FaceSet, Cutouts]:
    """Faces as designed on stages without a floor, and their heads."""
    open_air = np.array([i for i, p in enumerate(stages.parameters) if p.backdrop != "sweep"])
    draws = draw_faces(prints, stages, "test", count, rng, recombined=0.0, varied=False)
    draws.stage[:] = rng.choice(open_air, count)
    _, yaw = turned_by(draws, stages, None)
    pictures, mask = compose(prints, stages, draws)
    names = np.array([prints.designs[i].name for i in draws.upper])
    faces = FaceSet(pictures, (mask / 255).astype(np.float32), names, draws, prints, stages)
    return faces, Cutouts.of(prints, stages, draws, yaw)


def back(made: Pixels, face: Found, where: Floats, box: Floats) -> Pixels:
    """A made face as it would be on its stage: from the found frame into the photo, from there to the head's `box`."""
    x, y, width, _, tilt = (float(v) for v in where)
    side = max(face.height / FILL, face.width / WIDEST)
    stage = np.stack([*np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5)], -1)
    middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    photo = turned((stage - middle) * width / (box[2] - box[0]), tilt) + np.array([x, y])
    framed = turned(photo - (face.x, face.y), -face.tilt) * SIZE / side + SIZE / 2
    rows, columns = framed[..., 1] - 0.5, framed[..., 0] - 0.5
    planes = [
        map_coordinates(made[..., c].astype(np.float32), [rows, columns], order=1, mode="nearest") for c in range(3)
    ]
    return np.stack(planes, -1).round().astype(np.uint8)


def turned(points: Floats, degrees: float) -> Floats:
    """Points (..., 2) turned clockwise about the origin."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    moved: Floats = points @ np.array([[c, s], [-s, c]])
    return moved


def taken(figures: dict[int, Figure], rng: np.random.Generator) -> list[Photo]:
    """The figures in photos, one to three in each."""
    photos, rest = [], list(figures)
    while rest:
        count = int(rng.integers(1, 4))
        photos.append(Photo({i: figures[i] for i in rest[:count]}, rng))
        rest = rest[count:]
    return photos


def searched(photos: list[Photo]) -> dict[int, tuple[Photo, Found]]:
    """Which faces are found, in which photo and where."""
    found: dict[int, tuple[Photo, Found]] = {}
    false, took = 0, []
    for photo in photos:
        begin = time.process_time()
        seen = find_faces(photo.picture)
        took.append(time.process_time() - begin)
        for i, (x, y, wide, high, tilt) in photo.where.items():
            true = Found(float(x), float(y), float(wide), float(high), float(tilt), 1.0)
            hits = [face for face in seen if overlap(face.box, true.box) >= 0.5]
            if hits:
                found[i] = (photo, hits[0])
                seen.remove(hits[0])
        false += len(seen)
    count = sum(len(photo.where) for photo in photos)
    print(f"{len(photos)} pictures, {count} faces: {len(found) / count:.1%} found, {false} false")
    print(f"{1000 * np.median(took):.0f} ms to find those of one picture")
    return found


def main() -> None:
    parser = command_line(__doc__, model=True)
    parser.add_argument("-n", type=int, default=200)
    arguments = parser.parse_args()
    model = minifaces.load(arguments.model)
    rng = np.random.default_rng(27)
    faces, heads = faces_of(load_prints(), load_stages(SIZE, "test"), arguments.n, rng)
    figures = {i: draw_figure(heads, i, rng, faceless=0.0, fine=2) for i in range(len(faces))}
    found = searched(taken({i: figure for i, figure in figures.items() if figure.face == 1}, rng))
    which = np.array(list(found))
    given = {
        "figures": np.stack([bare_face(photo.picture, face, SIZE) for photo, face in found.values()]),
        "bare heads": np.stack([ideal(heads, i, *found[i]) for i in which]),
    }
    made: dict[str, Pixels] = {name: model.decode(model.encode(pictures)) for name, pictures in given.items()}
    made |= {f"{name}, not encoded": pictures for name, pictures in given.items()}
    staged = {
        name: np.stack(
            [back(p, found[i][1], found[i][0].where[i], heads.boxes[i]) for i, p in zip(which, each, strict=True)]
        )
        for name, each in made.items()
    }
    draws = faces.draws.chosen(which) if faces.draws is not None else None
    mask = faces.mask[which]
    true = FaceSet(faces.pictures[which], mask, faces.groups[which], draws, faces.prints, faces.stages)
    visible = mask * np.stack([on_stage(figures[i], heads.boxes[i]) for i in which])
    ranks = design_ranks(true, staged)
    for name, each in staged.items():
        whole, seen = psnr(true.pictures, each, mask), psnr(true.pictures, each, visible)
        print(
            f"{name:25s} print {np.nanmean(whole):.1f} dB, seen of it {np.nanmean(seen):.1f} dB, "
            f"retrieval@1 {np.mean(ranks[name] == 0):.1%}"
        )
    covered = 1 - visible.sum((1, 2)) / mask.sum((1, 2))
    for low, high in pairwise((0, 0.02, 0.15, 0.4, 1.01)):
        these = (covered >= low) & (covered < high)
        if these.any():
            whole = psnr(true.pictures[these], staged["figures"][these], mask[these])
            right = np.mean(ranks["figures"][these] == 0)
            print(
                f"{low:.0%} to {high:.0%} of it covered: {these.sum()}, {whole.mean():.1f} dB, retrieval@1 {right:.1%}"
            )
    if arguments.picture:
        photographed = [frame(photo.picture, face, SIZE) for photo, face in found.values()]
        rows = [np.stack(photographed), given["figures"], made["figures"], true.pictures]
        Image.fromarray(np.concatenate([np.concatenate(list(row[:16]), 1) for row in rows])).save(arguments.picture)


def ideal(heads: Cutouts, i: int, photo: Photo, face: Found) -> Pixels:
    """The bare head on white where the found frame has it."""
    x, y, width, _, tilt = (float(v) for v in photo.where[i])
    side = max(face.height / FILL, face.width / WIDEST)
    box = heads.boxes[i]
    dx, dy = turned(np.array([x - face.x, y - face.y]), -face.tilt) * SIZE / side + SIZE / 2
    scale = width / (box[2] - box[0]) * SIZE / side
    affine = onto(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), scale, tilt - face.tilt, (dx, dy))
    image = Image.fromarray(heads.rgba[i]).convert("RGBa")
    layer = image.transform((SIZE, SIZE), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC).convert("RGBA")
    picture = Image.new("RGB", (SIZE, SIZE), "white")
    picture.paste(layer, (0, 0), layer)
    return np.asarray(picture)


def on_stage(figure: Figure, box: Floats) -> Floats:
    """How much is seen of a head, as it stands on its stage, (SIZE, SIZE) 0 to 1."""
    k = (figure.box[2] - figure.box[0]) / (box[2] - box[0])
    affine = (k, 0, figure.box[0] - k * box[0], 0, k, figure.box[1] - k * box[1])
    seen = Image.fromarray(figure.seen).transform(
        (SIZE, SIZE), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR
    )
    share: Floats = np.asarray(seen, np.float32) / np.float32(255)
    return share


if __name__ == "__main__":
    main()
