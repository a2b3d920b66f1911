"""What is true of composed faces, attribute by attribute: what the attribute reader learns and is measured by.

    known = labels(prints, draws)         # (n, a) float32, NaN where nothing is known

The designs' own attributes (minifaces.ldraw.designs) come from descriptions, which leave much unsaid and are not always
right. All prints were looked at for what shows plainly, smiles and teeth above all; what was seen goes before what is
said. What could not be told by looking is unknown."""

import csv
from functools import cache
from pathlib import Path

import numpy as np

from minifaces.arrays import Floats
from minifaces.attributes import ATTRIBUTES
from minifaces.ldraw.designs import FEATURE, Design
from minifaces.ldraw.draws import Draws
from minifaces.ldraw.prints import Prints

NAMES = tuple(name for name, row in ATTRIBUTES.items() if row.read)
_SEEN = Path(__file__).with_name("seen.csv")
"""What was seen on the prints: design, attribute, and yes, no or unclear, whatever is said of it."""


def truth(design: Design) -> dict[str, bool]:
    """What is known of a design: what was seen, then what its description says. A full description that tells neither
    of a woman nor of lips nor of eyelashes is of a man."""
    looked = seen().get(design.name, {})
    known = {**design.attributes, **{name: value for name, value in looked.items() if value is not None}}
    if len(FEATURE.findall(design.description.lower())) >= 2 and not known.get("lips"):
        known.setdefault("female", known.get("eyelashes", False))
    return {name: value for name, value in known.items() if looked.get(name, value) is not None}


@cache
def seen() -> dict[str, dict[str, bool | None]]:
    """What was seen on prints by looking: name of the design -> attribute -> whether; None where it is unclear."""
    found: dict[str, dict[str, bool | None]] = {}
    with _SEEN.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            whether = {"yes": True, "no": False, "unclear": None}[row["seen"]]
            found.setdefault(row["design"], {})[row["attribute"]] = whether
    return found


@cache
def truths(prints: Prints) -> Floats:
    """What is known of every design: (designs, a) float32, 1 with the attribute, 0 without, NaN unknown."""
    return np.array([[truth(d).get(name, np.nan) for name in NAMES] for d in prints.designs], np.float32)


def labels(prints: Prints, draws: Draws) -> Floats:
    """What each face should be read as, by `truths`: (n, a) float32.

    Beards may show in both halves: there is one where the lower print has it, while of an upper one sideburns may be
    left."""
    upper, lower = truths(prints)[draws.upper], truths(prints)[draws.lower]
    known = np.where(upper == lower, upper, np.float32(np.nan))
    for i, name in enumerate(NAMES):
        if (half := ATTRIBUTES[name].half) != "both":
            known[:, i] = (upper if half == "upper" else lower)[:, i]
    beard = NAMES.index("facial_hair")
    known[lower[:, beard] == 1, beard] = 1
    hair, crowned = NAMES.index("printed_hair"), draws.crown >= 0
    known[crowned, hair] = truths(prints)[draws.crown[crowned], hair]
    return known
