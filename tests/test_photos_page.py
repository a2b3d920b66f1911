"""The review page, used in a real browser as people use it: by keys, mouse and files."""

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from minifaces.arrays import Pixels
from minifaces.photos.apply import plan, read_decisions
from minifaces.photos.review import write_page
from minifaces.photos.screen import DEFECTS
from minifaces.photos.workfolder import Work
from photos_work import composed, write_work

sync_api = pytest.importorskip("playwright.sync_api", reason="the page is tested with playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")

NAMES = list(DEFECTS)
FACES = 24


@pytest.fixture(scope="module")
def faces() -> Pixels:
    return composed(FACES)


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def work(faces: Pixels, tmp_path_factory: pytest.TempPathFactory) -> Work:
    """Two heads in each original. Faces 3 and 10 have a flag; 7 repeats 5, and 9 repeats 5 too."""
    screens: list[dict[str, object]] = [{"scores": dict.fromkeys(NAMES, 0.01 * i)} for i in range(FACES)]
    screens[3] = {"scores": {NAMES[0]: 0.97}, "flags": [NAMES[0]]}
    screens[10] = {"scores": {NAMES[0]: 0.01, NAMES[1]: 0.99}, "flags": [NAMES[1]]}
    screens[7] |= {"flags": ["duplicate"], "duplicate_of": 5}
    screens[9] |= {"flags": ["duplicate"], "duplicate_of": 5}
    return write_work(tmp_path_factory.mktemp("page") / "work", faces, screens, heads=2)


@pytest.fixture(scope="module")
def file(work: Work) -> Path:
    path = work.folder / "review.html"
    assert write_page(path, work) == (FACES, FACES)
    return path


@pytest.fixture
def page(browser: "sync_api.Browser", file: Path) -> Iterator["sync_api.Page"]:
    """The page from disk, without a network and without pickers, which no test can click."""
    yield from opened(browser, file.as_uri())


def opened(browser: "sync_api.Browser", address: str, **options: object) -> Iterator["sync_api.Page"]:
    context = browser.new_context(offline=address.startswith("file:"), **options)  # type: ignore[arg-type]
    context.add_init_script("delete window.showOpenFilePicker; delete window.showSaveFilePicker;")
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("request", lambda r: problems.append(r.url) if r.url[:5] not in ("file:", "data:", address[:5]) else None)
    page.goto(address)
    page.wait_for_selector(".tile.current")
    yield page
    context.close()
    assert not problems


def press(page: "sync_api.Page", keys: str) -> None:
    for key in keys.split():
        page.keyboard.press(key)


def downloaded(page: "sync_api.Page", path: Path) -> list[dict[str, object]]:
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "decisions.jsonl"
    download.value.save_as(path)
    return [json.loads(line) for line in path.read_text().splitlines()]


def keys_of(work: Work) -> list[str]:
    return [face.head.key for face in work.faces()]


def shown(page: "sync_api.Page") -> list[int]:
    """The numbers of all faces in the list, in its order; they all are in sight of a high window."""
    tiles = page.locator(".tile").evaluate_all("ts => ts.map(t => [+t.ariaPosInSet, +t.id.slice(5)])")
    return [number for _, number in sorted(tiles)]


def test_the_most_suspicious_come_first_with_their_reasons(page: "sync_api.Page", work: Work) -> None:
    page.set_viewport_size({"width": 1280, "height": 2000})
    page.wait_for_function(f"document.querySelectorAll('.tile').length === {FACES}")
    order = shown(page)
    assert set(order[:4]) == {3, 10, 7, 9}
    assert order[4] == max(set(range(FACES)) - {3, 10, 7, 9})
    assert len(order) == FACES
    first = page.locator(".tile.current")
    assert f"{0.97:.2f}" in first.inner_text() or f"{0.99:.2f}" in first.inner_text()
    detail = page.locator("#detail")
    assert "rejected by the screening" in detail.inner_text()
    assert detail.locator("tr.over").count() == 1
    assert work.folder.name in page.title()
    for picture in ("#face", "#original"):
        assert page.locator(picture).evaluate("async i => { await i.decode(); return i.naturalWidth; }") > 0


def test_keys_decide_undo_and_go_on(page: "sync_api.Page", work: Work, tmp_path: Path) -> None:
    keys = keys_of(work)
    page.locator("#order").select_option("found")
    press(page, "k r n x k u")  # keeps 0, rejects 1, leaves 2, rejects 3, keeps 4 and takes that back
    assert page.locator(".tile.current").get_attribute("id") == "tile-4"
    assert page.locator("#counts").inner_text().startswith(f"3/{FACES} decided")
    rows = downloaded(page, tmp_path / "decisions.jsonl")
    assert [(row["key"], row["keep"]) for row in rows] == [(keys[0], True), (keys[1], False), (keys[3], False)]
    assert all(row["time"] for row in rows)
    assert list(read_decisions(tmp_path / "decisions.jsonl")) == [keys[0], keys[1], keys[3]]
    press(page, "u u u")
    assert page.locator("#counts").inner_text().startswith("0/")
    assert page.get_by_role("button", name="Undo").is_disabled()


def test_mouse_and_filters(page: "sync_api.Page") -> None:
    page.locator("#order").select_option("found")
    page.locator("#tile-2").click()
    page.get_by_role("button", name="Reject").click()
    page.locator("#tile-3").click()
    page.get_by_role("button", name="Keep").click()
    page.locator("#show").select_option("rejected")
    assert shown(page) == [2, 7, 9, 10]
    page.locator("#show").select_option(f"defect-{NAMES[0]}")
    assert shown(page) == [3]
    page.locator("#show").select_option("undecided")
    assert 2 not in shown(page)
    page.locator("#show").select_option("defect-duplicate")
    page.get_by_role("button", name="Go to it").click()
    assert page.locator(".tile.current").get_attribute("id") == "tile-5"
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.locator("#letters").uncheck()
    page.get_by_role("button", name="Close").click()
    press(page, "k k")
    assert page.locator("#counts").inner_text().startswith("2/")


def test_decisions_outlive_the_page(browser: "sync_api.Browser", file: Path, work: Work, tmp_path: Path) -> None:
    for page in opened(browser, file.as_uri()):
        page.locator("#order").select_option("found")
        press(page, "r k u")
        page.reload()
        page.wait_for_selector(".tile.current")
        rows = downloaded(page, tmp_path / "own.jsonl")
        assert [(row["key"], row["keep"]) for row in rows] == [(keys_of(work)[0], False)]


def test_a_file_is_continued(page: "sync_api.Page", work: Work, tmp_path: Path) -> None:
    keys = keys_of(work)
    elsewhere = "0123456789abcdef-0"
    earlier = tmp_path / "earlier.jsonl"
    lines = [(keys[1], True), (keys[1], False), (elsewhere, True)]
    earlier.write_text("".join(json.dumps({"key": key, "keep": keep}) + "\n" for key, keep in lines))
    page.locator("#order").select_option("found")
    press(page, "k")
    page.locator("#file").set_input_files(earlier)
    page.get_by_text("continued from earlier.jsonl").wait_for()
    assert page.locator("#tile-1.rejected").count() == 1
    rows = downloaded(page, tmp_path / "later.jsonl")
    assert {row["key"]: row["keep"] for row in rows} == {keys[1]: False, elsewhere: True, keys[0]: True}
    (tmp_path / "bad.jsonl").write_text('{"key": "a"}\n')
    page.locator("#file").set_input_files(tmp_path / "bad.jsonl")
    page.get_by_text("bad.jsonl: line 1 is not a decision").wait_for()


def test_the_work_folder_s_decisions_are_continued(
    browser: "sync_api.Browser", work: Work, tmp_path: Path, faces: Pixels
) -> None:
    copy = Work(shutil.copytree(work.folder, tmp_path / "copy"))
    keys = keys_of(copy)
    copy.decisions_list.write_text(json.dumps({"key": keys[0], "keep": False, "time": "2026-01-01"}) + "\n")
    write_page(tmp_path / "page.html", copy, limit=4)
    for page in opened(browser, (tmp_path / "page.html").as_uri()):
        # undecided ones first, and 5 and 9 with 7, which repeat each other
        assert len(faces) > page.locator(".tile").count() >= 4
        press(page, "k")
        rows = downloaded(page, tmp_path / "decisions.jsonl")
        assert rows[0] == {"key": keys[0], "keep": False, "time": "2026-01-01"}
        assert len(rows) == 2


def test_the_data_set_gets_what_the_page_says_is_kept(page: "sync_api.Page", work: Work, tmp_path: Path) -> None:
    """Also of faces that repeat each other: where the first is rejected, the next one takes its place."""
    keys = keys_of(work)
    page.set_viewport_size({"width": 1280, "height": 2000})
    page.locator("#order").select_option("found")
    rng = np.random.default_rng(5)
    for _ in range(3):
        press(page, " ".join(rng.choice(["k", "r", "n", "u", "ArrowRight", "ArrowDown"], 20)))
        page.locator("#tile-5").click()
        press(page, "r")
        page.locator("#show").select_option("kept")
        chosen = plan(work, _decisions(page, tmp_path))
        assert [key for key, _ in chosen.rows] == [keys[i] for i in shown(page)]
        page.locator("#show").select_option("all")
    assert keys[7] in [key for key, _ in chosen.rows] or page.locator("#tile-7.rejected").count() == 1


def _decisions(page: "sync_api.Page", folder: Path) -> dict:
    downloaded(page, folder / "decisions.jsonl")
    return read_decisions(folder / "decisions.jsonl")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


def test_saving_into_a_file(browser: "sync_api.Browser", file: Path, work: Work) -> None:
    """The browser's own private files stand for the one that a person would pick: they have the same handles."""
    handler = functools.partial(_Quiet, directory=str(file.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = browser.new_context()
        context.add_init_script(
            "window.showSaveFilePicker = async () =>"
            " (await navigator.storage.getDirectory()).getFileHandle('decisions.jsonl', {create: true})"
        )
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/{file.name}")
        page.locator("#order").select_option("found")
        press(page, "r")
        page.get_by_role("button", name="Save into…").click()
        page.get_by_text("saved to decisions.jsonl").wait_for()
        press(page, "k")
        page.get_by_text("(face 2) kept").wait_for()
        read = (
            "async () => (await (await (await navigator.storage.getDirectory())"
            ".getFileHandle('decisions.jsonl')).getFile()).text()"
        )
        page.get_by_text("saved to decisions.jsonl").wait_for()
        rows = [json.loads(line) for line in page.evaluate(read).splitlines()]
        assert [(row["key"], row["keep"]) for row in rows] == list(zip(keys_of(work), (False, True), strict=False))
        context.close()
        server.shutdown()


def test_thousands_of_faces_are_drawn_as_they_come_into_sight(
    browser: "sync_api.Browser", faces: Pixels, tmp_path: Path
) -> None:
    many = np.resize(faces[:, ::4, ::4], (2000, 16, 16, 3)).copy()
    many[:, 0, 0] = np.arange(2000)[:, None] // np.array([1, 16, 256]) % 256
    work = write_work(tmp_path / "many", many, [{"scores": {NAMES[0]: 0.3}}] * 2000)
    write_page(tmp_path / "page.html", work)
    for page in opened(browser, (tmp_path / "page.html").as_uri()):
        assert 10 < page.locator(".tile").count() < 200
        press(page, "End")
        page.wait_for_selector("#tile-1999.current")
        assert 10 < page.locator(".tile").count() < 200
        page.locator("#tile-1999 img").evaluate("i => i.decode()")
        press(page, "r Home")
        page.wait_for_selector("#tile-0.current")


def test_a_telephone(browser: "sync_api.Browser", file: Path) -> None:
    options = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
    for page in opened(browser, file.as_uri(), **options):
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        for name in ("Keep", "Reject", "Undo", "Next"):
            box = page.get_by_role("button", name=name).bounding_box()
            assert box
            assert box["height"] >= 44
            assert 0 <= box["x"] < box["x"] + box["width"] <= 360
        first = page.locator(".tile.current")
        number = first.get_attribute("id")
        first.tap()
        page.get_by_role("button", name="Reject").tap()
        assert page.locator(f"#{number}.rejected").count() == 1
        assert page.locator("#counts").inner_text().startswith("1/")


def test_names_cannot_break_out_of_their_place(browser: "sync_api.Browser", faces: Pixels, tmp_path: Path) -> None:
    work = write_work(tmp_path / "work", faces[:1], [{"scores": {NAMES[0]: 0.1}}])
    evil = "</script><script>document.title='broken'</script><img src=x onerror=alert(1)>.png"
    text = work.manifest.read_text().replace("photos/000.png", evil.replace('"', '\\"'))
    work.manifest.write_text(text)
    write_page(tmp_path / "page.html", work)
    for page in opened(browser, (tmp_path / "page.html").as_uri()):
        assert page.title() == "Review of work"
        assert page.locator("#name").inner_text().endswith("onerror=alert(1)>.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(browser: "sync_api.Browser", file: Path, scheme: str) -> None:
    """No violation of the WCAG rules that axe-core can check, contrast among them."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for page in opened(browser, file.as_uri(), color_scheme=scheme):
        for keys in ("r k", "?"):  # the list, then the dialog over it
            press(page, keys)
            found = axe.run(page)
            assert not found.response["violations"], found.generate_report()
            assert "color-contrast" in {rule["id"] for rule in found.response["passes"]}
