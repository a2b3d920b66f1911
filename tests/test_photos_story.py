"""As a new user would: assorted pictures become a data set, a model and a morph, by the documented commands."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from minifaces.arrays import Pixels
from minifaces.cli.main import run
from minifaces.ldraw.composed import composed_faces
from minifaces.listing import list_dataset
from minifaces.photos.workfolder import Work

GOOD, SIDE = 18, 256


def assorted(folder: Path) -> dict[str, set[str]]:
    """30 pictures and 2 other files; by kind, the names of those with something wrong."""
    folder.mkdir()
    faces = [Image.fromarray(face) for face, _ in composed_faces(29, SIDE, recombined=0, seed=21)]
    for number, face in enumerate(faces[:GOOD]):
        face.save(folder / f"good-{number:02}.{'jpg' if number % 3 else 'png'}")
    for number in range(GOOD, GOOD + 4):
        _beside(faces[number], faces[number + 4]).save(folder / f"two-{number}.jpg", quality=85)
    for number in (26, 27):
        faces[number].filter(ImageFilter.GaussianBlur(7)).save(folder / f"blurred-{number}.jpg")
    ImageEnhance.Brightness(faces[28]).enhance(0.2).save(folder / "dark-28.png")
    faces[3].resize((200, 200)).save(folder / "good-03-again.webp")
    Image.fromarray(_noise()).save(folder / "other-noise.png")
    Image.fromarray(np.full((200, 300, 3), (90, 140, 200), np.uint8)).save(folder / "other-plain.png")
    _letters().save(folder / "other-letters.png")
    _tree().save(folder / "other-tree.jpg")
    whole = (folder / "good-01.jpg").read_bytes()
    (folder / "broken.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("Found at a flea market.")
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 32
    return {
        kind: {name for name in names if name.startswith(kind)} for kind in ("good", "two", "blurred", "dark", "other")
    }


def _beside(one: Image.Image, other: Image.Image) -> Image.Image:
    picture = Image.new("RGB", (2 * SIDE + 20, SIDE), "white")
    picture.paste(one, (0, 0))
    picture.paste(other, (SIDE + 20, 0))
    return picture


def _noise() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)


def _letters() -> Image.Image:
    picture = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(picture).multiline_text((20, 20), "To be sold:\nfour heads,\none hat", fill="black", font_size=40)
    return picture


def _tree() -> Image.Image:
    picture = Image.new("RGB", (240, 320), (170, 210, 240))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 260, 240, 320), fill=(90, 130, 60))
    draw.rectangle((108, 170, 132, 270), fill=(100, 70, 40))
    draw.polygon([(120, 30), (40, 190), (200, 190)], fill=(30, 110, 50))
    return picture


def test_from_pictures_to_a_morph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    kinds = assorted(tmp_path / "my-photos")
    assert run(["data", "prepare", "my-photos/", "-o", "work"]) == 0
    told = capfd.readouterr()
    assert "my-photos/broken.jpg" in told.err
    assert "my-photos/notes.txt" in told.err
    assert run(["data", "review", "work", "-o", "review.html"]) == 0
    work = Work("work")
    found = {kind: [face for face in work.faces() if Path(face.original.source).name in kinds[kind]] for kind in kinds}
    assert [face.head.of for face in found["two"]] == [2] * 8
    for kind in ("blurred", "dark", "other"):
        assert all(face.screen and face.screen.flags for face in found[kind]), kind
    assert sum(face.screen.flags == () for face in found["good"] if face.screen) >= GOOD - 3

    # A person looks at the page, and rejects one more.
    key = next(face.head.key for face in found["good"] if face.screen and not face.screen.flags)
    Path("decisions.jsonl").write_text(json.dumps({"key": key, "keep": False}) + "\n")
    assert run(["data", "review", "work", "--apply", "decisions.jsonl", "-o", "faces"]) == 0
    rows = list_dataset("faces").rows
    assert len(rows) >= GOOD - 4 + 6
    assert key not in {row["key"] for row in rows}
    assert {row["split"] for row in rows} == {"train", "validation", "test"}
    assert run(["data", "stats", "faces", "-o", "stats.html"]) == 0
    assert Path("stats.html").stat().st_size > 10_000
    small = ["--size", "32", "--steps", "6", "--batch", "8", "--latent", "8", "--set", "optimiser.schedule=constant"]
    small += ["--set", "flow.steps=0", "--set", "network.widths=[16,32,32]", "--threads", "1"]
    assert run(["train", "--data", "faces", *small, "-o", "my-model"]) == 0
    ends = ["faces/faces/000/000000.png", "faces/faces/000/000001.png"]
    assert run(["morph", *ends, "--model", "my-model", "-o", "morph.gif"]) == 0
    with Image.open("morph.gif") as morph:
        assert morph.n_frames > 10
