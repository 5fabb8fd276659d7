"""The window itself, by pywebview: a page, always on top, without a frame of its own."""

from __future__ import annotations

import importlib
import json
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ui.window.native import Native
from ui.window.place import BAR, Area, Place, area_of, recall, remember, within

TITLE = "Deskhand"
_SAVE_AFTER = 0.5  # seconds of rest, after the window was moved
_BACKGROUND = {False: "#ffffff", True: "#1d2024"}  # until the page is there

_STARTING = """<!doctype html><html lang="en"><meta name="color-scheme" content="light dark"><title>Deskhand</title>
<body style="font: 13px sans-serif; margin: 0; padding: 11px 12px; opacity: .6">starting"""

# pywebview makes the functions of its bridge out of text, which the page's own policy rightly forbids.
_BRIDGE = """
(function (names) {
  const bridge = window.pywebview;
  for (const name of names) {
    bridge._returnValuesCallbacks[name] = {};
    bridge.api[name] = function (...words) {
      const id = String(Math.random()).substring(2);
      const answer = new Promise((resolve, reject) => bridge._checkValue(name, resolve, reject, id));
      bridge._jsApiCallback(name, words, id);
      return answer;
    };
  }
  const ready = () => window.dispatchEvent(new CustomEvent("pywebviewready"));
  if (bridge.platform === "qtwebengine") {
    new QWebChannel(qt.webChannelTransport, (channel) => { bridge._QWebChannel = channel; ready(); });
  } else {
    ready();
  }
})(%s);
"""


class Shell:
    """One window. `run` must be called in the main thread; all else may be called from any."""

    def __init__(self, url: Callable[[], str], home: Path, native: Native, on_shown: Callable[[], None]) -> None:
        """Prepare.

        Args:
            url: serves the page, and gives its address; called in a thread of its own while the window is made.
            home: where the window's place is remembered.
            on_shown: called once it is on the screen and its page is served.
        """
        self._url, self._home, self._native, self._on_shown = url, home, native, on_shown
        self._window: Any = None
        self._place = Place(0, 0)
        self._areas: list[Area] = []
        self._saving: threading.Timer | None = None
        self._served = threading.Thread(target=self._serve, daemon=True, name="deskhand-overlay-server")
        self._address = ""
        self._fault: Exception | None = None

    def run(self) -> None:
        """Show the window until it is closed.

        Raises:
            UserFault: it cannot be shown here; says why and what would help.
        """
        self._native.prepare()
        webview: Any = importlib.import_module("webview")  # whose types are not told
        self._areas = self._native.areas()
        self._place = recall(self._home, self._areas)
        width, height = self._place.size
        self._window = webview.create_window(
            TITLE,
            html=_STARTING,
            js_api=Api(self),
            width=width,
            height=height,
            x=self._place.x,
            y=self._place.y,
            min_size=(200, BAR[1]),
            frameless=True,
            easy_drag=False,  # Qt for Python crashes with it
            on_top=True,
            focus=False,  # the agent's keys go to the program in front
            text_select=True,
            background_color=_BACKGROUND[self._native.dark()],
        )
        events = self._window.events
        events.before_show += self._adopt
        events.shown += self._shown
        events.loaded += self._loaded
        events.moved += self._moved
        # Answers go back to the page as the code that they are, not wrapped into an `eval`.
        self._window.evaluate_js = self._window.run_js
        webview.start(gui="qt" if sys.platform.startswith("linux") else None)
        self._end()

    def collapse(self, collapsed: bool) -> None:
        """Show the bar only, or all of it again. The bar stays where it is, if there is room below it."""
        if collapsed == self._place.collapsed:
            return
        wanted = replace(self._place, collapsed=collapsed)
        self._place = within(wanted, area_of(wanted, self._areas))
        if (self._place.x, self._place.y) != (wanted.x, wanted.y):
            self._window.move(self._place.x, self._place.y)
        self._window.resize(*self._place.size)
        self._save_soon()

    @property
    def is_collapsed(self) -> bool:
        """Whether only the bar is shown."""
        return self._place.collapsed

    def give_back_keys(self) -> None:
        """Whatever had the keyboard before gets it again."""
        self._native.give_back_keys()

    def close(self) -> None:
        """Close the window; `run` returns."""
        if self._window is not None:
            self._window.destroy()

    def _adopt(self) -> None:
        """In the event loop's thread, before anything is on the screen."""
        self._served.start()  # sooner, it would only be in the toolkit's way
        try:
            self._native.adopt(self._window.native)
        except Exception as error:  # pywebview would only log it
            self._fault = error
            self._window.hidden = True
            self._window.destroy()

    def _shown(self) -> None:
        """In a thread of its own."""
        self._native.shown(self._window.native)
        self._served.join()
        if self._fault:
            self._window.destroy()
        else:
            self._window.load_url(self._address)
            self._on_shown()

    def _serve(self) -> None:
        try:
            self._address = self._url()
        except Exception as error:  # raised by `run`
            self._fault = error

    def _loaded(self) -> None:
        if self._window.get_current_url() is None:  # what is shown until the page is served
            return
        names = [name for name in vars(Api) if not name.startswith("_")]
        self._window.run_js(_BRIDGE % json.dumps(names))

    def _moved(self, x: int, y: int) -> None:
        self._place = Place(int(x), int(y), self._place.collapsed)
        self._save_soon()

    def _save_soon(self) -> None:
        if self._saving:
            self._saving.cancel()
        self._saving = threading.Timer(_SAVE_AFTER, remember, (self._home, self._place))
        self._saving.daemon = True
        self._saving.start()

    def _end(self) -> None:
        if self._saving:
            self._saving.cancel()
            remember(self._home, self._place)
        self._native.close()
        if self._fault:
            raise self._fault


class Api:
    """What the page may ask of its window, as `window.pywebview.api`."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def collapse(self, collapsed: bool) -> None:
        """Show the title bar only, or all of it again."""
        self._shell.collapse(bool(collapsed))

    def keys_done(self) -> None:
        """The user has finished typing: the program that they were in gets the keyboard again."""
        self._shell.give_back_keys()

    def collapsed(self) -> bool:
        """Whether only the title bar is shown: it is remembered from one time to the next."""
        return self._shell.is_collapsed

    def close(self) -> None:
        """Close the window; the session goes on."""
        self._shell.close()
