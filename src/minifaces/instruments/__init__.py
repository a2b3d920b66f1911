"""Networks that measure and screen: how the attribute reader, the head finder and the light reader are trained.

They ship as ONNX files in assets/; `minifaces.evaluate.reader`, `minifaces.photos.finder` and `minifaces.photos.light`
use them. One of the three rooms that import torch."""
