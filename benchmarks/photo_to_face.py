"""Are the faces of photographed figures found, and is nothing else taken for a face?

    python benchmarks/photo_to_face.py FOLDER [--half choosing] [--sheet sheet.png]

The folder holds the photographs that tests/data/real-photos.csv lists, which says for each what can be seen on it,
found by looking: `front` is a printed face turned away from the camera by at most 45 degrees, sideways and up or down
taken together, and tilted by at most 20; `turned` one that is more so, which may be found or not; the others show none:
a head from behind, a blank one, a closed helmet, a head moulded as a creature's, a robot. A box is that of the head
without stud and neck, as it would be without hair. Half of the figures, chosen by the hash of their names, were never
looked at in choosing anything: `unseen`."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from minifaces.arrays import Pixels
from minifaces.images import read_picture
from minifaces.photos.finder import Seen, detect, overlap
from shared import command_line

LIST = Path(__file__).parents[1] / "tests" / "data" / "real-photos.csv"
STUD, NECK = 4 / 28, 3 / 28  # of a bare head's height
SAME = 0.5  # intersection over union
FACE = 0.5
TILE, COLUMNS = 200, 10


def bare(seen: Seen) -> tuple[float, float, float, float]:
    """A found head's box without stud and neck."""
    x0, y0, x1, y1 = seen.box
    return x0, y0 + STUD * (y1 - y0), x1, y1 - NECK * (y1 - y0)


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", choices=["choosing", "unseen"])
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    told, tiles = [], []
    with LIST.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if arguments.half in (None, row["half"])]
    for row in rows:
        picture = read_picture(arguments.folder / row["file"])
        found = [bare(seen) for seen in detect([picture])[0] if seen.face >= FACE]
        height, width = picture.shape[:2]
        there = row["kind"] in ("front", "turned")
        hits = np.zeros(len(found), bool)
        if there:
            x, y, w, h = (float(row[name]) for name in ("x", "y", "width", "height"))
            truth = (x * width, y * height, (x + w) * width, (y + h) * height)
            hits = np.array([overlap(box, truth) >= SAME for box in found], bool)
        told.append((row["half"], row["kind"], bool(hits.any()), int((~hits).sum())))
        tiles.append(drawn(picture, found, row, truth if there else None))
    for half in [h for h in ("choosing", "unseen") if any(t[0] == h for t in told)]:
        fronts = [t[2] for t in told if t[:2] == (half, "front")]
        false = Counter({kind: sum(t[3] for t in told if t[:2] == (half, kind)) for _, kind, *_ in told})
        print(f"{half}: {sum(fronts)} of {len(fronts)} faces found; {sum(false.values())} false: {dict(+false)}")
    if arguments.sheet:
        save(tiles, arguments.sheet)


def drawn(
    picture: Pixels, found: Sequence[tuple[float, ...]], row: dict[str, str], truth: tuple[float, ...] | None
) -> Image.Image:
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    if truth:
        draw.rectangle(truth, outline="lime" if row["kind"] == "front" else "yellow")
    for box in found:
        draw.rectangle(box, outline="red", width=2)
    return image


def save(pictures: list[Image.Image], path: Path) -> None:
    whole = Image.new("RGB", (COLUMNS * TILE, -(-len(pictures) // COLUMNS) * TILE), "grey")
    for i, picture in enumerate(pictures):
        picture.thumbnail((TILE - 4, TILE - 4))
        whole.paste(picture, (i % COLUMNS * TILE, i // COLUMNS * TILE))
    whole.save(path)


if __name__ == "__main__":
    main()
