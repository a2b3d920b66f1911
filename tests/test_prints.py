"""Baking the prints of real heads, keeping them in a file, grouping and splitting them."""

import json
import shutil
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ldraw_fixtures import Write, baked, bundled, few, write
from minifaces.errors import UsageError
from minifaces.ldraw.colours import read_colours
from minifaces.ldraw.designs import Design
from minifaces.ldraw.head import smooth_head
from minifaces.ldraw.library import Library
from minifaces.ldraw.prints import (
    HEIGHT,
    THETA,
    WIDTH,
    Prints,
    bake,
    bake_library,
    groups,
    load_prints,
    similarity,
    split_designs,
    write_prints,
)

__all__ = ["baked", "bundled", "few", "write"]  # fixtures

Baked = tuple[Prints, dict[str, str]]


def texture(prints: Prints, name: str) -> np.ndarray:
    return prints.colours[[design.name for design in prints.designs].index(name)]


def test_the_standard_grin(baked: Baked) -> None:
    """Two eyes above a mouth, black, symmetric, on a bare head."""
    print_ = texture(baked[0], "3626bp01/front")
    assert print_.shape == (HEIGHT, WIDTH, 4)
    ink = print_[..., 3] > 127
    assert 0.01 < ink.mean() < 0.014
    assert (print_[ink][:, :3] < 70).all()
    assert (ink != ink[:, ::-1]).mean() < 0.0005
    rows = np.flatnonzero(ink.any(1)) * 27 / HEIGHT
    eyes, mouth = rows[rows < 14], rows[rows > 14]
    assert 10 < eyes.mean() < 13
    assert 15 < mouth.mean() < 19
    columns = np.flatnonzero(ink[: int(14 / 27 * HEIGHT)].any(0))
    theta = ((columns + 0.5) / WIDTH * 2 - 1) * THETA
    assert (np.abs(theta) > np.radians(5)).all()  # nothing between the eyes
    assert (np.abs(theta) < np.radians(40)).all()


def test_a_print_lies_where_its_geometry_does(few: Library, baked: Baked) -> None:
    """The middle of the left eye: the mean angle of its black triangles, by area."""
    head = smooth_head(few.mesh("3626bp01.dat"))
    corners = head.corners[head.outer & (head.colours == 0)] * [1, 1, -1]  # faces look towards -z
    middle = corners.mean(1)
    chosen = (middle[:, 0] > 0) & (middle[:, 1] < 10)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    theta = np.average(np.arctan2(middle[chosen, 0], middle[chosen, 2]), weights=area[chosen])
    y = np.average(middle[chosen, 1], weights=area[chosen])
    alpha = texture(baked[0], "3626bp01/front")[: int(13 / 27 * HEIGHT), WIDTH // 2 :, 3] / 255
    rows, columns = np.indices(alpha.shape) + 0.5
    assert np.average((columns / (WIDTH // 2)) * THETA, weights=alpha) == pytest.approx(theta, abs=0.01)
    assert np.average(rows / HEIGHT * 27 - 3, weights=alpha) == pytest.approx(y, abs=0.05)


def test_the_two_sides_differ(baked: Baked) -> None:
    front, back = (texture(baked[0], f"3626bph7/{side}")[..., 3] > 127 for side in ("front", "back"))
    overlap = (front & back).sum() / (front | back).sum()
    assert 0.3 < overlap < 0.7  # both wear glasses, one smiles, one frowns


def test_the_back_is_the_front_of_the_head_turned_round(few: Library) -> None:
    head = smooth_head(few.mesh("3626bph7.dat"))
    half_turn = [-1, 1, -1]
    turned = replace(head, corners=head.corners * half_turn)
    colours = read_colours(few)
    np.testing.assert_array_equal(bake(head, "back", colours)[0], bake(turned, "front", colours)[0])


def test_ink_colours(baked: Baked) -> None:
    """Red lips and white teeth come out in LDConfig's colours."""
    print_ = texture(baked[0], "3626cpx0/front")
    solid = print_[print_[..., 3] == 255][:, :3]
    assert {tuple(c) for c in np.unique(solid, axis=0)} >= {(0x1B, 0x2A, 0x34), (0xB4, 0, 0)}


def test_metallic_ink(baked: Baked) -> None:
    prints = baked[0]
    index = [design.part for design in prints.designs].index("3626cp8f")  # blotches of aluminium foil
    assert [d.part for d, row in zip(prints.designs, prints.metal_index, strict=True) if row >= 0] == ["3626cp8f"]
    metal, print_ = prints.metal[prints.metal_index[index]], prints.colours[index]
    assert metal.shape == (HEIGHT, WIDTH)
    assert 0.1 < (metal > 0).mean() < 0.2
    assert metal.max() == round(0.85 * 255)
    assert (print_[metal > 0][:, 3] > 0).all()  # metal is ink
    eyes = (print_[..., 0] > 200) & (print_[..., 2] < 80) & (print_[..., 3] == 255)
    assert eyes.any()
    assert np.median(metal[eyes]) == 0  # yellow is not metal


def test_blanks_and_duplicates_are_left_out(baked: Baked) -> None:
    prints, left_out = baked
    assert {name: why for name, why in left_out.items() if "/" in name} == {
        "3626a/front": "blank",
        "3626b/front": "blank",
        "3626c/front": "blank",
        "3626ap01/front": "same print as 3626bp01/front",
        "3626bpm0/back": "not a face",
    }
    assert len(prints) == 9
    assert len({design.name for design in prints.designs}) == 9


def test_a_library_without_faces(few: Library, write: Write) -> None:
    with pytest.raises(UsageError, match="no printed minifigure heads"):
        bake_library(write({"parts/a.dat": "0 Brick", "LDConfig.ldr": few.text("LDConfig.ldr")}))


def test_write_and_load(baked: Baked, tmp_path: Path) -> None:
    prints = baked[0]
    write_prints(tmp_path / "prints.zip", prints)
    loaded = load_prints(tmp_path / "prints.zip")
    assert loaded.designs == prints.designs
    assert loaded.head_colours == prints.head_colours
    for name in ("colours", "metal", "metal_index"):
        one, other = getattr(loaded, name), getattr(prints, name)
        assert one.dtype == other.dtype
        if name == "colours":  # where nothing is printed, colour means nothing
            one, other = (np.where(c[..., 3:] > 0, c, 0) for c in (one, other))
        np.testing.assert_array_equal(one, other)
    write_prints(tmp_path / "again.zip", prints)
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "prints.zip").read_bytes()


def damage(source: Path, target: Path, name: str, data: bytes | None) -> None:
    """Copy a zip with one member replaced or left out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.namelist():
            if member != name:
                new.writestr(member, old.read(member))
            elif data is not None:
                new.writestr(member, data)


@pytest.mark.parametrize(
    ("member", "data"),
    [
        ("prints.json", None),
        ("prints.json", b"{"),
        ("prints.json", b"[]"),
        ("prints.json", b'{"designs": [], "metal": [], "head_colours": []}'),
        ("prints.json", b'{"designs": [{"part": "x"}], "metal": [-1], "head_colours": {}}'),
        ("3626bp01-front.webp", None),
        ("3626bp01-front.webp", b"not a picture"),
        ("short", b""),
    ],
)
def test_a_damaged_file(baked: Baked, tmp_path: Path, member: str, data: bytes | None) -> None:
    write_prints(tmp_path / "whole.zip", baked[0])
    target = tmp_path / "damaged.zip"
    if member == "short":
        with zipfile.ZipFile(tmp_path / "whole.zip") as archive:
            listing = json.loads(archive.read("prints.json"))
        listing["metal"] = listing["metal"][:2]
        member, data = "prints.json", json.dumps(listing).encode()
    damage(tmp_path / "whole.zip", target, member, data)
    with pytest.raises(UsageError, match=r"damaged\.zip is damaged .*minifaces data prints") as error:
        load_prints(target)
    assert "\n" not in str(error.value)


def test_a_missing_or_cut_off_file(baked: Baked, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.zip is missing: bake prints with"):
        load_prints(tmp_path / "none.zip")
    write_prints(tmp_path / "whole.zip", baked[0])
    (tmp_path / "cut.zip").write_bytes((tmp_path / "whole.zip").read_bytes()[:-100])
    with pytest.raises(UsageError, match=r"cut\.zip is damaged"):
        load_prints(tmp_path / "cut.zip")
    shutil.copytree(tmp_path, tmp_path / "folder.zip")
    with pytest.raises(UsageError, match=r"folder\.zip is damaged"):
        load_prints(tmp_path / "folder.zip")


def designs_of(parts: list[str]) -> list[Design]:
    return [Design(part, "front", "", 14, "default", "yellow", {}, "") for part in parts]


def test_likeness_and_groups(baked: Baked) -> None:
    prints = baked[0]
    alike = similarity(prints.colours)
    np.testing.assert_allclose(np.diag(alike), 1, atol=1e-5)
    np.testing.assert_allclose(alike, alike.T, atol=1e-5)
    grin, other = texture(prints, "3626bp01/front"), texture(prints, "3626bp36/front")
    stack = np.stack([grin, other[:, ::-1], np.roll(grin, 2, 0), other])
    assert similarity(stack)[0, 2] > 0.8
    assert similarity(stack)[1, 3] == pytest.approx(1, abs=1e-5)  # training mirrors prints
    assert similarity(stack)[0, 1] < 0.5
    assert groups(designs_of(["d", "c", "b", "a"]), stack) == ["d", "c", "d", "c"]
    assert groups(designs_of(["d", "c", "c", "a"]), stack) == ["d"] * 4  # two sides of one head join them


def test_splits_go_by_group_and_hardly_move() -> None:
    names = [f"g{i // 2}" for i in range(1000)]
    split = split_designs(designs_of([f"p{i}" for i in range(1000)]), names)
    count = Counter(design.split for design in split)
    assert (count["train"], count["validation"], count["test"]) == (800, 100, 100)
    assert all(one.split == other.split for one, other in zip(split[::2], split[1::2], strict=True))
    more = split_designs(designs_of([f"p{i}" for i in range(1002)]), [*names, "new", "new"])
    assert sum(one.split != other.split for one, other in zip(split, more, strict=False)) <= 4


def test_the_bundled_prints(bundled: Prints) -> None:
    assert len(bundled) > 350
    assert bundled.colours.shape == (len(bundled), HEIGHT, WIDTH, 4)
    assert len(bundled.metal) == (bundled.metal_index >= 0).sum()
    share = {split: len(bundled.of_split(split)) / len(bundled) for split in ("train", "validation", "test")}
    assert share == {
        "train": pytest.approx(0.8, abs=0.02),
        "validation": pytest.approx(0.1, abs=0.02),
        "test": pytest.approx(0.1, abs=0.02),
    }
    for field in ("group", "part"):
        split_of: dict[str, str] = {}
        for design in bundled.designs:
            assert split_of.setdefault(getattr(design, field), design.split) == design.split
    assert len({design.name for design in bundled.designs}) == len(bundled)
    ink = (bundled.colours[..., 3] > 127).mean((1, 2))
    assert 0.0008 <= ink.min() < ink.max() < 1
    assert {design.colour for design in bundled.designs} <= set(bundled.head_colours)


def test_baking_again_gives_the_bundled_prints(baked: Baked, bundled: Prints) -> None:
    place = {design.name: i for i, design in enumerate(bundled.designs)}
    both = [(i, place[d.name]) for i, d in enumerate(baked[0].designs) if d.name in place]
    assert len(both) == 8  # 3626cp87 repeats 3626bp87, which is not among the few
    for i, j in both:
        mine, theirs = baked[0].colours[i], bundled.colours[j]
        np.testing.assert_array_equal(mine[..., 3], theirs[..., 3])
        np.testing.assert_array_equal(mine[mine[..., 3] > 0], theirs[mine[..., 3] > 0])
        assert replace(baked[0].designs[i], group="", split="") == replace(bundled.designs[j], group="", split="")
        assert (baked[0].metal_index[i] < 0) == (bundled.metal_index[j] < 0)
        if baked[0].metal_index[i] >= 0:
            np.testing.assert_array_equal(
                baked[0].metal[baked[0].metal_index[i]], bundled.metal[bundled.metal_index[j]]
            )
