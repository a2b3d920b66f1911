"""For tests of the page's networks: small ONNX files, and programs run in numpy as their description says."""

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from minifaces.explorer.program import Program

Floats = NDArray[np.float32]

# Winograd's F(4, 3), equation 13 ff. of Lavin and Gray.
B = np.array(
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
G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
A = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], np.float64)


def network(
    nodes: list[Any], weights: dict[str, NDArray[Any]], given: list[int], source: str = "given", target: str = "made"
) -> bytes:
    """An ONNX file of these nodes; the batch may be of any size."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, ["n", *given])],
        [helper.make_tensor_value_info(target, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    return bytes(model.SerializeToString())


def answer(file: bytes, given: Floats) -> Floats:
    """What ONNX Runtime makes of it."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    made: Floats = session.run(None, {session.get_inputs()[0].name: given})[0]
    return made


def by_pixel(values: Floats) -> Floats:
    """Pictures (n, c, H, W) pixel by pixel, all else as it is."""
    return values.transpose(0, 2, 3, 1) if values.ndim == 4 else values


def computed(program: Program, given: Floats) -> Floats:
    """What a program makes of one row or picture."""
    memory = np.full(program.end // 4, np.nan, np.float32)  # whatever is read before it is written shows

    def at(place: int, *shape: int) -> Floats:
        return memory[place // 4 : place // 4 + int(np.prod(shape))].reshape(shape)

    at(program.start, len(program.vectors))[:] = program.vectors
    at(program.given[0], program.given[1] // 4)[:] = by_pixel(given).ravel()
    for kind, *step in program.steps:
        if kind == "copy":
            x, i, y, j, add, loops = step
            source, target = np.array([x + i]), np.array([y + j])
            for count, start, stop in loops:
                source = np.add.outer(source, start * np.arange(count)).ravel()
                target = np.add.outer(target, stop * np.arange(count)).ravel()
            memory[target // 4] = memory[source // 4] + (memory[target // 4] if add else 0)
        elif kind in ("multiply", "tiles"):
            x, number, bias, y, m = step
            values = program.matrices[number].values.astype(np.float64)
            if kind == "multiply":
                at(y, m, len(values))[:] = at(x, m, values.shape[1]) @ values.T + at(bias, len(values))
            else:
                filters = values.reshape(len(values), 3, 3, -1)
                places = np.einsum("ai,oijc,bj->aboc", G, filters, G).reshape(36, len(values), -1)
                at(y, 36, m, len(values))[:] = at(x, 36, m, places.shape[2]) @ places.transpose(0, 2, 1)
        elif kind in ("tile", "untile"):
            x, y, side, channels = step if kind == "tile" else step[:1] + step[2:]
            for i, j in np.ndindex(side // 4, side // 4):
                place = i * (side // 4) + j
                if kind == "tile":
                    patch = at(x, side + 2, side + 2, channels)[4 * i :, 4 * j :][:6, :6]
                    done = np.einsum("ai,ijc,bj->abc", B, patch, B)
                    at(y, 6, 6, (side // 4) ** 2, channels)[:, :, place] = done
                else:
                    done = np.einsum("ai,ijc,bj->abc", A, at(x, 6, 6, (side // 4) ** 2, channels)[:, :, place], A)
                    at(y, side, side, channels)[4 * i :, 4 * j :][:4, :4] = done + at(step[1], channels)
        elif kind == "normalise":
            x, y, rows, n, scales, shifts, epsilon = step
            apart = at(x, rows, n) - at(x, rows, n).mean(axis=1, keepdims=True, dtype=np.float64)
            apart /= np.sqrt((apart**2).mean(axis=1, keepdims=True) + epsilon)
            at(y, rows, n)[:] = apart * at(scales, rows, 1) + at(shifts, rows, 1)
        elif kind == "fill":
            at(*step)[:] = 0
        elif kind == "scale":
            x, y, n, scales, shifts, period = step
            at(y, n)[:] = at(x, n) * np.resize(at(scales, period), n) + np.resize(at(shifts, period), n)
        elif kind in ("add", "times"):
            x, y, n, x2 = step
            at(y, n)[:] = at(x, n) + at(x2, n) if kind == "add" else at(x, n) * at(x2, n)
        else:
            x, y, n, *more = step
            at(y, n)[:] = bent(kind, at(x, n).astype(np.float64), *more)
    return at(program.made[0], program.made[1] // 4).copy()


def bent(kind: str, values: NDArray[np.float64], slope: float = 1, *ends: float) -> NDArray[np.float64]:
    if kind == "bend":
        return np.asarray(np.clip(np.where(values < 0, values * slope, values), *ends))
    sigmoid = 1 / (1 + np.exp(-values))
    return {"sigmoid": sigmoid, "silu": values * sigmoid}[kind]
