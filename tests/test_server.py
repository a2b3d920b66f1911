"""`minifaces serve`, real on loopback: avatars, the API, what stands before both, and many who ask at once."""

import asyncio
import base64
import io
import json
import math
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from explorer_pages import opened
from minifaces import MinifacesError, UsageError
from minifaces.arrays import Pixels
from minifaces.children import apart
from minifaces.cli.main import run
from minifaces.cores import cores
from minifaces.explorer.faces import gallery_faces
from minifaces.explorer.output import site
from minifaces.explorer.site import site_files
from minifaces.pictures.portrait import cleared, portrait
from minifaces.server.answers import Refusal
from minifaces.server.app import application
from minifaces.server.asked import Random, checked
from minifaces.server.batches import Batches
from minifaces.server.guards import Limits
from minifaces.server.server import Server
from minifaces.studio.model import Model

LIMITS = Limits(upload=100_000, pixels=1_000_000, frames=60, seconds=5)


@contextmanager
def serving(model: Model, limits: Limits = LIMITS, token: str | None = None) -> Iterator[httpx.Client]:
    files = site(site_files(model, gallery_faces(model)))
    with Server(lambda place: application(model, files, place, limits, token)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with httpx.Client(base_url=server.address, timeout=20) as client:
                yield client
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def client(toy: Model) -> Iterator[httpx.Client]:
    with serving(toy) as client:
        yield client


def in_a_thread(work: Coroutine[Any, Any, list[Any]]) -> list[Any]:
    """An event loop apart: while a browser is open this thread has one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def picture(body: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(body)).convert("RGB"))


def png(pixels: Pixels) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


# Avatars


@pytest.mark.parametrize("text", ["Ada", "jürgen@example.com", "日本/../x", "a.b.png", "?&#%", " ", "👩‍🚀", "x" * 400])
def test_an_avatar_is_that_of_the_library(client: httpx.Client, toy: Model, text: str) -> None:
    address = httpx.URL(
        client.base_url,
        raw_path=f"/avatar/{httpx.QueryParams({'': text})}.png".replace("=", "", 1).replace("+", "%20").encode(),
    )
    answer = client.get(address, params={"size": 16})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    np.testing.assert_array_equal(picture(answer.content), toy.avatar(text))
    assert answer.content == portrait(toy.avatar(text), 16)


def test_the_command_the_library_and_the_server_give_the_same_bytes(
    client: httpx.Client, toy: Model, tmp_path: Path
) -> None:
    for kind in ("png", "webp", "svg"):
        path = tmp_path / f"ada.{kind}"
        assert run(["avatar", "Ada", "-o", str(path), "--size", "64", "--model", str(toy.folder)]) == 0
        served = client.get(f"/avatar/Ada.{kind}?size=64").content
        assert path.read_bytes() == served == portrait(toy.avatar("Ada"), 64, kind)


def test_an_avatar_is_kept_for_good(client: httpx.Client) -> None:
    first = client.get("/avatar/Ada.png")
    assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
    tag = first.headers["etag"]
    again = client.get("/avatar/Ada.png", headers={"If-None-Match": f'W/"x", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    others = ["/avatar/Ada.webp", "/avatar/ada.png", "/avatar/Ada.png?size=64", "/avatar/Ada.png?background=clear"]
    assert len({tag, *(client.get(other).headers["etag"] for other in others)}) == 5
    head = client.head("/avatar/Ada.png")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(first.content)
    assert first.headers["cross-origin-resource-policy"] == "cross-origin"  # other pages may show it


def test_what_is_behind_an_avatar(client: httpx.Client) -> None:
    clear = np.asarray(Image.open(io.BytesIO(client.get("/avatar/Ada.png?background=clear").content)))
    assert clear.shape == (128, 128, 4)
    assert clear[..., 3].min() == 0
    red = picture(client.get("/avatar/Ada.png?background=ff0000").content)
    assert (red[clear[..., 3] == 0] == [255, 0, 0]).all()
    drawn = client.get("/avatar/Ada.svg?background=clear&size=128").text
    held = re.search(r'href="data:image/png;base64,([^"]+)"', drawn)
    assert held
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(held[1])))), clear)


@pytest.mark.parametrize("kind", ["png", "webp", "jpg", "svg"])
@pytest.mark.parametrize("background", [None, "00ff00", "clear"])
def test_portraits_of_every_kind(kind: str, background: str | None) -> None:
    y, x = np.mgrid[:32, :32] - 15.5
    face = np.where((np.hypot(x, y) < 10)[..., None], [200, 40, 40], [250, 250, 250]).astype(np.uint8)
    if kind == "jpg" and background == "clear":
        with pytest.raises(UsageError, match="a jpg has no clear ground"):
            portrait(face, kind=kind, background=background)
        return
    file = portrait(face, 64, kind, background)
    assert file == portrait(face, 64, kind, background)
    if kind != "svg":
        made = np.asarray(Image.open(io.BytesIO(file)).convert("RGBA")).astype(int)
        assert np.abs(made[32, 32] - [200, 40, 40, 255]).max() < 12
        wanted = {None: [250, 250, 250, 255], "00ff00": [0, 255, 0, 255], "clear": [*made[2, 2, :3], 0]}[background]
        assert np.abs(made[2, 2] - wanted).max() < 12
    assert cleared(face)[16, 16, 3] == 255


def test_a_portrait_of_nonsense_is_refused() -> None:
    face = np.zeros((8, 8, 3), np.uint8)
    for asked in ({"size": 7}, {"kind": "bmp"}, {"background": "red"}, {"background": "12345"}):
        with pytest.raises(UsageError):
            portrait(face, **asked)  # type: ignore[arg-type]


# The API


def test_random_faces_are_those_of_their_seed(client: httpx.Client, toy: Model) -> None:
    answer = client.get("/v1/faces/random?n=3&seed=7").json()
    wanted = toy.sample_latents(3, 7)
    np.testing.assert_array_equal(np.array([face["latent"] for face in answer["faces"]], np.float32), wanted)
    assert (answer["seed"], [face["face"] for face in answer["faces"]]) == ("7", ["random:7", None, None])
    assert client.get("/v1/faces/random").json()["seed"] != client.get("/v1/faces/random").json()["seed"]
    drawn = client.get("/v1/faces/random?seed=7&answer=png")
    np.testing.assert_array_equal(picture(drawn.content), toy.decode(wanted[:1])[0])


def test_a_picture_is_encoded_and_its_latent_decoded(client: httpx.Client, toy: Model) -> None:
    face = toy.decode(toy.gallery.latents[3:4])[0]
    latent = client.post("/v1/encode", content=png(face)).json()["latent"]
    np.testing.assert_allclose(latent, toy.encode(face[None])[0], rtol=1e-6)
    made = client.post("/v1/decode", json={"latents": [latent]})
    np.testing.assert_array_equal(picture(made.content), toy.decode(np.array(latent, np.float32))[0])


def test_faces_are_morphed_edited_and_found(client: httpx.Client, toy: Model) -> None:
    name = toy.gallery.entries[0].name
    film = client.post("/v1/morph", json={"faces": [name, "random:3"], "steps": 5, "path": "linear"})
    frames = Image.open(io.BytesIO(film.content))
    assert (film.headers["content-type"], getattr(frames, "n_frames", 1)) == ("image/webp", 8)  # there and back
    strip = client.post("/v1/morph", json={"faces": [name, "random:3"], "steps": 4, "path": "linear", "answer": "png"})
    wanted = toy.morph(toy.latent_of(name), toy.latent_of("random:3"), steps=4, path="linear")
    np.testing.assert_array_equal(picture(strip.content), np.concatenate(list(wanted), axis=1))
    edited = client.post("/v1/edit", json={"face": name, "amounts": {"round": 1}})
    np.testing.assert_array_equal(picture(edited.content), toy.decode(toy.edit(toy.latent_of(name), {"round": 1}))[0])
    found = client.get("/v1/neighbours", params={"face": name, "k": 3}).json()["faces"]
    assert (found[0]["face"], found[0]["distance"]) == (name, 0)
    entries = client.get("/v1/gallery?q=zero&limit=1").json()
    assert "zero" in entries["faces"][0]["description"].lower()
    assert entries["of"] == len(toy.gallery.search(["zero"]))


def test_a_face_is_a_latent_of_a_link(client: httpx.Client, toy: Model) -> None:
    halves = toy.gallery.latents[2].astype("<f2").tobytes()
    face = "z:" + base64.urlsafe_b64encode(halves).decode().rstrip("=")
    found = client.get("/v1/neighbours", params={"face": face, "k": 1}).json()["faces"]
    assert found[0]["face"] == toy.gallery.entries[2].name


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "told"),
    [
        ("GET", "/v1/neighbours?face=/etc/passwd", None, 404, "no face is called /etc/passwd"),
        ("GET", "/v1/neighbours?face=./tests", None, 404, "no face is called"),
        ("GET", "/v1/neighbours", None, 400, "face: Field required"),
        ("GET", "/v1/neighbours?face=z:AAAA", None, 400, "incomplete"),
        ("GET", "/v1/neighbours?face=random:x", None, 400, "random:SEED"),
        ("GET", "/v1/neighbours?face=random:999999999999999999999999999999999999999", None, 400, "seed"),
        ("GET", "/v1/faces/random?n=257", None, 400, "n: "),
        ("GET", "/v1/faces/random?n=1&n=2", None, 400, "n is given twice"),
        ("GET", "/v1/faces/random?x=1", None, 400, "x: Extra"),
        ("GET", "/v1/faces/random?seed=-1", None, 400, "seed: "),
        ("GET", "/avatar/Ada.bmp", None, 404, "/avatar/TEXT.png"),
        ("GET", "/avatar/Ada", None, 404, "/avatar/TEXT.png"),
        ("GET", "/avatar/Ada.png?size=8", None, 400, "size: "),
        ("GET", "/avatar/Ada.png?background=red", None, 400, "background: "),
        ("GET", "/v1/decode", None, 405, "method"),
        ("POST", "/avatar/Ada.png", b"", 405, "method"),
        ("POST", "/v1/encode", b"no picture", 400, "not a picture"),
        ("POST", "/v1/encode", b"", 400, "empty"),
        ("POST", "/v1/decode", b"{", 400, "no JSON"),
        ("POST", "/v1/decode", b"[" * 10_000, 400, "no JSON"),
        ("POST", "/v1/decode", b'{"latents": [[1, 2]]}', 400, "12 numbers"),
        ("POST", "/v1/decode", b'{"latents": [[1e999]]}', 400, "latents.0.0"),
        ("POST", "/v1/morph", b'{"faces": ["random:1", "random:2"], "steps": 61}', 400, "more than 60"),
        ("POST", "/v1/edit", b'{"face": "random:1", "amounts": {"wings": 1}}', 400, "wings"),
        ("GET", "/v1/nothing", None, 404, "not found"),
        ("GET", "/nothing", None, 404, "no such page"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_sentence(
    client: httpx.Client, method: str, path: str, body: bytes | None, status: int, told: str
) -> None:
    answer = client.request(method, path, content=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert told in answer.json()["detail"]
    assert answer.json()["status"] == status


def test_pictures_that_are_too_large_are_not_opened(client: httpx.Client) -> None:
    bomb = png(np.zeros((1100, 1000, 3), np.uint8))
    assert len(bomb) < LIMITS.upload
    answer = client.post("/v1/encode", content=bomb)
    assert (answer.status_code, "more than 1 million" in answer.json()["detail"]) == (400, True)
    assert client.post("/v1/encode", content=bytes(LIMITS.upload + 1)).status_code == 413
    pieces = client.post("/v1/encode", content=(bytes(10_000) for _ in range(11)))  # its length is not told
    assert pieces.status_code == 413


def test_every_answer_is_described(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    paths = {path: list(operations) for path, operations in document["paths"].items()}
    assert paths["/avatar/{file}"] == ["get"]
    api = ("faces/random", "gallery", "neighbours", "encode", "decode", "morph", "edit")
    assert set(paths) == {"/avatar/{file}", *(f"/v1/{name}" for name in api)}
    asked = document["paths"]["/v1/faces/random"]["get"]["parameters"]
    assert [parameter["name"] for parameter in asked] == [
        field.alias or name for name, field in Random.model_fields.items()
    ]
    references = re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(document))
    assert set(references) <= set(document["components"]["schemas"])


# A page for a chat


def test_a_link_to_a_face_unfolds_in_a_chat(client: httpx.Client) -> None:
    page = client.get("/faces", params={"face": 'avatar:<b>"Ada"'})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<b>" not in page.text
    title = re.search(r'og:title" content="([^"]*)"', page.text)
    image = re.search(r'og:image" content="([^"]*)"', page.text)
    assert title
    assert title[1] == "The face of &lt;b&gt;&quot;Ada&quot;"
    assert image
    assert picture(client.get(image[1]).content).shape == (630, 1200, 3)
    both = client.get("/faces", params=[("face", "avatar:Ada"), ("face", "avatar:Kim")])
    assert "url=./#/morph?face=avatar%3AAda&amp;face=avatar%3AKim" in both.text
    assert client.get("/faces?face=nobody").status_code == 404


def test_the_pages_own_links_unfold(client: httpx.Client, browser: Browser) -> None:
    page = browser.new_page(permissions=["clipboard-read", "clipboard-write"])
    opened(page, str(client.base_url))
    for place, wanted in (
        ("avatar?text=Ada&friend=Grace", "faces?face=avatar%3AAda&face=avatar%3AGrace"),
        ("edit?face=d0001/front", "faces?face=d0001%2Ffront"),
        ("morph?face=d0001/front&face=random:7&face=avatar:Ada", None),  # more than such a page shows
    ):
        page.evaluate("place => { location.hash = place }", place)
        page.locator(".share").get_by_role("button", name="Copy link").click()
        page.get_by_text("The link is copied.").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        if wanted is None:
            assert copied.startswith(f"{client.base_url}#/morph?")
        else:
            assert copied == f"{client.base_url}{wanted}"
            page.goto(copied)
            page.wait_for_url(re.compile("#/(morph|edit)"))
            page.locator(".stage canvas").first.wait_for()
    page.close()


# A page to try it


@pytest.mark.parametrize("token", [None, "a-long-secret"])
def test_the_api_is_tried_on_a_page(toy: Model, browser: Browser, token: str | None) -> None:
    with serving(toy, token=token) as client:
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if "Policy" in message.text else None)
        page.goto(f"{client.base_url}try")
        if token:
            page.get_by_text("401: the server wants its token").wait_for()
            page.get_by_label("Token").fill(token)
            page.keyboard.press("Tab")
        first = page.locator("details").first
        first.get_by_label("file *").fill("Ada & Kim?.png")
        first.get_by_role("button", name="Send").click()
        first.get_by_text("200 OK · image/png").wait_for()
        page.wait_for_function("document.querySelector('img').naturalWidth === 128")
        document = client.get("/openapi.json", headers={"Authorization": f"Bearer {token}"}).json()
        assert page.locator("details").count() == sum(map(len, document["paths"].values()))
        for path, told in (("/v1/morph", "image/webp"), ("/v1/decode", "12 numbers"), ("/v1/encode", "is empty")):
            box = page.locator("details", has=page.get_by_text(path, exact=True))
            box.locator("summary").click()
            box.get_by_role("button", name="Send").click()
            box.get_by_text(told).first.wait_for()
        assert complaints == []
        page.close()


# Who may ask


def test_the_page_is_served_beside_the_api(client: httpx.Client) -> None:
    page = client.get("/")
    assert "<!doctype html>" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for path in ("/", "/v1/gallery", "/avatar/Ada.png", "/nothing"):
        answer = client.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers
        assert client.get(path, headers={"Host": "evil.example.com"}).status_code == 421


def test_a_token_is_asked_for(toy: Model) -> None:
    with serving(toy, token="a long secret".replace(" ", "-")) as client:
        for path in ("/", "/v1/gallery", "/avatar/Ada.png", "/metrics", "/openapi.json"):
            for given in ({}, {"Authorization": "Bearer no"}, {"Authorization": "Bearer a-long-secret2"}):
                answer = client.get(path, headers=given)
                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert client.get(path, headers={"Authorization": "Bearer a-long-secret"}).status_code == 200
        assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


@pytest.mark.parametrize("token", ["", "short", "with a space", "ümläutümläut"])
def test_a_token_that_is_none_is_refused(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--token", token]) == 2
    assert "--token: wanted are 8 characters" in capsys.readouterr().err


def test_what_happened_is_counted(toy: Model) -> None:
    with serving(toy) as client:
        client.get("/avatar/Ada.png")
        client.get("/avatar/Ada.bmp")
        client.get("/v1/anything/at/all")
        told = client.get("/metrics").text
    assert 'minifaces_requests_total{method="GET",route="avatar",status="200"} 1.0' in told
    assert 'minifaces_requests_total{method="GET",route="avatar",status="404"} 1.0' in told
    assert "anything" not in told
    assert "minifaces_batch_rows_count 1.0" in told


# Many at once


def test_what_comes_together_is_decoded_together_and_the_same(toy: Model) -> None:
    ran: list[int] = []

    async def ask() -> list[Any]:
        batches = Batches(toy.decode, 8, 1, ran.append)
        faces = await asyncio.gather(*(batches(latent) for latent in toy.gallery.latents))
        await batches.close()
        return faces

    faces = in_a_thread(ask())
    assert ran[1:-1] == [8] * len(ran[1:-1])
    assert sum(ran) == len(toy.gallery)
    for face, latent in zip(faces, toy.gallery.latents, strict=True):
        np.testing.assert_array_equal(face, toy.decode(latent)[0])


def test_what_goes_wrong_in_a_batch_is_told_to_each() -> None:
    def fail(_: Any) -> Any:
        raise RuntimeError("broken")

    async def ask() -> list[Any]:
        batches = Batches(fail, 8, 1)
        found = await asyncio.gather(*(batches(np.zeros(3)) for _ in range(3)), return_exceptions=True)
        await batches.close()
        return found

    assert [str(error) for error in in_a_thread(ask())] == ["broken"] * 3


class Slow(Model):
    """A model that takes its time."""

    def decode(self, latents: Any) -> Pixels:
        time.sleep(0.3)
        return super().decode(latents)


def test_more_than_can_be_done_is_sent_away_and_it_recovers(tiny_model: Path) -> None:
    with serving(Slow(tiny_model), Limits(together=4)) as client, ThreadPoolExecutor(40) as people:
        answers = list(people.map(lambda i: client.get(f"/avatar/{i}.png"), range(40)))
        statuses = [answer.status_code for answer in answers]
        assert set(statuses) == {200, 503}
        assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 503)
        assert client.get("/avatar/again.png").status_code == 200
        told = client.get("/metrics").text
        assert f"minifaces_shed_total {float(statuses.count(503))}" in told


def test_what_takes_too_long_is_given_up(tiny_model: Path) -> None:
    with serving(Slow(tiny_model), Limits(seconds=0.1)) as client:
        answer = client.get("/avatar/Ada.png")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "longer than 0.1 seconds" in answer.json()["detail"]


class Held(Model):
    """A model whose avatars keep a thread until they are let go."""

    begun = 0
    let_go = threading.Event()

    def avatar_latent(self, text: str) -> Any:
        self.begun += 1
        assert self.let_go.wait(60)
        return super().avatar_latent(text)


@pytest.mark.parametrize("waiting", [0, 3])
def test_what_is_given_up_is_not_begun_or_keeps_its_seat(tiny_model: Path, waiting: int) -> None:
    model = Held(tiny_model)
    model.let_go = threading.Event()
    together = cores() + waiting
    with serving(model, Limits(seconds=2, together=together)) as client, ThreadPoolExecutor(together) as people:
        try:
            answers = list(people.map(lambda i: client.get(f"/avatar/{i}.png"), range(together)))
            assert all("longer than 2 seconds" in answer.json()["detail"] for answer in answers)
            if not waiting:  # all seats are those of threads that are at work still
                assert "too much is asked" in client.get("/avatar/more.png").json()["detail"]
        finally:
            model.let_go.set()
        while client.get("/avatar/again.png").status_code == 503:
            time.sleep(0.05)
        assert model.begun == cores() + 1  # those that waited were not begun


def test_what_was_accepted_is_finished(tiny_model: Path) -> None:
    with ThreadPoolExecutor(1) as people:
        with serving(Slow(tiny_model)) as client:
            asked = people.submit(httpx.get, f"{client.base_url}avatar/Ada.png")
            time.sleep(0.15)
        assert asked.result().status_code == 200


@pytest.mark.parametrize(
    "sent", [b"GET /heal", b"POST /v1/encode HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\nx", b""]
)
def test_who_sends_slowly_keeps_nobody_waiting(toy: Model, sent: bytes) -> None:
    with serving(toy, Limits(seconds=1)) as client:
        slow = [socket.create_connection((client.base_url.host, client.base_url.port or 80)) for _ in range(50)]
        for one in slow:
            one.sendall(sent)
        start = time.monotonic()
        assert client.get("/avatar/Ada.png").status_code == 200
        assert time.monotonic() - start < 5
        for one in slow:
            one.close()


def test_bodies_that_come_together_are_no_more_than_they_may_be(toy: Model) -> None:
    limits = Limits(upload=100_000, held=150_000)
    begun = b"POST /v1/encode HTTP/1.1\r\nHost: localhost\r\nContent-Length: 95000\r\n\r\n" + bytes(90_000)
    with serving(toy, limits) as client:
        with socket.create_connection((client.base_url.host, client.base_url.port or 80)) as slow:
            slow.sendall(begun)
            deadline = time.monotonic() + 10
            while (answer := client.post("/v1/encode", content=bytes(90_000))).status_code != 503:
                assert time.monotonic() < deadline, "the half that was sent is not counted"
            assert answer.headers["retry-after"] == "1"
            assert "too much is sent" in answer.json()["detail"]
            assert client.get("/avatar/Ada.png").status_code == 200
        while client.post("/v1/encode", content=bytes(90_000)).status_code == 503:
            assert time.monotonic() < deadline + 10, "what has left is counted still"


def test_what_is_no_http_is_refused(client: httpx.Client) -> None:
    for sent in (
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection((client.base_url.host, client.base_url.port or 80)) as odd:
            odd.settimeout(5)
            try:
                odd.sendall(sent)
                assert odd.recv(100).startswith(b"HTTP/1.1 4")
            except ConnectionError:
                pass  # cut off: as good
    assert client.get("/healthz").status_code == 200


def test_a_refusal_is_one_sentence() -> None:
    with pytest.raises(Refusal) as refusal:
        checked(Random, {"n": "many", "seed": -1})
    assert refusal.value.why.count("\n") == 0


def test_faces_are_asked_for(toy: Model) -> None:
    with serving(Model.bundled(threads=1), Limits()) as client:
        asked = [
            ("n", "3"),
            ("seed", "5"),
            ("with", "eyewear"),
            ("without", "smile"),
            ("without", "angry"),
            ("head", "yellow"),
        ]
        answer = client.get("/v1/faces/random", params=asked).json()
        having = {"eyewear": True, "smile": False, "angry": False}
        wanted = Model.bundled().sample_latents(3, 5, having=having, head="yellow")
        np.testing.assert_array_equal(np.array([face["latent"] for face in answer["faces"]], np.float32), wanted)
        assert [face["face"] for face in answer["faces"]] == [None] * 3
        for wrong in ("with=wings", "head=plaid", "novelty=2"):
            assert client.get(f"/v1/faces/random?{wrong}").status_code == 400
    with serving(toy) as client:
        assert "knows no parts" in client.get("/v1/faces/random?with=round").json()["detail"]


def test_the_command_ends_well_when_it_is_told_to_and_has_not_loaded_what_lays_maps_out(tiny_model: Path) -> None:
    words = ["serve", "--port", "0", "--model", str(tiny_model)]
    with subprocess.Popen([sys.executable, "-m", "minifaces", *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        address = process.stdout.readline().split()[0]
        ready = httpx.get(f"{address}readyz").status_code
        maps = Path(f"/proc/{process.pid}/maps")
        loaded = maps.read_text() if maps.exists() else ""
        process.terminate()
        assert process.stdout.read() == "ended\n"
    assert (ready, process.returncode) == (200, 0)
    assert not {name for name in ("openTSNE", "sklearn") if f"/{name}/" in loaded}


def test_what_goes_wrong_in_a_process_apart_is_told_here() -> None:
    assert apart(math.gcd, 12, 18) == 6
    with pytest.raises(ValueError, match="math domain"):
        apart(math.sqrt, -1)
    with pytest.raises(MinifacesError, match=r"was ended .*3"):
        apart(os._exit, 3)
