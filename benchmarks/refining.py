"""What refining a latent brings for designs and stages that neither training nor model selection touched.

    python benchmarks/refining.py [--model FOLDER] [--per-design 1] [--steps 3] [--picture sheet.png]

The faces and figures of `minifaces evaluate`, after 0, 1, 2 ... steps; how far the latent moved, its log-density per
dimension under the prior, and the seconds that a step took for a face. Then the same for the faces with Gaussian noise
of 8/255, and before coloured rectangles instead of a plain ground, as a photo might be; there PSNR and SSIM are those
of the disturbed picture, face PSNR (within the print region) and retrieval those of the face itself."""

import time

import numpy as np

import minifaces
from minifaces.arrays import Pixels
from minifaces.evaluate.reconstruction import design_ranks
from minifaces.evaluate.similarity import psnr, ssim
from minifaces.evaluate.testset import FaceSet, composed
from minifaces.images import save_picture
from minifaces.pictures import grid
from shared import command_line

COLUMNS = 12  # of the picture


def noisy(faces: FaceSet, rng: np.random.Generator) -> Pixels:
    return np.clip(faces.pictures + rng.normal(0, 8, faces.pictures.shape), 0, 255).round().astype(np.uint8)


def cluttered(faces: FaceSet, rng: np.random.Generator) -> Pixels:
    """The heads before 40 random rectangles of random colours each."""
    assert faces.draws is not None
    assert faces.stages is not None
    stages, size = faces.stages, faces.pictures.shape[1]
    over = stages.hit.shape[1] // size
    cover = stages.hit.reshape(len(stages), size, over, size, over).mean((2, 4))[faces.draws.stage][..., None]
    behind = np.empty(faces.pictures.shape)
    for picture in behind:
        picture[:] = rng.integers(0, 256, 3)
        for _ in range(40):
            (top, left), (height, width) = rng.integers(0, size, 2), rng.integers(4, size // 2, 2)
            picture[top : top + height, left : left + width] = rng.integers(0, 256, 3)
    made: Pixels = (faces.pictures * cover + behind * (1 - cover)).round().astype(np.uint8)
    return made


def main() -> None:
    parser = command_line(__doc__, model=True)
    parser.add_argument("--per-design", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3)
    arguments = parser.parse_args()
    model = minifaces.load(arguments.model)
    faces = composed(model.image_size, "test", arguments.per_design)
    rng = np.random.default_rng(3)
    given = {"as it is": faces.pictures, "noisy": noisy(faces, rng), "cluttered": cluttered(faces, rng)}
    made: dict[str, Pixels] = {}
    figures: dict[str, list[float]] = {}
    for name, pictures in given.items():
        encoded = model.encode(pictures)
        for steps in range(arguments.steps + 1):
            start = time.perf_counter()
            latents = model.refine(pictures, encoded, steps)
            took = (time.perf_counter() - start) / len(pictures) / max(steps, 1)
            row = f"{name:10s} {steps:5d}"
            made[row] = model.decode(latents)
            figures[row] = [
                psnr(pictures, made[row]).mean(),
                ssim(pictures, made[row]).mean(),
                psnr(faces.pictures, made[row], faces.mask).mean(),
                np.linalg.norm(latents - encoded, axis=1).mean(),
                model.mixture.log_density(latents).mean(),
                took,
            ]
    ranks = design_ranks(faces, made)
    print("input      steps   PSNR   SSIM  face PSNR  retrieval@1  moved  log-density  seconds a step")
    for row, (whole, similar, region, moved, density, took) in figures.items():
        found = 100 * (ranks[row] == 0).mean()
        print(
            f"{row}  {whole:5.2f}  {similar:.3f}  {region:9.2f}  {found:9.1f} %  {moved:5.2f}  {density:11.2f}  "
            f"{took:14.2f}"
        )
    if arguments.picture:
        shown = [(name, steps) for name in ("as it is", "cluttered") for steps in (None, 0, 2)]
        rows = [given[name] if steps is None else made.get(f"{name:10s} {steps:5d}") for name, steps in shown]
        step = max(1, len(faces) // COLUMNS)
        sheet = np.concatenate([row[::step][:COLUMNS] for row in rows if row is not None])
        save_picture(arguments.picture, grid(sheet, columns=COLUMNS))


if __name__ == "__main__":
    main()
