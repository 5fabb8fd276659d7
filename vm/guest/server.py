"""The server inside a virtual machine: `python3 -m vm.guest.server`.

It answers from its first moment on; the desktop is opened when it is there, and again when it was gone.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from actuators.slowness import be_patient, is_emulated
from vm.guest.access import Access
from vm.guest.desk import Desk
from vm.guest.fingers import Local
from vm.guest.routes import Router
from vm.guest.state import Guest
from vm.guest.wire import Server

PORT = 5000
RUN = Path("/run/deskhand")  # made by the daemon with root's rights


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to end."""
    options = _options(arguments)
    os.environ["DISPLAY"] = options.display  # also for the programs that are started here
    os.environ["DESKHAND_HANDS"] = str(options.hands)
    if is_emulated():
        be_patient()
    guest = Guest(Desk(options.display), Access(options.token), options.root, panel=not options.no_panel)
    try:
        server = Server((options.host, options.port), Router(guest))
    except OSError as error:
        print(f"deskhand: cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)  # noqa: T201
        return 1
    local = _local(options.hands, guest)
    guest.desk.start()

    def ended(*_: object) -> None:
        threading.Thread(target=server.close, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ended)
    print(f"port {server.port}", flush=True)  # noqa: T201
    try:
        server.serve()
    finally:
        if local is not None:
            local.close()
        guest.close()
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    parser = argparse.ArgumentParser(prog="vm.guest.server", description=__doc__)
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on")
    parser.add_argument("--port", type=int, default=PORT, help="0 for any; it is written to standard output")
    parser.add_argument("--display", default=os.environ.get("DISPLAY") or ":0")
    parser.add_argument("--token", type=Path, default=RUN / "token", help="file with the token")
    parser.add_argument("--root", type=Path, default=RUN / "root.sock", help="socket of the daemon with root's rights")
    parser.add_argument("--hands", type=Path, default=runtime / "deskhand-hands.sock", help="socket for pyautogui")
    parser.add_argument("--no-panel", action="store_true", help="the desktop is there without a panel, too")
    return parser.parse_args(arguments)


def _local(path: Path, guest: Guest) -> Local | None:
    try:
        return Local(path, guest.fingers)
    except OSError as error:
        print(f"deskhand: no hands for programs in here: {error}", file=sys.stderr, flush=True)  # noqa: T201
        return None


if __name__ == "__main__":
    faulthandler.enable()
    ended = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ended)  # threads that hang with their X server must not keep this from ending, nor crash at the end of it
