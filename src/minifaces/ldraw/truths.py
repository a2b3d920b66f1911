"""What is true of composed faces, attribute by attribute: what the attribute reader learns and is measured by.

    known = labels(prints, draws)         # (n, a) float32, NaN where nothing is known

The designs' own attributes (minifaces.ldraw.designs) come from descriptions, which leave much unsaid and are not always
right. All prints were looked at for what shows plainly, smiles and teeth above all; what was seen goes before what is
said. What could not be told by looking is unknown."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from minifaces.ldraw.designs import ATTRIBUTES, FEATURE, Design
from minifaces.ldraw.draws import Draws
from minifaces.ldraw.prints import Prints

Floats = NDArray[np.float32]

# Eyelashes and fright are too rare, freckles, scars and paint too unlike one another: off unseen designs they were read
# with balanced accuracies of 0.52 to 0.78.
NAMES = tuple(name for name in ATTRIBUTES if name not in ("eyelashes", "scared", "marks"))
# Which half of a face shows an attribute, where the upper part of one print is joined to the lower part of another.
# What is not named here may show in both: then it is known only where both prints say the same, but for beards, which
# are there where the lower print has one; of an upper one sideburns may be left.
SHOWN = {
    **dict.fromkeys(("eyewear", "printed_hair"), "upper"),
    **dict.fromkeys(("smile", "lips", "teeth"), "lower"),
}
# Seen on the prints: parts without "3626", a star for the back; None where it cannot be told, whatever is said.
SEEN: dict[tuple[str, bool | None], str] = {
    ("smile", True): (
        "bp09 bp0b bp3e bp3j bp3k bp41 bp42 bp43 bp44 bp45 bp46 bp47 bp48 bp49 bp4f bp4l bp62 bp66 bp68 bp7b bp7c "
        "bp7e bp8f bp8k bp8l bpaa bpab bpb7 bpba bph1 bph8 bpha bpso cp03 cp40 cp74 cp7e cp7i cp7l cp8x cpd66 "
        "cpd6h cpd81 cpd8k cps1"
    ),
    ("smile", False): (
        "bp08 bp0c bpb1 bph4 bph5 bph6 bphb bpq1* bpq5 bps2 bps3 bps6 bps7 bpsa bpsb cpb9 cpbk cpbl cpbm cpcg1 "
        "cpd67 cpd6a* cpd8c cpm3 cpm5* cpm6* cpm8* cps2 cps3 cps4 cps7 cpsf cpsi* cpx4 cpx9 cpxb"
    ),
    ("teeth", True): (
        "bp0h bp0i bp36 bp4h bp80 bp88 bp8a bp8b bp8c bp8f bp8g bp8h* bp8i* bp8l bpb2 bpb3 bpb6 bpb7 bpba bpc33 "
        "bph9 bpq3* cp05 cp0b cp0c cp70 cp74 cp76 cp77 cp7c cp7e cp7i cp80* cp85* cp8i cp8j* cp8k cp8l cp8q* cp8w "
        "cpb1* cpb9* cpbb* cpbd* cpbh cpbh* cpbj* cpbm* cpd66 cpd69 cpd6f cpd6h cpd81 cph0 cph1 cpm4* cpm5* cpm6* "
        "cpm8* cpnc cpne cps3 cps4* cps7 cpx0* cpx3* cpx4"
    ),
    ("teeth", False): (
        "bp01 bp02 bp3j bp3k bp3n bp3q bp40 bp4h* bp4m bp62 bp7b bp7c bp89* bpa1 bph3 bph4 bph5 bphb bps2 bps3 "
        "bps6 bps7 cp03 cp03* cp78* cp8e cpbd cpm2 cpm2* cpm3 cpm4 cpm5 cpm8 cpxc"
    ),
    ("teeth", None): (
        "bp0e bp4a bp4b bp8d cp7k cp81 cp81* cp86 cp8g cp8m* cp8t* cp8x* cpbb cpbx cpcbe cpcf4 cpd2b cpd68* cpd6e "
        "cpm3* cpm6 cpsf cpsg"
    ),
    ("lips", True): "bp09 bpao bph9* cp0b* cpd6k cpx0*",
    ("lips", False): "bpb1",
    ("lips", None): "bph9 cp0b cpd68*",
    ("female", True): "bpao bph9 bph9*",
    ("female", None): "cp0b cp0b* cpd6k",
    ("printed_hair", True): "bp67 bpa3 bpa5 bpap bpw2",
    ("printed_hair", None): "bpaa",
    ("angry", True): "bp8g bph4 bph5 bphb bpq5 cpb9 cpb9* cpbl cpm5* cpm6* cps3 cpx4 cpxb",
    ("angry", False): (
        "bp08 bp09 bp0b bp0c bp3j bp3k bp3n bp3q bp40 bp41 bp42 bp43 bp44 bp45 bp46 bp47 bp48 bp49 bp62 bp7b bp7c "
        "bp7e bp8l bpab bpb1 bph8 bpha bpq1* bps2 bps3 bps6 bps7 bpsa bpsd bpso cp03 cp74 cp7e cp7i cp7l cp8x "
        "cpd81 cps1"
    ),
    ("facial_hair", True): "cpm5 cpm5* cpm6 cpm6*",
    ("facial_hair", None): "cpd2e",
}


def truth(design: Design) -> dict[str, bool]:
    """What is known of a design: what was seen, then what its description says. A full description that tells neither
    of a woman nor of lips nor of eyelashes is of a man."""
    seen = _seen().get(design.name, {})
    known = {**design.attributes, **{name: value for name, value in seen.items() if value is not None}}
    if len(FEATURE.findall(design.description.lower())) >= 2 and not known.get("lips"):
        known.setdefault("female", known.get("eyelashes", False))
    return {name: value for name, value in known.items() if seen.get(name, value) is not None}


@cache
def _seen() -> dict[str, dict[str, bool | None]]:
    """`SEEN` by the designs' names."""
    found: dict[str, dict[str, bool | None]] = {}
    for (attribute, value), parts in SEEN.items():
        for part in parts.split():
            name = f"3626{part.rstrip('*')}/{'back' if part.endswith('*') else 'front'}"
            found.setdefault(name, {})[attribute] = value
    return found


@cache
def truths(prints: Prints) -> Floats:
    """What is known of every design: (designs, a) float32, 1 with the attribute, 0 without, NaN unknown."""
    return np.array([[truth(d).get(name, np.nan) for name in NAMES] for d in prints.designs], np.float32)


def labels(prints: Prints, draws: Draws) -> Floats:
    """What each face should be read as, by `truths`: (n, a) float32."""
    upper, lower = truths(prints)[draws.upper], truths(prints)[draws.lower]
    known = np.where(upper == lower, upper, np.float32(np.nan))
    for i, name in enumerate(NAMES):
        if name in SHOWN:
            known[:, i] = (upper if SHOWN[name] == "upper" else lower)[:, i]
    beard = NAMES.index("facial_hair")
    known[lower[:, beard] == 1, beard] = 1
    hair, crowned = NAMES.index("printed_hair"), draws.crown >= 0
    known[crowned, hair] = truths(prints)[draws.crown[crowned], hair]
    return known
