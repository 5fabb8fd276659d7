"""What has come between a look and an action, in another machine's windows."""

from __future__ import annotations

from typing import cast

import pytest

from perception.naming import Naming
from perception.screenshot import Region
from perception.target import Target
from vm.guest_client import GuestClient, GuestFault, GuestWindow
from vm.line import GuestGone
from vm.remote_windows import RemoteLayout, RemoteNaming

LEFT = GuestWindow(1, Region(0, 0, 100, 100), active=True)
RIGHT = GuestWindow(2, Region(50, 0, 100, 100), active=False)
DIALOG = GuestWindow(3, Region(20, 20, 40, 40), active=True)


class Guest:
    """Tells its windows, and what is where."""

    def __init__(self) -> None:
        self.windows: tuple[GuestWindow, ...] = (LEFT, RIGHT)
        self.error: Exception | None = None
        self.asked: list[tuple[int, int] | None] = []

    def layout(self) -> tuple[GuestWindow, ...]:
        if self.error:
            raise self.error
        return self.windows

    def target(self, point: tuple[int, int] | None, seconds: float) -> Target:
        if self.error:
            raise self.error
        self.asked.append(point)
        return Target("push button", "Save", "Save As", "Editor")


def layout_of(guest: Guest) -> RemoteLayout:
    layout = RemoteLayout(cast("GuestClient", guest))
    layout.note()
    assert not layout.covers(30, 30)  # by then it is noted
    return layout


@pytest.mark.parametrize(
    ("after", "covered"),
    [
        ((LEFT, RIGHT), False),
        ((DIALOG, LEFT, RIGHT), True),  # came
        ((RIGHT, LEFT), False),  # raised, but not there
        ((RIGHT,), False),  # closed
        ((GuestWindow(1, Region(10, 0, 100, 100), active=True), RIGHT), True),  # moved
        ((GuestWindow(9, Region(500, 500, 9, 9), active=True), LEFT, RIGHT), False),  # came elsewhere
        ((), False),  # nothing at all
    ],
)
def test_a_window_that_came_over_a_point(after: tuple[GuestWindow, ...], covered: bool) -> None:
    guest = Guest()
    layout = layout_of(guest)
    guest.windows = after
    assert layout.covers(30, 30) is covered
    layout.close()


def test_a_window_that_was_raised_over_a_point() -> None:
    guest = Guest()
    layout = layout_of(guest)
    guest.windows = (RIGHT, LEFT)
    assert layout.covers(70, 30)
    guest.windows = (RIGHT,)  # the one before was closed: what is beneath was there all the time
    assert not layout.covers(70, 30)
    layout.close()


def test_another_window_has_the_keyboard() -> None:
    guest = Guest()
    layout = layout_of(guest)
    assert not layout.refocused()
    guest.windows = (GuestWindow(2, RIGHT.region, active=True), GuestWindow(1, LEFT.region, active=False))
    assert layout.refocused()
    layout.note()
    assert not layout.refocused()
    layout.close()


@pytest.mark.parametrize("error", [GuestGone("gone"), GuestFault("timeout", "late")])
def test_where_nobody_can_be_asked_nothing_is_held_back(error: Exception) -> None:
    guest = Guest()
    layout = layout_of(guest)
    guest.error = error
    assert not layout.covers(30, 30)
    assert not layout.refocused()
    layout.close()


def test_names_come_from_the_machine() -> None:
    guest = Guest()
    with Naming(lambda: RemoteNaming(cast("GuestClient", guest))) as naming:
        assert naming.at(3, 4, seconds=5).name == "Save"
        assert naming.in_front(seconds=5).window == "Save As"
        assert guest.asked == [(3, 4), None]
        guest.error = GuestGone("gone")
        assert naming.at(3, 4, seconds=5) == Target()
