"""For the tests of the explorer: a real Chromium, and a site served to it."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from minifaces.explorer.output import site
from minifaces.server.app import explorer
from minifaces.server.server import Server


def chromium() -> str:
    """Where the distribution's Chromium is, best the one without windows, which takes less than half the time. Without
    any the tests are left out, but not in CI."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: apt-get install chromium-headless-shell")
        pytest.skip("no Chromium: apt-get install chromium-headless-shell")
    return found


@contextmanager
def launched(*arguments: str) -> Iterator[Browser]:
    """A headless Chromium, with more command-line arguments."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(arguments))
        yield browser
        browser.close()


@contextmanager
def served(data: dict[str, bytes]) -> Iterator[str]:
    """The address of a site with these files in its data folder."""
    with Server(lambda place: explorer(site(data), place)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.address
        server.shutdown()
        thread.join()


# What Chromium says of WebGL where it is drawn without a graphics chip, whatever the page does.
_SOFTWARE = "GPU stall due to ReadPixels"


@dataclass
class Watch:
    """What a page does behind one's back."""

    complaints: list[str] = field(default_factory=list)
    """errors and warnings of its console, and errors that nobody caught"""
    requests: list[str] = field(default_factory=list)


def watched(page: Page) -> Watch:
    """Begin to watch a page, before it goes anywhere."""
    watch = Watch()
    page.on("request", lambda request: watch.requests.append(request.url))
    page.on("pageerror", lambda error: watch.complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            watch.complaints.append(message.text)
            if message.type in ("error", "warning") and _SOFTWARE not in message.text
            else None
        ),
    )
    return watch


def started(page: Page, address: str) -> Watch:
    """Go to the explorer and wait until it knows its faces."""
    watch = watched(page)
    page.goto(address)
    # Not wait_for_function: that evaluates text, which the page's policy forbids.
    deadline = time.monotonic() + 60
    while not page.evaluate("'explorer' in globalThis"):
        assert time.monotonic() < deadline, watch.complaints
        page.wait_for_timeout(20)
    return watch


def opened(page: Page, address: str) -> Watch:
    """Go to the explorer and wait until it decodes as Python does."""
    watch = started(page, address)
    page.evaluate("explorer.exact")
    return watch
