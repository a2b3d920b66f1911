"""The explorer's Photo view in a real Chromium reads pictures as Python does: same colours, same white behind them."""

import base64
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

from explorer_pages import launched, opened, served
from icc_profiles import (
    ADOBE_RGB,
    DISPLAY_P3,
    P3,
    PROPHOTO,
    REC709,
    avif_of,
    chunk,
    cmyk_profile,
    codes_chunk,
    encoded,
    gamma_chunk,
    grey_profile,
    png,
    primaries_chunk,
    profile_chunk,
    rgb_profile,
    with_chunks,
)
from minifaces.explorer.faces import gallery_faces
from minifaces.explorer.site import site_files
from minifaces.images import decode_picture
from minifaces.studio.model import Model


@pytest.fixture(scope="module")
def size(tiny_model: Path) -> int:
    return Model(tiny_model).image_size


@pytest.fixture(scope="module")
def page(tiny_model: Path) -> Iterator[Page]:
    model = Model(tiny_model)
    with launched() as browser, served(site_files(model, gallery_faces(model))) as address:
        page = browser.new_page()
        opened(page, address + "#photo")
        yield page


# The pixels of the framed picture, once it is another one than before.
FRAMED = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  return btoa(String.fromCharCode(...data))
}"""


def in_the_page(page: Page, data: bytes, size: int) -> NDArray[np.uint8]:
    """What the Photo view frames of a picture of `size` that fills its square, (size, size, 3)."""
    canvas = page.locator("canvas[aria-label^='Your picture, framed']")
    canvas.evaluate("canvas => canvas.getContext('2d').clearRect(0, 0, canvas.width, canvas.height)")
    empty = canvas.evaluate(FRAMED)
    page.get_by_label("A picture file").set_input_files(
        {"name": "picture", "mimeType": "image/png", "buffer": data}  # it goes by the contents
    )
    deadline = time.monotonic() + 30
    while (now := canvas.evaluate(FRAMED)) == empty:
        assert time.monotonic() < deadline, page.locator("body").inner_text()[-500:]
        page.wait_for_timeout(5)
    return np.frombuffer(base64.b64decode(now), np.uint8).reshape(size, size, 4)[..., :3]


def colours(size: int) -> NDArray[np.uint8]:
    """Colours of all kinds. Nothing in it is a head before a plain background: the page takes it whole."""
    values = np.random.default_rng(2).choice(np.linspace(0, 255, 16).astype(np.uint8), (size // 4, size // 4, 3))
    return np.kron(values, np.ones((4, 4, 1), np.uint8))


def files(size: int) -> dict[str, tuple[bytes, int]]:
    """Picture files, and how far Chromium and Python may be apart."""
    rgb = colours(size)
    image, grey = Image.fromarray(rgb), Image.fromarray(rgb[..., 0])
    adobe, prophoto, linear = (rgb_profile(*space) for space in ((ADOBE_RGB, 563 / 256), (PROPHOTO, 1.8), (REC709, 1)))
    black = rgb[..., :1] // 3
    half = np.full((size, size, 1), 128, np.uint8)
    key = tuple(int(value) * 257 for value in rgb[0, 0])
    deep, deep_grey = rgb.astype(np.uint16) * 257, rgb[..., 0].astype(np.uint16) * 257
    trns = {n: chunk(b"tRNS", struct.pack(f">{n}H", *key[:n])) for n in (1, 3)}
    holes = np.dstack([rgb, np.where(np.indices((size, size)).max(0) % 8 < 4, 255, 0).astype(np.uint8)])
    ring = np.dstack([rgb, np.full((size, size), 255, np.uint8)])
    ring[4:-4, 4:-4, 3] = 0
    exif = Image.Exif()
    exif[0x8769] = {0xA001: 65535, 0xA005: {1: "R03"}}
    spaces = {"P3": P3, "Adobe RGB": adobe, "ProPhoto": prophoto, "linear": linear}
    made = {f"{form}, {name}": (encoded(image, form, icc_profile=icc), 2)
            for form in ("PNG", "JPEG", "WEBP", "AVIF") for name, icc in spaces.items()}  # fmt: skip
    for name, icc in {
        "of grey": grey_profile(1.8),
        "of CMYK": cmyk_profile(),
        "cut off": P3[:300],
        "": b"junk",
    }.items():
        made |= {
            f"{form}, broken {name}": (encoded(image, form, icc_profile=icc), 2) for form in ("PNG", "JPEG", "WEBP")
        }
    for gamma in (1.0, 1.8, 2.2):
        made |= {f"grey {form} {gamma}": (encoded(grey, form, icc_profile=grey_profile(gamma)), 2)
                 for form in ("PNG", "JPEG")}  # fmt: skip
    made |= {
        "no profile": (encoded(image, "PNG"), 0),
        "JPEG of halved colours": (encoded(image.resize((size, size)), "JPEG", subsampling=2, icc_profile=P3), 3),
        "EXIF of Adobe RGB": (encoded(image, "JPEG", exif=exif.tobytes()), 0),
        "grey with a profile of colours": (encoded(grey, "PNG", icc_profile=adobe), 2),
        "palette": (encoded(image.quantize(200), "PNG", icc_profile=prophoto), 2),
        "16 bits": (png(deep, 16, 2, profile_chunk(adobe)), 2),
        "16-bit grey": (png(deep_grey, 16, 0, profile_chunk(grey_profile(2.2))), 2),
        "16 bits, a transparent value": (png(deep, 16, 2, trns[3]), 2),
        "16-bit grey, a transparent value": (png(deep_grey, 16, 0, trns[1]), 2),
        "4-bit grey, a transparent value": (png(rgb[..., 0] // 17, 4, 0, chunk(b"tRNS", b"\0\3")), 2),
        "holes": (encoded(Image.fromarray(holes), "PNG"), 0),
        "holes in P3": (encoded(Image.fromarray(holes), "PNG", icc_profile=P3), 2),
        "a hole within": (encoded(Image.fromarray(ring), "WEBP", icc_profile=P3), 2),
        "half transparent": (encoded(Image.fromarray(np.dstack([rgb, half])), "PNG"), 1),
        # Browsers multiply colours by alpha, rounded, before they convert them.
        "half transparent in P3": (encoded(Image.fromarray(np.dstack([rgb, half])), "PNG", icc_profile=P3), 8),
        "CMYK": (encoded(Image.fromarray(np.dstack([rgb, black]), "CMYK"), "JPEG"), 3),
        # Chromium forgets the black ink where there is a profile: here is none of it.
        "CMYK, profile": (encoded(Image.fromarray(np.dstack([rgb, 0 * black]), "CMYK"), "JPEG",
                                  icc_profile=cmyk_profile()), 5),
        "gAMA": (with_chunks(image, gamma_chunk(1 / 1.8)), 2),
        "gAMA of sRGB": (with_chunks(image, gamma_chunk(0.45455)), 0),
        "gAMA, cHRM": (with_chunks(image, gamma_chunk(1 / 2.2), primaries_chunk(DISPLAY_P3)), 2),
        "cHRM": (with_chunks(image, primaries_chunk(DISPLAY_P3)), 0),
        "sRGB, gAMA, cHRM": (with_chunks(image, chunk(b"sRGB", b"\0"), gamma_chunk(1), primaries_chunk(DISPLAY_P3)), 0),
        "iCCP, gAMA": (with_chunks(image, profile_chunk(P3), gamma_chunk(1), primaries_chunk(REC709)), 2),
        "cICP of P3": (with_chunks(image, codes_chunk(12, 13)), 2),
        "cICP of video": (with_chunks(image, codes_chunk(9, 1)), 2),
        "cICP before iCCP": (with_chunks(image, profile_chunk(prophoto), codes_chunk(12, 13)), 2),
        "AVIF code points of P3": (avif_of(image, 12, 13), 2),
        "AVIF code points of video": (avif_of(image, 9, 14), 2),
        "iCCP of another checksum": (with_chunks(image, chunk(b"iCCP", b"garbage", crc=5)), 0),
        "text of another checksum": (with_chunks(image, chunk(b"tEXt", b"a\0b", crc=5)), 0),
    }  # fmt: skip
    return made


def test_the_page_and_python_see_the_same_picture(page: Page, size: int) -> None:
    apart = {}
    for name, (data, most) in files(size).items():
        there, here = in_the_page(page, data, size), decode_picture(data, name).picture
        distance = int(np.abs(there.astype(int) - here).max())
        if distance > most:
            apart[name] = distance
    assert not apart


def test_these_files_mean_other_colours_than_their_bytes(size: int) -> None:
    """So the test above sees whether that is followed."""
    made = files(size)
    plain = decode_picture(made["no profile"][0], "").picture.astype(int)
    followed = ("PNG, P3", "JPEG, Adobe RGB", "WEBP, ProPhoto", "AVIF, linear", "gAMA", "gAMA, cHRM", "iCCP, gAMA")
    for name in (*followed, "cICP of P3", "cICP of video", "AVIF code points of P3", "16 bits, a transparent value"):
        assert np.abs(decode_picture(made[name][0], name).picture - plain).max() > 8, name
