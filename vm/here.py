"""The user's own desktop: X11, Windows or macOS."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Literal

from actuators.errors import ActuatorError
from agent.errors import UserFault
from perception.errors import PerceptionError
from vm.local import LocalComputer, in_thread
from vm.programs import last_line
from vm.senses import AS_USUAL, SenseOptions, Senses, open_senses

OPEN_SETTLE_SECONDS = 10.0
SECRETS = re.compile(r"^DESKHAND_|API_?KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
"""Environment variables that programs opened by us do not get: the model could read them from a terminal."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://|mailto:", re.IGNORECASE)
_NOTES = (
    "This is the user's own desktop: other windows and files on it are theirs, and they may use it as well; leave "
    "windows alone that the task does not need.",
)
_INSTEAD = "`--computer desktop` needs no screen"


class Here(LocalComputer):
    """The desktop that the user sits at. What is opened on it is opened for the user, and stays."""

    kind = "here"

    def __init__(self, senses: Senses, display: str | None) -> None:
        super().__init__(senses, notes=_NOTES)
        self._display = display
        self._opened: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []

    def _open(self, target: str, cancelled: threading.Event) -> None:
        self._eyes.mark()
        if sys.platform == "win32" and _is_document(target):
            os.startfile(target)
        elif sys.platform.startswith("linux"):
            self._open_on_x11(_words(target), cancelled)
        else:
            self._start(_words(target))
        if not cancelled.is_set():
            self._eyes.settle(OPEN_SETTLE_SECONDS)

    def _open_on_x11(self, words: Sequence[str], cancelled: threading.Event) -> None:
        from vm.windows import Windows, wait_for_window

        windows = Windows(self._display or os.environ["DISPLAY"])
        try:
            before = windows.shown()
            ended = self._start(words)
            wait_for_window(lambda: windows.shown() - before, ended, cancelled)
        finally:
            windows.close()

    def _start(self, words: Sequence[str]) -> Callable[[], bool]:
        """Start a program of the user's; what is returned tells whether it has ended, and raises if not well."""
        output = tempfile.TemporaryFile()  # noqa: SIM115 (the program may outlive us, and the file lives as long)
        try:
            program = subprocess.Popen(
                words,
                env=environment_for(self._display),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            output.close()
            raise UserFault(f"cannot start {words[0]}: {error.strerror}; install it, or give a file") from None
        self._opened.append((program, output))

        def ended() -> bool:
            if status := program.poll():
                raise UserFault(f"{words[0]} ended with exit status {status}: {last_line(output)}")
            return program.returncode is not None

        return ended

    def _close(self) -> None:
        for program, output in self._opened:
            output.close()
            if program.poll() is None:
                program.returncode = 0  # it is the user's now: nobody waits for it, and Popen need not complain
        self._opened.clear()
        super()._close()


async def open_here(display: str | None = None, options: SenseOptions = AS_USUAL) -> Here:
    """Eyes and hands for the user's own desktop.

    Args:
        display: an X display like ":1"; None for the one of the environment, or the only one there is.
        options: of its eyes and hands.

    Raises:
        UserFault: there is no desktop that can be worked on; says why and what to do instead.
    """
    return await in_thread(lambda _: _open_here(display, options))


def default_computer() -> Literal["desktop", "here"]:
    """Where to work when nobody says: the private desktop where there is no screen that could be worked on."""
    if not sys.platform.startswith("linux"):
        return "here"
    return "desktop" if _is_wayland() or not os.environ.get("DISPLAY") else "here"


def environment_for(display: str | None, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The user's environment without our keys, for a program on `display`."""
    kept = {name: value for name, value in environment.items() if not SECRETS.search(name) and not _is_opencv(value)}
    return kept if display is None else {**kept, "DISPLAY": display}


def _is_opencv(value: str) -> bool:
    """OpenCV tells our whole process where its own Qt is; Qt programs with that setting do not start."""
    return "/cv2/qt/" in value


def _open_here(display: str | None, options: SenseOptions) -> Here:
    if sys.platform.startswith("linux"):
        _check_session(display)
    name = display or os.environ.get("DISPLAY") or "the screen"
    try:
        return Here(open_senses(display, options), display)
    except PerceptionError as error:
        raise UserFault(f"cannot see {name}: {error}; {_INSTEAD}") from None
    except ActuatorError as error:
        raise UserFault(f"cannot use mouse and keyboard of {name}: {error}; {_INSTEAD}") from None


def _check_session(display: str | None) -> None:
    if display is None and _is_wayland():
        raise UserFault(
            "this is a Wayland session, which lets no program see the whole screen or move the mouse; "
            "use `--computer desktop`, or log in with an X11 (Xorg) session"
        )
    if not display and not os.environ.get("DISPLAY"):
        raise UserFault(f"there is no screen here: DISPLAY is not set; {_INSTEAD}")


def _is_wayland() -> bool:
    return bool(os.environ.get("WAYLAND_DISPLAY")) or os.environ.get("XDG_SESSION_TYPE") == "wayland"


def _words(target: str) -> list[str]:
    """The command that opens a target: the platform's opener for files and addresses, else what the user wrote."""
    if _is_document(target):
        opener = "open" if sys.platform == "darwin" else "xdg-open"
        return [opener, target if _ADDRESS.match(target) else str(Path(target).expanduser().absolute())]
    try:
        words = shlex.split(target, posix=sys.platform != "win32")
    except ValueError as error:
        raise UserFault(f"cannot read the command {target!r}: {error}") from None
    if not words:
        raise UserFault("nothing to open: give a file, an address or a command")
    return words


def _is_document(target: str) -> bool:
    if _ADDRESS.match(target):
        return True
    try:
        file = Path(target).expanduser()
        return file.is_dir() or (file.is_file() and not (os.access(file, os.X_OK) and not file.suffix))
    except (OSError, RuntimeError, ValueError):  # too long for a name, no such user's home, a NUL
        return False


def check_here(display: str | None = None, *, monitor: int = 0) -> None:
    """Raise `UserFault` where the user's own desktop cannot be worked on, before anything is made for it.

    The mouse pointer is moved over it, and put back: a screen that clicks would miss is refused (`vm.selfcheck`).

    Args:
        display: an X display like ":1"; None for the one of the environment, or the only one there is.
        monitor: the only one that will be looked at; 0 for all of them.
    """
    from vm.selfcheck import check_aim

    if sys.platform.startswith("linux"):
        _check_session(display)
        display = display or os.environ["DISPLAY"]  # so that it is named where something is wrong
    try:
        check_aim(display, monitor=monitor)
    except (ActuatorError, PerceptionError) as error:
        raise UserFault(f"{error}; {_INSTEAD}") from None
