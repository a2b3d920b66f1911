"""Networks as programs for the page: an ONNX graph becomes a row of a dozen kinds of steps over one memory.

    program = compile_network((folder / "decoder.onnx").read_bytes())
    program.steps        # (("multiply", x, matrix, bias, y, rows), ("silu", x, y, n), ...)

All shapes are worked out here, for one face at a time, and so is the place of every buffer. The page does what the
steps say (web/src/engine/networks.ts, with the kernels of web/kernels). A value is a buffer and the order in which its
numbers lie there: what only turns or reshapes costs nothing until somebody needs an order of its own, mostly that of
pictures, pixel by pixel with the channels of one side by side. An operation that is not known is refused by its name.

    fill x n                              n zeros
    copy x i y j add ((n, from, to), ...) from number i of x on to number j of y, added to what is there or not; loops,
                                          the outermost first: how often, and how far source and target move on
    multiply x M bias y m                 y = x M' + bias for m rows of x
    tile x y side channels                pictures with a rim of 1 for Winograd's filtering, F(4 x 4, 3 x 3)
    tiles x M bias y m                    36 such products, each of m rows
    untile x bias y side channels         ... and back
    scale x y n scales shifts period      x * scale + shift, where both are repeated
    add, times x y n x2                   number by number
    bend x y n slope least most           slope * x below 0, then not below `least`, not above `most`
    sigmoid, silu x y n                   silu is x * sigmoid(x)
    normalise x y rows n scales shifts e  rows of mean 0 and variance 1, scaled and shifted by a number a row

x and y are places in the memory and i, j, from, to lengths, all in bytes of float32; M is the index of a matrix."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minifaces.arrays import Floats, Places
from minifaces.errors import UsageError

_PANEL = 8  # rows of a matrix that kernels.ts takes at once
ALIGNED = 4  # numbers taken at once
_START, _BYTES = 4096, 4  # where the memory is free, and the bytes of a number

Known = NDArray[Any]
Step = tuple[Any, ...]


@dataclass(frozen=True)
class Matrix:
    """(rows, columns), float16 as stored or float32; `tiled`: filters of 3 x 3, which the page transforms."""

    values: Known
    tiled: bool


@dataclass(frozen=True)
class Program:
    """`given` and `made`: place and length in bytes of what goes in and comes out, faces pixel by pixel. Vectors lie at
    `start`, and no buffer reaches beyond `end`."""

    steps: list[Step]
    matrices: list[Matrix]
    vectors: Floats
    end: int
    given: tuple[int, int]
    made: tuple[int, int]
    start: int = _START


@dataclass(eq=False)
class Buffer:
    size: int
    place: int = -1


@dataclass(frozen=True)
class Value:
    """A tensor of one face, with 1 for the length of the batch: its number [i, ...] is at order[i, ...] of the
    buffer."""

    buffer: Buffer
    order: Places

    @property
    def shape(self) -> tuple[int, ...]:
        return self.order.shape


class Writer:
    """Writes steps, and gives what they work on its place in the end."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.matrices: list[Matrix] = []
        self.vectors: list[tuple[Buffer, Floats]] = []

    def finished(self, given: Buffer, made: Buffer) -> Program:
        """Give every buffer a place: what is no longer needed makes room."""
        at = 0
        for buffer, values in self.vectors:
            buffer.place = at
            at += _filled(len(values))
        vectors = np.zeros(at, np.float32)
        for buffer, values in self.vectors:
            vectors[buffer.place : buffer.place + len(values)] = values
        last = {part: i for i, step in enumerate(self.steps) for part in step if isinstance(part, Buffer)}
        last[given] = last.get(given, 0)
        last[made] = len(self.steps)
        end = at
        held: list[Buffer] = []
        for i, step in enumerate([(given,), *self.steps]):
            held = [buffer for buffer in held if last[buffer] >= i - 1]
            for part in step:
                if not isinstance(part, Buffer) or part.place >= 0:
                    continue
                part.place = at
                for other in sorted(held, key=lambda buffer: buffer.place):
                    if part.place + _filled(part.size) <= other.place:
                        break
                    part.place = max(part.place, other.place + _filled(other.size))
                held.append(part)
                end = max(end, part.place + _filled(part.size))
        steps = [tuple(_bytes(p.place) if isinstance(p, Buffer) else p for p in step) for step in self.steps]
        source, target = ((_bytes(buffer.place), buffer.size * _BYTES) for buffer in (given, made))
        return Program(steps, self.matrices, vectors, _bytes(end), source, target)

    def fresh(self, shape: tuple[int, ...]) -> Value:
        """A value whose numbers lie as usual: pictures pixel by pixel, all else row by row."""
        order = _order(shape)
        return Value(Buffer(order.size), order)

    def vector(self, values: Known) -> Buffer:
        """Numbers at the memory's beginning; the same ones once."""
        flat = values.astype(np.float32).ravel()
        for buffer, other in self.vectors:
            if np.array_equal(flat, other):
                return buffer
        self.vectors.append((Buffer(len(flat)), flat))
        return self.vectors[-1][0]

    def matrix(self, values: Known, tiled: bool = False) -> int:
        self.matrices.append(Matrix(np.ascontiguousarray(values), tiled))
        return len(self.matrices) - 1

    def bias(self, values: Known | None, rows: int) -> Buffer:
        """Zeros if there is none, filled up to whole panels."""
        filled = np.zeros(-(-rows // _PANEL) * _PANEL, np.float32)
        if values is not None:
            filled[:rows] = np.broadcast_to(values.astype(np.float32).ravel(), rows)
        return self.vector(filled)

    def arranged(self, value: Value, order: Places) -> Value:
        """A value in another order."""
        if value.buffer.size == order.size and np.array_equal(value.order, order):
            return value
        target = Value(Buffer(order.size), order)
        self.copy(value, target)
        return target

    def usual(self, value: Value) -> Value:
        return self.arranged(value, _order(value.shape))

    def dense(self, value: Value) -> Value:
        """A value whose buffer holds nothing else, in any order."""
        return value if value.buffer.size == value.order.size else self.usual(value)

    def copy(self, source: Value, target: Value, add: bool = False) -> None:
        by_target = np.argsort(target.order, axis=None)
        pairs = np.stack([source.order.ravel()[by_target], target.order.ravel()[by_target]])
        start = pairs[:, 0]
        loops: list[tuple[int, int, int]] = []
        while pairs.shape[1] > 1:
            step = pairs[:, 1:2] - pairs[:, 0:1]
            other = np.flatnonzero((np.diff(pairs) != step).any(axis=0))
            count = int(other[0]) + 1 if len(other) else pairs.shape[1]
            runs = pairs.reshape(2, -1, count)
            if (runs != runs[..., :1] + step[..., None] * np.arange(count)).any():
                raise UsageError("the page cannot put numbers into the order that the network needs")
            loops.insert(0, (count, int(step[0, 0]) * _BYTES, int(step[1, 0]) * _BYTES))
            pairs = runs[..., 0]
        places = (source.buffer, int(start[0]) * _BYTES, target.buffer, int(start[1]) * _BYTES)
        self.steps.append(("copy", *places, int(add), tuple(loops) or ((1, 1, 1),)))

    def each(self, op: str, value: Value, *more: Any) -> Value:
        """A step that works number by number, whatever their order."""
        value = self.dense(value)
        made = Value(Buffer(value.buffer.size), value.order)
        self.steps.append((op, value.buffer, made.buffer, value.buffer.size, *more))
        return made

    def scaled(self, value: Value, scale: Known, shift: Known) -> Value:
        """value * scale + shift, both of any shape that extends to the value's."""
        value = self.dense(value)
        columns = []
        for numbers in (scale, shift):
            column = np.empty(value.order.size, np.float32)
            column[value.order] = np.broadcast_to(numbers, value.shape)
            columns.append(column)
        pairs = np.stack(columns)
        size = pairs.shape[1]
        period = next(
            n for n in range(1, size + 1) if size % n == 0 and (pairs.reshape(2, -1, n) == pairs[:, None, :n]).all()
        )
        filled = np.lcm(period, ALIGNED)
        vectors = [self.vector(np.resize(column[:period], filled)) for column in columns]
        return self.each("scale", value, *vectors, int(filled))


def _order(shape: tuple[int, ...]) -> Places:
    """Pictures (1, channels, height, width) pixel by pixel, all else row by row."""
    count = int(np.prod(shape))
    if len(shape) != 4:
        return np.arange(count).reshape(shape)
    n, channels, height, width = shape
    return np.arange(count).reshape(n, height, width, channels).transpose(0, 3, 1, 2)


def _bytes(place: int) -> int:
    return _START + place * _BYTES


def _filled(size: int) -> int:
    return -(-size // ALIGNED) * ALIGNED
