"""ONNX files read without the onnx package, which a plain installation lacks.

    graph = read_graph(file)     # graph.nodes, graph.tensors["weight"], graph.given, graph.made

ONNX is protocol buffers: a message is a row of (field, kind, value), kind 0 a number, 1 and 5 eight and four
bytes, 2 a length and that many bytes (https://protobuf.dev/programming-guides/encoding). The fields' numbers are
those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minifaces.errors import UsageError

_KINDS = {1: "<f4", 6: "<i4", 7: "<i8", 10: "<f2", 11: "<f8"}
"""data types of tensors"""

Attribute = tuple[int, ...] | tuple[float, ...] | str
Value = int | bytes


@dataclass(frozen=True)
class Node:
    """One operation. Attributes are a row of numbers, of one if it is no row, or a text."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """A network of one input and one output. `given` is the input's shape, with 1 for lengths that may be any."""

    nodes: list[Node]
    tensors: dict[str, NDArray[Any]]
    source: str
    given: tuple[int, ...]
    target: str


def read_graph(file: bytes) -> Graph:
    """Raises UsageError for what is no such network."""
    try:
        (graph,) = (_bytes(value) for number, value in _fields(file) if number == 7)
        parts = [(number, _bytes(value)) for number, value in _fields(graph) if number in (1, 5, 11, 12)]
        nodes = [_node(value) for number, value in parts if number == 1]
        tensors = dict(_tensor(value) for number, value in parts if number == 5)
        ((source, given),) = (_ends(value) for number, value in parts if number == 11)
        ((target, _),) = (_ends(value) for number, value in parts if number == 12)
        return Graph(nodes, tensors, source, given, target)
    except (LookupError, ValueError, OverflowError, struct.error):
        raise UsageError("the network is damaged: it is no ONNX file") from None


def _node(data: bytes) -> Node:
    names: dict[int, list[str]] = {1: [], 2: [], 4: []}
    attributes = {}
    for number, value in _fields(data):
        if number in names:
            names[number].append(_bytes(value).decode())
        elif number == 5:
            name, known = _attribute(_bytes(value))
            attributes[name] = known
    return Node(names[4][0], tuple(names[1]), tuple(names[2]), attributes)


def _attribute(data: bytes) -> tuple[str, Attribute]:
    name, text = "", ""
    whole: list[int] = []
    broken: list[float] = []
    for number, value in _fields(data):
        if number == 1:
            name = _bytes(value).decode()
        elif number in (3, 8):
            whole += _numbers(value)
        elif number in (2, 7):
            broken += [one for (one,) in struct.iter_unpack("<f", _bytes(value))]
        elif number == 4:
            text = _bytes(value).decode("utf-8", "replace")
    return name, text or tuple(broken) or tuple(whole)


def _tensor(data: bytes) -> tuple[str, NDArray[Any]]:
    """A name and its values, as far as they are raw bytes: other tensors are empty."""
    dims: list[int] = []
    kind, name, raw = 0, "", b""
    for number, value in _fields(data):
        if number == 1:
            dims += _numbers(value)
        elif number == 2 and isinstance(value, int):
            kind = value
        elif number == 8:
            name = _bytes(value).decode("utf-8", "replace")
        elif number == 9:
            raw = _bytes(value)
    if kind not in _KINDS or not raw:
        return name, np.zeros(0, np.float32)
    return name, np.frombuffer(raw, _KINDS[kind]).reshape(dims)


def _ends(data: bytes) -> tuple[str, tuple[int, ...]]:
    """Name and shape of an input or output: of ValueInfoProto, TypeProto, its tensor and that one's shape."""
    name, of = "", [data]
    for number, value in _fields(data):
        if number == 1:
            name = _bytes(value).decode()
    for inner in (2, 1, 2):
        of = [_bytes(value) for part in of for number, value in _fields(part) if number == inner]
    dims = [_bytes(value) for part in of for number, value in _fields(part) if number == 1]
    shape = tuple(next((v for n, v in _fields(dim) if n == 1 and isinstance(v, int)), 0) or 1 for dim in dims)
    return name, shape


def _bytes(value: Value) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where bytes are wanted")
    return value


def _numbers(value: Value) -> list[int]:
    """A field's number, or the numbers packed in it one after the other; negative ones are those of 64 bits."""
    numbers, at = [], 0
    if isinstance(value, int):
        numbers.append(value)
    else:
        while at < len(value):
            number, at = _number(value, at)
            numbers.append(number)
    return [number - (number >> 63 << 64) for number in numbers]


def _fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """A message's fields, numbers as int and all else as bytes."""
    at = 0
    while at < len(data):
        key, at = _number(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _number(data, at)
            yield key >> 3, value
            continue
        if kind == 2:
            length, at = _number(data, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise IndexError("a kind of field that is no longer in use")
        if at + length > len(data):
            raise IndexError("a field that is longer than its message")
        yield key >> 3, data[at : at + length]
        at += length


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A variable-length number and where it ends: seven bits a byte, the lowest first."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value & (1 << 64) - 1, at
        shift += 7
