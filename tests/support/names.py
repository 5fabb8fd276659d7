"""Names of what is on a private desktop, and actions on it."""

from __future__ import annotations

import anyio

from actuators.actions import Action
from perception.errors import StaleTarget
from perception.naming import Naming, open_naming
from perception.screenshot import Screenshot
from perception.tree import Element, Reading, open_tree
from tests.support.command import wait_until
from vm.desktop import PrivateDesktop

LONG = 3.0  # seconds for a name where only the name matters: other tests keep this machine busy
LATE = 0.15  # seconds by which a thread may be woken late on a busy machine


def named(desktop: PrivateDesktop) -> Naming:
    """Names on a desktop, connected."""
    opened = open_naming(desktop.display, bus=desktop.environment["DBUS_SESSION_BUS_ADDRESS"])
    opened.prepare()
    return opened


def read(desktop: PrivateDesktop) -> Reading:
    with open_tree(desktop.display) as tree:
        return tree.read(LONG)


def the(reading: Reading, role: str, name: str = "", window: str = "") -> Element:
    found = [e for e in reading.showing if e.role == role and name in ("", e.name) and window in ("", e.window)]
    assert found, f"there is no {role} {name}"
    return found[0]


def awaited(desktop: PrivateDesktop, role: str, name: str, window: str) -> Element:
    """An element of a window that has only just come."""
    wait_until(lambda: any((e.name, e.window) == (name, window) for e in read(desktop).showing), window, 15)
    return the(read(desktop), role, name, window)


def spot(element: Element) -> tuple[int, int]:
    assert element.region is not None
    return element.region.center.x, element.region.center.y


def press(desktop: PrivateDesktop, *actions: Action) -> Screenshot:
    for action in actions:
        wait_until(lambda action=action: _performed(desktop, action), "a screen that nothing has come to", 10)
    return anyio.run(desktop.screenshot)


def _performed(desktop: PrivateDesktop, action: Action) -> bool:
    try:
        anyio.run(desktop.perform, action, anyio.run(desktop.screenshot).space)
    except StaleTarget:  # a tooltip has popped up
        return False
    return True
