"""Networks as the page fetches them: small when compressed, in two parts, and unpacked by a few lines of TypeScript.

    first, rest = pack_network(compile_network(file), large=31)

The first part is enough to compute: its large matrices are whole numbers of 8 bits with a unit a row. With the rest
they are every bit what the model's file says. Like safetensors, the first part is the length of a header (8 bytes, low
first), a header in JSON, and a body. The header is what minifaces.explorer.program describes, and the matrices' rows,
columns, whether they are tiled, and kind. The body holds the vectors (float32) and then matrix by matrix

    kind 0    float32
    kind 1    a unit a row (float32), then a whole number of one byte (signed) a value

The rest holds for every matrix of kind 1, one after the other, how far off its half-precision values are: all low
bytes and then all high bytes of 16-bit numbers, 2 d for d from 0 up and -2 d - 1 below. With half-precision numbers
counted in the order of their size, d is from the last one that is not beyond number * unit (in float32) to the true
one. High bytes are mostly alike, so that they alone compress. web/src/engine/networks.ts reads it."""

import json
import struct

import numpy as np
from numpy.typing import NDArray

from minifaces.arrays import Floats
from minifaces.explorer.program import Program
from minifaces.studio.latentnet import bytes_of

_LARGE = 1 << 19  # numbers of a matrix


def pack_network(program: Program, large: int = 127) -> tuple[bytes, bytes]:
    """What is enough to compute, and what else is needed to compute exactly. The first part's whole numbers are at most
    127, those of the largest matrices, where each matters least, at most `large`."""
    first, rest = [program.vectors.astype("<f4").tobytes()], []
    kinds = []
    for matrix in program.matrices:
        values = matrix.values
        halves = values.dtype == np.float16
        kinds.append((*values.shape, int(matrix.tiled), int(halves)))
        if halves:
            numbers, units = bytes_of(values.astype(np.float32), large if values.size >= _LARGE else 127)
            first += [units.astype("<f4").tobytes(), numbers.tobytes()]
            rest.append(planes(places(values) - _place_before(numbers * units[:, None])))
        else:
            first.append(values.astype("<f4").tobytes())
    description = {
        "end": program.end,
        "vectors": (program.start, program.vectors.nbytes),
        "given": program.given,
        "made": program.made,
        "matrices": kinds,
        "steps": program.steps,
    }
    header = json.dumps(description, separators=(",", ":")).encode()
    return b"".join([struct.pack("<Q", len(header)), header, *first]), b"".join(rest)


def places(halves: NDArray[np.float16]) -> NDArray[np.int32]:
    """Half-precision numbers counted in the order of their size, from zero."""
    codes = halves.view(np.int16).astype(np.int32)
    return np.where(codes < 0, -(codes & 0x7FFF), codes).astype(np.int32)


def _place_before(values: Floats) -> NDArray[np.int32]:
    """The place of the last half-precision number that is not beyond each value; below the normal ones zero."""
    codes: NDArray[np.int32] = values.view(np.int32)
    sizes = np.maximum(((codes & 0x7FFFFFFF) >> 13) - (112 << 10), 0)
    signed: NDArray[np.int32] = np.where(codes < 0, -sizes, sizes).astype(np.int32)
    return signed


def planes(differences: NDArray[np.int32]) -> bytes:
    """Whole numbers as 2 d or -2 d - 1 in 16 bits: all low bytes, then all high ones."""
    codes = (differences << 1 ^ differences >> 31).astype("<u2")
    return np.ascontiguousarray(codes.view(np.uint8).reshape(-1, 2).T).tobytes()
