"""Checks of the private desktop: what it needs, and what works on one that is started for this."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ui.doctor.report import Check, Place, install
from ui.doctor.screens import examined

if TYPE_CHECKING:
    from actuators.hands import Hands
    from vm.desktop import PrivateDesktop

SCREEN = (640, 480)
PLACES_SEEN = ((3, 4), (320, 240), (636, 475), (17, 400), (601, 33))  # near the edges too
EXTENSIONS = ("MIT-SHM", "DAMAGE", "XTEST", "XInputExtension", "Composite")
FORBIDDING = (
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("user.max_user_namespaces", "0", "10000"),
)
"""Settings of the kernel that keep ordinary users from making a sandbox: the name, what forbids it, what does not."""

OFFICE = {
    "soffice": "libreoffice-calc libreoffice-impress libreoffice-writer libreoffice-gtk3",
    "localc": "libreoffice-calc",
    "loimpress": "libreoffice-impress",
    "lowriter": "libreoffice-writer",
}


def check_program(name: str, package: str, blocks: tuple[Place, ...] = (), *, optional: str = "") -> Check:
    """A program is installed."""
    if path := shutil.which(name):
        return Check(name, "ok", path)
    if optional:
        return Check(name, "skipped", f"not installed; {optional}", install(package))
    return Check(name, "failed", "not installed; the private desktop needs it", install(package), blocks)


def check_office() -> Check:
    """LibreOffice, with its three programs."""
    missing = [program for program in OFFICE if shutil.which(program) is None]
    if not missing:
        return Check("LibreOffice", "ok", str(shutil.which("soffice")))
    wanted = "soffice" if "soffice" in missing else missing[0]
    packages = OFFICE[wanted] if wanted == "soffice" else " ".join(OFFICE[name] for name in missing)
    detail = "not installed" if wanted == "soffice" else f"without {', '.join(missing)}"
    return Check("LibreOffice", "failed", f"{detail}; the demo needs it", install(packages))


def check_bridge() -> Check:
    """Documents that are open on the screen can be changed there, and pages of documents be drawn."""
    from vm.libreoffice import python_with_uno

    without: list[str] = []
    if not python_with_uno(Path("/")):
        without.append("python3-uno")
    if shutil.which("pdftoppm") is None:
        without.append("poppler-utils")
    if not without:
        return Check("documents", "ok", "open ones can be changed live, and pages drawn")
    lost = {"python3-uno": "open documents are not changed live", "poppler-utils": "no pages are drawn"}
    return Check("documents", "failed", "; ".join(lost[name] for name in without), install(" ".join(without)))


def start_desktop(workspace: Path, desktops: list[PrivateDesktop]) -> Check:
    """A whole private desktop starts; it is put into `desktops`, for the caller to close."""
    import anyio

    from vm.desktop import open_desktop

    began = time.monotonic()
    desktops.append(anyio.run(lambda: open_desktop(SCREEN, workspace=workspace)))
    seconds = time.monotonic() - began
    return Check("private desktop", "ok", f"starts in {seconds:.1f} s: X server, window manager, session bus")


def check_isolation(desktop: PrivateDesktop) -> Check:
    """Programs of the desktop see nothing else of the user's files."""
    if not desktop.doubt:
        return Check("isolation", "ok", "programs there see their own home and the workspace, no other files of yours")
    detail = f"programs of the private desktop see all your files, since there can be no sandbox: {desktop.doubt}"
    return Check("isolation", "failed", detail, _cure_of_isolation())


def _cure_of_isolation() -> str:
    """What would let bubblewrap work; the first thing that is found to forbid it."""
    if shutil.which("bwrap") is None:
        return install("bubblewrap")
    for switch, forbids, allows in FORBIDDING:
        with suppress(OSError):
            if Path("/proc/sys", *switch.split(".")).read_text().strip() == forbids:
                return f"sudo sysctl -w {switch}={allows}"
    return "let ordinary users make namespaces (in a container: run it with the right to)"


def check_extensions(display: str) -> Check:
    """What eyes and hands build on is there."""
    x = _connect(display)
    try:
        there = set(x.list_extensions())
    finally:
        x.close()
    missing = [name for name in EXTENSIONS if name not in there]
    if not missing:
        return Check("X extensions", "ok", ", ".join(EXTENSIONS))
    blocks: tuple[Place, ...] = ("desktop",) if "XTEST" in missing else ()
    return Check("X extensions", "failed", f"missing: {', '.join(missing)}", install("xvfb"), blocks)


def check_capture(display: str) -> Check:
    """The screen is painted in a colour, and seen in it."""
    from perception.screen import open_screen

    x = _connect(display)
    try:
        root = x.screen().root
        root.change_attributes(background_pixel=0x12AB34)
        root.clear_area()
        x.sync()
        with open_screen(display) as screen:
            began = time.monotonic()
            frame = screen.grab()
            milliseconds, notes = (time.monotonic() - began) * 1000, "; ".join(screen.notes)
    finally:
        x.close()
    colours = {tuple(int(value) for value in frame[y, x, :3]) for x, y in PLACES_SEEN}
    if frame.shape[:2] != (SCREEN[1], SCREEN[0]) or colours != {(0x34, 0xAB, 0x12)}:
        return Check("capture", "failed", f"the picture is not what was painted: {colours}", blocks=("desktop",))
    return Check("capture", "ok", f"{SCREEN[0]}×{SCREEN[1]} in {milliseconds:.1f} ms{notes and f' ({notes})'}")


def check_pointer(display: str) -> Check:
    """A test card is shown, found in the picture of it, and its marks are clicked."""
    from perception.screen import open_screen

    with open_screen(display) as screen:
        (monitor,) = screen.monitors()
    return examined("pointer", monitor, ("desktop",), display)


def check_keyboard(display: str) -> Check:
    """A key that is pressed arrives in the window in front."""
    from Xlib import X

    from actuators.actions import Keypress

    with _hands(display) as (hands, x):
        root = x.screen().root
        window = root.create_window(
            0, 0, 50, 50, 0, X.CopyFromParent, override_redirect=True, event_mask=X.KeyPressMask
        )
        window.map()
        window.set_input_focus(X.RevertToParent, X.CurrentTime)
        x.sync()
        hands.perform(Keypress(("a",)))
        x.sync()
        events = [x.next_event() for _ in range(x.pending_events())]
        letters = [chr(x.keycode_to_keysym(e.detail, 0)) for e in events if e.type == X.KeyPress]
        detail = f"keys and text through {hands.backend}"
    if letters == ["a"]:
        return Check("keyboard", "ok", detail)
    return Check("keyboard", "failed", f"{detail}: “a” arrived as {letters}", blocks=("desktop",))


SCREEN_CHECKS: dict[str, Callable[[str], Check]] = {
    "X extensions": check_extensions,
    "capture": check_capture,
    "pointer": check_pointer,
    "keyboard": check_keyboard,
}


@contextmanager
def _hands(display: str) -> Generator[tuple[Hands, Any], None, None]:
    from actuators.hands import open_hands

    x = _connect(display)
    try:
        with open_hands(display) as hands:
            yield hands, x
    finally:
        x.close()


def _connect(display: str) -> Any:
    """python-xlib makes its objects at run time, so nothing about them can be typed."""
    from actuators.xlibfix import open_display

    return open_display(display)
