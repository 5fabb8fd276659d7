"""`deskhand serve`: the page from which many sessions are directed and watched."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from agent.session import data_home
from ui.service.running import Service, open_browser, the_only_one, wait_for_service


def serve(flags: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C; where it is served already, say where."""
    home, opened = data_home(), _at_a_screen() and not flags.json if flags.open is None else flags.open
    with the_only_one(home) as ours:
        if ours:
            from ui.server import serve as run  # takes most of a second

            run(home, port=flags.port or 0, said=lambda service: _said(home, service, flags, opened=opened))
        else:
            _said(home, wait_for_service(home), flags, opened=opened)
    return 0


def _said(home: Path, service: Service, flags: argparse.Namespace, *, opened: bool) -> None:
    _say(service, as_json=flags.json)
    if opened and not open_browser(home, service.address):
        print("deskhand: no browser could be opened; open the address above yourself", file=sys.stderr)


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
