"""What the scripts of this folder share: their command lines, and pictures as they are met, as JPEG."""

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image

from minifaces.arrays import Pixels


def command_line(text: str | None, model: bool = False) -> argparse.ArgumentParser:
    """The command line of the script whose docstring is `text`, which --help shows as it is written. One about a model,
    the bundled one unless told otherwise, has --model, and --picture for what it can draw."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    if model:
        parser.add_argument("--model", type=Path)
        parser.add_argument("--picture", type=Path)
    return parser


def jpeg(picture: Pixels, rng: np.random.Generator, quality: int | None = None) -> Pixels:
    """A picture saved as JPEG, of a quality of 60 to 95 unless one is given, and read again."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality or int(rng.integers(60, 96)))
    return np.asarray(Image.open(file))
