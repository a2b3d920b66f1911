"""The explorer's engine in a real Chromium, held against Python: same latents, same faces, and nothing from outside."""

import base64
import gzip
import io
import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, Route
from safetensors.numpy import save_file

from conftest import LATENT, write_config
from explorer_pages import opened, served, started
from explorer_visit import as_picture
from minifaces.explorer.faces import gallery_faces
from minifaces.explorer.operations import compile_network
from minifaces.explorer.output import export_single, single
from minifaces.explorer.site import site_files
from minifaces.fits.flow import fit_flow
from minifaces.images import square
from minifaces.studio.model import Model
from minifaces.vae.config import Flow as FlowSettings
from networks import network

ROOT = Path(__file__).parents[1]
VECTORS: dict[str, Any] = json.loads((ROOT / "tests" / "data" / "generator.json").read_text())
# Arrays cross over as JSON.
PICTURES = "async rows => explorer.decode(rows.map(row => Float32Array.from(row)))"
AS_TEXT = """pictures => pictures.map(({ data }) => {
  let text = ""
  for (let i = 0; i < data.length; i += 4096) text += String.fromCharCode(...data.subarray(i, i + 4096))
  return btoa(text)
})"""


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.bundled()


@pytest.fixture(scope="module")
def files(model: Model) -> dict[str, bytes]:
    return site_files(model, gallery_faces(model))


@pytest.fixture(scope="module")
def tiny(tiny_model: Path) -> Model:
    return Model(tiny_model)


@pytest.fixture(scope="module")
def tiny_files(tiny: Model) -> dict[str, bytes]:
    return site_files(tiny, gallery_faces(tiny))


@pytest.fixture(scope="module")
def page(browser: Browser, files: dict[str, bytes]) -> Iterator[Page]:
    """The explorer with the bundled model."""
    with served(files) as address:
        page = browser.new_page()
        opened(page, address)
        yield page
        page.close()


@pytest.fixture(scope="module")
def flowing(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The tiny model with a flow."""
    folder = shutil.copytree(tiny_model, tmp_path_factory.mktemp("flowing") / "model")
    latents = Model(tiny_model).gallery.latents
    tensors = fit_flow(np.tile(latents, (9, 1)), FlowSettings(steps=40, batch=64, width=24, blocks=2, clusters=3))
    save_file(tensors, folder / "flow.safetensors")
    write_config(folder)
    return Model(folder)


@pytest.fixture(scope="module")
def tiny_page(browser: Browser, tiny_files: dict[str, bytes]) -> Iterator[Page]:
    """The explorer with a model of another size, without a flow."""
    with served(tiny_files) as address:
        page = browser.new_page()
        opened(page, address)
        yield page
        page.close()


def decoded(page: Page, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
    return pixels(page.evaluate(f"async rows => ({AS_TEXT})(await ({PICTURES})(rows))", latents.tolist()))


def shown(page: Page, name: str) -> NDArray[np.int64]:
    """What pictures look like now that the page holds by this name."""
    return pixels(page.evaluate(f"({AS_TEXT})({name})")).astype(int)


def pixels(texts: list[str]) -> NDArray[np.uint8]:
    pictures = [np.frombuffer(base64.b64decode(text), np.uint8) for text in texts]
    size = round((len(pictures[0]) / 4) ** 0.5)
    rgba = np.stack(pictures).reshape(-1, size, size, 4)
    assert (rgba[..., 3] == 255).all()
    return rgba[..., :3]


def rows(page: Page, expression: str, argument: Any = None) -> NDArray[np.float32]:
    """Latents that an expression gives, (n, d)."""
    found = page.evaluate(f"async argument => ({expression}).map(row => [...row])", argument)
    return np.array(found, np.float32)


def torch_faces(latents: NDArray[np.float32], model: Model) -> NDArray[np.uint8]:
    """What PyTorch's network makes of latents with the weights of the bundled decoder. Of the norms that the export has
    merged into the convolutions before them nothing is left to do."""
    import onnx
    import torch
    from pydantic import TypeAdapter

    from minifaces.vae.config import Network
    from minifaces.vae.networks import build

    network = build(TypeAdapter(Network).validate_python(model.config.preset["network"])).eval()
    weights = {
        weight.name.removesuffix(".half").removeprefix("network."): onnx.numpy_helper.to_array(weight)
        for weight in onnx.load(model.folder / "decoder.onnx").graph.initializer
    }
    state = network.state_dict()
    known = {name: torch.from_numpy(weights[name].astype(np.float32)) for name in state if name in weights}
    left = [name for name in state if name.startswith("decoder.") and name not in known]
    assert all(".body.3." in name or name.endswith("num_batches_tracked") for name in left)
    network.load_state_dict(state | known)
    with torch.no_grad():
        faces = network.decode(torch.from_numpy(latents)).clamp(0, 1).numpy()
    return np.rint(faces * 255).transpose(0, 2, 3, 1).astype(np.uint8)


def test_page_onnx_runtime_and_torch_decode_the_same(page: Page, model: Model) -> None:
    latents = np.concatenate([model.gallery.latents[::8][:48], model.sample_latents(52, seed=11)])
    faces = [decoded(page, latents), model.decode(latents), torch_faces(latents, model)]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(faces[a].astype(int) - faces[b]).max() <= 2
    # Between the page and Python only a value that falls between two bytes may come out either way.
    assert np.abs(faces[0].astype(int) - faces[1]).max() <= 1
    assert (faces[0] != faces[1]).mean() < 1e-3


def odd_decoder() -> bytes:
    """One with every kind of step, whose faces look like none."""
    rng, node = np.random.default_rng(0), onnx.helper.make_node
    shapes = {"dense": (2304, LATENT), "first": (36, 36, 3, 3), "up": (36, 20, 3, 3), "last": (12, 20, 3, 3)}
    weights: dict[str, Any] = {
        f"{name}.half": rng.normal(0, 2 / np.prod(shape[1:]) ** 0.5, shape).astype(np.float16)
        for name, shape in shapes.items()
    }
    weights |= {"picture": np.array([-1, 36, 8, 8]), "groups": np.array([0, 4, -1]), "few": rng.normal(size=(20, 1, 1))}
    weights |= {"ones": np.ones(4, np.float32), "zeros": np.zeros(4, np.float32)}
    weights["few"] = weights["few"].astype(np.float32)
    nodes = [node("Cast", [f"{name}.half"], [name], to=1) for name in shapes]
    nodes += [
        node("Gemm", ["latent", "dense"], ["a"], transB=1),
        node("Reshape", ["a", "picture"], ["b"]),
        node("Reshape", ["b", "groups"], ["c"]),
        node("InstanceNormalization", ["c", "ones", "zeros"], ["d"]),
        node("Reshape", ["d", "picture"], ["e"]),
        node("LeakyRelu", ["e"], ["f"], alpha=0.2),
        node("Conv", ["f", "first"], ["g"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("Sigmoid", ["g"], ["h"]),
        node("Mul", ["g", "h"], ["i"]),
        node("Mul", ["i", "e"], ["j"]),
        node("Add", ["j", "b"], ["k"]),
        node("ConvTranspose", ["k", "up"], ["l"], kernel_shape=[3, 3], pads=[2, 2, 1, 1], strides=[1, 1]),
        node("Mul", ["l", "few"], ["m"]),
        node("Conv", ["m", "last"], ["n"], kernel_shape=[3, 3], pads=[1, 2, 2, 1]),
        node("DepthToSpace", ["n"], ["o"], blocksize=2),
        node("Sigmoid", ["o"], ["face"]),
    ]
    return network(nodes, weights, [LATENT], "latent", "face")


def test_every_kind_of_step_is_as_in_onnx_runtime(browser: Browser, copy: Path) -> None:
    file = odd_decoder()
    steps = {step[0] for step in compile_network(file).steps}
    assert len(steps) == 13, steps  # all that there are
    (copy / "decoder.onnx").write_bytes(file)
    write_config(copy)
    model = Model(copy)
    with served(site_files(model, gallery_faces(model))) as address:
        page = browser.new_page()
        opened(page, address)
        latents = np.random.default_rng(1).normal(size=(20, LATENT)).astype(np.float32)
        faces = model.decode(latents)
        assert faces.std() > 20
        found = decoded(page, latents).astype(int)
        assert np.abs(found - faces).max() <= 1
        assert (found != faces).mean() < 1e-3
        page.close()


def test_the_first_faces_are_nearly_right_and_then_put_right(
    browser: Browser, files: dict[str, bytes], model: Model
) -> None:
    page = browser.new_page()
    latents = model.gallery.latents[::40]
    held: list[Route] = []
    page.route("**/details-*.bin", lambda route: held.append(route))
    with served(files) as address:
        started(page, address)
        page.evaluate("explorer.ready")
        page.evaluate(f"async rows => {{ globalThis.first = await ({PICTURES})(rows) }}", latents.tolist())
        seen = [shown(page, "first"), model.decode(latents).astype(int)]
        assert not page.evaluate("Promise.race([explorer.exact.then(() => true), false])")
        noise = ((seen[0] - seen[1]) ** 2).mean(axis=(1, 2, 3))
        assert (10 * np.log10(255**2 / noise) > 42).all()
        assert (noise > 0.01).all()
        painted = page.locator("canvas.face.large").first
        before = painted.evaluate("canvas => canvas.toDataURL()")
        deadline = time.monotonic() + 30
        while not held:
            assert time.monotonic() < deadline
            page.wait_for_timeout(20)
        held[0].continue_()
        page.evaluate("explorer.exact")
        assert np.abs(shown(page, "first") - seen[1]).max() <= 1  # the same pictures
        assert painted.evaluate("canvas => canvas.toDataURL()") != before
    page.close()


@pytest.mark.parametrize("case", VECTORS["noise"], ids=lambda case: f"{case['seed']}-{case['stream']}-{case['face']}")
def test_vectors_of_noise(tiny_page: Page, case: dict[str, Any]) -> None:
    expression = f"[...explorer.noise({case['seed']}n, {case['size']}, {case['stream']}, {case['face']})]"
    assert tiny_page.evaluate(expression) == case["normals"]


@pytest.mark.parametrize("case", VECTORS["avatars"], ids=lambda case: repr(case["text"][:20]))
def test_vectors_of_avatars(tiny_page: Page, case: dict[str, Any]) -> None:
    assert tiny_page.evaluate("text => String(explorer.avatarSeed(text))", case["text"]) == case["seed"]


@pytest.mark.parametrize("temperature", [1.0, 0.7, 0.0])
def test_a_seed_gives_pythons_latents(page: Page, model: Model, temperature: float) -> None:
    seeds = [0, 7, 2**64 + 1, 2**128 - 1, 12345]
    found = rows(page, f"await explorer.randomMany(argument.map(BigInt), {temperature})", [str(s) for s in seeds])
    wanted = np.stack([model.sample_latents(1, seed, temperature)[0] for seed in seeds])
    np.testing.assert_array_equal(found, wanted)


def test_a_seed_gives_pythons_latents_without_a_flow(tiny_page: Page, tiny: Model) -> None:
    found = rows(tiny_page, "await explorer.randomMany([...Array(40).keys()].map(BigInt), 1.3)")
    np.testing.assert_array_equal(found, np.stack([tiny.sample_latents(1, seed, 1.3)[0] for seed in range(40)]))


@pytest.mark.parametrize(
    "asked",
    [
        {"having": {"eyewear": True, "smile": False}, "head": "medium nougat"},
        {"having": {"facial_hair": True}},
        {"having": {"facial_hair": False, "teeth": True}, "novelty": 1},
        {"head": "reddish brown", "novelty": 0},
    ],
)
def test_faces_are_asked_for_as_in_python(page: Page, model: Model, asked: dict[str, Any]) -> None:
    told = {
        "heads" if name == "head" else name: {value: 1} if name == "head" else value for name, value in asked.items()
    }
    found = rows(page, "await explorer.randomMany([...Array(12).keys()].map(BigInt), 1, argument)", told)
    np.testing.assert_array_equal(found, np.stack([model.sample_latents(1, seed, **asked)[0] for seed in range(12)]))


def test_a_flow_gives_pythons_latents(browser: Browser, flowing: Model) -> None:
    assert next(iter(flowing.priors)) == "flow"
    with served(site_files(flowing, gallery_faces(flowing))) as address:
        page = browser.new_page()
        opened(page, address)
        found = rows(page, "await explorer.randomMany([...Array(9).keys()].map(BigInt), 1.1)")
        page.close()
    np.testing.assert_array_equal(found, np.stack([flowing.sample_latents(1, seed, 1.1)[0] for seed in range(9)]))


@pytest.mark.parametrize("text", ["alice@example.com", "", "Zoe\u0308", "日本 🙂"])
def test_an_avatar_is_pythons(page: Page, model: Model, text: str) -> None:
    found = rows(page, "[(await explorer.avatar(argument)).latent]", text)
    np.testing.assert_array_equal(found[0], model.avatar_latent(text))
    face = model.avatar(text)
    assert np.abs(decoded(page, found)[0].astype(int) - face).max() <= 1


@pytest.mark.parametrize("kind", ["linear", "slerp", "density"])
@pytest.mark.parametrize("loop", [False, True])
def test_paths_are_pythons(page: Page, model: Model, kind: Any, loop: bool) -> None:
    stops = "[await explorer.latentOf(3), await explorer.latentOf(100), await explorer.random(5n)]"
    found = rows(page, f"await explorer.path('{kind}', {stops}, 12, {str(loop).lower()}, true)")
    latents = [*model.gallery.latents[[3, 100]], model.sample_latents(1, 5)[0]]
    wanted = model.morph_latents(*latents, steps=12, path=kind, loop=loop, eased=True)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_bent_path_is_pythons(tiny_page: Page, tiny: Model) -> None:
    stops = tiny.sample_latents(6, seed=4, temperature=3)
    found = rows(
        tiny_page, "await explorer.path('density', argument.map(x => Float32Array.from(x)), 15)", stops.tolist()
    )
    wanted = tiny.morph_latents(*stops, steps=15, path="density")
    assert np.abs(wanted - tiny.morph_latents(*stops, steps=15, path="linear")).max() > 0.1
    np.testing.assert_allclose(found, wanted, atol=1e-3)


@pytest.mark.parametrize(
    ("words", "named"),
    [("pirate", "eye ?patch"), ("specs", "glasses|goggles|visor"), ("mustache", "moustache"), ("robot", "robot")],
)
def test_faces_are_found_by_what_people_call_them(page: Page, words: str, named: str) -> None:
    page.evaluate("words => { location.hash = `map?q=${encodeURIComponent(words)}` }", words)
    found = page.locator(".found .thumbnail")
    page.wait_for_timeout(200)
    assert found.count() > 1
    titles = found.evaluate_all("all => all.map(one => one.title.toLowerCase())")
    assert [title for title in titles if not re.search(named, title)] == []


def test_places_of_the_map_are_named_by_what_most_faces_there_have(page: Page) -> None:
    page.evaluate("location.hash = 'map?layout=tsne'")
    signs = page.locator(".sign")
    page.wait_for_timeout(300)
    names = signs.all_inner_texts()
    assert {"beards", "glasses", "masks", "skulls"} <= set(names)
    place = page.get_by_role("button", name="beards", exact=True)
    place.click()
    page.wait_for_timeout(500)
    room, sign = page.locator(".map-room").bounding_box(), place.bounding_box()
    assert room
    assert sign
    assert abs(sign["x"] + sign["width"] / 2 - room["x"] - room["width"] / 2) < 3  # it lies in the middle now
    assert abs(sign["y"] + sign["height"] / 2 - room["y"] - room["height"] / 2) < 3


def test_men_and_women_are_found_by_what_is_known_of_them(page: Page) -> None:
    counts = []
    for words in ("angry woman", "angry man", "angry"):
        page.evaluate("words => { location.hash = `map?q=${encodeURIComponent(words)}` }", words)
        page.wait_for_timeout(200)
        counts.append(int(page.locator(".found .count").inner_text().split()[0]))
    assert 0 < counts[0] < counts[1] < counts[2]


def test_a_geodesic_is_pythons(page: Page, model: Model) -> None:
    found = rows(page, "await explorer.path('geodesic', [await explorer.latentOf(3), await explorer.latentOf(20)], 9)")
    ends = model.gallery.latents[[3, 20]]
    wanted, line = (model.morph_latents(*ends, steps=9, path=path) for path in ("geodesic", "linear"))
    # The page's encoder is rounded to 8 bits.
    assert np.linalg.norm(found - wanted, axis=1).max() < 0.1 * np.linalg.norm(line - wanted, axis=1).max()


def test_pictures_are_encoded(page: Page, model: Model) -> None:
    encode = "[await explorer.encode((await explorer.decode([await explorer.latentOf(50)]))[0])]"
    found, wanted = rows(page, encode)[0], model.encode(model.decode(model.gallery.latents[50]))[0]
    assert np.linalg.norm(found - wanted) < 0.03 * np.linalg.norm(wanted)


def test_edits_are_pythons(page: Page, model: Model) -> None:
    found = rows(page, "[await explorer.edit(await explorer.latentOf(9), { smile: 1.5, turn: -0.7 })]")[0]
    np.testing.assert_allclose(found, model.edit(model.gallery.latents[9], {"smile": 1.5, "turn": -0.7})[0], atol=1e-5)
    moved = rows(page, "[await explorer.edit(await explorer.latentOf(9), { pc1: 1 })]")[0] - model.gallery.latents[9]
    assert np.linalg.norm(moved) > 1
    complaint = "(async () => explorer.edit(await explorer.latentOf(9), { smirk: 1 }))().catch(error => error.message)"
    assert page.evaluate(complaint) == "There is no direction called smirk."


def test_an_edit_is_what_it_was_when_it_was_asked_for(page: Page) -> None:
    edit = """async () => {
      const [one, other] = explorer.directions.filter(({ learnt }) => learnt).map(({ name }) => name).sort()
      const [latent, amounts] = [await explorer.latentOf(9), { [one]: 1, [other]: 1 }]
      const both = await explorer.edit(latent, { ...amounts })
      const asked = explorer.edit(latent, amounts)
      delete amounts[other]
      return [[...both], [...await asked]]
    }"""
    both, asked = page.evaluate(edit)
    assert both == asked


def test_a_newer_path_stops_an_older_one(tiny_page: Page) -> None:
    outcome = tiny_page.evaluate("""async () => {
      const stops = [await explorer.latentOf(0), await explorer.latentOf(1)]
      const asked = [9, 9].map(steps => explorer.path("geodesic", stops, steps))
      return (await Promise.allSettled(asked)).map(({ value, reason }) => value?.length ?? reason.message)
    }""")
    assert outcome == ["This path is no longer wanted.", 9]


def test_a_path_that_nobody_waits_for_is_halted(tiny_page: Page) -> None:
    outcome = tiny_page.evaluate("""async () => {
      const stops = [await explorer.latentOf(0), await explorer.latentOf(1)]
      const asked = explorer.path("geodesic", stops, 9).then(({ length }) => length, ({ message }) => message)
      await explorer.halt()
      return [await asked, (await explorer.path("geodesic", stops, 9)).length]
    }""")
    assert outcome == ["This path is no longer wanted.", 9]


def test_sheets_that_are_long_unused_are_released(browser: Browser, tiny_files: dict[str, bytes]) -> None:
    site = json.loads(gzip.decompress(tiny_files["site.bin"]))
    site["atlas"]["levels"][0]["sheets"] *= 120
    with served({**tiny_files, "site.bin": gzip.compress(json.dumps(site).encode())}) as address:
        page = browser.new_page()
        opened(page, address)
        widths = page.evaluate("""async () => {
          const sheets = []
          for (const i of [...Array(120).keys(), 0]) sheets.push(await explorer.atlas.sheet(0, i))
          return sheets.map(({ width }) => width)
        }""")
        assert widths[:10] == [0] * 10
        assert min(widths[-20:]) > 0
        page.close()


def test_neighbours_are_pythons(page: Page, model: Model) -> None:
    found = page.evaluate("(async () => await explorer.neighbours(await explorer.latentOf(30), 8, 30))()")
    order, distances = model.gallery.nearest(model.gallery.latents[30], 8, without=30)
    assert [one["index"] for one in found] == order.tolist()
    np.testing.assert_allclose([one["distance"] for one in found], distances, rtol=1e-5)


def test_the_map_is_continuous_and_passes_through_its_faces(page: Page, model: Model) -> None:
    at = "await explorer.latentAt('tsne', explorer.gallery[12].x + argument, explorer.gallery[12].y)"
    steps = [rows(page, f"[{at}]", shift)[0] for shift in (0, 1e-6, 0.02, 0.020001)]
    np.testing.assert_allclose(steps[0], model.gallery.latents[12], atol=0.02)
    assert np.linalg.norm(steps[1] - steps[0]) < 0.05
    assert np.linalg.norm(steps[3] - steps[2]) < 0.05
    assert np.linalg.norm(steps[2] - steps[0]) > 0.5


def test_variations_are_as_unusual_as_both(page: Page, model: Model) -> None:
    found = rows(page, "[await explorer.vary(await explorer.latentOf(9), 5n, argument)]", 0)[0]
    np.testing.assert_allclose(found, model.gallery.latents[9], atol=1e-5)
    other = rows(page, "[await explorer.vary(await explorer.latentOf(9), 5n, argument)]", 1)[0]
    np.testing.assert_allclose(other, model.sample_latents(1, 5)[0], atol=1e-5)
    mean = rows(page, "[explorer.mean([await explorer.latentOf(1), await explorer.latentOf(2)])]")[0]
    np.testing.assert_allclose(mean, model.gallery.latents[1:3].mean(axis=0), atol=1e-6)


def test_what_is_dragged_goes_first_and_only_the_newest(tiny_page: Page) -> None:
    order = tiny_page.evaluate("""async () => {
      const [face, order] = [await explorer.latentOf(0), []]
      const told = name => pictures => order.push([name, pictures && pictures.length])
      await Promise.all([
        explorer.decode(Array(64).fill(face)).then(told("long")),
        explorer.decodeLatest("drag", [face]).then(told("first")),
        explorer.decodeLatest("drag", [face]).then(told("second")),
        explorer.decodeLatest("drag", [face]).then(told("third")),
        explorer.decodeLatest("other", [face]).then(told("other")),
      ])
      return order
    }""")
    outcome = dict(order)
    assert (outcome["third"], outcome["other"], outcome["long"]) == (1, 1, 64)
    assert outcome["second"] is None
    assert order[-1][0] == "long"


def put(page: Page, picture: NDArray[np.uint8]) -> str:
    """Hand the page a picture; an expression for its ImageBitmap."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    page.evaluate(
        "text => { globalThis.given = new Blob([Uint8Array.from(atob(text), letter => letter.charCodeAt(0))]) }",
        base64.b64encode(stream.getvalue()).decode(),
    )
    return "await createImageBitmap(given)"


def framed(
    page: Page, picture: NDArray[np.uint8], crop: str = "undefined"
) -> tuple[NDArray[np.uint8], dict[str, float]]:
    data, found = page.evaluate(
        f"""async () => {{ const {{ image, crop }} = explorer.frame({put(page, picture)}, {crop});
        return [[...image.data], crop] }}"""
    )
    size = round((len(data) / 4) ** 0.5)
    return np.array(data, np.uint8).reshape(size, size, 4)[..., :3], found


def test_a_head_is_framed_before_a_plain_ground(page: Page, model: Model) -> None:
    face = model.gallery.thumbnails[0]
    photo = np.full((300, 400, 3), face[0, 0], np.uint8)
    photo[100:228, 200:328] = face
    image, crop = framed(page, photo)
    seen = np.abs(face.astype(int) - face[0, 0]).max(axis=2) > 34
    (top, bottom), (left, right) = (np.flatnonzero(seen.any(axis=axis))[[0, -1]] for axis in (1, 0))
    assert crop["size"] == pytest.approx(max(bottom - top, right - left) / 0.9, abs=8)
    assert crop["left"] + crop["size"] / 2 == pytest.approx(200 + (left + right) / 2, abs=4)
    assert crop["top"] + crop["size"] / 2 == pytest.approx(100 + (top + bottom) / 2, abs=4)
    assert image.shape == (128, 128, 3)
    assert np.abs(image[0, 0].astype(int) - face[0, 0]).max() <= 3


def test_a_picture_without_a_plain_ground_is_taken_whole_as_in_python(page: Page) -> None:
    y, x = np.mgrid[:300, :200]
    photo = np.stack([x * 255 // 199, y * 255 // 299, (x + y) % 256], axis=2).astype(np.uint8)
    image, crop = framed(page, photo)
    assert crop == {"left": -50, "top": 0, "size": 300}
    assert np.abs(image.astype(int) - square(photo, 128)).mean() < 4
    part, _ = framed(page, photo, "{ left: 50, top: 100, size: 64 }")
    wanted = np.asarray(Image.fromarray(photo[100:164, 50:114]).resize((128, 128), Image.Resampling.BICUBIC))
    assert np.abs(part.astype(int) - wanted).mean() < 6


def test_nothing_is_asked_of_anybody_else(browser: Browser, files: dict[str, bytes]) -> None:
    with served(files) as address:
        page = browser.new_page()
        watch = opened(page, address)
        assert not any("encoder" in url or "parts" in url for url in watch.requests)  # not before they are needed
        page.evaluate("explorer.random(1n)")
        page.evaluate("(async () => explorer.encode((await explorer.decode([await explorer.latentOf(0)]))[0]))()")
        assert any("parts" in url for url in watch.requests)
        assert all(url.startswith((address, "blob:", "data:")) for url in watch.requests)
        assert watch.complaints == []
        # And could not be: the policy forbids it.
        refused = "fetch('http://127.0.0.2:9/').then(() => 'fetched', () => 'refused')"
        assert page.evaluate(refused) == "refused"
        assert any("Content Security Policy" in text for text in watch.complaints)
        page.close()


def test_a_host_that_unpacks_is_no_trouble(browser: Browser, tiny_files: dict[str, bytes]) -> None:
    plain = {name: gzip.decompress(data) if name.endswith(".bin") else data for name, data in tiny_files.items()}
    with served(plain) as address:
        page = browser.new_page()
        watch = opened(page, address)
        assert watch.complaints == []
        page.close()


def test_the_single_file_works_from_disk_offline(
    browser: Browser, files: dict[str, bytes], model: Model, tmp_path: Path
) -> None:
    path = tmp_path / "faces.html"
    assert export_single(files, path) <= 24e6
    context = browser.new_context(offline=True)
    page = context.new_page()
    watch = opened(page, path.as_uri())
    latents = model.sample_latents(2, seed=3)
    assert np.abs(decoded(page, latents).astype(int) - model.decode(latents)).max() <= 1
    found = rows(page, "await explorer.randomMany([0n, 1n])")
    np.testing.assert_array_equal(found[0], model.sample_latents(1, 0)[0])
    sheet = page.evaluate("(async () => { const { width } = await explorer.atlas.sheet(0, 0); return width })()")
    assert sheet == 2048
    page.evaluate("(async () => explorer.encode((await explorer.decode([await explorer.latentOf(0)]))[0]))()")
    assert all(url.startswith(("file:", "blob:", "data:")) for url in watch.requests)
    assert watch.complaints == []
    context.close()


def test_the_single_file_may_be_served_too(browser: Browser, tiny_files: dict[str, bytes]) -> None:
    page = browser.new_page()
    html = single(tiny_files)
    page.route("http://faces.test/", lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
    watch = opened(page, "http://faces.test/")
    assert watch.complaints == []
    page.close()


def test_without_simd_there_is_one_clear_sentence(browser: Browser, tiny_files: dict[str, bytes]) -> None:
    with served(tiny_files) as address:
        page = browser.new_page()
        # As a browser without it would say.
        page.add_init_script("WebAssembly.validate = () => false")
        started(page, address)
        said = page.evaluate("explorer.ready.catch(error => error.message)")
        assert said == "Faces cannot be decoded here: this browser has no WebAssembly SIMD. A newer one has."
        # The map is there all the same.
        assert page.evaluate("(async () => (await explorer.atlas.sheet(0, 0)).width)()") > 0


def test_a_file_that_is_missing_is_named(browser: Browser, tiny_files: dict[str, bytes]) -> None:
    lacking = {name: data for name, data in tiny_files.items() if not name.startswith("decoder")}
    with served(lacking) as address:
        page = browser.new_page()
        started(page, address)
        said = page.evaluate("explorer.ready.catch(error => error.message)")
        assert said.startswith("decoder-")
        assert said.endswith("could not be fetched: the server says 404. Reload the page, or tell who put it there.")
        page.close()


def test_a_wall_is_asked_for_by_attribute_and_head(page: Page, model: Model) -> None:
    page.evaluate("location.hash = 'invent?seed=300&with=eyewear&head=yellow'")
    page.get_by_label("None with").select_option("smile")
    page.wait_for_timeout(300)
    address = page.evaluate("location.hash")
    assert address.endswith("with=eyewear&without=smile&head=yellow")
    seed = int(re.search(r"seed=(\d+)", address)[1]) + 5  # type: ignore[index]
    wanted = model.sample(1, seed, having={"eyewear": True, "smile": False}, head="yellow")[0]
    shown = """() => {
      const canvas = document.querySelectorAll(".wall canvas")[5]
      return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]
    }"""
    deadline = time.monotonic() + 20
    while np.abs(as_picture(page.evaluate(shown)).astype(int) - wanted).max() > 1:
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)
    page.evaluate("location.hash = 'invent?seed=3&with=wings&head=no'")  # nobody has that: it is left out
    page.wait_for_timeout(300)
    assert "with" not in page.evaluate("location.hash")
