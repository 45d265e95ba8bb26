"""A real browser for tests: chromium without a window, driven over its DevTools pipe."""

import base64
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Browser", "browsing"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu",
    "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
PATIENCE = 60.0
START = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """A running browser with one page at a time."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads, self._writes = reads, writes
        self._numbers = itertools.count(1)
        self._left = b""
        self._session = ""
        self.requested: list[str] = []
        """The address of everything the page asked for."""

    def open(self, address: str, ready: str = "document.body.dataset.place !== undefined") -> None:
        """Load an address in a page of its own, and wait until it is ready: for its first row."""
        self._session = ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.requested.clear()
        self.call("Network.enable")
        self.resize(1000, 760)
        self.call("Page.navigate", url=address)
        self.wait(f"document.body && {ready}")

    def press(self, key: str) -> None:
        """Press a key, and wait until the page has done what it asks for."""
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)
        self.wait("!busy")

    def script(self, expression: str) -> Any:
        """The value of an expression on the page."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def text(self, selector: str) -> str:
        """What a part of the page says."""
        return str(self.script(f"document.querySelector({json.dumps(selector)}).textContent"))

    def wait(self, expression: str) -> None:
        """Wait until an expression is true."""
        until = time.monotonic() + PATIENCE
        while not self.script(f"!!({expression})"):
            assert time.monotonic() < until, f"never true: {expression}"
            time.sleep(0.02)

    def resize(self, width: int, height: int) -> None:
        """Give the page another size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def prefer(self, scheme: str) -> None:
        """Light or dark."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def screenshot(self, path: Path) -> None:
        """Take a picture of the page."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        self.call("Browser.close")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its result; events that come before it are noted."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while (reply := self._next()).get("id") != number:
            ours = reply.get("sessionId") == self._session
            if ours and reply.get("method") == "Network.requestWillBeSent":
                self.requested.append(reply["params"]["request"]["url"])
        assert "error" not in reply, reply
        return dict(reply["result"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            read = os.read(self._reads, 1 << 16)
            assert read, "the browser has ended"
            self._left += read
        message, self._left = self._left.split(b"\0", 1)
        return dict(json.loads(message))


@contextmanager
def browsing(profile: Path) -> Iterator[Browser]:
    """Start the browser, and end it with all it started."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.fail("pages are tested in a browser: apt-get install chromium")
    theirs_in, ours_out = _pipe()
    ours_in, theirs_out = _pipe()
    browser = subprocess.Popen(
        [sys.executable, "-c", START, str(theirs_in), str(theirs_out),
         program, *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(theirs_in, theirs_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        page = Browser(ours_in, ours_out)
        yield page
        page.close()
        browser.wait(timeout=PATIENCE)
    finally:
        browser.kill()
        browser.wait()
        os.close(ours_in)
        os.close(ours_out)


def _pipe() -> tuple[int, int]:
    """A pipe whose ends stand clear of 3 and 4, where the browser looks for its own."""
    moved = []
    for end in os.pipe():
        moved.append(fcntl.fcntl(end, fcntl.F_DUPFD, 20))
        os.close(end)
    return moved[0], moved[1]
