"""Small pictures inside HTML pages."""

import base64
import io

from PIL import Image

from minifaces.arrays import Pixels
from minifaces.images import resize


def thumbnail(picture: Pixels, side: int) -> str:
    """An (H, W, 3) uint8 picture, made no larger than `side` pixels a side, as WebP in base64."""
    height, width = picture.shape[:2]
    scale = min(1.0, side / max(height, width))
    small = resize(picture, max(1, round(height * scale)), max(1, round(width * scale)))
    stream = io.BytesIO()
    Image.fromarray(small).save(stream, format="WEBP", quality=78, method=4)
    return base64.b64encode(stream.getvalue()).decode("ascii")
