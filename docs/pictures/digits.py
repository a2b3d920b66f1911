"""Train on handwritten digits and make the pictures of docs/explanation/digits.md: the sanity run of the whole way.

    python docs/pictures/digits.py [FOLDER]

The 1,797 digits (8 x 8 pixels; Alpaydin and Kaynak, 1998, CC BY 4.0) come with scikit-learn. FOLDER keeps the data set
and the model, and what is there is not made again."""

import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

import minifaces
from minifaces.arrays import Pixels
from minifaces.cli.main import run
from minifaces.dataset import read_dataset, write_dataset
from minifaces.images import save_picture
from minifaces.pictures import draw_map, grid, pairs, strip
from minifaces.studio.atlas import project

HERE = Path(__file__).resolve().parent
SIZE = 32
TRAIN = "--size 32 --latent 16 --epochs 40 --set loss.print_weight=0"


def enlarged(digit: np.ndarray) -> Pixels:
    """An 8 x 8 digit of grey levels 0 to 16 as (32, 32, 3) uint8, light on dark."""
    small = Image.fromarray(np.uint8(np.clip(digit * 16, 0, 255)))
    return np.asarray(small.resize((SIZE, SIZE), Image.Resampling.BICUBIC).convert("RGB"))


def write_digits(folder: Path) -> None:
    """Every twentieth digit is for validation, every other twentieth for test: each is a design of its own."""
    digits = load_digits()
    splits = {0: "validation", 10: "test"}
    write_dataset(
        folder,
        (
            (enlarged(image), {"design": f"{target}-{i:04}", "split": splits.get(i % 20, "train")})
            for i, (image, target) in enumerate(zip(digits.images, digits.target, strict=True))
        ),
    )


def main(folder: Path) -> None:
    data, trained = folder / "digits", folder / "digits-model"
    if not data.exists():
        write_digits(data)
    if not (trained / "config.json").exists():
        assert run(["train", "--data", str(data), *TRAIN.split(), "-o", str(trained)]) == 0
    model, unseen = minifaces.load(trained), read_dataset(data, SIZE)
    tested = np.flatnonzero(unseen.splits == "test")
    pictures = unseen.pictures[tested[:20]]
    again = model.reconstruct(pictures)
    error = np.mean((np.float64(model.reconstruct(unseen.pictures[tested])) - unseen.pictures[tested]) ** 2)
    print(f"PSNR of {len(tested)} unseen digits: {10 * np.log10(255**2 / error):.1f} dB")
    save_picture(HERE / "digits-recon.webp", pairs(pictures, again, columns=20, gap=0))
    save_picture(HERE / "digits-new.webp", grid(model.sample(40, seed=1), columns=20, gap=0))
    names = [row["design"][0] for row in unseen.rows]
    ends = [next(i for i in tested if names[i] == name) for name in ("3", "8", "0", "1", "7")]
    latents = model.encode(unseen.pictures[ends])
    ways = [strip(model.morph(a, b, steps=20, path="linear")) for a, b in pairwise(latents)]
    save_picture(HERE / "digits-morph.webp", np.concatenate(ways))
    gallery = model.gallery
    save_picture(HERE / "digits-map.webp", draw_map(gallery.thumbnails, project(gallery.latents), size=900, face=18))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(Path(scratch))
