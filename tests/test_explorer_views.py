"""The explorer's views in a real Chromium: what a person does there, what the address says, and who can use it."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, expect

from explorer_pages import opened
from explorer_visit import Visit, png
from minifaces.studio.model import Model

VIEWS = ("map", "map?layout=grid&q=zero", "map?face=d0004/front", "morph", "invent", "edit", "photo", "avatar", "how")
VIEWS += ("mix",)  # reached from the tray


LANDING = "A small network draws these faces, here in your browser"
BETWEEN = ".panel > canvas"


@pytest.fixture
def visit(browser: Browser, toy_address: str) -> Iterator[Visit]:
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    visit = Visit(page, opened(page, toy_address), toy_address)
    yield visit
    page.close()
    assert visit.watch.complaints == []
    assert all(url.startswith((toy_address, "blob:", "data:")) for url in visit.watch.requests)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_everybody_can_use_every_view(browser: Browser, toy_address: str, scheme: Any, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 760}, color_scheme=scheme, reduced_motion="reduce")
    visit = Visit(page, opened(page, toy_address), toy_address)
    for view in VIEWS:
        visit.go(view)
        visit.until_still()
        found = Axe().run(page)
        problems = [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found.response["violations"]]
        assert not problems, (view, problems)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
    page.close()
    assert visit.watch.complaints == []


def test_a_face_is_searched_chosen_and_linked(browser: Browser, visit: Visit, toy: Model) -> None:
    page = visit.page
    page.get_by_role("searchbox", name="Search").fill("digit zero")
    zeros = toy.gallery.search(["digit", "zero"])
    expect(page.locator(".found .count")).to_have_text(f"{len(zeros)} of {len(toy.gallery)} faces")
    assert page.locator(".found .thumbnail").count() == len(zeros)
    page.locator(".found .thumbnail").first.click()
    name = toy.gallery.entries[zeros[0]].name
    expect(page.locator(".panel h2")).to_have_text(toy.gallery.entries[zeros[0]].description)
    expect(page.locator(".panel .count")).to_have_text(name)
    expect(page.locator(".panel .thumbnail")).to_have_count(8)
    page.wait_for_timeout(400)
    assert "q=digit zero" in visit.hash().replace("+", " ")
    assert f"face={name}" in visit.hash()
    made = visit.pixels(".panel figure:nth-of-type(2) canvas").astype(int)
    assert np.abs(made - toy.decode(toy.gallery.latents[zeros[0]])[0]).max() <= 1
    # The link shows the same.
    again = browser.new_page()
    opened(again, page.url)
    expect(again.locator(".panel .count")).to_have_text(name)
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
    expect(page.locator(".panel h2")).to_have_text(LANDING)


def test_two_fingers_zoom_the_map(browser: Browser, toy_address: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    watch = opened(page, toy_address)
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
        seen.append(visit.pixels(BETWEEN))
    assert np.abs(seen[0].astype(int) - seen[1]).max() > 20


def drawn_around(visit: Visit) -> None:
    """Draw around all faces of the map."""
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


def test_a_lasso_gives_the_mean(visit: Visit) -> None:
    drawn_around(visit)
    expect(visit.page.locator(".panel h2")).to_have_text("The mean of 30 faces")
    assert "face=z:" in visit.hash()


def test_attributes_and_colours_narrow_the_map(visit: Visit, toy: Model) -> None:
    page = visit.page
    page.get_by_label("With").select_option("round")
    count = len(toy.gallery.search(attribute="round"))
    expect(page.locator(".found .count")).to_have_text(f"{count} of 30 faces")
    page.get_by_label("With").select_option("-round")
    expect(page.locator(".found .count")).to_have_text(f"{30 - count} of 30 faces")
    page.get_by_label("With").select_option("")
    page.get_by_label("Layout").select_option("grid")
    page.wait_for_timeout(700)
    assert visit.hash() == "#/map?layout=grid"


def test_a_morph_is_laid_played_and_kept(visit: Visit, toy: Model) -> None:
    page = visit.page
    visit.go("morph?face=d0001/front&face=random:7&t=0")
    expect(page.locator(".strip .thumbnail")).to_have_count(9)
    page.wait_for_timeout(400)
    assert np.abs(visit.pixels(".stage > canvas").astype(int) - toy.decode(toy.gallery.latents[1])[0]).max() <= 1
    wanted = toy.morph(toy.gallery.latents[1], toy.sample_latents(1, 7)[0], steps=90)
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
        assert np.asarray(image.convert("RGB")).shape[0] == (toy.image_size if name == "Strip" else 256)
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
    assert re.fullmatch(
        r"digit-\w+-handwritten-to-digit-\w+-handwr?i?t?t?e?n?\.(mp4|webm)", download.value.suggested_filename
    )
    assert Path(download.value.path()).stat().st_size > 1000


def test_invented_faces_have_seeds_and_relatives(visit: Visit, toy: Model) -> None:
    page = visit.page
    visit.go("invent?seed=5")
    page.wait_for_timeout(500)
    expect(page.locator(".wall .thumbnail")).to_have_count(24)
    made = visit.pixels(".wall .thumbnail:nth-child(3) canvas").astype(int)
    assert np.abs(made - toy.sample(1, seed=7)[0]).max() <= 1
    page.locator(".wall .thumbnail").nth(2).click()
    expect(page.locator(".side h2")).to_have_text("Seed 7")
    assert "face=random:7" in visit.hash()
    page.get_by_role("button", name="More like this one").click()
    page.wait_for_timeout(500)
    assert "like=random:7" in visit.hash()
    relative = visit.pixels(".wall .thumbnail:nth-child(1) canvas").astype(int)
    assert 1 < np.abs(relative - made).mean() < 60


def test_edits_are_pythons_and_are_undone(visit: Visit, toy: Model) -> None:
    page = visit.page
    visit.go("edit?face=d0001/front&round=1.5")
    page.wait_for_timeout(400)
    wanted = toy.decode(toy.edit(toy.gallery.latents[1], {"round": 1.5}))[0]
    assert np.abs(visit.pixels(".bar > canvas").astype(int) - wanted).max() <= 1
    page.get_by_label("Straight", exact=True).fill("2")
    page.wait_for_timeout(300)
    assert "straight=2.00" in visit.hash()
    page.get_by_role("button", name="Undo").click()
    page.wait_for_timeout(300)
    assert "straight" not in visit.hash()
    assert np.abs(visit.pixels(".bar > canvas").astype(int) - wanted).max() <= 1
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
        ("edit?face=random:7&round=1.5", ".bar > canvas"),
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
        assert page.title().endswith(f"{name} · minifaces")


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
def test_a_picture_is_taken_and_reconstructed(visit: Visit, toy: Model, way: str) -> None:
    page = visit.page
    stream = io.BytesIO()
    Image.fromarray(toy.gallery.thumbnails[3]).save(stream, "PNG")
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
    expect(visit.page.locator(".said")).to_have_text(
        "That is no picture that this browser can read. Take a JPEG, PNG, WebP, AVIF or GIF."
    )


def test_an_avatar_is_typed(visit: Visit, toy: Model) -> None:
    visit.go("avatar?text=Ada")
    visit.page.wait_for_timeout(300)
    assert np.abs(visit.pixels(".stage > canvas").astype(int) - toy.avatar("Ada")).max() <= 1
    visit.page.get_by_label("Your name, or any text").fill("Zoë O'Neil")
    visit.page.wait_for_timeout(300)
    assert np.abs(visit.pixels(".stage > canvas").astype(int) - toy.avatar("Zoë O'Neil")).max() <= 1
    expect(visit.page.locator(".side code")).to_have_text("minifaces avatar -o avatar.png -- 'Zoë O'\\''Neil'")
    assert visit.page.get_by_label("Your name, or any text").evaluate("input => input.spellcheck") is False


def test_a_link_to_no_face_leaves_the_map_as_it_is(visit: Visit) -> None:
    visit.go("map?face=nobody")
    expect(visit.page.locator(".said")).to_have_text("There is no face called nobody.")
    expect(visit.page.locator(".panel h2")).to_have_text(LANDING)
    assert "nobody" not in visit.hash()


@pytest.mark.parametrize("place", ["edit?face=nobody", "edit?face=z:AAAA", "morph?face=random:x&face=@99999"])
def test_a_link_that_says_nothing_is_told(visit: Visit, place: str) -> None:
    visit.go(place)
    expect(visit.page.locator(".said")).not_to_be_empty()


YELLOW = """canvas => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true })
  copy.drawImage(canvas, 0, 0)
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height)
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


def test_without_webgl_the_map_is_drawn_all_the_same(browser: Browser, toy_address: str) -> None:
    page = browser.new_page()
    # As a browser without it answers.
    page.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        " return kind === 'webgl2' ? null : get.call(this, kind, ...rest) }"
    )
    watch = opened(page, toy_address)
    page.wait_for_timeout(500)
    assert page.locator("canvas.map").evaluate(YELLOW) > 1000
    # Nor does it need the engine's sheets any more.
    page.evaluate(
        "async () => { for (const level in explorer.atlas.levels) (await explorer.atlas.sheet(level, 0)).close() }"
    )
    page.locator("canvas.map").press("ArrowLeft")
    page.evaluate("() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    assert page.locator("canvas.map").evaluate(YELLOW) > 1000
    assert watch.complaints == []
    page.close()


def test_a_newer_edit_stays(visit: Visit) -> None:
    page = visit.page
    visit.go("edit?face=d0001/front")
    plain = visit.decoded("await explorer.latentOf(1)")
    visit.until_shown(".bar > canvas", plain)
    way = page.get_by_role("link", name="Morph", exact=True).last
    link = way.get_attribute("href")
    visit.hold("edit")
    page.get_by_label("Straight", exact=True).fill("2")
    page.get_by_role("button", name="Reset").click()
    visit.until_shown(".bar > canvas", plain)
    visit.release()
    assert np.abs(visit.pixels(".bar > canvas").astype(int) - plain).max() <= 1
    assert way.get_attribute("href") == link


def test_undo_in_the_middle_of_a_drag_is_undone_too(visit: Visit) -> None:
    page = visit.page
    visit.go("edit?face=d0001/front")
    slider = page.get_by_label("Straight", exact=True)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box
    at = [box["x"] + share * box["width"] for share in (0.5, 0.7, 0.9)]
    page.mouse.move(at[0], box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(at[1], box["y"] + box["height"] / 2)
    page.keyboard.press("Control+z")
    expect(slider).to_have_value("0")
    page.mouse.move(at[2], box["y"] + box["height"] / 2)
    page.mouse.up()
    expect(slider).not_to_have_value("0")
    page.get_by_role("button", name="Undo").click()
    expect(slider).to_have_value("0")


def test_a_morph_that_changes_is_not_mixed_with_what_is_kept(visit: Visit) -> None:
    page = visit.page
    visit.go("morph?face=d0001/front&face=d0002/front&t=0.5")
    faces = [visit.decoded(f"await explorer.latentOf({index})") for index in (1, 2)]
    visit.until_shown(".strip .thumbnail:nth-child(9) canvas", faces[1])
    visit.hold("decode")
    page.get_by_role("button", name="Strip", exact=True).click()
    page.get_by_role("button", name="Move face 1 back").click()
    visit.until_shown(".strip .thumbnail:nth-child(9) canvas", faces[0])
    visit.release()
    page.get_by_label("Place").fill("0")
    visit.until_shown(".stage > canvas", faces[1])
    expect(page.locator(".stage .count")).to_be_empty()


def test_a_morph_is_kept_once_it_is_there(visit: Visit) -> None:
    gif = visit.page.get_by_role("button", name="GIF")
    visit.hold("path")
    visit.go("morph?face=d0001/front&face=d0002/front")
    expect(gif).to_have_attribute("aria-disabled", "true")
    visit.release()
    expect(gif).to_have_attribute("aria-disabled", "false")
    visit.go("morph?face=d0001/front&face=nobody")
    expect(visit.page.locator(".said")).to_have_text("There is no face called nobody.")
    expect(visit.page.locator(".stage .count")).to_be_empty()
    expect(gif).to_have_attribute("aria-disabled", "true")
    visit.page.get_by_text("Add a face").click()
    visit.page.get_by_role("button", name="Random face").click()
    visit.page.get_by_role("button", name="Remove face 2").click()
    expect(visit.page.locator(".said")).to_be_empty()
    expect(gif).to_have_attribute("aria-disabled", "false")


@pytest.mark.parametrize(
    ("place", "name", "calls"),
    [("edit?face=random:7", "random", 1), ("morph?face=d0001/front&face=d0002/front&play=1", "path", 1)],
)
def test_a_view_that_was_left_does_nothing_more(visit: Visit, place: str, name: str, calls: int) -> None:
    visit.hold(name, calls)
    visit.go(place)
    visit.go("avatar?text=Ada")
    asked = """() => {
      const real = explorer.decodeLatest.bind(explorer)
      globalThis.lanes = []
      explorer.decodeLatest = (lane, latents) => (lanes.push(lane), real(lane, latents))
    }"""
    visit.page.evaluate(asked)
    visit.release()
    assert visit.hash() == "#/avatar?text=Ada"
    assert visit.page.evaluate("lanes") == []


def test_what_is_chosen_after_a_lasso_stays(visit: Visit, toy: Model) -> None:
    page = visit.page
    visit.hold("latentOf", len(toy.gallery))
    drawn_around(visit)
    page.get_by_role("searchbox", name="Search").fill("digit zero")
    page.locator(".found .thumbnail").first.click()
    name = page.locator(".panel .count").inner_text()
    visit.release()
    expect(page.locator(".panel .count")).to_have_text(name)
    assert f"face={name}" in visit.hash()


def test_a_newer_picture_stays(visit: Visit, toy: Model) -> None:
    page = visit.page
    visit.go("photo")
    visit.hold("createImageBitmap", of="globalThis")
    file = page.get_by_label("A picture file")
    file.set_input_files(png(toy.gallery.thumbnails[3]))
    file.set_input_files(png(toy.gallery.thumbnails[4]))
    expect(page.locator(".side .thumbnail")).to_have_count(8)
    framed = visit.pixels(".pair canvas")
    visit.release()
    assert np.array_equal(visit.pixels(".pair canvas"), framed)
    # Nor does one that comes late call back whoever has left.
    visit.hold("createImageBitmap", of="globalThis")
    file.set_input_files(png(toy.gallery.thumbnails[5]))
    visit.go("/how")
    visit.release()
    assert visit.hash() == "#/how"


def test_a_chosen_file_is_let_go_of_so_that_it_can_be_chosen_again(visit: Visit, toy: Model) -> None:
    """A browser tells of no change where the same file is chosen twice."""
    page = visit.page
    visit.go("edit?face=d0001/front")
    page.get_by_text("Another face").click()
    kept = []
    for _ in range(2):
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="From a picture").click()
        kept.append(page.evaluate("document.querySelector('.picker input[type=file]').files.length"))
        chooser.value.set_files(png(toy.gallery.thumbnails[3]))
        expect(page).to_have_url(re.compile("face=z"))
    assert kept == [0, 0]


def test_a_large_picture_is_shrunk_once(visit: Visit, toy: Model) -> None:
    visit.go("photo")
    visit.page.evaluate("""() => {
      const real = explorer.frame.bind(explorer)
      globalThis.sizes = []
      explorer.frame = (picture, crop) => (sizes.push([picture.width, picture.height]), real(picture, crop))
    }""")
    face = np.asarray(Image.fromarray(toy.gallery.thumbnails[3]).resize((1600, 1600)))
    photo = np.full((2000, 3000, 3), face[0, 0], np.uint8)
    photo[200:1800, 700:2300] = face
    visit.page.get_by_label("A picture file").set_input_files(png(photo))
    expect(visit.page.locator(".side .thumbnail")).to_have_count(8)
    visit.page.get_by_label("Nearer").fill("1.2")
    assert visit.page.evaluate("sizes") == [[1024, 683]] * 3


def world(visit: Visit, x: float, y: float) -> str:
    """An expression for the latent at a place of the whole map, in pixels from its room's left and top."""
    box = visit.page.locator(".map-room").bounding_box()
    assert box
    short = min(box["width"], box["height"])
    # The world is a square, drawn as long as its room, up to half as long again as it is wide.
    fits = [0.88 * short * min(1.5, whole / short) for whole in (box["width"], box["height"])]
    place = [0.5 + (x - box["width"] / 2) / fits[0], 0.5 + (y - box["height"] / 2) / fits[1]]
    return f"await explorer.latentAt('tsne', {place[0]}, {place[1]})"


def test_the_map_has_the_shape_of_its_room_and_the_grid_is_square(visit: Visit) -> None:
    page = visit.page
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": 1400, "height": 800})
    page.locator("canvas.map").focus()

    def steps() -> tuple[float, float]:
        """What an arrow's 60 pixels are in the world, across and down."""
        page.keyboard.press("0")
        visit.until(lambda: "at=" not in visit.hash())
        for key in ("ArrowRight", "ArrowDown"):
            page.keyboard.press(key)
        visit.until(lambda: "at=" in visit.hash())
        x, y, _ = re.search(r"at=([\d.]+),([\d.]+),([\d.]+)", visit.hash()).groups()  # type: ignore[union-attr]
        return float(x) - 0.5, float(y) - 0.5

    across, down = steps()
    box = page.locator(".map-room").bounding_box()
    assert box
    assert down / across == pytest.approx(min(1.5, box["width"] / box["height"]), rel=0.01)
    page.get_by_label("Layout").select_option("grid")
    page.wait_for_timeout(100)
    page.locator("canvas.map").focus()
    across, down = steps()
    assert down == pytest.approx(across, rel=0.01)


def test_what_lies_between_is_what_is_pointed_at(visit: Visit) -> None:
    page = visit.page
    shown = BETWEEN
    box = page.locator(".map-room").bounding_box()
    assert box
    middle = box["width"] / 2, box["height"] / 2
    visit.until_shown(shown, visit.decoded("await explorer.latentOf(0)"))  # before anything is pointed at
    x, y = int(box["x"]) + 20, int(box["y"]) + 20
    page.mouse.click(x, y)
    visit.until_shown(shown, visit.decoded(world(visit, x - box["x"], y - box["y"])))
    page.locator("canvas.map").press("ArrowRight")
    visit.until_shown(shown, visit.decoded(world(visit, middle[0] + 60, middle[1])))


@pytest.fixture
def touched(browser: Browser, toy_address: str) -> Iterator[tuple[Visit, Callable[..., None]]]:
    """A page for fingers, and what puts them somewhere on the map's room: kind of the event, and places."""
    page = browser.new_page(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    visit = Visit(page, opened(page, toy_address), toy_address)
    page.locator(".map-room").scroll_into_view_if_needed()
    box = page.locator(".map-room").bounding_box()
    assert box
    hand = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        fingers = [{"x": box["x"] + x, "y": box["y"] + y, "id": finger} for finger, (x, y) in enumerate(places)]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    yield visit, touch
    assert visit.watch.complaints == []
    page.close()


def test_fingers_that_move_the_map_decode_its_middle(touched: tuple[Visit, Callable[..., None]]) -> None:
    visit, touch = touched
    touch("touchStart", (150, 150))
    for x in (130, 110, 90):
        touch("touchMove", (x, 150))
    visit.until(lambda: "at=" in visit.hash())
    at = re.findall(r"at=([\d.]+),([\d.]+)", visit.hash())[0]
    touch("touchEnd")
    wanted = visit.decoded(f"await explorer.latentAt('tsne', {at[0]}, {at[1]})").astype(int)
    visit.until(lambda: bool(np.abs(visit.pixels(BETWEEN).astype(int) - wanted).mean() < 1))


def test_two_fingers_choose_nothing(touched: tuple[Visit, Callable[..., None]]) -> None:
    visit, touch = touched
    visit.go("map?layout=grid")
    box = visit.page.locator(".map-room").bounding_box()
    assert box
    x, y = box["width"] / 2, box["height"] / 2 + 20
    touch("touchStart", (x - 30, y))
    touch("touchStart", (x - 30, y), (x + 30, y))
    touch("touchEnd")
    expect(visit.page.locator(".panel h2")).to_have_text(LANDING)


def test_a_lasso_that_is_broken_off_chooses_nothing(touched: tuple[Visit, Callable[..., None]]) -> None:
    visit, touch = touched
    visit.page.get_by_role("button", name="Lasso").click()
    visit.hold("latentOf", 30)
    for kind, place in (("Start", (20, 20)), ("Move", (300, 20)), ("Move", (300, 300)), ("Move", (20, 300))):
        touch(f"touch{kind}", place)
    touch("touchCancel")
    visit.release()
    expect(visit.page.locator(".panel h2")).to_have_text(LANDING)


def test_the_map_keeps_sharp_on_another_screen(visit: Visit) -> None:
    page = visit.page
    # So flat that the map has its least height, and stays as large as it is.
    page.set_viewport_size({"width": 800, "height": 400})
    width = page.locator("canvas.map").evaluate("canvas => canvas.clientWidth")
    expect(page.locator("canvas.map")).to_have_attribute("width", str(width))
    screen = {"width": 800, "height": 401, "deviceScaleFactor": 2, "mobile": False}
    page.context.new_cdp_session(page).send("Emulation.setDeviceMetricsOverride", screen)
    expect(page.locator("canvas.map")).to_have_attribute("width", str(2 * width))


@pytest.mark.parametrize("place", ["%", "%E0%A4%A", "toString", "constructor", "__proto__"])
def test_an_address_that_means_nothing_shows_the_map(visit: Visit, place: str) -> None:
    visit.go("avatar")
    visit.go(f"/{place}")
    expect(visit.page.get_by_role("link", name="Map", exact=True)).to_have_attribute("aria-current", "page")
    expect(visit.page.locator("canvas.map")).to_be_visible()


def test_what_the_address_cannot_mean_is_left_out(visit: Visit) -> None:
    page = visit.page
    visit.go("map?colour=Purple&has=nonsense")
    expect(page.locator(".found .count")).to_have_text("30 faces")
    visit.go("map?has=-constructor")
    expect(page.locator(".found .count")).to_have_text("30 faces")
    visit.go("invent?temperature=warm&seed=1")
    expect(page.get_by_label("Temperature")).to_have_value("1")
    visit.go(f"invent?seed={2**128 - 1}")
    expect(page.locator(".wall .thumbnail").first).to_have_attribute("aria-label", f"Face of seed {2**128 - 1}")
    expect(page.locator(".wall .thumbnail").nth(1)).to_have_attribute("aria-label", "Face of seed 0")


def test_the_focus_stays_with_what_was_pressed(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("searchbox", name="Search").fill("digit zero")
    for place in (".found", ".panel"):
        page.locator(f"{place} .thumbnail").nth(1).press("Enter")
        expect(page.locator(".panel h2")).to_be_focused()
        expect(page.locator(".panel .thumbnail")).to_have_count(8)
    page.locator(".panel").get_by_role("link", name="Morph").press("Enter")
    expect(page.locator("main")).to_be_focused()
    for name in ("Move face 1 back", "Move face 2 forward"):
        page.get_by_role("button", name=name).press("Enter")
        expect(page.get_by_role("button", name=name)).to_be_focused()
    visit.go("invent?like=random:3")
    page.get_by_role("button", name="Any faces again").press("Enter")
    expect(page.locator(".stage h2")).to_be_focused()
    visit.go("edit?face=d0001/front")
    page.get_by_label("Straight", exact=True).press("ArrowRight")
    undo = page.get_by_role("button", name="Undo")
    undo.press("Enter")
    expect(undo).to_have_attribute("aria-disabled", "true")
    expect(undo).to_be_focused()


def test_a_text_that_is_pasted_with_a_picture_stays_a_text(visit: Visit) -> None:
    visit.page.get_by_role("searchbox", name="Search").focus()
    visit.page.evaluate("""async () => {
      const canvas = new OffscreenCanvas(8, 8)
      canvas.getContext("2d")
      const picture = await canvas.convertToBlob()
      const data = new DataTransfer()
      data.setData("text/plain", "zero")
      data.items.add(new File([picture], "text.png", { type: "image/png" }))
      const event = new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: data })
      document.activeElement.dispatchEvent(event)
      await createImageBitmap(picture)
    }""")
    expect(visit.page.locator("canvas.map")).to_be_visible()
    assert "photo" not in visit.hash()


def test_the_bars_change_with_the_colours(visit: Visit) -> None:
    ink = """canvas => {
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true })
      copy.drawImage(canvas, 0, 0)
      const { data } = copy.getImageData(0, 0, canvas.width, canvas.height)
      const at = data.findIndex((value, i) => i % 4 === 3 && value === 255)
      return at > 0 && `rgb(${[...data.slice(at - 3, at)].join(", ")})` === getComputedStyle(canvas).color
    }"""
    visit.go("how")
    bars = visit.page.locator(".bars")
    for scheme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=scheme)
        visit.until(lambda: bool(bars.evaluate(ink)))
