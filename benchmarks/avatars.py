"""How fast are avatars drawn, beside robohash, which puts them together from drawings?

pip install robohash; python benchmarks/avatars.py

Both give PNGs of 128 pixels of texts that nobody asked for before, in one process on all its cores, in turns: rounds of
one and of the other, and the median of their rates. Ours is drawn eight at a time, as the server does with what comes
together, and one by one."""

import argparse
import io
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from minifaces.cores import cores
from minifaces.pictures.portrait import portrait
from minifaces.studio.model import Model

SIZE = 128


def ours(model: Model, together: int) -> Callable[[list[str]], None]:
    def draw(texts: list[str]) -> None:
        faces = model.decode(np.stack([model.avatar_latent(text) for text in texts]))
        for face in faces:
            portrait(face, SIZE, "png")

    def round_of(texts: list[str]) -> None:
        parts = [texts[i : i + together] for i in range(0, len(texts), together)]
        with ThreadPoolExecutor(cores()) as pool:
            list(pool.map(draw, parts))

    return round_of


def theirs(texts: list[str]) -> None:
    from robohash import Robohash

    def draw(text: str) -> None:
        robot = Robohash(text)
        robot.assemble(roboset="set1", sizex=SIZE, sizey=SIZE)
        robot.img.save(io.BytesIO(), format="png")

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(draw, texts))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=7)
    rounds = options.parse_args().rounds
    model = Model.bundled(threads=1)
    works = {"robohash": (theirs, 16), "minifaces, one by one": (ours(model, 1), 64), "minifaces": (ours(model, 8), 64)}
    rates: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):  # the first warms up
        for name, (work, count) in works.items():
            texts = [f"{turn}-{i}@example.org" for i in range(count)]
            start = time.perf_counter()
            work(texts)
            if turn:
                rates[name].append(count / (time.perf_counter() - start))
    slow = statistics.median(rates["robohash"])
    print("| | avatars a second | times robohash |\n|---|---|---|")
    for name, found in rates.items():
        print(f"| {name} | {statistics.median(found):.1f} | {statistics.median(found) / slow:.1f} |")


if __name__ == "__main__":
    main()
