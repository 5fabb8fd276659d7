"""`deskhand vm shell`: a machine's console in this terminal, or one command there."""

from __future__ import annotations

import os
import select
import shlex
import socket
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import UserFault

if TYPE_CHECKING:
    from vm.keeper import Kept

LEAVE = b"\x1d"  # Ctrl-], as telnet and virsh have it
COMMAND_SECONDS = 3600.0
SIZE_SECONDS = 10.0
_CHUNK = 65536


def console_session(name: str) -> int:
    """The machine's console until Ctrl-] is pressed; without a terminal, what comes on standard input is a script."""
    if not sys.stdin.isatty():
        return run_there(name, ["sh", "-s"], sys.stdin.read())
    from vm.keeper import console

    place = console(name)
    _tell_size(name)
    print(f"the console of {name}; Ctrl-] leaves it", file=sys.stderr)
    with _connected(place) as line, _raw(sys.stdin.fileno()):
        line.sendall(b"\n")  # so that it shows its prompt
        _relay(line, sys.stdin.fileno(), sys.stdout.fileno())
    print(file=sys.stderr)
    return 0


def run_there(name: str, words: Sequence[str], text: str = "") -> int:
    """Run a command in the machine, with its output here. Its exit status; 124 if it took too long."""
    from vm.guest_client import GuestClient

    with GuestClient(_kept(name).guest) as guest:
        done = guest.execute(list(words), input=text, seconds=COMMAND_SECONDS)
    sys.stdout.write(done.output)
    sys.stderr.write(done.error)
    if done.timed_out:
        raise UserFault(f"{shlex.join(words)} did not end within {COMMAND_SECONDS:.0f} s and was ended")
    return 0 if done.status is None else done.status % 256


def _tell_size(name: str) -> None:
    """A console knows nothing of the window that it is shown in."""
    from vm.guest_client import GuestClient

    columns, rows = os.get_terminal_size(sys.stdin.fileno())
    words = ["stty", "-F", "/dev/hvc0", "rows", str(rows), "cols", str(columns)]
    with suppress(Exception), GuestClient(_kept(name).guest) as guest:  # then it has 80 columns
        guest.execute(words, seconds=SIZE_SECONDS)


def _kept(name: str) -> Kept:
    from vm.keeper import find_machine

    return find_machine(name)


@contextmanager
def _connected(place: Path) -> Generator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(place))
        except OSError as error:
            raise UserFault(f"the machine's console cannot be reached: {error.strerror}") from None
        yield line


@contextmanager
def _raw(terminal: int) -> Generator[None]:
    import termios
    import tty

    before = termios.tcgetattr(terminal)
    try:
        tty.setraw(terminal)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _relay(line: socket.socket, keys: int, screen: int) -> None:
    while True:
        ready, _, _ = select.select([line, keys], [], [])
        if line in ready:
            said = line.recv(_CHUNK)
            if not said:
                return
            os.write(screen, said)
        if keys in ready:
            typed = os.read(keys, _CHUNK)
            head, leave, _ = typed.partition(LEAVE)
            line.sendall(head)
            if leave or not typed:
                return
