"""Pictures that a notebook shows by themselves, and numpy arrays all the same.

faces = model.sample(25, seed=7)            # Pictures: a grid below the cell
faces[3]                                    # one of them
model.morph(a, b)                           # Frames: they move
show(faces, columns=5, captions=names)      # from the middle of a cell, and any other array of pictures
"""

import base64
import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minifaces.arrays import Pixels
from minifaces.checks import whole
from minifaces.errors import UsageError

LARGEST = 1600
"""the longest side in pixels of a picture that is shown, since a notebook keeps what it shows"""


class Pictures(np.ndarray[Any, np.dtype[np.uint8]]):
    """Pictures, (n, H, W, 3) or (H, W, 3) uint8. What is cut out of them and is none any more (`faces[0, :, :, 1]`) is
    shown as numbers, and what is reckoned from them (`255 - faces`) is an ordinary array."""

    def __array_wrap__(self, array: NDArray[Any], context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else np.asarray(array)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the picture, or several as a grid, as `minifaces.pictures.save_picture`: .png, .webp or .jpg."""
        from minifaces.images import save_picture
        from minifaces.pictures.layout import grid  # which makes Pictures

        save_picture(path, grid(self) if self.ndim == 4 else self)

    def _repr_jpeg_(self) -> bytes | None:
        """A JPEG, which has a quarter of a PNG's size."""
        from minifaces.pictures.portrait import jpeg

        return jpeg(_fitting(self)) if self._shown else None

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # IPython's names
        del cycle
        printer.text(f"{type(self).__name__} {self.shape}" if self._shown else repr(self))

    @property
    def _shown(self) -> bool:
        return self.ndim in (3, 4) and self.shape[-1] == 3 and self.dtype == np.uint8 and self.size > 0


class Frames(Pictures):
    """Pictures one after the other in time, (n, H, W, 3) uint8: shown as an animation that begins again and again."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the animation, as `minifaces.pictures.save_animation`: .gif, .webp, .apng or .mp4. A frame taken out
        of it is saved as a picture."""
        from minifaces.pictures.animation import save_animation

        if self.ndim == 4:
            save_animation(path, self)
        else:
            super().save(path)

    def _repr_html_(self) -> str | None:
        return _moving(self) if self._shown and self.ndim == 4 else None

    def _repr_jpeg_(self) -> bytes | None:
        return None if self.ndim == 4 else super()._repr_jpeg_()


def show(
    pictures: ArrayLike,
    captions: Sequence[str] | None = None,
    columns: int | None = None,
    size: int | None = None,
    fps: float | None = None,
) -> None:
    """Show pictures in a notebook: an array (n, H, W, 3) or (H, W, 3) uint8, or a list of pictures of one size.

    They are laid out as a grid of so many `columns`, as near to a square as can be without, with `captions` below
    them, each brought to `size` pixels a side. Frames, and any pictures with an `fps` (0.1 to 60 a second), move.
    Raises UsageError where they are none, and outside of a notebook."""
    from minifaces.images import as_pictures, check_faces, resized
    from minifaces.pictures.layout import captioned, grid

    stack = as_pictures(pictures)
    faces = check_faces(stack[None] if stack.ndim == 3 else stack)
    if size is not None:
        faces = resized(faces, whole("the size of a picture", size, 8, 4096))
    if captions is not None:
        faces = captioned(faces, captions)
    display = _display()
    if fps is None and not isinstance(pictures, Frames):
        display(grid(faces, columns))
    else:
        from IPython.display import HTML

        display(HTML(_moving(faces, fps)))


def _display() -> Any:
    """IPython's `display`, where a notebook is listening."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if not hasattr(shell, "kernel"):
        raise UsageError('pictures are shown in notebooks only: write a file, as faces.save("faces.png")')
    from IPython.display import display

    return display


def _fitting(pictures: Pixels) -> Pixels:
    """One picture of them, (H, W, 3), no side longer than `LARGEST`."""
    from minifaces.images import resize
    from minifaces.pictures.layout import grid

    picture = grid(pictures) if pictures.ndim == 4 else np.asarray(pictures)
    height, width = picture.shape[:2]
    scale = min(1.0, LARGEST / max(height, width))
    return resize(picture, max(1, round(height * scale)), max(1, round(width * scale)))


def _moving(frames: Pixels, fps: float | None = None) -> str:
    from minifaces.pictures.animation import FPS, check_animation, webp

    count, height, width = frames.shape[:3]
    held = base64.b64encode(webp(frames, check_animation("shown.webp", FPS if fps is None else fps))).decode()
    told = f"An animation of {count} frames"
    return f'<img width="{width}" height="{height}" alt="{told}" src="data:image/webp;base64,{held}">'
