"""Avatars of 128 px by robohash and pydenticon, of texts that nobody asked for before, on all cores: the command
`works` of peer.py."""

import io
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import peer
import pydenticon
from robohash import Robohash

numbers = itertools.count()


def robot(text: str) -> None:
    drawn = Robohash(text)
    drawn.assemble(roboset="set1", sizex=128, sizey=128)
    drawn.img.save(io.BytesIO(), format="png")


def identicon(text: str) -> None:
    pydenticon.Generator(8, 8).generate(text, 128, 128, output_format="png")


def many(draw: Callable[[str], None], count: int) -> None:
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(draw, [f"{next(numbers)}@example.org" for _ in range(count)]))


def works(_: peer.Spec) -> peer.Works:
    return {"robohash": (16, lambda: many(robot, 16)), "pydenticon": (64, lambda: many(identicon, 64))}


if __name__ == "__main__":
    peer.main(lambda *_: None, works, lambda: None, "robohash and pydenticon")
