"""Checks of what the user sits in front of: the test card on each monitor, and whose hand is on the mouse."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ui.doctor.report import Check, MonitorError, Place, is_wayland, system

if TYPE_CHECKING:
    from perception.screen import Monitor
    from ui.doctor.card import Outcome, Shower

NOTICE = "A test card comes up on each monitor for a moment, and its marks are clicked; please leave the mouse alone."
COVERED = "close what has the mouse or lies over the screen, like an open menu, a screen saver, a locked screen"


def has_screen() -> bool:
    """Whether there is a screen of the user's that can be tried."""
    return not sys.platform.startswith("linux") or (bool(os.environ.get("DISPLAY")) and not is_wayland())


def check_own_screen(found: list[Monitor]) -> Check:
    """The user's own screen can be seen, and hands open on it. Its monitors are put into `found`."""
    name = "your own screen"
    if not has_screen():
        return Check(name, "skipped", "not tried", blocks=("here",))
    from actuators.errors import ActuatorError
    from actuators.hands import open_hands
    from perception.errors import PerceptionError
    from perception.screen import open_screen

    try:
        with open_screen() as screen, open_hands() as hands:
            height, width = screen.grab().shape[:2]
            detail = f"{width}×{height}, mouse and keyboard through {hands.backend}"
            notes = "; ".join((*screen.notes, *hands.notes))
            found.extend(screen.monitors())
    except (ActuatorError, PerceptionError) as error:
        return Check(name, "failed", str(error), "deskhand run --computer desktop needs no screen", ("here",))
    if not sys.platform.startswith("linux"):
        return Check(name, "skipped", f"{detail}; input on {system()} is unverified: it was never tried there")
    return Check(name, "ok", detail + (f" ({notes})" if notes else ""))


def check_monitor(monitor: Monitor) -> Check:
    """A test card on one of the user's monitors."""
    return examined(f"monitor {monitor.number}", monitor, ("here",), None)


def check_aim_unseen() -> Check:
    """Without a card: the pointer is sent to some places of each monitor and asked where it is, as a session does."""
    from vm.selfcheck import MEND, Missed, check_aim

    name = "pointer on your screen"
    try:
        aims = check_aim()
    except Missed as error:
        detail, _, mend = str(error).partition(MEND)
        return Check(name, "failed", detail, mend, ("here",))
    worst = max(one.worst.error for one in aims)
    count = f"{len(aims)} {'monitor' if len(aims) == 1 else 'monitors'}"
    return Check(name, "ok", f"{count}, off by {worst} pixels at most")


def check_takeover() -> Check:
    """Whether the user's own mouse and keyboard are told from the agent's, so that they can stop it."""
    if not has_screen():
        return Check("takeover", "skipped", "not tried")
    from actuators.guard import open_guard
    from actuators.hands import open_hands

    with open_hands() as hands:
        guard = open_guard(hands)
        note = guard.note
        guard.close()
    if note:
        return Check("takeover", "skipped", note)
    return Check("takeover", "ok", "your own mouse and keyboard are told from the agent's, and stop it")


def examined(name: str, monitor: Monitor, blocks: tuple[Place, ...], display: str | None) -> Check:
    """The test card on one monitor of a display, in the words of a check."""
    from actuators.hands import open_hands
    from actuators.pointer import open_pointer
    from perception.screen import open_screen
    from ui.doctor.card import examine

    with ExitStack() as stack:
        screen = stack.enter_context(open_screen(display))
        hands = stack.enter_context(open_hands(display))
        pointer = open_pointer(display)
        stack.callback(pointer.close)
        outcome = examine(monitor, screen, hands, pointer, _shower(display))
    detail, mend = _told(outcome, display)
    if not (mend or sys.platform.startswith("linux")):
        detail = f"{detail}; unverified: it was never tried on {system()}"
    status = "failed" if mend else "ok" if sys.platform.startswith("linux") else "skipped"
    return Check(name, status, detail, mend, blocks if mend else (), _numbers(outcome))


def _shower(display: str | None) -> Shower:
    if sys.platform.startswith("linux"):
        from ui.doctor.card_x11 import on_x11

        return on_x11(display)
    from ui.doctor.card_tk import with_tk

    return with_tk()


def _told(outcome: Outcome, display: str | None) -> tuple[str, str]:
    """What to say of a card, and what mends it; "" where all is well."""
    from vm.selfcheck import Hit, cure

    monitor, error = outcome.monitor, outcome.error
    what = str(monitor).partition(" ")[2].partition(" ")[2] or str(monitor)
    if error is None:
        return f"{what}: the test card is not in the picture of the screen", COVERED
    worst = max(outcome.struck, key=lambda struck: struck.error or 0)
    if error > outcome.tolerance:
        hits = [Hit(one.seen, one.pointed) for one in outcome.struck if one.seen]
        return f"{what}: clicks land {error} pixels off (at the mark {worst.mark.name!r})", cure(hits, display)
    count = f"{outcome.clicked} of {len(outcome.struck)} marks"
    if not outcome.good:
        return f"{what}: only {count} got their click, something else lies over the card", COVERED
    scaled = f" (pictures show {outcome.scale:.2g} pixels as one)" if outcome.scale > 1 else ""
    return f"{what}: {count}, off by {error} pixels at most{scaled}", ""


def _numbers(outcome: Outcome) -> MonitorError:
    monitor = outcome.monitor
    return MonitorError(
        monitor=monitor.number,
        name=monitor.name,
        left=monitor.region.left,
        top=monitor.region.top,
        width=monitor.region.width,
        height=monitor.region.height,
        scale=outcome.scale,
        marks=len(outcome.struck),
        clicked=outcome.clicked,
        error=outcome.error,
    )
