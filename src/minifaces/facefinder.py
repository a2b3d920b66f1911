"""Find the faces of photographed figures, under hair, hats and helmets, and bring one to what models know: a bare head,
upright in its frame, on white.

    found = find_faces(picture)                    # list[Found], the plainest first
    face = bare_face(picture, found[0], 128)       # (128, 128, 3) uint8
    seen = read_face(picture, 128)                 # the same in one go; a picture without faces, or of a bare head
    seen.picture, seen.faces, seen.chosen          # in its frame, stays as it is

A small network (assets/places.onnx, made by minifaces.instruments.train_places from composed heads with drawn figures
about them) tells of each cell of 8 x 8 pixels whether it lies on the middle of a head with a face, and where that head
is. What covers a face is taken off by its colours (minifaces.uncover)."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from PIL import Image

from minifaces.arrays import Floats, Pixels
from minifaces.checks import whole
from minifaces.errors import UsageError
from minifaces.images import check_picture, resize, square
from minifaces.smallnets import overlap, session, sigmoid
from minifaces.uncover import FILL, uncovered

ASSET = Path(__file__).parent / "assets" / "places.onnx"
LEVELS = (64, 128, 256, 512, 1024)  # pixels of the longer side at which a picture is looked at
ENLARGED = 2.0  # by at most so much
LONGEST = 2048  # pixels a side of which anything is seen: a larger picture may as well be made smaller
CELL, STEP = 8, 32  # pixels of a cell; sides must be multiples of STEP
UNIT, TILT = 32.0, 20.0  # pixels and degrees that the network tells places in
NARROWEST, WIDEST_FOUND = 12.0, 72.0  # pixels of a head's width that the network knows
LEAST, SURE = 0.4, 0.8  # how sure a cell must be, and how sure a head after the second look
SAME = 0.3  # boxes that overlap by more (intersection over union) are one head
MOST = 24  # heads of one picture
NEAR, NEAR_WIDTH = 96, 36.0  # pixels of the second look, and of the head's width there
WIDEST = 0.98  # share of a frame's width that a head may take
FREE = 0.85  # of a head: where more of it is seen, it is taken for bare
STUD, NECK = 4 / 28, 3 / 28  # of a head's height


class Found(NamedTuple):
    """A head with a face, as it would be without what it wears: stud and neck included."""

    x: float
    """Of its middle, pixels of the picture."""
    y: float
    width: float
    height: float
    tilt: float
    """Degrees, clockwise."""
    sure: float
    """0 to 1."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 of the head without stud and neck, before it is tilted about its middle."""
        top, bottom = self.y - (0.5 - STUD) * self.height, self.y + (0.5 - NECK) * self.height
        return self.x - self.width / 2, top, self.x + self.width / 2, bottom


class Read(NamedTuple):
    """What a model is given of a picture."""

    picture: Pixels
    """(size, size, 3) uint8."""
    faces: list[Found]
    """The faces that were found, the plainest first."""
    chosen: int | None
    """Which of them it is, from 0; None where the picture was taken as it is."""


def find_faces(picture: Pixels) -> list[Found]:
    """The faces in an (H, W, 3) uint8 picture, those first that are large and sure. Raises UsageError for what is no
    picture."""
    picture = check_picture(picture)
    longer = max(picture.shape[:2])
    candidates: list[Found] = []
    for level in LEVELS:
        if level <= ENLARGED * longer:
            candidates += _look(picture, level / longer)
    again = [_nearer(picture, face) for face in _apart(candidates, LEAST)[:MOST]]
    faces = _apart([face for face in again if face is not None], SURE)
    return sorted(faces, key=lambda face: -face.sure * face.width)


def read_face(picture: Pixels, size: int, face: int | None = None) -> Read:
    """A picture as a model is given it: its first face, or number `face` of them, from 1, bare and framed. With 0,
    where there is no face, and where the picture is a framed head already, the whole of it, squared.

    Raises UsageError where there are fewer faces."""
    picture = check_picture(picture)
    framed = face is None and picture.shape[:2] == (size, size)  # as those of a data set are
    if framed or (face is not None and whole("the number of a face", face, 0, MOST) == 0):
        return Read(square(picture, size), [], None)
    faces = find_faces(picture)
    if face is not None and face > len(faces):
        count = f"{len(faces)} face{'' if len(faces) == 1 else 's'}"
        raise UsageError(f"face {face} is asked for, and {count or 'no face'} found: 0 takes the picture as it is")
    if not faces:
        return Read(square(picture, size), [], None)
    chosen = (face or 1) - 1
    bare, free = uncovered(frame(picture, faces[chosen], size))
    if len(faces) == 1 and face is None and _stands(picture, faces[0]) and free > FREE:
        return Read(square(picture, size), faces, None)
    return Read(bare, faces, chosen)


def described(read: Read) -> str:
    """In a line, what was found in a picture and what of it was taken."""
    sure = [f"{face.sure:.0%}" for face in read.faces]
    if read.chosen is None:
        return f"a bare head, {sure[0]} sure: taken as it is" if sure else "no face was found: taken as it is"
    if len(sure) == 1:
        return f"a face was found, {sure[0]} sure"
    others = [each for i, each in enumerate(sure) if i != read.chosen]
    return (
        f"face {read.chosen + 1} of {len(sure)}, {sure[read.chosen]} sure; the others, {', '.join(others)}, by --face N"
    )


def bare_face(picture: Pixels, face: Found, size: int) -> Pixels:
    """A found face as (size, size, 3) uint8: the head bare and upright on white, what is covered made up."""
    return uncovered(frame(picture, face, size)).picture


def frame(picture: Pixels, face: Found, size: int) -> Pixels:
    """The upright square about a head, (size, size, 3) uint8, of which it fills as much as composed faces do."""
    side = max(face.height / FILL, face.width / WIDEST)
    return _upright(picture, face, side, size)


def _upright(picture: Pixels, face: Found, side: float, size: int) -> Pixels:
    """A square of `side` pixels about a head, turned until that is upright, (size, size, 3); beyond the picture its
    border goes on."""
    reach = max(4, round(1.5 * side))
    left, top = round(face.x - reach / 2), round(face.y - reach / 2)
    rows = np.clip(np.arange(top, top + reach), 0, picture.shape[0] - 1)
    columns = np.clip(np.arange(left, left + reach), 0, picture.shape[1] - 1)
    around = max(4, round(reach / side * size))
    image = Image.fromarray(resize(picture[rows[:, None], columns[None]], around, around))
    scale = around / reach
    x, y = (face.x - left) * scale, (face.y - top) * scale
    c, s = np.cos(np.radians(face.tilt)), np.sin(np.radians(face.tilt))
    middle = size / 2
    affine = (c, -s, x - c * middle + s * middle, s, c, y - s * middle - c * middle)
    return np.asarray(image.transform((size, size), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC))


def _look(picture: Pixels, scale: float) -> list[Found]:
    """Candidates at one scale."""
    height, width = picture.shape[:2]
    high, wide = max(1, round(height * scale)), max(1, round(width * scale))
    small = resize(picture, high, wide)
    pad = ((0, -high % STEP), (0, -wide % STEP), (0, 0))
    faces = _told(np.pad(small, pad, "edge"))
    across, down = width / wide, height / high
    return [f._replace(x=f.x * across, y=f.y * down, width=f.width * across, height=f.height * down) for f in faces]


def _nearer(picture: Pixels, face: Found) -> Found | None:
    """The same head seen upright from near by, which places it better; None where there is none."""
    side = face.width * NEAR / NEAR_WIDTH
    again = _told(_upright(picture, face, side, NEAR))
    middle = NEAR / 2
    again = [f for f in again if np.hypot(f.x - middle, f.y - middle) < 0.4 * NEAR_WIDTH]
    if not again:
        return None
    best = max(again, key=lambda f: f.sure)
    k = side / NEAR
    c, s = np.cos(np.radians(face.tilt)), np.sin(np.radians(face.tilt))
    dx, dy = (best.x - middle) * k, (best.y - middle) * k
    x, y = face.x + c * dx - s * dy, face.y + s * dx + c * dy
    return Found(float(x), float(y), best.width * k, best.height * k, face.tilt + best.tilt, best.sure)


def _told(picture: Pixels) -> list[Found]:
    """What the network tells of a picture as it is given it."""
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    (told,) = _places().run(["cells"], {"picture": planes})[0]
    told = told.transpose(1, 2, 0)
    sure = sigmoid(told[..., 0])
    around = np.lib.stride_tricks.sliding_window_view(np.pad(sure, 1), (3, 3)).max((2, 3))
    peaks = np.argwhere((sure >= LEAST) & (sure >= around))
    faces = [_face(told, sure, int(row), int(column)) for row, column in peaks]
    return [face for face in faces if NARROWEST <= face.width <= WIDEST_FOUND]


def _face(told: Floats, sure: Floats, row: int, column: int) -> Found:
    """The head that a peak of sureness and the cells about it tell of."""
    rows, columns = np.mgrid[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
    inside = (rows < sure.shape[0]) & (columns < sure.shape[1])
    rows, columns = rows[inside], columns[inside]
    weights, cells = sure[rows, columns] ** 4, told[rows, columns]
    x, y = columns * CELL + CELL / 2 + UNIT * cells[:, 1], rows * CELL + CELL / 2 + UNIT * cells[:, 2]
    wide, high, tilt = np.average(cells[:, 3:6], 0, weights)
    width = UNIT * np.exp(np.clip(wide, -3, 3))
    return Found(
        float(np.average(x, None, weights)),
        float(np.average(y, None, weights)),
        float(width),
        float(width * np.exp(np.clip(high, -1, 1))),
        float(tilt) * TILT,
        float(sure[row, column]),
    )


def _apart(faces: Sequence[Found], least: float) -> list[Found]:
    """Those that are sure enough, the surest first, without those that are another one's head."""
    kept: list[Found] = []
    for face in sorted(faces, key=lambda f: -f.sure):
        if face.sure >= least and all(
            overlap(face.box, other.box) < SAME and not _within(face, other) for other in kept
        ):
            kept.append(face)
    return kept


def _within(face: Found, other: Found) -> bool:
    """Whether the middle of one lies on the other's head."""
    return any(
        abs(a.x - b.x) < 0.4 * b.width and abs(a.y - b.y) < 0.4 * b.height for a, b in ((face, other), (other, face))
    )


def _stands(picture: Pixels, face: Found) -> bool:
    """Whether a head stands in a picture as composed faces do."""
    height, width = picture.shape[:2]
    side = max(height, width)
    off = max(abs(face.x - width / 2), abs(face.y - height / 2)) / side
    return off < 0.1 and 0.7 < max(face.height / side, face.width / side) < 1.02 and abs(face.tilt) < 6


@cache
def _places() -> onnxruntime.InferenceSession:
    return session(ASSET)
