"""What AT-SPI is asked, and how its answers are taken: names of interfaces, and values with defaults."""

from __future__ import annotations

from typing import Any

from perception.backends.dbus import Call, Malformed, Reply
from perception.screenshot import Region

ROOT = "/org/a11y/atspi/accessible/root"
NULL = "/org/a11y/atspi/null"
REGISTRY = "org.a11y.atspi.Registry"
ACCESSIBLE = "org.a11y.atspi.Accessible"
COMPONENT = "org.a11y.atspi.Component"
TEXT = "org.a11y.atspi.Text"
VALUE = "org.a11y.atspi.Value"
ACTION = "org.a11y.atspi.Action"
SELECTION = "org.a11y.atspi.Selection"
HOLDS_TOO_MUCH = frozenset({"table", "tree table", "document spreadsheet"})
"""Roles whose children nobody must list: a table has as many as its sheet could have."""

_NOWHERE = -(1 << 20)  # GTK gives the smallest of all numbers


def get(bus_name: str, path: str, interface: str, name: str) -> Call:
    """The question for a property."""
    return Call(bus_name, path, "org.freedesktop.DBus.Properties", "Get", "ss", (interface, name))


def first(reply: Reply | None, signature: str, default: Any) -> Any:
    """The first value of an answer of that type, else the default."""
    try:
        values = reply and reply.values(signature)
    except Malformed:
        return default
    return values[0] if values else default


def property_of(reply: Reply | None) -> Any:
    """A property; None if there is none."""
    return first(reply, "v", None)


def region_of(extents: tuple[int, int, int, int] | None) -> Region | None:
    """None for what has no size, or is nowhere."""
    if extents is None or extents[2] <= 0 or extents[3] <= 0 or min(extents[:2]) < _NOWHERE:
        return None
    return Region(*extents)
