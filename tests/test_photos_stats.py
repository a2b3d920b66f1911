"""What `data stats` says of composed faces, whose truth is known, of any pictures, and of a work folder."""

import csv
import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minifaces.arrays import Pixels
from minifaces.cli.main import run
from minifaces.dataset import write_dataset
from minifaces.errors import UsageError
from minifaces.headcolours import head_colours
from minifaces.images import save_picture
from minifaces.ldraw.composed import composed_faces
from minifaces.photos.brightness import brightness, ground_colour
from minifaces.photos.lists import Appender
from minifaces.photos.review import words
from minifaces.photos.stats import measure
from minifaces.photos.statspage import write_page
from minifaces.photos.workfolder import Decision, Original
from photos_work import composed, write_work


@pytest.fixture(scope="module")
def rows() -> list[tuple[Pixels, dict[str, str]]]:
    return list(composed_faces(200, 64, recombined=0, seed=5))


@pytest.fixture(scope="module")
def data_set(rows: list[tuple[Pixels, dict[str, str]]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stats") / "faces"
    write_dataset(folder, rows)
    return folder


def test_looks_of_plain_pictures() -> None:
    picture = np.full((90, 60, 3), (255, 255, 255), np.uint8)
    picture[20:80, 10:50] = (250, 202, 12)
    assert ground_colour(picture) == "white"
    assert brightness(picture) == pytest.approx((0.2126 * 250 + 0.7152 * 202 + 0.0722 * 12) / 255, abs=0.01)
    for level, name in ((255, "white"), (205, "light"), (128, "grey"), (20, "dark")):
        assert ground_colour(np.full((32, 32, 3), level, np.uint8)) == name
    assert ground_colour(np.full((1, 1, 3), (200, 30, 30), np.uint8)) == "coloured"


def test_a_data_set(data_set: Path, rows: list[tuple[Pixels, dict[str, str]]]) -> None:
    stats = measure(data_set)
    with (data_set / "metadata.csv").open() as file:
        table = list(csv.DictReader(file))
    assert stats.counts["pictures"] == 200
    assert stats.counts["designs"] == len({row["design"] for row in table})
    assert stats.tables["split"] == Counter(row["split"] for row in table)
    assert stats.tables["attribute"]["smile"] == sum(row["smile"] == "true" for row in table)
    assert stats.share("attribute", "smile") == stats.tables["attribute"]["smile"] / 200
    yaw = [float(row["yaw"]) for row in table]
    assert stats.spreads["yaw"].values == yaw
    assert stats.spreads["yaw"].least[0] == (min(yaw), data_set / table[int(np.argmin(yaw))]["file_name"])
    assert stats.spreads["yaw"].most[0][0] == max(yaw)
    assert stats.spreads["yaw"].quantiles()["median"] == pytest.approx(np.median(yaw), abs=1e-3)
    assert stats.tables["colour"] == Counter(head_colours(np.stack([np.array(_at_128(face)) for face, _ in rows])))
    assert sum(stats.spreads["brightness"].histogram()[0]) == 200
    json.dumps(stats.as_json())


def _at_128(face: Pixels) -> Image.Image:
    return Image.fromarray(face).resize((128, 128), Image.Resampling.LANCZOS)


def test_attributes_called_as_what_is_measured(tmp_path: Path) -> None:
    names = ("colour", "ground", "problem", "attribute", "kind", "counts", "brightness")
    rows = [{"design": str(n), "split": "train", **dict.fromkeys(names, f"{n % 2 + 7}")} for n in range(4)]
    write_dataset(tmp_path / "faces", zip(composed(4), rows, strict=True))
    stats = measure(tmp_path / "faces")
    for name in names:
        assert stats.tables[f"{name} (metadata)"] == {"7": 2, "8": 2}
    assert stats.tables["colour"].total() == stats.tables["ground"].total() == 4
    assert not stats.tables.keys() & {"problem", "attribute", "kind", "counts"}
    assert max(stats.spreads["brightness"].values) <= 1
    told = stats.as_json()
    assert (told["kind"], told["counts"]["pictures"]) == ("pictures", 4)


def test_any_folder(tmp_path: Path) -> None:
    """Repetitions are found, angles estimated, and what cannot be read is counted."""
    faces = composed(8)
    for number, face in enumerate(faces):
        save_picture(tmp_path / f"{number}.png", face)
    Image.fromarray(faces[2]).save(tmp_path / "again.jpg", quality=80)
    Image.fromarray(faces[5]).save(tmp_path / "once-more.webp")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    stats = measure(tmp_path)
    assert stats.counts["pictures"] == 11
    assert stats.counts["repeat another picture"] == 2
    assert stats.tables["problem"] == {"cannot be read": 1}
    assert len(stats.spreads["yaw"].values) == len(stats.spreads["pitch"].values) == 10


def test_a_work_folder(tmp_path: Path) -> None:
    screens: list[dict[str, object]] = [{"yaw": float(i), "pitch": 2.0} for i in range(6)]
    screens[1] |= {"flags": ["colour_cast", "blurred"]}
    screens[4] |= {"flags": ["duplicate"], "duplicate_of": 0}
    work = write_work(tmp_path / "work", composed(6), screens, heads=2)
    with Appender(work.manifest) as manifest:
        manifest.add([Original(source="b.png", found="2026-11-24", problem="is empty (0 bytes): fetch it again")])
    key = next(work.faces()).head.key
    with Appender(work.decisions_list) as decisions:
        decisions.add([Decision(key=key, keep=False)])
    stats = measure(work.folder)
    assert stats.counts == {
        **{"pictures found": 4, "usable": 3, "heads": 6, "faces": 6, "screened": 6, "without a flag": 4},
        **{"decided by hand": 1, "kept": 4},
    }
    assert stats.tables["flag"] == {words("colour_cast"): 1, words("blurred"): 1, "duplicate": 1}
    assert stats.tables["problem"] == {"is empty": 1}
    assert stats.tables["heads in its picture"] == {"2": 6}
    assert stats.spreads["yaw"].values == [0, 1, 2, 3, 4, 5]
    assert stats.share("flag", words("blurred")) == 1 / 6


def test_an_empty_work_folder_and_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "manifest.jsonl").touch()
    assert measure(tmp_path / "work").counts["faces"] == 0
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"no picture")
    with pytest.raises(UsageError, match="no picture that can be read"):
        measure(tmp_path / "broken")


class _Page(HTMLParser):
    """Pictures and words of a page; what a script or a link would load is refused."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures = 0
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "iframe")
        sources = dict(attrs)
        if tag == "img":
            assert str(sources["src"]).startswith("data:image/webp;base64,")
            self.pictures += 1

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page(tmp_path: Path, data_set: Path) -> None:
    stats = measure(data_set)
    stats.tables["part"]["<script>alert(1)</script>"] += 1
    write_page(tmp_path / "stats.html", stats)
    page = _Page()
    page.feed((tmp_path / "stats.html").read_text())
    assert page.pictures > 30
    for text in ("What is in faces", "200", "yellow", "train", "Yaw", "<script>alert(1)</script>"):
        assert text in page.text
    write_page(tmp_path / "again.html", stats)
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "stats.html").read_bytes()


def test_the_command(
    data_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(data_set.parent)
    assert run(["data", "stats", "faces", "-o", str(tmp_path / "stats.html")]) == 0
    out = capfd.readouterr().out
    for text in ("pictures", "yellow", "brightness, of white", "stats.html: what is in faces"):
        assert text in out
    assert run(["data", "stats", "faces", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["counts"]["pictures"] == sum(told["split"].values()) == 200
    assert run(["data", "stats", "none"]) == 2
    assert capfd.readouterr().err.startswith("minifaces: error: none is not a folder")
