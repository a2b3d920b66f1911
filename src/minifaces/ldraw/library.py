"""Read the LDraw parts library: parse files, resolve references, return coloured triangles.

    library = Library("ldraw-heads.zip")
    mesh = library.mesh("3626bp01.dat")      # every triangle of the part, in LDraw units

Specification: LDraw.org file format 1.0.2 with the BFC (back face culling) and !TEXMAP extensions. Texture
maps are not applied; their geometric FALLBACK is, as the specification foresees for a program without
them."""

import os
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from minifaces.errors import MinifacesError, UsageError

INHERIT = 16  # "the colour of the part that refers to me"
EDGE = 24  # "its edge colour"

Array = NDArray[np.float64]


class LibraryError(MinifacesError):
    """A part that cannot be read; the message names the file and the line."""


@dataclass(frozen=True)
class Mesh:
    """Triangles. `corners` (n, 3, 3) float64 in LDraw units (1 = 0.4 mm, -y is up), `colours` (n,) int64."""

    corners: Array
    colours: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.colours)


@dataclass(frozen=True)
class Reference:
    """Line type 1: another file, placed by a 3x3 matrix and an offset."""

    line: int
    colour: int
    matrix: Array
    offset: Array
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
    corners: list[Array] = field(default_factory=list)  # one (m, 3, 3) per polygon
    colours: list[int] = field(default_factory=list)  # one per polygon


class Library:
    """A parts library: a folder or a zip file that holds `parts/` and `p/` at any depth.

    Names are looked up as LDraw files write them: any case, `\\` or `/`, `parts/` before `p/`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._readers = _index(self.path)
        self._parts: dict[str, Part] = {}
        self._meshes: dict[str, Mesh] = {}

    def names(self) -> list[str]:
        """The files directly in `parts/`, sorted: parts, not the sub-files they are made of."""
        return sorted(
            key
            for key in self._readers
            if "/" not in key and key.endswith(".dat") and not key.startswith(("p:", "top:"))
        )

    def part(self, name: str) -> Part:
        """Parse one file. Raises LibraryError where it is missing or broken."""
        key = _key(name)
        if key not in self._parts:
            read = self._readers.get(key) or self._readers.get("p:" + key)
            if read is None:
                raise LibraryError(f"{self.path} has no file {key}")
            self._parts[key] = parse(self._read(read, key), key)
        return self._parts[key]

    def mesh(self, name: str) -> Mesh:
        """All triangles of a part with its references resolved; colour 16 stays 16.

        Wound counter-clockwise seen from outside wherever the files say so (BFC). Raises LibraryError for a
        broken line, a missing file or a reference loop."""
        return self._resolve(_key(name), ())

    def text(self, name: str) -> str:
        """The contents of a file at the top of the library, such as LDConfig.ldr."""
        read = self._readers.get("top:" + name.lower())
        if read is None:
            raise LibraryError(f"{self.path} has no file {name}")
        return self._read(read, name)

    def _read(self, read: Callable[[], bytes], name: str) -> str:
        try:
            return read().decode("utf-8", errors="replace")
        except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise LibraryError(f"{self.path}: {name} cannot be read ({error})") from error

    def _resolve(self, key: str, above: tuple[str, ...]) -> Mesh:
        if key in self._meshes:
            return self._meshes[key]
        part = self.part(key)
        above = (*above, key)
        corners = list(part.corners)
        colours = [np.full(len(c), colour) for c, colour in zip(part.corners, part.colours, strict=True)]
        for reference in part.references:
            target = _key(reference.name)
            if target in above:
                raise LibraryError(f"{key} line {reference.line}: {target} refers back to itself")
            try:
                mesh = self._resolve(target, above)
            except LibraryError as error:
                if "has no file" in str(error) and " line " not in str(error):
                    raise LibraryError(f"{key} line {reference.line}: {error}") from None
                raise
            placed = mesh.corners @ reference.matrix.T + reference.offset
            if (np.linalg.det(reference.matrix) < 0) != reference.inverted:
                placed = placed[:, ::-1]  # a mirrored part turns inside out
            corners.append(placed)
            colours.append(np.where(mesh.colours == INHERIT, reference.colour, mesh.colours))
        mesh = Mesh(
            np.concatenate(corners) if corners else np.zeros((0, 3, 3)),
            np.concatenate(colours).astype(np.int64) if colours else np.zeros(0, np.int64),
        )
        self._meshes[key] = mesh
        return mesh


def parse(text: str, name: str) -> Part:
    """Parse the text of one LDraw file. Raises LibraryError that names the file and line."""
    part = Part(name, "")
    clockwise = invert_next = False
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            match words[0]:
                case "0":
                    if number == 1:
                        part.description = line[line.index("0") + 1 :].strip()
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
                    raise ValueError(f"line type {words[0]!r} is unknown")
        except ValueError as error:
            raise LibraryError(f"{name} line {number}: {error}") from None
        invert_next = False
    return part


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
                part.colour = int(found[1])


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
    code = int(word, 16) if word.lower().startswith("0x") else int(word)
    if not 0 <= code < 1 << 32:
        raise ValueError(f"there is no colour {word}")
    return code


def _points(words: list[str], count: int) -> Array:
    if len(words) < 2 + 3 * count:
        raise ValueError(f"{2 + 3 * count} values wanted, {len(words)} found")
    return _numbers(words[2 : 2 + 3 * count]).reshape(count, 3)


def _numbers(words: list[str]) -> Array:
    numbers = np.array([float(word) for word in words])
    if not np.isfinite(numbers).all():
        raise ValueError("a coordinate is not a finite number")
    return numbers


def _triangles(corners: Array) -> Array:
    """A triangle or quad as (1 or 2, 3, 3); a quad is cut along the diagonal that folds it least."""
    if len(corners) == 3:
        return corners[None]
    first, second = (corners[[[0, 1, 2], [0, 2, 3]]], corners[[[0, 1, 3], [1, 2, 3]]])
    normals = np.cross(first[:, 1] - first[:, 0], first[:, 2] - first[:, 0])
    return first if normals[0] @ normals[1] > 0 else second


def _key(name: str) -> str:
    return name.strip().lower().replace("\\", "/")


def _index(path: Path) -> dict[str, Callable[[], bytes]]:
    """Lower-case name relative to parts/ (primitives: "p:" + name; top level: "top:" + name) -> reader."""
    if path.is_dir():
        files: dict[str, Callable[[], bytes]] = {
            p.relative_to(path).as_posix(): p.read_bytes for p in sorted(path.rglob("*")) if p.is_file()
        }
    elif path.is_file():
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError):
            raise UsageError(f"{path} is not a zip file: give an LDraw library, unpacked or zipped") from None
        files = {n: partial(archive.read, n) for n in archive.namelist() if not n.endswith("/")}
    else:
        raise UsageError(f"{path} is missing: give an LDraw library, unpacked or zipped")
    index: dict[str, Callable[[], bytes]] = {}
    for name, read in files.items():
        folders = [p.lower() for p in PurePosixPath(name).parts]
        for room, prefix in (("parts", ""), ("p", "p:")):
            if room in folders[:-1]:
                index.setdefault(prefix + "/".join(folders[folders.index(room) + 1 :]), read)
                break
        else:
            index.setdefault("top:" + folders[-1], read)
    if not any(not k.startswith(("p:", "top:")) for k in index):
        raise UsageError(f"{path} holds no parts/ folder: give an LDraw library, unpacked or zipped")
    return index
