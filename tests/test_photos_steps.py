"""From files to screened faces: the same bytes in one go or in many, on one worker or several, and nothing lost."""

import hashlib
import io
import json
import os
import random
import shutil
import struct
import tarfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minifaces.cli.main import run as command
from minifaces.errors import MinifacesError, UsageError
from minifaces.photos.found import Found
from minifaces.photos.lists import read_rows
from minifaces.photos.pipeline import STEPS
from minifaces.photos.sources import read_sources
from minifaces.photos.steps import run
from minifaces.photos.workfolder import Screen, Settings, Work
from minifaces.photos.writer import Counts
from photos_work import composed, one_worker

LISTS = ("manifest.jsonl", "heads.jsonl", "frames.jsonl", "screen.jsonl")


@pytest.fixture(scope="module", autouse=True)
def _one_worker() -> Iterator[None]:
    with one_worker():
        yield


def save(path: Path, picture: np.ndarray | Image.Image, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(path, **options)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve heads, a sheet of three, a repetition and a letter."""
    folder = tmp_path_factory.mktemp("photos")
    faces = composed(15)
    for i, face in enumerate(faces[:12]):
        save(folder / f"{i:02}.png", face)
    save(folder / "three.png", np.concatenate(list(faces[12:]), axis=1))
    (folder / "zagain.png").write_bytes((folder / "05.png").read_bytes())
    (folder / "letter.png").write_text("Dear reader")
    return folder


def prepare(
    folder: Path,
    source: Path | None,
    last: str = "screen",
    workers: int = 1,
    update: Callable[[int], None] = lambda _: None,
) -> Counts:
    work = Work(folder, make=True)
    return run(work, last, read_sources([source]) if source else (), workers, Settings(size=64), update)


@pytest.fixture(scope="module")
def whole(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder made in one go."""
    folder = tmp_path_factory.mktemp("works") / "whole"
    counts = prepare(folder, pictures)
    assert (counts.pictures, counts.problems) == (13, 2)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_what_a_work_folder_holds(whole: Path, pictures: Path) -> None:
    work = Work(whole)
    rows = list(work.originals())
    assert [Path(row.source).name for row in rows] == sorted(path.name for path in pictures.iterdir())
    problems = {Path(row.source).name: row.problem for row in rows if row.problem}
    assert problems.keys() == {"letter.png", "zagain.png"}
    assert problems["zagain.png"] == f"holds the same bytes as {rows[5].id}"
    assert "is not a picture that can be read" in str(problems["letter.png"])
    for row in rows:
        if not row.problem:
            assert (whole / str(row.file)).read_bytes() == Path(row.source).read_bytes()
    faces = list(work.faces())
    assert Counter(face.original.source for face in faces)[str(pictures / "three.png")] == 3
    assert len(faces) == 15
    for face in faces:
        assert face.screen is not None
        assert Image.open(work.face_path(face.head.key)).size == (64, 64)
        middle = (face.frame.head.x0 + face.frame.head.x1) / 2  # a head that is cut off may reach out of its part
        assert face.head.box.x0 < middle < face.head.box.x1


def test_step_by_step(whole: Path, pictures: Path, tmp_path: Path) -> None:
    for last in STEPS:
        source = pictures if last == "import" else None
        prepare(tmp_path / "work", source, last)
    assert contents(tmp_path / "work") == contents(whole)


def test_two_workers(whole: Path, pictures: Path, tmp_path: Path) -> None:
    prepare(tmp_path / "work", pictures, workers=2)
    assert contents(tmp_path / "work") == contents(whole)


def test_a_second_run_does_nothing(whole: Path, pictures: Path) -> None:
    before = contents(whole)
    counts = prepare(whole, pictures)
    assert (counts.pictures, counts.heads, counts.faces, counts.screened) == (0, 0, 0, 0)
    assert contents(whole) == before


def test_replayed_from_originals_and_manifest(whole: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for name in ("manifest.jsonl", "settings.json", "originals"):
        (shutil.copytree if (whole / name).is_dir() else shutil.copy)(whole / name, work / name)
    run(Work(work), "screen")
    assert contents(work) == contents(whole)


def test_interrupted_and_gone_on(whole: Path, pictures: Path, tmp_path: Path) -> None:
    """Each run is interrupted after five pictures."""

    def interrupt(done: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            prepare(tmp_path / "work", pictures, update=interrupt)
    prepare(tmp_path / "work", pictures)
    assert contents(tmp_path / "work") == contents(whole)


@pytest.mark.parametrize("seed", range(6))
def test_the_machine_stopped_at_any_moment(whole: Path, pictures: Path, tmp_path: Path, seed: int) -> None:
    """Lists that end in the middle of a line, each later one at an earlier picture, and faces without a line."""
    draw = random.Random(seed)
    work = Path(shutil.copytree(whole, tmp_path / "work"))
    count = len(list(Work(whole).heads()))
    for name in LISTS[1:] if seed % 2 else LISTS[3:]:
        lines = (work / name).read_bytes().splitlines(keepends=True)
        count = draw.randint(0, count)
        rest = b"".join(lines[count:])
        (work / name).write_bytes(b"".join(lines[:count]) + rest[: draw.randint(0, 30)].rstrip(b"\n"))
    prepare(work, pictures)
    assert contents(work) == contents(whole)


def test_lists_that_do_not_belong_together(whole: Path, tmp_path: Path) -> None:
    work = Path(shutil.copytree(whole, tmp_path / "work"))
    lines = (work / "frames.jsonl").read_text().splitlines(keepends=True)
    (work / "frames.jsonl").write_text("".join(lines[1:]))
    with pytest.raises(UsageError, match="do not belong together"):
        run(Work(work), "screen")


def test_a_damaged_line_is_named(whole: Path, tmp_path: Path) -> None:
    work = Path(shutil.copytree(whole, tmp_path / "work"))
    text = (work / "manifest.jsonl").read_text()
    (work / "manifest.jsonl").write_text(text.replace('"source"', '"sauce"', 1))
    with pytest.raises(UsageError, match=r"manifest\.jsonl line 1 is damaged"):
        run(Work(work), "screen")


@pytest.mark.parametrize(
    "text", ['{"audio": "a.wav"}', '{"audio": "a.wav"}\n{"audio"', '{"source": "a.wav"', "words\n"]
)
def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path, text: str) -> None:
    """Other programs call their lists so too."""
    (tmp_path / "manifest.jsonl").write_text(text)
    for make in (False, True):
        with pytest.raises(UsageError, match="work folder"):
            Work(tmp_path, make=make)
    assert contents(tmp_path) == {"manifest.jsonl": text.encode()}


@pytest.mark.parametrize("name", ["manifest.jsonl", "heads.jsonl", "screen.jsonl"])
def test_a_damaged_list_stops_before_any_is_written(whole: Path, pictures: Path, tmp_path: Path, name: str) -> None:
    work = Path(shutil.copytree(whole, tmp_path / "work"))
    lines = (work / name).read_bytes().splitlines(keepends=True)
    (work / name).write_bytes(b"".join([*lines[:4], b"{}\n", *lines[5:], b'{"torn']))
    before = contents(work)
    with pytest.raises(UsageError, match=rf"{name} line 5 is damaged"):
        prepare(work, pictures, "import")
    assert contents(work) == before


def test_a_changed_original_is_named(whole: Path, tmp_path: Path) -> None:
    work = Path(shutil.copytree(whole, tmp_path / "work"))
    row = next(Work(work).originals())
    save(work / str(row.file), composed(1, 99)[0])
    (work / "screen.jsonl").unlink()
    with pytest.raises(MinifacesError, match="is not the file that the manifest lists: put it back"):
        run(Work(work), "screen")
    (work / str(row.file)).unlink()
    with pytest.raises(MinifacesError, match="cannot be read"):
        run(Work(work), "screen")


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n"])
def test_a_damaged_face_is_named(whole: Path, tmp_path: Path, data: bytes) -> None:
    work = Work(shutil.copytree(whole, tmp_path / "work"))
    work.screen_list.unlink()
    key = list(work.heads())[3].key
    work.face_path(key).write_bytes(data)
    with pytest.raises(MinifacesError, match=rf"faces/{key[:2]}/{key}.png of the work folder is damaged: remove its"):
        run(work, "screen")


def test_a_picture_that_is_mended_is_taken(pictures: Path, tmp_path: Path) -> None:
    source = tmp_path / "photos"
    source.mkdir()
    (source / "a.png").write_bytes((pictures / "00.png").read_bytes()[:500])
    assert prepare(tmp_path / "work", source).problems == 1
    assert prepare(tmp_path / "work", source).problems == 1  # told again, listed once
    assert len(list(Work(tmp_path / "work").originals())) == 1
    (source / "a.png").write_bytes((pictures / "00.png").read_bytes())
    assert prepare(tmp_path / "work", source).screened == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_every_picture_of_a_name_is_taken_at_any_speed(pictures: Path, tmp_path: Path, workers: int) -> None:
    """A tar file that was added to: with one entry after the other, and with many between; the same twice is one."""
    data = [path.read_bytes() for path in sorted(pictures.glob("[0-9]*.png"))]
    other = [np.full((20, 20, 3), n, np.uint8) for n in range(120)]
    members = [
        ("cut.png", data[0][:500]),
        ("a.png", data[1]),
        ("a.png", data[2]),
        ("a.png", data[1]),
        ("cut.png", data[3]),
        *((f"{n}.png", encoded(picture)) for n, picture in enumerate(other)),
        ("a.png", data[1]),
        ("cut.png", data[5]),
        ("cut.png", data[0][:500]),
    ]
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    expected = list(dict.fromkeys(members))
    for _ in range(2):
        prepare(tmp_path / "work", tmp_path / "a.tar", "import", workers)
        rows = list(Work(tmp_path / "work").originals())
        assert [row.source.partition("!")[2] for row in rows] == [name for name, _ in expected]
        assert [row.sha256 for row in rows[1:]] == [hashlib.sha256(content).hexdigest() for _, content in expected[1:]]
        assert [bool(row.problem) for row in rows] == [True] + [False] * (len(rows) - 1)


@pytest.mark.parametrize("source", ["photos", ".", "photos/", "p.zip", "p.tar", "IMG_0001.png"])
def test_pictures_are_known_by_their_contents(
    pictures: Path, tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cameras, phones and catalogues use names again, and `photos`, `.` and `download.zip` are what people type."""

    def lay(day: str, first: int) -> None:
        folder = tmp_path / day / ("photos" if source.startswith("p") else ".")
        folder.mkdir(parents=True, exist_ok=True)
        names = ["IMG_0001.png", "IMG_0002.png"][: 1 if source == "IMG_0001.png" else 2]
        for number, name in enumerate(names, first):
            shutil.copy2(pictures / f"{number:02}.png", folder / name)  # with its time, which tells nothing then
        if source.startswith("p."):
            shutil.make_archive(str(tmp_path / day / "p"), source[2:], folder, ".")
            for name in names:
                (folder / name).unlink()

    def ids(day: str) -> list[str | None]:
        monkeypatch.chdir(tmp_path / day)
        assert command(["data", "import", source, "-o", "../work", "--workers", "1"]) == 0
        return [row.id for row in Work(tmp_path / "work").originals() if not row.problem]

    each = 1 if source == "IMG_0001.png" else 2
    lay("mon", 0)
    lay("tue", 2)
    assert len(set(ids("mon"))) == each
    assert len(set(ids("tue"))) == 2 * each
    lay("mon", 4)
    assert len(set(ids("mon"))) == 3 * each
    capsys.readouterr()
    assert len(ids("mon")) == len(ids("tue")) == 3 * each
    assert capsys.readouterr().out == "../work: nothing new\n" * 2


def encoded(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def test_one_process_at_a_time(whole: Path) -> None:
    with Work(whole).locked(), pytest.raises(UsageError, match="in use by another process"):
        run(Work(whole), "screen")


def test_faces_of_two_sizes_are_refused(whole: Path) -> None:
    with pytest.raises(UsageError, match="has faces of 64 pixels a side: name another folder for 32"):
        run(Work(whole), "screen", settings=Settings(size=32))


def test_other_thresholds_flag_anew(whole: Path, tmp_path: Path) -> None:
    work = Work(shutil.copytree(whole, tmp_path / "work"))
    name = next(iter(read_rows(work.screen_list, Screen).__next__().scores))
    before = [row.model_dump(exclude={"flags"}) for row in read_rows(work.screen_list, Screen)]
    run(work, "screen", settings=Settings(size=64, thresholds={name: 0.0}))
    rows = list(read_rows(work.screen_list, Screen))
    assert all(name in row.flags for row in rows)
    assert [row.model_dump(exclude={"flags"}) for row in rows] == before
    run(work, "screen", settings=Settings(size=64, thresholds={name: 1.01}))
    assert not any(name in row.flags for row in read_rows(work.screen_list, Screen))
    with pytest.raises(UsageError, match="no defect that is screened for"):
        run(work, "screen", settings=Settings(size=64, thresholds={"ugly": 0.5}))


def test_every_kind_of_picture(tmp_path: Path) -> None:
    """Nothing good is lost: palette, alpha, CMYK, 16-bit, animated and turned pictures become faces."""
    face = Image.fromarray(composed(1)[0])
    folder = tmp_path / "photos"
    save(folder / "palette.gif", face.convert("P"))
    save(folder / "cmyk.jpg", face.convert("CMYK"))
    save(folder / "deep.png", Image.fromarray(np.asarray(face.convert("L")).astype(np.uint16) * 257))
    save(folder / "alpha.webp", face.convert("RGBA"), lossless=True)
    save(folder / "moving.gif", face, save_all=True, append_images=[face.rotate(90)])
    exif = Image.Exif()
    exif[0x0112] = 6
    save(folder / "turned.jpg", face.resize((64, 96)), exif=exif)
    save(folder / "named-wrongly.txt", face, format="BMP")
    counts = prepare(tmp_path / "work", folder)
    assert (counts.pictures, counts.problems, counts.faces) == (7, 0, 7)
    sizes = {Path(row.source).name: (row.width, row.height) for row in Work(tmp_path / "work").originals()}
    assert sizes["turned.jpg"] == (96, 64)


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has so many pixels."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "PNG")
    data = buffer.getvalue()
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def test_hostile_pictures_are_listed(pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    good = (pictures / "three.png").read_bytes()
    files = {
        "a-good.png": good,
        "b-cut.png": good[: len(good) // 2],
        "c-zero.png": b"",
        "d-words.jpg": b"%PDF-1.4 not a picture",
        "e-bomb.png": claiming(60_000, 60_000),
        "f-wide.png": claiming(80_000_001, 1),
        "g-header-only.png": good[:33],
        "h-script.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "i-good.png": (pictures / "01.png").read_bytes(),
    }
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "loop").symlink_to(folder)
    (folder / "unreadable.png").symlink_to("/proc/self/mem")
    told: list[tuple[str, str]] = []
    work = Work(tmp_path / "work", make=True)
    run(work, "screen", read_sources([folder]), tell=lambda *words: told.append(words))
    listed = {Path(row.source).name: row.problem for row in work.originals()}
    assert listed.keys() == files.keys() | {"loop", "unreadable.png"}
    assert [name for name, problem in listed.items() if problem is None] == ["a-good.png", "i-good.png"]
    assert {Path(source).name: problem for source, problem in told} == {n: p for n, p in listed.items() if p}
    reasons = {
        "b-cut.png": "is damaged (",
        "c-zero.png": "is empty (0 bytes)",
        "d-words.jpg": "is not a picture",
        "e-bomb.png": "is far too large",
        "f-wide.png": "is 80000001 x 1 pixels, more than",
        "g-header-only.png": "is not a picture",
        "h-script.svg": "is not a picture",
    }
    for name, reason in reasons.items():
        assert str(listed[name]).startswith(reason), (name, listed[name])


def test_sources_that_end_in_an_error_keep_what_came(pictures: Path, tmp_path: Path) -> None:
    def broken() -> Iterable[Found]:
        yield Found("one", (pictures / "00.png").read_bytes())
        raise MinifacesError("the disk went away")

    work = Work(tmp_path / "work", make=True)
    with pytest.raises(MinifacesError, match="the disk went away"):
        run(work, "screen", broken())
    prepare(work.folder, pictures)
    assert len(list(work.faces())) == 15


def test_json_lines_have_no_empty_words(whole: Path) -> None:
    for name in LISTS:
        for line in (whole / name).read_text().splitlines():
            assert None not in json.loads(line).values()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no such files here")
def test_strange_names(pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    names = [b"new\nline.png", b'quote".png', b"\xff\xfe.png", "gesicht-ä-顔.png".encode()]
    for i, name in enumerate(names):
        (folder / os.fsdecode(name)).write_bytes((pictures / f"{i:02}.png").read_bytes())
    assert prepare(tmp_path / "work", folder).screened == 4
    assert prepare(tmp_path / "work", folder).pictures == 0
