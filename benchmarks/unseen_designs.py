"""How well a model reconstructs designs and stages that neither training nor model selection touched.

    python benchmarks/unseen_designs.py [--model FOLDER] [--per-design 3] [--picture sheet.png]

Faces of the test split, each design on several test stages in drawn head colours. Prints PSNR and SSIM (7 x 7 windows),
PSNR within the print region, and design retrieval: all designs are composed on the input's stage in its head colour,
and the one nearest to the reconstruction (within the print region) should be the true one. The row "bare head" takes
the stage with no print at all for a reconstruction: what any model must beat."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

import minifaces
from minifaces.images import save_picture
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import Draws, fixed_draws, head_code
from minifaces.ldraw.prints import Prints, load_prints
from minifaces.ldraw.stages import Stages, load_stages
from minifaces.pictures import pairs

Bytes = NDArray[np.uint8]


def ssim(one: Bytes, other: Bytes) -> float:
    """Structural similarity (Wang et al. 2004) of two (H, W, 3) pictures with 7 x 7 windows, in [-1, 1]."""
    x, y = (p.astype(np.float64) / 255 for p in (one, other))

    def mean(plane: NDArray[np.float64]) -> NDArray[np.float64]:
        return uniform_filter(plane, (7, 7, 1))[3:-3, 3:-3]

    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    return float(((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())


def psnr(true: Bytes, made: Bytes, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Peak signal to noise ratio (dB) of each of n pictures, its pixels weighted by (n, H, W)."""
    error = ((true.astype(np.float64) - made) ** 2).mean(-1)
    return 10 * np.log10(255**2 * weight.sum((1, 2)) / np.maximum((error * weight).sum((1, 2)), 1e-9))


def draw(prints: Prints, stages: Stages, per_design: int) -> Draws:
    """Every test design on `per_design` test stages, in head colours drawn as for training, nothing else varied."""
    rng = np.random.default_rng(11)
    designs = np.repeat(prints.of_split("test"), per_design)
    codes = np.array([head_code(prints.designs[i], rng) for i in designs])
    return fixed_draws(prints, designs, rng.integers(0, len(stages), len(designs)), codes=codes)


def ranks(prints: Prints, stages: Stages, draws: Draws, made: Bytes, mask: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each reconstruction, how many designs are nearer to it than the true one."""
    every = np.arange(len(prints))
    result = []
    for i in range(len(draws)):
        stage, head = np.full(len(every), draws.stage[i]), np.tile(draws.head[i], (len(every), 1))
        candidates, _ = compose(prints, stages, fixed_draws(prints, every, stage, head))
        apart = (((candidates.astype(np.float32) - made[i]) ** 2).mean(-1) * mask[i]).sum((1, 2))
        result.append(int((apart < apart[draws.upper[i]]).sum()))
    return np.array(result)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--per-design", type=int, default=3)
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    model = minifaces.load(arguments.model)
    prints, stages = load_prints(), load_stages(model.image_size, "test")
    draws = draw(prints, stages, arguments.per_design)
    true, mask = compose(prints, stages, draws)
    region, whole = mask / 255.0, np.ones(mask.shape)
    made = model.reconstruct(true)
    nothing = np.zeros_like(prints.colours[:1])
    blank = replace(prints, colours=nothing, metal_index=np.full(1, -1, np.int32), designs=prints.designs[:1])
    bare, _ = compose(blank, stages, fixed_draws(blank, np.zeros(len(draws), int), draws.stage, draws.head))
    luma = draws.head @ [0.2126, 0.7152, 0.0722]
    ink = (prints.colours[draws.upper, ::8, ::8, 3] > 127).mean((1, 2))
    rank = ranks(prints, stages, draws, made, region)
    groups = {"all": luma > -1, "dark heads": luma < 0.1, "large prints": ink > 0.15}
    print("faces           n   PSNR   SSIM  face PSNR  retrieval@1   @5")
    for name, chosen in groups.items():
        similar = np.mean([ssim(t, m) for t, m in zip(true[chosen], made[chosen], strict=True)])
        print(
            f"{name:12s} {chosen.sum():4d}  {psnr(true, made, whole)[chosen].mean():5.2f}  {similar:.3f}  "
            f"{psnr(true, made, region)[chosen].mean():9.2f}  {100 * (rank[chosen] == 0).mean():10.1f} % "
            f"{100 * (rank[chosen] < 5).mean():5.1f} %"
        )
    similar = np.mean([ssim(t, b) for t, b in zip(true, bare, strict=True)])
    plain = [psnr(true, bare, weight).mean() for weight in (whole, region)]
    print(f"bare head    {len(true):4d}  {plain[0]:5.2f}  {similar:.3f}  {plain[1]:9.2f}")
    if arguments.picture:
        step = max(1, len(true) // 48)
        save_picture(arguments.picture, pairs(true[::step][:48], made[::step][:48], columns=12))


if __name__ == "__main__":
    main()
