"""Checks of this machine: each is real and small, and knows the command that mends what it finds.

`ui.commands.doctor` runs them. A check may raise: that is then what it has found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from actuators.hands import Hands
    from vm.desktop import PrivateDesktop

Status: TypeAlias = Literal["ok", "failed", "skipped"]
Place: TypeAlias = Literal["desktop", "here"]
PLACES: tuple[Place, ...] = ("desktop", "here")

OLDEST_PYTHON = (3, 11)
FONTS_SECONDS = 2.5  # to list fonts; the first time after an installation takes a second
LEAST_SPACE = 200_000_000  # bytes; a session of a hundred turns takes some twenty million
SCREEN = (640, 480)
MARKS = (
    (3, 4),
    (320, 240),
    (636, 475),
    (17, 400),
    (601, 33),
)  # where the pointer is sent, near the edges too
EXTENSIONS = ("MIT-SHM", "DAMAGE", "XTEST", "XInputExtension", "Composite")
OFFICE = {
    "soffice": "libreoffice-calc libreoffice-impress libreoffice-writer libreoffice-gtk3",
    "localc": "libreoffice-calc",
    "loimpress": "libreoffice-impress",
    "lowriter": "libreoffice-writer",
}
FONTS = {
    "Chinese, Japanese, Korean": (":lang=ja", "fonts-noto-cjk"),
    "emoji": (":charset=1f9d1", "fonts-noto-color-emoji"),
}
WORD = "Deskhand"


@dataclass(frozen=True, slots=True)
class Check:
    """What one check has found.

    Attributes:
        status: ok; failed; or skipped: not needed, not there to be tried, or never tried on this system.
        cure: the command that mends it; "" where nothing is to be mended.
        blocks: where no task can be done because of this.
    """

    name: str
    status: Status
    detail: str
    cure: str = ""
    blocks: tuple[Place, ...] = ()


# The machine ---------------------------------------------------------------------------------------------------


def check_python() -> Check:
    """Python is new enough."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        return Check("Python", "ok", version)
    return Check("Python", "failed", f"{version} is too old", install("python3.11"), PLACES)


def check_session() -> Check:
    """What kind of desktop the user sits at."""
    if not sys.platform.startswith("linux"):
        return Check("session", "skipped", f"{_system()}: parts of it are unverified, see below")
    display, wayland = os.environ.get("DISPLAY"), _is_wayland()
    if wayland:
        return Check(
            "session",
            "skipped",
            "Wayland: windows of other programs cannot be seen or driven here; the private desktop works all the same",
            "log in with an X11 (Xorg) session to work on your own screen",
            ("here",),
        )
    if not display:
        return Check("session", "skipped", "no screen here; the private desktop needs none", blocks=("here",))
    return Check("session", "ok", f"Linux, X11 on display {display}")


def check_own_screen() -> Check:
    """The user's own screen can be seen, and hands open on it. The pointer is left where it is."""
    name = "your own screen"
    if sys.platform.startswith("linux") and (_is_wayland() or not os.environ.get("DISPLAY")):
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
    except (ActuatorError, PerceptionError) as error:
        return Check(name, "failed", str(error), "deskhand run --computer desktop needs no screen", ("here",))
    if not sys.platform.startswith("linux"):
        return Check(name, "skipped", f"{detail}; input on {_system()} is unverified: it was never tried there")
    return Check(name, "ok", detail + (f" ({notes})" if notes else ""))


def check_xlib() -> Check:
    """The maintained python-xlib is installed, and not the abandoned package of the same folder."""
    from actuators.errors import NotSupported
    from actuators.xlibfix import repair

    try:
        repair()
    except NotSupported as error:
        cure = "pip install --force-reinstall --no-deps 'python-xlib>=0.33'"
        return Check("Xlib", "failed", str(error).partition("; run:")[0], cure, PLACES)
    import Xlib

    return Check("Xlib", "ok", f"python-xlib {'.'.join(map(str, vars(Xlib)['__version__']))}")


def check_text() -> Check:
    """A word is drawn, and read back."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    from perception.errors import CannotRead
    from perception.text import CURE, read_text

    picture = Image.new("RGB", (160, 40), "white")
    ImageDraw.Draw(picture).text((20, 10), WORD, "black", ImageFont.load_default(16))
    try:
        words = [word.text.strip() for word in read_text(np.asarray(picture))]
    except CannotRead as error:
        return Check("reading text", "failed", str(error).partition(";")[0], _command(CURE))
    if words == [WORD]:
        return Check("reading text", "ok", f"Tesseract read “{WORD}”")
    return Check("reading text", "failed", f"Tesseract read {words}, not {WORD!r}", install("tesseract-ocr-eng"))


def check_key() -> Check:
    """Whether there is a key, never which; and where requests go."""
    import argparse

    from ui.settings import Values

    values = Values(argparse.Namespace())
    url = values.pick("base_url", str, "") or os.environ.get("OPENAI_BASE_URL") or ""
    where = f", at {_without_secrets(url)}" if url else ""
    if os.environ.get("OPENAI_API_KEY") or values.pick("api_key", str, ""):
        return Check("OpenAI", "ok", f"a key is set{where}; it was not tried")
    detail = f"no key is set{where}: `deskhand run` needs one, `deskhand demo` does not"
    return Check("OpenAI", "skipped", detail, "export OPENAI_API_KEY=…")


def _without_secrets(url: str) -> str:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def check_data() -> Check:
    """The data folder can be written, and there is room."""
    from agent.session import data_home

    home = data_home()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(home).free
    except OSError as error:
        cure = "export DESKHAND_HOME=FOLDER, one that you can write to"
        return Check("data folder", "failed", f"{home} cannot be written ({error.strerror})", cure, PLACES)
    if free < LEAST_SPACE:
        return Check("data folder", "failed", f"{home} has only {free / 1e6:.0f} MB left", "free some space")
    return Check("data folder", "ok", f"{home}, {free / 1e9:.1f} GB free")


def check_font(kind: str, pattern: str, package: str) -> Check:
    """Optional: letters of other scripts, without which their texts are shown as boxes."""
    if (lister := shutil.which("fc-list")) is None:
        return Check("fonts", "skipped", f"{kind}: not known, there is no fc-list", install("fontconfig"))
    said = subprocess.run(
        [lister, pattern, "family"], capture_output=True, text=True, timeout=FONTS_SECONDS, check=True
    )
    families = sorted({line.split(",")[0] for line in said.stdout.splitlines() if line.strip()})
    if families:
        return Check("fonts", "ok", f"{kind}: {families[0]}")
    return Check("fonts", "skipped", f"{kind}: none, such text is shown as boxes", install(package))


def check_leftovers() -> Check:
    """What killed runs have left behind is removed."""
    from vm import warden

    swept = warden.sweep(warden.base_dir())
    said = f"{len(swept)} killed runs were swept away" if swept else "nothing was left behind"
    return Check("leftovers", "ok", said)


# The private desktop -------------------------------------------------------------------------------------------


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


def start_desktop(workspace: Path, desktops: list[PrivateDesktop]) -> Check:
    """A whole private desktop starts; it is put into `desktops`, for the caller to close."""
    import anyio

    from vm.desktop import open_desktop

    began = time.monotonic()
    desktops.append(anyio.run(lambda: open_desktop(SCREEN, workspace=workspace)))
    seconds = time.monotonic() - began
    return Check("private desktop", "ok", f"starts in {seconds:.1f} s: X server, window manager, session bus")


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
    colours = {tuple(int(value) for value in frame[y, x, :3]) for x, y in MARKS}
    if frame.shape[:2] != (SCREEN[1], SCREEN[0]) or colours != {(0x34, 0xAB, 0x12)}:
        return Check("capture", "failed", f"the picture is not what was painted: {colours}", blocks=("desktop",))
    return Check("capture", "ok", f"{SCREEN[0]}×{SCREEN[1]} in {milliseconds:.1f} ms{notes and f' ({notes})'}")


def check_pointer(display: str) -> Check:
    """The pointer goes where it is sent."""
    from actuators.actions import Move

    with _hands(display) as (hands, x):
        root = x.screen().root
        error = 0
        for mark in MARKS:
            hands.perform(Move(*mark))
            at = root.query_pointer()
            error = max(error, abs(at.root_x - mark[0]), abs(at.root_y - mark[1]))
    detail = f"{len(MARKS)} marks, off by {error} pixels at most"
    return Check("pointer", "failed" if error else "ok", detail, blocks=("desktop",) if error else ())


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


def install(packages: str) -> str:
    """The command that installs Debian packages; elsewhere, their names."""
    if not Path("/etc/debian_version").exists():
        return f"install what Debian calls {packages}"
    return f"{'' if _is_root() else 'sudo '}apt-get install {packages}"


def _command(text: str) -> str:
    """The command in a sentence that quotes one."""
    parts = text.split("`")
    return parts[1] if len(parts) > 1 else text


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _is_wayland() -> bool:
    return bool(os.environ.get("WAYLAND_DISPLAY")) or os.environ.get("XDG_SESSION_TYPE") == "wayland"


def _system() -> str:
    return {"win32": "Windows", "darwin": "macOS"}.get(sys.platform, sys.platform)
