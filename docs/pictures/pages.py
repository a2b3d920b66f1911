"""Make the pictures of pages that docs/guide/photos.md shows: composed faces, some with faults, prepared and reviewed.

python docs/pictures/pages.py          (needs Chromium)"""

import shutil
import tempfile
from contextlib import chdir
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter
from playwright.sync_api import Page, sync_playwright

from minifaces.cli.main import run
from minifaces.dataset import write_dataset
from minifaces.ldraw.composed import composed_faces

HERE = Path(__file__).resolve().parent


def photos(folder: Path) -> None:
    """97 pictures: most good, others blurred, dark, bright, tinted, cut off, small, repeated or two heads wide."""
    folder.mkdir()
    faces = [Image.fromarray(face) for face, _ in composed_faces(96, 256, recombined=0, seed=12)]
    for number, face in enumerate(faces):
        made = {
            3: lambda f: f.filter(ImageFilter.GaussianBlur(5)),
            9: lambda f: ImageEnhance.Brightness(f).enhance(0.3),
            15: lambda f: ImageEnhance.Brightness(f).enhance(2.2),
            21: lambda f: Image.merge("RGB", [b.point([int(v * g) for v in range(256)]) for b, g in _tint(f)]),
            27: lambda f: f.crop((90, 0, 256, 256)),
            33: lambda f: f.resize((40, 40)),
            39: lambda f: _beside(f, faces[0]),
            45: lambda f: _again(f),
        }.get(number % 48, lambda f: f)(face)
        made.save(folder / f"head-{number:03}.jpg", quality=88)
    _again(faces[5]).save(folder / "head-005-again.jpg", quality=70)


def _tint(face: Image.Image) -> list[tuple[Image.Image, float]]:
    return list(zip(face.split(), (1.0, 0.75, 0.45), strict=True))


def _beside(one: Image.Image, other: Image.Image) -> Image.Image:
    return Image.fromarray(np.concatenate([np.asarray(one), np.asarray(other)], axis=1))


def _again(face: Image.Image) -> Image.Image:
    return face.resize((180, 180))


def shoot(page: Page, path: Path, whole: bool = False) -> None:
    page.wait_for_timeout(400)
    with tempfile.NamedTemporaryFile(suffix=".png") as scratch:
        page.screenshot(path=scratch.name, full_page=whole)
        with Image.open(scratch.name) as picture:  # few colours: a fifth of the size
            picture.convert("RGB").quantize(192, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch, chdir(scratch), sync_playwright() as playwright:
        photos(Path("photos"))
        assert run(["data", "prepare", "photos", "-o", "work"]) == 0
        assert run(["data", "review", "work", "-o", "review.html"]) == 0
        write_dataset("faces", composed_faces(1000, 128, seed=1))
        assert run(["data", "stats", "faces", "-o", "stats.html"]) == 0
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1120, "height": 720})
        page.goto(Path("review.html").absolute().as_uri())
        for key in ("r", "r", "r", "n"):
            page.keyboard.press(key)
        shoot(page, HERE / "review.png")
        page.goto(Path("stats.html").absolute().as_uri())
        shoot(page, HERE / "stats.png", whole=True)
        browser.close()


if __name__ == "__main__":
    main()
