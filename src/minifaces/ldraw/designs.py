"""Which heads of the library are printed faces, and what is known about each.

    found = catalogue(library)
    found.designs, found.left_out

A design is one printed side of a standard head, `3626bp01/front`. Its metadata is read off the part file: the
description (for a two-sided head the words that speak of this side), the default head colour and where that
comes from, attributes, author. An attribute is True, False or, where the description does not say,
missing."""

import re
from dataclasses import dataclass, field

from minifaces.attributes import ATTRIBUTES
from minifaces.ldraw.colours import REPLACED
from minifaces.ldraw.library import Library, Part
from minifaces.ldraw.source import LibraryError

HEAD = re.compile(r"[~=_]*Minifig Head(?!dress|phones|set)")
STANDARD = re.compile(r"3626[abc]|28621")
TWO_SIDED = re.compile(r"2-sided|dual", re.I)
# Prints that are not faces, by what their description says.
NOT_A_FACE = re.compile(r"zigzag line|pineapple|\bfish\b")
BACK_NOT_A_FACE = re.compile(r"white hand|implant", re.I)
# Heads whose description names the back first (looked at, all two-sided heads).
BACK_FIRST = frozenset({"3626cpm2"})

EXPRESSION = (
    r"smil|grin|smirk|frown|angry|annoy|scowl|scared|sad\b|worr|neutral|determin|stern|grimac|sneer|shout"
    r"|tired|poison|clench"
)
FEATURE = re.compile(
    EXPRESSION + r"|eyebrow|lips|beard|moustach|goatee|stubble|pupil|mouth|glasses|cheek|dimple|freckle|teeth|eyelash"
    r"|wrinkle|chin",
    re.I,
)

# Head colours told by words, where !CMDLINE is missing. First match wins.
TEXT_COLOURS = (
    (r"skull|skeleton|skeletal|mummy|alien with large black", 15),
    (r"uruk-hai lurtz", 70),
    (r"uruk-hai", 308),
    (r"\borc\b", 330),
    (r"darth maul|iron man|iron spider|spider-?man", 4),
    (r"jawa|scout trooper", 0),
    (r"tusken", 19),
    (r"silver robot|robot|wolf|aluminum", 71),
    (r"hulk", 10),
    (r"balaclava.*(nougat face|nougat mouth|nougat lower)", 0),
)
LICENSED = re.compile(
    r"\bsw\b|star wars|lotr|hobbit|\bhp\b|harry potter|batman|joker|super ?hero|marvel|avengers|indiana"
    r"|pirates of the c|lone ranger|toy story|jurassic|back to the future|ghostbusters|scooby|disney|nba"
    r"|jack sparrow|prince of persia|x-men|star trek|speed champions|lakers|gregory|crabbe|snape|weasley"
    r"|dc comics|justice|nougat face|stranger things|big bang|doctor who|beatles|overwatch"
)
YELLOW, LIGHT_NOUGAT = 14, 78
SKIN = (78, 92, 84, 70)


@dataclass(frozen=True)
class Design:
    """One printed face. `colour` is an LDraw code, `colour_from` "cmdline", "text" or "default"; `kind` says
    how freely the head colour may change: "yellow" and "skin" heads take any skin tone, "own" keeps its
    colour."""

    part: str
    side: str
    description: str
    colour: int
    colour_from: str
    kind: str
    attributes: dict[str, bool]
    author: str
    group: str = ""
    split: str = ""

    @property
    def name(self) -> str:
        return f"{self.part}/{self.side}"


@dataclass
class Catalogue:
    """`designs` in order of preference where prints coincide; `left_out` part -> why.

    Of a part that has a fault, `why` is the kind of fault, a colon, and what it is."""

    designs: list[Design] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    def fault(self, part: str, error: LibraryError) -> None:
        """Leave out a part that cannot be used."""
        self.left_out[part] = f"{error.kind}: {error}"
        self.designs = [design for design in self.designs if design.part != part]


def catalogue(library: Library) -> Catalogue:
    """All candidate designs by what the files say. Whether anything is printed there, baking tells."""
    found = Catalogue()
    for name in library.names():
        part_id = name.removesuffix(".dat")
        try:
            # What has no description that can be read may be a head, and is told.
            if not HEAD.match(description := library.description(name)):
                continue
            for other in library.repeated.get(name, ()):
                found.left_out[other.name] = f"same name as {library.file_name(name)}"
            if reason := _left_out(part_id, description):
                found.left_out[part_id] = reason
                continue
            part = library.part(name)
        except LibraryError as error:
            found.fault(part_id, error)
            continue
        sides = ["front"]
        if TWO_SIDED.search(part.description):
            if BACK_NOT_A_FACE.search(part.description):
                found.left_out[f"{part_id}/back"] = "not a face"
            else:
                sides.append("back")
        found.designs += [_design(part_id, part, side) for side in sides]
    # The solid-stud heads (3626a) repeat later prints: the common moulds come first.
    found.designs.sort(key=lambda d: (d.part.startswith("3626a"), d.part, d.side == "back"))
    return found


def _left_out(part_id: str, description: str) -> str:
    if not part_id.isprintable():
        return "name of odd characters"
    if description.startswith("="):
        return "alias"
    if "obsolete" in description.lower() or description.startswith("~Moved"):
        return "obsolete"
    if "Needs Work" in description:
        return "needs work"
    if not STANDARD.match(part_id):
        return "not a standard head" if not description.startswith("~") else "not a head of its own"
    if NOT_A_FACE.search(description.lower()):
        return "not a face"
    return ""


def _design(part_id: str, part: Part, side: str) -> Design:
    two_sided = bool(TWO_SIDED.search(part.description))
    told = side if part_id not in BACK_FIRST else "back" if side == "front" else "front"
    text = side_description(part.description, told) if two_sided else plain_description(part.description)
    colour, source = default_colour(part)
    kind = "yellow" if colour == YELLOW else "skin" if colour in SKIN else "own"
    female = "female" if re.search(r"\bfemale\b", part.description, re.I) else ""
    return Design(part_id, side, text, colour, source, kind, attributes(f"{female} {text}"), part.author)


def plain_description(description: str) -> str:
    """The words about the print: "Minifig Head with Standard Grin Pattern (Solid Stud)": "Standard Grin"."""
    text = re.sub(r"^[~=_]*Minifig Head\s*", "", description)
    text = re.sub(r"\((Blocked|Hollow|Solid|Obsolete|Needs)[^)]*\)|- Hollow Stud|\bPattern\b|\bpattern\b", "", text)
    text = re.sub(r"2-sided", "", text, flags=re.I)
    text = re.sub(r"^with\s+", "", " ".join(text.split()))
    return text.strip(" ,")


def side_description(description: str, side: str) -> str:
    """The words of a two-sided head that speak of one side.

    In "Black Eyebrows, Freckles, Open Smile / Angry" the words around the slash differ, others are shared."""
    text = plain_description(description)
    if "/" not in text:
        return text
    phrases = text.split(", ")
    at = next(i for i, phrase in enumerate(phrases) if "/" in phrase)
    front, back = (part.strip() for part in phrases[at].split("/", 1))
    shared = phrases[:at]
    # "Beauty Mark and Scared / Crooked Smile": what stands before the last "and" is shared, unless it is an
    # expression
    head, joint, tail = front.rpartition(" and ")
    if joint and not re.search(EXPRESSION, head, re.I):
        shared, front = [*shared, head], tail
    # What follows the slash's phrase belongs to the back: "Smile / Open Mouth, Scared"
    own = [front] if side == "front" else [back, *phrases[at + 1 :]]
    return ", ".join([*shared, *own])


def attributes(text: str) -> dict[str, bool]:
    """What a description says: True where named, False where ruled out, missing where unknown."""
    text = text.lower()
    known = {name: True for name, row in ATTRIBUTES.items() if re.search(row.words, text)}
    for name in list(known):
        known = dict.fromkeys(ATTRIBUTES[name].excludes, False) | known
    if len(FEATURE.findall(text)) >= 2:
        known = {name: False for name, row in ATTRIBUTES.items() if row.always_named} | known
    if known.get("facial_hair") is True:
        known |= {name: False for name in ("female", "lips") if name not in known}
    if known.get("female") is True:
        known.setdefault("facial_hair", False)
    return dict(sorted(known.items()))


def default_colour(part: Part) -> tuple[int, str]:
    """The head's LDraw colour code, and whether "cmdline", "text" or "default" told it."""
    if part.colour is not None:
        return REPLACED.get(part.colour, part.colour), "cmdline"
    text = part.description.lower()
    for pattern, code in TEXT_COLOURS:
        if re.search(pattern, text):
            return code, "text"
    if LICENSED.search(f"{text} {' '.join(part.keywords).lower()}"):
        return LIGHT_NOUGAT, "text"
    return YELLOW, "default"
