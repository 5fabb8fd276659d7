"""A full-screen window that tells over a socket when it was touched; runs here, and inside a virtual machine.

    python3 witness.py PORT     to whoever connects: "event TIME TYPE" for each press and key; "clock TIME" for a line

TIME is in seconds of this machine's monotonic clock. Needs nothing but python-xlib.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from typing import Any


def main() -> None:
    """Show the window until killed."""
    sys.path.pop(0)  # this folder's names must not hide the library's
    from Xlib import X, display

    x = display.Display()
    screen = x.screen()
    size = (screen.width_in_pixels, screen.height_in_pixels)
    mask = X.ButtonPressMask | X.KeyPressMask
    window = screen.root.create_window(
        0, 0, *size, 0, screen.root_depth, background_pixel=screen.white_pixel, override_redirect=True, event_mask=mask
    )
    window.map()
    window.set_input_focus(X.RevertToParent, X.CurrentTime)
    x.sync()
    listeners: list[socket.socket] = []
    threading.Thread(target=_serve, args=(int(sys.argv[1]), listeners), daemon=True).start()
    while True:
        event: Any = x.next_event()
        at = time.monotonic()
        if event.type in (X.ButtonPress, X.KeyPress):
            kind = "button" if event.type == X.ButtonPress else "key"
            for listener in list(listeners):
                try:
                    listener.sendall(f"event {at:.6f} {kind}\n".encode())
                except OSError:  # it only wanted to know whether somebody is here
                    listeners.remove(listener)


def _serve(port: int, listeners: list[socket.socket]) -> None:
    server = socket.create_server(("0.0.0.0", port))
    while True:
        client, _ = server.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listeners.append(client)
        threading.Thread(target=_clock, args=(client,), daemon=True).start()


def _clock(client: socket.socket) -> None:
    while client.recv(64):
        client.sendall(f"clock {time.monotonic():.6f}\n".encode())


if __name__ == "__main__":
    main()
