"""`deskhand doctor`: what works on this machine, what does not, and the command that mends it."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ui.doctor import desktop, machine, overlay, screens, virtual
from ui.doctor.report import PLACES, Check, Place
from ui.summary import printable, tolerate_encoding

if TYPE_CHECKING:
    from perception.screen import Monitor
    from vm.desktop import PrivateDesktop

LIMIT = 3.0  # seconds that a check may take; an X server that hangs would take for ever
CARD_LIMIT = 10.0  # for the test card of one monitor, which takes a fifth of a second where all is well
MACHINE_LIMIT = 15.0  # to find out once for each start of the host whether KVM works
DESKTOP_LIMIT = 20.0  # for a whole private desktop to start, which takes half a second on an idle machine
MARKS = {"ok": "✓", "failed": "✗", "skipped": "–"}
STYLES = {"ok": "green", "failed": "red", "skipped": "yellow"}


def _ignore(_: str) -> None:
    """Nobody reads it."""


def doctor(flags: argparse.Namespace) -> int:
    """Run every check; 0 where tasks can be done, on the private desktop or here."""
    tolerate_encoding()
    found: list[Check] = []
    for check in examine(card=flags.card, say=_ignore if flags.json else print):
        found.append(check)
        if not flags.json:
            _print(check)
    there, here = usable(found, "desktop"), usable(found, "here")
    if flags.json:
        rows = [asdict(check) for check in found]
        print(json.dumps({"ok": there or here, "desktop": there, "here": here, "checks": rows}))
    else:
        print(_verdict(desktop=there, here=here))
    return 0 if there or here else 1


def examine(*, card: bool = True, say: Callable[[str], object] = _ignore) -> Iterator[Check]:
    """Every check of this machine, one after the other. None of them raises.

    Args:
        card: whether test cards may be shown on the user's own screen.
        say: told before that is done.
    """
    linux = sys.platform.startswith("linux")
    yield guarded("Python", machine.check_python, PLACES)
    yield guarded("session", machine.check_session)
    yield from _own_screen_checks(card, say)
    if linux:
        yield guarded("leftovers", machine.check_leftovers)  # the private desktop would sweep them away unseen
        yield guarded("Xlib", machine.check_xlib, PLACES)
        yield from _desktop_checks()
        yield guarded("virtual machines", virtual.check_machines, limit=MACHINE_LIMIT)
        yield guarded("images", virtual.check_images)
    else:
        yield Check("private desktop", "skipped", "it needs Linux", blocks=("desktop",))
    yield guarded("reading text", machine.check_text)
    yield guarded("OpenAI", machine.check_key)
    yield guarded("chat models", machine.check_dialects)
    yield guarded("data folder", machine.check_data, PLACES)
    yield guarded("notifications", _check_notifications)
    if linux:
        for kind, (pattern, package) in machine.FONTS.items():
            yield guarded("fonts", lambda kind=kind, p=pattern, deb=package: machine.check_font(kind, p, deb))


def _check_notifications() -> Check:
    from ui.service.notify import check_notifications

    return check_notifications()


def usable(found: Sequence[Check], place: Place) -> bool:
    """Whether tasks can be done there."""
    return not any(place in check.blocks for check in found)


def guarded(name: str, probe: Callable[[], Check], blocks: tuple[Place, ...] = (), *, limit: float = LIMIT) -> Check:
    """Run a check; one that crashes or does not end has failed, and says why.

    Args:
        blocks: where no task can be done if that happens.
        limit: seconds that it may take.
    """
    found: list[Check] = []

    def run() -> None:
        try:
            found.append(probe())
        except Exception as error:  # a check tells, it never breaks the others
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            found.append(Check(name, "failed", reason, blocks=blocks))

    thread = threading.Thread(target=run, daemon=True, name=f"deskhand-doctor-{name}")
    thread.start()
    thread.join(limit)
    return found[0] if found else Check(name, "failed", f"no answer within {limit:g} s", blocks=blocks)


def _own_screen_checks(card: bool, say: Callable[[str], object]) -> Iterator[Check]:
    monitors: list[Monitor] = []
    yield guarded("your own screen", lambda: screens.check_own_screen(monitors), ("here",))
    if not monitors:
        return
    if card:
        say(screens.NOTICE)
        for monitor in monitors:
            name = f"monitor {monitor.number}"
            yield guarded(name, lambda m=monitor: screens.check_monitor(m), ("here",), limit=CARD_LIMIT)
    else:
        yield guarded("pointer", screens.check_aim_unseen, ("here",))
    yield guarded("takeover", screens.check_takeover)
    yield guarded("overlay", overlay.check_overlay, limit=CARD_LIMIT)


def _desktop_checks() -> Iterator[Check]:
    from vm.desktop import NEEDED

    blocks: tuple[Place, ...] = ("desktop",)
    for program, package in NEEDED.items():
        yield guarded(program, lambda p=program, deb=package: desktop.check_program(p, deb, blocks), blocks)
    why = "only other programs ask for it"
    yield guarded("xauth", lambda: desktop.check_program("xauth", "xauth", optional=why))
    yield guarded("LibreOffice", desktop.check_office)
    yield guarded("documents", desktop.check_bridge)
    if all(map(shutil.which, NEEDED)):
        yield from _screen_checks()
    else:
        yield Check("private desktop", "skipped", "not tried, since not all that it needs is installed")


def _screen_checks() -> Iterator[Check]:
    """What can be done on a private desktop, which is started for this and ends with the generator."""
    import anyio

    desktops: list[PrivateDesktop] = []
    with tempfile.TemporaryDirectory(prefix="deskhand-doctor-") as folder:
        try:
            started = guarded(
                "private desktop",
                lambda: desktop.start_desktop(Path(folder), desktops),
                ("desktop",),
                limit=DESKTOP_LIMIT,
            )
            yield started
            if started.status == "ok":
                yield guarded("isolation", lambda: desktop.check_isolation(desktops[0]))
                for name, probe in desktop.SCREEN_CHECKS.items():
                    yield guarded(name, lambda probe=probe: probe(desktops[0].display), ("desktop",))
        finally:
            for one in desktops:
                anyio.run(one.aclose)


def _print(check: Check) -> None:
    line = f"{MARKS[check.status]} {check.name}: {check.detail}"
    if check.cure:
        line += f"; to mend it: {check.cure}" if check.status == "failed" else f" ({check.cure})"
    line = printable(line)
    if not sys.stdout.isatty():
        print(line, flush=True)
        return
    from rich.console import Console
    from rich.text import Text

    text = Text(line)
    text.stylize(STYLES[check.status], 0, 1)
    Console(soft_wrap=True).print(text)


def _verdict(*, desktop: bool, here: bool) -> str:
    places = [name for name, works in (("on the private desktop", desktop), ("on your own screen", here)) if works]
    return f"Tasks can be done {' and '.join(places)}." if places else "No task can be done on this machine yet."
