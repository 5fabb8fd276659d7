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

from ui import doctor as checks
from ui.doctor import PLACES, Check, Place
from ui.summary import printable, tolerate_encoding

if TYPE_CHECKING:
    from vm.desktop import PrivateDesktop

LIMIT = 3.0  # seconds that a check may take; an X server that hangs would take for ever
DESKTOP_LIMIT = 20.0  # for a whole private desktop to start, which takes half a second on an idle machine
MARKS = {"ok": "✓", "failed": "✗", "skipped": "–"}
STYLES = {"ok": "green", "failed": "red", "skipped": "yellow"}


def doctor(flags: argparse.Namespace) -> int:
    """Run every check; 0 where tasks can be done, on the private desktop or here."""
    tolerate_encoding()
    found: list[Check] = []
    for check in examine():
        found.append(check)
        if not flags.json:
            _print(check)
    desktop, here = usable(found, "desktop"), usable(found, "here")
    if flags.json:
        rows = [asdict(check) for check in found]
        print(json.dumps({"ok": desktop or here, "desktop": desktop, "here": here, "checks": rows}))
    else:
        print(_verdict(desktop=desktop, here=here))
    return 0 if desktop or here else 1


def examine() -> Iterator[Check]:
    """Every check of this machine, one after the other. None of them raises."""
    linux = sys.platform.startswith("linux")
    yield guarded("Python", checks.check_python, PLACES)
    yield guarded("session", checks.check_session)
    yield guarded("your own screen", checks.check_own_screen, ("here",))
    if linux:
        yield guarded("leftovers", checks.check_leftovers)  # the private desktop would sweep them away unseen
        yield guarded("Xlib", checks.check_xlib, PLACES)
        yield from _desktop_checks()
    else:
        yield Check("private desktop", "skipped", "it needs Linux", blocks=("desktop",))
    yield guarded("reading text", checks.check_text)
    yield guarded("OpenAI", checks.check_key)
    yield guarded("data folder", checks.check_data, PLACES)
    if linux:
        for kind, (pattern, package) in checks.FONTS.items():
            yield guarded("fonts", lambda kind=kind, p=pattern, deb=package: checks.check_font(kind, p, deb))


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


def _desktop_checks() -> Iterator[Check]:
    from vm.desktop import NEEDED

    blocks: tuple[Place, ...] = ("desktop",)
    for program, package in NEEDED.items():
        yield guarded(program, lambda p=program, deb=package: checks.check_program(p, deb, blocks), blocks)
    why = "only other programs ask for it"
    yield guarded("xauth", lambda: checks.check_program("xauth", "xauth", optional=why))
    yield guarded("LibreOffice", checks.check_office)
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
                lambda: checks.start_desktop(Path(folder), desktops),
                ("desktop",),
                limit=DESKTOP_LIMIT,
            )
            yield started
            if started.status == "ok":
                for name, probe in checks.SCREEN_CHECKS.items():
                    yield guarded(name, lambda probe=probe: probe(desktops[0].display), ("desktop",))
        finally:
            for desktop in desktops:
                anyio.run(desktop.aclose)


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
