"""A notification daemon that shows nothing and logs what it is asked.

/usr/bin/python3 notifications.py LOG CAPABILITY…    run by the system's Python, which has GLib's D-Bus

As a module: a private session bus, and the daemon on it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAME = "org.freedesktop.Notifications"
INTERFACE = f"""
<node><interface name="{NAME}">
 <method name="GetCapabilities"><arg type="as" direction="out"/></method>
 <method name="GetServerInformation"><arg type="s" direction="out"/><arg type="s" direction="out"/>
  <arg type="s" direction="out"/><arg type="s" direction="out"/></method>
 <method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
  <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
  <arg type="a{{sv}}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
 <method name="CloseNotification"><arg type="u" direction="in"/></method>
</interface></node>
"""


class Daemon:
    """A running daemon, as a test sees it."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process, self._log = process, log

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What it was asked to show and to close, in order."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def end(self) -> None:
        """It goes away, as daemons do at the end of a desktop session."""
        self._process.kill()
        self._process.wait()


@contextmanager
def session_bus(folder: Path) -> Generator[str]:
    """A private bus with nobody on it. Yields its address."""
    address = f"unix:path={folder / 'bus'}"
    words = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address", f"--address={address}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as bus:
        try:
            assert bus.stdout and bus.stdout.readline()
            yield address
        finally:
            bus.terminate()


@contextmanager
def notification_daemon(address: str, log: Path, *capabilities: str) -> Generator[Daemon]:
    """A daemon on a bus."""
    log.touch()
    words = ["/usr/bin/python3", __file__, str(log), *capabilities]
    environment = {"DBUS_SESSION_BUS_ADDRESS": address}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout and process.stdout.readline() == b"ready\n"
            yield Daemon(process, log)
        finally:
            process.kill()


def main() -> None:
    """Answer until killed."""
    from gi.repository import Gio, GLib  # pyright: ignore

    log, capabilities = Path(sys.argv[1]), sys.argv[2:]
    shown = [0]

    def answer(call: Any, method: str, values: Any) -> None:
        given = values.unpack()
        if method == "GetCapabilities":
            call.return_value(GLib.Variant("(as)", (capabilities,)))  # pyright: ignore
            return
        if method == "GetServerInformation":
            call.return_value(GLib.Variant("(ssss)", ("Nowhere", "nobody", "1", "1.2")))  # pyright: ignore
            return
        if method == "Notify":
            keys = ("app", "replaces", "icon", "title", "text", "actions", "hints", "lasts")
            shown[0] += not given[1]
            line = {"do": "show", "id": given[1] or shown[0], **dict(zip(keys, given, strict=True))}
            reply = GLib.Variant("(u)", (line["id"],))  # pyright: ignore
        else:
            line, reply = {"do": "close", "id": given[0]}, None
        with log.open("a") as file:
            file.write(json.dumps(line) + "\n")
        call.return_value(reply)

    def called(_c: Any, _s: str, _p: str, _i: str, method: str, values: Any, call: Any) -> None:
        answer(call, method, values)

    def acquired(connection: Any, _name: str) -> None:
        [interface] = Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces  # pyright: ignore
        connection.register_object("/org/freedesktop/Notifications", interface, called, None, None)

    def named(_connection: Any, _name: str) -> None:
        print("ready", flush=True)

    Gio.bus_own_name(Gio.BusType.SESSION, NAME, Gio.BusNameOwnerFlags.NONE, acquired, named, None)  # pyright: ignore
    GLib.MainLoop().run()  # pyright: ignore


if __name__ == "__main__":
    main()
