"""Prints that nobody designed, but might have: eyes, brows, a mouth and small marks of several prints, put together.

    more = with_made(prints, 400, seed=0)       # the prints, and behind them 400 more of the training split

A plain print falls apart into its pieces, which are told by where they are: a pair of eyes, brows above them, a mouth,
and what else there is (freckles, cheek lines, stubble, a beard). A made print takes each from another design, a little
larger or smaller, wider or narrower, mirrored or not, with brows and lips in some other ink; whatever would touch what
is there already is left out whole. Unlike collages (minifaces.ldraw.collage), these are faces: new ones are drawn of
them as of designs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from PIL import Image

from minifaces.arrays import Bools, Pixels, Places
from minifaces.attributes import ATTRIBUTES, PLEASANT, half_of
from minifaces.ldraw.canvas import INK, Canvas, Laid, inked, tinted
from minifaces.ldraw.collage import Piece, pieces
from minifaces.ldraw.designs import YELLOW, Design
from minifaces.ldraw.prints import WIDTH, Prints
from minifaces.ldraw.truths import truth

MADE = "made"
"""the part that made prints are said to be of"""
MIDDLE = WIDTH // 2
GAP = 2  # texels: pieces that are nearer than twice this hang together
EYES, MOUTH = 150, 214  # rows that things are scaled about
TEMPLE = 95  # columns from the middle: what lies farther out about the eyes belongs to hair
TALL = 50  # rows: eyes that are taller have their brows with them
TRIES = 6
MARKED, BEARDED, HAIRED = 0.35, 0.5, 0.08  # shares with marks about the eyes, about the mouth, with printed hair
OTHER_INK = 0.4  # share whose brows, and whose lips, are of another ink
SIZES = 0.12  # standard deviation of the logarithms of sizes
MOVES = 4.0  # and of moves, texels
# Inks as they are printed, sRGB: of hair and brows, and of lips.
HAIR_INKS = ((27, 42, 52), (88, 42, 18), (160, 95, 52), (200, 150, 80), (140, 140, 140), (99, 95, 98), (170, 75, 25))
LIP_INKS = ((196, 40, 28), (150, 20, 45), (220, 110, 90), (215, 70, 120), (150, 60, 50), (225, 110, 60))


@dataclass(frozen=True)
class Features:
    """What a plain print is made of."""

    number: int
    eyes: Sequence[Piece]
    brows: Sequence[Piece]
    mouth: Sequence[Piece]
    above: Sequence[Piece]
    """marks about the eyes"""
    below: Sequence[Piece]
    """marks and beards about the mouth"""
    hair: Sequence[Piece]
    woman: bool | None


def with_made(prints: Prints, count: int, seed: int = 0) -> Prints:
    """`prints` and behind them `count` made ones, of yellow heads that take any skin tone; the same for the same seed.

    None where training designs are too few to make any of."""
    maker = _maker(prints)
    if not count or not maker.able:
        return prints
    rng = np.random.default_rng([seed, 4])
    textures, designs = zip(*(maker.one(number, rng) for number in range(count)), strict=True)
    return replace(
        prints,
        designs=prints.designs + designs,
        colours=np.concatenate([prints.colours, np.stack(textures)]),
        metal_index=np.concatenate([prints.metal_index, np.full(count, -1, np.int32)]),
    )


@cache
def _maker(prints: Prints) -> "_Maker":
    """The maker of these prints, whose pieces are found once."""
    return _Maker(prints, [found for i in prints.of_split("train") if (found := _features(prints, int(i)))])


def made(prints: Prints, which: Places) -> Bools:
    """Which of some prints are made ones."""
    return np.array([prints.designs[i].part == MADE for i in which], bool)


def _features(prints: Prints, number: int) -> Features | None:
    """A print's pieces by what they are; None for a print of a special head, or that fills it."""
    design = prints.designs[number]
    if design.kind == "own" or design.part == MADE:
        return None
    found: dict[str, list[Piece]] = {name: [] for name in ("eyes", "brows", "mouth", "above", "below", "hair")}
    for piece in pieces(prints.colours[number, ..., 3], INK, GAP):
        kind = _kind(piece)
        if kind is None:
            return None
        found[kind].append(piece)
    if len(found["eyes"]) == 2 and _column(found["eyes"][0]) * _column(found["eyes"][1]) > 0:
        return None
    return Features(number, **found, woman=truth(design).get("female"))


def _kind(piece: Piece) -> str | None:
    """What a piece is, by its place and size on the print; None for what is too large to be taken anywhere else."""
    (rows, columns), area = piece.box, int(piece.inside.sum())
    row, column = np.nonzero(piece.inside)[0].mean() + rows.start, abs(_column(piece))
    high, wide = rows.stop - rows.start, columns.stop - columns.start
    if 18 <= column <= 66 and 125 <= row <= 170 and wide < 100 and high < 90 and 350 <= area <= 4000:
        return "eyes"
    if 15 <= column <= 70 and row < 128 and rows.stop < 150 and 18 < wide < 100 and 150 < area < 2600:
        return "brows"
    if column < 25 and 188 <= row <= 245 and 14 < wide < 190 and high < 80 and area > 150:
        return "mouth"
    if rows.stop <= 140 and wide > 120 and area > 2500:
        return "hair"
    if rows.start > 150 and row > 172:
        return "below"
    return "above" if area < 900 and column < TEMPLE else None


def _column(piece: Piece) -> float:
    """Where a piece's middle is, texels to the right of the face's."""
    return float(np.nonzero(piece.inside)[1].mean() + piece.box[1].start - MIDDLE)


def _browed(eye: Piece) -> bool:
    """Whether an eye has its brow with it."""
    return bool(eye.inside.shape[0] > TALL)


class _Maker:
    def __init__(self, prints: Prints, features: list[Features]) -> None:
        self.prints = prints
        self.eyes = [f for f in features if len(f.eyes) == 2 and _browed(f.eyes[0]) == _browed(f.eyes[1])]
        self.brows = [f for f in self.eyes if len(f.brows) == 2]
        self.mouths = [f for f in features if f.mouth]
        self.above, self.below = [f for f in features if f.above], [f for f in features if f.below]
        self.hair = [f for f in features if f.hair]
        self.able = bool(self.eyes and self.mouths)

    def one(self, number: int, rng: np.random.Generator) -> tuple[Pixels, Design]:
        """A print (H, W, 4) uint8, sRGB and alpha, and what is known of it."""
        while True:
            canvas = Canvas()
            eyes = _any(self.eyes, rng)
            spread, flip = rng.normal(0, MOVES), bool(rng.random() < 0.5)
            size = _sizes(rng)
            move = rng.normal(0, MOVES)
            laid = [self._laid(eyes, p, size, flip, (_column(p), EYES), (spread, move)) for p in eyes.eyes]
            if not canvas.lay(laid):
                continue
            ink = HAIR_INKS[rng.integers(len(HAIR_INKS))] if rng.random() < OTHER_INK else None
            brows = self._brow(canvas, eyes, min(p.top for p in laid), spread, ink, rng)
            mouth = self._mouth(canvas, eyes, rng)
            if mouth is None:
                continue
            extras = [
                self._marks(canvas, self.hair, "hair", HAIRED, rng, ink),
                self._marks(canvas, self.above, "above", MARKED, rng),
                self._marks(canvas, [f for f in self.below if not mouth.woman or f.woman], "below", BEARDED, rng),
            ]
            known = self._known(eyes, brows, mouth, extras)
            return canvas.texture(), Design(
                MADE, str(number), "", YELLOW, "default", "yellow", known, "", MADE, "train"
            )  # fmt: skip

    def _laid(
        self,
        of: Features,
        piece: Piece,
        size: tuple[float, float],
        flip: bool,
        about: tuple[float, float],
        move: tuple[float, float],
    ) -> Laid:
        """A piece scaled about a point (columns from the middle, row), mirrored, then moved: outwards and down."""
        (rows, columns), (across, down) = piece.box, size
        ink = self.prints.colours[of.number][piece.box].astype(np.float32)
        ink[..., 3] *= piece.inside
        ink[..., :3] *= ink[..., 3:] / 255
        high, wide = (max(2, round(n * by)) for n, by in zip(piece.inside.shape, (down, across), strict=True))
        if (high, wide) != piece.inside.shape:
            ink = np.stack(
                [np.asarray(Image.fromarray(plane).resize((wide, high))) for plane in np.moveaxis(ink, 2, 0)], 2
            )
            ink = np.clip(ink, 0, 255)
        left = (columns.start - MIDDLE - about[0]) * across + about[0]
        if flip:
            ink, left = ink[:, ::-1], -left - wide
        left += move[0] * np.sign(left + wide / 2)
        return Laid(ink, (rows.start - about[1]) * down + about[1] + move[1], left + MIDDLE)

    def _brow(
        self,
        canvas: Canvas,
        eyes: Features,
        top: float,
        spread: float,
        ink: tuple[int, ...] | None,
        rng: np.random.Generator,
    ) -> Features | None:
        """Lay brows as far above the eyes as they were at home; whose, or None where eyes have theirs."""
        if _browed(eyes.eyes[0]) or not self.brows:
            return None
        for _ in range(TRIES):
            brows = _any(self.brows, rng)
            if brows.woman != eyes.woman:
                continue
            size, flip = _sizes(rng), bool(rng.random() < 0.5)
            own = min(p.box[0].start for p in brows.eyes)
            laid = [
                self._laid(brows, p, size, flip, (_column(p), own), (spread, top - own + rng.normal(0, MOVES / 2)))
                for p in brows.brows
            ]
            if canvas.lay([inked(p, ink) for p in laid]):
                return brows
        return None

    def _mouth(self, canvas: Canvas, eyes: Features, rng: np.random.Generator) -> Features | None:
        for _ in range(TRIES):
            mouth = _any(self.mouths, rng)
            if mouth.woman != eyes.woman:
                continue
            size, flip, move = _sizes(rng), bool(rng.random() < 0.5), (0.0, rng.normal(0, MOVES))
            laid = [self._laid(mouth, p, size, flip, (0, MOUTH), move) for p in mouth.mouth]
            if rng.random() < OTHER_INK:
                lips = LIP_INKS[rng.integers(len(LIP_INKS))]
                laid = [tinted(p, lips) for p in laid]
            if canvas.lay(laid):
                return mouth
        return None

    def _marks(
        self,
        canvas: Canvas,
        of: list[Features],
        kind: str,
        share: float,
        rng: np.random.Generator,
        ink: tuple[int, ...] | None = None,
    ) -> Features | None:
        """Lay all marks of a kind of some print, or none; whose."""
        if not of or rng.random() >= share:
            return None
        for _ in range(TRIES):
            marks, flip = _any(of, rng), bool(rng.random() < 0.5)
            laid = [self._laid(marks, p, (1, 1), flip, (0, 0), (0, 0)) for p in getattr(marks, kind)]
            if canvas.lay([inked(p, ink) for p in laid]):
                return marks
        return None

    def _known(
        self, eyes: Features, brows: Features | None, mouth: Features, extras: list[Features | None]
    ) -> dict[str, bool]:
        """What is known of a print of these parts: what all that show it agree on."""
        upper = [f for f in (eyes, brows, *extras[:2]) if f]
        lower = [f for f in (mouth, extras[2]) if f]
        known = {}
        for name in (*ATTRIBUTES, PLEASANT):
            of = {"upper": upper, "lower": [mouth], "both": upper + lower}[half_of(name)]
            said = {truth(self.prints.designs[f.number]).get(name) for f in of}
            if len(said) == 1 and (only := said.pop()) is not None:
                known[name] = only
        known["printed_hair"] = extras[0] is not None
        return known


def _any(of: Sequence[Features], rng: np.random.Generator) -> Features:
    return of[int(rng.integers(len(of)))]


def _sizes(rng: np.random.Generator) -> tuple[float, float]:
    """Factors across and down, that go together in part."""
    across = rng.normal(0, SIZES)
    return float(np.exp(across)), float(np.exp(across / 2 + rng.normal(0, SIZES * 0.7)))
