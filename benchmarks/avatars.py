"""How fast are avatars drawn, beside robohash, which puts them together from drawings, and pydenticon, which paints
squares?

    python benchmarks/avatars.py --peers PYTHON [--rounds 7]

All give PNGs of 128 pixels of texts that nobody asked for before, each in one process on all its cores, in turns:
rounds of one and of the other, and the medians of their rates. Ours is drawn eight at a time, as the server does with
what comes together, and one by one."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from minifaces.cores import cores
from minifaces.pictures.portrait import portrait
from minifaces.studio.model import Model
from shared import Peer, command_line, in_turns, machine, show, timed

SIZE, COUNT = 128, 64
numbers = itertools.count()


def ours(model: Model, together: int) -> Callable[[], None]:
    def draw(texts: list[str]) -> None:
        faces = model.decode(np.stack([model.avatar_latent(text) for text in texts]))
        for face in faces:
            portrait(face, SIZE, "png")

    def work() -> None:
        texts = [f"{next(numbers)}@example.org" for _ in range(COUNT)]
        parts = [texts[i : i + together] for i in range(0, COUNT, together)]
        with ThreadPoolExecutor(cores()) as pool:
            list(pool.map(draw, parts))

    return work


def main() -> None:
    arguments = command_line(__doc__, peers=True).parse_args()
    model = Model.bundled(threads=1)
    works = {
        "minifaces, one by one": (COUNT, timed(ours(model, 1))),
        "minifaces": (COUNT, timed(ours(model, 8))),
    }
    if arguments.peers:
        peer = Peer(arguments.peers, "avatars.py", {})
        works |= {name: (count, peer.work(name)) for name, count in peer.works.items()}
    print(f"{machine('minifaces', 'onnxruntime', 'pillow')}\n")
    show(in_turns(works, arguments.rounds), "robohash" if arguments.peers else "minifaces", "avatars a second")


if __name__ == "__main__":
    main()
