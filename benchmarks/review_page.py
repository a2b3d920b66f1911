"""How large and how quick the review page is, by the number of faces on it (needs Chromium).

python benchmarks/review_page.py [--faces 500 5000]"""

import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.table import Table

from minifaces.images import resize, save_picture
from minifaces.ldraw.composed import composed_faces
from minifaces.photos.lists import Appender
from minifaces.photos.review import write_page
from minifaces.photos.workfolder import Box, Frame, Head, Original, Screen, Work
from shared import command_line

DESIGNS = 200  # different pictures; more faces repeat them
SCORES = ("not_head", "no_face", "cut_off", "angle", "blurred", "small", "dark", "bright", "colour_cast")


def work_of(folder: Path, count: int) -> Work:
    """A work folder of faces of 128 pixels in originals of 300: the page is drawn from its files alone."""
    work = Work(folder, make=True)
    faces = [face for face, _ in composed_faces(DESIGNS, 128, recombined=0, seed=4)]
    with (
        Appender(work.manifest) as manifest,
        Appender(work.heads_list) as heads,
        Appender(work.frames_list) as frames,
        Appender(work.screen_list) as screened,
    ):
        for number in range(count):
            name, box = f"{number:016x}", Box(0, 0, 300, 300)
            key, file = f"{name}-0", f"originals/{name[-2:]}/{name}.jpg"
            save_picture(folder / file, resize(faces[number % DESIGNS], 300, 300))
            save_picture(work.face_path(key), faces[number % DESIGNS])
            manifest.add([Original(id=name, file=file, source=f"photos/{name}.jpg", found="", width=300, height=300)])
            heads.add([Head(id=name, index=0, of=1, box=box)])
            frames.add([Frame(key=key, head=Box(30, 15, 270, 285), sure=0.9)])
            scores = {defect: (number * (7 + i) % 89) / 200 for i, defect in enumerate(SCORES)}
            screened.add([Screen(key=key, scores=scores)])
    return work


def used(browser: Browser, page_file: Path) -> tuple[float, float, float]:
    """Seconds until the page shows its first faces, milliseconds a decision, and milliseconds to the list's end."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    start = time.perf_counter()
    page.goto(page_file.as_uri())
    page.wait_for_selector(".tile.current")
    opened = time.perf_counter() - start
    decisions = []
    for _ in range(30):
        start = time.perf_counter()
        page.keyboard.press("k")
        page.evaluate("new Promise(requestAnimationFrame)")
        decisions.append(1e3 * (time.perf_counter() - start))
    start = time.perf_counter()
    page.keyboard.press("End")
    page.evaluate("document.querySelector('.tile.current img').decode()")
    end = 1e3 * (time.perf_counter() - start)
    page.close()
    return opened, statistics.median(decisions), end


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--faces", type=int, nargs="+", default=[500, 5000])
    counts = parser.parse_args().faces
    table = Table("faces", "MB", "written in", "opened in", "a decision", "to the end")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for count in counts:
            folder = Path(scratch, str(count))
            work, page = work_of(folder, count), folder / "review.html"
            start = time.perf_counter()
            write_page(page, work)
            written = time.perf_counter() - start
            opened, decision, end = used(browser, page)
            megabytes = page.stat().st_size / 1e6
            table.add_row(
                f"{count:,}",
                f"{megabytes:.1f}",
                f"{written:.1f} s",
                f"{opened:.2f} s",
                f"{decision:.0f} ms",
                f"{end:.0f} ms",
            )
        browser.close()
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
