"""Networks as files: ONNX with weights in half precision, and torch's own weights as safetensors hold them."""

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

SMALL = 512  # weights of fewer values stay in float32


def export_onnx(
    module: nn.Module, example: tuple[Tensor], given: str, made: str, path: Path, sizes: dict[int, Any] | None = None
) -> None:
    """Write a module of one input and output as ONNX: any batch size, float16 weights, float32 arithmetic.

    `sizes` names the input's axes that may be of any size, the batch axis unless given."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, which nothing here needs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(),
            example,
            input_names=[given],
            output_names=[made],
            dynamic_shapes=(sizes or {0: torch.export.Dim("n")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = _halved(program.model_proto)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def stored(weight: NDArray[Any]) -> NDArray[Any]:
    """Large weights as float16. Small ones stay: a batch norm's variance may be past float16's largest number."""
    return weight.astype(np.float16) if weight.dtype == np.float32 and weight.size >= SMALL else weight


def weight_name(half: str) -> str:
    """The name under which the graph knows a weight that is stored as `half`."""
    return half.removesuffix(".half")


def _halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store large weights as float16; a Cast before their use keeps the arithmetic in float32."""
    graph = model.graph
    casts = []
    for i, weight in enumerate(graph.initializer):
        half = stored(onnx.numpy_helper.to_array(weight))
        if half.dtype != np.float16:
            continue
        graph.initializer[i].CopyFrom(onnx.numpy_helper.from_array(half, weight.name + ".half"))
        casts.append(
            onnx.helper.make_node(
                "Cast",
                [graph.initializer[i].name],
                [weight_name(graph.initializer[i].name)],
                to=onnx.TensorProto.FLOAT,
            )
        )
    for cast in reversed(casts):
        graph.node.insert(0, cast)
    del graph.value_info[:]  # they may speak of the weights as they were; shapes are inferred anew
    del model.metadata_props[:]
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    return model
