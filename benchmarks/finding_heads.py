"""Are the heads of a sheet counted right and cut apart in the gutters, and is a head's outline found?

    python benchmarks/finding_heads.py [--sheets 500] [--frames 400] [--worst FOLDER]

Heads of test designs on stages that no training saw, saved as JPEG of quality 60 to 95. A cut is right where it lies
in the gutter between two heads, or off it by no more than 2 % of the sheet's width. Sheets: 1 to 4 heads in a row with
gaps of 0 to 20 %, touching ones, rows above one another, single heads widened by up to 1.9 that must stay whole, single
heads on wide pictures, and traced floors side by side. Frames: stages as they were traced, for every kind of
background, and heads off the middle of larger pictures. The worst of each go to `--worst` as pictures."""

import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from minifaces.arrays import Pixels
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import draw_faces
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.scenes import Cutouts, Scene, coverage, extent, outline_box, sheet
from minifaces.ldraw.stages import Stages, load_stages
from minifaces.photos.cut import find_heads
from minifaces.photos.frame import frame
from minifaces.smallnets import overlap
from shared import command_line, jpeg

SIZE = 256
KINDS = {"row": 0.5, "touching": 0.16, "grid": 0.1, "wide head": 0.08, "wide picture": 0.06, "floors": 0.1}


def floors(stages: Stages, count: int, rng: np.random.Generator) -> Scene:
    """Heads on traced floors, each in its own picture, side by side."""
    prints = load_prints()
    draws = draw_faces(prints, stages, "test", count, rng)
    draws.flip[:] = False
    draws.stage[:] = rng.choice([i for i, p in enumerate(stages.parameters) if p.backdrop == "sweep"], count)
    boxes = np.array([outline_box(stages.parameters[s], stages.size) for s in draws.stage], np.float32)
    boxes[:, 0::2] += np.arange(count)[:, None] * stages.size
    return Scene(np.concatenate(list(compose(prints, stages, draws)[0]), 1), boxes, np.arange(count))


def draw_sheet(stages: Stages, rng: np.random.Generator) -> tuple[str, Scene, list[int]]:
    """A sheet of some kind and how many heads each of its rows has."""
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    count = int(rng.integers(1, 5))
    if kind == "floors":
        return kind, floors(stages, count, rng), [count]
    heads = Cutouts.make(load_prints(), stages, "test", 8, rng)
    height = int(rng.integers(110, 400))
    rows, gap, margin, stretch = [list(range(count))], None, None, 1.0
    if kind == "touching":
        rows, gap = [list(range(int(rng.integers(2, 5))))], 0.0
    elif kind == "grid":
        columns = int(rng.integers(1, 4))
        rows = [list(range(columns)), list(range(columns, 2 * columns))]
    elif kind == "wide head":
        rows, stretch = [[0]], float(rng.uniform(1.33, 1.9))
    elif kind == "wide picture":
        rows = [[0]]
    scene = sheet(heads, rows, height, rng, gap, margin, stretch=stretch)
    if kind == "wide picture":
        more = int(rng.uniform(0.2, 0.9) * height)
        left = int(rng.integers(0, more + 1))
        picture = np.pad(scene.picture, ((0, 0), (left, more - left), (0, 0)), "edge")
        scene = Scene(picture, scene.boxes + np.array([left, 0, left, 0], np.float32), scene.which)
    return kind, scene, [len(row) for row in rows]


def wrong_by(scene: Scene, rows: list[int]) -> tuple[bool, float]:
    """Whether the count is right, and the farthest that a cut is out of its gutter, as a share of the width."""
    found = find_heads(scene.picture)
    if len(found) != sum(rows):
        return False, np.nan
    off, start = 0.0, 0
    for number in rows:
        mine, truth = found[start : start + number], scene.boxes[start : start + number]
        start += number
        for a, b, left, right in zip(mine, mine[1:], truth, truth[1:], strict=False):
            if a.x1 != b.x0:
                return False, np.nan  # these are not cells of one row
            low, high = sorted((float(left[2]), float(right[0])))
            off = max(off, low - a.x1, a.x1 - high)
    return True, off / scene.picture.shape[1]


def measure_sheets(stages: Stages, count: int, worst: Path | None) -> None:
    told: list[tuple[str, bool, float, Scene]] = []
    seconds = []
    for i in range(count):
        rng = np.random.default_rng([4, i])
        kind, scene, rows = draw_sheet(stages, rng)
        scene = Scene(jpeg(scene.picture, rng), scene.boxes, scene.which)
        begin = time.process_time()
        counted, off = wrong_by(scene, rows)
        seconds.append(time.process_time() - begin)
        told.append((kind, counted, off, scene))
    print(f"{'sheets':14s} {'n':>4s}  {'right count':>11s}  {'and cut within 2 %':>18s}  worst cut")
    for kind in [k for k in (*KINDS, "all") if any(k in (t[0], "all") for t in told)]:
        these = [t for t in told if kind in (t[0], "all")]
        right = np.mean([t[1] for t in these])
        cut = np.mean([t[1] and t[2] <= 0.02 for t in these])
        print(f"{kind:14s} {len(these):4d}  {right:11.1%}  {cut:18.1%}  {np.nanmax([t[2] for t in these]):.1%}")
    print(f"{1000 * np.median(seconds):.1f} ms a sheet\n")
    told.sort(key=lambda t: (t[1], -t[2] if t[1] else 0))
    if worst:
        pictures = []
        for _, _, _, scene in told[:12]:
            image = Image.fromarray(scene.picture)
            draw = ImageDraw.Draw(image)
            for box in find_heads(scene.picture):
                draw.rectangle((box.x0, box.y0, box.x1 - 1, box.y1 - 1), outline="red", width=2)
            pictures.append(image)
        save_sheet(pictures, worst / "sheets.png")


def draw_single(stages: Stages, rng: np.random.Generator, backdrop: str) -> tuple[Pixels, tuple[float, ...]]:
    """A picture of one head and the head's box, clipped to the picture."""
    prints = load_prints()
    if backdrop == "off the middle":
        heads = Cutouts.make(prints, stages, "test", 1, rng)
        scene = sheet(heads, [[0]], int(rng.integers(130, 300)), rng, margin=float(rng.uniform(0.02, 0.5)))
        more = rng.integers(0, 150, 4)
        picture = np.pad(scene.picture, ((more[0], more[1]), (more[2], more[3]), (0, 0)), "edge")
        x0, y0, x1, y1 = scene.boxes[0] + [more[2], more[0], more[2], more[0]]
    else:
        draws = draw_faces(prints, stages, "test", 1, rng)
        draws.flip[:] = False
        draws.stage[:] = rng.choice([i for i, p in enumerate(stages.parameters) if p.backdrop == backdrop])
        picture = compose(prints, stages, draws)[0][0]
        parameters = stages.parameters[int(draws.stage[0])]
        traced = coverage(stages)[int(draws.stage[0])]
        x0, y0, x1, y1 = outline_box(parameters, stages.size) if backdrop == "sweep" else extent(traced)
    height, width = picture.shape[:2]
    return jpeg(picture, rng), (max(0.0, x0), max(0.0, y0), min(width, x1), min(height, y1))


def measure_frames(stages: Stages, count: int, worst: Path | None) -> None:
    kinds = ("white", "plain", "sweep", "off the middle")
    told: list[tuple[str, float, Pixels, tuple[float, ...]]] = []
    seconds = []
    for i in range(count):
        rng = np.random.default_rng([5, i])
        kind = kinds[i % len(kinds)]
        picture, truth = draw_single(stages, rng, kind)
        begin = time.process_time()
        framed = frame(picture, 128)
        seconds.append(time.process_time() - begin)
        height, width = picture.shape[:2]
        x0, y0, x1, y1 = framed.box
        box = (max(0, x0), max(0, y0), min(width, x1), min(height, y1))
        told.append((kind, overlap(box, truth) if framed.sure else 0.0, picture, box))
    print(f"{'frames':14s} {'n':>4s}  {'median IoU':>10s}  {'5th percentile':>14s}  {'worst':>6s}")
    for kind in (*kinds, "all"):
        values = [t[1] for t in told if kind in (t[0], "all")]
        low = np.percentile(values, 5)
        print(f"{kind:14s} {len(values):4d}  {np.median(values):10.3f}  {low:14.3f}  {min(values):6.3f}")
    print(f"{1000 * np.median(seconds):.1f} ms a picture")
    told.sort(key=lambda t: t[1])
    if worst:
        pictures = []
        for _, _, picture, box in told[:12]:
            image = Image.fromarray(picture)
            ImageDraw.Draw(image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), outline="red", width=2)
            pictures.append(image)
        save_sheet(pictures, worst / "frames.png")


def save_sheet(pictures: list[Image.Image], path: Path) -> None:
    """Twelve pictures, four to a row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = Image.new("RGB", (4 * 300, 3 * 220), "grey")
    for i, picture in enumerate(pictures):
        picture.thumbnail((296, 216))
        whole.paste(picture, (i % 4 * 300, i // 4 * 220))
    whole.save(path)


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--sheets", type=int, default=500)
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--worst", type=Path)
    arguments = parser.parse_args()
    stages = load_stages(SIZE, "test")
    if arguments.sheets:
        measure_sheets(stages, arguments.sheets, arguments.worst)
    measure_frames(stages, arguments.frames, arguments.worst)


if __name__ == "__main__":
    main()
