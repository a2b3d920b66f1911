"""What can be told of a face, a row each: what designs have (a beard, a smile) and what is measured (a turn).

    ATTRIBUTES["smile"].half        # "lower"
    MEASURES["turn"].unit           # 20.0 degrees are a turn by 1

The catalogue of designs, the truths of composed faces, edits, the gallery, directions, the report and the page all read
these rows; a new attribute begins with one (CONTRIBUTING.md)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Attribute:
    """Something that a design has or has not."""

    name: str
    words: str
    """What its part's description says where it is there: a regular expression for lower case."""
    always_named: bool = False
    """Whether LDraw's authors name it whenever it is there: a full description without it tells of its absence."""
    excludes: tuple[str, ...] = ()
    """Expressions that it rules out: where it is named, those that are not are absent."""
    entwined: tuple[str, ...] = ()
    """What is nearly the same thing: to hold either fast takes the other's direction away."""
    half: Literal["upper", "lower", "both"] = "both"
    """Which half of a face shows it, where the upper part of one print is joined to the lower part of another. What may
    show in both is known only where both prints say the same."""
    read: bool = True
    """Whether the attribute reader learns it, and prints were looked at for it. The others are too rare, or too unlike
    one another: off unseen designs they were read with balanced accuracies of 0.52 to 0.78."""
    edited: tuple[float, float] | None = None
    """The least and the most amount of its edit; None where there is none to learn."""

    @property
    def label(self) -> str:
        """As people read it."""
        return self.name.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Measure:
    """Something of a face that has an amount, or that its head has and not its print."""

    name: str
    label: str
    unit: float
    """What an edit by 1 changes it by ..."""
    of: str
    """... in this."""
    edited: tuple[float, float]
    """The least and the most amount of its edit."""


def _by_name(rows: Iterable[Attribute]) -> dict[str, Attribute]:
    return {row.name: row for row in rows}


EITHER_WAY = (-1.0, 1.0)
ATTRIBUTES = _by_name([
    Attribute(
        "facial_hair",
        r"beard|goatee|stubble|moustach|sideburn|side burn|muttonchop|facial hair",
        always_named=True,
        edited=EITHER_WAY,
    ),
    Attribute("eyewear", r"glasses|goggles|monocle|visor", always_named=True, half="upper", edited=EITHER_WAY),
    Attribute(
        "smile", r"smil|grin|smirk|happy|amused", excludes=("angry", "scared"), half="lower", edited=EITHER_WAY
    ),
    Attribute(
        "angry",
        r"angry|scowl|frown|stern|grump|sneer|villain|evil|annoyed|determined|grim mouth|clenched|gritted|firm",
        excludes=("smile", "scared"),
        edited=EITHER_WAY,
    ),
    Attribute(
        "scared",
        r"scared|scream|worri|worry|\bsad\b|afraid|queasy|concerned|poisoned|tense",
        excludes=("smile", "angry"),
        read=False,
    ),
    # Painted lips are most of what makes a printed face a woman's.
    Attribute(
        "lips", r"\blips\b|lipstick", always_named=True, entwined=("female",), half="lower", edited=EITHER_WAY
    ),
    Attribute("eyelashes", r"eyelash|mascara", read=False),
    Attribute("female", r"\bfemale\b|\bwoman\b|\bgirl\b", entwined=("lips",)),
    Attribute("teeth", r"teeth|tooth|fangs", always_named=True, half="lower", edited=EITHER_WAY),
    Attribute(
        "printed_hair", r"(?<!facial )\bhair\b|hairline", always_named=True, half="upper", edited=EITHER_WAY
    ),
    Attribute("mask", r"mask|balaclava|headband", always_named=True),
    Attribute("marks", r"freckle|\bscars?\b|beauty mark|wrinkle|crow's feet|paint", read=False),
])  # fmt: skip

PLEASANT = "pleasant"
"""What avatars are: faces that people would be glad to be given. It is seen on the training designs
(minifaces/ldraw/seen.csv), never said of a design and never read off a picture."""

TURN = Measure("turn", "Turn of the head", 20.0, "degrees to the viewer's right", (-1.5, 1.5))
DARK_HEAD = Measure("dark_head", "Dark head", 1.0, "stops: halvings of the head's light", (-0.5, 2.0))
YELLOW_HEAD = Measure("yellow_head", "Yellow head", 1.0, "all of the way to yellow", (0.0, 1.0))
MEASURES = {row.name: row for row in (TURN, DARK_HEAD, YELLOW_HEAD)}

_ROWS: tuple[Attribute | Measure, ...] = (*ATTRIBUTES.values(), *MEASURES.values())
RANGES: dict[str, tuple[float, float]] = {
    row.name: row.edited for row in sorted(_ROWS, key=lambda row: row.name) if row.edited
}
"""The least and the most amount of each edit that there is to learn."""


def half_of(name: str) -> Literal["upper", "lower", "both"]:
    """Which half of a face shows something that is told of it; both where it is no attribute."""
    return ATTRIBUTES[name].half if name in ATTRIBUTES else "both"


_CALLED = {"glasses": "eyewear", "beard": "facial_hair", "anger": "angry", "hair": "printed_hair", "woman": "female"}


def named_attribute(word: str) -> str:
    """The name of an attribute that people call by a word: "glasses" is "eyewear". Others are left as they are."""
    name = word.strip().lower().replace("-", "_").replace(" ", "_")
    return _CALLED.get(name, name)


def label(name: str) -> str:
    """What people read for an attribute or measure, of anybody's."""
    row = ATTRIBUTES.get(name) or MEASURES.get(name)
    return row.label if row else name.replace("_", " ").capitalize()
