"""python-xlib, repaired: import it through here.

Two packages write the same `Xlib/` folder. `python-xlib` is maintained; the abandoned `python3-xlib`, which pyautogui
asks for, may overwrite it and lacks half of what is needed. The maintained one has two faults of its own:

- RandR registers its errors under the numbers 0 to 2, so that any BadValue turns into an AttributeError
  (upstream issues 241 and 259);
- the tables of extension events, errors and opcodes belong to the class, so that a second display of another server
  spoils those of the first;
- a failed attempt to connect leaves its socket open.
"""

from __future__ import annotations

import os
import socket
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from actuators.errors import DisplayLost, NotSupported

if TYPE_CHECKING:
    from Xlib.display import Display

OLDEST = (0, 33)
FIRST_EXTENSION_ERROR = 128  # the core protocol owns the numbers below
CONNECT_TIMEOUT = 10.0  # seconds until a server that accepts but never answers counts as lost

_repairing = threading.Lock()


def repair() -> None:
    """Check that the right Xlib is installed and mend its faults, once per process.

    Raises:
        NotSupported: Xlib is missing or is the abandoned package; says what to install.
    """
    with _repairing:
        try:
            import Xlib
            import Xlib.protocol.display as protocol
            import Xlib.support.unix_connect as unix_connect
        except ImportError:
            raise NotSupported("python-xlib is not installed; run: pip install 'python-xlib>=0.33'") from None
        check_version(cast("tuple[int, ...]", vars(Xlib)["__version__"]))
        base: Any = protocol.Display
        if not hasattr(base, "repaired"):
            _load_extensions()
            _mend(base)
            _mend_sockets(unix_connect)


def _load_extensions() -> None:
    """Each connection imports them, and two at once in two threads find them half there."""
    import Xlib.ext

    for _, module in cast("list[tuple[str, str]]", vars(Xlib.ext)["__extensions__"]):
        import_module(f"Xlib.ext.{module}")


def check_version(version: tuple[int, ...]) -> None:
    """Raise `NotSupported` for the abandoned package (its versions end at 0.15) and for too old ones."""
    if version < OLDEST:
        found = ".".join(map(str, version))
        raise NotSupported(
            f"the installed Xlib is {found}, probably the abandoned python3-xlib in place of python-xlib; "
            "run: pip install --force-reinstall --no-deps 'python-xlib>=0.33'"
        )


def _mend(base: Any) -> None:
    connect, add_error = base.__init__, base.add_extension_error

    def connect_with_own_tables(self: Any, *args: Any, **options: Any) -> None:
        self.extension_major_opcodes = {}
        self.error_classes = dict(base.error_classes)
        self.event_classes = dict(base.event_classes)
        try:
            connect(self, *args, **options)
        except BaseException:
            if "socket" in vars(self):  # upstream leaves it open
                self.socket.close()
            raise

    def add_real_error(self: Any, code: int, error: Any) -> None:
        if code >= FIRST_EXTENSION_ERROR:
            add_error(self, code, error)

    base.__init__, base.add_extension_error = connect_with_own_tables, add_real_error
    base.repaired = True


def _mend_sockets(unix_connect: Any) -> None:
    def connected(family: socket.AddressFamily, address: Any) -> socket.socket:
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.connect(address)
        except BaseException:
            opened.close()
            raise
        return opened

    def tcp_socket(host: str, number: int) -> socket.socket:
        return connected(socket.AF_INET, (host, 6000 + number))

    def unix_socket(address: str) -> socket.socket:
        return connected(socket.AF_UNIX, address)

    unix_connect._get_tcp_socket, unix_connect._get_unix_socket = tcp_socket, unix_socket


def open_display(name: str | None = None) -> Display:
    """Connect to an X server; `None` means the one that the environment names. The caller closes it.

    Raises:
        DisplayLost: there is no such display, it refuses us, or it does not answer.
        NotSupported: see `repair`.
    """
    name = name or os.environ.get("DISPLAY", "")
    if not name:
        raise DisplayLost("there is no display: DISPLAY is not set")
    repair()
    opened: list[Display] = []
    failed: list[Exception] = []
    # A frozen server accepts connections and never answers, and python-xlib knows no timeouts.
    opening = threading.Thread(target=_connect, args=(name, opened, failed), daemon=True, name="deskhand-x11-connect")
    opening.start()
    opening.join(CONNECT_TIMEOUT)
    if opened:
        return opened[0]
    if failed:
        raise DisplayLost(f"cannot open display {name}: {_reason(failed[0])}") from failed[0]
    raise DisplayLost(f"display {name} does not answer")


def _connect(name: str, opened: list[Display], failed: list[Exception]) -> None:
    from Xlib.display import Display

    try:
        opened.append(Display(name))
    except Exception as error:  # whatever kept it from opening, the caller says it
        failed.append(error)


def _reason(error: Exception) -> str:
    from Xlib.error import DisplayConnectionError, DisplayNameError

    if isinstance(error, DisplayNameError):
        return "that is not the name of a display"
    reason = error.msg if isinstance(error, DisplayConnectionError) else str(error)
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
    return text.strip() or type(error).__name__
