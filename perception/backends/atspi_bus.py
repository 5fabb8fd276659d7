"""Where the accessibility bus of an X display is, and which programs are on that display.

Several displays may share a session bus, and a private desktop has one of its own that our environment does not know.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from actuators.errors import ActuatorError
from perception.backends.dbus import Bus, BusLost, Call
from perception.errors import CannotRead

CURE = "install at-spi2-core (`sudo apt-get install at-spi2-core`) and start the programs anew"


def open_bus(display: str, session: str | None, deadline: float) -> Bus:
    """Connect to the accessibility bus of a display.

    Args:
        display: like ":7".
        session: address of its session bus, where that is known.
        deadline: of `time.monotonic()`.

    Raises:
        CannotRead: there is none, or it does not answer; says what would help.
    """
    said = "no program on it has told where its bus is"
    for address in _addresses(display, session, deadline):
        try:
            return Bus(address, deadline)
        except BusLost as error:
            said = str(error)
    raise CannotRead(f"display {display} has no accessibility tree: {said}; {CURE}")


def _addresses(display: str, session: str | None, deadline: float) -> Iterator[str]:
    """Accessibility buses that may be the display's, the likeliest first."""
    asked = set[str]()
    for one in _session_buses(display, session):
        if one not in asked:
            asked.add(one)
            if address := _accessibility_bus(one, deadline):
                yield address
    if address := _root_property(display):
        yield address


def _session_buses(display: str, session: str | None) -> Iterator[str]:
    """Session buses that may be the display's: as told, as ours if it is our display, as programs on it have it."""
    if session:
        yield session
    ours = plain(os.environ.get("DISPLAY", "")) == plain(display)
    own = os.environ.get("DBUS_SESSION_BUS_ADDRESS") or f"unix:path=/run/user/{os.getuid()}/bus"
    if ours:
        yield own
    for environment in _environments():
        if plain(environment.get("DISPLAY", "")) == plain(display) and "DBUS_SESSION_BUS_ADDRESS" in environment:
            yield environment["DBUS_SESSION_BUS_ADDRESS"]
    if not ours:
        yield own


def _accessibility_bus(session: str, deadline: float) -> str | None:
    """What the session bus names as the bus of its programs' trees; it is started by the question."""
    try:
        bus = Bus(session, deadline)
    except BusLost:
        return None
    try:
        answer = bus.ask(Call("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress"), deadline)
    except BusLost:
        return None
    finally:
        bus.close()
    values = answer and answer.values("s")
    return values[0] or None if values else None


def _root_property(display: str) -> str | None:
    """What the accessibility launcher has written on the display's root window, if it could."""
    from actuators.xlibfix import open_display

    with suppress(ActuatorError, OSError):
        connection = open_display(display)
        try:
            value = connection.screen().root.get_full_property(connection.intern_atom("AT_SPI_BUS"), 0)
            return bytes(value.value).decode(errors="replace").strip("\0") or None if value else None
        finally:
            connection.close()
    return None


# Programs of a display ---------------------------------------------------------------------------------------------


class Residents:
    """Which processes have windows on a display."""

    def __init__(self, display: str) -> None:
        self._display = display
        self._clients: frozenset[int] | None = None
        self._asked_at = 0.0

    def has(self, pid: int | None) -> bool:
        """Whether a process is on the display; True where that cannot be told."""
        environment = environment_of(pid) if pid else None
        if environment is None or plain(environment.get("DISPLAY", "")) == plain(self._display):
            return True
        return pid in self._connected()

    def _connected(self) -> frozenset[int]:
        """The processes that are connected to the display now, whatever their environment says."""
        if self._clients is None or time.monotonic() > self._asked_at + 1.0:
            self._clients, self._asked_at = _clients(self._display), time.monotonic()
        return self._clients


def _clients(display: str) -> frozenset[int]:
    from Xlib.ext import res

    from actuators.xlibfix import open_display

    with suppress(ActuatorError, OSError):
        connection = open_display(display)
        try:
            if connection.has_extension("X-Resource"):
                wanted = [{"client": 0, "mask": res.LocalClientPIDMask}]
                return frozenset(pid for one in connection.res_query_client_ids(wanted).ids for pid in one.value)
        finally:
            connection.close()
    return frozenset()


def plain(display: str) -> str:
    """A display's name without its screen: ":7" for ":7.0" and "unix:7"."""
    host, _, number = display.rpartition(":")
    return f"{'' if host == 'unix' else host}:{number.partition('.')[0]}" if number else ""


def environment_of(pid: int) -> dict[str, str] | None:
    """What a process was started with; None if it is gone, or somebody else's."""
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    pairs = (entry.decode(errors="replace").partition("=") for entry in entries)
    return {name: value for name, _, value in pairs if name}


def program_name(pid: int) -> str:
    """What a process calls itself."""
    with suppress(OSError):
        return f"{Path(f'/proc/{pid}/comm').read_text().strip()} (process {pid})"
    return f"process {pid}"


def _environments() -> Iterator[dict[str, str]]:
    """Of every process of this user, the newest first: those that were started last are the likeliest to live."""
    for name in sorted((name for name in os.listdir("/proc") if name.isdigit()), key=int, reverse=True):  # noqa: PTH208
        if environment := environment_of(int(name)):
            yield environment
