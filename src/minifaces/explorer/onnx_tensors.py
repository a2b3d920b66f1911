"""Where the weights lie in an ONNX file, found without the onnx package, which a plain installation lacks.

ONNX is protocol buffers: a message is a row of (field, kind, value), kind 0 a number, 1 and 5 eight and four
bytes, 2 a length and that many bytes (https://protobuf.dev/programming-guides/encoding). Wanted are
ModelProto.graph (field 7), GraphProto.initializer (5) and of TensorProto dims (1), data_type (2), raw_data (9)."""

from collections.abc import Iterator
from dataclasses import dataclass

from minifaces.errors import UsageError

FLOAT, HALF = 1, 10
"""data types of tensors"""


@dataclass(frozen=True)
class Tensor:
    """One initializer whose values are raw bytes: file[start:end]."""

    dims: tuple[int, ...]
    kind: int
    start: int
    end: int


def find_tensors(file: bytes) -> list[Tensor]:
    """Every raw initializer, in the order of the file. Raises UsageError for what is no protocol buffer."""
    try:
        graphs = [(a, b) for field, _, a, b in _fields(file, 0, len(file)) if field == 7]
        tensors = [(a, b) for graph in graphs for field, _, a, b in _fields(file, *graph) if field == 5]
        found = [_tensor(file, *tensor) for tensor in tensors]
    except IndexError:
        raise UsageError("the network is damaged: it is no ONNX file") from None
    return [tensor for tensor in found if tensor.end > tensor.start]


def _tensor(file: bytes, start: int, end: int) -> Tensor:
    dims: list[int] = []
    kind = first = last = 0
    for field, number, a, b in _fields(file, start, end):
        if field == 1 and number is not None:
            dims.append(number)
        elif field == 1:  # packed: the numbers one after the other
            while a < b:
                value, a = _number(file, a)
                dims.append(value)
        elif field == 2 and number is not None:
            kind = number
        elif field == 9:
            first, last = a, b
    return Tensor(tuple(dims), kind, first, last)


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
