"""Hands through pyautogui: for Windows and macOS, and for X11 where the direct way does not work."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, cast

from actuators.actions import Button
from actuators.backends import Monitor, Pause
from actuators.errors import ActuatorError, DisplayLost, NotSupported

# Canonical names that pyautogui spells differently.
_SPELLINGS = {
    "alt_gr": "altright",
    "super": "command" if sys.platform == "darwin" else "win",
    "alt": "option" if sys.platform == "darwin" else "alt",
    "page_up": "pageup",
    "page_down": "pagedown",
    "caps_lock": "capslock",
    "num_lock": "numlock",
    "scroll_lock": "scrolllock",
    "print_screen": "printscreen",
    "menu": "apps",
    "volume_up": "volumeup",
    "volume_down": "volumedown",
    "volume_mute": "volumemute",
    "play_pause": "playpause",
    "next_track": "nexttrack",
    "previous_track": "prevtrack",
    "browser_back": "browserback",
    "browser_forward": "browserforward",
    "browser_refresh": "browserrefresh",
    "kp_enter": "enter",  # it has no other
    "kp_add": "add",
    "kp_subtract": "subtract",
    "kp_multiply": "multiply",
    "kp_divide": "divide",
    "kp_decimal": "decimal",
    **{f"kp_{digit}": f"num{digit}" for digit in range(10)},
}
_BUTTONS: dict[Button, str] = {"left": "left", "right": "right", "wheel": "middle"}


class _Text(Protocol):
    def type_text(self, text: str, pause: Pause) -> None: ...

    def close(self) -> None: ...


class PyAutoGuiBackend:
    """pyautogui for pointer and keys; text goes another way, since pyautogui drops what is not ASCII.

    pyautogui's fail-safe is off on purpose: it would take the pointer in a corner for the user's wish to stop, but
    corners are where menus and hot corners are, and the agent must be able to go there. The user stops the agent by
    moving the mouse at all (`actuators.guard`), not by aiming for a corner.
    """

    name = "pyautogui"

    def __init__(self, display: str | None = None) -> None:
        """Load pyautogui, which binds itself to one display for the life of the process.

        Raises:
            NotSupported: it is not installed, or bound to another display already.
            DisplayLost: there is no display.
        """
        self._display = display or os.environ.get("DISPLAY", "")
        with self.acting():
            self._gui = _load(self._display)
            self._text = _text_for(self._display)

    @contextmanager
    def acting(self) -> Generator[None, None, None]:
        """The one place where exceptions of pyautogui, and of what it stands on, become ours."""
        try:
            yield
        except ActuatorError:
            raise
        except ImportError as error:
            raise NotSupported(f"pyautogui does not work here: {error}") from error
        except Exception as error:
            module = type(error).__module__
            if module.startswith("Xlib.") or (isinstance(error, KeyError) and "DISPLAY" in error.args):
                raise DisplayLost(f"display {self._display or '(none)'} is gone: {error}") from error
            if module.startswith(("pyautogui", "pynput", "pyscreeze")) or isinstance(error, OSError):
                raise ActuatorError(f"pyautogui failed: {error}") from error
            raise

    def monitors(self) -> Sequence[Monitor]:
        """All that mss knows; the pointer of pyautogui reaches no further."""
        import mss

        options: dict[str, Any] = {"display": self._display} if sys.platform.startswith("linux") else {}
        screens: Any = mss.MSS(**options)
        try:
            return [Monitor(m["left"], m["top"], m["width"], m["height"]) for m in screens.monitors[1:]]
        finally:
            screens.close()

    def move(self, x: int, y: int) -> None:
        """Put the pointer at a point."""
        self._gui.moveTo(x, y)

    def button(self, button: Button, down: bool) -> None:
        """Press or release a button."""
        if button not in _BUTTONS:
            self._side_button(button, down)
            return
        (self._gui.mouseDown if down else self._gui.mouseUp)(button=_BUTTONS[button])

    def _side_button(self, button: Button, down: bool) -> None:
        """Back and forward, which pyautogui does not know."""
        from pynput import mouse

        theirs: Any = mouse
        name = {"back": "x1", "forward": "x2"} if sys.platform == "win32" else {"back": "button8", "forward": "button9"}
        found = getattr(theirs.Button, name[button], None)
        if found is None:
            raise NotSupported(f"there is no {button!r} mouse button here; use the keys for it")
        controller = theirs.Controller()
        (controller.press if down else controller.release)(found)

    def notch(self, dx: int, dy: int) -> None:
        """Turn the wheel. On Windows pyautogui scrolls sideways vertically, and counts in other units: pynput there."""
        if sys.platform.startswith("linux"):
            if dy:
                self._gui.vscroll(-dy)
            if dx:
                self._gui.hscroll(dx)
        else:
            from pynput.mouse import Controller

            Controller().scroll(dx, -dy)

    def key(self, name: str, down: bool) -> None:
        """Press or release a key; pyautogui would keep silent about one that it does not know."""
        spelling = _SPELLINGS.get(name, name)
        if not self._gui.isValidKey(spelling):
            raise NotSupported(f"there is no key {name!r} on this keyboard; use `type` to enter it as text")
        (self._gui.keyDown if down else self._gui.keyUp)(spelling)

    def type_text(self, text: str, pause: Pause) -> None:
        """Enter text exactly."""
        self._text.type_text(text, pause)

    def close(self) -> None:
        """Give the clipboard back."""
        self._text.close()


def _load(display: str) -> Any:
    """Import pyautogui on `display`. What it does to a Windows process comes too late if ours comes after it."""
    from actuators.dpi import see_real_pixels

    see_real_pixels()
    if sys.platform.startswith("linux"):
        from actuators.xlibfix import open_display

        open_display(display).close()  # says what is wrong better than pyautogui does
        bound = getattr(sys.modules.get("pyautogui"), "deskhand_display", display)
        if bound != display:
            raise NotSupported(f"pyautogui works on display {bound} in this process and cannot change to {display}")
        os.environ["DISPLAY"] = display
    with warnings.catch_warnings():  # theirs: invalid escapes, unclosed pipes
        warnings.simplefilter("ignore")
        import pyautogui

    gui = cast(Any, pyautogui)
    gui.PAUSE = 0
    gui.FAILSAFE = False
    gui.MINIMUM_DURATION = 0
    gui.deskhand_display = display
    return gui


def _text_for(display: str) -> _Text:
    if sys.platform in ("win32", "darwin"):
        return _SystemText()
    from actuators.backends.x11 import X11Backend

    return X11Backend(display)


class _SystemText:
    """Windows and macOS take Unicode text as input events, whatever the layout; pynput sends those."""

    def __init__(self) -> None:
        from pynput.keyboard import Controller, Key

        self._keyboard: Any = Controller()
        self._special: dict[str, Any] = {"\n": Key.enter, "\t": Key.tab}

    def type_text(self, text: str, pause: Pause) -> None:
        """Character by character: the pause between them is where we can be told to stop."""
        for character in text:
            pause(0)
            self._keyboard.tap(self._special.get(character, character))

    def close(self) -> None:
        """Nothing is held."""
