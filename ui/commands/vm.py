"""`deskhand vm`: images, and machines that are kept running."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from agent.errors import UserFault


def vm(flags: argparse.Namespace) -> int:
    """Do what the second word says."""
    return _VERBS[flags.verb](flags)


def _build(flags: argparse.Namespace) -> int:
    from vm.image.build import build_image

    image = build_image(flags.image, say=_say, archive=flags.archive, like=flags.like)
    print(image.folder)
    return 0


def _start(flags: argparse.Namespace) -> int:
    from ui.machines import addresses, as_json
    from vm.keeper import start_keeper

    kept = start_keeper(
        flags.image,
        name=flags.name,
        state=flags.state,
        network=bool(flags.network),
        ports=dict(flags.port or ()),
        size=flags.size,
        say=_say,
    )
    if flags.json:
        print(json.dumps(as_json(kept)))
        return 0
    print(kept.name)
    for line in addresses(kept):
        print(f"  {line}")
    print("  the interface of OSWorld's server is open on these ports to every user of this computer", file=sys.stderr)
    return 0


def _stop(flags: argparse.Namespace) -> int:
    from vm.keeper import machines, stop_machine

    if not flags.name and not flags.all:
        raise UserFault("which machine? `deskhand vm list` shows them; --all stops every one")
    names = [kept.name for kept in machines()] if flags.all else [flags.name]
    for name in names:
        stop_machine(name)
    return 0


def _list(flags: argparse.Namespace) -> int:
    from ui.machines import describe

    told = describe()
    if flags.json:
        print(json.dumps(told.as_json()))
        return 0
    for line in told.lines():
        print(line)
    return 0


def _shot(flags: argparse.Namespace) -> int:
    from vm.keeper import shot

    picture = shot(flags.name)
    path = Path(flags.output or f"{flags.name}.png").expanduser()
    try:
        path.write_bytes(picture)
    except OSError as error:
        raise UserFault(f"{path} cannot be written: {error.strerror}; choose another place with -o") from None
    print(path)
    return 0


def _shell(flags: argparse.Namespace) -> int:
    from ui.vm_shell import console_session, run_there

    if flags.words:
        return run_there(flags.name, flags.words)
    return console_session(flags.name)


def _remove(flags: argparse.Namespace) -> int:
    from vm.image.store import remove_image

    print(f"{remove_image(flags.image) / 1e6:.0f} MB freed")
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


_VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "build": _build,
    "start": _start,
    "stop": _stop,
    "list": _list,
    "shot": _shot,
    "shell": _shell,
    "remove": _remove,
}
