"""What refining a latent brings for designs and stages that neither training nor model selection touched.

    python benchmarks/refining.py [--model FOLDER] [--per-design 1] [--steps 3] [--picture sheet.png]

The faces and figures of benchmarks/unseen_designs.py, after 0, 1, 2 ... steps; how far the latent moved, its
log-density per dimension under the prior, and the seconds that a step took for a face. Then the same for the faces with
Gaussian noise of 8/255, and before coloured rectangles instead of a plain ground, as a photo might be; there PSNR and
SSIM are those of the disturbed picture, face PSNR (within the print region) and retrieval those of the face itself."""

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import minifaces
from minifaces.images import save_picture
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import Draws
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.stages import Stages, load_stages
from minifaces.pictures import grid
from unseen_designs import draw, psnr, ranks, ssim

Bytes = NDArray[np.uint8]


def noisy(faces: Bytes, rng: np.random.Generator) -> Bytes:
    return np.clip(faces + rng.normal(0, 8, faces.shape), 0, 255).round().astype(np.uint8)


def cluttered(faces: Bytes, stages: Stages, draws: Draws, rng: np.random.Generator) -> Bytes:
    """The heads before 40 random rectangles of random colours each."""
    size = faces.shape[1]
    over = stages.hit.shape[1] // size
    cover = stages.hit.reshape(len(stages), size, over, size, over).mean((2, 4))[draws.stage][..., None]
    behind = np.empty(faces.shape)
    for picture in behind:
        picture[:] = rng.integers(0, 256, 3)
        for _ in range(40):
            (top, left), (height, width) = rng.integers(0, size, 2), rng.integers(4, size // 2, 2)
            picture[top : top + height, left : left + width] = rng.integers(0, 256, 3)
    return (faces * cover + behind * (1 - cover)).round().astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--per-design", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    model = minifaces.load(arguments.model)
    prints, stages = load_prints(), load_stages(model.image_size, "test")
    draws = draw(prints, stages, arguments.per_design)
    true, mask = compose(prints, stages, draws)
    region, whole = mask / 255.0, np.ones(mask.shape)
    rng = np.random.default_rng(3)
    given = {"as it is": true, "noisy": noisy(true, rng), "cluttered": cluttered(true, stages, draws, rng)}
    shown = []
    print("input      steps   PSNR   SSIM  face PSNR  retrieval@1  moved  log-density  seconds a step")
    for name, pictures in given.items():
        encoded = model.encode(pictures)
        took = 0.0
        for steps in range(arguments.steps + 1):
            start = time.perf_counter()
            latents = model.refine(pictures, encoded, steps)
            if steps:
                took = (time.perf_counter() - start) / len(pictures) / steps
            made = model.decode(latents)
            similar = np.mean([ssim(t, m) for t, m in zip(pictures, made, strict=True)])
            rank = ranks(prints, stages, draws, made, region)
            print(
                f"{name:10s} {steps:5d}  {psnr(pictures, made, whole).mean():5.2f}  {similar:.3f}  "
                f"{psnr(true, made, region).mean():9.2f}  {100 * (rank == 0).mean():9.1f} %  "
                f"{np.linalg.norm(latents - encoded, axis=1).mean():5.2f}  "
                f"{model.mixture.log_density(latents).mean():11.2f}  {took:14.2f}"
            )
            shown += [(name, steps, made)]
    if arguments.picture:
        step = max(1, len(true) // 12)
        rows = [true, *(made for name, steps, made in shown if name == "as it is" and steps in (0, 2))]
        rows += [given["cluttered"], *(made for name, steps, made in shown if name == "cluttered" and steps in (0, 2))]
        save_picture(arguments.picture, grid(np.concatenate([row[::step][:12] for row in rows]), columns=12))


if __name__ == "__main__":
    main()
