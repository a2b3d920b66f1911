"""Read the LDraw parts library: parse files, resolve references, return coloured triangles.

    library = Library("ldraw-heads.zip")
    mesh = library.mesh("3626bp01.dat")      # every triangle of the part, in LDraw units

Specification: LDraw.org file format 1.0.2 with the BFC (back face culling) and !TEXMAP extensions. Texture
maps are not applied; their geometric FALLBACK is, as the specification foresees for a program without
them."""

import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minifaces.arrays import Doubles, Places
from minifaces.ldraw.source import File, LibraryError, find_files, lines

INHERIT = 16  # "the colour of the part that refers to me"
EDGE = 24  # "its edge colour"
FARTHEST = 1e6  # LDraw units: 400 metres
MOST_DEPTH = 50  # files that refer to one another; LDraw's go six deep
MOST_TRIANGLES = 200_000  # of a part; the most intricate head of the 2025-02 library has 5,896


@dataclass(frozen=True)
class Mesh:
    """Triangles. `corners` (n, 3, 3) float64 in LDraw units (1 = 0.4 mm, -y is up), `colours` (n,) int64."""

    corners: Doubles
    colours: Places

    def __len__(self) -> int:
        return len(self.colours)


@dataclass(frozen=True)
class Reference:
    """Line type 1: another file, placed by a 3x3 matrix and an offset."""

    line: int
    colour: int
    matrix: Doubles
    offset: Doubles
    name: str
    inverted: bool


@dataclass
class Part:
    """One parsed file: its header and, in file order, its references and polygons."""

    name: str
    description: str
    author: str = ""
    license: str = ""
    keywords: list[str] = field(default_factory=list)
    colour: int | None = None  # the default colour that !CMDLINE -c names
    references: list[Reference] = field(default_factory=list)
    corners: list[Doubles] = field(default_factory=list)  # one (m, 3, 3) per polygon
    colours: list[int] = field(default_factory=list)  # one per polygon


class Library:
    """A parts library: a folder or a zip file that holds `parts/` and `p/` at any depth.

    Names are looked up as LDraw files write them: any case, `\\` or `/`, `parts/` before `p/`. `repeated` names the
    files that are passed over, since one that is taken has their name."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._files, self.repeated = find_files(self.path)
        self._parts: dict[str, Part] = {}
        self._meshes: dict[str, Mesh] = {}

    def names(self) -> list[str]:
        """The files directly in `parts/`, sorted: parts, not the sub-files they are made of."""
        return sorted(
            key for key in self._files if "/" not in key and key.endswith(".dat") and not key.startswith(("p:", "top:"))
        )

    def description(self, name: str) -> str:
        """What a file says that it is, in its first line. Raises LibraryError where it is missing or cannot be read."""
        return _description(lines(self._file(name).text(first=1000))[0])

    def part(self, name: str) -> Part:
        """Parse one file. Raises LibraryError where it is missing or broken."""
        key = _key(name)
        if key not in self._parts:
            self._parts[key] = parse(self._file(name).text(), key)
        return self._parts[key]

    def mesh(self, name: str) -> Mesh:
        """All triangles of a part with its references resolved; colour 16 stays 16.

        Wound counter-clockwise seen from outside wherever the files say so (BFC). Raises LibraryError for a
        broken line, a missing file, a reference loop or a part out of all proportion."""
        return self._resolve(_key(name), ())

    def text(self, name: str) -> str:
        """The contents of a file at the top of the library, such as LDConfig.ldr."""
        for prefix in ("top:", "", "p:"):  # the top itself may be called parts or p
            if file := self._files.get(prefix + name.lower()):
                return file.text()
        raise LibraryError(f"{self.path} has no file {name}: give a whole LDraw library", "missing file")

    def file_name(self, name: str) -> str:
        """Where in the library a part's file is."""
        return self._file(name).name

    def _file(self, name: str) -> File:
        key = _key(name)
        if (file := self._files.get(key) or self._files.get("p:" + key)) is None:
            raise LibraryError(f"{self.path} has no file {key}", "missing file")
        return file

    def _resolve(self, key: str, above: tuple[str, ...]) -> Mesh:
        if key in self._meshes:
            return self._meshes[key]
        part = self.part(key)
        above = (*above, key)
        corners = list(part.corners)
        colours = [np.full(len(c), colour) for c, colour in zip(part.corners, part.colours, strict=True)]
        count = sum(len(c) for c in corners)
        for reference in part.references:
            mesh = self._referred(reference, above)
            count += len(mesh)
            if count > MOST_TRIANGLES:
                raise LibraryError(f"{key} has more than {MOST_TRIANGLES:,} triangles", "impossible shape")
            with np.errstate(over="ignore", invalid="ignore"):  # a head is refused by how far it reaches
                placed = mesh.corners @ reference.matrix.T + reference.offset
                mirrored = np.linalg.det(reference.matrix) < 0
            if mirrored != reference.inverted:
                placed = placed[:, ::-1]  # a mirrored part turns inside out
            corners.append(placed)
            colours.append(np.where(mesh.colours == INHERIT, reference.colour, mesh.colours))
        mesh = Mesh(
            np.concatenate(corners) if corners else np.zeros((0, 3, 3)),
            np.concatenate(colours).astype(np.int64) if colours else np.zeros(0, np.int64),
        )
        self._meshes[key] = mesh
        return mesh

    def _referred(self, reference: Reference, above: tuple[str, ...]) -> Mesh:
        """The triangles of the file that the last one of `above` refers to."""
        line, target = f"{above[-1]} line {reference.line}", _key(reference.name)
        if target in above:
            raise LibraryError(f"{line}: {target} refers back to itself", "reference loop")
        if len(above) == MOST_DEPTH:
            raise LibraryError(f"{line}: references go more than {MOST_DEPTH} files deep", "reference loop")
        try:
            self._file(target)
        except LibraryError as error:
            raise LibraryError(f"{line}: {error}", error.kind) from None
        return self._resolve(target, above)


def parse(text: str, name: str) -> Part:
    """Parse the text of one LDraw file. Raises LibraryError that names the file and line."""
    part = Part(name, "")
    clockwise = invert_next = False
    for number, line in enumerate(lines(text), 1):
        words = line.split()
        if not words:
            continue
        try:
            match words[0]:
                case "0":
                    if number == 1:
                        part.description = _description(line)
                    _header(part, words, line)
                    if words[1:2] == ["BFC"]:
                        clockwise, invert_next = _winding(words[2:], clockwise, invert_next)
                    continue  # INVERTNEXT waits for the next drawing line
                case "1":
                    if len(words) < 15:
                        raise ValueError("a reference takes 14 values")
                    values = _numbers(words[2:14])
                    part.references.append(
                        Reference(
                            number,
                            _colour(words[1]),
                            values[3:].reshape(3, 3),
                            values[:3],
                            " ".join(words[14:]),
                            invert_next,
                        )
                    )
                case "3" | "4":
                    corners = _points(words, int(words[0]))
                    polygon = _triangles(corners[::-1] if clockwise else corners)
                    part.corners.append(polygon)
                    part.colours.append(_colour(words[1]))
                case "2" | "5":
                    _points(words, 2 if words[0] == "2" else 4)  # edges are not drawn, but must be whole
                case _:
                    raise ValueError(f"line type {words[0][:30]!r} is unknown")
        except ValueError as error:
            raise LibraryError(f"{name} line {number}: {error}") from None
        invert_next = False
    return part


def _description(first_line: str) -> str:
    """The description, which the first line gives as a comment."""
    kind, *_ = first_line.split(maxsplit=1) or [""]
    return first_line[first_line.index("0") + 1 :].strip() if kind == "0" else ""


def _header(part: Part, words: list[str], line: str) -> None:
    match words[1:2]:
        case ["Author:"]:
            part.author = re.sub(r"\s*\[.*", "", " ".join(words[2:]))
        case ["!LICENSE"]:
            part.license = " ".join(words[2:])
        case ["!KEYWORDS"]:
            part.keywords += [k.strip() for k in " ".join(words[2:]).split(",") if k.strip()]
        case ["!CMDLINE"]:
            if found := re.search(r"-[cC]\s*(\d+)", line):
                part.colour = _colour(found[1])


def _winding(words: list[str], clockwise: bool, invert_next: bool) -> tuple[bool, bool]:
    """The state after a BFC statement: (polygons are wound clockwise, the next reference is inverted)."""
    for word in words:
        if word in ("CW", "CCW"):
            clockwise = word == "CW"
        elif word == "CERTIFY":
            clockwise = False
        elif word == "INVERTNEXT":
            invert_next = True
    return clockwise, invert_next


def _colour(word: str) -> int:
    try:
        code = int(word, 16) if word.lower().startswith("0x") else int(word)
    except ValueError:
        code = -1
    if not 0 <= code < 1 << 32:
        raise ValueError(f"there is no colour {word[:30]!r}")
    return code


def _points(words: list[str], count: int) -> Doubles:
    if len(words) < 2 + 3 * count:
        raise ValueError(f"{2 + 3 * count} values wanted, {len(words)} found")
    return _numbers(words[2 : 2 + 3 * count]).reshape(count, 3)


def _numbers(words: list[str]) -> Doubles:
    return np.array([_number(word) for word in words])


def _number(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{word[:30]!r} is no finite number")
    if abs(number) > FARTHEST:
        raise ValueError(f"{word[:30]!r} is too large")
    return number


def _triangles(corners: Doubles) -> Doubles:
    """A triangle or quad as (1 or 2, 3, 3); a quad is cut along the diagonal that folds it least."""
    if len(corners) == 3:
        return corners[None]
    first, second = (corners[[[0, 1, 2], [0, 2, 3]]], corners[[[0, 1, 3], [1, 2, 3]]])
    normals = np.cross(first[:, 1] - first[:, 0], first[:, 2] - first[:, 0])
    return first if normals[0] @ normals[1] > 0 else second


def _key(name: str) -> str:
    return name.strip().lower().replace("\\", "/")
