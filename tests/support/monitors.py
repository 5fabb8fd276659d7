"""X servers with several monitors, of another size, and with a pointer that misses."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from actuators.xlibfix import open_display
from perception.screenshot import Region


def set_monitors(display: str, *regions: Region, output: int = 1) -> None:
    """Divide a screen into monitors, one of them with the output and its name; what is in none of them is a gap."""
    for number, area in enumerate(regions, 1):
        where = f"{area.width}/{area.width}x{area.height}/{area.height}+{area.left}+{area.top}"
        _run(display, "xrandr", "--setmonitor", f"part{number}", where, "screen" if number == output else "none")


def unplug(display: str, number: int) -> None:
    """Take away one of those monitors."""
    _run(display, "xrandr", "--delmonitor", f"part{number}")


def transform_pointer(display: str, *matrix: float) -> None:
    """Give the X server a matrix, 3×3, by which it transforms where synthetic input puts the pointer."""
    numbers = [str(number) for number in matrix]
    _run(display, "xinput", "set-prop", "Virtual core XTEST pointer", "Coordinate Transformation Matrix", *numbers)


def resize(display: str, width: int, height: int) -> None:
    """Change the size of the whole screen; it is never larger than it was at first."""
    connection: Any = open_display(display)
    root = connection.screen().root
    resources = root.xrandr_get_screen_resources()
    connection.xrandr_set_crtc_config(resources.crtcs[0], resources.config_timestamp, 0, 0, 0, 1, [])
    root.xrandr_set_screen_size(width, height, 300, 200)
    connection.sync()
    connection.close()


def _run(display: str, *command: str) -> None:
    subprocess.run(command, env={**os.environ, "DISPLAY": display}, check=True, capture_output=True)
