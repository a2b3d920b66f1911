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
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import minifaces
from minifaces.arrays import Pixels
from minifaces.facefinder import Found, find_faces, frame, read_face
from minifaces.images import read_picture
from minifaces.smallnets import overlap
from shared import command_line

LIST = Path(__file__).parents[1] / "tests" / "data" / "real-photos.csv"
SAME = 0.5  # intersection over union
TILE, COLUMNS = 128, 4


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", choices=["choosing", "unseen"])
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    model = minifaces.load()
    told, tiles = [], []
    with LIST.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if arguments.half in (None, row["half"])]
    for row in rows:
        picture = read_picture(arguments.folder / row["file"])
        found = find_faces(picture)
        height, width = picture.shape[:2]
        hits = np.zeros(len(found), bool)
        if row["kind"] in ("front", "turned"):
            x, y, w, h = (float(row[name]) for name in ("x", "y", "width", "height"))
            truth = (x * width, y * height, (x + w) * width, (y + h) * height)
            hits = np.array([overlap(face.box, truth) >= SAME for face in found], bool)
        told.append((row["half"], row["kind"], bool(hits.any()), int((~hits).sum())))
        if found:
            tiles.append(shown(model, picture, found, row))
    for half in [h for h in ("choosing", "unseen") if any(t[0] == h for t in told)]:
        fronts = [t[2] for t in told if t[:2] == (half, "front")]
        false = Counter({kind: sum(t[3] for t in told if t[:2] == (half, kind)) for _, kind, *_ in told})
        print(f"{half}: {sum(fronts)} of {len(fronts)} faces found; {sum(false.values())} false: {dict(+false)}")
    if arguments.sheet:
        lines = [np.concatenate(tiles[i : i + COLUMNS], 1) for i in range(0, len(tiles), COLUMNS)]
        wide = max(line.shape[1] for line in lines)
        sheet = np.concatenate([np.pad(line, ((0, 0), (0, wide - line.shape[1]), (0, 0))) for line in lines])
        Image.fromarray(sheet).save(arguments.sheet)


def shown(model: minifaces.Model, picture: Pixels, found: list[Found], row: dict[str, str]) -> Pixels:
    """The photo with its boxes, the face as it is framed, bare, and as the model makes it, side by side."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    for face in found:
        draw.rectangle(face.box, outline="red", width=2)
    image.thumbnail((TILE, TILE - 12))
    tile = Image.new("RGB", (TILE, TILE), "grey")
    tile.paste(image, (0, 12))
    ImageDraw.Draw(tile).text((1, 0), f"{row['file'][:-4]} {row['kind']}", fill="white")
    bare = read_face(picture, TILE).picture
    made = model.decode(model.encode(bare[None]))[0]
    return np.concatenate([np.asarray(tile), frame(picture, found[0], TILE), bare, made], 1)


if __name__ == "__main__":
    main()
