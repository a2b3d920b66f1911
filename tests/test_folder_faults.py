"""Model folders that are damaged at many places, or made to do harm: refused in one line that names the file, or they
work.

Where only a file is damaged, its sum tells. So these are the files of somebody who knows how to mend the sums."""

import itertools
import json
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from conftest import write_config
from minifaces import MinifacesError, UsageError
from minifaces.cli.main import run
from minifaces.studio.folder import FILES
from minifaces.studio.model import Model

BUNDLED = Path(__file__).parent.parent / "src" / "minifaces" / "assets" / "model"
PLACES = 40


def used(folder: Path) -> None:
    """All that is read of a model folder."""
    model = Model(folder, threads=1)
    latents = model.sample_latents(2, seed=1)
    pictures = model.decode(latents)
    assert np.isfinite(model.encode(pictures)).all()
    assert len(model.gallery.thumbnails) == len(model.gallery)
    model.neighbours(latents[0])
    for name in model.directions:
        model.edit(latents[0], {name: 1.0})


def refusal(folder: Path) -> str | None:
    """The line, if it is refused; it names a file of the folder."""
    line = None
    try:
        used(folder)
    except MinifacesError as error:
        line = str(error)
    assert line is None or (str(folder) in line and "\n" not in line)
    return line


def damaged(whole: bytes, draws: random.Random) -> bytes:
    data, at = bytearray(whole), draws.choice([draws.randrange(len(whole)), draws.randrange(min(300, len(whole)))])
    kind = draws.choice(["bit", "bit", "cut", "zeros", "ones"])
    if kind == "bit":
        data[at] ^= 1 << draws.randrange(8)
    elif kind == "cut":
        del data[at:]
    else:
        data[at : at + 8] = (b"\0" if kind == "zeros" else b"\xff") * 8
    return bytes(data)


@pytest.mark.parametrize("name", ["config.json", *(path.name for path in BUNDLED.iterdir() if path.suffix != ".md")])
def test_a_flipped_bit_is_seen(name: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(BUNDLED, tmp_path / "model"))
    path, draws = folder / name, random.Random(0)
    whole = path.read_bytes()
    for _ in range(8):
        data = bytearray(whole)
        data[draws.randrange(len(data))] ^= 1 << draws.randrange(8)
        path.write_bytes(data)
        if name == "config.json":  # of which there is no sum: a flip in a number that nobody reads does no harm
            refusal(folder)
            continue
        with pytest.raises(UsageError, match=f"{name} is damaged"):
            Model(folder)


@pytest.mark.parametrize("name", ["config.json", *FILES])
def test_damage_that_the_sums_agree_with_is_refused_or_does_no_harm(
    copy: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path, draws = copy / name, random.Random(0)
    whole, refused = path.read_bytes(), 0
    for _ in range(PLACES):
        path.write_bytes(damaged(whole, draws))
        if name != "config.json":
            write_config(copy)
        refused += refusal(copy) is not None
    assert refused >= 3
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [pair for pair in itertools.combinations(FILES, 2) if Path(pair[0]).suffix == Path(pair[1]).suffix],
)
def test_swapped_files_are_refused(copy: Path, one: str, other: str) -> None:
    (copy / one).rename(copy / "aside")
    (copy / other).rename(copy / one)
    (copy / "aside").rename(copy / other)
    write_config(copy)
    assert refusal(copy)


def header(value: object, size: int | None = None, body: bytes = bytes(48)) -> bytes:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + body


def tensor(**changes: object) -> dict[str, object]:
    return {"smile": {"dtype": "F32", "shape": [12], "data_offsets": [0, 48], **changes}}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 8,
        header(tensor(), 2**63),
        header(tensor(), 2**64 - 1),
        header(tensor(), 10**6),
        header(tensor(), 3),
        header(b"[" * 100_000),
        header(b'{"a":' * 50_000),
        header(b"\xff\xfe"),
        header([]),
        header(tensor(dtype="F17")),
        header(tensor(dtype="I64", shape=[6])),
        header(tensor(shape=[2**62, 2**62])),
        header(tensor(shape=[-12])),
        header(tensor(shape=[13])),
        header(tensor(data_offsets=[48, 0])),
        header(tensor(data_offsets=[0, 2**60])),
        header(tensor(data_offsets=[1, 49])),
        header(tensor(shape=[3, 4])),
        header(tensor(shape=[])),
        header(tensor(), body=struct.pack("<12f", *[float("nan")] * 12)),
        header(tensor(), body=struct.pack("<12f", *[float("inf")] * 12)),
        header({**tensor(), "odd": {"dtype": "F32", "shape": [12], "data_offsets": [0, 48]}}),
    ],
)
def test_headers_of_tensors_that_lie_are_refused(copy: Path, data: bytes) -> None:
    (copy / "directions.safetensors").write_bytes(data)
    write_config(copy)
    assert "directions.safetensors is damaged" in str(refusal(copy))


@pytest.mark.parametrize("name", ["config.json", "gallery.json"])
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"3",
        b'"text"',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"format": 1e999}',
        b"[NaN]",
        b'{"format": 1' + b"0" * 5000 + b"}",
    ],
)
def test_json_that_is_odd_is_refused(copy: Path, name: str, text: bytes) -> None:
    (copy / name).write_bytes(text)
    if name != "config.json":
        write_config(copy)
    assert f"{name} is damaged" in str(refusal(copy))


def _external(graph: onnx.ModelProto, secret: Path) -> None:
    weight = graph.graph.initializer[0]
    size = len(weight.raw_data)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in (("location", str(secret)), ("offset", "0"), ("length", str(size))):
        weight.external_data.add(key=key, value=value)


def _foreign(graph: onnx.ModelProto, _: Path) -> None:
    graph.graph.node[0].domain = "com.example.run"


def _double(graph: onnx.ModelProto, _: Path) -> None:
    graph.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def _more_inputs(graph: onnx.ModelProto, _: Path) -> None:
    graph.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))


def _future(graph: onnx.ModelProto, _: Path) -> None:
    graph.opset_import[0].version = 9999


@pytest.mark.parametrize("change", [_external, _foreign, _double, _more_inputs, _future])
def test_networks_that_are_no_networks_of_a_model_are_refused(
    copy: Path, change: Callable[[onnx.ModelProto, Path], None], tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(bytes(1 << 20))  # another file of the machine
    graph = onnx.load(copy / "decoder.onnx")
    change(graph, tmp_path / "secret")
    (copy / "decoder.onnx").write_bytes(graph.SerializeToString())
    write_config(copy)
    assert "decoder.onnx" in str(refusal(copy))


def test_the_command_line_refuses_in_one_line(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for change, told in (({"format": 2}, "format"), ({"surprise": 1}, "surprise")):
        write_config(copy, **change)
        assert run(["sample", "--model", str(copy), "-o", str(copy.parent / "x.png")]) == 2
        error = capsys.readouterr().err
        assert (error.count("\n"), told in error) == (1, True)
