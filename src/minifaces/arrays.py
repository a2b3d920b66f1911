"""Kinds of arrays by name, so that one name is one type wherever it is read. Docstrings tell shapes by these letters:

n faces or pictures, H x W pixels a side, 3 colours; d numbers in a latent; k clusters, leading directions or kinds of a
network; c components of the mixture; a attributes; m anything that is counted beside n."""

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""pictures (n, H, W, 3) or (H, W, 3) in sRGB, masks (n, H, W): 0 to 255"""
Floats = NDArray[np.float32]
Latents = NDArray[np.float32]
"""(n, d) or (d,)"""
Planes = NDArray[np.float32]
"""faces as networks take and make them: (n, 3, H, W) or (3, H, W) in [0, 1]"""
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]
Places = NDArray[np.int64]
"""positions in something: (n,)"""
