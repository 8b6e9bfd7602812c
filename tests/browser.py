"""Headless Chromium over a pipe: pages are opened, keys pressed, scripts asked and requests counted, with no driver."""

import json
import os
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions", "--mute-audio"),
)
_SLOWEST = 30.0  #: s, for anything that is waited for


class Browser:
    """One page of one browser, by the DevTools protocol: https://chromedevtools.github.io/devtools-protocol/."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._number, self._buffer = 0, b""
        self.requests: list[str] = []
        self.problems: list[str] = []
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: object) -> dict[str, Any]:
        """The answer to a command of the page."""
        return self._send(method, session=self._session, **parameters)

    def open(self, page: Path, *, address: str = "", script: bool = True) -> None:
        """Load a report from disk, ``address`` being what follows its name, and wait until it is ready."""
        self.send("Page.navigate", url="about:blank")
        self.requests.clear()
        self.problems.clear()
        self.send("Emulation.setScriptExecutionDisabled", value=not script)
        self.send("Page.navigate", url=page.resolve().as_uri() + address)
        if script:
            self.wait("document.documentElement?.dataset.ready")

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """How large the window is, and which colours the system prefers."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", media="", features=[scheme])

    def ask(self, script: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        answer = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, script: str) -> Any:
        """The value of an expression as soon as it is true. Raises AssertionError where it never is."""
        deadline = time.monotonic() + _SLOWEST
        while time.monotonic() < deadline:
            if value := self.ask(script):
                return value
            time.sleep(0.02)
        raise AssertionError(f"never true: {script}; the page said {self.problems}")

    def press(self, *keys: str) -> None:
        """Real key events, as from a keyboard."""
        for key in keys:
            text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
            codes = {"Escape": 27, "Enter": 13, "Tab": 9}
            self.send(
                "Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=codes.get(key, 0), **text
            )
            self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    def click(self, selector: str) -> None:
        """A click on the first element that the selector finds."""
        self.ask(f"document.querySelector({json.dumps(selector)}).click()")

    def picture(self, path: Path) -> None:
        """What the window shows, as PNG."""
        path.write_bytes(b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def _send(self, method: str, *, session: str | None = None, **parameters: object) -> dict[str, Any]:
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            chunk = os.read(self._answers, 1 << 20)
            assert chunk, "the browser closed its pipe"
            self._buffer += chunk
        text, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif event.get("method") == "Runtime.exceptionThrown":
            self.problems.append(str(parameters["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.problems.append(parameters["entry"]["text"])


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser that ends with the block; ``profile`` is a folder that it may fill."""
    assert CHROMIUM is not None
    commands_out, commands_in = os.pipe()
    answers_out, answers_in = os.pipe()
    # the protocol speaks on descriptors 3 and 4, wherever ours are
    line = f'exec "$0" "$@" 3<&{commands_out} 4>&{answers_in}'
    arguments = [*_OPTIONS, f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"]
    process = subprocess.Popen(
        ["bash", "-c", line, CHROMIUM, *arguments],
        pass_fds=(commands_out, answers_in),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(commands_out)
    os.close(answers_in)
    try:
        found = Browser(commands_in, answers_out)
        yield found
        found._send("Browser.close")
        process.wait(timeout=_SLOWEST)
    finally:
        os.close(commands_in)
        os.close(answers_out)
        process.kill()
        process.wait()
