"""Find pictures that show several heads side by side or in rows, and where to cut them apart.

boxes = find_heads(picture)      # one box a head, row by row; a picture of one head is one box: the whole of it
"""

import numpy as np
from scipy.ndimage import find_objects, label

from minifaces.images import Pixels, resize
from minifaces.photos.folder import Box
from minifaces.photos.ground import distance, fitted_ground

HEIGHT = 96  # pixels that are looked at
APART = 18.0  # of 255, from the ground


def find_heads(picture: Pixels) -> list[Box]:
    """Cut an (H, W, 3) uint8 picture into cells with one head each: at least one box, in reading order."""
    height, width = picture.shape[:2]
    scale = HEIGHT / height
    small = resize(picture, HEIGHT, max(1, round(width * scale)))
    pieces, _ = label(distance(small, fitted_ground(small)) > APART)
    found = [p for p in find_objects(pieces) if p[0].stop - p[0].start > HEIGHT // 3]
    found.sort(key=lambda piece: piece[1].start)
    cuts = [0]
    for left, right in zip(found, found[1:], strict=False):
        middle = (left[1].stop + right[1].start) / 2 / scale
        if right[1].start >= left[1].stop:
            cuts.append(round(middle))
    cuts.append(width)
    return [Box(a, 0, b, height) for a, b in zip(cuts, cuts[1:], strict=False) if b > a]
