"""Play with a trained model: numpy in, numpy out, ONNX Runtime between."""
