"""How good is a model after how long? The 2020 recipe in Keras, Pythae's VAE and our preset `default`, at 64 px.

    python benchmarks/time_to_quality.py OUT --peers PYTHON [--minutes 15] [--ours 1 2 6] [--figure FILE.webp]

The others learn from the same 3,800 composed faces, training designs on training stages, again and again, as the 2020
project did; ours composes its own while it learns, of the same designs and stages. All are judged by the same faces of
test designs on test stages. The clock stands still while those are worked on. What is made of them is kept in OUT, and
what is there is not run again. Ours is run once a length of `--ours`, since its learning rate falls towards the end of
a run; it tells of faces on the way too. --figure draws the print region's PSNR and the share of faces recognised over
the time: of core-seconds halved, which is what two cores that do nothing else would take at best."""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from minifaces.arrays import Pixels
from minifaces.evaluate.reconstruction import design_ranks
from minifaces.evaluate.similarity import psnr, ssim
from minifaces.evaluate.testset import FaceSet, bare, composed
from minifaces.files import atomic
from minifaces.vae.coding import decode, encode
from minifaces.vae.config import preset
from minifaces.vae.networks import build
from minifaces.vae.train import Run, Status, begin
from minifaces.vae.training_data import ComposedFaces
from shared import PEERS, command_line, machine

SIZE, FIXED = 64, 3800  # pixels a side; faces that the others learn from
PROGRAMS = {"the 2020 recipe in Keras": "keras_vae.py", "Pythae's VAE": "pythae_vae.py"}
FINAL = 22.3, 21.2  # the 2020 recipe's PSNR and retrieval@1 after its 200 passes: 101 minutes on one core
FIRST = 10.0  # seconds at which the figure begins
COLOURS = ((196, 78, 30), (120, 90, 180), (20, 110, 160))


@dataclass(frozen=True)
class Point:
    """How good `faces` are after so many `seconds`, `cores` of them counted one by one."""

    name: str
    seconds: float
    cores: float
    faces: Pixels


class Watch:
    """Keeps what a run of ours makes of unseen faces, now and then, and counts only what it takes beside that."""

    def __init__(self, run: Run, unseen: Pixels, folder: Path) -> None:
        self.run, self.unseen, self.folder, self.due, self.number = run, unseen, folder, 10.0, 0
        self.seconds = self.cores = 0.0
        self.go()

    def go(self) -> None:
        self.started, self.spent = time.perf_counter(), time.process_time()

    def __call__(self, status: Status) -> None:
        self.seconds += time.perf_counter() - self.started
        self.cores += time.process_time() - self.spent
        if self.seconds >= self.due or 0 < status.steps <= status.step:
            self.due, self.number = self.seconds * 1.3, self.number + 1
            network = build(self.run.config.network)
            network.load_state_dict({name: value.cpu() for name, value in self.run.average.items()})
            network.eval().looks += network.looks > 1  # as an exported model looks once more
            faces = decode(network, encode(network, self.unseen))
            keep(self.folder / f"{self.number:03d}.npz", faces, self.seconds, self.cores)
        self.go()


def keep(path: Path, faces: Pixels, seconds: float, cores: float) -> None:
    with atomic(path) as scratch, scratch.open("wb") as file:
        np.savez(file, faces=faces, seconds=seconds, cores=cores)


def ours(minutes: float, unseen: Pixels, folder: Path) -> None:
    config = preset("default", **{"network.image_size": SIZE})
    started, spent = time.perf_counter(), time.process_time()
    run = begin(config, "composed", folder / "run", minutes=minutes)
    watch = Watch(run, unseen, folder)
    watch.seconds, watch.cores = time.perf_counter() - started, time.process_time() - spent
    watch.go()
    run.train(watch)


def theirs(python: str, program: str, faces: Path, folder: Path, minutes: float) -> None:
    words = [python, str(PEERS / program), "train", str(faces), str(folder), str(minutes)]
    subprocess.run(words, check=True, stderr=subprocess.DEVNULL)


def fixed_faces() -> Pixels:
    """As the 2020 preset composes them: nothing recombined and nothing varied."""
    source = ComposedFaces(preset("seed"))
    return np.concatenate([source.batch(0, i, 100).faces for i in range(FIXED // 100)])


def points(name: str, folder: Path) -> Iterator[Point]:
    for file in sorted(folder.glob("*.npz")):
        with np.load(file) as kept:
            yield Point(name, float(kept["seconds"]), float(kept["cores"]), kept["faces"])


def judged(test: FaceSet, made: list[Point]) -> dict[str, list[float]]:
    """PSNR, SSIM, the print region's PSNR and retrieval@1 (%) by each point's number, and of a head without a print."""
    rivals = {str(i): point.faces for i, point in enumerate(made)} | {"bare head": bare(test)}
    ranks = design_ranks(test, rivals)
    true = test.pictures
    return {
        name: [
            float(psnr(true, faces).mean()),
            float(ssim(true, faces).mean()),
            float(psnr(true, faces, test.mask).mean()),
            100 * float((ranks[name] == 0).mean()),
        ]
        for name, faces in rivals.items()
    }


def figure(made: list[Point], scores: dict[str, list[float]], path: Path) -> None:
    """Two panels over the time, in logarithms, from `FIRST` on: the print region's PSNR, and retrieval@1."""
    width, height, left, below = 620, 420, 70, 60
    font = ImageFont.load_default(17)
    sheet = Image.new("RGB", (2 * width, height), "white")
    draw = ImageDraw.Draw(sheet)
    times = [max(point.cores / 2, FIRST) for point in made]
    first, last = np.log(FIRST), np.log(max(times) * 1.1)
    names = list(dict.fromkeys(point.name for point in made))
    for panel, (column, title) in enumerate(
        ((2, "PSNR where the print is, dB"), (3, "recognised among all designs, %"))
    ):
        values = [scores[str(i)][column] for i in range(len(made))]
        low, high = (0.0, 100.0) if column == 3 else (min(values) - 0.5, max(values) + 0.5)
        box = (panel * width + left, 40, (panel + 1) * width - 20, height - below)

        def place(
            seconds: float, value: float, box: tuple[int, ...] = box, low: float = low, high: float = high
        ) -> tuple[float, float]:
            x = box[0] + (np.log(seconds) - first) / (last - first) * (box[2] - box[0])
            return x, box[3] - (value - low) / (high - low) * (box[3] - box[1])

        draw.rectangle(box, outline=(150, 150, 150))
        draw.text((box[0], 12), title, "black", font)
        for value in np.linspace(low, high, 6) if column == 3 else np.arange(np.ceil(low), high, 1 + (high - low > 9)):
            y = place(times[0], value)[1]
            draw.line([(box[0], y), (box[2], y)], (225, 225, 225))
            draw.text((box[0] - 8, y), f"{value:.0f}", "black", font, anchor="rm")
        for seconds in (10, 30, 60, 120, 240, 480, 960, 1920):
            label = f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"
            if first <= np.log(seconds) <= last:
                x = place(seconds, low)[0]
                draw.line([(x, box[1]), (x, box[3])], (225, 225, 225))
                draw.text((x, box[3] + 6), label, "black", font, anchor="mt")
        for number, name in enumerate(names):
            mine = [place(t, v) for point, t, v in zip(made, times, values, strict=True) if point.name == name]
            colour = COLOURS[2] if name.startswith("ours") else COLOURS[number]
            draw.line(mine, colour, 3)
            for x, y in mine:
                draw.ellipse((x - 3, y - 3, x + 3, y + 3), colour)
            if name.startswith("ours"):
                draw.text((mine[-1][0], mine[-1][1] - 14), "ours", colour, font, anchor="mm")
            elif panel == 0:
                draw.text((mine[-1][0], mine[-1][1] + 20), name, colour, font, anchor="rm")
    draw.text((left, height - 24), "core-seconds, halved: two cores' time", (90, 90, 90), font)
    sheet.save(path, quality=85)


def main() -> None:
    parser = command_line(__doc__, peers=True)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--minutes", type=float, default=15, help="that each of the others learns")
    parser.add_argument("--ours", type=float, nargs="*", default=[1, 2, 6], help="minutes of each run of ours")
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    out: Path = arguments.out
    print(machine("minifaces", "torch"))
    test = composed(SIZE, "test", per_design=4)
    faces = out / "faces.npz"
    if not faces.exists():
        with atomic(faces) as scratch, scratch.open("wb") as file:
            np.savez(file, train=fixed_faces(), unseen=test.pictures)
    made: list[Point] = []
    for name, program in PROGRAMS.items():
        folder = out / program.removesuffix(".py")
        if arguments.peers and not folder.exists():
            folder.mkdir()
            theirs(arguments.peers, program, faces, folder, arguments.minutes)
        made += points(name, folder)
    for minutes in arguments.ours:
        folder = out / f"ours-{minutes:g}"
        if not folder.exists():
            folder.mkdir()
            torch.manual_seed(0)
            ours(minutes, test.pictures, folder)
        made += points(f"ours, {minutes:g} min", folder)
    scores = judged(test, made)
    (out / "scores.json").write_text(json.dumps(scores))
    print(f"{len(test)} faces of {len(set(test.groups))} unseen designs\n")
    print("| | seconds | core-seconds | PSNR | SSIM | PSNR, print | retrieval@1 |\n|---|---|---|---|---|---|---|")
    for i, point in enumerate(made):
        told = " | ".join(f"{value:.{digits}f}" for value, digits in zip(scores[str(i)], (1, 3, 1, 1), strict=True))
        print(f"| {point.name} | {point.seconds:.0f} | {point.cores:.0f} | {told} |")
    told = " | ".join(f"{value:.{digits}f}" for value, digits in zip(scores["bare head"], (1, 3, 1, 1), strict=True))
    print(f"| bare head | | | {told} |")
    for point, (total, _, _, found) in ((p, scores[str(i)]) for i, p in enumerate(made) if p.name.startswith("ours")):
        if total >= FINAL[0] and found >= FINAL[1]:
            print(f"\n{point.name}: past {FINAL[0]} dB and {FINAL[1]} % after {point.cores:.0f} core-seconds")
            break
    if arguments.figure:
        figure(made, scores, arguments.figure)


if __name__ == "__main__":
    main()
