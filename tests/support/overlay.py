"""The real overlay window with a page of the test's own: one that never rests, and tells what reaches it.

`overlay(display, home)` shows it, and is the test's end of it; the process itself is `python -m tests.support.overlay`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from actuators.backends.xoverlays import XOverlays
from actuators.xlibfix import open_display
from agent.session import Session, create_session, data_home, find_session
from perception.screenshot import Region
from ui.overlay import SESSION, OverlayProcess, open_overlay, run

PORT = "standin"  # file in the session's folder
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Deskhand</title>
<link rel="stylesheet" href="/page.css"><script type="module" src="/page.js"></script>
<body><header class="pywebview-drag-region">acting</header><input id="words" aria-label="Correct it">
<button id="pause">Pause</button><p id="thought"></p></body></html>"""
STYLE = b"""html { color-scheme: light dark } body { margin: 0; font: 13px sans-serif; border: 3px solid #c26 }
body { height: 514px }
header { height: 36px; background: #c26; color: #fff } p { padding: 8px; overflow: hidden; height: 380px; margin: 0 }"""
SCRIPT = b"""const tell = (what) => fetch("/tell?" + what);
for (const kind of ["mousedown", "keydown", "wheel"])
  addEventListener(kind, (e) => tell(kind + "=" + (e.key || e.target.id)));
addEventListener("mousemove", () => tell("move"));
addEventListener("pywebviewready", () => tell("ready"));
const thought = document.getElementById("thought");
if (location.search.includes("still") === false) setInterval(() => {
  thought.textContent = (thought.textContent + " " + Math.random().toString(36).slice(2)).slice(-1500);
  thought.style.background = "hsl(" + Math.random() * 360 + " 60% 60%)";
}, 25);
document.getElementById("pause").onclick = () => tell("pause");
addEventListener("keydown", (e) => { if (e.key === "Enter") window.pywebview.api.keys_done(); });
thought.addEventListener("dblclick", async () => {
  await window.pywebview.api.collapse(!(await window.pywebview.api.collapsed()));
  tell("collapsed=" + await window.pywebview.api.collapsed());
});
"""


class StandIn:
    """Serves the page. See `ui.overlay.Served`."""

    token = "test"

    def __init__(self, session: Session) -> None:
        self._told: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        (session.folder / PORT).write_text(self.url)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()

    def _answer(self, path: str, query: str) -> tuple[str, bytes]:
        match path:
            case "/overlay":
                return "text/html", PAGE
            case "/page.js":
                return "text/javascript", SCRIPT
            case "/page.css":
                return "text/css", STYLE
            case "/tell":
                self._told.append(query)
                return "text/plain", b""
            case "/told":
                return "application/json", json.dumps(self._told).encode()
            case _:
                return "text/plain", b""

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                kind, body = answer(path, query)
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Security-Policy", POLICY)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name in the base class)
                """Quiet."""

        return Handler


class Overlay:
    """The test's end of the window."""

    def __init__(self, process: OverlayProcess, session: Session, display: str) -> None:
        self.process, self.session, self._display = process, session, display
        self._x: Any = open_display(display)
        self._overlays = XOverlays(self._x)

    def told(self) -> list[str]:
        """What has reached the page so far, like "mousedown=pause", "keydown=a", "move"."""
        address = (self.session.folder / PORT).read_text()
        with urllib.request.urlopen(address + "told", timeout=10) as answer:
            return json.load(answer)

    @property
    def client(self) -> int:
        """The number of its window."""
        self._overlays.refresh()
        [client] = [client for client in self._overlays.clients if self._pid(client) == self.process.pid]
        return client

    def _pid(self, client: int) -> int:
        window = self._x.create_resource_object("window", client)
        return int(window.get_full_property(self._x.intern_atom("_NET_WM_PID"), 0).value[0])

    @property
    def top(self) -> Any:
        """Its top-level window: the window manager's frame, where there is one."""
        client = self.client
        [top] = [top for top, its in self._overlays.tops().items() if its == client]
        return self._x.create_resource_object("window", top)

    @property
    def region(self) -> Region:
        """Where it is."""
        at = self.top.get_geometry()
        return Region(at.x, at.y, at.width, at.height)

    def twin(self) -> Overlay:
        """The same for another thread."""
        return Overlay(self.process, self.session, self._display)

    def move(self, x: int, y: int) -> None:
        """As if it were dragged there; returns once it is."""
        self._x.create_resource_object("window", self.client).configure(x=x, y=y)
        until(lambda: (self.region.left, self.region.top) == (x, y))

    def takes_clicks(self) -> bool:
        """Whether a click on it would reach it."""
        shape: Any = importlib_shape()
        return bool(self.top.shape_get_rectangles(shape.SK.Input).rectangles)

    def focus(self) -> None:
        """As a click into it does it."""
        from Xlib import X
        from Xlib.protocol.event import ClientMessage

        window = self._x.create_resource_object("window", self.client)
        message = ClientMessage(
            window=window, client_type=self._x.intern_atom("_NET_ACTIVE_WINDOW"), data=(32, [2, 0, 0, 0, 0])
        )
        self._x.screen().root.send_event(message, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        self._x.sync()

    def active(self) -> int:
        """The active window."""
        found = self._x.screen().root.get_full_property(self._x.intern_atom("_NET_ACTIVE_WINDOW"), 0)
        return int(found.value[0]) if found is not None and len(found.value) else 0

    def close(self) -> None:
        """Let go of the display."""
        self._x.close()


def importlib_shape() -> Any:
    """The extension's numbers."""
    from Xlib.ext import shape

    return shape


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for it; fail if it does not come."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.005)


@contextmanager
def overlay(
    display: str, home: Path, *, environment: Mapping[str, str] = {}, session: Session | None = None
) -> Generator[Overlay]:
    """The overlay of a session of its own, on the screen, its page loaded."""
    session = session or create_session(home)
    before = dict(os.environ)
    os.environ.update({**environment, "DISPLAY": display})
    try:
        process = open_overlay(session.id, home=home, program=(sys.executable, "-m", "tests.support.overlay"))
    finally:
        os.environ.clear()
        os.environ.update(before)
    shown = Overlay(process, session, display)
    try:
        until(lambda: "ready" in shown.told())
        yield shown
    finally:
        shown.close()
        process.close()


def main() -> None:
    """The process."""
    session = find_session(data_home(), os.environ[SESSION])
    run(session, lambda: print('{"ready": ""}', flush=True), StandIn)


@contextmanager
def wandering(there: Overlay, *places: tuple[int, int]) -> Generator[None]:
    """Meanwhile it is dragged about."""
    over, twin = threading.Event(), there.twin()

    def drag() -> None:
        while not over.is_set():
            for x, y in places:
                twin.move(x, y)

    dragging = threading.Thread(target=drag)
    dragging.start()
    try:
        yield
    finally:
        over.set()
        dragging.join()
        twin.close()


if __name__ == "__main__":
    main()
    os._exit(0)
