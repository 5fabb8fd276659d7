"""`deskhand serve`: the page from which many sessions are directed and watched."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from agent.session import data_home

if TYPE_CHECKING:
    from ui.service.running import Service


def serve(flags: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C; where it is served already, say where."""
    from ui.server import serve as run

    opened = _at_a_screen() and not flags.json if flags.open is None else flags.open
    run(data_home(), port=flags.port or 0, said=lambda service: _say(service, as_json=flags.json), opened=opened)
    return 0


def _say(service: Service, *, as_json: bool) -> None:
    """The address is the first line on standard output, for people and programs alike."""
    if as_json:
        print(json.dumps({"url": service.url, "token": service.token, "pid": service.pid}), flush=True)
        return
    print(service.address, flush=True)
    if service.pid == os.getpid():
        print("The page is at this address, for you only. Ctrl-C ends it; sessions go on without it.", file=sys.stderr)
    else:
        print(f"It is served already, by process {service.pid}.", file=sys.stderr)


def _at_a_screen() -> bool:
    """Whether somebody sits there who would see a browser."""
    graphical = sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(graphical) and sys.stdout.isatty()
