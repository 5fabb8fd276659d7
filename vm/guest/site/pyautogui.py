"""pyautogui for programs inside a virtual machine of Deskhand, by Deskhand's own hands.

The functions are those of the library of this name; the work is done by the server that runs here anyway, so that
importing this costs next to nothing, and text of any script arrives as it is given. Of the screen there are pictures
and sizes; looking for pictures, message boxes and the recorder are left out.
"""
# pyright: basic, reportGeneralTypeIssues=false, reportArgumentType=false, reportCallIssue=false

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections import namedtuple

__version__ = "0.9.54"

PAUSE = 0.1
MINIMUM_DURATION = 0.1
MINIMUM_SLEEP = 0.05
FAILSAFE = True
FAILSAFE_POINTS = [(0, 0)]
LOG_SCREENSHOTS = False
DARWIN_CATCH_UP_TIME = 0.01
LEFT, MIDDLE, RIGHT, PRIMARY, SECONDARY = "left", "middle", "right", "primary", "secondary"


class PyAutoGUIException(Exception):
    """Something did not work; the message says what."""


class FailSafeException(PyAutoGUIException):
    """The pointer is in a corner, and FAILSAFE is on."""


class ImageNotFoundException(PyAutoGUIException):
    """Nothing is looked for here."""


Point = namedtuple("Point", "x y")
Size = namedtuple("Size", "width height")


def __getattr__(name):
    """What few programs use is in a module of its own."""
    import pyautogui_more

    return getattr(pyautogui_more, name)


# The server -------------------------------------------------------------------------------------------------------

_line = None


def _ask(do, **more):
    global _line
    if _line is None:
        path = os.environ.get("DESKHAND_HANDS") or f"/run/user/{os.getuid()}/deskhand-hands.sock"
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(120)
            connection.connect(path)
        except OSError as error:
            raise PyAutoGUIException(f"the hands of this machine do not answer ({path}: {error.strerror})") from None
        _line = connection, connection.makefile("rb")
    _line[0].sendall(json.dumps({"do": do, **more}).encode() + b"\n")
    answer = json.loads(_line[1].readline() or b'{"error": "the hands of this machine have hung up"}')
    if "error" in answer:
        raise PyAutoGUIException(answer["error"])
    return answer["ok"]


def failSafeCheck():
    """Raise FailSafeException if the pointer is in a corner that stands for stopping."""
    if FAILSAFE and tuple(position()) in FAILSAFE_POINTS:
        raise FailSafeException("the mouse pointer is in a corner of the screen; set pyautogui.FAILSAFE to False")


def _begin():
    if FAILSAFE:
        failSafeCheck()


def _finish(_pause):
    if _pause and PAUSE:
        time.sleep(PAUSE)


# Looking ----------------------------------------------------------------------------------------------------------


def position(x=None, y=None):
    """Where the mouse pointer is."""
    now = _ask("position")
    return Point(now[0] if x is None else int(x), now[1] if y is None else int(y))


def size():
    """Of the screen, in pixels."""
    return Size(*_ask("size"))


resolution = size


def onScreen(x, y=None):
    """Whether a point is on the screen."""
    if y is None:
        x, y = x
    width, height = size()
    return 0 <= int(x) < width and 0 <= int(y) < height


# The pointer ------------------------------------------------------------------------------------------------------


def linear(n):
    """A way of moving: evenly."""
    return n


def getPointOnLine(x1, y1, x2, y2, n):
    """The point a share `n` of the way along."""
    return (x2 - x1) * n + x1, (y2 - y1) * n + y1


def _place(x, y):
    if isinstance(x, str):
        raise PyAutoGUIException("pictures are not looked for in this machine; give x and y")
    if x is not None and y is None and hasattr(x, "__len__"):
        if len(x) == 4:
            x, y = x[0] + x[2] / 2, x[1] + x[3] / 2
        else:
            x, y = x
    if x is None or y is None:
        here = position()
        x, y = here[0] if x is None else x, here[1] if y is None else y
    return int(x), int(y)


def _travel(x, y, duration, tween):
    """The pointer goes to a point, over so many seconds."""
    if not duration or duration <= MINIMUM_DURATION:
        _ask("move", points=[[x, y]])
        return
    here = position()
    steps = max(2, min(200, int(duration / 0.02)))
    shares = [(tween or linear)((step + 1) / steps) for step in range(steps)]
    points = [[round(value) for value in getPointOnLine(*here, x, y, share)] for share in shares[:-1]]
    _ask("move", points=[*points, [x, y]], seconds=duration)


def moveTo(x=None, y=None, duration=0.0, tween=linear, logScreenshot=False, _pause=True):
    """Put the pointer at a point."""
    _begin()
    _travel(*_place(x, y), duration, tween)
    _finish(_pause)


def moveRel(xOffset=None, yOffset=None, duration=0.0, tween=linear, logScreenshot=False, _pause=True):
    """Move the pointer by so much."""
    if hasattr(xOffset, "__len__") and not isinstance(xOffset, str):
        xOffset, yOffset = xOffset
    _begin()
    here = position()
    _travel(here[0] + int(xOffset or 0), here[1] + int(yOffset or 0), duration, tween)
    _finish(_pause)


move = moveRel


def mouseDown(x=None, y=None, button=PRIMARY, duration=0.0, tween=linear, logScreenshot=None, _pause=True):
    """Press a button and hold it."""
    _begin()
    if x is not None or y is not None:
        _travel(*_place(x, y), duration, tween)
    _ask("button", button=button, down=True)
    _finish(_pause)


def mouseUp(x=None, y=None, button=PRIMARY, duration=0.0, tween=linear, logScreenshot=None, _pause=True):
    """Let a button go."""
    _begin()
    if x is not None or y is not None:
        _travel(*_place(x, y), duration, tween)
    _ask("button", button=button, down=False)
    _finish(_pause)


def click(
    x=None, y=None, clicks=1, interval=0.0, button=PRIMARY, duration=0.0, tween=linear, logScreenshot=None, _pause=True
):
    """Click, once or more often."""
    _begin()
    if x is not None or y is not None:
        _travel(*_place(x, y), duration, tween)
    for number in range(clicks):
        if number:
            time.sleep(max(interval, 0.03))
        _ask("button", button=button, down=True)
        time.sleep(0.012)
        _ask("button", button=button, down=False)
    _finish(_pause)


def leftClick(x=None, y=None, interval=0.0, duration=0.0, tween=linear, logScreenshot=None, _pause=True):
    """Click with the left button."""
    click(x, y, 1, interval, LEFT, duration, tween, logScreenshot, _pause)


def rightClick(x=None, y=None, interval=0.0, duration=0.0, tween=linear, logScreenshot=None, _pause=True):
    """Click with the right button."""
    click(x, y, 1, interval, RIGHT, duration, tween, logScreenshot, _pause)


def middleClick(x=None, y=None, interval=0.0, duration=0.0, tween=linear, logScreenshot=None, _pause=True):
    """Click with the middle button."""
    click(x, y, 1, interval, MIDDLE, duration, tween, logScreenshot, _pause)


def doubleClick(x=None, y=None, interval=0.0, button=LEFT, duration=0.0, tween=linear, logScreenshot=None, _pause=True):
    """Click twice."""
    click(x, y, 2, interval, button, duration, tween, logScreenshot, _pause)


def tripleClick(x=None, y=None, interval=0.0, button=LEFT, duration=0.0, tween=linear, logScreenshot=None, _pause=True):
    """Click three times."""
    click(x, y, 3, interval, button, duration, tween, logScreenshot, _pause)


def dragTo(
    x=None, y=None, duration=0.0, tween=linear, button=PRIMARY, logScreenshot=None, _pause=True, mouseDownUp=True
):
    """Move the pointer to a point with a button held."""
    _begin()
    x, y = _place(x, y)
    if mouseDownUp:
        _ask("button", button=button, down=True)
    _travel(x, y, max(float(duration or 0), 0.15), tween)
    if mouseDownUp:
        time.sleep(0.05)
        _ask("button", button=button, down=False)
    _finish(_pause)


def dragRel(
    xOffset=0, yOffset=0, duration=0.0, tween=linear, button=PRIMARY, logScreenshot=None, _pause=True, mouseDownUp=True
):
    """Move the pointer by so much with a button held."""
    if hasattr(xOffset, "__len__") and not isinstance(xOffset, str):
        xOffset, yOffset = xOffset
    here = position()
    x, y = here[0] + int(xOffset or 0), here[1] + int(yOffset or 0)
    dragTo(x, y, duration, tween, button, logScreenshot, _pause, mouseDownUp)


drag = dragRel


def vscroll(clicks, x=None, y=None, logScreenshot=None, _pause=True):
    """Turn the wheel: up for positive numbers."""
    _begin()
    if x is not None or y is not None:
        _travel(*_place(x, y), 0.0, None)
    _ask("wheel", dy=-int(clicks))
    _finish(_pause)


def hscroll(clicks, x=None, y=None, logScreenshot=None, _pause=True):
    """Turn the wheel sideways: to the right for positive numbers."""
    _begin()
    if x is not None or y is not None:
        _travel(*_place(x, y), 0.0, None)
    _ask("wheel", dx=int(clicks))
    _finish(_pause)


scroll = vscroll


# The keyboard -----------------------------------------------------------------------------------------------------


def isValidKey(key):
    """Whether there is a key of this name."""
    from pyautogui_more import KEYBOARD_KEYS

    return key in KEYBOARD_KEYS or (len(key) == 1 and key.lower() in KEYBOARD_KEYS)


def _key(key, down):
    name = key if len(key) == 1 else key.lower()
    if len(name) == 1 and name.isupper():
        if down:
            _ask("key", key="shift", down=True)
        _ask("key", key=name, down=down)
        if not down:
            _ask("key", key="shift", down=False)
    elif not _ask("key", key=name, down=down):
        sys.stderr.write(f"pyautogui: there is no key {key!r} here; nothing was pressed\n")


def keyDown(key, logScreenshot=None, _pause=True):
    """Press a key and hold it."""
    _begin()
    _key(key, True)
    _finish(_pause)


def keyUp(key, logScreenshot=None, _pause=True):
    """Let a key go."""
    _begin()
    _key(key, False)
    _finish(_pause)


def press(keys, presses=1, interval=0.0, logScreenshot=None, _pause=True):
    """Press and release a key, or one after the other."""
    _begin()
    names = [keys] if isinstance(keys, str) else list(keys)
    for _ in range(presses):
        for name in names:
            _key(name, True)
            time.sleep(0.012)
            _key(name, False)
        if interval:
            time.sleep(interval)
    _finish(_pause)


def typewrite(message, interval=0.0, logScreenshot=None, _pause=True):
    """Enter text, exactly; or press the keys of a list, one after the other."""
    _begin()
    if isinstance(message, str) and not interval:
        if message:
            _ask("type", text=message)
    else:
        for item in message:
            if len(item) == 1:
                _ask("type", text=item)
            else:
                press(item, _pause=False)
            time.sleep(interval)
    _finish(_pause)


write = typewrite


def hotkey(*args, interval=0.0, logScreenshot=None, _pause=True):
    """Press keys together: down in order, up in reverse."""
    if len(args) == 1 and not isinstance(args[0], str):
        args = tuple(args[0])
    _begin()
    names = [name.lower() if len(name) > 1 else name for name in args]
    try:
        for name in names:
            _ask("key", key=name, down=True)
            time.sleep(max(interval, 0.012))
    finally:
        for name in reversed(names):
            _ask("key", key=name, down=False)
    _finish(_pause)


class hold:
    """Holds keys as long as its block runs."""

    def __init__(self, keys, logScreenshot=None, _pause=True):
        self._keys = [keys] if isinstance(keys, str) else list(keys)
        self._pause = _pause

    def __enter__(self):
        for name in self._keys:
            keyDown(name, _pause=False)
        return self

    def __exit__(self, *_):
        for name in reversed(self._keys):
            keyUp(name, _pause=False)
        _finish(self._pause)


# Time -------------------------------------------------------------------------------------------------------------


def sleep(seconds):
    """Wait."""
    time.sleep(seconds)
