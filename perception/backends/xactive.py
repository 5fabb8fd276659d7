"""Which window of an X display has the user's attention."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from actuators.errors import ActuatorError


def active_title(display: str) -> str:
    """The title of the active window; "" if there is none, or if nobody says."""
    from actuators.xlibfix import open_display

    with suppress(ActuatorError, OSError):
        connection: Any = open_display(display)  # python-xlib makes its objects at run time
        try:
            with suppress(Exception):  # the window may be closed while it is asked
                return _title(connection)
        finally:
            connection.close()
    return ""


def _title(connection: Any) -> str:
    active = connection.screen().root.get_full_property(connection.intern_atom("_NET_ACTIVE_WINDOW"), 0)
    if active is None or not active.value or not active.value[0]:
        return ""
    window = connection.create_resource_object("window", active.value[0])
    for name in ("_NET_WM_NAME", "WM_NAME"):
        title = window.get_full_property(connection.intern_atom(name), 0)
        if title is not None and title.value:
            data = title.value
            return data.decode(errors="replace") if isinstance(data, bytes) else str(data)
    return ""
