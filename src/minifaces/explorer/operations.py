"""What the page does for each operation of ONNX.

compile_network((folder / "decoder.onnx").read_bytes())     # a minifaces.explorer.program.Program"""

from collections.abc import Callable
from typing import cast

import numpy as np

from minifaces.errors import UsageError
from minifaces.explorer.onnx_file import Node, read_graph
from minifaces.explorer.program import ALIGNED, Buffer, Known, Program, Value, Writer

# Where Winograd's filtering gains: with fewer channels the transforms cost more than they save; with a single tile
# fetching filters does, which are four times as large transformed.
CHANNELS, SIDE, TILE = 32, 8, 4
_ONE, _NOTHING = np.ones((), np.float32), np.zeros((), np.float32)
_MOST = float(np.finfo(np.float32).max)


def compile_network(file: bytes) -> Program:
    """Raises UsageError where `file` is no ONNX network, or one with an operation that the page does not know."""
    graph = read_graph(file)
    writer = _Operations(graph.tensors)
    given = writer.fresh(graph.given)
    writer.values[graph.source] = given
    uses = [graph.target, *(name for node in graph.nodes for name in node.inputs)]
    for node in graph.nodes:
        writer.single = {name for name in node.inputs if uses.count(name) == 1}
        try:
            writer.write(node)
        except (LookupError, ValueError, TypeError):
            raise UsageError(f"the network is damaged: its {node.op} makes no sense") from None
    made = writer.values.get(graph.target)
    if not isinstance(made, Value):
        raise UsageError("the network is damaged: it makes nothing")
    return writer.finished(given.buffer, writer.usual(made).buffer)


class _Operations(Writer):
    """A method for each operation by its name, in small letters. `values` holds what is known so far of the graph's
    tensors, `single` what only one node reads."""

    def __init__(self, tensors: dict[str, Known]) -> None:
        super().__init__()
        self.values: dict[str, Value | Known] = dict(tensors)
        self.single: set[str] = set()

    def write(self, node: Node) -> None:
        known = cast(Callable[[Node], Value | Known] | None, getattr(self, f"_{node.op.lower()}", None))
        if known is None or not node.op.isalpha():
            raise UsageError(f"the page does not know the operation {node.op}, which the network needs")
        self.values[node.outputs[0]] = known(node)

    def value(self, name: str) -> Value:
        found = self.values[name]
        if not isinstance(found, Value):
            raise UsageError("the page knows no operations between constants, which the network needs")
        return found

    def known(self, name: str) -> Known:
        found = self.values[name]
        if isinstance(found, Value):
            raise UsageError("the page multiplies by constant matrices only, and the network has others")
        return found

    def bias_of(self, node: Node, rows: int) -> Buffer:
        return self.bias(self.known(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else None, rows)

    def _cast(self, node: Node) -> Known:
        return self.known(node.inputs[0])  # half precision stays: it is how the page fetches a matrix

    def _identity(self, node: Node) -> Value | Known:
        return self.values[node.inputs[0]]

    def _shape(self, node: Node) -> Known:
        return np.array(self.value(node.inputs[0]).shape)

    def _reshape(self, node: Node) -> Value:
        value = self.value(node.inputs[0])
        lengths = self.known(node.inputs[1]).tolist()
        kept = not _whole(node, "allowzero", 0)
        shape = [value.shape[i] if length == 0 and kept else length for i, length in enumerate(lengths)]
        return Value(value.buffer, value.order.reshape(shape))

    def _flatten(self, node: Node) -> Value:
        value = self.value(node.inputs[0])
        axis = _whole(node, "axis", 1) % (len(value.shape) + 1)
        return Value(value.buffer, value.order.reshape(int(np.prod(value.shape[:axis])), -1))

    def _transpose(self, node: Node) -> Value:
        value = self.value(node.inputs[0])
        return Value(value.buffer, value.order.transpose(_row(node, "perm") or None))

    def _depthtospace(self, node: Node) -> Value:
        value, block = self.value(node.inputs[0]), _whole(node, "blocksize")
        n, channels, height, width = value.shape
        if node.attributes.get("mode", "DCR") == "CRD":
            parts = value.order.reshape(n, -1, block, block, height, width).transpose(0, 1, 4, 2, 5, 3)
        else:
            parts = value.order.reshape(n, block, block, -1, height, width).transpose(0, 3, 4, 1, 5, 2)
        return Value(value.buffer, parts.reshape(n, channels // block**2, height * block, width * block))

    def _spacetodepth(self, node: Node) -> Value:
        value, block = self.value(node.inputs[0]), _whole(node, "blocksize")
        n, channels, height, width = value.shape
        parts = value.order.reshape(n, channels, height // block, block, width // block, block)
        return Value(value.buffer, parts.transpose(0, 3, 5, 1, 2, 4).reshape(n, -1, height // block, width // block))

    def _sigmoid(self, node: Node) -> Value:
        return self.each("sigmoid", self.value(node.inputs[0]))

    def _relu(self, node: Node) -> Value:
        return self.each("bend", self.value(node.inputs[0]), 1, 0, _MOST)

    def _leakyrelu(self, node: Node) -> Value:
        slope = cast(tuple[float], node.attributes.get("alpha", (0.01,)))[0]
        return self.each("bend", self.value(node.inputs[0]), slope, -_MOST, _MOST)

    def _clip(self, node: Node) -> Value:
        ends = [float(self.known(name).item()) for name in node.inputs[1:]]
        return self.each("bend", self.value(node.inputs[0]), 1, *ends, *(-_MOST, _MOST)[len(ends) :])

    def _add(self, node: Node) -> Value:
        return self.pair(node, "add", lambda value, known: self.scaled(value, _ONE, known))

    def _mul(self, node: Node) -> Value:
        last = self.steps[-1] if self.steps else ("nothing",)
        if last[0] == "sigmoid" and self.single & set(node.inputs):
            values = [self.values[name] for name in node.inputs]
            if {v.buffer for v in values if isinstance(v, Value)} == set(last[1:3]):
                made = next(v for v in values if isinstance(v, Value) and v.buffer is last[2])
                self.steps[-1] = ("silu", *last[1:])
                return made
        return self.pair(node, "times", lambda value, known: self.scaled(value, known, _NOTHING))

    def pair(self, node: Node, op: str, constant: Callable[[Value, Known], Value]) -> Value:
        """Two values number by number, or a value and a constant."""
        names = sorted(node.inputs, key=lambda name: not isinstance(self.values[name], Value))
        one, other = self.value(names[0]), self.values[names[1]]
        if not isinstance(other, Value):
            return constant(one, other)
        if one.shape != other.shape:
            raise UsageError(f"the page knows {node.op} of values of one shape only, and the network needs others")
        one = self.dense(one)
        return self.each(op, one, self.arranged(other, one.order).buffer)

    def _batchnormalization(self, node: Node) -> Value:
        value = self.value(node.inputs[0])
        weight, bias, mean, variance = (self.known(name).astype(np.float64) for name in node.inputs[1:5])
        scale = weight / np.sqrt(variance + cast(tuple[float], node.attributes.get("epsilon", (1e-5,)))[0])
        shape = (1, -1) + (1,) * (len(value.shape) - 2)
        return self.scaled(value, scale.reshape(shape), (bias - mean * scale).reshape(shape))

    def _instancenormalization(self, node: Node) -> Value:
        value = self.value(node.inputs[0])
        value = self.arranged(value, np.arange(value.order.size).reshape(value.shape))
        made = Value(Buffer(value.buffer.size), value.order)
        rows = value.shape[1]
        vectors = [self.vector(self.known(name)) for name in node.inputs[1:]]
        epsilon = cast(tuple[float], node.attributes.get("epsilon", (1e-5,)))[0]
        self.steps.append(("normalise", value.buffer, made.buffer, rows, value.order.size // rows, *vectors, epsilon))
        return made

    def _gemm(self, node: Node) -> Value:
        if _whole(node, "transA", 0) or any(node.attributes.get(name, (1.0,)) != (1.0,) for name in ("alpha", "beta")):
            raise UsageError("the page knows Gemm of plain matrices only, and the network needs another")
        matrix = self.known(node.inputs[1])
        return self.product(node, matrix if _whole(node, "transB", 0) else matrix.T)

    def _matmul(self, node: Node) -> Value:
        return self.product(node, self.known(node.inputs[1]).T)

    def product(self, node: Node, matrix: Known) -> Value:
        """Rows times a matrix (made, seen)."""
        value = self.value(node.inputs[0])
        made, seen = matrix.shape
        value = self.arranged(value, np.arange(value.order.size).reshape(value.shape))
        shape = (*value.shape[:-1], made)
        result = Value(Buffer(int(np.prod(shape))), np.arange(int(np.prod(shape))).reshape(shape))
        rows = value.order.size // seen
        self.steps.append(
            ("multiply", value.buffer, self.matrix(matrix), self.bias_of(node, made), result.buffer, rows)
        )
        return result

    def _conv(self, node: Node) -> Value:
        value, filters = self.value(node.inputs[0]), self.known(node.inputs[1])
        made, seen, *kernel = filters.shape
        strides, dilations, pads = _spread(node, kernel)
        _, channels, height, width = value.shape
        if channels != seen:
            raise UsageError("the page knows Conv of one group only, and the network needs more")
        rim = sum(pads) > 0
        picture = self.padded(value, pads) if rim else self.usual(value)
        sides = [
            (length + before + after - dilation * (size - 1) - 1) // stride + 1
            for length, before, after, size, stride, dilation in zip(
                (height, width), pads[:2], pads[2:], kernel, strides, dilations, strict=True
            )
        ]
        result = self.fresh((1, made, *sides))
        bias = self.bias_of(node, made)
        rows = filters.transpose(0, 2, 3, 1).reshape(made, -1)
        plain = set(strides) == set(dilations) == set(pads) == {1} and kernel == [3, 3]
        if plain and min(made, seen) >= CHANNELS and not (made | seen) % ALIGNED and _tiles(sides):
            tiles = (sides[0] // TILE) ** 2
            parts, products = Buffer(36 * tiles * seen), Buffer(36 * tiles * made)
            self.steps.append(("tile", picture.buffer, parts, sides[0], seen))
            matrix = self.matrix(rows, tiled=True)
            self.steps.append(("tiles", parts, matrix, self.bias(None, made), products, tiles))
            self.steps.append(("untile", products, bias, result.buffer, sides[0], made))
            return result
        y, x = (
            stride * np.arange(side)[:, None] + dilation * np.arange(size)
            for stride, side, dilation, size in zip(strides, sides, dilations, kernel, strict=True)
        )
        # (height, width, kernel, kernel, channels)
        seen_at = picture.order[0].transpose(1, 2, 0)[y[:, None, :, None], x[None, :, None, :]]
        patches = self.arranged(Value(picture.buffer, seen_at), np.arange(seen_at.size).reshape(seen_at.shape))
        count = sides[0] * sides[1]
        self.steps.append(("multiply", patches.buffer, self.matrix(rows), bias, result.buffer, count))
        return result

    def padded(self, value: Value, pads: tuple[int, ...]) -> Value:
        """A picture with zeros around it: top, left, bottom, right."""
        _, channels, height, width = value.shape
        whole = self.fresh((1, channels, height + pads[0] + pads[2], width + pads[1] + pads[3]))
        self.steps.append(("fill", whole.buffer, whole.buffer.size))
        inner = whole.order[:, :, pads[0] : pads[0] + height, pads[1] : pads[1] + width]
        self.copy(value, Value(whole.buffer, inner))
        return whole

    def _convtranspose(self, node: Node) -> Value:
        value, filters = self.usual(self.value(node.inputs[0])), self.known(node.inputs[1])
        seen, made, *kernel = filters.shape
        strides, dilations, pads = _spread(node, kernel)
        more = _row(node, "output_padding") or (0, 0)
        _, channels, height, width = value.shape
        if channels != seen or _whole(node, "group", 1) != 1:
            raise UsageError("the page knows ConvTranspose of one group only, and the network needs more")
        rows = filters.transpose(2, 3, 1, 0).reshape(-1, seen)
        parts = Buffer(height * width * len(rows))
        product = (value.buffer, self.matrix(rows), self.bias(None, len(rows)), parts, height * width)
        self.steps.append(("multiply", *product))
        sides = [
            stride * (length - 1) + dilation * (size - 1) + 1 + padding
            for length, size, stride, dilation, padding in zip(
                (height, width), kernel, strides, dilations, more, strict=True
            )
        ]
        whole = self.fresh((1, made, *sides))
        self.steps.append(("fill", whole.buffer, whole.buffer.size))
        order = np.arange(parts.size).reshape(height, width, *kernel, made)
        for i, j in np.ndindex(*kernel):
            top, left = i * dilations[0], j * dilations[1]
            into = whole.order[0, :, top :: strides[0], left :: strides[1]][:, :height, :width]
            self.copy(Value(parts, order[:, :, i, j].transpose(2, 0, 1)), Value(whole.buffer, into), add=True)
        inner = whole.order[:, :, pads[0] : sides[0] - pads[2], pads[1] : sides[1] - pads[3]]
        bias = self.known(node.inputs[2]) if len(node.inputs) > 2 else np.zeros(made)
        return self.scaled(Value(whole.buffer, inner), _ONE, bias.astype(np.float32).reshape(1, -1, 1, 1))


def _tiles(sides: list[int]) -> bool:
    return sides[0] == sides[1] >= SIDE and sides[0] % TILE == 0


def _row(node: Node, name: str) -> tuple[int, ...]:
    return cast(tuple[int, ...], node.attributes.get(name, ()))


def _whole(node: Node, name: str, usual: int | None = None) -> int:
    found = _row(node, name)
    if found or usual is None:
        return found[0]
    return usual


def _spread(node: Node, kernel: list[int]) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Strides, dilations and pads of a convolution of pictures."""
    if len(kernel) != 2 or node.attributes.get("auto_pad", "NOTSET") != "NOTSET":
        raise UsageError(f"the page knows {node.op} of pictures with a stated rim only, and the network needs another")
    return _row(node, "strides") or (1, 1), _row(node, "dilations") or (1, 1), _row(node, "pads") or (0, 0, 0, 0)
