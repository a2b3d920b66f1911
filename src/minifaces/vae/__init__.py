"""Training: configuration, networks, losses, the run, and the export of a model folder.

The only room that imports torch. What it makes, a model folder, the studio plays with ONNX Runtime alone."""
