"""The explorer's views in a real Chromium: what a person does there, what the address says, and who can use it."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from explorer_pages import Watch, launched, opened, served
from minifaces.explorer.faces import gallery_faces
from minifaces.explorer.site import site_files
from minifaces.studio.model import Model

VIEWS = ("map", "map?layout=grid&q=zero", "map?face=d0004/front", "morph", "invent", "edit", "photo", "avatar", "how")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Model:
    return Model(tiny_model)


@pytest.fixture(scope="module")
def address(model: Model) -> Iterator[str]:
    with served(site_files(model, gallery_faces(model))) as address:
        yield address


class Visit:
    """A page, and what it did behind one's back."""

    def __init__(self, page: Page, watch: Watch, address: str) -> None:
        self.page, self.watch, self.address = page, watch, address

    def go(self, place: str) -> None:
        self.page.evaluate("place => { location.hash = place }", place)
        self.page.wait_for_timeout(100)

    def hash(self) -> str:
        return str(self.page.evaluate("decodeURIComponent(location.hash)"))

    def pixels(self, selector: str) -> np.ndarray:
        """What a canvas shows, (H, W, 3)."""
        script = """canvas => {
          const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true })
          copy.drawImage(canvas, 0, 0)
          return [...copy.getImageData(0, 0, canvas.width, canvas.height).data]
        }"""
        data = np.array(self.page.locator(selector).first.evaluate(script), np.uint8)
        size = round((len(data) / 4) ** 0.5)
        return data.reshape(size, size, 4)[..., :3]


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    visit = Visit(page, opened(page, address), address)
    yield visit
    page.close()
    assert visit.watch.complaints == []
    assert all(url.startswith((address, "blob:", "data:")) for url in visit.watch.requests)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_everybody_can_use_every_view(browser: Browser, address: str, scheme: Any, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 760}, color_scheme=scheme, reduced_motion="reduce")
    visit = Visit(page, opened(page, address), address)
    for view in VIEWS:
        visit.go(view)
        page.wait_for_timeout(400)
        found = Axe().run(page)
        problems = [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found.response["violations"]]
        assert not problems, (view, problems)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
    page.close()
    assert visit.watch.complaints == []


def test_a_face_is_searched_chosen_and_linked(browser: Browser, visit: Visit, model: Model) -> None:
    page = visit.page
    page.get_by_role("searchbox", name="Search").fill("digit zero")
    zeros = model.gallery.search(["digit", "zero"])
    expect(page.locator(".found .count")).to_have_text(f"{len(zeros)} of {len(model.gallery)} faces")
    assert page.locator(".found .thumbnail").count() == len(zeros)
    page.locator(".found .thumbnail").first.click()
    name = model.gallery.entries[zeros[0]].name
    expect(page.locator(".panel h2")).to_have_text(name)
    expect(page.locator(".panel .thumbnail")).to_have_count(8)
    page.wait_for_timeout(400)
    assert "q=digit zero" in visit.hash().replace("+", " ")
    assert f"face={name}" in visit.hash()
    made = visit.pixels(".panel figure:nth-of-type(2) canvas").astype(int)
    assert np.abs(made - model.decode(model.gallery.latents[zeros[0]])[0]).max() <= 1
    # The link shows the same.
    again = browser.new_page()
    opened(again, page.url)
    expect(again.locator(".panel h2")).to_have_text(name)
    expect(again.locator(".found .thumbnail")).to_have_count(len(zeros))
    again.close()


def test_the_map_is_moved_by_keys_wheel_and_mouse(visit: Visit) -> None:
    page = visit.page
    room = page.locator(".map-room")
    page.locator("canvas.map").focus()
    for key in ("+", "+", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    page.wait_for_timeout(400)
    x, y, near = map(float, re.findall(r"at=([\d.]+),([\d.]+),([\d.]+)", visit.hash())[0])
    assert near == pytest.approx(1.5625, abs=0.01)
    assert x > 0.5
    assert y > 0.5
    box = room.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -200)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 - 80, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    page.wait_for_timeout(400)
    moved = re.findall(r"at=([\d.]+),([\d.]+),([\d.]+)", visit.hash())[0]
    assert float(moved[0]) > x
    assert float(moved[2]) > near
    page.locator("canvas.map").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".panel h3")).to_have_text("Nearest")
    page.keyboard.press("Escape")
    expect(page.locator(".panel h2")).to_have_text("Between the faces")


def test_two_fingers_zoom_the_map(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    watch = opened(page, address)
    page.locator(".map-room").scroll_into_view_if_needed()
    box = page.locator(".map-room").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    hand = page.context.new_cdp_session(page)
    for kind, apart in (("touchStart", 20), ("touchMove", 40), ("touchMove", 60), ("touchEnd", 0)):
        fingers = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}] if apart else []
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    page.wait_for_timeout(400)
    place = page.evaluate("decodeURIComponent(location.hash)")
    at_x, at_y, near = map(float, re.findall(r"at=([\d.]+),([\d.]+),([\d.]+)", place)[0])
    assert near == pytest.approx(3, rel=0.1)  # as much as the fingers went apart
    assert (at_x, at_y) == (pytest.approx(0.5, abs=0.02), pytest.approx(0.5, abs=0.02))
    assert watch.complaints == []
    page.close()


def test_what_lies_between_is_decoded_under_the_pointer(visit: Visit) -> None:
    page = visit.page
    page.wait_for_timeout(300)
    box = page.locator(".map-room").bounding_box()
    assert box
    seen = []
    for share in (0.02, 0.98):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + share * box["height"])
        page.wait_for_timeout(250)
        seen.append(visit.pixels(".panel .pair canvas"))
    assert np.abs(seen[0].astype(int) - seen[1]).max() > 20


def test_a_lasso_gives_the_mean(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("button", name="Lasso").click()
    box = page.locator(".map-room").bounding_box()
    assert box
    # The corners are round: a press in the very corner would not be one on the map.
    left, top, right, bottom = box["x"] + 8, box["y"] + 8, box["x"] + box["width"] - 8, box["y"] + box["height"] - 8
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(x, y, steps=3)
    page.mouse.up()
    expect(page.locator(".panel h2")).to_have_text("The mean of 30")
    assert "face=z:" in visit.hash()


def test_attributes_and_colours_narrow_the_map(visit: Visit, model: Model) -> None:
    page = visit.page
    page.get_by_label("With").select_option("round")
    count = len(model.gallery.search(attribute="round"))
    expect(page.locator(".found .count")).to_have_text(f"{count} of 30 faces")
    page.get_by_label("With").select_option("-round")
    expect(page.locator(".found .count")).to_have_text(f"{30 - count} of 30 faces")
    page.get_by_label("With").select_option("")
    page.get_by_label("Layout").select_option("grid")
    page.wait_for_timeout(700)
    assert visit.hash() == "#/map?layout=grid"


def test_a_morph_is_laid_played_and_kept(visit: Visit, model: Model) -> None:
    page = visit.page
    visit.go("morph?face=d0001/front&face=random:7&t=0")
    expect(page.locator(".strip .thumbnail")).to_have_count(9)
    page.wait_for_timeout(400)
    assert np.abs(visit.pixels(".stage > canvas").astype(int) - model.decode(model.gallery.latents[1])[0]).max() <= 1
    wanted = model.morph(model.gallery.latents[1], model.sample_latents(1, 7)[0], steps=90)
    strip = visit.pixels(".strip .thumbnail:nth-child(9) canvas").astype(int)
    assert np.abs(strip - wanted[-1]).max() <= 1
    page.get_by_label("Place").fill("1")
    page.wait_for_timeout(300)
    assert "t=1.000" in visit.hash()
    page.get_by_label("Path").select_option("geodesic")
    page.wait_for_timeout(600)
    assert "path=geodesic" in visit.hash()
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Pause").click()
    for name, kind, frames in (("GIF", "GIF", 178), ("WebP", "WEBP", 178), ("Strip", "PNG", 1)):
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        image = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
        assert (image.format, getattr(image, "n_frames", 1)) == (kind, frames)
        image.seek(frames - 1)
        assert np.asarray(image.convert("RGB")).shape[0] == model.image_size
    page.get_by_text("Add a face").click()
    page.get_by_role("button", name="Random face").click()
    expect(page.locator(".stops li")).to_have_count(3)
    page.get_by_role("button", name="Remove face 1").click()
    expect(page.locator(".stops li")).to_have_count(2)
    assert "d0001" not in visit.hash()


def test_a_video_is_recorded(visit: Visit) -> None:
    visit.go("morph?face=d0001/front&face=d0002/front")
    visit.page.wait_for_timeout(400)
    with visit.page.expect_download(timeout=60_000) as download:
        visit.page.get_by_role("button", name="Video").click()
    assert download.value.suggested_filename in ("morph.mp4", "morph.webm")
    assert Path(download.value.path()).stat().st_size > 1000


def test_invented_faces_have_seeds_and_relatives(visit: Visit, model: Model) -> None:
    page = visit.page
    visit.go("invent?seed=5")
    page.wait_for_timeout(500)
    expect(page.locator(".wall .thumbnail")).to_have_count(24)
    made = visit.pixels(".wall .thumbnail:nth-child(3) canvas").astype(int)
    assert np.abs(made - model.sample(1, seed=7)[0]).max() <= 1
    page.locator(".wall .thumbnail").nth(2).click()
    expect(page.locator(".side h2")).to_have_text("Seed 7")
    assert "face=random:7" in visit.hash()
    page.get_by_role("button", name="More like this one").click()
    page.wait_for_timeout(500)
    assert "like=random:7" in visit.hash()
    relative = visit.pixels(".wall .thumbnail:nth-child(1) canvas").astype(int)
    assert 1 < np.abs(relative - made).mean() < 60


def test_edits_are_pythons_and_are_undone(visit: Visit, model: Model) -> None:
    page = visit.page
    visit.go("edit?face=d0001/front&round=1.5")
    page.wait_for_timeout(400)
    wanted = model.decode(model.edit(model.gallery.latents[1], {"round": 1.5}))[0]
    assert np.abs(visit.pixels(".stage > canvas").astype(int) - wanted).max() <= 1
    page.get_by_label("Straight").fill("2")
    page.wait_for_timeout(300)
    assert "straight=2.00" in visit.hash()
    page.get_by_role("button", name="Undo").click()
    page.wait_for_timeout(300)
    assert "straight" not in visit.hash()
    assert np.abs(visit.pixels(".stage > canvas").astype(int) - wanted).max() <= 1
    page.get_by_role("button", name="Redo").click()
    page.wait_for_timeout(300)
    assert "straight=2.00" in visit.hash()
    page.keyboard.press("Control+z")
    page.wait_for_timeout(300)
    assert "straight" not in visit.hash()
    page.get_by_role("button", name="Reset").click()
    page.wait_for_timeout(300)
    assert visit.hash() == "#/edit?face=d0001/front"


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("map?face=d0001/front&at=0.6,0.4,3", ".panel figure:nth-of-type(2) canvas"),
        ("morph?face=d0001/front&face=random:7&face=avatar:Ada&path=slerp&loop=1&t=0.3", ".stage > canvas"),
        ("invent?seed=5&temperature=0.5&face=random:9", ".side > canvas"),
        ("edit?face=random:7&round=1.5", ".stage > canvas"),
        ("avatar?text=Ada", ".stage > canvas"),
    ],
)
def test_a_link_shows_the_same_to_whoever_opens_it(browser: Browser, visit: Visit, place: str, shown: str) -> None:
    visit.go(place)
    expect(visit.page.locator(shown).first).to_be_visible()
    visit.page.wait_for_timeout(500)
    again = Visit(browser.new_page(viewport=visit.page.viewport_size), visit.watch, visit.address)
    opened(again.page, visit.page.url)
    expect(again.page.locator(shown).first).to_be_visible()
    again.page.wait_for_timeout(500)
    assert again.pixels(shown).std() > 10
    assert np.array_equal(again.pixels(shown), visit.pixels(shown))
    assert again.hash() == visit.hash()
    again.page.close()


def test_every_view_is_reached_by_keys_alone(visit: Visit) -> None:
    page = visit.page
    page.keyboard.press("Tab")
    expect(page.get_by_text("To the content")).to_be_focused()
    for name in ("Map", "Morph", "Invent", "Edit", "Photo", "Avatar", "How it works"):
        page.keyboard.press("Tab")
        link = page.get_by_role("link", name=name, exact=True).first
        expect(link).to_be_focused()
        page.keyboard.press("Enter")
        expect(link).to_have_attribute("aria-current", "page")
        assert page.title() == f"{name} · minifaces"


HAND_OVER = """([kind, data]) => {
  const files = new DataTransfer()
  files.items.add(new File([Uint8Array.from(data)], "face.png", { type: "image/png" }))
  const shared = { bubbles: true, cancelable: true }
  const event = kind === "drop"
    ? new DragEvent(kind, { ...shared, dataTransfer: files })
    : new ClipboardEvent(kind, { ...shared, clipboardData: files })
  document.querySelector("main").dispatchEvent(event)
}"""


@pytest.mark.parametrize("way", ["choose", "drop", "paste"])
def test_a_picture_is_taken_and_reconstructed(visit: Visit, model: Model, way: str) -> None:
    page = visit.page
    stream = io.BytesIO()
    Image.fromarray(model.gallery.thumbnails[3]).save(stream, "PNG")
    if way == "choose":
        visit.go("photo")
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="choose a file").click()
        chooser.value.set_files({"name": "face.png", "mimeType": "image/png", "buffer": stream.getvalue()})
    else:  # in any view
        visit.go("avatar")
        page.evaluate(HAND_OVER, [way, list(stream.getvalue())])
    expect(page.locator(".side .thumbnail")).to_have_count(8)
    assert "face=z:" in visit.hash()
    near = visit.pixels(".pair figure:nth-of-type(2) canvas").astype(int)
    assert near.std() > 10
    # The link keeps what the model made of it, never the picture.
    page.reload()
    expect(page.locator(".side .thumbnail")).to_have_count(8)


def test_what_is_no_picture_is_refused_in_one_sentence(visit: Visit) -> None:
    visit.go("photo")
    with visit.page.expect_file_chooser() as chooser:
        visit.page.get_by_role("button", name="choose a file").click()
    chooser.value.set_files({"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(visit.page.locator(".said")).to_have_text("That is no picture that this browser can read.")


def test_an_avatar_is_typed(visit: Visit, model: Model) -> None:
    visit.go("avatar?text=Ada")
    visit.page.wait_for_timeout(300)
    assert np.abs(visit.pixels(".stage > canvas").astype(int) - model.avatar("Ada")).max() <= 1
    visit.page.get_by_label("A name, an address, any text").fill("Zoë O'Neil")
    visit.page.wait_for_timeout(300)
    assert np.abs(visit.pixels(".stage > canvas").astype(int) - model.avatar("Zoë O'Neil")).max() <= 1
    expect(visit.page.locator(".side code")).to_have_text("minifaces avatar 'Zoë O'\\''Neil' -o avatar.png")


def test_a_link_to_no_face_leaves_the_map_as_it_is(visit: Visit) -> None:
    visit.go("map?face=nobody")
    expect(visit.page.locator(".said")).to_have_text("There is no face called nobody.")
    expect(visit.page.locator(".panel h2")).to_have_text("Between the faces")
    assert "nobody" not in visit.hash()


@pytest.mark.parametrize("place", ["edit?face=nobody", "edit?face=z:AAAA", "morph?face=random:x&face=@99999"])
def test_a_link_that_says_nothing_is_told(visit: Visit, place: str) -> None:
    visit.go(place)
    expect(visit.page.locator(".said")).not_to_be_empty()


YELLOW = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  return data.filter((value, i) => i % 4 === 2 && value < 60).length
}"""  # faces are yellow and brown, the ground is not


def test_the_map_outlives_its_graphics_context(visit: Visit) -> None:
    visit.page.locator("canvas.map").focus()
    lose = "canvas => canvas.getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()"
    visit.page.locator("canvas.map").evaluate(lose)
    visit.page.wait_for_timeout(500)
    assert visit.page.locator("canvas.stand-in").evaluate(YELLOW) > 1000
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator(".panel h3")).to_have_text("Nearest")


def test_without_webgl_the_map_is_drawn_all_the_same(browser: Browser, address: str) -> None:
    page = browser.new_page()
    # As a browser without it answers.
    page.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        " return kind === 'webgl2' ? null : get.call(this, kind, ...rest) }"
    )
    watch = opened(page, address)
    page.wait_for_timeout(500)
    assert page.locator("canvas.map").evaluate(YELLOW) > 1000
    assert watch.complaints == []
    page.close()
