"""Make the pictures of the explorer that docs/guide/explorer.md shows, of the bundled model.

python docs/pictures/explorer.py          (needs Chromium)"""

import shutil
import tempfile
from pathlib import Path
from typing import Literal

import numpy as np
from pages import shoot
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from minifaces.evaluate.testset import composed
from minifaces.explorer.faces import gallery_faces
from minifaces.explorer.output import export_single
from minifaces.explorer.site import site_files
from minifaces.studio.model import Model

HERE = Path(__file__).resolve().parent
Scheme = Literal["light", "dark"]
MORPH = "morph?face=3626bp01/front&face=3626bp05/front&face=3626bp03/front&t=0.75"
SHOTS: dict[str, tuple[str, Scheme]] = {
    "morph": (MORPH, "light"),
    "invent": ("invent?seed=7", "light"),
    "edit": ("edit?face=3626cph1/back&eyewear=1&smile=1&turn=0.8", "dark"),
    "photo": ("photo", "light"),
    "grid": ("map?layout=grid&face=3626bpb1/front", "dark"),
    "avatar": ("avatar?text=Kim&friend=Emma", "light"),
}
NARROW: tuple[tuple[str, Scheme], ...] = (
    ("map?face=3626bp03/front", "light"),
    ("edit?face=3626cph1/back&smile=1&turn=-0.8", "dark"),
    ("invent?seed=40", "light"),
)
SEEN = 22  # of the unseen designs, the one whose picture is dropped into the page
GAP = 20  # pixels between telephones
SMALL: dict[str, int] = {"quality": 88, "method": 6}  # of WebP: each model's pictures stay in the history


def opened(browser: Browser, link: str, scheme: Scheme, width: int, height: int) -> Page:
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce")
    page.goto(link)
    while not page.evaluate("'explorer' in globalThis"):
        page.wait_for_timeout(50)
    page.evaluate("explorer.ready")
    page.wait_for_timeout(2000 if "invent" not in link else 9000)  # a wall is filled face by face
    return page


def main() -> None:
    model = Model.bundled()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        folder = Path(scratch)
        html, photo = folder / "faces.html", folder / "photo.png"
        export_single(site_files(model, gallery_faces(model)), html)
        Image.fromarray(composed(model.image_size, "test", 1).pictures[SEEN]).save(photo)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        at = html.as_uri() + "#/"
        shoot(opened(browser, at + "map?face=3626bp03/front", "light", 1200, 760), HERE / "explorer-map.png")
        for name, (view, scheme) in SHOTS.items():
            page = opened(browser, at + view, scheme, 1200, 760)
            if name == "photo":
                page.set_input_files("input[type=file]", photo)
                page.wait_for_timeout(3000)
            page.screenshot(path=scratch + "/page.png")
            with Image.open(scratch + "/page.png") as picture:
                smaller = picture.convert("RGB").resize((900, 570), Image.Resampling.LANCZOS)
                smaller.save(HERE / f"explorer-{name}.webp", **SMALL)
        telephones = []
        for i, (view, scheme) in enumerate(NARROW):
            path = folder / f"{i}.png"
            opened(browser, at + view, scheme, 360, 740).screenshot(path=path)
            with Image.open(path) as picture:
                telephones.append(
                    np.pad(np.asarray(picture.convert("RGB")), ((0, 0), (0, GAP), (0, 0)), constant_values=200)
                )
        beside = Image.fromarray(np.concatenate(telephones, 1)[:, :-GAP])
        beside.save(HERE / "explorer-narrow.webp", **SMALL)
        browser.close()


if __name__ == "__main__":
    main()
