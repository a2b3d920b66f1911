"""The exported site as an app: what a chat shows of it, its icons, and that it opens again offline."""

import functools
import gzip
import html
import io
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page

from explorer_pages import opened, served
from minifaces import UsageError
from minifaces.cli.main import run
from minifaces.explorer import output
from minifaces.explorer.faces import MapFaces, gallery_faces
from minifaces.explorer.page import FOLDER, page_files
from minifaces.explorer.preview import SIZE, preview, various
from minifaces.explorer.site import compress, site_files
from minifaces.studio.model import Model

FACE = "(async () => (await explorer.decode([await explorer.latentOf(0)]))[0].width)()"
CACHED = """(async () => {
  const names = []
  const { length } = new URL(".", location).href
  for (const key of await caches.keys())
    for (const { url } of await (await caches.open(key)).keys()) names.push(url.slice(length))
  return names.sort()
})()"""


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture(scope="module")
def faces(tiny_model: Path) -> MapFaces:
    return gallery_faces(Model(tiny_model))


@pytest.fixture(scope="module")
def files(tiny_model: Path, faces: MapFaces) -> dict[str, bytes]:
    return site_files(Model(tiny_model), faces)


class Host(ThreadingHTTPServer):
    """Any web server: Python's. It can be ill."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.ill: tuple[str, ...] = ()
        """ends of the paths that are answered with an error of the server"""
        super().__init__(("127.0.0.1", port), functools.partial(_Handler, directory=str(folder)))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(SimpleHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        if self.server.ill and self.path.endswith(self.server.ill):
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def hosting(folder: Path, port: int = 0) -> Iterator[Host]:
    with Host(folder, port) as host:
        thread = threading.Thread(target=host.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield host
        host.shutdown()
        thread.join()


def keeps(page: Page, *wanted: str) -> list[str]:
    """What the site's worker keeps, once it keeps what is wanted, by the beginnings of names."""
    deadline = time.monotonic() + 30
    while True:
        kept: list[str] = page.evaluate(CACHED)
        if all(any(name.startswith(start) for name in kept) for start in wanted):
            return kept
        assert time.monotonic() < deadline, kept
        page.wait_for_timeout(20)


NEW_SCRIPT, NEW_DECODER = "assets/index-00000000.js", "data/decoder-00000000.bin"
EVERYTHING = (
    "index.html",
    "assets/worker",
    "data/site.bin",
    "data/decoder",
    "data/details",
    "data/latents",
    "data/faces",
)


def test_a_site_that_was_seen_opens_again_offline(
    context: BrowserContext, files: dict[str, bytes], tmp_path: Path
) -> None:
    output.export_site(files, tmp_path, b"")
    page = context.new_page()
    with hosting(tmp_path) as host:
        address = host.address
        watch = opened(page, address)
        page.evaluate(FACE)
        kept = keeps(page, *EVERYTHING)
        assert set(kept) <= {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
        assert not any(name.startswith("data/encoder") for name in kept)  # nothing that nobody asked for
    context.set_offline(True)
    for visit in (page, context.new_page()):
        visit.close()
        visit = context.new_page()
        watch = opened(visit, f"{address}?from=chat#/map")
        assert visit.evaluate(FACE) == 16
        assert visit.evaluate("performance.getEntriesByName('map-picture').length") == 1
        assert watch.complaints == []


def test_what_changes_is_asked_for_anew_and_what_is_gone_is_dropped(
    context: BrowserContext, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output.export_site(files, tmp_path, b"")
    with hosting(tmp_path) as host:
        page = context.new_page()
        opened(page, host.address)
        page.evaluate("caches.open('of another site')")
        first = keeps(page, *EVERYTHING)
        script = next(name for name in first if re.match(r"assets/index.*js", name))
        decoder = next(name for name in first if name.startswith("data/decoder"))
        # Both the page and its data are others now.
        built = {name: content.replace(script.encode(), NEW_SCRIPT.encode()) for name, content in page_files().items()}
        built[NEW_SCRIPT] = built.pop(script)
        monkeypatch.setattr(output, "page_files", lambda: built)
        description = json.loads(gzip.decompress(files["site.bin"]))
        description["parts"]["decoder"]["file"] = NEW_DECODER.removeprefix("data/")
        description["faces"]["names"][0] = "renamed"
        data = {f"data/{name}": content for name, content in files.items()}
        data[NEW_DECODER] = data.pop(decoder)
        data["data/site.bin"] = compress(json.dumps(description).encode())
        output.export_site({name.removeprefix("data/"): content for name, content in data.items()}, tmp_path, b"")
        for changed in tmp_path.rglob("*"):  # which Python's server tells by the second
            os.utime(changed, (time.time() + 2, time.time() + 2))
        later = context.new_page()
        opened(later, host.address)
        assert later.evaluate("explorer.gallery[0].name") == "renamed"
        keeps(later, NEW_DECODER, NEW_SCRIPT)
        while not later.evaluate("(async () => !!(await navigator.serviceWorker.getRegistration()).waiting)()"):
            later.wait_for_timeout(20)
        assert {script, decoder} <= {*keeps(later)}  # the older page may still want them
        page.close()
        later.close()
    context.set_offline(True)
    page = context.new_page()
    opened(page, host.address)
    assert page.evaluate(FACE) == 16
    assert page.evaluate("explorer.gallery[0].name") == "renamed"
    deadline = time.monotonic() + 30
    while {script, decoder} & {*(kept := page.evaluate(CACHED))}:
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)
    assert {*first} - {*kept} == {script, decoder}
    assert page.evaluate("caches.has('of another site')")


def test_a_server_that_is_ill_is_no_matter(context: BrowserContext, files: dict[str, bytes], tmp_path: Path) -> None:
    output.export_site(files, tmp_path, b"")
    with hosting(tmp_path) as host:
        page = context.new_page()
        opened(page, host.address)
        keeps(page, *EVERYTHING)
        host.ill = ("/", "site.bin", "sw.js")
        page = context.new_page()
        watch = opened(page, host.address)
        assert page.evaluate(FACE) == 16
        assert watch.complaints == []


def test_the_worker_leaves_other_pages_alone(context: BrowserContext, files: dict[str, bytes], tmp_path: Path) -> None:
    output.export_site(files, tmp_path / "faces", b"")
    (tmp_path / "faces" / "other").mkdir()
    (tmp_path / "faces" / "other" / "index.html").write_text("<!doctype html><title>other</title>")
    with hosting(tmp_path) as host:
        page = context.new_page()
        opened(page, f"{host.address}faces/")
        keeps(page, *EVERYTHING)
        other = context.new_page()
        for name in ("other/", "other/nothing"):
            other.goto(f"{host.address}faces/{name}")
            assert other.evaluate("!!navigator.serviceWorker.controller")
        other.wait_for_timeout(200)
        assert not [name for name in page.evaluate(CACHED) if "other" in name]


def test_a_browser_takes_it_for_an_app(context: BrowserContext, files: dict[str, bytes], tmp_path: Path) -> None:
    output.export_site(files, tmp_path, b"")
    with hosting(tmp_path) as host:
        page = context.new_page()
        watch = opened(page, host.address)
        keeps(page, *EVERYTHING)
        client = context.new_cdp_session(page)
        manifest = client.send("Page.getAppManifest")
        assert manifest["errors"] == []
        assert manifest["url"] == f"{host.address}manifest.webmanifest"
        missing = [error["errorId"] for error in client.send("Page.getInstallabilityErrors")["installabilityErrors"]]
        assert set(missing) <= {"in-incognito"}
        assert watch.complaints == []
    described = json.loads((tmp_path / "manifest.webmanifest").read_text())
    for icon in described["icons"]:
        if icon["type"] == "image/png":
            with Image.open(tmp_path / icon["src"]) as picture:
                assert icon["sizes"] == f"{picture.width}x{picture.height}"
                assert (picture.mode == "RGB") == (icon.get("purpose") == "maskable")


def test_explore_and_the_single_file_keep_nothing(
    context: BrowserContext, files: dict[str, bytes], tmp_path: Path
) -> None:
    output.export_single(files, tmp_path / "faces.html")
    with served(files) as address, hosting(tmp_path) as host:
        for place in (address, f"{host.address}faces.html"):
            page = context.new_page()
            watch = opened(page, place)
            page.wait_for_timeout(500)
            assert page.evaluate("(async () => (await navigator.serviceWorker.getRegistrations()).length)()") == 0
            assert page.evaluate("(async () => (await caches.keys()).length)()") == 0
            assert not any(re.search(r"sw\.js|manifest|preview", url) for url in watch.requests)
            assert watch.complaints == []
    assert not {"sw.js", "manifest.webmanifest", "preview.jpg"} & set(output.site(files))


def test_opened_from_disk_it_says_what_to_do(browser: Browser, files: dict[str, bytes], tmp_path: Path) -> None:
    output.export_site(files, tmp_path, b"")
    page = browser.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    assert page.locator(".unstarted").is_visible()
    assert "python -m http.server" in page.inner_text("body")
    page.close()


def test_without_scripts_it_says_so(browser: Browser, files: dict[str, bytes]) -> None:
    page = browser.new_page(java_script_enabled=False)
    with served(files) as address:
        page.goto(address)
        assert page.locator("noscript p").is_visible()
        assert not page.locator(".unstarted").is_visible()
    page.close()


def test_neither_shows_while_the_page_loads(browser: Browser, files: dict[str, bytes]) -> None:
    page = browser.new_page()
    held: list[Any] = []
    with served(files) as address:
        page.route("**/assets/*.js", lambda route: held.append(route))
        page.goto(address, wait_until="commit")
        page.wait_for_timeout(1000)
        assert held
        assert not page.locator(".unstarted").is_visible()
        assert not page.locator("noscript").is_visible()
        for route in held:
            route.continue_()
        page.locator("nav").wait_for()
        assert not page.locator(".unstarted").is_visible()
        assert page.locator(".unstarted").evaluate("line => getComputedStyle(line).display") == "none"
    page.close()
    assert "unstarted" not in output.single(files).decode().partition("<style>")[0]


@pytest.mark.parametrize("name", ["icon-192.png", "icon-512.png", "icon-app.png"])
def test_the_icons_are_the_favicon_drawn(browser: Browser, name: str) -> None:
    with Image.open(FOLDER / name) as file:
        icon = file.convert("RGBA")
    side = icon.width if file.mode == "RGBA" else round(icon.width * 0.6)
    page = browser.new_page(viewport={"width": icon.width, "height": icon.height})
    style = f"body{{margin:0}}svg{{position:absolute;inset:0;margin:auto;width:{side}px}}"
    page.set_content(f"<style>{style}</style>{(FOLDER / 'favicon.svg').read_text()}")
    drawn = Image.open(io.BytesIO(page.screenshot(omit_background=True))).convert("RGBA")
    page.close()
    ground = Image.new("RGBA", icon.size, "#f7f6f2")
    pair = [np.asarray(Image.alpha_composite(ground, picture)).astype(int) for picture in (icon, drawn)]
    assert np.abs(pair[0] - pair[1]).mean() < 0.5


def told(page: bytes) -> dict[str, str]:
    """The page's tags for chats, by name."""
    return dict(re.findall(r'<meta (?:property|name)="((?:og|twitter):[^"]+)" content="([^"]*)">', page.decode()))


def test_a_chat_finds_a_picture_and_words(files: dict[str, bytes], faces: MapFaces) -> None:
    picture = preview(faces)
    site = output.hosted(files, picture, "https://example.org/faces/")
    tags = told(site["index.html"])
    assert tags["og:url"] == "https://example.org/faces/"
    assert tags["og:image"] == "https://example.org/faces/preview.jpg"
    assert tags["twitter:card"] == "summary_large_image"
    assert {"og:title", "og:description", "og:type", "og:image:alt"} <= set(tags)
    with Image.open(io.BytesIO(site["preview.jpg"])) as image:
        assert (image.format, image.size) == ("JPEG", SIZE)
        assert (str(image.width), str(image.height)) == (tags["og:image:width"], tags["og:image:height"])
    tags = told(output.hosted(files, picture)["index.html"])
    assert tags["og:image"] == "preview.jpg"
    assert "og:url" not in tags
    assert "og:image" not in told(output.single(files))


def test_the_same_site_comes_out_for_the_same_faces(files: dict[str, bytes], faces: MapFaces, tmp_path: Path) -> None:
    picture = preview(faces)
    assert preview(faces) == picture
    for name in ("one", "two"):
        output.export_site(files, tmp_path / name, picture, "https://example.org/")
    written = [
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("one", "two")
    ]
    assert written[0] == written[1]
    assert {path.as_posix() for path in written[0]} == {*output.hosted(files, picture), ".minifaces-site"}
    listed = json.loads(written[0][Path("sw.js")].decode().splitlines()[0].removeprefix("const FILES = "))
    assert {*listed} == {*output.hosted(files, picture)} - {"sw.js"}


def test_the_preview_shows_what_there_is() -> None:
    rng = np.random.default_rng(0)
    kinds = rng.normal(0, 10, (6, 4))
    latents = (np.repeat(kinds, 50, axis=0) + rng.normal(0, 0.1, (300, 4))).astype(np.float32)
    chosen = various(latents, 6)
    assert sorted(chosen // 50) == list(range(6))
    assert various(latents[:3], 20).tolist() == [0, 1, 2]
    assert various(np.zeros((9, 4), np.float32), 4).tolist() == [0]
    assert len(various(rng.normal(0, 1, (12_000, 4)).astype(np.float32), 20)) == 20
    one = MapFaces(np.zeros((1, 16, 16, 3), np.uint8), latents[:1], ["x"], [""], [{}], ["train"], exact=True)
    with Image.open(io.BytesIO(preview(one))) as image:
        dark = (np.asarray(image.convert("L"))[:, 440:] < 30).sum()
        assert dark == pytest.approx(128**2, rel=0.02)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("https://example.org/faces/", "https://example.org/faces/"),
        ("https://example.org/faces", "https://example.org/faces/"),
        ("https://example.org", "https://example.org/"),
        ("http://localhost:8000/a/b/index.html", "http://localhost:8000/a/b/"),
        ("https://example.org/o'b&c", "https://example.org/o'b&c/"),
    ],
)
def test_an_address_ends_with_a_slash(text: str, wanted: str, files: dict[str, bytes]) -> None:
    assert output.checked_address(text) == wanted
    page = output.hosted(files, b"", wanted)["index.html"].decode()
    assert html.unescape(told(page.encode())["og:image"]) == f"{wanted}preview.jpg"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "example.org/faces/",
            "//example.org/",
            "ftp://example.org/",
            "https://",
            "https:///faces",
            "javascript:1",
        ),
        *("https://example.org/?x", "https://example.org/#map", "https://me:word@example.org/", "https://a b/"),
        *("https://example.org:port/", "https://example.org:99999/", "https://example.org/\n", "https://[::1/"),
    ],
)
def test_what_is_no_address_is_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="wanted as in https://example"):
        output.checked_address(text)
    assert run(["export-site", "-o", str(tmp_path / "site"), "--url", text]) == 2
    assert "--url" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


def test_the_command_tells_the_address(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["export-site", "-o", str(tmp_path / "site"), "--model", str(tiny_model)]
    assert run([*arguments, "--url", "https://example.org/faces"]) == 0
    tags = told((tmp_path / "site" / "index.html").read_bytes())
    assert tags["og:image"] == "https://example.org/faces/preview.jpg"
    assert run([*arguments, "--single-file", "--url", "https://example.org/"]) == 2
    assert "--url" in capsys.readouterr().err
