"""Which heads are faces, and what their descriptions tell."""

import pytest

from ldraw_fixtures import ALL, Write, few, needs_all, write
from minifaces.ldraw.designs import Design, attributes, catalogue, default_colour, plain_description, side_description
from minifaces.ldraw.library import Library, Part

__all__ = ["few", "write"]  # fixtures


@pytest.fixture(scope="module")
def designs(few: Library) -> dict[str, Design]:
    return {design.name: design for design in catalogue(few).designs}


def test_left_out(few: Library) -> None:
    assert catalogue(few).left_out == {
        "10756": "alias",
        "46506": "alias",
        "19729p02": "not a standard head",
        "3626bp30": "obsolete",
        "3626bp51": "needs work",
        "3626bpm0/back": "not a face",  # a white hand
        "3626cp09": "not a face",  # a pineapple
    }


def test_what_is_no_face(write: Write) -> None:
    words = ("Yellow and Black Fish", "Pineapple", "Zigzag Line", "Fishy Smile")
    library = write({f"parts/3626bp9{i}.dat": f"0 Minifig Head with {word} Pattern" for i, word in enumerate(words)})
    found = catalogue(library)
    assert found.left_out == {f"3626bp9{i}": "not a face" for i in range(3)}
    assert [design.part for design in found.designs] == ["3626bp93"]


def test_listed(few: Library) -> None:
    names = [design.name for design in catalogue(few).designs]
    assert {"3626bp01/front", "3626bph7/front", "3626bph7/back", "3626cpx0/back", "3626bpm0/front"} < set(names)
    assert "3626bp01/back" not in names
    # Where prints coincide the first is kept: the solid-stud heads come last.
    assert [name.startswith("3626a") for name in names] == sorted(name.startswith("3626a") for name in names)


def test_what_is_known_of_a_design(designs: dict[str, Design]) -> None:
    grin = designs["3626bp01/front"]
    assert (grin.description, grin.author) == ("Standard Grin", "Tore Eriksson")
    assert (grin.colour, grin.colour_from, grin.kind) == (14, "default", "yellow")
    assert grin.attributes == {"smile": True, "angry": False, "scared": False}
    front, back = designs["3626bph7/front"], designs["3626bph7/back"]
    assert (front.colour, front.colour_from, front.kind) == (78, "cmdline", "skin")
    assert front.attributes["smile"] is True
    assert back.attributes["smile"] is False
    assert back.attributes["angry"] is True
    assert front.attributes["eyewear"] is back.attributes["eyewear"] is True
    orc = designs["3626bpm0/front"]
    assert (orc.colour, orc.colour_from, orc.kind) == (308, "text", "own")
    assert designs["3626cpx0/back"].attributes["female"] is True
    assert designs["3626cpx0/back"].attributes["facial_hair"] is False


@pytest.mark.parametrize(
    ("description", "plain"),
    [
        ("Minifig Head with Standard Grin Pattern (Blocked Hollow Stud)", "Standard Grin"),
        ("~Minifig Head with Scar Pattern (Needs Work)", "Scar"),
        ("Minifig Head Female with Blue  Eyes, Red Lips Pattern - Hollow Stud", "Female with Blue Eyes, Red Lips"),
        ("Minifig Head Smile 2-Sided Pattern", "Smile"),
    ],
)  # fmt: skip
def test_plain_description(description: str, plain: str) -> None:
    assert plain_description(description) == plain


@pytest.mark.parametrize(
    ("description", "front", "back"),
    [
        (
            "Minifig Head with HP Harry Potter with Glasses and Lightning Bolt, Smile / Frown 2-Sided Pattern",
            "HP Harry Potter with Glasses and Lightning Bolt, Smile",
            "HP Harry Potter with Glasses and Lightning Bolt, Frown",
        ),
        (
            "Minifig Head Female with Black Eyebrows and Red Lips Determined Look / Open Mouth Smile 2-Sided Pattern",
            "Female with Black Eyebrows, Red Lips Determined Look",
            "Female with Black Eyebrows, Open Mouth Smile",
        ),
        (
            "Minifig Head with Black Eyebrows, Freckles, Open Smile / Angry 2-Sided Pattern",
            "Black Eyebrows, Freckles, Open Smile",
            "Black Eyebrows, Freckles, Angry",
        ),
        (
            "Minifig Head with Beauty Mark and Scared / Crooked Smile 2-Sided Pattern",
            "Beauty Mark, Scared",
            "Beauty Mark, Crooked Smile",
        ),
        ("Minifig Head with Frown and Tired / Grin 2-Sided Pattern", "Frown and Tired", "Grin"),
        (
            "Minifig Head with Beard, Smile / Open Mouth, Scared 2-Sided Pattern",
            "Beard, Smile",
            "Beard, Open Mouth, Scared",
        ),
        ("Minifig Head with Dual Faces Pattern", "Dual Faces", "Dual Faces"),
    ],
)
def test_side_description(description: str, front: str, back: str) -> None:
    assert side_description(description, "front") == front
    assert side_description(description, "back") == back


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("", {}),
        ("Vertical Stripes", {}),
        ("Scar", {"marks": True}),
        ("Scared", {"scared": True, "smile": False, "angry": False}),
        ("Scarf", {}),
        ("Smirk", {"smile": True, "angry": False, "scared": False}),
        ("Evil Grin", {"smile": True, "angry": True, "scared": False}),
        ("Stubble", {"facial_hair": True, "female": False, "lips": False}),
        ("Female", {"female": True, "facial_hair": False}),
        ("Facial Hair", {"facial_hair": True, "female": False, "lips": False}),
        ("Hair", {"printed_hair": True}),
    ],
)
def test_attributes_are_true_false_or_unknown(text: str, known: dict[str, bool]) -> None:
    assert attributes(text) == known


def test_a_full_description_rules_out_what_it_leaves_out() -> None:
    known = attributes("Black Eyebrows, White Pupils, Cheek Lines, Smile")
    for name in ("facial_hair", "eyewear", "lips", "mask", "printed_hair", "teeth"):
        assert known[name] is False
    assert "eyelashes" not in known  # authors do not always name these
    assert "female" not in known


@pytest.mark.parametrize(
    ("description", "keywords", "code", "told"),
    [
        ("Minifig Head with Smile Pattern", [], None, (14, "default")),
        ("Minifig Head with Smile Pattern", [], 84, (84, "cmdline")),
        ("Minifig Head with Smile Pattern", [], 487, (19, "cmdline")),  # a code that LDConfig has dropped
        ("Minifig Head with Skull Pattern", [], None, (15, "text")),
        ("Minifig Head with Skull Pattern", [], 14, (14, "cmdline")),
        ("Minifig Head with Smile Pattern", ["Star Wars"], None, (78, "text")),
        ("Minifig Head with HP Hagrid Pattern", [], None, (78, "text")),
        ("Minifig Head with Shipping Clerk Pattern", [], None, (14, "default")),  # "hp" within a word
    ],
)
def test_head_colour(description: str, keywords: list[str], code: int | None, told: tuple[int, str]) -> None:
    assert default_colour(Part("a.dat", description, keywords=keywords, colour=code)) == told


@needs_all
def test_the_whole_set() -> None:
    found = catalogue(Library(ALL))
    names = [design.name for design in found.designs]
    assert len(names) == len(set(names)) > 380
    assert not {name.split("/")[0] for name in names} & set(found.left_out)
    assert all(design.description or design.part for design in found.designs)
    kinds = {design.kind for design in found.designs}
    assert kinds == {"yellow", "skin", "own"}
