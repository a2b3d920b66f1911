"""Heads' colours by name, on plain pictures and on composed faces, whose colours are known."""

import numpy as np

from minifaces.headcolours import head_colours
from minifaces.ldraw.composed import composed_faces
from minifaces.studio.model import Model

NAMES = {
    "14": "yellow",
    "15": "white",
    "19": "tan",
    "70": "brown",
    "78": "light skin",
    "84": "medium skin",
    "92": "medium skin",
    "308": "dark brown",
}
"""LDraw's codes of the plastics that heads mostly have."""


def test_colours_of_plain_heads() -> None:
    flat = np.array([(241, 195, 33), (233, 196, 170), (110, 74, 50), (240, 240, 240), (30, 30, 30)], np.uint8)
    pictures = np.full((5, 64, 64, 3), 255, np.uint8)
    pictures[:, 6:58, 10:54] = flat[:, None, None]
    pictures[:, 20:34, 18:46] = 0  # a print
    assert head_colours(pictures) == ["yellow", "light skin", "brown", "white", "black"]


def test_colours_of_designs_are_those_of_their_heads() -> None:
    known = {
        "3626bp05": "yellow",
        "3626bpb1": "light skin",
        "3626cpd66": "medium skin",
        "3626cpbd": "brown",
        "3626bpa8": "white",  # before a white ground
        "3626cpbn": "black",
    }
    gallery = Model.bundled().gallery
    faces = np.array([gallery.index(name) for name in known], np.intp)
    assert head_colours(gallery.thumbnails[faces]) == list(known.values())


def test_colours_of_composed_faces() -> None:
    rows = [(face, row["head_colour"]) for face, row in composed_faces(200, 64, recombined=0, seed=5)]
    found = head_colours(np.stack([face for face, _ in rows]))
    right = [NAMES[code] == name for (_, code), name in zip(rows, found, strict=True) if code in NAMES]
    assert len(right) > 150
    assert np.mean(right) > 0.9  # prints that cover the face mislead it
