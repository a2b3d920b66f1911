"""How long does one face take from nothing, and in how much memory? Whole processes, beside Keras, torch and avatars
of other kinds.

    python benchmarks/cold_start.py [--peers PYTHON] [--rounds 7]

Ours by its command line, with the bundled model (128 px); Keras and torch decode one face with the 2020 decoder
(64 px), untrained, in as few lines as that takes. robohash and pydenticon draw one avatar. Each a process, in turns;
medians of seconds and core-seconds, and of the largest resident memory. Files are in the system's cache."""

import statistics
import sys
import tempfile
from pathlib import Path

from PIL import Image

import minifaces
from shared import PEERS, command_line, machine, whole_process

ROBOT = """from robohash import Robohash
robot = Robohash("alice@example.com")
robot.assemble(roboset="set1", sizex=128, sizey=128)
robot.img.save(FILE)"""
IDENTICON = """import pydenticon
made = pydenticon.Generator(8, 8).generate("alice@example.com", 128, 128, output_format="png")
open(FILE, "wb").write(made)"""


def commands(scratch: Path, peers: str | None) -> dict[str, list[str]]:
    picture = scratch / "face.png"
    faces = minifaces.load()
    Image.fromarray(faces.decode(faces.latent_of("random:1"))[0]).save(picture)
    out = ["-o", str(scratch / "out.png")]
    ours = [sys.executable, "-m", "minifaces"]
    found = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import numpy'": [sys.executable, "-c", "import numpy"],
        "minifaces --version": [*ours, "--version"],
        "minifaces sample -n 1": [*ours, "sample", "-n", "1", "--seed", "7", *out],
        "minifaces avatar": [*ours, "avatar", "alice@example.com", *out],
        "minifaces reconstruct": [*ours, "reconstruct", str(picture), *out],
        "minifaces morph, 2 faces, a strip": [*ours, "morph", "random:1", "random:2", *out],
    }
    if peers:
        file = f"FILE = {str(scratch / 'avatar.png')!r}\n"
        found |= {
            "Keras: decode one face": [peers, str(PEERS / "keras_vae.py"), "once"],
            "torch: decode one face": [peers, str(PEERS / "torch_vae.py")],
            "robohash": [peers, "-c", file + ROBOT],
            "pydenticon": [peers, "-c", file + IDENTICON],
        }
    return found


def main() -> None:
    arguments = command_line(__doc__, peers=True).parse_args()
    print(machine("minifaces", "onnxruntime"))
    print("\n| | seconds | fastest to slowest | core-seconds | MB |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        works = commands(Path(scratch), arguments.peers)
        found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in works}
        for turn in range(arguments.rounds + 1):  # the first fills the system's cache
            for name, words in works.items():
                took = whole_process(words)
                if turn:
                    found[name].append(took)
    for name, rows in found.items():
        seconds, cores, memory = (statistics.median(column) for column in zip(*rows, strict=True))
        spread = f"{min(row[0] for row in rows):.2f} to {max(row[0] for row in rows):.2f}"
        print(f"| {name} | {seconds:.2f} | {spread} | {cores:.2f} | {memory:.0f} |")


if __name__ == "__main__":
    main()
