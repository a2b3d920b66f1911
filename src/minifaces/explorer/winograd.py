"""Networks that multiply less: 3 x 3 convolutions by Winograd's minimal filtering.

    pack_network(by_winograd(decoder))

ONNX Runtime in a page multiplies nine times for each pixel and pair of channels, as fast as WebAssembly can. Lavin and
Gray (2016, https://arxiv.org/abs/1509.09308) cut a picture into tiles of 4 x 4 pixels and multiply 36 times for a tile
instead of 144: with d the 6 x 6 pixels of a tile and its rim and g the filter, the tile is A [(G g G') * (B d B')] A',
where * multiplies number by number. Over all channels and tiles that is one product of matrices for each of the 36
places. Here it is written in ONNX's own operations, so that the runtime stays as it is. Filters are stored as before;
the runtime transforms them when it loads the network.

Native runtimes have faster ways of their own: only the page's networks are changed."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from minifaces.arrays import Doubles, Places
from minifaces.errors import UsageError
from minifaces.explorer.onnx_file import (
    GRAPH,
    INITIALIZER,
    INT64,
    NODE,
    Node,
    Tensor,
    fields,
    find_tensors,
    message,
    read_node,
    write_node,
    write_tensor,
)

TILE, PATCH = 4, 6  # pixels of a side
# Where it gains: with fewer channels the transforms cost more than they save; with a single tile fetching filters does,
# which are four times as large transformed.
CHANNELS, SIDE = 32, 8

# F(4, 3), equation 13 ff. of Lavin and Gray.
_B = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    np.float64,
)
_G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
_A = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], np.float64)

Initial = NDArray[np.float32] | Places


def by_winograd(file: bytes) -> bytes:
    """An ONNX network with every 3 x 3 convolution that gains by it changed; others, and all weights, as they are.

    Gained is where stride and padding are 1, the picture's side is known, a multiple of 4 and 8 or more, and channels
    are many.
    Results differ by rounding, some 1e-5 of their size. Raises UsageError where `file` is no ONNX file."""
    tensors = {tensor.name: tensor for tensor in find_tensors(file)}
    constants: dict[str, Initial] = {}
    model = []
    for number, value in fields(file):
        if number == GRAPH and isinstance(value, bytes):
            try:
                graph = list(_graph(fields(value), file, tensors, constants))
            except (LookupError, ValueError):
                raise UsageError("the network is damaged: its graph makes no sense") from None
            value = message(*graph, *((INITIALIZER, write_tensor(*constant)) for constant in constants.items()))
        model.append((number, value))
    return message(*model)


def _graph(
    parts: list[tuple[int, int | bytes]], file: bytes, tensors: dict[str, Tensor], constants: dict[str, Initial]
) -> Iterator[tuple[int, int | bytes]]:
    """The graph's fields with nodes exchanged, in their order."""
    sides: dict[str, int] = {}  # of pictures by name, where known
    for number, value in parts:
        if number != NODE or not isinstance(value, bytes):
            yield number, value
            continue
        node = read_node(value)
        side = sides.get(node.inputs[0], 0) if node.inputs else 0
        if node.op == "Cast" and node.inputs[0] in tensors:
            tensors[node.outputs[0]] = tensors[node.inputs[0]]  # a weight that is stored in half precision
        filters = tensors.get(node.inputs[1]) if node.op == "Conv" else None
        if filters and side and _gains(node, side, filters.dims):
            instead = _convolution(node, side, filters.dims, constants)
            yield from ((NODE, write_node(part)) for part in instead)
        else:
            yield number, value
        if after := _side(node, side, file, tensors):
            sides[node.outputs[0]] = after


def _side(node: Node, side: int, file: bytes, tensors: dict[str, Tensor]) -> int:
    """The side of the square pictures that a node makes of ones of `side`, 0 for unknown."""
    if node.op == "Reshape":
        shape = tensors.get(node.inputs[1])
        if shape is None or shape.kind != INT64 or shape.dims != (4,):
            return 0
        height, width = np.frombuffer(file[shape.start : shape.end], "<i8")[2:]
        return int(height) if height == width and height > 0 else 0
    if node.op == "DepthToSpace":
        return side * node.numbers["blocksize"][0]
    if node.op == "Conv":
        pads, kernel, strides = (node.numbers.get(name, ()) for name in ("pads", "kernel_shape", "strides"))
        if len(set(pads)) == len(set(kernel)) == len(set(strides)) == 1:
            return (side + 2 * pads[0] - kernel[0]) // strides[0] + 1 if side else 0
        return 0
    return side if node.op in ("BatchNormalization", "Sigmoid", "Mul", "Add", "Relu", "LeakyRelu") else 0


def _gains(node: Node, side: int, dims: tuple[int, ...]) -> bool:
    plain = {"pads": {1}, "strides": {1}, "dilations": {1}, "group": {1}}
    usual = all(set(node.numbers.get(name, ())) == value for name, value in plain.items())
    return usual and dims[2:] == (3, 3) and min(dims[:2]) >= CHANNELS and side >= SIDE and side % TILE == 0


def _convolution(node: Node, side: int, dims: tuple[int, ...], constants: dict[str, Initial]) -> list[Node]:
    """What stands for a convolution with filters (out, in, 3, 3) of pictures of `side`."""
    picture, filters, *bias = node.inputs
    made, seen = dims[:2]
    tiles = side // TILE
    nodes: list[Node] = []

    def then(op: str, *inputs: str, **numbers: tuple[int, ...]) -> str:
        nodes.append(Node(op, inputs, (f"{node.outputs[0]}.winograd.{len(nodes)}",), numbers))
        return nodes[-1].outputs[0]

    def constant(name: str, value: Initial) -> str:
        constants[f"winograd.{name}"] = value
        return f"winograd.{name}"

    def shaped(values: str, *lengths: int) -> str:
        return then("Reshape", values, constant("shape." + ".".join(map(str, lengths)), np.array(lengths, np.int64)))

    def transformed(name: str, way: Doubles, values: str) -> str:
        """(way X way') for all (..., i * j, n), X of i x j numbers."""
        return then("MatMul", constant(name, np.kron(way, way).astype(np.float32)), values)

    filters = shaped(then("Transpose", filters, perm=(2, 3, 1, 0)), 9, seen * made)
    filters = shaped(transformed("G", _G, filters), PATCH**2, seen, made)
    rim = constant("rim", np.array([0, 1, 1, 0, 0, 1, 1, 0], np.int64))
    pixels = shaped(then("Pad", then("Transpose", picture, perm=(0, 2, 3, 1)), rim), -1, (side + 2) ** 2, seen)
    patches = then("Gather", pixels, constant(f"patches.{side}", _patches(side)), axis=(1,))
    patches = transformed("B", _B, shaped(patches, -1, PATCH**2, tiles**2 * seen))
    products = then("MatMul", shaped(patches, -1, PATCH**2, tiles**2, seen), filters)
    done = transformed("A", _A, shaped(products, -1, PATCH**2, tiles**2 * made))
    done = shaped(done, -1, TILE, TILE, tiles, tiles, made)
    done = then("Add", done, *bias) if bias else done
    done = shaped(then("Transpose", done, perm=(0, 5, 3, 1, 4, 2)), -1, made, side, side)
    nodes[-1] = replace(nodes[-1], outputs=node.outputs)
    return nodes


def _patches(side: int) -> Places:
    """Which pixels of a picture with a rim of 1, (36, tiles), lie at each place of the patches."""
    place = TILE * np.arange(side // TILE) + np.arange(PATCH)[:, None]  # (6, tiles of a side)
    pixels = place[:, None, :, None] * (side + 2) + place[None, :, None, :]
    return pixels.reshape(PATCH**2, -1).astype(np.int64)
