"""The LDraw parser on small parts written here, on real parts, and on arbitrary lines."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldraw_fixtures import ALL, FEW, TETRAHEDRON, Write, few, needs_all, volume, write
from minifaces.errors import UsageError
from minifaces.ldraw.colours import REAL_SRGB, colour_of, read_colours, to_linear, to_srgb
from minifaces.ldraw.designs import HEAD
from minifaces.ldraw.library import Library, parse
from minifaces.ldraw.source import LibraryError

__all__ = ["few", "write"]  # fixtures


def test_header() -> None:
    part = parse(
        "0 ~Thing with  two blanks\n"
        "0 Name: a.dat\n"
        "0 Author: Jane Doe [jane]\n"
        "0 !LICENSE Licensed under CC BY 4.0\n"
        "0 !KEYWORDS one, two words,\n"
        "0 !KEYWORDS three\n"
        "0 !CMDLINE -c47\n",
        "a.dat",
    )
    assert part.description == "~Thing with  two blanks"
    assert (part.author, part.license) == ("Jane Doe", "Licensed under CC BY 4.0")
    assert part.keywords == ["one", "two words", "three"]
    assert part.colour == 47


def test_a_header_may_say_nothing() -> None:
    part = parse("0\n\n0 !KEYWORDS\n0 !CMDLINE\n0 //\n0 BFC\n", "a.dat")
    assert (part.description, part.author, part.keywords, part.colour) == ("", "", [], None)
    assert parse("", "a.dat").description == ""


def test_all_line_types() -> None:
    part = parse(
        "0 Part\n"
        "1 4 1 2 3 1 0 0 0 2 0 0 0 3 sub file.dat\n"
        "2 24 0 0 0 1 1 1\n"
        "3 1 0 0 0 1 0 0 0 1 0\n"
        "4 0x2FF8000 0 0 0 1 0 0 1 1 0 0 1 0\n"
        "5 24 0 0 0 1 1 1 0 1 0 1 0 0\n",
        "a.dat",
    )
    (reference,) = part.references
    assert (reference.line, reference.colour, reference.name) == (2, 4, "sub file.dat")
    np.testing.assert_array_equal(reference.offset, [1, 2, 3])
    np.testing.assert_array_equal(reference.matrix, np.diag([1, 2, 3]))
    assert part.colours == [1, 0x2FF8000]
    assert [len(corners) for corners in part.corners] == [1, 2]  # a quad is two triangles


def test_a_quad_that_is_not_convex_is_cut_where_it_stays_whole() -> None:
    """An arrowhead of area 1: cut along its other diagonal it would cover an area of 3."""
    (corners,) = parse("4 16 0 0 0 2 -1 0 1 0 0 2 1 0", "a.dat").corners
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2
    np.testing.assert_allclose(np.abs(normals[:, 2]).sum(), 1)
    np.testing.assert_allclose(normals[:, 2].sum(), 1)


def reversed_lines(text: str) -> str:
    """Every triangle wound the other way round."""
    lines = []
    for line in text.splitlines():
        words = line.split()
        lines.append(" ".join([*words[:2], *words[8:11], *words[5:8], *words[2:5]]))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"a": TETRAHEDRON}, 1, id="as it is"),
        pytest.param({"a": "0 BFC CERTIFY CCW\n" + TETRAHEDRON}, 1, id="CCW"),
        pytest.param({"a": "0 BFC CERTIFY CW\n" + reversed_lines(TETRAHEDRON)}, 1, id="CW"),
        pytest.param({"a": "0 BFC CERTIFY CW\n0 BFC CCW\n" + TETRAHEDRON}, 1, id="the last statement counts"),
        pytest.param({"a": "0 BFC CW\n0 BFC CERTIFY\n" + TETRAHEDRON}, 1, id="CERTIFY alone means CCW"),
        pytest.param({"a": "0 BFC INVERTNEXT\n1 16 0 0 0 1 0 0 0 1 0 0 0 1 b.dat"}, -1, id="INVERTNEXT"),
        pytest.param({"a": "0 BFC INVERTNEXT\n0 // a word\n\n1 16 0 0 0 1 0 0 0 1 0 0 0 1 b.dat"}, -1, id="it waits"),
        pytest.param({"a": "1 16 0 0 0 -1 0 0 0 1 0 0 0 1 b.dat"}, 1, id="mirrored"),
        pytest.param({"a": "1 16 5 6 7 -2 0 0 0 -2 0 0 0 -2 b.dat"}, 8, id="mirrored thrice, doubled, moved"),
        pytest.param({"a": "0 BFC INVERTNEXT\n1 16 0 0 0 -1 0 0 0 1 0 0 0 1 b.dat"}, -1, id="both"),
        pytest.param({"a": "1 16 0 0 0 -1 0 0 0 1 0 0 0 1 c.dat"}, 1, id="mirrored twice"),
        pytest.param({"a": "0 BFC INVERTNEXT\n1 16 0 0 0 1 0 0 0 1 0 0 0 1 d.dat"}, 1, id="inverted twice"),
        pytest.param(
            {"a": "0 BFC INVERTNEXT\n1 16 0 0 0 1 0 0 0 1 0 0 0 1 b.dat\n1 16 9 0 0 2 0 0 0 1 0 0 0 1 b.dat"},
            1,
            id="INVERTNEXT is for one line",
        ),
    ],
)
def test_winding(write: Write, files: dict[str, str], expected: float) -> None:
    library = write(
        {
            "parts/a.dat": files["a"],
            "parts/b.dat": TETRAHEDRON,
            "parts/c.dat": "1 16 0 0 0 1 0 0 0 1 0 0 0 -1 b.dat",
            "parts/d.dat": "0 BFC INVERTNEXT\n1 16 0 0 0 1 0 0 0 1 0 0 0 1 b.dat",
        }
    )
    assert volume(library.mesh("a.dat").corners) * 6 == pytest.approx(expected)


def test_colour_is_inherited(write: Write) -> None:
    triangle = "0 0 0 1 0 0 0 1 0\n"
    library = write(
        {
            "parts/leaf.dat": f"3 16 {triangle}3 4 {triangle}3 0x2112233 {triangle}3 24 {triangle}",
            "parts/stem.dat": "1 7 0 0 0 1 0 0 0 1 0 0 0 1 leaf.dat\n1 16 0 0 0 1 0 0 0 1 0 0 0 1 leaf.dat",
            "parts/root.dat": "1 2 0 0 0 1 0 0 0 1 0 0 0 1 stem.dat",
        }
    )
    direct = 0x2112233
    assert library.mesh("stem.dat").colours.tolist() == [7, 4, direct, 24, 16, 4, direct, 24]
    assert library.mesh("root.dat").colours.tolist() == [7, 4, direct, 24, 2, 4, direct, 24]


def test_a_reference_moves_turns_and_scales(write: Write) -> None:
    library = write(
        {
            "parts/a.dat": "1 16 10 20 30 0 -1 0 2 0 0 0 0 1 b.dat",
            "parts/b.dat": "3 16 1 0 0 0 1 0 0 0 1",
        }
    )
    np.testing.assert_array_equal(library.mesh("a.dat").corners, [[[10, 22, 30], [9, 20, 30], [10, 20, 31]]])


def test_names(write: Write) -> None:
    """Any case, either slash, and parts/ before p/."""
    mark = "3 {} 0 0 0 1 0 0 0 1 0"
    library = write(
        {
            "LDraw/PARTS/S/Sub.DAT": mark.format(1),
            "LDraw/Parts/both.dat": mark.format(2),
            "LDraw/p/both.dat": mark.format(3),
            "LDraw/p/48/round.dat": mark.format(4),
            "LDraw/readme.dat": "not a part",
            "LDraw/parts/a.dat": "".join(
                f"1 16 0 0 0 1 0 0 0 1 0 0 0 1 {name}\n" for name in (r"S\sub.dat", "BOTH.dat", r"48\Round.DAT")
            ),
        }
    )
    assert library.mesh("A.dat").colours.tolist() == [1, 2, 4]
    assert library.names() == ["a.dat", "both.dat"]
    assert library.text("README.dat") == "not a part"


def test_a_zip_is_read_like_a_folder(few: Library, tmp_path: Path) -> None:
    with zipfile.ZipFile(FEW) as archive:
        archive.extractall(tmp_path)
    unpacked = Library(tmp_path)
    assert unpacked.names() == few.names()
    np.testing.assert_array_equal(unpacked.mesh("3626bp36.dat").corners, few.mesh("3626bp36.dat").corners)


def test_of_a_texture_map_the_fallback_is_drawn(few: Library, write: Write) -> None:
    library = write(
        {
            "parts/a.dat": "0 !TEXMAP START PLANAR 0 0 0 1 0 0 0 1 0 face.png\n"
            "0 !: 3 1 0 0 0 1 0 0 0 1 0\n"
            "0 !TEXMAP FALLBACK\n"
            "3 2 0 0 0 1 0 0 0 1 0\n"
            "0 !TEXMAP END\n"
        }
    )
    assert library.mesh("a.dat").colours.tolist() == [2]
    assert set(few.mesh("3626cpx0.dat").colours) == {0, 4, 15, 16}  # a real one: black, red lips, white


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("3 16 0 0 0 1 0 0 0 1 zero", "zero"),
        ("3 16 0 0 0 1 0 0 0 1 nan", "finite"),
        ("1 16 0 0 0 1 0 0 0 1 0 0 0 inf b.dat", "finite"),
        ("4 16 1e999 0 0 1 0 0 0 1 0 0 0 0", "'1e999' is no finite number"),
        ("3 16 0 0 0 1 0 0 0 -1e7 0", "'-1e7' is too large"),
        ("3 16 0,5 0 0 1 0 0 0 1 0", "'0,5' is no finite number"),
        ("0 !CMDLINE -c99999999999", "colour '99999999999'"),
        ("3 red 0 0 0 1 0 0 0 1 0", "red"),
        ("3 0xRED 0 0 0 1 0 0 0 1 0", "0xRED"),
        ("3 -1 0 0 0 1 0 0 0 1 0", "colour '-1'"),
        ("3 99999999999999999999 0 0 0 1 0 0 0 1 0", "colour '99999999999999999999'"),
        ("3 16 0 0 0 1 0 0 0 1", "11 values wanted, 10 found"),
        ("4 16 0 0 0 1 0 0 0 1 0", "14 values wanted, 11 found"),
        ("2 24 0 0 0 1 0", "8 values wanted"),
        ("5 24 0 0 0 1 0 0", "14 values wanted"),
        ("1 16 0 0 0 1 0 0 0 1 0 0 0 1", "14 values"),
        ("6 16 0 0 0", "'6'"),
    ],
)
def test_a_broken_line(write: Write, line: str, said: str) -> None:
    library = write({"parts/a.dat": "1 16 0 0 0 1 0 0 0 1 0 0 0 1 b.dat", "parts/b.dat": f"0 Part\n\n{line}\n"})
    with pytest.raises(LibraryError) as error:
        library.mesh("a.dat")
    assert str(error.value).startswith("b.dat line 3: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_names_who_asked_for_it(write: Write) -> None:
    library = write(
        {
            "parts/a.dat": "1 16 0 0 0 1 0 0 0 1 0 0 0 1 b.dat",
            "parts/b.dat": "0 Part\n1 16 0 0 0 1 0 0 0 1 0 0 0 1 S\\none.dat",
        }
    )
    with pytest.raises(LibraryError, match=r"^b\.dat line 2: .* has no file s/none\.dat$"):
        library.mesh("a.dat")
    with pytest.raises(LibraryError, match=r"has no file c\.dat$"):
        library.mesh("c.dat")
    with pytest.raises(LibraryError, match=r"has no file LDConfig\.ldr: give a whole LDraw library$"):
        library.text("LDConfig.ldr")


def test_a_reference_loop(write: Write) -> None:
    library = write(
        {
            "parts/a.dat": "1 16 0 0 0 1 0 0 0 1 0 0 0 1 b.dat",
            "parts/b.dat": "0\n1 16 0 0 0 1 0 0 0 1 0 0 0 1 A.DAT",
            "parts/self.dat": "1 16 0 0 0 1 0 0 0 1 0 0 0 1 self.dat",
        }
    )
    with pytest.raises(LibraryError, match=r"^b\.dat line 2: a\.dat refers back to itself$"):
        library.mesh("a.dat")
    with pytest.raises(LibraryError, match=r"^self\.dat line 1: self\.dat refers back"):
        library.mesh("self.dat")


def test_what_is_not_a_library(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.zip is missing"):
        Library(tmp_path / "none.zip")
    (tmp_path / "text.zip").write_text("not a zip")
    with pytest.raises(UsageError, match=r"text\.zip is not a zip file"):
        Library(tmp_path / "text.zip")
    with pytest.raises(UsageError, match="no parts/ folder"):
        Library(tmp_path)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("ldraw/p/stud.dat", "")
    with pytest.raises(UsageError, match="no parts/ folder"):
        Library(tmp_path / "other.zip")


def test_a_damaged_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("parts/a.dat", TETRAHEDRON)
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data.replace(b"3 16", b"3 17", 1))  # the checksum no longer fits
    with pytest.raises(LibraryError, match=r"^parts/a\.dat cannot be read \(Bad CRC-32"):
        Library(tmp_path / "a.zip").mesh("a.dat")


NUMBERS = st.one_of(st.integers(-3, 20).map(str), st.floats(width=64).map(str), st.text(max_size=5))
LINES = st.one_of(
    st.text(max_size=60),
    st.builds(lambda kind, words: " ".join([kind, *words]), st.sampled_from("012345"), st.lists(NUMBERS, max_size=16)),
    st.sampled_from(
        ["0 BFC INVERTNEXT", "0 BFC CERTIFY CW", "0 !CMDLINE -c9", "1 16 0 0 0 1 0 0 0 1 0 0 0 1 other.dat"]
    ),
)


@given(st.lists(LINES, max_size=8))
def test_arbitrary_lines_are_read_or_refused(lines: list[str]) -> None:
    try:
        part = parse("\n".join(lines), "a.dat")
    except LibraryError as error:
        said = str(error)
    else:
        said = ""
    if said:
        assert said.startswith("a.dat line ")
        return
    assert len(part.corners) == len(part.colours)
    assert all(corners.shape[1:] == (3, 3) and np.isfinite(corners).all() for corners in part.corners)
    np.array(part.colours, np.int64)  # every colour is a number that fits


@needs_all
def test_every_head_of_the_library_resolves() -> None:
    library = Library(ALL)
    heads = [name for name in library.names() if HEAD.match(library.part(name).description)]
    assert len(heads) == 463
    colours = read_colours(library)
    for name in heads:
        mesh = library.mesh(name)
        assert np.isfinite(mesh.corners).all()
        assert len(mesh) > 0 or library.part(name).description.startswith("~")
        for code in set(mesh.colours.tolist()) - {16, 24}:
            colour_of(code, colours)


def test_colours(few: Library) -> None:
    colours = read_colours(few)
    assert (colours[4].name, colours[4].srgb) == ("Red", (0xB4, 0x00, 0x00))
    assert colours[14].srgb == REAL_SRGB[14]
    assert colours[4].metalness == 0
    assert colours[334].metalness == 1  # Chrome_Gold
    assert 0 < colours[297].metalness < 1  # Pearl_Gold
    assert colours[487] == colours[19]
    assert colours[47] == colours[297]


def test_direct_and_unknown_colours() -> None:
    assert colour_of(0x2FF8001, {}).srgb == (255, 128, 1)
    assert colour_of(0x2FF8001, {}).name == "#FF8001"
    for code in (5, 0x3FF8001):
        with pytest.raises(LibraryError, match=f"colour {code} is not in LDConfig.ldr"):
            colour_of(code, {})


def test_a_broken_ldconfig(write: Write) -> None:
    start = "0 LDraw.org Configuration File\n0 !COLOUR Black CODE 0 VALUE #1B2A34 EDGE #808080\n"
    assert read_colours(write({"parts/a.dat": "", "LDConfig.ldr": start}))[0].srgb == (0x1B, 0x2A, 0x34)
    for colour in ("CODE 4", "CODE x VALUE #B40000", "CODE 4 VALUE #B4", "CODE 4 VALUE #-10000", "CODE"):
        line = f"0 !COLOUR Red {colour}"
        library = write({"parts/a.dat": "", "LDConfig.ldr": f"{start}{line}\n"})
        with pytest.raises(LibraryError, match=r"^LDConfig\.ldr line 3: a colour without CODE or VALUE$"):
            read_colours(library)


def test_linear_light() -> None:
    """Known answers of IEC 61966-2-1, and that the two are inverse."""
    np.testing.assert_allclose(to_linear(np.array([0, 0.04045, 0.5, 1])), [0, 0.0031308, 0.2140411, 1], rtol=1e-4)
    levels = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(to_srgb(to_linear(levels)), levels, atol=1e-6)
    np.testing.assert_allclose(to_srgb(np.array([-1.0, 2.0])), [0, 1])
