"""An action in words, for people: `click "Save" (push button) in "Save As"`."""

from __future__ import annotations

from actuators.actions import Action, Click, Drag, Keypress, Type, describe
from perception.target import Target

TITLE = 80  # characters of a window's title that are said
TEXT = 500  # characters of typed text


def in_words(action: Action, target: Target | None, *, most: int = TEXT) -> str:
    """What is about to be done, and to what, as far as the program tells; of typed text `most` characters."""
    if target is None:
        return _deed(action, None, most)
    thing = _thing(target)
    where = f' in "{_cut(target.window, TITLE)}"' if target.window else ""
    match action:
        case Type():
            return f"{_deed(action, target, most)}{f' into {thing}' if thing else ''}{where}"
        case Keypress():
            return f"{describe(action)}{f' on {thing}' if thing else ''}{where}"
        case Drag():
            return f"{describe(action)}{f', from {thing}' if thing else ''}{where}"
        case _:
            return f"{_verb(action)} {thing}{where}" if thing else f"{describe(action)}{where}"


def _deed(action: Action, target: Target | None, most: int) -> str:
    if not isinstance(action, Type):
        return describe(action)
    length = len(action.text)
    if target and target.role == "password text":
        return f"type a password of {length} characters"
    return f"type {_cut(action.text, most)!r}" + (f" ({length:,} characters in all)" if length > most else "")


def _verb(action: Action) -> str:
    """ "right click", "Ctrl+double click", "scroll" …: the action without its place."""
    if isinstance(action, Click) and action.button == "wheel":
        return "middle click"
    return describe(action).split(" (")[0]


def _thing(target: Target) -> str:
    role = f" ({target.role})" if target.role and target.name else target.role
    name = f'"{_cut(target.name, TITLE)}"' if target.name else ""
    return f"{name}{role}" if name else (f"the {role}" if role else "")


def _cut(text: str, most: int) -> str:
    line = " ".join(text.split()) if most == TITLE else text
    return line if len(line) <= most else f"{line[: most - 1]}…"
