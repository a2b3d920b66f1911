"""Libraries as they are: a part that cannot be used is left out with its reason, the others come out as ever."""

import os
import random
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ldraw_fixtures import FEW, Write, baked, few, write
from minifaces.errors import UsageError
from minifaces.ldraw import prints
from minifaces.ldraw.colours import read_colours
from minifaces.ldraw.head import smooth_head
from minifaces.ldraw.library import MOST_TRIANGLES, Library
from minifaces.ldraw.prints import Prints, bake_library, usable
from minifaces.ldraw.source import MOST_BYTES, LibraryError, decode, lines

__all__ = ["baked", "few", "write"]  # fixtures

WHOLE = "3626cp87"  # the part that is damaged: a face of its own, with a sub-file
Damage = Callable[[bytes], bytes]


def with_line(line: str) -> Damage:
    """Put a line in the middle of a file."""
    return lambda data: data[: (half := data.index(b"\n", len(data) // 2) + 1)] + line.encode() + b"\n" + data[half:]


def with_text(text: str) -> Damage:
    return lambda data: data + text.encode()


def broken(line: str, said: str) -> tuple[Damage, str]:
    return with_line(line), "broken line: {part}.dat line 13: " + said


def unlisted(line: str, colour: str) -> tuple[Damage, str]:
    return with_line(line), f"unknown colour: colour {colour} is not in LDConfig.ldr"


# What is done to a copy of the part, and how the reason begins that it is left out for; {part} is the copy.
NO_TEXT = "unreadable file: parts/{part}.dat is no text"
EMPTY = "empty file: parts/{part}.dat is empty"
LARGE = "impossible shape: it is larger than any head"
FAULTS: dict[str, tuple[Damage, str]] = {
    "type": broken("9 16 1 2 3", "line type '9' is unknown"),
    "word": broken("\x1b[31mred", r"line type '\x1b[31mred' is unknown"),
    "endless word": broken("y" * 1_000_000, "line type 'yyyyyyyyyy"),
    "nan": broken("3 16 nan 0 0 1 0 0 0 1 0", "'nan' is no finite number"),
    "infinite": broken("5 24 0 -inf 0 1 0 0 0 1 0 0 0 0", "'-inf' is no finite number"),
    "overflow": broken("1 16 1e999 0 0 1 0 0 0 1 0 0 0 1 3626b.dat", "'1e999' is no finite number"),
    "large": broken("4 16 1e300 0 0 1 0 0 0 1 0 0 0 0", "'1e300' is too large"),
    "comma": broken("3 16 0,5 0 0 1 0 0 0 1 0", "'0,5' is no finite number"),
    "short": broken("3 16 0 0 0 1 0 0 0 1", "11 values wanted, 10 found"),
    "nameless": broken("1 16 0 0 0 1 0 0 0 1 0 0 0 1", "a reference takes 14 values"),
    "no colour": broken("3 0xRED 0 0 0 1 0 0 0 1 0", "there is no colour '0xRED'"),
    "long head colour": broken("0 !CMDLINE -c" + "9" * 5000, "there is no colour '999"),
    "colour": unlisted("3 9999 0 0 0 1 0 0 0 1 0", "9999"),
    "see-through colour": unlisted("3 0x3FF0000 0 0 0 1 0 0 0 1 0", "67043328"),
    "colour of a reference": unlisted("1 9999 0 0 0 1 0 0 0 1 0 0 0 1 3626b.dat", "9999"),
    "head colour": unlisted("0 !CMDLINE -c9999", "9999"),
    "direct head colour": unlisted("0 !CMDLINE -c50331647", "50331647 of the head"),
    "missing": (with_line("1 16 0 0 0 1 0 0 0 1 0 0 0 1 s\\none.dat"), "missing file: {part}.dat line 13: "),
    "cut off": (lambda data: data[:-8], "missing file: {part}.dat line "),
    "loop": (with_line("1 16 0 0 0 1 0 0 0 1 0 0 0 1 3626BQ19.DAT"), "reference loop: {part}.dat line 13: {part}.dat"),
    "empty": (lambda _: b"", EMPTY),
    "blank lines": (lambda _: b"\r\n \r\n", EMPTY),
    "only a mark": (lambda _: b"\xef\xbb\xbf", EMPTY),
    "no text": (lambda _: random.Random(1).randbytes(5000), NO_TEXT),
    "zeros": (lambda data: data[:200] + bytes(99) + b"0", NO_TEXT),
    "UTF-16, unmarked": (lambda data: data.decode().encode("utf-16-le"), NO_TEXT),
    "UTF-32": (lambda data: data.decode().encode("utf-32"), NO_TEXT),
    "huge": (with_text("0 //" + "\n" * MOST_BYTES), "large file: parts/{part}.dat is larger than 16 MB"),
    "far": (with_line("3 4 9999 0 0 1 0 0 0 1 0"), LARGE),
    "long": (with_line("3 4 0 0 0 1e6 0 0 1e6 0 1e-9"), LARGE),
    "scaled": (with_line("1 16 0 0 0 1e6 0 0 0 1e6 0 0 0 1e6 3626b.dat"), LARGE),
    "covered": (with_text("3 4 -99 0 -99 99 0 99 0 99 0\n" * 9), LARGE),
}


def faulty(library: Path) -> dict[str, str]:
    """Put a copy of the part with each fault into a library; how the reason for each copy begins."""
    data = (library / "parts" / f"{WHOLE}.dat").read_bytes()
    reasons = {}
    for number, (damage, reason) in enumerate(FAULTS.values()):
        part = f"3626bq{number}"
        (library / "parts" / f"{part}.dat").write_bytes(damage(data))
        reasons[part] = reason.format(part=part)
    return reasons


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """The few real heads, unpacked."""
    with zipfile.ZipFile(FEW) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "ldraw"


def faults(left_out: dict[str, str]) -> dict[str, str]:
    return {part: why for part, why in left_out.items() if ": " in why}


def test_parts_with_faults_are_left_out(
    library: Path, baked: tuple[Prints, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them before the first is baked, and what is baked is what it is without them."""
    reasons = faulty(library)
    order: list[str] = []
    monkeypatch.setattr(prints, "usable", lambda *a: (order.append("read"), usable(*a))[1])
    monkeypatch.setattr(prints, "bake", lambda *a, bake=prints.bake: (order.append("bake"), bake(*a))[1])
    again, left_out = bake_library(Library(library))
    told = faults(left_out)
    assert told.keys() == reasons.keys()
    assert {part: why for part, why in told.items() if not why.startswith(reasons[part])} == {}
    assert all(len(why) < 200 for why in told.values())
    assert order == ["read"] + ["bake"] * 13
    assert again.designs == baked[0].designs
    for name in ("colours", "metal", "metal_index"):
        np.testing.assert_array_equal(getattr(again, name), getattr(baked[0], name))
    assert {part: why for part, why in left_out.items() if part not in told} == baked[1]


HARMLESS: dict[str, Damage] = {
    "as it is": lambda data: data,
    "UTF-8 with a mark": lambda data: b"\xef\xbb\xbf" + data,
    "UTF-16, little end first": lambda data: b"\xff\xfe" + data.decode().encode("utf-16-le"),
    "UTF-16, big end first": lambda data: b"\xfe\xff" + data.decode().encode("utf-16-be"),
    "Latin-1": lambda data: data.replace(b"Author: ", b"Author: J\xf8rgen \x85 "),
    "DOS": lambda data: b"\r\n".join(data.splitlines()) + b"\r\n\x1a",
    "old Macintosh": lambda data: b"\r".join(data.splitlines()),
    "no last line end": lambda data: data.rstrip(),
    "what others take for line ends": with_line("0 // a\x0bb\x0cc\x1cd\x85e\u2028f"),
    "a missing picture": with_line(
        "0 !TEXMAP START PLANAR 0 0 0 1 0 0 0 1 0 none.png\n0 !TEXMAP FALLBACK\n0 !TEXMAP END"
    ),
}


@pytest.mark.parametrize("form", HARMLESS)
def test_odd_but_whole_files(library: Path, few: Library, form: str) -> None:
    path = library / "parts" / f"{WHOLE}.dat"
    path.write_bytes(HARMLESS[form](path.read_bytes()))
    for sub in ("s/3626p87s01.dat", "s/3626cs02.dat"):
        other = library / "parts" / sub
        other.write_bytes(HARMLESS[form](other.read_bytes()))
    read = Library(library)
    assert read.description(f"{WHOLE}.dat") == few.description(f"{WHOLE}.dat")
    mine, theirs = read.mesh(f"{WHOLE}.dat"), few.mesh(f"{WHOLE}.dat")
    np.testing.assert_array_equal(mine.corners, theirs.corners)
    np.testing.assert_array_equal(mine.colours, theirs.colours)
    if form == "Latin-1":
        assert read.part(f"{WHOLE}.dat").author.startswith("Jørgen")


def test_geometry_of_no_area_is_no_fault(library: Path) -> None:
    path = library / "parts" / f"{WHOLE}.dat"
    flat = "3 0 0 0 0 0 0 0 0 0 0\n4 4 0 8 -13 0 8 -13 0 8 -13 0 8 -13\n3 4 0 8 -13 0 9 -13 0 10 -13\n"
    path.write_bytes(path.read_bytes() + flat.encode() + b"1 16 0 0 0 0 0 0 0 0 0 0 0 0 3626b.dat\n")
    (path.parent / "3626bq00.dat").write_text("0 Minifig Head of nothing\n" + flat)
    (path.parent / "3626bq01.dat").write_text("0 Minifig Head of less\n")
    read = Library(library)
    listed = usable(read, read_colours(read))
    assert faults(listed.left_out) == {}
    for part in (WHOLE, "3626bq00", "3626bq01"):
        head = smooth_head(read.mesh(f"{part}.dat"))
        assert np.isfinite(head.corners).all()
        assert len(head.corners) == 0 or part == WHOLE


def test_random_damage(library: Path) -> None:
    """Bytes changed, lost, doubled or shuffled: a head is read or left out, and nothing else happens."""
    paths = [library / "parts" / f"{WHOLE}.dat", *sorted((library / "parts" / "s").glob("3626*87*.dat"))]
    for path in (library / "parts").glob("*.dat"):
        if path not in (paths[0], library / "parts" / "3626b.dat"):
            path.unlink()
    whole = {path: path.read_bytes() for path in paths}
    colours = read_colours(Library(library))
    ends = set()
    for seed in range(100):
        rng = random.Random(seed)
        path = rng.choice(paths)
        data = bytearray(whole[path])
        for _ in range(rng.choice((1, 3, 30))):
            at, length = rng.randrange(len(data)), rng.randrange(1, 40)
            piece = rng.choice((b"", rng.randbytes(length), data[at : at + length] * 3, b"-1e5", b"\n", b"0 ", b"1 "))
            data[at : at + rng.randrange(length)] = piece
        path.write_bytes(data)
        read = Library(library)
        listed = usable(read, colours)
        assert WHOLE in {design.part for design in listed.designs} or WHOLE in listed.left_out or path == paths[0]
        if any(design.part == WHOLE for design in listed.designs):
            assert np.isfinite(smooth_head(read.mesh(f"{WHOLE}.dat")).corners).all()
        ends.add(listed.left_out.get(WHOLE, "read").split(":")[0])
        path.write_bytes(whole[path])
    assert {"read", "broken line"} <= ends


def test_faults_of_the_program_are_not_taken_for_faults_of_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("minifaces.ldraw.library.parse", stumble)
    with pytest.raises(KeyError, match="oops"):
        bake_library(Library(FEW))


# --- LDConfig.ldr: without it nothing can be baked, and that is known at once


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, r"has no file LDConfig\.ldr: give a whole LDraw library"),
        (b"", r"LDConfig\.ldr is empty"),
        (b"\0\1\2", r"LDConfig\.ldr is no text"),
        (b"0 LDraw.org Configuration File\n", r"LDConfig\.ldr names no colours: give a whole"),
        (b"0 !COLOUR Red CODE 4 VALUE #B400\n", r"LDConfig\.ldr line 1: a colour without CODE or VALUE"),
        ("folder", r"has no file LDConfig\.ldr"),
        ("link", r"LDConfig\.ldr cannot be read \(No such file"),
    ],
)
def test_without_colours_the_run_ends_at_once(
    library: Path, monkeypatch: pytest.MonkeyPatch, data: bytes | str | None, said: str
) -> None:
    path = library / "LDConfig.ldr"
    path.unlink()
    if data == "folder":
        path.mkdir()
    elif data == "link":
        path.symlink_to("nowhere")
    elif isinstance(data, bytes):
        path.write_bytes(data)
    monkeypatch.setattr(prints, "usable", None)
    with pytest.raises(LibraryError, match=said) as error:
        bake_library(Library(library))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", "utf-16"])
def test_colours_with_a_mark(library: Path, few: Library, mark: bytes | str) -> None:
    path = library / "LDConfig.ldr"
    text = path.read_text()
    first = text[text.index("0 !COLOUR") :]  # a colour in the first line, which the mark would hide
    path.write_bytes(first.encode(mark) if isinstance(mark, str) else mark + first.encode())
    assert read_colours(Library(library)) == read_colours(few)


# --- zips


def repacked(target: Path, name: Callable[[str], str]) -> Library:
    """The few real heads in a zip, under other names."""
    with zipfile.ZipFile(FEW) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.namelist():
            info = zipfile.ZipInfo("x")
            info.filename = name(member)  # as it is: ZipInfo changes what it is made with
            new.writestr(info, old.read(member))
    return Library(target)


@pytest.mark.parametrize(
    "name",
    [
        lambda name: name.replace("/", "\\"),
        lambda name: name.upper(),
        lambda name: name.removeprefix("ldraw/"),
        lambda name: name.replace("ldraw/", "My Library (2)/LDraw/"),
        lambda name: name.replace("ldraw/", "parts/"),
        lambda name: name.replace("ldraw/", "p/"),
        lambda name: name.replace("ldraw/", "/ldraw/"),
        lambda name: name.replace("ldraw/", "../"),
        lambda name: name.replace("ldraw/parts/", "ldraw/UnOfficial/parts/"),
    ],
)
def test_zips_of_other_make(few: Library, tmp_path: Path, name: Callable[[str], str]) -> None:
    read = repacked(tmp_path / "a.zip", name)
    assert read.names() == few.names()
    assert read.text("LDConfig.ldr") == few.text("LDConfig.ldr")
    np.testing.assert_array_equal(read.mesh("3626bp36.dat").corners, few.mesh("3626bp36.dat").corners)


def test_what_systems_leave_in_zips(few: Library, tmp_path: Path) -> None:
    repacked(tmp_path / "a.zip", str)
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        for name in ("__MACOSX/ldraw/parts/._3626b.dat", "__MACOSX/ldraw/parts/x.dat", "ldraw/parts/._3626b.dat"):
            archive.writestr(name, b"\0\5\26\7")
        archive.writestr("ldraw/parts/3626zz.dat/", b"")
    assert Library(tmp_path / "a.zip").names() == few.names()


def damaged_member(path: Path, part: str, kind: str) -> None:
    """Damage one member of a zip."""
    name = f"ldraw/parts/{part}.dat"
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo(name).header_offset
    data = bytearray(path.read_bytes())
    entry = data.rindex(name.encode()) - 46  # of the directory at the end
    text = start + 30 + sum(struct.unpack_from("<HH", data, start + 26))
    if kind == "contents":
        data[text + 40] ^= 1
    elif kind == "encrypted":
        data[entry + 8] |= 1
        data[start + 6] |= 1
    elif kind == "packed in an unknown way":
        struct.pack_into("<H", data, entry + 10, 99)
    elif kind == "elsewhere":
        struct.pack_into("<L", data, entry + 42, 5)
    elif kind == "not packed as it says":
        struct.pack_into("<H", data, entry + 10, zipfile.ZIP_LZMA)
        struct.pack_into("<H", data, start + 8, zipfile.ZIP_LZMA)
    path.write_bytes(data)


@pytest.mark.parametrize(
    "kind", ["contents", "encrypted", "packed in an unknown way", "elsewhere", "not packed as it says"]
)
def test_a_damaged_member(tmp_path: Path, kind: str) -> None:
    repacked(tmp_path / "a.zip", str)
    damaged_member(tmp_path / "a.zip", WHOLE, kind)
    read = Library(tmp_path / "a.zip")
    listed = usable(read, read_colours(read))
    (why,) = faults(listed.left_out).values()
    assert why.startswith(f"unreadable file: ldraw/parts/{WHOLE}.dat cannot be read (")
    assert len({design.part for design in listed.designs}) == 10


# --- folders


def test_names_that_differ_in_case(library: Path, few: Library) -> None:
    """The one in lower case counts, of two folders the upper; the other is told. In a folder as in a zip."""
    text = "0 Minifig Head with another face\n"
    for name in ("parts/3626BP01.dat", "UnOfficial/parts/3626bp36.dat", "parts/X.dat", "parts/x.dat"):
        (library / name).parent.mkdir(exist_ok=True, parents=True)
        (library / name).write_text(text if "3626" in name else "0 Brick\n")
    shutil.make_archive(str(library), "zip", library)
    for path in (library, library.with_suffix(".zip")):
        read = Library(path)
        assert read.description("3626bp01.dat") == few.description("3626bp01.dat")
        listed = usable(read, read_colours(read))
        assert {part: why for part, why in listed.left_out.items() if why.startswith("same name")} == {
            "parts/3626BP01.dat": "same name as parts/3626bp01.dat",
            "UnOfficial/parts/3626bp36.dat": "same name as parts/3626bp36.dat",
        }


def test_what_else_is_called_like_a_part(library: Path) -> None:
    parts = library / "parts"
    (parts / "3626bq01.dat").mkdir()
    (parts / "3626bq02.dat").symlink_to("nowhere.dat")
    (parts / "3626bq03.dat").symlink_to("3626bq03.dat")
    os.mkfifo(parts / "3626bq04.dat")  # which nobody writes to
    (parts / "3626bq05.dat").symlink_to("/proc/self/mem")  # which cannot be read, by root neither
    (parts / "3626bq06.dat").symlink_to("/dev/zero")
    (parts / "3626bq07.dat").symlink_to("3626bp01.dat")
    (parts / "3626b\n.dat").write_text("0 Minifig Head\n")
    Path(os.fsdecode(os.fsencode(parts) + b"/3626b\xff.dat")).write_text("0 Minifig Head\n")
    read = Library(library)
    listed = usable(read, read_colours(read))
    told = faults(listed.left_out)
    assert {part: why.rpartition("(")[2] for part, why in told.items()} == {
        "3626bq01": "Is a directory)",
        "3626bq02": "No such file or directory)",
        "3626bq03": "Too many levels of symbolic links)",
        "3626bq04": "it is no ordinary file)",
        "3626bq05": "Input/output error)",
        "3626bq06": "it is no ordinary file)",
    }
    assert "3626bq07" in {design.part for design in listed.designs}
    assert listed.left_out["3626b\n"] == listed.left_out["3626b\udcff"] == "name of odd characters"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads what it likes: see 3626bq05 above")
def test_a_file_that_may_not_be_read(library: Path) -> None:
    (library / "parts" / f"{WHOLE}.dat").chmod(0)
    read = Library(library)
    assert "Permission denied" in usable(read, read_colours(read)).left_out[WHOLE]


def test_linked_folders(library: Path, few: Library) -> None:
    """Followed wherever they lead, once."""
    (library / "parts").rename(library.parent / "elsewhere")
    (library / "parts").symlink_to(library.parent / "elsewhere")
    (library / "parts" / "s" / "up").symlink_to(library.parent)
    (library / "p" / "self").symlink_to(".")
    read = Library(library)
    assert read.names() == few.names()
    np.testing.assert_array_equal(read.mesh("3626bp36.dat").corners, few.mesh("3626bp36.dat").corners)


def test_a_folder_that_cannot_be_listed(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of parts/ and p/ that ends the run at once: who knows what is in it. Others hold nothing that is wanted."""

    def scandir(path: str, scandir: Callable[[str], Iterator] = os.scandir) -> Iterator:
        if Path(path).name in locked:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    (library / "lost+found").mkdir()
    monkeypatch.setattr(os, "scandir", scandir)
    locked = {"lost+found"}
    assert "3626bp01.dat" in Library(library).names()
    for name in ("s", "p", "ldraw"):
        locked = {name}
        with pytest.raises(UsageError, match=rf"{name} cannot be read \(Permission denied\): make it readable$"):
            Library(library)


# --- references without end


def test_references_out_of_all_proportion(write: Write) -> None:
    refer = "1 16 0 0 0 1 0 0 0 1 0 0 0 1 {}.dat\n"
    deep = {f"parts/deep{i}.dat": refer.format(f"deep{i + 1}") for i in range(3000)}
    wide = {f"parts/wide{i}.dat": refer.format(f"wide{i + 1}") * 10 for i in range(30)}
    library = write({**deep, **wide, "parts/wide30.dat": "3 16 0 0 0 1 0 0 0 1 0\n"})
    with pytest.raises(LibraryError, match=r"^deep49\.dat line 1: references go more than 50 files deep$"):
        library.mesh("deep0.dat")
    with pytest.raises(LibraryError, match=rf"^wide24\.dat has more than {MOST_TRIANGLES:,} triangles$"):
        library.mesh("wide0.dat")
    grown = {f"parts/grown{i}.dat": f"1 16{' 1e6' * 12} grown{i + 1}.dat\n" for i in range(49)}
    with np.errstate(all="raise"):  # no warning of numpy's reaches the user
        mesh = write({**grown, "parts/grown49.dat": "3 16 1 0 0 1 1 0 0 1 1\n"}).mesh("grown0.dat")
    assert not np.isfinite(mesh.corners).all()


def test_texts() -> None:
    assert decode(b"\xff\xfe0\0 \0") == "0"
    assert decode(b"\xff\xfe0\0 \0\0") == "0 \ufffd"
    assert decode(b"a\x1a\x1a\r\n") == "a"
    assert decode("Jørgen".encode()) == decode("Jørgen".encode("latin-1")) == "Jørgen"
    assert lines("a\r\nb\rc\n\nd") == ["a", "b", "c", "", "d"]
