"""Lay out the map of the bundled model's gallery, which the package keeps, after the gallery has changed.

python benchmarks/make_map.py"""

from safetensors.numpy import save

import minifaces
from minifaces.files import atomic
from minifaces.keptmap import FILE, digest
from minifaces.pictures.map import spread
from minifaces.studio.atlas import laid_out


def main() -> None:
    latents = minifaces.load().gallery.latents.astype("f8")
    places = laid_out(latents).astype("f4")
    kept = {
        "places": places,
        "places of": digest(latents),
        "cells": spread(places.astype("f8")).astype("f4"),
        "cells of": digest(places),
    }
    with atomic(FILE) as scratch:
        scratch.write_bytes(save(kept))


if __name__ == "__main__":
    main()
