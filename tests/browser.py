"""A real Chromium, and what is asked of a page in it."""

from __future__ import annotations

import base64
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: A moving picture in place of a camera, which nobody is asked about; no sandbox, for tests may run as root.
_ARGUMENTS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


@contextmanager
def chromium() -> Iterator[Any]:
    """Runs a browser; the test that needs it is skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser: pip install playwright")
    program = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium is on this machine: apt-get install chromium")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield browser
        browser.close()


def pixels(page: Any, canvas: str) -> NDArray[np.uint8]:
    """Returns (H, W, 4) RGBA uint8 of a canvas."""
    height, width, values = page.evaluate(
        """name => {
            const canvas = document.getElementById(name);
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let letters = "";
            for (let place = 0; place < data.length; place += 32768)
                letters += String.fromCharCode(...data.subarray(place, place + 32768));
            return [canvas.height, canvas.width, btoa(letters)];
        }""",
        canvas,
    )
    return np.frombuffer(base64.b64decode(values), np.uint8).reshape(height, width, 4)


def until(done: Callable[[], bool]) -> None:
    """Waits for something. Playwright's own waiting for an expression is code from a text, which the page forbids."""
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
