"""Are spoilt faces told from good ones, are repeated faces found, and how long does it take?

    python benchmarks/screening.py --tilted tilted.zip [--faces 300] [--sheet FOLDER]

Each defect is put on composed faces of test designs (on stages that no training saw) at three strengths; all go through
`frame` and `screen` like any picture. The area under the ROC curve says how often a spoilt face scores higher than a
good one; at the default threshold, how many spoilt and how many good ones are flagged. `--tilted` are stages of
benchmarks/tilted_stages.py, of which the first 32 were not trained on. Good and spoilt faces alike come as JPEG of
quality 60 to 95."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from sklearn.metrics import roc_auc_score

from minifaces.arrays import Pixels
from minifaces.images import save_picture
from minifaces.instruments.training_scenes import lit
from minifaces.ldraw.clutter import figure, shapes, texture
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import fixed_draws
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.scenes import Cutouts, sheet
from minifaces.ldraw.stages import Stages, load_stages
from minifaces.photos.duplicates import ALIKE, NEAR, hash_of, print_similarity
from minifaces.photos.frame import Framed, frame
from minifaces.photos.screen import DEFECTS, screen
from minifaces.pictures import grid
from shared import command_line, jpeg

ROW = 8  # faces in a row of a sheet
Maker = Callable[[int, np.random.Generator], Pixels]


class Source:
    """Good faces and spoilt ones. `strength` is 0, 1 or 2 everywhere."""

    def __init__(self, stages: Stages, tilted: Stages | None) -> None:
        self.prints, self.stages, self.tilted = load_prints(), stages, tilted

    def heads(self, rng: np.random.Generator, yaw: float = 0.0, bare: float = 0.0) -> Cutouts:
        return Cutouts.make(self.prints, self.stages, "test", 1, rng, np.array([yaw], np.float32), bare)

    def shown(self, heads: Cutouts, rng: np.random.Generator) -> Pixels:
        height, margin = int(rng.integers(140, 260)), float(rng.uniform(0.02, 0.3))
        return sheet(heads, [[0]], height, rng, margin=margin).picture

    def good(self, rng: np.random.Generator) -> Pixels:
        return self.shown(self.heads(rng), rng)

    def blurred(self, strength: int, rng: np.random.Generator) -> Pixels:
        picture = self.good(rng)
        sigma = (0.012, 0.018, 0.03)[strength] * len(picture)
        return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(sigma)))

    def dark(self, strength: int, rng: np.random.Generator) -> Pixels:
        return lit(self.good(rng), (-1.0, -1.6, -2.4)[strength], np.zeros(2))

    def bright(self, strength: int, rng: np.random.Generator) -> Pixels:
        return lit(self.good(rng), (0.9, 1.4, 2.0)[strength], np.zeros(2))

    def colour_cast(self, strength: int, rng: np.random.Generator) -> Pixels:
        cast = (0.25, 0.4, 0.6)[strength] * np.array([(1, -1), (-1, 1), (0.7, 0.7), (-0.7, -0.7)])[rng.integers(4)]
        return lit(self.good(rng), 0.0, cast)

    def cut_off(self, strength: int, rng: np.random.Generator) -> Pixels:
        heads = self.heads(rng)
        scene = sheet(heads, [[0]], int(rng.integers(140, 260)), rng, margin=0.1)
        x0, y0, x1, y1 = scene.boxes[0]
        share = (0.07, 0.15, 0.3)[strength]
        height, width = scene.picture.shape[:2]
        cuts = [x0 + share * (x1 - x0), x1 - share * (x1 - x0), y0 + share * (y1 - y0), y1 - share * (y1 - y0)]
        edges = [0, width, 0, height]
        side = int(rng.integers(4))
        edges[side] = round(cuts[side])
        left, right, top, bottom = edges
        return scene.picture[top:bottom, left:right]

    def small(self, strength: int, rng: np.random.Generator) -> Pixels:
        picture = Image.fromarray(self.good(rng))
        picture.thumbnail(((80, 64, 48)[strength],) * 2)
        return np.asarray(picture)

    def turned(self, strength: int, rng: np.random.Generator) -> Pixels:
        yaw = ((38, 48), (48, 58), (58, 68))[strength]
        side = rng.choice([-1.0, 1.0])
        while True:
            heads = self.heads(rng, side * rng.uniform(*yaw))
            if yaw[0] <= abs(float(heads.yaw[0])) <= yaw[1]:
                return self.shown(heads, rng)

    def tilted_view(self, strength: int, rng: np.random.Generator) -> Pixels:
        assert self.tilted is not None
        low, high = ((24, 34), (34, 46), (46, 70))[strength]
        while True:
            heads = Cutouts.make(self.prints, self.tilted, "test", 4, rng)
            right = [i for i in range(4) if low <= abs(heads.pitch[i] - 8) <= high]
            if right:
                height, margin = int(rng.integers(140, 260)), float(rng.uniform(0.02, 0.3))
                return sheet(heads, [[right[0]]], height, rng, margin=margin).picture

    def plain_head(self, _: int, rng: np.random.Generator) -> Pixels:
        return self.shown(self.heads(rng, bare=1.0), rng)

    def back(self, _: int, rng: np.random.Generator) -> Pixels:
        return self.shown(self.heads(rng, yaw=180 + rng.uniform(-30, 30)), rng)

    def no_head(self, strength: int, rng: np.random.Generator) -> Pixels:
        height, width = int(rng.integers(140, 260)), int(rng.integers(110, 220))
        if strength == 0:
            return figure(self.heads(rng), 0, height, width, rng)
        return shapes(height, width, rng) if strength == 1 else texture(height, width, rng)


def judged(
    make: Callable[[np.random.Generator], Pixels], count: int, key: int
) -> tuple[list[Framed], list[dict[str, float]]]:
    """Faces 0 to `count` of a series, framed, and their scores."""
    framed, crops = [], []
    for i in range(count):
        rng = np.random.default_rng([key, i])
        crops.append(jpeg(make(rng), rng))
        framed.append(frame(crops[-1], 128))
    return framed, [s.scores for s in screen(framed, crops)]


def measure_defects(source: Source, count: int, folder: Path | None, only: str = "") -> None:
    good, clean = judged(source.good, count, 1)
    flagged = {name: np.mean([s[name] >= limit for s in clean]) for name, limit in DEFECTS.items()}
    unhurt = np.mean([all(s[name] < limit for name, limit in DEFECTS.items()) for s in clean])
    told = ", ".join(f"{name} {share:.1%}" for name, share in flagged.items() if share)
    print(f"{count} good faces: {unhurt:.1%} without a flag; {told}")
    makers: dict[str, tuple[str, Maker]] = {
        "blurred": ("blurred", source.blurred), "dark": ("dark", source.dark), "bright": ("bright", source.bright),
        "colour_cast": ("colour_cast", source.colour_cast), "cut_off": ("cut_off", source.cut_off),
        "small": ("small", source.small), "angle, turned": ("angle", source.turned),
        "angle, tilted": ("angle", source.tilted_view), "no face, plain": ("no_face", source.plain_head),
        "no face, back": ("no_face", source.back), "not a head": ("not_head", source.no_head),
    }  # fmt: skip
    print(f"\n{'defect':16s}  {'area under ROC at strength 1, 2, 3':36s}  flagged at 1, 2, 3")
    for key, (name, (defect, make)) in enumerate(makers.items()):
        if only not in name or (make == source.tilted_view and source.tilted is None):
            continue
        areas, caught, missed = [], [], []
        for strength in range(3):
            framed, scores = judged(lambda rng, m=make, s=strength: m(s, rng), count, 10 + 3 * key + strength)
            values = [s[defect] for s in scores]
            areas.append(roc_auc_score([0] * count + [1] * count, [s[defect] for s in clean] + values))
            caught.append(np.mean(np.array(values) >= DEFECTS[defect]))
            missed += [framed[i].picture for i in np.argsort(values, kind="stable")[:ROW]]
        print(f"{name:16s}  {'   '.join(f'{a:.3f}' for a in areas):36s}  {'  '.join(f'{c:.0%}' for c in caught)}")
        if folder:
            file = folder / f"{name.replace(', ', '-').replace(' ', '-')}.png"
            save_picture(file, grid(np.stack(missed), min(ROW, count), gap=0))
    if folder:
        worst = np.argsort([-max(s[n] / DEFECTS[n] for n in DEFECTS) for s in clean])[: 3 * ROW]
        save_picture(folder / "good-with-flags.png", grid(np.stack([good[i].picture for i in worst]), ROW, gap=0))
        for i in worst:
            print({n: v for n, v in clean[i].items() if v >= DEFECTS[n]}, end=" ")
        print()


def repeated(picture: Pixels, strength: int, rng: np.random.Generator) -> Pixels:
    """The same picture as it is met again: smaller, cut otherwise, compressed, a little lighter or darker."""
    scale, quality, light, edge = ((0.9, 85, 0.0, 0.0), (0.7, 65, 0.1, 0.02), (0.5, 45, 0.25, 0.05))[strength]
    height, width = picture.shape[:2]
    y, x = (int(rng.uniform(0, edge) * n) for n in (height, width))
    picture = picture[y:, x:]
    size = max(8, round(picture.shape[1] * scale)), max(8, round(picture.shape[0] * scale))
    small = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
    return jpeg(lit(small, float(rng.uniform(-light, light)), np.zeros(2)), rng, quality)


def pairs_of_others(source: Source, count: int) -> tuple[Pixels, Pixels]:
    """Pairs of pictures of different designs, of which every second one is on the same stage in the same colour."""
    rng = np.random.default_rng(8)
    designs = source.prints.of_split("test")
    pairs = []
    while len(pairs) < count:
        pair = rng.choice(designs, 2, replace=False)
        if len({source.prints.designs[i].group for i in pair}) == 2:
            pairs.append(pair)
    stage = rng.integers(0, len(source.stages), (count, 2))
    codes = rng.choice([14, 78, 92, 84], (count, 2))
    stage[::2, 1], codes[::2, 1] = stage[::2, 0], codes[::2, 0]
    draws = [fixed_draws(source.prints, np.array(pairs)[:, k], stage[:, k], codes=codes[:, k]) for k in (0, 1)]
    first, second = (compose(source.prints, source.stages, d)[0] for d in draws)
    return first, second


def measure_duplicates(source: Source, count: int) -> None:
    """Pictures met again against pictures of other designs."""
    originals, others = pairs_of_others(source, count)
    faces = [frame(jpeg(p, np.random.default_rng([3, i])), 128).picture for i, p in enumerate(originals)]
    different = [frame(jpeg(p, np.random.default_rng([4, i])), 128).picture for i, p in enumerate(others)]
    apart, unlike = compared(faces, different)
    wrong = np.mean((np.array(apart) <= NEAR) & (np.array(unlike) >= ALIKE))
    print(f"\nduplicates among {count} pictures; {wrong:.1%} of pairs of other designs taken for the same")
    print("strength  area under ROC by hash  by print  found")
    for strength in range(3):
        met = [repeated(p, strength, np.random.default_rng([7, i])) for i, p in enumerate(originals)]
        bits, alike = compared(faces, [frame(p, 128).picture for p in met])
        truth = [0] * count + [1] * count
        by_hash, by_print = roc_auc_score(truth, [-b for b in apart + bits]), roc_auc_score(truth, unlike + alike)
        found = np.mean((np.array(bits) <= NEAR) & (np.array(alike) >= ALIKE))
        print(f"{strength + 1:8d}  {by_hash:22.4f}  {by_print:8.4f}  {found:.1%}")


def compared(a: list[Pixels], b: list[Pixels]) -> tuple[list[int], list[float]]:
    """Of each pair of faces, the bits in which the hashes differ and the similarity of the prints."""
    bits = [(hash_of(x) ^ hash_of(y)).bit_count() for x, y in zip(a, b, strict=True)]
    return bits, [print_similarity(x, y) for x, y in zip(a, b, strict=True)]


def measure_speed(source: Source, count: int = 100) -> None:
    faces = [Image.fromarray(source.good(np.random.default_rng([9, i]))) for i in range(count)]
    pictures = [np.asarray(face.resize((128, 128))) for face in faces]
    begin = time.process_time()
    framed = [frame(p, 128) for p in pictures]
    middle = time.process_time()
    screen(framed, pictures)
    after = time.process_time()
    for face in framed:
        hash_of(face.picture)
    end = time.process_time()
    steps = np.diff([begin, middle, after, end]) * 1000 / count
    print("\nms of one core a picture of 128 px: frame {:.1f}, screen {:.1f}, hash {:.2f}".format(*steps))


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--tilted", type=Path)
    parser.add_argument("--faces", type=int, default=300)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--only", default="", help="the defects whose names have this in them")
    arguments = parser.parse_args()
    tilted = load_stages(256, "test", arguments.tilted) if arguments.tilted else None
    source = Source(load_stages(256, "test"), tilted)
    measure_defects(source, arguments.faces, arguments.sheet, arguments.only)
    measure_duplicates(source, arguments.faces)
    measure_speed(source)


if __name__ == "__main__":
    main()
