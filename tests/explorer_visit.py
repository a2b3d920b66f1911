"""For the tests of the explorer's views: somebody who looks at the page, and what it did behind their back."""

import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from explorer_pages import Watch


class Visit:
    """A page, and what it did behind one's back."""

    def __init__(self, page: Page, watch: Watch, address: str) -> None:
        self.page, self.watch, self.address = page, watch, address

    def go(self, place: str) -> None:
        self.page.evaluate("place => { location.hash = place }", place)
        self.page.wait_for_timeout(100)

    def until_still(self) -> None:
        """Wait until nothing has been added, changed or taken away for a tenth of a second."""
        self.page.evaluate("""() => new Promise(resolve => {
          const still = () => setTimeout(() => { seen.disconnect(); resolve() }, 100)
          let waiting = still()
          const seen = new MutationObserver(() => { clearTimeout(waiting); waiting = still() })
          seen.observe(document, { subtree: true, childList: true, attributes: true, characterData: true })
        })""")

    def hash(self) -> str:
        """The address as it is to be: while it changes often it is changed a moment later, or when the page is left."""
        return str(self.page.evaluate("dispatchEvent(new Event('pagehide')), decodeURIComponent(location.hash)"))

    def pixels(self, selector: str) -> np.ndarray:
        """What a canvas shows, (H, W, 3)."""
        script = """canvas => {
          const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true })
          copy.drawImage(canvas, 0, 0)
          return [...copy.getImageData(0, 0, canvas.width, canvas.height).data]
        }"""
        return as_picture(self.page.locator(selector).first.evaluate(script))

    def decoded(self, latent: str) -> np.ndarray:
        """The face of an expression for a latent, (H, W, 3)."""
        return as_picture(self.page.evaluate(f"async () => [...(await explorer.decode([{latent}]))[0].data]"))

    def until(self, held: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not held():
            assert time.monotonic() < deadline
            self.page.wait_for_timeout(20)

    def until_shown(self, selector: str, wanted: np.ndarray) -> None:
        self.until(lambda: bool(np.abs(self.pixels(selector).astype(int) - wanted).max() <= 1))

    def hold(self, name: str, calls: int = 1, of: str = "explorer") -> None:
        """Keep back the answers of the next calls of a function of the engine, or of another object."""
        script = """([of, name, calls]) => {
          const owner = globalThis[of]
          const real = owner[name].bind(owner)
          const released = new Promise(resolve => { globalThis.release = resolve })
          owner[name] = async (...asked) => {
            const held = calls-- > 0
            const answer = await real(...asked)
            if (held) await released
            return answer
          }
        }"""
        self.page.evaluate(script, [of, name, calls])

    def release(self) -> None:
        """Let the answers go, and the page do what it does with them."""
        turn = "await new Promise(resolve => setTimeout(resolve))"
        decode = "await explorer.decode([await explorer.latentAt('tsne', 0, 0)])"
        self.page.evaluate(f"async () => {{ release(); {turn}; {decode}; {turn} }}")

    def count(self, name: str) -> None:
        """Count from now on how often a function of the engine is asked."""
        script = """name => {
          const real = explorer[name].bind(explorer)
          globalThis.counted = { ...globalThis.counted, [name]: 0 }
          explorer[name] = (...asked) => (counted[name]++, real(...asked))
        }"""
        self.page.evaluate(script, name)

    def counted(self, name: str) -> int:
        return int(self.page.evaluate("name => counted[name]", name))


def as_picture(data: list[int]) -> np.ndarray:
    size = round((len(data) / 4) ** 0.5)
    return np.array(data, np.uint8).reshape(size, size, 4)[..., :3]


def png(picture: np.ndarray) -> Any:
    """A picture as a file to choose."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return {"name": "face.png", "mimeType": "image/png", "buffer": stream.getvalue()}
