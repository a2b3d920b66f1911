"""The explorer as people use it: shared with friends, on a phone, with quick fingers, odd files and bad links."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from explorer_pages import opened, served
from explorer_visit import Visit, png
from minifaces.explorer.faces import gallery_faces
from minifaces.explorer.site import site_files
from minifaces.studio.model import Model


@pytest.fixture
def visit(browser: Browser, toy_address: str) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    visit = Visit(page, opened(page, toy_address), toy_address)
    yield visit
    context.close()
    assert visit.watch.complaints == []


@pytest.fixture
def phone(browser: Browser, toy_address: str) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    visit = Visit(page, opened(page, toy_address), toy_address)
    yield visit
    context.close()
    assert visit.watch.complaints == []


def box_of(page: Page, selector: str) -> dict[str, float]:
    box = page.locator(selector).first.bounding_box()
    assert box
    return dict(box)


# What is pressed


@pytest.mark.parametrize("place", ["invent?seed=5", "morph?face=d0001/front&face=d0002/front", "map?q=zero"])
def test_what_is_pointed_at_keeps_its_size(visit: Visit, place: str) -> None:
    visit.go(place)
    tile = ".wall .thumbnail, .strip .thumbnail, .found .thumbnail"
    expect(visit.page.locator(tile).first).to_be_visible()
    before = box_of(visit.page, tile)
    visit.page.locator(tile).first.hover()
    visit.page.wait_for_timeout(250)
    assert box_of(visit.page, tile) == before


@pytest.mark.parametrize("across", [0.06, 0.5, 0.94])
@pytest.mark.parametrize("down", [0.06, 0.94])
def test_a_tile_is_chosen_wherever_it_is_pressed(visit: Visit, across: float, down: float) -> None:
    visit.go("invent?seed=5")
    visit.page.wait_for_timeout(400)
    tile = box_of(visit.page, ".wall .thumbnail:nth-child(3)")
    visit.page.mouse.click(tile["x"] + across * tile["width"], tile["y"] + down * tile["height"])
    assert "face=random:7" in visit.hash()
    expect(visit.page.locator(".wall .thumbnail:nth-child(3)")).to_have_attribute("aria-pressed", "true")


def test_quick_presses_do_not_pile_up(visit: Visit) -> None:
    visit.go("invent?seed=5")
    visit.page.wait_for_timeout(500)
    visit.count("randomMany")
    visit.page.evaluate("""async () => {
      const again = [...document.querySelectorAll("button")].find(({ textContent }) => textContent === "New faces")
      for (let i = 0; i < 30; i++) again.click()
    }""")
    page = visit.page
    seed = re.findall(r"seed=(\d+)", visit.hash())[0]
    expect(page.locator(".wall .thumbnail").nth(23)).to_have_attribute("aria-label", f"Face of seed {int(seed) + 23}")
    # One that was under way, and the parts of the newest wall: 2, then 4 at a time.
    assert visit.counted("randomMany") <= 1 + 7


def test_faces_that_are_added_quickly_are_worked_out_once(visit: Visit) -> None:
    visit.go("morph?face=random:11&face=random:12")
    visit.page.wait_for_timeout(500)
    visit.count("random")
    visit.count("decode")
    visit.page.get_by_text("Add a face").click()
    for _ in range(8):
        visit.page.get_by_role("button", name="Random face").click()
    expect(visit.page.locator(".stops li")).to_have_count(10)
    visit.until(lambda: bool(visit.page.evaluate("document.querySelector('.stage .count').textContent === ''")))
    assert visit.counted("random") == 8
    assert visit.counted("decode") <= 8  # a thumbnail each, and none again


# Where one is


def test_a_view_begins_at_its_top_and_back_is_where_one_was(phone: Visit) -> None:
    page = phone.page
    phone.go("edit?face=d0001/front")
    page.wait_for_timeout(300)
    page.evaluate("scrollTo(0, 400)")
    page.wait_for_timeout(200)
    page.get_by_role("link", name="Invent", exact=True).evaluate("link => link.click()")
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") == 0
    page.go_back()
    page.wait_for_timeout(500)
    assert page.evaluate("scrollY") == pytest.approx(400, abs=2)


def test_back_brings_the_last_wall(visit: Visit) -> None:
    visit.go("invent?seed=5")
    visit.page.wait_for_timeout(300)
    visit.page.get_by_role("button", name="New faces").click()
    visit.page.wait_for_timeout(300)
    assert "seed=5" not in visit.hash().split("&")
    visit.page.go_back()
    expect(visit.page.locator(".wall .thumbnail").first).to_have_attribute("aria-label", "Face of seed 5")


def test_children_of_children_keep_the_way_back(visit: Visit) -> None:
    visit.go("invent?seed=5&face=random:7")
    for _ in range(2):
        visit.page.get_by_role("button", name="More like this one").click()
        visit.page.wait_for_timeout(500)
        visit.page.locator(".wall .thumbnail").first.click()
    expect(visit.page.locator(".trail .thumbnail")).to_have_count(2)
    visit.page.locator(".trail .thumbnail").first.click()
    assert visit.hash().count("like=") == 1
    assert "like=random:7" in visit.hash()


def test_the_title_names_the_face(visit: Visit) -> None:
    for place, title in (
        ("avatar?text=Ada", "The face of Ada · Avatar · minifaces"),
        ("map?face=d0001/front", "Digit one, handwritten · Map · minifaces"),
        ("edit?face=random:7", "Random face 7 · Edit · minifaces"),
        ("map", "Map · minifaces"),
    ):
        visit.go(place)
        visit.page.wait_for_timeout(200)
        assert visit.page.title() == title


def test_a_browser_that_refuses_addresses_is_no_matter(visit: Visit) -> None:
    visit.go("avatar")
    visit.page.evaluate("void (history.replaceState = () => { throw new DOMException('too often', 'SecurityError') })")
    field = visit.page.get_by_label("Your name, or any text")
    field.press_sequentially("Ada Lovelace", delay=5)
    expect(visit.page.locator(".side code")).to_have_text("minifaces avatar -o avatar.png -- 'Ada Lovelace'")
    expect(visit.page.locator(".said")).to_be_empty()


# On a phone


def test_a_face_that_is_tapped_comes_into_sight(phone: Visit) -> None:
    page = phone.page
    room = box_of(page, ".map-room")
    assert room["y"] + 200 < 844  # the map is in sight from the start
    page.locator("canvas.map").press("Enter")
    page.wait_for_timeout(300)
    panel = box_of(page, ".panel")
    assert panel["y"] < 700
    assert panel["y"] + panel["height"] <= 845
    # The map is still drawn, above it.
    phone.until(lambda: box_of(page, ".map-room")["y"] < 60)
    page.locator(".signs, .tip").evaluate_all("all => all.forEach(one => one.remove())")
    above = {"x": 40, "y": 80, "width": 310, "height": panel["y"] - 120}
    shown = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=above))).convert("RGB")).astype(int)  # type: ignore[arg-type]
    yellow = (shown[..., 0] - shown[..., 2] > 100).mean()
    assert 0.01 < yellow < 0.9
    assert (shown.max(axis=2) < 10).mean() < 0.01  # nothing of it is black
    page.get_by_role("button", name="Close").click()
    assert "face=" not in phone.hash()


def test_no_slider_lies_under_the_face(phone: Visit) -> None:
    page = phone.page
    phone.go("edit?face=d0001/front")
    page.wait_for_timeout(300)
    slider = page.get_by_label("Straight", exact=True)
    slider.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    hit = slider.evaluate("""slider => {
      const { left, top, width, height } = slider.getBoundingClientRect()
      return document.elementFromPoint(left + width / 2, top + height / 2) === slider
    }""")
    assert hit


def test_errors_are_seen_wherever_one_is(phone: Visit) -> None:
    page = phone.page
    phone.go("morph?face=d0001/front&face=d0002/front")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.get_by_text("Add a face").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="From a picture").click()
    chooser.value.set_files({"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"none"})
    expect(page.locator(".said")).to_be_in_viewport()
    expect(page.locator(".said")).to_contain_text("Take a JPEG")


# Share and keep


def test_a_link_is_copied(visit: Visit) -> None:
    visit.go("avatar?text=Ada")
    visit.page.get_by_role("button", name="Copy link").click()
    expect(visit.page.locator(".said")).to_have_text("The link is copied.")
    assert visit.page.evaluate("navigator.clipboard.readText()") == f"{visit.address}#/avatar?text=Ada"


def test_a_picture_is_copied(visit: Visit) -> None:
    visit.go("avatar?text=Ada")
    visit.page.wait_for_timeout(300)
    visit.page.get_by_role("button", name="Copy picture").click()
    expect(visit.page.locator(".said")).to_have_text("The picture is copied.")
    kinds = visit.page.evaluate("async () => (await navigator.clipboard.read())[0].types")
    assert kinds == ["image/png"]


@pytest.mark.parametrize("size", [128, 512, 1024])
def test_a_picture_is_saved_at_any_size_without_its_ground_and_round(visit: Visit, size: int) -> None:
    page = visit.page
    visit.go("edit?face=d0001/front")
    page.wait_for_timeout(400)
    page.get_by_text("Size and ground").first.click()
    page.get_by_label("Pixels").first.select_option(str(size))
    for box in ("Clear ground", "Round"):
        page.get_by_role("checkbox", name=box, exact=True).first.check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save PNG").first.click()
    assert download.value.suggested_filename == "digit-one-handwritten-edited.png"
    picture = np.asarray(Image.open(io.BytesIO(Path(download.value.path()).read_bytes())))
    assert picture.shape == (size, size, 4)
    assert picture[0, 0, 3] == 0  # the corner
    assert picture[size // 2, 2, 3] < 128  # the ground
    assert (picture[..., 3] > 200).mean() > 0.02  # the digit


def test_two_names_have_a_way_between_them_that_plays_at_once(visit: Visit, toy: Model) -> None:
    page = visit.page
    visit.go("avatar?text=Ada")
    page.get_by_label("A friend’s name").fill("Grace")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()  # it plays
    visit.until_shown(".stage > canvas", toy.avatar("Grace"))
    visit.until_shown(".stage > canvas", toy.avatar("Ada"))
    assert visit.hash() == "#/avatar?text=Ada&friend=Grace"
    page.reload()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("link", name="Keep it as a film").click()
    assert "face=avatar:Ada&face=avatar:Grace" in visit.hash()


@pytest.mark.parametrize("place", ["morph?face=d0001/front&face=d0002/front", "avatar?text=Ada"])
def test_a_face_is_shown_on_the_whole_screen(visit: Visit, place: str) -> None:
    page = visit.page
    visit.go(place)
    page.get_by_role("button", name="Full screen").click()
    visit.until(lambda: bool(page.evaluate("document.fullscreenElement?.matches('.stage > canvas')")))
    box = box_of(page, ".stage > canvas")
    assert (box["width"], box["height"]) == tuple(page.evaluate("[innerWidth, innerHeight]"))
    page.evaluate("document.exitFullscreen()")


def test_the_space_bar_plays_a_morph_and_presses_buttons(visit: Visit) -> None:
    page = visit.page
    visit.go("morph?face=d0001/front&face=d0002/front")
    expect(page.locator(".strip .thumbnail")).to_have_count(9)
    page.locator("main").focus()
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press(" ")
    play = page.get_by_role("button", name="Play", exact=True)
    expect(play).to_be_visible()
    play.focus()
    page.keyboard.press(" ")  # pressed once, not twice
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_kept_faces_are_there_in_other_views_and_on_the_next_visit(visit: Visit) -> None:
    page = visit.page
    for place in ("edit?face=d0001/front", "invent?seed=5&face=random:7", "avatar?text=Ada"):
        visit.go(place)
        page.wait_for_timeout(300)
        page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator(".tray .thumbnail")).to_have_count(3)
    page.reload()
    expect(page.locator(".tray .thumbnail")).to_have_count(3)
    page.get_by_role("link", name="Mix three").click()
    assert visit.hash().count("face=") == 3
    visit.go("avatar?text=Ada")
    page.get_by_role("button", name="Kept", exact=True).click()
    expect(page.locator(".tray .thumbnail")).to_have_count(2)
    page.get_by_role("link", name="Morph them").click()
    expect(page.locator(".stops li")).to_have_count(2)


def test_three_faces_are_mixed_by_weights(visit: Visit, toy: Model) -> None:
    page = visit.page
    visit.go("mix?face=d0001/front&face=d0002/front&face=d0004/front&at=0.5,0.3")
    page.wait_for_timeout(400)
    z = toy.gallery.latents[[1, 2, 4]]
    wanted = toy.decode(0.5 * z[0] + 0.3 * z[1] + 0.2 * z[2])[0]
    visit.until_shown(".stage > canvas", wanted)
    triangle = box_of(page, ".triangle")
    page.mouse.click(triangle["x"] + triangle["width"] / 2, triangle["y"] + triangle["height"] * 0.25)
    for wanted, then in ((0.75, "ArrowDown"), (0.71, "ArrowUp")):  # told once it is decoded
        visit.until(lambda: abs(float(re.findall(r"at=([\d.]+)", visit.hash())[0]) - wanted) < 0.02)  # noqa: B023
        page.locator(".triangle").press(then)


# The map


def test_the_face_under_the_pointer_is_named_even_when_one_is_chosen(visit: Visit) -> None:
    page = visit.page
    visit.go("map?face=d0001/front&layout=grid")
    page.wait_for_timeout(700)
    room = box_of(page, ".map-room")
    # The middle of the grid is where four faces meet: a little off it is one of them.
    page.mouse.move(room["x"] + room["width"] / 2 + 30, room["y"] + room["height"] / 2 + 30)
    expect(page.locator(".tip")).to_have_text(re.compile(r"Digit \w+, handwritten"))
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".panel h2")).to_contain_text("A small network")


def test_nothing_found_offers_a_way_out(visit: Visit, toy: Model) -> None:
    visit.page.get_by_role("searchbox", name="Search").fill("pirate")
    visit.page.get_by_role("button", name="Show all faces").click()
    expect(visit.page.locator(".found .count")).to_have_text(f"{len(toy.gallery)} faces")


def test_attributes_say_how_many_have_them(visit: Visit, toy: Model) -> None:
    has = len(toy.gallery.search(attribute="round"))
    expect(visit.page.get_by_label("With")).to_contain_text(f"round ({has})")
    expect(visit.page.get_by_label("With")).to_contain_text(f"not: round ({len(toy.gallery) - has})")


# What is no face


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ("items.add(new File(['a'], 'notes.txt', { type: 'text/plain' }))", "notes.txt is no picture. Take a JPEG"),
        ("setData('text/uri-list', 'https://example.org/a.png')", "Pictures of other pages cannot be read"),
        ("setData('text/plain', 'hello')", "That is text, not a picture."),
    ],
)
def test_what_is_dropped_and_no_picture_is_told(visit: Visit, files: str, told: str) -> None:
    visit.page.evaluate(f"""() => {{
      const data = new DataTransfer()
      data.{files}
      const event = new DragEvent("drop", {{ bubbles: true, cancelable: true, dataTransfer: data }})
      document.querySelector("main").dispatchEvent(event)
    }}""")
    expect(visit.page.locator(".said")).to_contain_text(told)


def test_a_picture_without_a_kind_is_read_all_the_same(visit: Visit, toy: Model) -> None:
    data = list(png(toy.gallery.thumbnails[3])["buffer"])
    visit.page.evaluate(
        """data => {
          const files = new DataTransfer()
          files.items.add(new File([Uint8Array.from(data)], "face", { type: "" }))
          document.querySelector("main").dispatchEvent(new DragEvent("drop", { bubbles: true, dataTransfer: files }))
        }""",
        data,
    )
    expect(visit.page.locator(".side .thumbnail")).to_have_count(8)


def test_what_is_no_head_is_said_to_be_none(visit: Visit, toy: Model) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    visit.go("photo")
    visit.page.get_by_label("A picture file").set_input_files(png(noise))
    expect(visit.page.locator(".doubt")).to_contain_text("does not look like a bare head")
    expect(visit.page.get_by_role("link", name="Begin with the nearest design")).to_be_visible()
    visit.page.get_by_label("A picture file").set_input_files(png(toy.gallery.thumbnails[3]))
    expect(visit.page.locator(".doubt")).to_be_empty()


def test_a_picture_is_taken_with_the_camera(visit: Visit) -> None:
    page = visit.page
    visit.go("photo")
    page.get_by_role("button", name="Use the camera").click()
    visit.until(lambda: page.evaluate("document.querySelector('video').videoWidth") > 0)
    page.get_by_role("button", name="Take the picture").click()
    expect(page.locator(".pair canvas").first).to_be_visible()
    visit.until(lambda: visit.pixels(".pair canvas").std() > 5)  # the camera's own picture, not a blank one
    visit.until(lambda: "face=z:" in visit.hash())
    assert page.evaluate("document.querySelector('video')?.srcObject ?? null") is None  # the camera is off


@pytest.mark.parametrize(("error", "told"), [("NotFoundError", "no camera"), ("NotAllowedError", "may not be used")])
def test_no_camera_is_told(visit: Visit, error: str, told: str) -> None:
    refusing = f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('', '{error}') }}; null"
    visit.page.evaluate(refusing)
    visit.go("photo")
    visit.page.get_by_role("button", name="Use the camera").click()
    expect(visit.page.locator(".said")).to_contain_text(told)
    expect(visit.page.get_by_role("button", name="Use the camera")).to_be_visible()


def test_a_camera_that_is_allowed_too_late_is_let_go(visit: Visit) -> None:
    page = visit.page
    visit.go("photo")
    page.evaluate("""() => {
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
      const allowed = new Promise(resolve => { globalThis.allow = resolve })
      navigator.mediaDevices.getUserMedia = async what => (await allowed, globalThis.stream = await ask(what))
    }""")
    page.get_by_role("button", name="Use the camera").click()
    visit.go("map")
    page.evaluate("allow()")
    visit.until(
        lambda: bool(page.evaluate("globalThis.stream?.getTracks().every(track => track.readyState === 'ended')"))
    )


def test_the_map_is_searched_by_a_picture(visit: Visit, toy: Model) -> None:
    page = visit.page
    visit.go("map")
    face = toy.decode(toy.gallery.latents[4:5])[0]
    page.get_by_label("A picture to search by").set_input_files(png(face))
    expect(page.locator(".found .count")).to_have_text("The 24 faces most like your picture")
    nearest = page.locator(".found .thumbnail")
    expect(nearest).to_have_count(24)
    assert nearest.first.get_attribute("title") == page.evaluate("explorer.gallery[4]").get("name") + ": " + str(
        page.evaluate("explorer.gallery[4].description")
    )
    visit.until_shown(".panel .pair canvas", toy.decode(toy.encode(face[None]))[0])
    there = visit.hash()
    nearest.nth(2).click()  # one of them is looked at: the others are still there
    expect(page.locator(".panel figcaption").first).to_have_text("as it is")
    expect(nearest).to_have_count(24)
    assert "face=d" in visit.hash()
    page.reload()
    expect(nearest).to_have_count(24)
    expect(page.locator(".panel figcaption").first).to_have_text("as it is")
    page.goto(f"{visit.address}{there}")
    expect(page.locator(".panel h2")).to_have_text("Your picture")
    page.get_by_role("button", name="Show all faces").click()
    expect(page.locator(".found .count")).to_have_text(f"{len(toy.gallery)} faces")
    assert "near" not in visit.hash()


def test_the_nearest_of_a_photo_are_seen_on_the_map(visit: Visit, toy: Model) -> None:
    page = visit.page
    visit.go("photo")
    page.get_by_label("A picture file").set_input_files(png(toy.decode(toy.gallery.latents[4:5])[0]))
    page.get_by_role("link", name="See them on the map").click()
    expect(page.locator(".found .thumbnail")).to_have_count(24)


def test_a_photo_is_framed_by_dragging_and_still_there_on_the_way_back(visit: Visit, toy: Model) -> None:
    page = visit.page
    visit.go("photo")
    page.get_by_label("A picture file").set_input_files(png(toy.gallery.thumbnails[3]))
    expect(page.locator(".side .thumbnail")).to_have_count(8)
    face = box_of(page, ".grab")
    page.mouse.move(face["x"] + 100, face["y"] + 100)
    page.mouse.down()
    page.mouse.move(face["x"] + 140, face["y"] + 100, steps=4)
    page.mouse.up()
    page.mouse.wheel(0, -200)
    across, nearer = (page.get_by_label(name, exact=True) for name in ("Across", "Nearer"))
    assert float(across.input_value()) < -0.1
    assert float(nearer.input_value()) > 1.2
    kept = across.input_value(), nearer.input_value()
    page.wait_for_timeout(500)
    page.locator(".side").get_by_role("link", name="Edit", exact=True).click()
    page.wait_for_timeout(300)
    page.go_back()
    expect(page.locator(".side .thumbnail")).to_have_count(8)
    assert (across.input_value(), nearer.input_value()) == kept


def test_a_link_to_no_face_leaves_nothing_that_pretends_to_work(visit: Visit) -> None:
    visit.go("edit?face=nonsense")
    expect(visit.page.locator(".said")).to_have_text("There is no face called nonsense.")
    assert visit.page.locator(".edit .side").evaluate("side => side.inert")
    visit.page.get_by_role("button", name="Random face").first.click()
    visit.until(lambda: not visit.page.locator(".edit .side").evaluate("side => side.inert"))


def test_an_amount_may_be_typed(visit: Visit) -> None:
    visit.go("edit?face=d0001/front")
    visit.page.wait_for_timeout(300)
    field = visit.page.get_by_label("Straight, a number", exact=True)
    field.fill("1,5")
    field.press("Enter")
    assert "straight=1.50" in visit.hash()
    field.fill("nothing")
    field.press("Enter")
    expect(field).to_have_value("1.50")


def test_the_face_before_is_shown_while_it_is_held(visit: Visit) -> None:
    visit.go("edit?face=d0001/front&straight=3")
    before = visit.decoded("await explorer.latentOf(1)")
    visit.page.wait_for_timeout(400)
    after = visit.pixels(".bar > canvas")
    button = box_of(visit.page, "button:has-text('Hold to compare')")
    visit.page.mouse.move(button["x"] + 20, button["y"] + 20)
    visit.page.mouse.down()
    visit.until_shown(".bar > canvas", before)
    visit.page.mouse.up()
    visit.until_shown(".bar > canvas", after)


# Offline, on paper, in other colours


def test_a_part_that_cannot_be_fetched_is_told_in_plain_words(browser: Browser, toy_address: str) -> None:
    page = browser.new_page()
    opened(page, toy_address)
    page.route(re.compile(r"/data/prior-"), lambda route: route.abort())
    page.evaluate("location.hash = 'invent'")
    told = page.locator(".said")
    expect(told).to_contain_text("could not be fetched: the server does not answer. Try again in a moment.")
    assert ".bin" not in told.inner_text()
    page.close()


def test_damaged_data_are_told_in_one_sentence(browser: Browser, toy: Model) -> None:
    files = site_files(toy, gallery_faces(toy))
    name = next(name for name in files if name.startswith("decoder"))
    with served({**files, name: b"arbage" * 100}) as address:
        page = browser.new_page()
        page.goto(address)
        expect(page.locator(".said")).to_contain_text("have come damaged: reload the page")
        page.close()


@pytest.mark.parametrize(("media", "selector"), [("print", "nav"), ("print", ".tools")])
def test_paper_has_no_menus(visit: Visit, media: str, selector: str) -> None:
    visit.page.emulate_media(media=media)  # type: ignore[arg-type]
    expect(visit.page.locator(selector).first).to_be_hidden()


def test_forced_colours_leave_tracks_and_tabs(browser: Browser, toy_address: str) -> None:
    page = browser.new_page(forced_colors="active")
    opened(page, toy_address)
    tab = page.locator("nav a[aria-current]")
    assert tab.evaluate("tab => getComputedStyle(tab).outlineStyle") == "solid"
    page.close()


def test_nothing_moves_when_what_is_fetched_is_told(visit: Visit) -> None:
    for selector in (".loading", ".said"):
        place: Callable[[str], str] = lambda s: visit.page.locator(s).evaluate("e => getComputedStyle(e).position")  # noqa: E731
        assert place(selector) == "fixed"


def test_a_name_is_asked_for_with_examples(visit: Visit, toy: Model) -> None:
    page = visit.page
    visit.go("avatar")
    name = page.get_by_label("Your name, or any text")
    expect(name).to_be_focused()
    expect(name).to_have_value("")
    expect(page.locator(".stage > canvas")).to_be_hidden()  # nobody's face
    page.get_by_role("button", name="Emma").click()
    visit.until_shown(".stage > canvas", toy.avatar("Emma"))
    expect(page.locator(".examples")).to_be_hidden()


def test_the_way_of_least_change_says_how_far_it_is(visit: Visit) -> None:
    page = visit.page
    visit.go("morph?face=d0001/front&face=d0002/front&face=d0004/front")
    page.evaluate("""() => {
      const status = document.querySelector(".stage .count")
      globalThis.told = []
      new MutationObserver(() => told.push(status.textContent)).observe(status, { childList: true })
    }""")
    page.get_by_label("Path").select_option("geodesic")
    visit.until(lambda: page.evaluate("told.some(text => text.includes('2 of 2')) && told.at(-1) === ''"))
    told = [text for text in page.evaluate("told") if "of 2" in text]
    assert told == [f"Looking for the way of least change: {leg} of 2 …" for leg in (1, 2)]


def test_another_face_to_edit_is_taken_not_added(visit: Visit) -> None:
    visit.go("edit?face=d0001/front")
    visit.page.get_by_text("Another face").click()
    expect(visit.page.locator(".picker").get_by_role("button", name="Take")).to_be_visible()
    assert visit.page.locator(".picker").get_by_role("button", name="Add").count() == 0


def test_the_page_lights_up_under_a_picture(visit: Visit) -> None:
    page = visit.page
    drag = "name => { dispatchEvent(new DragEvent(name, { dataTransfer: new DataTransfer(), cancelable: true })) }"
    page.evaluate(drag, "dragover")
    assert page.evaluate("getComputedStyle(document.body, '::after').content") != "none"
    page.evaluate(drag, "dragleave")
    assert page.evaluate("getComputedStyle(document.body, '::after').content") == "none"


@pytest.mark.parametrize(("width", "height"), [(640, 360), (320, 640)], ids=["at 200 %", "narrow"])
def test_nothing_is_wider_than_a_small_screen(browser: Browser, toy_address: str, width: int, height: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=2)
    visit = Visit(page, opened(page, toy_address), toy_address)
    assert box_of(page, ".map-room")["y"] < height  # the map is in sight
    for place in ("map?q=zero", "morph", "invent", "edit", "photo", "avatar?text=Ada&friend=Grace", "mix", "how"):
        visit.go(place)
        visit.until_still()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place
    page.close()
    assert visit.watch.complaints == []
