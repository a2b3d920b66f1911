"""Whatever a folder or an archive holds: every file comes out once, as bytes or with the reason why not."""

import bz2
import csv
import gzip
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minifaces.errors import UsageError
from minifaces.folders import LeftOut
from minifaces.photos.found import Found
from minifaces.photos.sources import count_sources, read_sources

SMALL = 200_000


def png(seed: int = 0, side: int = 8) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


def read(*sources: Path, most_bytes: int = SMALL) -> dict[str, Found]:
    """What comes out, by its name without the folder; each name once."""
    found = list(read_sources(sources, most_bytes=most_bytes))
    names = [f.source.rpartition("sources/")[2] for f in found]
    assert len(set(names)) == len(names)
    assert all((f.data is None) != (f.problem is None) for f in found)
    return dict(zip(names, found, strict=True))


def problems(found: dict[str, Found]) -> dict[str, str]:
    return {name: f.problem for name, f in found.items() if f.problem}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    return folder


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def test_a_folder_in_the_order_of_names(folder: Path) -> None:
    write(folder, {"b.png": png(1), "a/2.jpg": png(2), "a/1.jpg": png(3), "c": b"text"})
    found = read(folder)
    assert list(found) == ["a/1.jpg", "a/2.jpg", "b.png", "c"]
    assert [f.data for f in found.values()] == [png(3), png(2), png(1), b"text"]
    assert count_sources([folder]) == 4


def test_several_sources_and_one_picture(folder: Path) -> None:
    write(folder, {"x.png": png(), "more/y.png": png(1)})
    assert list(read(folder / "x.png", folder / "more")) == ["x.png", "more/y.png"]


def test_several_of_a_name_all_come_out(folder: Path) -> None:
    make_tar(folder / "a.tar", [(name, png(n), tarfile.REGTYPE) for n, name in enumerate(("b", "c", "b"))])
    found = [(Path(f.source).name, f.data) for f in read_sources([folder])]
    assert found == [("a.tar!b", png(0)), ("a.tar!c", png(1)), ("a.tar!b", png(2))]


def test_a_missing_source_is_told_at_once(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.zip is missing"):
        read_sources([folder, folder / "none.zip"])


def test_hostile_files(folder: Path) -> None:
    write(folder, {"good.png": png(), "zero.png": b"", "large.png": b"x" * (SMALL + 1), "deep/good.png": png(1)})
    (folder / "nowhere.png").symlink_to("missing.png")
    (folder / "self.png").symlink_to("self.png")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "deep" / "up").symlink_to("..", target_is_directory=True)
    (folder / "good-link.png").symlink_to("good.png")
    os.mkfifo(folder / "pipe.png")
    # Opens as an ordinary file, and its first byte cannot be read: whoever runs the tests, root too.
    (folder / "unreadable.png").symlink_to("/proc/self/mem")
    (folder / os.fsdecode(b"odd-\xff.png")).write_bytes(png(2))
    found = read(folder)
    assert problems(found) == {
        "large.png": "has 200,001 bytes, more than 200,000",
        "nowhere.png": "is a link that leads nowhere",
        "self.png": "is a link that leads nowhere",
        "loop": "is a link to a folder that is read already",
        "deep/up": "is a link to a folder that is read already",
        "pipe.png": "is not an ordinary file",
        "unreadable.png": found["unreadable.png"].problem,
    }
    assert str(found["unreadable.png"].problem).startswith("cannot be read: ")
    assert found["good.png"].data == found["good-link.png"].data == png()
    assert found["odd-\\xff.png"].data == png(2)
    assert found["deep/good.png"].data == png(1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(folder: Path) -> None:
    write(folder, {"a.png": png(), "shut/b.png": png()})
    (folder / "a.png").chmod(0)
    (folder / "shut").chmod(0)
    try:
        assert problems(read(folder)) == {
            "a.png": "cannot be read: Permission denied",
            "shut": "cannot be read: Permission denied",
        }
    finally:
        (folder / "shut").chmod(0o700)


def test_what_systems_leave_beside_pictures(folder: Path) -> None:
    """Resource forks, thumbnails and settings are no pictures that cannot be used; nor is what is hidden."""
    names = ["._a.png", "__MACOSX/x/._a.png", ".DS_Store", "Thumbs.db", "b/desktop.ini", "b/@eaDir/a.png", ".git/HEAD"]
    names += ["a.png:Zone.Identifier", "$RECYCLE.BIN/a.png", "Icon\r", ".Trashes/a.png"]
    write(folder, {"a.png": png(1), **dict.fromkeys(names, b"\0\5\26\7")})
    make_zip(folder / "z.zip", [("in/a.png", png(2)), *((f"in/{name}", b"x") for name in names)])
    make_tar(folder / "t.tar.gz", [(f"./{n}", png(3), tarfile.REGTYPE) for n in ("a.png", "._a.png")], "w:gz")
    left = LeftOut()
    found = list(read_sources([folder], left.add))
    assert [f.data for f in found] == [png(1), png(3), png(2)]
    assert not any(f.problem for f in found)
    assert left.counts == {"of macOS": 11, "of Windows": 8, "of a NAS": 2, "hidden": 2}
    assert str(left).startswith("23 files were left out: of Windows 8 (")
    one = LeftOut()
    one.add("hidden", ".git")
    assert str(one) == "1 file was left out: hidden 1 (.git)"


def test_a_source_that_is_named_is_read_however_it_is_called(folder: Path) -> None:
    write(folder, {".hidden/a.png": png(1), "._b.png": png(2)})
    assert [f.data for f in read_sources([folder / ".hidden", folder / "._b.png"])] == [png(1), png(2)]


def make_zip(
    path: Path, members: Iterable[tuple[str | zipfile.ZipInfo, bytes]], packing: int = zipfile.ZIP_DEFLATED
) -> None:
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, data in members:
            archive.writestr(name, data)


def test_a_zip(folder: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    make_zip(
        folder / "a.zip",
        [
            ("one.png", png(1)),
            ("folder/", b""),
            ("folder/two.png", png(2)),
            ("../../etc/three.png", png(3)),
            ("/absolute.png", png(3)),
            ("..\\back.png", png(3)),
            ("C:/drive.png", png(3)),
            ("Shot of 2016-04-01 12:33:21.png", png(4)),
            (link, b"/etc/passwd"),
            ("bomb.png", b"\0" * 1_500_000),
            ("large.png", np.random.default_rng(0).bytes(SMALL + 1)),
            ("bitmap.bmp", b"\xff" * 150_000),
        ],
    )
    found = read(folder / "a.zip")
    escape = "has a name that leads out of the archive"
    assert problems(found) == {
        "a.zip!../../etc/three.png": escape,
        "a.zip!/absolute.png": escape,
        "a.zip!..\\back.png": escape,
        "a.zip!C:/drive.png": escape,
        "a.zip!link.png": "is a link or no ordinary file",
        "a.zip!bomb.png": found["a.zip!bomb.png"].problem,
        "a.zip!large.png": "has 200,001 bytes, more than 200,000",
    }
    assert "-fold: that is a bomb" in str(found["a.zip!bomb.png"].problem)
    assert [f.data for f in found.values() if f.data] == [png(1), png(2), png(4), b"\xff" * 150_000]
    assert not (folder.parent / "etc").exists()


def test_a_zip_whose_sizes_lie(folder: Path) -> None:
    """The directory says 100 bytes, the member has a million: no more is read than may be."""
    make_zip(folder / "a.zip", [("liar.png", b"\0" * 1_000_000), ("good.png", png())])
    data = (folder / "a.zip").read_bytes()
    assert data.count((1_000_000).to_bytes(4, "little")) == 2
    (folder / "a.zip").write_bytes(data.replace((1_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    found = read(folder / "a.zip")
    assert found["a.zip!good.png"].data == png()
    liar = found["a.zip!liar.png"]
    assert liar.data is None or len(liar.data) <= 100


def test_damaged_zips(folder: Path) -> None:
    make_zip(folder / "whole.zip", [("one.png", png(1, 64)), ("two.png", png(2, 64))], zipfile.ZIP_STORED)
    data = (folder / "whole.zip").read_bytes()
    write(folder, {"cut.zip": data[: len(data) // 2], "flipped.zip": data.replace(png(1, 64)[100:104], b"oops")})
    found = read(folder)
    assert problems(found).keys() == {"cut.zip", "flipped.zip!one.png"}
    assert "is a damaged zip file" in problems(found)["cut.zip"]
    assert "cannot be unpacked: Bad CRC-32" in problems(found)["flipped.zip!one.png"]
    assert found["flipped.zip!two.png"].data == png(2, 64)


def test_a_zip_of_a_later_version(folder: Path) -> None:
    make_zip(folder / "a.zip", [("one.png", png(1))])
    data = bytearray((folder / "a.zip").read_bytes())
    data[data.index(b"PK\x01\x02") + 6] = 200
    (folder / "a.zip").write_bytes(data)
    assert problems(read(folder)) == {"a.zip": "is a damaged zip file: zip file version 20.0"}
    assert count_sources([folder]) == 1


def test_an_encrypted_member(folder: Path) -> None:
    make_zip(folder / "a.zip", [("one.png", png(1))], zipfile.ZIP_STORED)
    data = bytearray((folder / "a.zip").read_bytes())
    data[6] |= 1  # the flag, in the member's header and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (folder / "a.zip").write_bytes(data)
    assert problems(read(folder)) == {"a.zip!one.png": "is encrypted: unpack it yourself and name the folder"}


def make_tar(path: Path, members: Iterable[tuple[str, bytes, bytes]], mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data, kind in members:
            info = tarfile.TarInfo(name)
            info.size, info.type = len(data), kind
            if kind == tarfile.SYMTYPE:
                info.linkname, info.size = "/etc/passwd", 0
            archive.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"])
def test_a_tar(folder: Path, suffix: str) -> None:
    mode = {".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}.get(suffix, "w")
    regular, link = tarfile.REGTYPE, tarfile.SYMTYPE
    members = [
        ("one.png", png(1), regular),
        ("folder", b"", tarfile.DIRTYPE),
        ("folder/" + "long" * 40 + ".png", png(2), regular),
        ("../out.png", png(3), regular),
        ("/etc/out.png", png(3), regular),
        ("link.png", b"", link),
        ("large.png", np.random.default_rng(0).bytes(SMALL + 1), regular),
        ("last.png", png(4), regular),
    ]
    make_tar(folder / f"a{suffix}", members, mode)
    for source in (folder, folder / f"a{suffix}"):
        found = read(source)
        assert {name.partition("!")[2]: problem for name, problem in problems(found).items()} == {
            "../out.png": "has a name that leads out of the archive",
            "/etc/out.png": "has a name that leads out of the archive",
            "link.png": "is a link or no ordinary file",
            "large.png": "has 200,001 bytes, more than 200,000",
        }
        assert [f.data for f in found.values() if f.data] == [png(1), png(2), png(4)]
    assert count_sources([folder]) is None


def test_a_tar_bomb(folder: Path) -> None:
    """Members of nothing, packed a thousandfold: reading ends before they are unpacked."""
    zeros = [(f"{n}.png", b"\0" * 5_000_000, tarfile.REGTYPE) for n in range(4)]
    make_tar(folder / "bomb.tar.gz", [("good.png", png(), tarfile.REGTYPE), *zeros], "w:gz")
    found = read(folder / "bomb.tar.gz")
    assert found["bomb.tar.gz!good.png"].data == png()
    (problem,) = [p for p in problems(found).values() if "bomb" in p]
    assert problem == "expands more than 200-fold: that is a bomb; the rest was not read"


def test_a_tar_with_a_giant_header(folder: Path) -> None:
    """tarfile takes the text of a long name into memory, however long it says it is."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 100_000_000
    header = info.tobuf(tarfile.GNU_FORMAT)
    with gzip.open(folder / "a.tar.gz", "wb", compresslevel=1) as file:
        file.write(header)
        for _ in range(100):
            file.write(b"n" * 1_000_000)
    ((name, problem),) = problems(read(folder / "a.tar.gz")).items()
    assert name == "a.tar.gz"
    assert "headers are larger than any that are meant well" in problem


def test_a_tar_that_breaks_off(folder: Path) -> None:
    make_tar(folder / "a.tar", [("one.png", png(1), tarfile.REGTYPE), ("two.png", png(2, 64), tarfile.REGTYPE)])
    data = (folder / "a.tar").read_bytes()
    (folder / "a.tar").write_bytes(data[: data.index(png(2, 64)) + 50])
    found = read(folder)
    assert found["a.tar!one.png"].data == png(1)
    assert "is a damaged tar file, read as far as it goes" in problems(found)["a.tar"]


def test_archives_are_known_by_their_contents_when_named(folder: Path) -> None:
    make_zip(folder / "photos", [("one.png", png(1))])
    assert read(folder / "photos")["photos!one.png"].data == png(1)
    assert list(read(folder)) == ["photos"]  # in a folder, the name must say so too: a .docx is a zip file
    write(folder, {"words.zip": b"no zip", "packed.tar.bz2": bz2.compress(b"no tar")})
    assert read(folder)["words.zip"].data == b"no zip"


def test_a_hugging_face_image_folder(folder: Path) -> None:
    write(folder, {"train/a.png": png(1), "train/b.png": png(2), "test/c.png": png(3)})
    with (folder / "train" / "metadata.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file_name", "design", "smile"], ["a.png", "x/front", "true"], ["b.png", "", "1"]])
    (folder / "test" / "metadata.jsonl").write_text(
        json.dumps({"file_name": "c.png", "design": "y", "objects": {"bbox": [1]}, "age": 3}) + "\n"
    )
    found = read(folder)
    assert problems(found) == {}
    assert {name: f.attributes for name, f in found.items()} == {
        "train/a.png": {"design": "x/front", "smile": "true"},
        "train/b.png": {"smile": "1"},
        "test/c.png": {"design": "y", "age": "3"},
    }


def test_what_no_file_or_terminal_should_get_is_spelled_out(folder: Path) -> None:
    row = rb'{"file_name": "a\u001b[31m.png", "half": "\ud800", "two\r": "lines\n", "plain": "\u00e4 \\"}'
    write(folder, {"a\x1b[31m.png": png(), "metadata.jsonl": row})
    ((name, found),) = read(folder).items()
    assert name == "a\\x1b[31m.png"
    assert found.attributes == {"half": "\\ud800", "two\\r": "lines\\n", "plain": "ä \\"}


def test_a_zipped_image_folder(folder: Path) -> None:
    rows = "\n".join(json.dumps(row) for row in ({"file_name": "a/b.png", "smile": True}, {"file_name": "c.png"}))
    make_zip(
        folder / "a.zip",
        [
            ("x/a/b.png", png(1)),
            ("x/c.png", png(2)),
            ("x/metadata.jsonl", rows.encode()),
            ("metadata.csv", b"name\nx\n"),
        ],
    )
    found = read(folder)
    assert list(found) == ["a.zip!metadata.csv", "a.zip!x/a/b.png", "a.zip!x/c.png"]
    assert found["a.zip!x/a/b.png"].attributes == {"smile": "true"}
    make_tar(folder / "a.zip", [("metadata.csv", b"file_name\n", tarfile.REGTYPE)])
    assert problems(read(folder / "a.zip")) == {
        "a.zip!metadata.csv": "is read from folders and zip files only: unpack the tar if its words matter"
    }


@pytest.mark.parametrize("table", ["p\\metadata.csv", "p/metadata.csv", "metadata.csv"])
def test_a_zip_with_backslashes(folder: Path, table: str) -> None:
    """As older programs of Windows write it: a folder is an empty member whose name ends with one."""
    said = "h\\a.png" if table != "metadata.csv" else "p\\h\\a.png"
    members = [
        ("p\\", b""),
        ("p\\h\\", b""),
        ("p\\h\\a.png", png(1)),
        (table, f"file_name,colour\n{said},red\n".encode()),
    ]
    with zipfile.ZipFile(folder / "win.zip", "w") as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.filename = name  # ZipFile itself would turn them
            archive.writestr(info, data)
    ((name, found),) = read(folder).items()
    assert name == "win.zip!p\\h\\a.png"
    assert (found.data, found.attributes) == (png(1), {"colour": "red"})


def test_names_in_metadata_may_be_spelled_otherwise(folder: Path) -> None:
    """With backslashes; in the other of Unicode's normal forms."""
    write(
        folder,
        {
            "h/a.png": png(1),
            "h/e\u0301.png": png(2),
            "metadata.csv": "file_name,n\nh\\a.png,1\n./h/\u00e9.png,2\n".encode(),
        },
    )
    assert [f.attributes for f in read(folder).values()] == [{"n": "1"}, {"n": "2"}]


def test_of_damaged_metadata_the_good_rows_count(folder: Path) -> None:
    write(folder, {"a.png": png(1), "b.png": png(2), "metadata.csv": b"file_name,n\na.png,1,2\nb.png,2\n../c.png,3\n"})
    write(folder, {"j/a.png": png(3), "j/metadata.jsonl": b'{"file_name": "a.png", "n": 3}\n[]\n{\n'})
    found = read(folder)
    assert problems(found) == {
        "metadata.csv": "is damaged (row 1 has 3 cells, not 2, and 1 more): the pictures are taken without it",
        "j/metadata.jsonl": "is damaged (row 2 is no JSON object, and 1 more): the pictures are taken without it",
    }
    assert {name: f.attributes for name, f in found.items() if f.data} == {
        **{"a.png": {}, "b.png": {"n": "2"}, "j/a.png": {"n": "3"}}
    }


def test_a_work_folder_among_the_pictures(folder: Path) -> None:
    """Its own faces must not come back as new pictures."""
    write(folder, {"a.png": png(), "work/faces/b.png": png(1)})
    write(folder, {f"work/{name}": b"" for name in ("manifest.jsonl", "heads.jsonl")})
    write(folder, {"listed/manifest.jsonl": b'{"image": "b.png"}\n', "listed/b.png": png(2)})  # somebody else's list
    assert list(read(folder)) == ["a.png", "listed/b.png", "listed/manifest.jsonl"]
    assert count_sources([folder]) == 3
    with pytest.raises(UsageError, match="is a work folder, not a source: name it with -o"):
        read_sources([folder / "work"])


def test_damaged_metadata_costs_no_picture(folder: Path) -> None:
    write(folder, {"a.png": png(1), "metadata.csv": b"name\na.png\n"})
    write(folder, {"more/b.png": png(2), "more/metadata.jsonl": b"{"})
    write(folder, {"pipe/d.png": png(4)})
    os.mkfifo(folder / "pipe" / "metadata.csv")
    write(folder, {"deep/c.png": png(3), "deep/metadata.jsonl": b'{"file_name":' + b"[" * 100_000})
    found = read(folder)
    assert found["a.png"].data
    assert found["more/b.png"].data
    assert found["deep/c.png"].data
    assert found["pipe/d.png"].data
    assert problems(found)["pipe/metadata.csv"] == "is not an ordinary file: the pictures are taken without it"
    assert "is damaged (" in problems(found)["deep/metadata.jsonl"]
    assert "has no column file_name" in problems(found)["metadata.csv"]
    assert "is damaged (" in problems(found)["more/metadata.jsonl"]


def test_parquet(folder: Path) -> None:
    """As the Hub writes it: bytes and path in a structure, class labels as numbers, their words in the schema."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [
        {"bytes": png(1), "path": "a.png"},
        {"bytes": None, "path": "b.png"},
        {"bytes": b"x" * (SMALL + 1), "path": "c.png"},
        {"bytes": png(2), "path": None},
        None,
    ]
    captions = ["one", None, "three", "four", "five"]
    kinds = pa.array(["bald", None, "hair", "hair", "bald"]).dictionary_encode()
    truths = [True, None, False, False, True]
    table = pa.table({"label": [0, 1, 0, 1, 0], "image": rows, "caption": captions, "kind": kinds, "smile": truths})
    features = {"label": {"_type": "ClassLabel", "names": ["smile", "frown"]}, "image": {"_type": "Image"}}
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    (folder / "data").mkdir()
    parquet.write_table(table, folder / "data" / "train.parquet")
    parquet.write_table(pa.table({"picture": [png(3)]}), folder / "plain.parquet")
    parquet.write_table(pa.table({"words": ["none"]}), folder / "words.parquet")
    cut = (folder / "plain.parquet").read_bytes()
    (folder / "cut.parquet").write_bytes(cut[:-20])
    found = read(folder)
    path_only = "holds no bytes, only a path or nothing: save the data set with its pictures in it"
    assert problems(found) == {
        "data/train.parquet!1": path_only,
        "data/train.parquet!2": "has 200,001 bytes, more than 200,000",
        "data/train.parquet!4": path_only,
        "words.parquet": "has no column of pictures (bytes, or structures with bytes in them)",
        "cut.parquet": problems(found)["cut.parquet"],
    }
    assert problems(found)["cut.parquet"].startswith("is a damaged parquet file")
    assert found["data/train.parquet!0"].data == png(1)
    assert found["data/train.parquet!0"].attributes == {
        **{"label": "smile", "caption": "one", "kind": "bald", "smile": "true"}
    }
    assert found["data/train.parquet!3"].attributes == {
        **{"label": "frown", "caption": "four", "kind": "hair", "smile": "false"}
    }
    assert found["plain.parquet!0"].data == png(3)
    assert count_sources([folder / "data"]) == 5
