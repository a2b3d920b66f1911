"""How many stages does training need? The same small run on more and more of them, judged on unseen stages and designs.

    python benchmarks/stage_count.py --steps 2000 [--threads 1]

Prints, per number of stages, PSNR (dB) over 512 faces of the validation split (its 16 stages, its designs), and over
512 training designs on the same unseen stages, so that the cost of few stages is told from that of few designs."""

import tempfile
from pathlib import Path

import numpy as np

from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import draw_faces
from minifaces.ldraw.stages import load_stages
from minifaces.vae.coding import reconstruction_quality
from minifaces.vae.config import preset
from minifaces.vae.train import begin
from minifaces.vae.training_data import ComposedFaces
from shared import command_line

COUNTS = (16, 64, 128, 256)


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    small = {"network.image_size": arguments.size, "network.widths": [16, 32, 64, 128]}
    config = preset("default", **small)
    print("stages  unseen designs  training designs   (PSNR in dB on unseen stages)")
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            run = begin(config, "composed", Path(folder), seed=3, steps=arguments.steps, threads=arguments.threads)
            source = run.source
            assert isinstance(source, ComposedFaces)
            source.stages = load_stages(arguments.size, "train", limit=count)
            network = run.train().network
        unseen = reconstruction_quality(network, source.held_out(512).faces)["psnr"]
        rng = np.random.default_rng(1)
        draws = draw_faces(source.prints, source.validation, "train", 512, rng, recombined=0, varied=False)
        seen = reconstruction_quality(network, compose(source.prints, source.validation, draws)[0])["psnr"]
        print(f"{count:6d}  {unseen:14.2f}  {seen:16.2f}", flush=True)


if __name__ == "__main__":
    main()
