"""`deskhand memory`: what is remembered from one session to the next."""

from __future__ import annotations

import argparse
import json

from agent import memory as kept
from agent.errors import UserFault
from agent.session import data_home
from ui.summary import printable, tolerate_encoding


def memory(flags: argparse.Namespace) -> int:
    """List the notes, forget one, or say where they are."""
    tolerate_encoding()
    match flags.verb:
        case "forget":
            _forget(flags.number)
        case "path":
            print(kept.file_of(data_home()))
        case _:
            _list(as_json=flags.json)
    return 0


def _list(*, as_json: bool) -> None:
    notes = kept.read(data_home())
    if as_json:
        print(json.dumps(notes))
        return
    for number, note in enumerate(notes, 1):
        print(f"{number:3}  {printable(note)}")
    if not notes:
        print("Nothing is remembered. A session asks you before it keeps something for later ones.")


def _forget(number: int) -> None:
    gone: list[str] = []

    def without(notes: list[str]) -> list[str]:
        if number > len(notes):
            raise UserFault(f"there is no note {number}; `deskhand memory` lists {len(notes)}")
        gone.append(notes.pop(number - 1))
        return notes

    kept.change(data_home(), without)
    print(f"Forgotten: {printable(gone[0])}")
