"""Chromium without a screen, spoken to by its DevTools protocol through a pair of pipes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import time
from base64 import b64decode
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PATIENCE = 60.0
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--window-size=1280,900",
)


class Browser:
    """One page of a browser, with all that its console said and all that it asked the network
    for. The protocol is that of https://chromedevtools.github.io/devtools-protocol/."""

    def __init__(self, program: str, profile: Path) -> None:
        self.console: list[str] = []
        self.requests: list[str] = []
        self._number = 0
        self._waiting = b""
        self._events: list[dict[str, Any]] = []
        their_input, self._to = os.pipe()
        self._from, their_output = os.pipe()

        # The browser reads commands from descriptor 3, and writes answers to 4. These may be taken
        # here: ours are moved beyond them before they are put there.
        held = [fcntl.fcntl(one, fcntl.F_DUPFD, 10) for one in (their_input, their_output)]
        nothing = os.open(os.devnull, os.O_RDWR)
        moves = [(held[0], 3), (held[1], 4), *((nothing, number) for number in (0, 1, 2))]
        self._process = os.posix_spawn(
            program,
            [
                program,
                *_ARGUMENTS,
                "--remote-debugging-pipe",
                f"--user-data-dir={profile}",
                "about:blank",
            ],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, one, number) for one, number in moves],
            setpgroup=0,
        )
        for one in (their_input, their_output, nothing, *held):
            os.close(one)
        self._session: str | None = None
        target = self._target()
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def _target(self) -> str:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            targets = self.call("Target.getTargets")["targetInfos"]
            for one in targets:
                if one["type"] == "page":
                    return str(one["targetId"])
            time.sleep(0.05)
        raise TimeoutError("the browser has no page")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give a command, and wait for its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._waiting:
            ready, _, _ = select.select([self._from], [], [], max(0.0, end - time.monotonic()))
            piece = os.read(self._from, 1 << 20) if ready else b""
            if not piece:
                raise TimeoutError("the browser does not answer")
            self._waiting += piece
        line, _, self._waiting = self._waiting.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        method, found = event.get("method"), event.get("params", {})
        if method == "Runtime.consoleAPICalled":
            said = [one.get("value", one.get("description", "")) for one in found["args"]]
            self.console.append(f"{found['type']}: {said}")
        elif method == "Runtime.exceptionThrown":
            details = found["exceptionDetails"]
            what = details.get("exception", {}).get("description", details["text"])
            self.console.append(f"exception: {what}")
        elif method == "Log.entryAdded":
            self.console.append(f"{found['entry']['level']}: {found['entry']['text']}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(found["request"]["url"])
        elif method == "Page.javascriptDialogOpening":
            self.console.append(f"dialog: {found['message']}")

    def open(self, path: Path) -> None:
        """Show a report, and wait until it says that it is ready, or that it has failed."""
        self.console.clear()
        self.requests.clear()
        self.call("Page.navigate", url=path.absolute().as_uri())
        self.until(
            "document.documentElement.dataset.ready || !document.getElementById('failure').hidden"
        )

    def run(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is awaited. Not held back by the
        policy of the page."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"])
        return found["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until something is true in the page."""
        end = time.monotonic() + PATIENCE
        while not self.run(
            f"(() => {{ try {{ return !!({condition}) }} catch {{ return false }} }})()"
        ):
            if time.monotonic() > end:
                raise TimeoutError(f"never true: {condition}; console: {self.console}")
            time.sleep(0.03)

    def centre(self, selector: str) -> tuple[float, float]:
        """Where an element is on the screen, scrolled to."""
        place = self.run(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)});"
            " one.scrollIntoView({block: 'center'}); const box = one.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2] })()"
        )
        return float(place[0]), float(place[1])

    def click(self, selector: str) -> None:
        """Press and release the mouse on an element."""
        x, y = self.centre(selector)
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y)

    def mouse(self, what: str, x: float, y: float) -> None:
        held = {"button": "left", "buttons": 1, "clickCount": 1} if what != "mouseMoved" else {}
        self.call("Input.dispatchMouseEvent", type=what, x=x, y=y, **held)

    def write(self, text: str) -> None:
        """Type into what has the focus."""
        for letter in text:
            self.call("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=letter)

    def press(self, key: str) -> None:
        """Press a key that has a name, as `Escape` or `Tab`."""
        number = {"Escape": 27, "Enter": 13, "Tab": 9, "Backspace": 8}.get(key, 0)
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=number,
                **(text if kind == "keyDown" else {}),
            )  # fmt: skip

    def dark(self, wanted: bool) -> None:
        """What the page is told that the person prefers."""
        value = "dark" if wanted else "light"
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": value}],
        )

    def picture(self, whole: bool = False) -> bytes:
        """A screenshot as PNG; of the whole page, if wanted."""
        options: dict[str, Any] = {"captureBeyondViewport": True} if whole else {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            options["clip"] = {**size, "scale": 1}
        return b64decode(self.call("Page.captureScreenshot", format="png", **options)["data"])

    def close(self) -> None:
        """End the browser with all of its processes."""
        self._session = None
        with contextlib.suppress(OSError, RuntimeError, TimeoutError):
            self.call("Browser.close")
        os.close(self._to)
        os.close(self._from)
        end = time.monotonic() + 10
        while os.waitpid(self._process, os.WNOHANG) == (0, 0):
            if time.monotonic() > end:
                os.killpg(self._process, signal.SIGKILL)
                os.waitpid(self._process, 0)
                break
            time.sleep(0.02)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
