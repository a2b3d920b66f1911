"""Networks as programs for the page: what ONNX Runtime makes of them, and a sentence where the page could not."""

import contextlib
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import helper, numpy_helper

import minifaces
from minifaces.errors import UsageError
from minifaces.explorer.onnx_file import read_graph
from minifaces.explorer.operations import compile_network
from minifaces.explorer.pack import pack_network
from minifaces.explorer.program import Program
from minifaces.studio.model import Model
from networks import answer, by_pixel, computed, network

BUNDLED = Path(minifaces.__file__).parent / "assets" / "model"
node = helper.make_node


def compared(file: bytes, shape: tuple[int, ...], near: float = 1e-5) -> Program:
    """Hold a program against ONNX Runtime."""
    given = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    program = compile_network(file)
    expected = by_pixel(answer(file, given))
    found = computed(program, given).reshape(expected.shape)
    np.testing.assert_allclose(found, expected, atol=near * np.abs(expected).max())
    return program


def values(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(len(shape)).normal(0, 0.3, shape).astype(np.float32)


@pytest.mark.parametrize(("name", "row"), [("decoder", (192,)), ("encoder", (3, 128, 128))])
def test_the_bundled_networks_give_what_they_gave(name: str, row: tuple[int, ...]) -> None:
    program = compared((BUNDLED / f"{name}.onnx").read_bytes(), row)
    steps = [step[0] for step in program.steps]
    # Convolutions of stride 2, of pictures of 4 x 4, of 1 x 1 and dense layers are products as they are.
    assert (steps.count("tiles"), steps.count("multiply")) == {"decoder": (7, 6), "encoder": (17, 6)}[name]
    assert {"times", "sigmoid"}.isdisjoint(steps[:-2])  # x * sigmoid(x) is one step
    assert program.end < 2e6  # of bytes: what is no longer needed makes room


@pytest.mark.parametrize(("name", "row"), [("decoder", (12,)), ("encoder", (3, 16, 16))])
def test_the_networks_of_the_toy_model_do(tiny_model: Path, name: str, row: tuple[int, ...]) -> None:
    compared((tiny_model / f"{name}.onnx").read_bytes(), row)


CONVOLUTIONS: dict[str, dict[str, Any]] = {
    "tiles": {"tiled": True},
    "no bias": {"bias": False, "tiled": True},
    "many tiles": {"side": (20, 20), "seen": 32, "made": 44, "tiled": True},
    "no whole tiles": {"side": (10, 10)},
    "not square": {"side": (8, 12)},
    "one tile": {"side": (4, 4)},
    "few channels": {"seen": 5, "made": 3},
    "strides": {"strides": [2, 1]},
    "dilations": {"dilations": [2, 2], "pads": [2, 2, 2, 2]},
    "no rim": {"pads": [0, 0, 0, 0]},
    "a rim of its own each side": {"pads": [0, 1, 2, 3]},
    "1 x 1": {"kernel": (1, 1), "pads": [0, 0, 0, 0], "made": 13},
    "5 x 3": {"kernel": (5, 3), "pads": [2, 1, 2, 1]},
}


@pytest.mark.parametrize("case", CONVOLUTIONS.values(), ids=CONVOLUTIONS.keys())
def test_convolutions(case: dict[str, Any]) -> None:
    usual = {"side": (8, 8), "seen": 36, "made": 40, "kernel": (3, 3), "bias": True, "tiled": False}
    numbers = {"pads": [1, 1, 1, 1], "strides": [1, 1], "dilations": [1, 1]}
    how = usual | {key: value for key, value in case.items() if key in usual}
    numbers |= {key: value for key, value in case.items() if key in numbers}
    weights = {"filters": values(how["made"], how["seen"], *how["kernel"]), "bias": values(how["made"])}
    inputs = ["given", "filters", "bias"][: 3 if how["bias"] else 2]
    conv = node("Conv", inputs, ["made"], kernel_shape=how["kernel"], **numbers)
    picture = (how["seen"], *how["side"])
    program = compared(network([conv], weights, [*picture]), picture)
    assert ("tiles" in {step[0] for step in program.steps}) == how["tiled"]


@pytest.mark.parametrize(
    "numbers",
    [
        {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]},
        {"strides": [1, 1], "pads": [1, 1, 1, 1]},
        {"strides": [3, 2], "pads": [0, 1, 2, 0], "dilations": [2, 1]},
    ],
)
def test_transposed_convolutions(numbers: dict[str, Any]) -> None:
    conv = node("ConvTranspose", ["given", "filters", "bias"], ["made"], kernel_shape=[3, 3], **numbers)
    compared(network([conv], {"filters": values(7, 5, 3, 3), "bias": values(5)}, [7, 6, 4]), (7, 6, 4))


def small(*ops: tuple[str, list[str], dict[str, Any]], **weights: NDArray[Any]) -> bytes:
    """Operations in a row on pictures of 12 x 4 x 4; "." stands for what the one before made."""
    nodes, last = [], "given"
    for i, (op, inputs, attributes) in enumerate(ops):
        made = "made" if i == len(ops) - 1 else f"after {i}"
        nodes.append(node(op, [last if name == "." else name for name in inputs], [made], **attributes))
        last = made
    return network(nodes, weights, [12, 4, 4])


def integers(*numbers: int) -> NDArray[np.int64]:
    return np.array(numbers, np.int64)


def group_norm() -> bytes:
    """As torch exports it."""
    return network(
        [
            node("Shape", ["given"], ["shape"]),
            node("Reshape", ["given", "groups"], ["rows"]),
            node("InstanceNormalization", ["rows", "ones", "zeros"], ["normal"], epsilon=1e-3),
            node("Reshape", ["normal", "shape"], ["again"]),
            node("Mul", ["scale", "again"], ["scaled"]),
            node("Add", ["scaled", "shift"], ["made"]),
        ],
        {
            "groups": integers(0, 3, -1),
            "ones": values(3),
            "zeros": values(3),
            "scale": values(12, 1, 1),
            "shift": values(12, 1, 1),
        },
        [12, 4, 4],
    )


OTHERS: dict[str, bytes] = {
    "DepthToSpace": small(("DepthToSpace", ["."], {"blocksize": 2}), ("LeakyRelu", ["."], {"alpha": 0.3})),
    "DepthToSpace CRD": small(("DepthToSpace", ["."], {"blocksize": 2, "mode": "CRD"})),
    "SpaceToDepth": small(("SpaceToDepth", ["."], {"blocksize": 2}), ("Relu", ["."], {})),
    "turned": small(
        ("Reshape", [".", "six"], {}),
        ("Transpose", ["."], {"perm": [0, 1, 3, 5, 2, 4]}),
        ("Reshape", [".", "four"], {}),
        six=integers(-1, 12, 2, 2, 2, 2),
        four=integers(-1, 48, 2, 2),
    ),
    "Gemm": small(
        ("Flatten", ["."], {}), ("Gemm", [".", "w", "b"], {"transB": 1}), w=values(9, 192).astype("f4"), b=values(9)
    ),
    "MatMul of many rows": small(("MatMul", [".", "w"], {}), ("Clip", [".", "low"], {}), w=values(4, 6), low=values()),
    "BatchNormalization": small(
        ("BatchNormalization", [".", "a", "a", "b", "c"], {"epsilon": 0.01}),
        a=values(12), b=values(1, 12)[0], c=values(12) ** 2,
    ),
    "group norm": group_norm(),
    "after a turn": small(
        ("DepthToSpace", ["."], {"blocksize": 2}),
        ("Mul", [".", "few"], {}),
        ("Sigmoid", ["."], {}),
        few=values(3, 1, 1),
    ),
    "number by number": small(("Sigmoid", ["."], {}), ("Mul", ["given", "."], {}), ("Add", ["given", "."], {})),
    "a product": small(("Relu", ["."], {}), ("Mul", ["given", "."], {})),
}  # fmt: skip


@pytest.mark.parametrize("file", OTHERS.values(), ids=OTHERS.keys())
def test_other_operations(file: bytes) -> None:
    compared(file, (12, 4, 4))


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (small(("Tanh", ["."], {})), "the page does not know the operation Tanh, which the network needs"),
        (small(("_init__", ["."], {})), "the page does not know the operation _init__, which"),
        (small(("Conv", [".", "w"], {"group": 2}), w=values(12, 6, 3, 3)), "knows Conv of one group only"),
        (small(("Conv", [".", "w"], {"auto_pad": "SAME_UPPER"}), w=values(12, 12, 3, 3)), "with a stated rim only"),
        (small(("Gemm", [".", "w"], {"alpha": 0.5}), w=values(4, 4)), "knows Gemm of plain matrices only"),
        (small(("MatMul", [".", "given"], {})), "multiplies by constant matrices only"),
        (small(("Mul", [".", "after 0"], {}), ("Relu", ["."], {})), "is damaged: its Mul makes no sense"),
        (small(("Reshape", [".", "shape"], {}), shape=integers(5, 5)), "is damaged: its Reshape makes no sense"),
    ],
)
def test_what_the_page_could_not_do_is_told(file: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        compile_network(file)


@pytest.mark.parametrize("name", ["decoder.onnx", "encoder.onnx"])
def test_graphs_are_read_as_the_onnx_package_reads_them(name: str) -> None:
    file = (BUNDLED / name).read_bytes()
    known, graph = onnx.load_from_string(file).graph, read_graph(file)
    assert [(n.op, list(n.inputs), list(n.outputs)) for n in graph.nodes] == [
        (n.op_type, list(n.input), list(n.output)) for n in known.node
    ]
    assert len(graph.tensors) == len(known.initializer) > 20
    for tensor in known.initializer:
        np.testing.assert_array_equal(graph.tensors[tensor.name], numpy_helper.to_array(tensor))
    for mine, theirs in zip(graph.nodes, known.node, strict=True):
        for attribute in theirs.attribute:
            value, found = helper.get_attribute_value(attribute), mine.attributes[attribute.name]
            if isinstance(value, bytes):
                assert found == value.decode()
            else:
                assert found == tuple(value if isinstance(value, list) else [value])


@given(st.binary(max_size=60))
def test_no_bytes_make_it_fail_otherwise(data: bytes) -> None:
    with contextlib.suppress(UsageError):
        compile_network(data)


def unpacked(first: bytes, rest: bytes) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float16]]]:
    """Matrices from the first part alone, and those that the rest makes exact, as minifaces.explorer.pack says."""
    (length,) = struct.unpack("<Q", first[:8])
    program, at = json.loads(first[8 : 8 + length]), 8 + length
    at += program["vectors"][1]
    coarse, exact = [], []
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)  # from zero on, by size
    for rows, columns, _, kind in program["matrices"]:
        if kind == 0:
            coarse.append(np.frombuffer(first, "<f4", rows * columns, at).reshape(rows, columns))
            at += 4 * rows * columns
            continue
        units = np.frombuffer(first, "<f4", rows, at)
        numbers = np.frombuffer(first, np.int8, rows * columns, at + 4 * rows).reshape(rows, columns)
        at += rows * (4 + columns)
        coarse.append(numbers * units[:, None])
        codes = np.frombuffer(rest[: 2 * numbers.size], np.uint8).reshape(2, rows, columns).astype(int)
        rest = rest[2 * numbers.size :]
        code = codes[0] + 256 * codes[1]
        off = np.where(code % 2, -(code + 1) // 2, code // 2)
        # Below the normal numbers the page counts from zero.
        size = np.abs(coarse[-1])
        before = np.where(size < 2.0**-14, 0, np.searchsorted(halves, size, "right") - 1)
        place = np.sign(coarse[-1]).astype(int) * before + off
        exact.append((np.sign(place) * halves[np.abs(place)]).astype(np.float16))
    assert at == len(first)
    assert rest == b""
    return coarse, exact


@pytest.mark.parametrize("large", [127, 31])
def test_with_the_rest_every_bit_is_kept(large: int) -> None:
    program = compile_network((BUNDLED / "decoder.onnx").read_bytes())
    first, rest = pack_network(program, large)
    coarse, exact = unpacked(first, rest)
    for matrix, near, same in zip(program.matrices, coarse, exact, strict=True):
        np.testing.assert_array_equal(same, matrix.values)
        most = np.abs(matrix.values).max(axis=1, keepdims=True).astype(np.float32)
        assert (np.abs(near - matrix.values) <= most / (large if matrix.values.size > 500_000 else 127) / 1.99).all()
    assert len(first) < 0.52 * sum(matrix.values.nbytes for matrix in program.matrices) + 200_000


def test_matrices_in_full_precision_stay_so() -> None:
    program = compile_network(OTHERS["Gemm"])
    first, rest = pack_network(program)
    (matrix,), _ = unpacked(first, rest)
    np.testing.assert_array_equal(matrix, program.matrices[0].values)


def test_an_encoder_of_bytes_reads_nearly_the_same() -> None:
    file = (BUNDLED / "encoder.onnx").read_bytes()
    program = compile_network(file)
    first, rest = pack_network(program)
    assert len(first) < 0.52 * len(file)
    matrices = [
        replace(matrix, values=near) for matrix, near in zip(program.matrices, unpacked(first, rest)[0], strict=True)
    ]
    program = replace(program, matrices=matrices)
    model, packed_model = Model(BUNDLED), Model(BUNDLED)
    pictures = model.gallery.thumbnails[::30]
    packed_model.__dict__["_encoder"] = lambda faces: np.stack([computed(program, face[None]) for face in faces])
    coarse, exact = packed_model.encode(pictures), model.encode(pictures)
    apart = np.linalg.norm(coarse - exact, axis=1) / np.linalg.norm(exact, axis=1)
    assert 0 < apart.max() < 0.03
    error = ((model.decode(exact).astype(float) - pictures) ** 2).mean()
    assert ((model.decode(coarse).astype(float) - pictures) ** 2).mean() < 1.01 * error
