"""Real pixels on Windows: a process that has not asked for them is shown a screen of another size than there is.

Capture and mouse must agree on it, so this comes before either: what a process has asked for first stays, and
libraries ask for less (pyautogui for one scale for all monitors, by which a click on the other ones would miss).
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

PER_MONITOR_AWARE_V2 = -4  # DPI_AWARENESS_CONTEXT, of Windows 10 1703 and later
PER_MONITOR_AWARE = 2  # PROCESS_DPI_AWARENESS, of Windows 8.1


@cache
def see_real_pixels() -> str:
    """Ask Windows for the real pixels of every monitor, once per process; elsewhere there is nothing to ask for.

    Returns:
        What keeps this process from getting them, in one line; "" where nothing does.
    """
    if sys.platform != "win32":
        return ""
    import ctypes

    return _ask(ctypes.windll)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType, reportAttributeAccessIssue]


def _ask(libraries: Any) -> str:
    """Newest way first. A call that is refused changes nothing: then it has been decided before."""
    import ctypes

    try:
        ask = libraries.user32.SetProcessDpiAwarenessContext
        ask.argtypes = [ctypes.c_void_p]
        if ask(ctypes.c_void_p(PER_MONITOR_AWARE_V2)):
            return ""
    except AttributeError:  # an older Windows
        pass
    try:
        libraries.shcore.SetProcessDpiAwareness(PER_MONITOR_AWARE)
        return _what_was_decided(libraries)
    except (AttributeError, OSError):
        libraries.user32.SetProcessDPIAware()
        return ""  # one scale for all monitors is all that Windows 7 has


def _what_was_decided(libraries: Any) -> str:
    import ctypes

    awareness = ctypes.c_int(0)
    libraries.shcore.GetProcessDpiAwareness(None, ctypes.byref(awareness))
    if awareness.value >= PER_MONITOR_AWARE:
        return ""
    return "this process was told by something else to scale the screen, so that clicks on other monitors may miss"
