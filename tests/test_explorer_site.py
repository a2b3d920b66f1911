"""What the explorer's page is given: networks and tensors packed, sprites, the description, and how it is served."""

import base64
import gzip
import http.client
import io
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import numpy_helper
from PIL import Image
from safetensors.numpy import load

import minifaces
from conftest import SHOWN, SIZE
from minifaces import MinifacesError, UsageError
from minifaces.cli.main import run
from minifaces.dataset import DataSet, read_dataset, write_dataset
from minifaces.explorer import output
from minifaces.explorer.faces import MapFaces, dataset_faces, gallery_faces
from minifaces.explorer.page import page_files, policy
from minifaces.explorer.principal import ends, principal
from minifaces.explorer.site import site_files
from minifaces.explorer.sprites import cut_out, levels, place
from minifaces.images import resize
from minifaces.server.app import explorer
from minifaces.server.server import Server
from minifaces.studio.latentnet import bytes_of
from minifaces.studio.model import Model

BUNDLED = Path(minifaces.__file__).parent / "assets" / "model"


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Model:
    return Model(tiny_model)


@pytest.fixture(scope="module")
def files(model: Model) -> dict[str, bytes]:
    return site_files(model, gallery_faces(model))


def description(files: dict[str, bytes]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(files["site.bin"]))
    return found


def test_coarse_values_are_the_units_multiples() -> None:
    graph = onnx.load(BUNDLED / "encoder.onnx").graph
    matrix = numpy_helper.to_array(max(graph.initializer, key=lambda t: len(t.raw_data))).astype(np.float32)
    numbers, units = bytes_of(matrix)
    assert np.abs(numbers).max() == 127
    assert np.abs(numbers * units[:, None] - matrix).max() <= np.abs(matrix).max() / 127 / 2 * 1.0001
    zero = bytes_of(np.zeros((2, 3), np.float32))
    assert not zero[0].any()
    assert not zero[1].any()


def test_the_parts_and_the_editor_of_the_page_are_those_of_the_folder() -> None:
    files = site_files(Model(BUNDLED), gallery_faces(Model(BUNDLED)))
    for part in ("parts", "editor"):
        packed = files[description(files)["parts"][part]["file"]]
        assert gzip.decompress(packed) == (BUNDLED / f"{part}.safetensors").read_bytes()


def test_sprites_lie_where_they_are_said_to(digits: tuple[NDArray[np.uint8], NDArray[np.int64]]) -> None:
    pictures = digits[0][:300].repeat(8, axis=1).repeat(8, axis=2)  # 128 pixels, sheets of 64
    cells = np.stack(np.meshgrid(np.arange(20), np.arange(15)), axis=-1).reshape(-1, 2).astype(float)
    slots = place(cells)
    assert sorted(slots) == list(range(300))
    made = levels(pictures, slots)
    assert [level.size for level in made] == [32, 64, 128]
    assert [len(level.sheets) for level in made] == [1, 1, 5]
    for level in made:
        sheets = [np.asarray(Image.open(io.BytesIO(sheet)).convert("RGB")) for sheet in level.sheets]
        assert all(sheet.shape[1] == level.columns * level.size for sheet in sheets)
        for face in (0, 17, 299):
            sheet, rest = divmod(int(slots[face]), level.columns * level.rows)
            row, column = divmod(rest, level.columns)
            size = level.size
            shown = sheets[sheet][row * size : (row + 1) * size, column * size : (column + 1) * size].astype(float)
            apart = [np.abs(shown - resize(picture, size, size)).mean() for picture in pictures]
            assert int(np.argmin(apart)) == face


def test_heads_are_cut_out_of_a_white_ground_white_ones_too() -> None:
    y, x = np.mgrid[:64, :64] - 31.5
    head = np.hypot(x, y) < 20
    colours = np.linspace(0, 220, 30)
    pictures = np.where(head[None, ..., None], colours[:, None, None, None], 255).repeat(3, axis=3).astype(np.uint8)
    pictures[1][head] = 250  # a white head, of which only its eyes are to be seen
    pictures[1][28:32, 20:44] = 0
    cut = list(cut_out(pictures))
    assert all((one[..., 3] == np.where(head, 255, 0)).mean() > 0.99 for one in cut[2:])
    assert (cut[5][head & (cut[5][..., 3] == 255)][:, :3] == pictures[5, 31, 31]).all()
    assert cut[1][..., 3][np.hypot(x, y) < 17].min() == 255
    assert (cut[1][..., 3][~head] == 0).all()


def test_an_empty_picture_is_whole() -> None:
    (cut,) = cut_out(np.full((1, 32, 32, 3), 255, np.uint8))
    assert (cut == 255).all()


def test_a_ground_of_another_colour_stays(digits: tuple[NDArray[np.uint8], NDArray[np.int64]]) -> None:
    for picture, cut in zip(digits[0][:20], cut_out(digits[0][:20]), strict=True):
        np.testing.assert_array_equal(cut[..., :3], picture)
        assert (cut[..., 3] == 255).all()


def test_a_picture_without_a_ground_is_whole() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (4, 32, 32, 3), np.uint8)
    for picture, cut in zip(noise, cut_out(noise), strict=True):
        np.testing.assert_array_equal(cut[..., :3], picture)
        assert (cut[..., 3] == 255).all()


def test_what_lies_behind_the_edge_of_a_head_does_not_show_through() -> None:
    y, x = np.mgrid[:64, :64] - 31.5
    share = np.clip(20.5 - np.hypot(x, y), 0, 1)[None, ..., None]  # smooth edges: mixtures of head and ground
    pictures = np.rint(share * [200, 60, 20] + (1 - share) * 255).astype(np.uint8)
    (cut,) = cut_out(pictures)
    dark = cut[..., :3] * (cut[..., 3:] / 255)
    assert np.abs(dark - share[0] * [200, 60, 20]).max() < 60  # of 255, on black: nowhere is it whitish
    assert np.abs(dark - share[0] * [200, 60, 20]).mean() < 1


def test_neighbours_on_the_map_share_sheets() -> None:
    cells = np.stack(np.meshgrid(np.arange(32), np.arange(32)), axis=-1).reshape(-1, 2).astype(float)
    slots = place(cells).reshape(32, 32)
    assert all(len(np.unique(slots[y : y + 8, x : x + 8] // 64)) == 1 for y in (0, 8, 24) for x in (0, 16))


def test_the_description_tells_of_every_face(model: Model, files: dict[str, bytes]) -> None:
    site = description(files)
    assert (site["imageSize"], site["latentSize"], site["prior"]) == (SIZE, model.latent_size, "mixture")
    faces = site["faces"]
    assert faces["names"] == [entry.name for entry in model.gallery.entries]
    columns = ("descriptions", "colour", "split", "x", "y", "gridX", "gridY")
    assert all(len(faces[column]) == SHOWN for column in columns)
    assert set(faces["attributes"]) == {"round", "straight"}
    entry = model.gallery.entries[4]
    assert faces["attributes"]["round"][4] == str(int(entry.attributes["round"]))
    assert 0 <= min(faces["x"] + faces["y"]) <= max(faces["x"] + faces["y"]) <= 1
    cells = set(zip(faces["gridX"], faces["gridY"], strict=True))
    assert len(cells) == SHOWN
    assert site["gridSide"] == 6
    assert sum(colour["count"] for colour in faces["colours"]) == SHOWN
    assert sorted(site["atlas"]["slots"]) == list(range(SHOWN))
    sheets = [sheet for level in site["atlas"]["levels"] for sheet in level["sheets"]]
    for part in [*site["parts"].values(), *sheets]:
        assert part["file"].startswith("../") or len(files[part["file"]]) == part["bytes"]
    latents = load(gzip.decompress(files[site["parts"]["latents"]["file"]]))["latents"]
    np.testing.assert_array_equal(latents, model.gallery.latents)


def test_directions_are_the_models_and_the_gallerys(model: Model, files: dict[str, bytes]) -> None:
    site = description(files)
    names = [direction["name"] for direction in site["directions"]]
    assert names[:3] == ["round", "straight", "pc1"]
    vectors = np.frombuffer(base64.b64decode(site["vectors"]), "<f4").reshape(len(names), -1)
    np.testing.assert_array_equal(vectors[0], model.directions["round"])
    first = (model.gallery.latents - model.gallery.latents.mean(axis=0)) @ vectors[2] / np.linalg.norm(vectors[2])
    assert first.std() == pytest.approx(np.linalg.norm(vectors[2]), rel=1e-4)
    assert abs(vectors[2] @ vectors[3]) < 1e-5


def test_principal_directions_are_told_by_the_faces_at_their_ends() -> None:
    rng = np.random.default_rng(5)
    latents = rng.normal(size=(200, 3)).astype(np.float32)
    attributes = [
        {"hat": bool(a > 0), "big_smile": bool(a < -0.5), "rare": i < 3} for i, (a, _, _) in enumerate(latents)
    ]
    del attributes[7]["hat"]  # not known of it
    axes = np.eye(3, dtype=np.float32)[:2]
    assert ends(axes, latents, attributes) == ["big smile – hat", ""]
    assert ends(-axes[:1], latents, attributes) == ["hat – big smile"]


def test_equal_faces_have_no_principal_directions() -> None:
    assert principal(np.ones((5, 4), np.float32), 8).shape == (0, 4)
    assert principal(np.arange(8, dtype=np.float32).reshape(2, 4), 8).shape == (1, 4)


def test_a_site_is_the_same_for_the_same_model(model: Model, files: dict[str, bytes]) -> None:
    assert site_files(model, gallery_faces(model)) == files


def test_a_data_set_becomes_a_map(
    model: Model, digits: tuple[NDArray[np.uint8], NDArray[np.int64]], tmp_path: Path
) -> None:
    known = ["true" if label in (0, 6, 8, 9) else "false" for label in digits[1][:50]]
    rows = [{"design": f"digit {i}", "split": "train", "round": known[i], "ink": "brown"} for i in range(50)]
    write_dataset(tmp_path / "data", zip(digits[0][:50], rows, strict=True))
    faces = dataset_faces(model, read_dataset(tmp_path / "data", SIZE))
    assert faces.names[7] == "digit 7"
    assert faces.descriptions[7] == "brown"
    assert faces.attributes[7] == {"round": rows[7]["round"] == "true"}
    site = description(made := site_files(model, faces))
    latents = load(gzip.decompress(made[site["parts"]["latents"]["file"]]))["latents"]
    assert latents.dtype == np.float16
    assert np.abs(latents - model.encode(digits[0][:50])).max() < 0.01


def test_a_map_has_bounds(
    model: Model, digits: tuple[NDArray[np.uint8], NDArray[np.int64]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("minifaces.explorer.faces.MOST", 3)
    row = {"design": "x", "split": "train", "file_name": "x.png"}
    with pytest.raises(UsageError, match="3 faces, not 4"):
        dataset_faces(model, DataSet(digits[0][:4], (row,) * 4))


def test_one_face_is_enough(model: Model, digits: tuple[NDArray[np.uint8], NDArray[np.int64]]) -> None:
    faces = MapFaces(digits[0][:1], model.encode(digits[0][:1]), ["one"], [""], [{}], ["train"], exact=False)
    assert description(site_files(model, faces))["gridSide"] == 1


@given(st.binary(max_size=300))
def test_text_holds_any_bytes(data: bytes) -> None:
    text = output.to_text(data).decode()
    assert not set(text) & set("\0\r<")
    bits = "".join(format(ord(c) if ord(c) < 0x80 else b"\0\r<"[ord(c) - 0x80], "07b") for c in text)
    assert bytes(int(bits[i : i + 8], 2) for i in range(0, len(data) * 8, 8)) == data
    assert len(text) == -(-len(data) * 8 // 7)


def test_a_site_is_exported_and_exported_again(files: dict[str, bytes], tmp_path: Path) -> None:
    out = tmp_path / "site"
    size = output.export_site(files, out, b"")
    assert (out / "index.html").read_text().startswith("<!doctype html>")
    assert size == sum(p.stat().st_size for p in out.rglob("*") if p.is_file() and p.name != ".minifaces-site")
    stale = out / "data" / next(name for name in files if name.startswith("decoder"))
    output.export_site({**{n: f for n, f in files.items() if n != stale.name}, "decoder-0.bin": b""}, out, b"")
    assert not stale.exists()
    assert (out / "data" / "decoder-0.bin").exists()


def test_foreign_files_are_left_alone(files: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="no export wrote"):
        output.export_site(files, tmp_path, b"")
    with pytest.raises(UsageError, match="name a folder"):
        output.export_site(files, tmp_path / "mine.txt", b"")


def test_a_single_file_allows_nothing_from_outside(files: dict[str, bytes]) -> None:
    html = output.single(files).decode()
    allowed = policy(html)
    assert "connect-src" not in allowed
    assert "'self'" not in allowed
    assert re.findall(r"script-src '(sha256-[^']+)' 'wasm-unsafe-eval'", allowed)
    head = html[: html.index('id="files-body"')]
    assert not re.findall(r'(?:src|href)="(?!data:|#)', head)
    index = json.loads(re.findall(r'id="files-index">(.*?)</script>', html)[0])
    assert {f"data/{name}" for name in files} <= set(index)
    assert not [name for name in index if name.endswith((".png", ".svg", ".webmanifest")) or name == "sw.js"]
    icon = re.findall(r'rel="icon" href="data:image/svg\+xml;base64,([^"]+)"', html)
    assert [base64.b64decode(text) for text in icon] == [page_files()["favicon.svg"]]


def test_the_page_that_ships_is_whole_and_closed() -> None:
    files = page_files()
    allowed = policy(files["index.html"].decode())
    assert "default-src 'none'" in allowed
    assert not re.search(r"https?:|\*|unsafe-inline|'unsafe-eval'", allowed)
    assert sum(map(len, files.values())) < 300_000


@pytest.fixture
def served(files: dict[str, bytes]) -> dict[str, bytes]:
    return {**output.site(files), "x.wasm": b"\0asm"}


@pytest.fixture
def server(served: dict[str, bytes]) -> Iterator[Server]:
    with Server(lambda place: explorer(served, place)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(*server.socket.getsockname()[:2])
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_the_server_serves_the_page_compressed_and_guarded(server: Server) -> None:
    response, body = ask(server, "/?x=1#map", Accept_Encoding="gzip")
    assert response.status == 200
    assert gzip.decompress(body).startswith(b"<!doctype html>")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-cache"
    plain, body = ask(server, "/index.html")
    assert "Content-Encoding" not in plain.headers
    assert body.startswith(b"<!doctype html>")
    head, nothing = ask(server, "/index.html", "HEAD")
    assert (int(head.headers["Content-Length"]), nothing) == (len(body), b"")


def test_the_server_tells_kinds_and_what_may_be_kept(server: Server, served: dict[str, bytes]) -> None:
    script = next(name for name in served if name.endswith(".js"))
    sheet = next(name for name in served if name.endswith(".webp"))
    for name, kind in [(script, "text/javascript; charset=utf-8"), (sheet, "image/webp")]:
        response, body = ask(server, f"/{name}")
        assert (response.headers["Content-Type"], body) == (kind, served[name])
        assert "immutable" in response.headers["Cache-Control"]
    assert ask(server, "/x.wasm")[0].headers["Content-Type"] == "application/wasm"
    for name, kind in [("favicon.svg", "image/svg+xml"), ("data/site.bin", "application/octet-stream")]:
        response, _ = ask(server, f"/{name}")
        assert response.headers["Content-Type"] == kind
        assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/nothing", "/../../etc/passwd", "/%2e%2e/x", "/data/"])
def test_the_server_has_nothing_else(server: Server, path: str) -> None:
    assert ask(server, path)[0].status == 404


def test_the_server_answers_to_this_machines_names_only(server: Server) -> None:
    assert ask(server, "/", Host="example.com")[0].status == 421
    assert ask(server, "/", Host=f"localhost:{server.place.port}")[0].status == 200


def test_a_port_that_is_taken_is_told(server: Server) -> None:
    with pytest.raises(MinifacesError, match="choose another with --port"):
        Server(lambda place: explorer({}, place), server.place.port)


def test_the_command_exports(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export-site", "-o", str(tmp_path / "site"), "--model", str(tiny_model)]) == 0
    assert (tmp_path / "site" / "data" / "site.bin").exists()
    assert run(["export-site", "-o", str(tmp_path / "x.html"), "--single-file", "--model", str(tiny_model)]) == 0
    assert (tmp_path / "x.html").stat().st_size > 100_000  # the page is in it
    capsys.readouterr()
    for name in (str(tmp_path / "x"), ".", ".."):
        assert run(["export-site", "-o", name, "--single-file", "--model", str(tiny_model)]) == 2
        assert f"{name}: a single file needs a name that ends in .html" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_that_cannot_be_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explore", "--port", port, "--no-browser"]) == 2
    assert "--port" in capsys.readouterr().err
