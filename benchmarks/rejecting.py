"""What leaving out random faces that are far from the data gains, by several measures of far.

    python benchmarks/rejecting.py [--model FOLDER] [--faces 2000] [--picture sheet.png]

Of `--faces` latents of the default prior a share is left out, and the first half as many of the rest are held against
as many reconstructions of training faces: density, coverage, and how well a classifier tells them apart (balanced, 50 %
is chance). The first measure is the one that `sample --reject` takes. The picture shows the 60 faces that each measure
calls farthest, the farthest first."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

import minifaces
from minifaces.evaluate.distributions import density_coverage, two_sample
from minifaces.evaluate.features import lite0
from minifaces.evaluate.testset import drawn
from minifaces.images import save_picture
from minifaces.pictures import captioned, grid
from shared import command_line

Floats = NDArray[np.floating]
SEED = 2024
ROW = 20  # faces in a row of the picture, of three rows a measure


def main() -> None:
    parser = command_line(__doc__, model=True)
    parser.add_argument("--faces", type=int, default=2000)
    arguments = parser.parse_args()
    model = minifaces.load(arguments.model)
    count = arguments.faces // 2
    data = drawn(model.image_size, "train", count, "train", 32, recombined=0.5)
    real = lite0(data.reconstructed(model))
    latents = model.sample_latents(2 * count, SEED)
    faces = model.decode(latents)
    made = lite0(faces)

    def row(name: str, kept: NDArray[np.int64]) -> None:
        density, coverage = density_coverage(real, made[kept[:count]])
        accuracy = 100 * two_sample(real, made[kept[:count]]).accuracy
        print(f"{name:48s} {density:6.2f} {coverage:9.2f} {accuracy:10.1f} %", flush=True)

    print(f"{'left out':48s} density  coverage  classifier")
    row("none", np.arange(2 * count))
    polished = model.polish(latents)
    gallery = np.sort(cdist(latents, model.gallery.latents), axis=1)
    moved = (model.decode(polished).astype(np.float32) - faces).reshape(len(faces), -1)
    measures: dict[str, Floats] = {
        "latent's move under polishing": np.linalg.norm(polished - latents, axis=1),
        "picture's move under polishing": np.linalg.norm(moved, axis=1),
        "density of the mixture": -model.mixture.log_density(latents),
        "nearest latent of the gallery": gallery[:, 0],
        "five nearest latents of the gallery": gallery[:, :5].mean(1),
        "length of the latent": np.linalg.norm(latents, axis=1),
    }
    for name, far in measures.items():
        for share in (0.1, 0.3, 0.5) if name == next(iter(measures)) else (0.5,):
            row(
                f"{100 * share:.0f} %, by {name}",
                np.sort(np.argsort(far, kind="stable")[: round(2 * count * (1 - share))]),
            )
    if arguments.picture:
        shown = [np.argsort(far)[::-1][: 3 * ROW] for far in measures.values()]
        captions = [name for name in measures for _ in range(3 * ROW)]
        save_picture(arguments.picture, grid(captioned(faces[np.concatenate(shown)], captions), ROW))


if __name__ == "__main__":
    main()
