"""How quick and how large the explorer is, in the distribution's headless Chromium: the table of docs/explorer.md.

    python benchmarks/explorer.py [--faces 4000 --faces 20000] [--sites FOLDER]

Every figure is measured in this run. The site is served by Python's http.server, each measurement in a browser
that has nothing in its cache, drawing in software (SwiftShader), decoding on one thread. Maps of many faces are of
faces decoded half-way between two of the gallery; laying out 20,000 takes minutes, and `--sites` keeps them."""

import contextlib
import functools
import math
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from minifaces.explorer.faces import MapFaces, gallery_faces
from minifaces.explorer.output import export_single, export_site
from minifaces.explorer.preview import preview
from minifaces.explorer.site import site_files
from minifaces.studio.model import Model
from shared import command_line

ROOT = Path(__file__).parents[1]
CHROMIUM = "/usr/bin/chromium"
SOFTWARE = ("--enable-unsafe-swiftshader", "--use-angle=swiftshader")
PICTURES = 4000  # different ones; more faces repeat them, with latents of their own
TIMES = """async ([count, lane]) => {
  const latents = await Promise.all([...Array(32).keys()].map(i => explorer.latentOf(i * 7 % explorer.gallery.length)))
  const times = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    await explorer.decodeLatest(lane, [latents[i % 32]])
    times.push(performance.now() - start)
  }
  return times
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Python's static file server, without its log."""

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SOFTWARE))
        yield browser
        browser.close()


def crowd(model: Model, count: int) -> MapFaces:
    """Faces between faces of the gallery."""
    rng = np.random.default_rng(0)
    known = model.gallery.latents
    pairs = rng.integers(0, len(known), (count, 2))
    share = rng.uniform(0.2, 0.8, (count, 1))
    latents = (share * known[pairs[:, 0]] + (1 - share) * known[pairs[:, 1]]).astype(np.float32)
    pictures = np.resize(model.decode(latents[:PICTURES]), (count, model.image_size, model.image_size, 3))
    names = [f"face {i}" for i in range(count)]
    return MapFaces(pictures, latents, names, [""] * count, [{}] * count, ["train"] * count, exact=False)


def opened(page: Page, address: str) -> None:
    page.goto(address)
    while not page.evaluate("'explorer' in globalThis"):
        page.wait_for_timeout(5)
    page.evaluate("explorer.exact")


def mark(page: Page, name: str) -> float:
    """When the page said that something was on the screen, in seconds since it was asked for."""
    script = f"performance.getEntriesByName('{name}')[0]?.startTime ?? null"
    for _ in range(2000):
        found = page.evaluate(script)
        if found is not None:
            return float(found) / 1000
        page.wait_for_timeout(10)
    raise SystemExit(f"the page never said {name}")


def row(what: str, measured: str, wanted: str = "") -> None:
    print(f"| {what} | {measured} | {wanted} |", flush=True)


def loading(browser: Browser, address: str) -> None:
    """First picture and first face with a cold cache, median of five, and the bytes of a visit."""
    pictures, faces = [], []
    for _ in range(5):
        context = browser.new_context()
        page = context.new_page()
        client = context.new_cdp_session(page)
        client.send("Network.enable")
        received: list[float] = []
        client.on("Network.loadingFinished", lambda event, sizes=received: sizes.append(event["encodedDataLength"]))
        opened(page, address)
        pictures.append(mark(page, "map-picture"))
        faces.append(mark(page, "face"))
        page.wait_for_timeout(500)
        visit = sum(received)
        page.evaluate("explorer.random(1n)")
        flow = sum(received) - visit
        page.evaluate("(async () => explorer.encode((await explorer.decode([await explorer.latentOf(0)]))[0]))()")
        encoder = sum(received) - visit - flow
        context.close()
    row("first picture of the map, cold cache", f"{np.median(pictures):.2f} s", "<= 1.0 s")
    row("first decoded face, cold cache", f"{np.median(faces):.2f} s", "<= 2.5 s")
    row("transfer of a visit: map and decoding", f"{visit / 1e6:.1f} MB", "<= 12 MB")
    row("more for random faces and avatars", f"{flow / 1e6:.1f} MB", "")
    row("more for photos", f"{encoder / 1e6:.1f} MB", "")


def decoding(browser: Browser, address: str) -> None:
    page = browser.new_page()
    opened(page, address)
    page.evaluate(TIMES, [30, "warm"])
    times = page.evaluate(TIMES, [400, "measured"])
    p50, p95 = np.percentile(times, [50, 95])
    row("decoding a face, asked for by the page, p50", f"{p50:.1f} ms", "<= 12 ms")
    row("decoding a face, p95", f"{p95:.1f} ms", "<= 25 ms")
    drawn = page.evaluate("""async () => {
      await explorer.random(0n)
      const start = performance.now()
      await explorer.randomMany([...Array(24).keys()].map(BigInt))
      return (performance.now() - start) / 24
    }""")
    row("a random latent, of 24", f"{drawn:.0f} ms", "")
    page.close()


MOVING = """() => new Promise(resolve => {
  const gaps = []
  let last = 0
  const count = time => {
    if (last) gaps.push(time - last)
    last = time
    if (globalThis.counting) requestAnimationFrame(count)
    else resolve(gaps)
  }
  globalThis.counting = true
  requestAnimationFrame(count)
})"""


def moving(browser: Browser, address: str, count: int) -> None:
    """Frames a second while the map is dragged about and zoomed in and out with the mouse."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    opened(page, address)
    first = mark(page, "map-picture")
    box = page.locator("canvas.map").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    for wanted in ("pan", "zoom"):
        for warm in (True, False):  # the first time, sheets come in
            page.evaluate(f"() => {{ globalThis.gaps = ({MOVING})() }}")
            for step in range(60):
                if wanted == "pan":
                    if step == 0:
                        page.mouse.down()
                    page.mouse.move(x + 150 * math.sin(step / 5), y + 100 * math.cos(step / 5) - 100)
                    if step == 59:
                        page.mouse.up()
                else:
                    page.mouse.wheel(0, -120 if step < 30 else 120)
                page.wait_for_timeout(12)
            gaps = page.evaluate("() => { globalThis.counting = false; return globalThis.gaps }")
            if not warm:
                rate = 1000 / float(np.mean(gaps))
                slow = 1000 / float(np.percentile(gaps, 95))
                row(
                    f"map of {count:,} faces, {wanted}", f"{rate:.0f} frames/s, 95 % above {slow:.0f}", ">= 30 frames/s"
                )
    row(f"map of {count:,} faces, first picture", f"{first:.2f} s", "")
    page.close()


def morphing(browser: Browser, address: str) -> None:
    """New faces a second while a morph plays, each decoded as it is shown."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    opened(page, f"{address}#morph?face=random:1&face=random:2&face=random:3&loop=1")
    page.get_by_role("button", name="Step 9 of 9").wait_for()
    page.wait_for_timeout(1000)
    page.evaluate("performance.clearMarks('morph-frame')")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(2500)  # less than a round: nothing has been shown before
    times = page.evaluate("performance.getEntriesByName('morph-frame').map(({ startTime }) => startTime)")
    rate = 1000 * (len(times) - 1) / (times[-1] - times[0])
    row("morph, decoded as it plays", f"{rate:.0f} frames/s", ">= 30 frames/s")
    page.close()


def sizes(files: dict[str, bytes], scratch: Path) -> None:
    single = export_single(files, scratch / "faces.html")
    row("the single file", f"{single / 1e6:.1f} MB", "<= 20 MB")
    with chromium() as browser:
        page = browser.new_page()
        opened(page, (scratch / "faces.html").as_uri())
        row("first decoded face of the single file, from disk", f"{mark(page, 'face'):.2f} s", "")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(scratch), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = scratch.glob("*.whl")
    row("the wheel", f"{wheel.stat().st_size / 1e6:.1f} MB", "<= 60 MB")


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--faces", type=int, action="append", help="faces of a large map; may be repeated")
    parser.add_argument("--sites", type=Path, help="where large maps are kept")
    arguments = parser.parse_args()
    model = Model.bundled()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        faces = gallery_faces(model)
        files = site_files(model, faces)
        export_site(files, scratch / "site", preview(faces))
        print("| what | measured | wanted |\n|---|---|---|")
        with served(scratch / "site") as address, chromium() as browser:
            loading(browser, address)
            decoding(browser, address)
            morphing(browser, address)
            moving(browser, address, len(model.gallery))
        for count in arguments.faces or [4000]:
            folder = (arguments.sites or scratch) / str(count)
            if not (folder / "index.html").exists():
                faces = crowd(model, count)
                export_site(site_files(model, faces), folder, preview(faces))
            with served(folder) as address, chromium() as browser:
                moving(browser, address, count)
        sizes(files, scratch)


if __name__ == "__main__":
    main()
