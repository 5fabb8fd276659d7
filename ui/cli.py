"""The `deskhand` command: parse, dispatch, and one clear line for whatever goes wrong."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from agent.errors import UserFault
from ui.parser import make_parser, parse

MODULES = {
    "demo": "ui.commands.demo",
    "run": "ui.commands.run",
    "resume": "ui.commands.resume",
    "tell": "ui.commands.steer",
    "pause": "ui.commands.steer",
    "stop": "ui.commands.steer",
    "approve": "ui.commands.steer",
    "deny": "ui.commands.steer",
    "answer": "ui.commands.steer",
    "take": "ui.commands.steer",
    "overlay": "ui.commands.overlay",
    "memory": "ui.commands.memory",
    "sessions": "ui.commands.sessions",
    "show": "ui.commands.show",
    "replay": "ui.commands.replay",
    "report": "ui.commands.report",
    "look": "ui.commands.look",
    "serve": "ui.commands.serve",
    "vm": "ui.commands.vm",
    "doctor": "ui.commands.doctor",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    flags = parse(arguments)
    if flags.version:
        from importlib.metadata import version

        print(version("deskhand"))
        return 0
    if flags.command is None:
        make_parser().print_help()
        return 2
    return _guarded(flags)


def _guarded(flags: argparse.Namespace) -> int:
    try:
        status = int(getattr(importlib.import_module(MODULES[flags.command]), flags.command)(flags))
        if sys.stdout:  # else Python does it when nobody can catch what goes wrong
            sys.stdout.flush()
        return status
    except UserFault as fault:
        _complain(str(fault))
        return fault.exit_status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone; say no more
        return 1
    except Exception as bug:
        _complain(f"a bug in deskhand: {type(bug).__name__}: {bug}; details for its developers {_kept()}")
        return 1


def _complain(message: str) -> None:
    """One line, whatever is in it."""
    print(f"deskhand: {' '.join(message.split())}", file=sys.stderr)


def _kept() -> str:
    """Write down the traceback of the present exception, for this user's eyes only, and say where it is."""
    import tempfile

    from agent.session import data_home

    for folder in (data_home(), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd, path = tempfile.mkstemp(".txt", time.strftime("bug-%Y%m%d-%H%M%S-"), folder, text=True)
        except OSError:
            continue
        with open(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(traceback.format_exc())
        return f"are in {path}"
    return "could not be written anywhere"


if __name__ == "__main__":
    sys.exit(main())
