"""Whether the overlay can be shown on the user's screen, and is absent from what a model sees of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from perception.screenshot import Region
from ui.doctor.report import Check, install, system

GARISH = 0xFF10E7  # a colour that nothing else on a screen has
PLACE = Region(40, 40, 60, 40)
PACKAGES = "libnss3 libasound2 libxcb-cursor0 libxkbcommon-x11-0 libxkbfile1"
SECONDS = 10.0  # for the toolkit to load: half a second on an idle machine
_LOADS = "from PySide6 import QtWebEngineWidgets"


def check_overlay() -> Check:
    """Load the toolkit; then show a window of a garish colour, marked as an overlay, and look for it in a picture."""
    if not sys.platform.startswith("linux"):
        return Check("overlay", "skipped", f"left out of pictures by {system()} itself; that was never tried there")
    if reason := _cannot_load():
        return Check("overlay", "failed", f"its toolkit does not load: {reason}", install(PACKAGES))
    with _shown_overlay():
        seen = _garish_pixels()
    if seen:
        return Check("overlay", "failed", "the model would see it", "run with --no-overlay")
    return Check("overlay", "ok", "it can be shown, and the model does not see it")


def _cannot_load() -> str:
    """Why not, or "". In a process of its own: what is missing can end the whole process."""
    tried = subprocess.run([sys.executable, "-c", _LOADS], capture_output=True, text=True, timeout=SECONDS, check=False)
    if tried.returncode == 0:
        return ""
    return (tried.stderr.strip().splitlines() or [f"exit status {tried.returncode}"])[-1]


@contextmanager
def _shown_overlay() -> Generator[None]:
    """A window that counts as an overlay, for a moment."""
    from Xlib import X

    from actuators.backends.xoverlays import register
    from actuators.xlibfix import open_display

    x: Any = open_display(None)
    try:
        window = x.screen().root.create_window(
            *(PLACE.left, PLACE.top, PLACE.width, PLACE.height, 0),
            *(x.screen().root_depth, X.InputOutput),
            background_pixel=GARISH,
            override_redirect=True,
        )
        register(x, window)
        window.map()
        x.sync()
        yield
    finally:
        x.close()


def _garish_pixels() -> int:
    import numpy as np

    from perception.screen import open_screen

    with open_screen() as screen:
        frame = screen.grab()
    colour = np.array([GARISH & 0xFF, GARISH >> 8 & 0xFF, GARISH >> 16], np.uint8)
    return int((frame[:, :, :3] == colour).all(axis=2).sum())
