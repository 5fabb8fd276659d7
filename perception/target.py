"""What an action would reach, in the words of its program."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """The thing under the pointer, or the one that gets the keys; "" for what nobody tells.

    Attributes:
        role: what it is, in the words of AT-SPI on every system: "push button", "entry", "menu item", …
        name: what its user calls it, mostly what is written on it.
        window: the title of the window that it is in.
        application: the program's name.
    """

    role: str = ""
    name: str = ""
    window: str = ""
    application: str = ""
