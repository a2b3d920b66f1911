"""How quick and how large the explorer is, in the distribution's headless Chromium: what the table of
docs/reference/explorer-page.md holds.

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
import time
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


ENCODE = """async () => {
  const [face] = await explorer.decode([await explorer.latentOf(0)])
  const times = []
  for (let i = 0; i < 30; i++) {
    const start = performance.now()
    await explorer.encode(face)
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


def visit(browser: Browser, address: str, megabits: float = 0, runs: int = 3) -> list[float]:
    """With a cold cache, medians: seconds to the first picture, the first face and until decoding is exact, and the
    bytes before the first face and of all of it."""
    found = []
    for _ in range(runs):
        page = browser.new_context().new_page()
        received = transfer(page, megabits)
        begun = time.monotonic()
        page.goto(address)
        while not page.evaluate("'explorer' in globalThis"):
            page.wait_for_timeout(5)
        face, before = mark(page, "face"), sum(received)
        page.evaluate("explorer.exact")
        exact = time.monotonic() - begun
        page.wait_for_timeout(500)
        found.append((mark(page, "map-picture"), face, exact, before, sum(received)))
        page.context.close()
    return [float(median) for median in np.median(found, axis=0)]


def transfer(page: Page, megabits: float = 0) -> list[float]:
    """The bytes of each file that comes from now on: `megabits` a second with 170 ms for each request, or unlimited."""
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    if megabits:
        rate = megabits * 1e6 / 8
        limits = {"offline": False, "latency": 170, "downloadThroughput": rate, "uploadThroughput": rate}
        client.send("Network.emulateNetworkConditions", limits)
    received: list[float] = []
    client.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    return received


def loading(browser: Browser, address: str) -> None:
    picture, face, exact, _, whole = visit(browser, address)
    row("first picture of the map, cold cache", f"{picture:.2f} s", "<= 1.0 s")
    row("first decoded face, cold cache", f"{face:.2f} s", "<= 2.5 s")
    row("decoding is exact", f"{exact:.2f} s", "")
    _, face, exact, before, _ = visit(browser, address, megabits=9)
    row("first decoded face at 9 Mbit/s and 170 ms", f"{face:.1f} s, after {before / 1e6:.1f} MB", "<= 4 s")
    row("decoding is exact at 9 Mbit/s", f"{exact:.1f} s", "")
    _, face, exact, _, _ = visit(browser, address, megabits=1.6, runs=1)
    row("first decoded face, and exact, at 1.6 Mbit/s", f"{face:.1f}, {exact:.1f} s", "")
    row("transfer of a visit: map and decoding", f"{whole / 1e6:.1f} MB", "<= 9 MB")
    page = browser.new_context().new_page()
    received = transfer(page)
    opened(page, address)
    for what, script in (("random faces and avatars", "explorer.random(1n)"), ("photos", ENCODE)):
        page.wait_for_timeout(500)
        before = sum(received)
        page.evaluate(script)
        row(f"more for {what}", f"{(sum(received) - before) / 1e6:.1f} MB", "")
    page.context.close()


def decoding(browser: Browser, address: str) -> None:
    page = browser.new_page()
    opened(page, address)
    page.evaluate(TIMES, [30, "warm"])
    times = page.evaluate(TIMES, [400, "measured"])
    p50, p95 = np.percentile(times, [50, 95])
    row("decoding a face, asked for by the page, p50", f"{p50:.1f} ms", "<= 12 ms")
    row("decoding a face, p95", f"{p95:.1f} ms", "<= 25 ms")
    first, *times = page.evaluate(ENCODE)
    row("encoding a picture; the first, with fetching", f"{np.median(times):.0f}; {first:.0f} ms", "")
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
    row("the single file", f"{single / 1e6:.1f} MB", "<= 24 MB")
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
