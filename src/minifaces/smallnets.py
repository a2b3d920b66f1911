"""What the small networks that look at pictures share: how they are opened, and what their answers mean."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from minifaces.arrays import Floats
from minifaces.errors import UsageError


def session(path: Path) -> onnxruntime.InferenceSession:
    """The network in a file, on one core: pictures are spread over processes instead. Raises UsageError where it does
    not load."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises a dozen unrelated kinds for a damaged file
        raise UsageError(f"{path} does not load: {str(error).strip().partition(chr(10))[0]}") from error


def sigmoid(value: Floats | float) -> Floats:
    result: Floats = 1 / (1 + np.exp(-np.clip(value, -30, 30)))
    return result


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes x0, y0, x1, y1."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, wide) * max(0.0, high)
    return shared / (area(a) + area(b) - shared)


def area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
