"""Open one of the small networks that photos are judged with."""

from pathlib import Path

import onnxruntime

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
