"""Save frames as an animation: GIF, WebP and APNG by Pillow, MP4 by PyAV.

save_animation("morph.gif", faces.morph(a, b, steps=60), fps=25)
"""

import io
import math
import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PIL import Image

from minifaces.arrays import Pixels
from minifaces.checks import file_name, flag, real
from minifaces.errors import MinifacesError, UsageError, needs
from minifaces.files import atomic
from minifaces.images import check_faces

if TYPE_CHECKING:
    from av import VideoStream

FPS = 25.0
# GIF counts time in hundredths of a second, and browsers slow down what is shorter than two of them.
_MOST_FPS = {".gif": 50, ".webp": 60, ".apng": 60, ".mp4": 60}
_LONGEST_SIDE = 16383  # of WebP; the others hold no less


def save_animation(path: str | os.PathLike[str], frames: Pixels, fps: float = FPS, loop: bool = True) -> None:
    """Save (n, H, W, 3) uint8 frames as the suffix says, whole or not at all: .gif, .webp, .apng or .mp4.

    `loop` repeats for ever; an MP4 cannot say so and is looped by its player. Equal frames that follow each
    other may be stored as one longer frame. GIF (256 colours a frame) and MP4 and WebP (lossy) come close to
    the frames; APNG holds them exactly. An MP4 of odd height or width grows by one pixel.
    Raises UsageError for another suffix, no frames or an impossible `fps`, MinifacesError where `path`
    cannot be written."""
    fps = check_animation(path, fps)
    path = Path(path)
    suffix = path.suffix.lower()
    frames, loop = check_faces(frames), flag("loop", loop)
    if max(frames.shape[1:3]) > _LONGEST_SIDE:
        raise UsageError(
            f"frames of {frames.shape[2]} x {frames.shape[1]} are too large: {_LONGEST_SIDE} a side at most"
        )
    with atomic(path) as scratch:
        if suffix == ".mp4":
            _write_mp4(scratch, frames, fps)
        else:
            _write_pillow(scratch, suffix, frames, fps, loop)


def check_animation(path: str | os.PathLike[str], fps: float) -> float:
    """`fps` as a float. UsageError where `save_animation` does not know the suffix of `path` or cannot keep to it."""
    path = Path(file_name("an animation", path))
    suffix = path.suffix.lower()
    if suffix not in _MOST_FPS:
        raise UsageError(f"cannot save an animation as {path}: use one of {', '.join(_MOST_FPS)}")
    fps = real("frames a second", fps)
    if not 0.1 <= fps <= _MOST_FPS[suffix]:
        raise UsageError(f"{suffix} plays 0.1 to {_MOST_FPS[suffix]} frames a second, not {fps:g}")
    return fps


def webp(frames: Pixels, fps: float = FPS) -> bytes:
    """The file of an animation that repeats for ever, of (n, H, W, 3) uint8 frames."""
    stream = io.BytesIO()
    _write_pillow(stream, ".webp", frames, fps, True)
    return stream.getvalue()


def _write_pillow(path: Path | io.BytesIO, suffix: str, frames: Pixels, fps: float, loop: bool) -> None:
    images = [Image.fromarray(frame) for frame in frames]
    options: dict[str, Any] = {"save_all": True, "loop": 0 if loop else 1}
    if suffix == ".gif":
        images = [_with_palette(image) for image in images]
        options |= {"format": "GIF", "optimize": True}
        if not loop:
            del options["loop"]  # GIF counts repetitions after the first showing: 1 would show it twice
    elif suffix == ".webp":
        options |= {"format": "WEBP", "quality": 90}
    else:
        options |= {"format": "PNG"}
    durations = _durations(len(frames), fps, unit=10 if suffix == ".gif" else 1)
    images[0].save(path, append_images=images[1:], duration=durations, **options)


def _durations(n: int, fps: float, unit: int) -> list[int]:
    """Milliseconds of each of n frames in multiples of `unit`, rounded so that the errors never add up."""
    ends = np.round(np.arange(n + 1) * (1000 / fps / unit)).astype(int)
    return [int(duration) for duration in np.diff(ends) * unit]


def _with_palette(image: Image.Image) -> Image.Image:
    """Reduce one frame to a palette of its own, refined by k-means and without dithering.

    Measured on crossfading heads (96 px): 43.6 dB, with less than half the banding and flicker of one palette
    for all frames (33 to 37 dB, dithered or not), at under twice its size. A large frame's palette is
    made from every so many pixels, which is ten times as fast and 1.3 dB worse. k-means ends when less than
    one pixel in thirty changes its colour: going on takes twice the time for half a decibel. The 256th
    colour stays free for Pillow to mark the pixels that do not change."""
    if image.width * image.height <= 2**16:
        return _quantized(image)
    step = math.ceil(math.sqrt(image.width * image.height / 2**14))
    sample = image.resize((-(-image.width // step), -(-image.height // step)), Image.Resampling.NEAREST)
    return image.quantize(palette=_quantized(sample), dither=Image.Dither.NONE)


def _quantized(image: Image.Image) -> Image.Image:
    threshold = max(1, image.width * image.height // 30)
    return image.quantize(255, method=Image.Quantize.MEDIANCUT, kmeans=threshold)


def _write_mp4(path: Path, frames: Pixels, fps: float) -> None:
    needs("an .mp4", "video", "av")
    import av  # slow to import
    from av.video.reformatter import ColorRange, Colorspace

    # 4:2:0 shares one colour among 2 x 2 pixels, so both sides must be even.
    height, width = frames.shape[1:3]
    even = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    h264 = "libx264" in av.codecs_available
    codec, options = ("libx264", {"crf": "16"}) if h264 else ("mpeg4", {"qmin": "1", "qmax": "3"})
    try:
        with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
            rate = Fraction(fps).limit_denominator(1000)
            stream = cast("VideoStream", container.add_stream(codec, rate=rate, options=options))
            stream.height, stream.width = even.shape[1:3]
            stream.pix_fmt = "yuv420p"
            # Unmarked, players guess the colour matrix by the height, each in its own way. 1 is BT.709.
            context = stream.codec_context
            context.colorspace = context.color_primaries = context.color_trc = 1
            context.color_range = ColorRange.MPEG
            for pixels in even:
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    except av.FFmpegError as error:
        raise MinifacesError(f"cannot encode the video: {error}") from error
