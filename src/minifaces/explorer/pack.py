"""Networks and tensors as the page fetches them: small when compressed, and unpacked by a few lines of TypeScript.

    pack_network(decoder)                 # every bit kept
    pack_network(encoder, coarse=True)    # large matrices as whole numbers of 8 bits and a unit a row

A packed network is, like safetensors, the length of a header (8 bytes, low first), a header in JSON, and a
body. The header lists the parts that make up the ONNX file, one after the other:

    ["plain", n]          n bytes as they are
    ["halves", n]         n float16: first their n low bytes, then their n high bytes, which alone compress well
    ["bytes", r, c, k]    r rows of c numbers of ONNX type k (1 float32, 10 float16): r units (float32), then
                          r * c int8; a value is its number times the unit of its row, rounded to the type

web/src/engine/unpack.ts reads it."""

import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minifaces.explorer.onnx_file import FLOAT, HALF, find_tensors
from minifaces.studio.latentnet import bytes_of

_LEAST = 4096  # values of a matrix worth packing


def pack_network(file: bytes, coarse: bool = False) -> bytes:
    """Pack an ONNX file, losslessly or with `coarse` matrices; UsageError where it is none."""
    parts: list[list[Any]] = []
    body: list[bytes] = []
    at = 0

    def plain(end: int) -> None:
        if end > at:
            parts.append(["plain", end - at])
            body.append(file[at:end])

    for tensor in sorted(find_tensors(file), key=lambda tensor: tensor.start):
        count = int(np.prod(tensor.dims))
        if count < _LEAST or len(tensor.dims) < 2 or tensor.kind not in (FLOAT, HALF):
            continue
        if tensor.kind == FLOAT and not coarse:
            continue
        plain(tensor.start)
        values = file[tensor.start : tensor.end]
        at = tensor.end
        if coarse:
            rows = tensor.dims[0]
            matrix = np.frombuffer(values, np.float32 if tensor.kind == FLOAT else np.float16).reshape(rows, -1)
            numbers, units = bytes_of(matrix.astype(np.float32))
            parts.append(["bytes", rows, matrix.shape[1], tensor.kind])
            body += [units.astype("<f4").tobytes(), numbers.tobytes()]
        else:
            parts.append(["halves", count])
            body.append(planes(np.frombuffer(values, np.uint8)))
    plain(len(file))
    header = json.dumps(parts, separators=(",", ":")).encode()
    return b"".join([struct.pack("<Q", len(header)), header, *body])


def planes(values: NDArray[np.uint8]) -> bytes:
    """The bytes of 2-byte numbers: all low ones, then all high ones."""
    return np.ascontiguousarray(values.reshape(-1, 2).T).tobytes()
