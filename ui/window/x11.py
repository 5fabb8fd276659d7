"""The overlay's window on X11, through Qt: marked as an overlay, without the focus, and never left unclickable."""

from __future__ import annotations

import importlib
import os
import select
import threading
import time
from contextlib import suppress
from typing import Any

from actuators.backends.xaside import ACTING, XAside
from actuators.backends.xoverlays import LIST, MARK, PASS, XOverlays, register
from actuators.errors import ActuatorError
from actuators.xlibfix import open_display
from agent.errors import UserFault
from ui.window.place import Area

POLL = 0.03  # seconds between looks at the pointer while clicks go through the window
LONGEST = 20.0  # seconds of one action of the agent; after that its hands are stuck
INSTEAD = "watch the session with `deskhand serve`"
ALL_DESKTOPS = 0xFFFFFFFF
_PAINTED_BY_THE_PROCESSOR = {  # a small page needs no graphics card: it is up sooner, and takes 65 MB less
    "QT_QUICK_BACKEND": "software",
    "QT_XCB_GL_INTEGRATION": "none",
    "QTWEBENGINE_CHROMIUM_FLAGS": "--disable-gpu",
}


class X11Native:
    """See `ui.window.native.Native`."""

    def __init__(self) -> None:
        self._keeper: Keeper | None = None
        self._client = 0

    def prepare(self) -> None:
        """See `Native.prepare`: from now on every window keeps its own pixels, so that none are lost beneath ours."""
        use_its_own_qt()
        try:
            self._keeper = Keeper()
        except ActuatorError as error:
            raise UserFault(f"no overlay can be shown: {error}; {INSTEAD}") from None
        application()

    def areas(self) -> list[Area]:
        """See `Native.areas`."""
        app = application()
        main = app.primaryScreen()
        screens = [main, *(screen for screen in app.screens() if screen is not main)]
        found = [screen.availableGeometry() for screen in screens]
        return [(area.x(), area.y(), area.width(), area.height()) for area in found]

    def dark(self) -> bool:
        """See `Native.dark`."""
        core: Any = importlib.import_module("PySide6.QtCore")
        return application().styleHints().colorScheme() == core.Qt.ColorScheme.Dark

    def adopt(self, window: Any) -> None:
        """See `Native.adopt`."""
        self._client = int(window.winId())
        if self._keeper:
            self._keeper.adopt(self._client)

    def shown(self, window: Any) -> None:
        """See `Native.shown`: it came without the focus, and from now on the user can give it."""
        core: Any = importlib.import_module("PySide6.QtCore")

        def accept_focus() -> None:
            window.windowHandle().setFlag(core.Qt.WindowType.WindowDoesNotAcceptFocus, False)

        core.QTimer.singleShot(0, window, accept_focus)

    def give_back_keys(self) -> None:
        """See `Native.give_back_keys`: as the agent's own hands do it."""
        with suppress(ActuatorError):
            aside = XAside(None)
            try:
                aside.free_keys()
            finally:
                aside.close()

    def close(self) -> None:
        """See `Native.close`."""
        if self._keeper:
            self._keeper.close()


def use_its_own_qt() -> None:
    """OpenCV tells our whole process where its own Qt is, and Chromium's sandbox does not work for root."""
    for name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
        if "/cv2/" in os.environ.get(name, ""):
            del os.environ[name]
    os.environ["QT_API"] = "pyside6"
    os.environ["QT_QPA_PLATFORM"] = "xcb"  # Wayland lets no window choose its place
    for name, value in {**_PAINTED_BY_THE_PROCESSOR, "QT_LOGGING_RULES": "js=false"}.items():  # no page text in logs
        os.environ.setdefault(name, value)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        os.environ["QTWEBENGINE_DISABLE_SANDBOX"] = "1"


def application() -> Any:
    """Qt's application object, made if need be.

    Raises:
        UserFault: Qt cannot be loaded.
    """
    try:
        importlib.import_module("PySide6.QtWebEngineWidgets")  # must come before the application
        widgets: Any = importlib.import_module("PySide6.QtWidgets")
    except ImportError as error:
        raise UserFault(
            f"no overlay can be shown: Qt cannot be loaded ({str(error).splitlines()[0]}); "
            f"`make setup` installs what it needs, or {INSTEAD}"
        ) from None
    app = widgets.QApplication.instance()
    if app is None:
        app = widgets.QApplication(["deskhand"])
        app.setApplicationName("deskhand")
        app.setApplicationDisplayName("Deskhand")
    return app


class Keeper:
    """A connection and a thread: keeps book of the active window, and takes clicks again when nobody holds them off."""

    def __init__(self) -> None:
        """Connect.

        Raises:
            ActuatorError: no display, or one that cannot keep the overlay out of pictures.
        """
        from Xlib import X
        from Xlib.ext import composite

        self._x: Any = open_display()
        self._x.set_error_handler(_ignore)
        self._root = self._x.screen().root
        if not (self._x.has_extension(composite.extname) and self._x.has_extension("SHAPE")):
            self._x.close()
            raise ActuatorError("this X server lacks the Composite extension, so the agent would see the overlay")
        self._x.composite_query_version()
        self._root.composite_redirect_subwindows(composite.RedirectAutomatic)
        self._root.change_attributes(event_mask=X.PropertyChangeMask)
        self._atoms = {name: self._x.intern_atom(name) for name in (LIST, MARK, PASS, "_NET_ACTIVE_WINDOW")}
        self._overlays = XOverlays(self._x)
        self._client = 0
        self._since: float | None = None  # when the present action began that clicks go through for
        self._wake, self._woken = os.pipe()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="deskhand-overlay-x11")

    def adopt(self, client: int) -> None:
        """Mark a window that is not shown yet as an overlay; begin to watch."""
        from Xlib import Xatom

        self._client = client
        window = self._window(client)
        register(self._x, window, self._active())
        cardinal = [("_COMPTON_SHADOW", 0), ("_NET_WM_DESKTOP", ALL_DESKTOPS)]
        for name, value in cardinal:
            window.change_property(self._x.intern_atom(name), Xatom.CARDINAL, 32, [value])
        self._overlays.refresh()
        self._x.sync()
        self._thread.start()

    def close(self) -> None:
        """Stop watching, and disconnect."""
        if self._thread.is_alive():
            os.write(self._woken, b"!")
            self._thread.join(5)
        with suppress(Exception):
            self._x.close()

    def _watch(self) -> None:
        passing = False
        with suppress(Exception):  # the display is gone, or the window
            while True:
                ready, _, _ = select.select([self._x.fileno(), self._wake], [], [], POLL if passing else None)
                if self._wake in ready:
                    return
                for _ in range(self._x.pending_events()):
                    self._note(self._x.next_event())
                passing = self._keep_clickable()

    def _note(self, event: Any) -> None:
        from Xlib import X, Xatom

        self._overlays.note(event)
        if event.type == X.PropertyNotify and event.atom == self._atoms["_NET_ACTIVE_WINDOW"]:
            active = self._active()
            if active and not self._overlays.owns(active):
                self._window(self._client).change_property(self._atoms[MARK], Xatom.CARDINAL, 32, [active])
                self._x.flush()

    def _keep_clickable(self) -> bool:
        """Whether clicks go through the window. If those who let them have gone, not any more."""
        word = self._passed()
        if word is None:
            self._since = None
            return False
        self._x.grab_server()  # between the look and the deed nobody must begin to act
        try:
            word = self._passed()
            if word is not None and self._is_over(word):
                self._take_clicks()
                word = None
        finally:
            self._x.ungrab_server()
            self._x.sync()
        return word is not None

    def _passed(self) -> tuple[int, int, int] | None:
        """Who lets clicks through the window, and where they have left the pointer."""
        found = self._window(self._client).get_full_property(self._atoms[PASS], 0)
        if found is None or len(found.value) != 3:
            return None
        voucher, x, y = (int(word) for word in found.value)
        return voucher, _signed(x), _signed(y)

    def _is_over(self, word: tuple[int, int, int]) -> bool:
        from Xlib.error import XError

        voucher, x, y = word
        now = time.monotonic()
        self._since = (self._since or now) if x == ACTING else None
        try:
            self._window(voucher).get_geometry()
        except XError:  # their connection has ended
            return True
        if self._since is not None:
            return now - self._since > LONGEST
        at = self._root.query_pointer()
        return (at.root_x, at.root_y) != (x, y)

    def _take_clicks(self) -> None:
        from Xlib import X
        from Xlib.ext import shape

        for top in self._overlays.tops():
            self._window(top).shape_mask(shape.SO.Set, shape.SK.Input, 0, 0, X.NONE)
        self._window(self._client).delete_property(self._atoms[PASS])

    def _active(self) -> int:
        found = self._root.get_full_property(self._atoms["_NET_ACTIVE_WINDOW"], 0)
        return int(found.value[0]) if found is not None and len(found.value) else 0

    def _window(self, number: int) -> Any:
        return self._x.create_resource_object("window", number)


def _signed(word: int) -> int:
    return word - (1 << 32) if word >= 1 << 31 else word


def _ignore(*_: object) -> None:
    """Errors of requests that nobody waits for."""
