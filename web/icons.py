"""Draw the icons of public/ out of its favicon.svg, in the distribution's Chromium: python web/icons.py"""

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

PUBLIC = Path(__file__).parent / "public"
PAPER = "#f7f6f2"
# Pixels a side, and how much of them the head takes. Telephones cut the last to shapes of their own, so that it has
# a ground, and room around the head.
ICONS = {"icon-192.png": (192, 1.0, None), "icon-512.png": (512, 1.0, None), "icon-app.png": (512, 0.6, PAPER)}
PAGE = "<style>body{{margin:0;background:{ground}}}svg{{position:absolute;width:{side}px;inset:0;margin:auto}}</style>"


def main() -> None:
    logo = (PUBLIC / "favicon.svg").read_text()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        for name, (size, share, ground) in ICONS.items():
            page = browser.new_page(viewport={"width": size, "height": size})
            page.set_content(PAGE.format(ground=ground or "transparent", side=size * share) + logo)
            drawn = Image.open(io.BytesIO(page.screenshot(omit_background=True)))
            drawn.convert("RGBA" if ground is None else "RGB").save(PUBLIC / name, optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
