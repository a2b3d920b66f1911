"""An encoder that looks more than once: it also reads what the decoder makes of its answer so far.

    latents = look_again(look(faces), look, decode, looks=2)

Details that one look reads too faintly add up (iterative back-projection, Irani and Peleg, "Improving resolution by
image registration", CVGIP 1991; amortised inference that sees its error, Marino, Yue and Mandt, "Iterative amortized
inference", ICML 2018)."""

from collections.abc import Callable
from typing import Any, TypeVar

Rows = TypeVar("Rows", bound=Any)
"""(n, d) latents: numpy's at run time, torch's in training"""


def look_again(first: Rows, look: Callable[[Any], Rows], decode: Callable[[Rows], Any], looks: int) -> Rows:
    """`first` (n, d), what one look made of faces, after `looks` (1 or more) looks in all: (n, d).

    Each moves the latents by how differently the encoder reads the faces and their reconstruction,
    z + look(faces) - look(decode(z)). `look`: (n, 3, H, W) in [0, 1] -> (n, d); `decode`: the other way."""
    latents = first
    for _ in range(looks - 1):
        latents = latents + first - look(decode(latents))
    return latents
