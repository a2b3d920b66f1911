"""Convolutions of the page's networks by Winograd: the same results, and only where they gain."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import minifaces
from minifaces.errors import UsageError
from minifaces.explorer.onnx_file import Node, fields, message, read_node, write_node
from minifaces.explorer.winograd import by_winograd

BUNDLED = Path(minifaces.__file__).parent / "assets" / "model"
Floats = NDArray[np.float32]


def answer(file: bytes, given: Floats) -> Floats:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    made: Floats = session.run(None, {session.get_inputs()[0].name: given})[0]
    return made


def one_convolution(side: int, seen: int, made: int, bias: bool, **more: Any) -> bytes:
    """A network that shapes its input to pictures and convolves them."""
    rng = np.random.default_rng(side + seen)
    kernel = more.pop("kernel", 3)
    numbers = {"pads": [kernel // 2] * 4, "strides": [1, 1], "dilations": [1, 1], "group": 1} | more
    weights = {
        "shape": np.array([-1, seen, side, side]),
        "filters": rng.normal(0, 0.1, (made, seen // numbers["group"], kernel, kernel)).astype(np.float32),
    }
    if bias:
        weights["bias"] = rng.normal(size=made).astype(np.float32)
    nodes = [
        helper.make_node("Reshape", ["given", "shape"], ["picture"]),
        helper.make_node("Conv", ["picture", *list(weights)[1:]], ["made"], kernel_shape=[kernel] * 2, **numbers),
    ]
    graph = helper.make_graph(
        nodes,
        "one",
        [helper.make_tensor_value_info("given", TensorProto.FLOAT, ["n", seen * side * side])],
        [helper.make_tensor_value_info("made", TensorProto.FLOAT, ["n", made, None, None])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("side", "seen", "made"), [(8, 64, 32), (12, 32, 48), (16, 40, 40)])
def test_a_convolution_gives_what_it_gave(side: int, seen: int, made: int, bias: bool) -> None:
    file = one_convolution(side, seen, made, bias)
    changed = by_winograd(file)
    model = onnx.load_from_string(changed)
    onnx.checker.check_model(model, full_check=True)
    assert "Conv" not in {node.op_type for node in model.graph.node}
    given = np.random.default_rng(1).normal(size=(3, seen * side * side)).astype(np.float32)
    expected = answer(file, given)
    assert expected.shape == (3, made, side, side)
    np.testing.assert_allclose(answer(changed, given), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    "kind",
    [
        {"side": 10},  # no whole tiles
        {"side": 4},  # one tile, whose filters are four times as large
        {"seen": 16},  # costs more than it saves
        {"strides": [2, 2]},
        {"dilations": [2, 2], "pads": [2] * 4},
        {"pads": [0] * 4},
        {"group": 2},
        {"kernel": 1},
        {"kernel": 5},
    ],
)
def test_other_convolutions_stay(kind: dict[str, Any]) -> None:
    file = one_convolution(**{"side": 8, "seen": 64, "made": 64, "bias": True} | kind)
    before, after = (onnx.load_from_string(f) for f in (file, by_winograd(file)))
    assert before == after


@pytest.mark.parametrize(("name", "row", "left"), [("decoder", (192,), 2), ("encoder", (3, 128, 128), 5)])
def test_the_bundled_networks_give_what_they_gave(name: str, row: tuple[int, ...], left: int) -> None:
    """`left`: convolutions of stride 2 and of pictures of 4 x 4."""
    file = (BUNDLED / f"{name}.onnx").read_bytes()
    changed = by_winograd(file)
    model = onnx.load_from_string(changed)
    onnx.checker.check_model(model, full_check=True)
    kernels = [helper.get_node_attr_value(n, "kernel_shape") for n in model.graph.node if n.op_type == "Conv"]
    assert kernels.count([3, 3]) == left
    weights = {w.name: w for w in model.graph.initializer}
    assert all(weights[w.name] == w for w in onnx.load_from_string(file).graph.initializer)
    given = np.random.default_rng(0).random((3, *row), np.float32)
    expected = answer(file, given)
    np.testing.assert_allclose(answer(changed, given), expected, atol=2e-5 * np.abs(expected).max())


def test_nodes_are_read_and_written_as_the_onnx_package_does() -> None:
    made = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3], group=300, auto_pad="NOTSET", alpha=0.5)
    node = read_node(made.SerializeToString())
    assert node == Node(
        "Conv", ("x", "w"), ("y",), {"kernel_shape": (3, 3), "group": (300,), "auto_pad": (), "alpha": ()}
    )
    plain = Node("Gather", ("a", "b"), ("c",), {"axis": (1,), "perm": (0, 200)})
    known = onnx.NodeProto.FromString(write_node(plain))
    assert known == helper.make_node("Gather", ["a", "b"], ["c"], axis=1, perm=[0, 200])
    assert read_node(write_node(plain)) == plain


@given(st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 2**60) | st.binary(max_size=200)), max_size=5))
def test_messages_are_read_as_they_were_written(parts: list[tuple[int, int | bytes]]) -> None:
    assert fields(message(*parts)) == parts


@given(st.binary(max_size=60))
def test_no_bytes_make_it_fail_otherwise(data: bytes) -> None:
    with contextlib.suppress(UsageError):
        by_winograd(data)


def test_a_graph_that_makes_no_sense_is_named() -> None:
    file = message((7, message((1, message((4, "Reshape"), (1, "alone"), (2, "made"))))))
    with pytest.raises(UsageError, match="damaged: its graph makes no sense"):
        by_winograd(file)
