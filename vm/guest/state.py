"""All that the routes share."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from vm.guest.access import Access
from vm.guest.acting import Acting
from vm.guest.desk import Desk
from vm.guest.fingers import Fingers
from vm.guest.recording import Recorder
from vm.guest.wire import Refused

VERSION = "2"

_T = TypeVar("_T")


@dataclass
class Guest:
    """This machine, as far as the server is concerned.

    Attributes:
        root: socket of the daemon that has root's rights.
        panel: whether the desktop is there only once it has a panel.
    """

    desk: Desk
    access: Access
    root: Path
    panel: bool = True
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.acting = Acting(self.desk)
        self.fingers = Fingers(self.desk, self.acting)
        self.recorder = Recorder(self.desk.display)

    def close(self) -> None:
        """Let go of everything that is pressed, open or running here."""
        self.recorder.close()
        self.desk.close()


def has(program: str) -> bool:
    """Whether a program is installed here."""
    return shutil.which(program) is not None


def number(data: Any, name: str, usual: float, *, least: float = 0.0, most: float) -> float:
    """A number of a request, from its JSON body or its query.

    Raises:
        Refused: it is none, or is out of bounds.
    """
    raw = data.get(name, usual)
    try:
        value = float(raw)
    except (TypeError, ValueError):
        value = float("nan")
    if isinstance(raw, bool) or not least <= value <= most:
        raise Refused(400, "invalid", f"{name} must be a number from {least:g} to {most:g}")
    return value


def text(data: Any, name: str, usual: str | None = None) -> str:
    """A text of a request; `usual` where it is left out.

    Raises:
        Refused: it is none, or is missing and must not be.
    """
    value = data.get(name, usual)
    if not isinstance(value, str):
        raise Refused(400, "invalid", f"{name} must be a text" if name in data else f"{name} is missing")
    return value


def flag(data: Any, name: str, *, usual: bool = False) -> bool:
    """A yes or no of a request, from JSON or a query.

    Raises:
        Refused: it is neither.
    """
    value = data.get(name, usual)
    if isinstance(value, str):
        value = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}.get(
            value.lower(), value
        )
    if value is None:
        return False
    if not isinstance(value, bool):
        raise Refused(400, "invalid", f"{name} must be true or false")
    return value
