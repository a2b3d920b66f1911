"""What becomes of pictures that are broken, odd or hostile?

python benchmarks/fuzzed_pictures.py --inputs 100000          # of pictures that it makes, in all formats that are read
python benchmarks/fuzzed_pictures.py --inputs 100000 --folder Pillow/Tests/images     # and of all files of a folder

Pillow's own test pictures, broken ones among them, come with its source distribution:
pip download --no-binary pillow --no-deps pillow.

Every file is read as it is, and then so many times with bytes changed, cut out, doubled, put in from another file or
taken off the end, as the command line reads pictures (`read_picture`) and as the server does (25 million pixels at
most). It must give a picture, or refuse in one line that names it; it may take 20 seconds of a core and two gigabytes,
which the system holds it to. Whatever else happens is told with a file that holds the bytes."""

import argparse
import collections
import io
import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from minifaces.cores import cores
from minifaces.errors import UsageError
from minifaces.images import decode_picture, read_picture

SECONDS, MEMORY, PIXELS = 20, 2 << 30, 25_000_000
AT_ONCE = 200  # inputs that one process tries before it ends, so that one that dies takes few with it


def seeds() -> list[bytes]:
    """Small pictures of every format and mode that is read."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (24, 20, 4), np.uint8)
    rgb, found = Image.fromarray(noise[..., :3]), []
    images = {"RGB": rgb, "RGBA": Image.fromarray(noise), "L": rgb.convert("L"), "P": rgb.convert("P")}
    images |= {
        "1": rgb.convert("1"),
        "CMYK": rgb.convert("CMYK"),
        "I;16": Image.fromarray(noise.view(np.uint16)[..., 0]),
    }
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"):
        for image in images.values():
            for more in ({}, {"exif": exif}, {"save_all": True, "append_images": [image]}):
                stream = io.BytesIO()
                try:
                    image.save(stream, kind, **more)
                except (OSError, KeyError, ValueError, TypeError):
                    continue  # the format holds no such picture
                found.append(stream.getvalue())
    return list(dict.fromkeys(found))


def bombs() -> list[bytes]:
    """Small files that say that they are huge pictures."""
    found = []
    for kind, sizes in (("PNG", ((9000, 9000), (65000, 1300))), ("GIF", ((9000, 9000),)), ("TIFF", ((9000, 9000),))):
        for size in sizes:
            stream = io.BytesIO()
            Image.new("1", size).save(stream, kind, **({"compression": "group4"} if kind == "TIFF" else {}))
            found.append(stream.getvalue())
    png = bytearray(found[0])
    png[16:24] = b"\x7f\xff\xff\xff\x7f\xff\xff\xff"
    return [
        *found,
        bytes(png),
        b"P6\n99999999 99999999\n255\n",
        b"BM" + bytes(16) + b"\xff\xff\xff\x7f" * 2 + bytes(28),
    ]


def mutated(seed: bytes, others: list[bytes], draws: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(draws.choice([1, 1, 2, 4, 16])):
        at, size = draws.randrange(len(data) + 1), draws.choice([1, 1, 2, 4, 16, 256])
        kind = draws.choice(["change", "change", "change", "bit", "bit", "cut", "double", "borrow", "end", "number"])
        if kind == "change":
            data[at : at + size] = draws.randbytes(min(size, len(data) - at))
        elif kind == "bit" and at < len(data):
            data[at] ^= 1 << draws.randrange(8)
        elif kind == "cut":
            del data[at : at + size]
        elif kind == "double":
            data[at:at] = data[at : at + size]
        elif kind == "borrow":
            other = draws.choice(others)
            start = draws.randrange(len(other))
            data[at : at + size] = other[start : start + size]
        elif kind == "end":
            del data[max(1, at) :]
        elif kind == "number":
            data[at : at + 4] = draws.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(4), b"\x80\0\0\0"])
        if not data:
            return b"\0"
    return bytes(data)


def outcome(data: bytes, path: Path) -> str:
    """ "read" or "refused", or what is wrong."""
    path.write_bytes(data)
    results = []
    for read in (lambda: read_picture(path), lambda: decode_picture(data, "the picture", PIXELS).picture):
        try:
            picture = read()
            results.append("read" if picture.dtype == np.uint8 and picture.ndim == 3 else f"read as {picture.shape}")
        except UsageError as error:
            named = str(error).startswith((str(path), "the picture"))
            results.append("refused" if named and len(str(error).splitlines()) == 1 else f"told as {error!r}")
        except BaseException as error:
            results.append(f"{type(error).__name__}: {error}")
    wrong = [result for result in results if result not in ("read", "refused")]
    return wrong[0] if wrong else results[1]


def tried(inputs: list[bytes], folder: Path) -> dict[str, int]:
    """What became of some inputs, each in turn, in a process that is held to the limits: counts by outcome."""
    counts: collections.Counter[str] = collections.Counter()
    at = 0
    while at < len(inputs):
        found, gives = os.pipe()
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            path = folder / f"{os.getpid()}.img"
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what libtiff complains of
            with os.fdopen(gives, "w") as told:
                for data in inputs[at:]:
                    signal.setitimer(signal.ITIMER_PROF, SECONDS)
                    told.write(outcome(data, path).splitlines()[0] + "\n")
                    told.flush()
            path.unlink(missing_ok=True)
            os._exit(0)
        os.close(gives)
        with os.fdopen(found) as told:
            lines = told.read().splitlines()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if len(lines) < len(inputs) - at:
            lines.append(f"ended by {signal.Signals(-status).name}" if status < 0 else f"exit code {status}")
        for data, line in zip(inputs[at:], lines, strict=False):
            counts[line] += 1
            if line not in ("read", "refused"):
                (folder / f"wrong-{abs(hash(data)):x}").write_bytes(data)
        at += len(lines)
    return dict(counts)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--inputs", type=int, default=10_000)
    options.add_argument("--folder", type=Path, help="of pictures and broken files to begin with, too")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--minutes", type=float, default=60, help="the longest that it may take")
    given = options.parse_args()
    warnings.simplefilter("ignore")
    draws, start = random.Random(given.seed), time.monotonic()
    own = seeds()
    files = [path.read_bytes() for path in sorted(given.folder.rglob("*")) if path.is_file()] if given.folder else []
    small = own + [data for data in files if 0 < len(data) < 100_000]
    folder = Path(tempfile.mkdtemp(prefix="minifaces-fuzz-"))
    counts: collections.Counter[str] = collections.Counter()

    as_they_are = [*files, *bombs(), *own]
    with multiprocessing.get_context("fork").Pool(cores()) as pool:
        whole = [as_they_are[i : i + AT_ONCE] for i in range(0, len(as_they_are), AT_ONCE)]
        for found in pool.starmap(tried, [(batch, folder) for batch in whole]):
            counts.update(found)
        print(f"{len(as_they_are)} files as they are: {dict(counts)}", flush=True)
        done = 0
        while done < given.inputs and time.monotonic() - start < given.minutes * 60:
            made = [[mutated(draws.choice(small), small, draws) for _ in range(AT_ONCE)] for _ in range(cores() * 2)]
            for found in pool.starmap(tried, [(batch, folder) for batch in made]):
                counts.update(found)
            done += sum(map(len, made))
    wrong = {line: count for line, count in counts.items() if line not in ("read", "refused")}
    print(f"{done} changed ones from {len(small)}, in {(time.monotonic() - start) / 60:.1f} minutes")
    print(f"read {counts['read']}, refused {counts['refused']}, wrong {sum(wrong.values())}")
    for line, count in wrong.items():
        print(f"  {count}: {line}")
    if wrong:
        print(f"those are in {folder}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
