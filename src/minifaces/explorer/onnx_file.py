"""ONNX files read and written without the onnx package, which a plain installation lacks.

ONNX is protocol buffers: a message is a row of (field, kind, value), kind 0 a number, 1 and 5 eight and four
bytes, 2 a length and that many bytes (https://protobuf.dev/programming-guides/encoding). The fields' numbers are
those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from minifaces.arrays import Floats, Places
from minifaces.errors import UsageError

FLOAT, INT64, HALF = 1, 7, 10
"""data types of tensors"""

GRAPH = 7  # of ModelProto
NODE, INITIALIZER = 1, 5  # of GraphProto

Value = int | bytes


@dataclass(frozen=True)
class Tensor:
    """One initializer whose values are raw bytes: file[start:end]."""

    name: str
    dims: tuple[int, ...]
    kind: int
    start: int
    end: int


@dataclass(frozen=True)
class Node:
    """One operation; of its attributes those that are whole numbers, one or a row of them."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numbers: dict[str, tuple[int, ...]] = field(default_factory=dict)


def find_tensors(file: bytes) -> list[Tensor]:
    """Every raw initializer, in the order of the file. Raises UsageError for what is no protocol buffer."""
    try:
        graphs = [(a, b) for number, _, a, b in _fields(file, 0, len(file)) if number == GRAPH]
        tensors = [(a, b) for graph in graphs for number, _, a, b in _fields(file, *graph) if number == INITIALIZER]
        found = [_tensor(file, *tensor) for tensor in tensors]
    except IndexError:
        raise UsageError("the network is damaged: it is no ONNX file") from None
    return [tensor for tensor in found if tensor.end > tensor.start]


def fields(data: bytes) -> list[tuple[int, Value]]:
    """The fields of a message, numbers as int and all else as bytes. Raises UsageError for what is no message."""
    try:
        found = list(_fields(data, 0, len(data)))
    except IndexError:
        raise UsageError("the network is damaged: it is no ONNX file") from None
    return [(number, data[a:b] if value is None else value) for number, value, a, b in found]


def message(*parts: tuple[int, Value | str]) -> bytes:
    """The bytes of a message of such fields; whole numbers from 0 on."""
    made = bytearray()
    for number, value in parts:
        if isinstance(value, int):
            made += _varint(number << 3) + _varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            made += _varint(number << 3 | 2) + _varint(len(data)) + data
    return bytes(made)


def read_node(node: bytes) -> Node:
    """What a NodeProto says."""
    names: dict[int, list[str]] = {1: [], 2: [], 4: []}
    numbers = {}
    for number, value in fields(node):
        if number in names and isinstance(value, bytes):
            names[number].append(value.decode())
        elif number == 5 and isinstance(value, bytes):
            attribute = fields(value)
            name = b"".join(v for n, v in attribute if n == 1 and isinstance(v, bytes)).decode()
            numbers[name] = tuple(v for n, value in attribute if n in (3, 8) for v in _numbers(value))
    return Node(names[4][0], tuple(names[1]), tuple(names[2]), numbers)


def write_node(node: Node) -> bytes:
    """A NodeProto; an attribute of one number is a number, others are rows."""
    attributes = []
    for name, values in node.numbers.items():
        kind = 2 if len(values) == 1 else 7
        attributes.append(message((1, name), *((3 if kind == 2 else 8, value) for value in values), (20, kind)))
    return message(
        *((1, name) for name in node.inputs),
        *((2, name) for name in node.outputs),
        (4, node.op),
        *((5, attribute) for attribute in attributes),
    )


def write_tensor(name: str, values: Floats | Places) -> bytes:
    """A TensorProto."""
    kind = FLOAT if values.dtype == np.float32 else INT64
    data = values.astype(values.dtype.newbyteorder("<")).tobytes()
    return message(*((1, int(length)) for length in values.shape), (2, kind), (8, name), (9, data))


def _numbers(value: Value) -> tuple[int, ...]:
    """A field's number, or the numbers packed in it one after the other."""
    if isinstance(value, int):
        return (value,)
    numbers, at = [], 0
    while at < len(value):
        number, at = _number(value, at)
        numbers.append(number)
    return tuple(numbers)


def _tensor(file: bytes, start: int, end: int) -> Tensor:
    dims: list[int] = []
    kind = first = last = 0
    name = ""
    for number, value, a, b in _fields(file, start, end):
        if number == 1:
            dims += _numbers(file[a:b] if value is None else value)
        elif number == 2 and value is not None:
            kind = value
        elif number == 8:
            name = file[a:b].decode("utf-8", "replace")
        elif number == 9:
            first, last = a, b
    return Tensor(name, tuple(dims), kind, first, last)


def _fields(file: bytes, at: int, end: int) -> Iterator[tuple[int, int | None, int, int]]:
    """A message's fields: field number, its value if it is a number, and where its bytes start and end."""
    while at < end:
        key, at = _number(file, at)
        kind = key & 7
        if kind == 0:
            value, after = _number(file, at)
            yield key >> 3, value, at, after
            at = after
            continue
        if kind == 2:
            length, at = _number(file, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise IndexError("a kind of field that is no longer in use")
        if at + length > end:
            raise IndexError("a field that is longer than its message")
        yield key >> 3, None, at, at + length
        at += length


def _number(file: bytes, at: int) -> tuple[int, int]:
    """A variable-length number and where it ends: seven bits a byte, the lowest first."""
    value = shift = 0
    while True:
        byte = file[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def _varint(value: int) -> bytes:
    made = bytearray()
    while value >= 0x80:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])
