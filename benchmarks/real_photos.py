"""What framing, screening and the search for duplicates say of a folder of photographs.

    python benchmarks/real_photos.py FOLDER [--sheet sheet.png]

Prints how many are flagged and why, which flags stand alone, and which files repeat others; files of the same bytes
that were not found are named. The sheet shows each framed picture with its reasons, to be looked at."""

from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from minifaces.images import READABLE, read_picture
from minifaces.photos.cut import find_heads
from minifaces.photos.duplicates import Index, hash_of
from minifaces.photos.frame import frame
from minifaces.photos.screen import DEFECTS, WORDS, screen
from shared import command_line

TILE, COLUMNS = 128, 12


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    paths = sorted(p for p in arguments.folder.iterdir() if p.suffix.lower() in READABLE)
    pictures = [read_picture(path) for path in paths]
    parted = [path.name for path, picture in zip(paths, pictures, strict=True) if len(find_heads(picture)) > 1]
    framed = [frame(picture, TILE) for picture in pictures]
    told = [s.scores for s in screen(framed, pictures)]
    flags = [[name for name, limit in DEFECTS.items() if scores[name] >= limit] for scores in told]
    faces = {path.name: face.picture for path, face in zip(paths, framed, strict=True)}
    index = Index(faces.__getitem__)
    repeats = {name: index.add(name, hash_of(face), face) for name, face in faces.items()}

    print(f"{len(paths)} pictures, {sum(map(bool, flags))} flagged ({np.mean([bool(f) for f in flags]):.1%})")
    print("flags:", dict(Counter(name for f in flags for name in f).most_common()))
    print("alone:", dict(Counter(f[0] for f in flags if len(f) == 1).most_common()))
    print("not flagged:", [path.name for path, f in zip(paths, flags, strict=True) if not f])
    print("taken apart:", parted)
    print(f"{sum(v is not None for v in repeats.values())} repeat others:", {k: v for k, v in repeats.items() if v})
    seen: dict[bytes, str] = {}
    same = [p.name for p in paths if seen.setdefault(p.read_bytes(), p.name) != p.name]
    print(f"{len(same)} of the same bytes as others, not found: {[name for name in same if repeats[name] is None]}")
    if arguments.sheet:
        rows = -(-len(paths) // COLUMNS)
        sheet = Image.new("RGB", (COLUMNS * TILE, rows * (TILE + 24)), "white")
        draw = ImageDraw.Draw(sheet)
        for i, (face, why) in enumerate(zip(framed, flags, strict=True)):
            x, y = i % COLUMNS * TILE, i // COLUMNS * (TILE + 24)
            sheet.paste(Image.fromarray(face.picture), (x, y + 24))
            words = [WORDS[name] for name in why] or ["-"]
            draw.text((x + 2, y), ", ".join(words[:2]), fill="black")
            draw.text((x + 2, y + 11), ", ".join(words[2:]), fill="black")
        sheet.save(arguments.sheet)


if __name__ == "__main__":
    main()
