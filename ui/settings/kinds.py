"""From the text of a flag or a setting to its value: a function for each kind, and one line for what makes no sense."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

TOOL_NAMES = (
    *("shell", "apply_patch", "files", "inspect", "render", "spreadsheet", "slides", "document", "pdf"),
    *("remember", "skill"),
)
LEAST_CONTEXT = 40_000  # tokens: instructions and tools take about half of that
MONITORS = 99  # nobody has more
SIDES = range(320, 7681)  # pixels of a private desktop's screen


def tool_names(text: str) -> tuple[str, ...]:
    """Tools beside the screen, as the user names them.

    Raises:
        ValueError: there is no such tool.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if names == ("none",):
        return ()
    if unknown := [name for name in names if name not in TOOL_NAMES]:
        raise argparse.ArgumentTypeError(f"there is no tool {unknown[0]!r}; there are {', '.join(TOOL_NAMES)}, or none")
    return names


def server_names(text: str) -> tuple[str, ...]:
    """Names of MCP servers, separated by commas; "off" is none of them."""
    return () if text == "off" else tuple(name.strip() for name in text.split(",") if name.strip())


def parse_size(text: str) -> tuple[int, int]:
    """WIDTHxHEIGHT in pixels."""
    try:
        width, height = (int(part) for part in text.lower().replace("×", "x").split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"the size {text!r} is not WIDTHxHEIGHT, like 1440x900") from None
    if width not in SIDES or height not in SIDES:
        raise argparse.ArgumentTypeError(
            f"the size {text} is out of range; each side has {SIDES[0]} to {SIDES[-1]} pixels"
        )
    return width, height


def shared_paths(text: str) -> tuple[Path, ...]:
    """Files and folders that are there, separated as in PATH."""
    paths = tuple(Path(one).expanduser().absolute() for one in text.split(os.pathsep) if one)
    if missing := [path for path in paths if not path.exists()]:
        raise argparse.ArgumentTypeError(f"there is no {missing[0]}")
    return paths


def monitor_number(text: str) -> int:
    """0 for all monitors together, 1 for the first one, and so on."""
    if not text.isascii() or not text.isdigit() or int(text) > MONITORS:
        raise argparse.ArgumentTypeError(f"{text!r} is no monitor; `deskhand doctor` numbers them, 0 means all")
    return int(text)


def chord(text: str) -> str:
    """Keys that are pressed together, like "ctrl+escape"."""
    from actuators.errors import InvalidAction
    from actuators.keys import parse_chord

    try:
        parse_chord(text)
    except InvalidAction as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def positive_int(text: str) -> int:
    """A whole number above zero."""
    return int(_positive(text, int))


def positive(text: str) -> float:
    """A number above zero."""
    return _positive(text, float)


def context_tokens(text: str) -> int:
    """Tokens of a conversation: fewer would leave no room to work in."""
    if (tokens := positive_int(text)) < LEAST_CONTEXT:
        raise argparse.ArgumentTypeError(f"{tokens} tokens leave no room to work in; at least {LEAST_CONTEXT}")
    return tokens


def one_of(*choices: str) -> Callable[[str], str]:
    """A reader of texts that are one of these."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"it must be one of {', '.join(choices)}")
        return text

    return parse


def address(text: str) -> str:
    """The address of a service."""
    if not text.startswith(("http://", "https://")):
        raise ValueError("it must begin with http:// or https://")
    return text


def expanded(text: str) -> Path:
    """A file or folder, `~` included."""
    return Path(text).expanduser()


def switch(text: str) -> bool:
    """ "on" or "off"."""
    return one_of("on", "off")(text) == "on"


approve = one_of("ask", "never", "always")


def computer_name(text: str) -> str:
    """A computer as `vm.places` knows them; files get their whole path."""
    from vm.places import parse_place

    try:
        return str(parse_place(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str, kind: Callable[[str], float]) -> float:
    try:
        number = kind(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a {'whole ' if kind is int else ''}number above zero")
    return number
