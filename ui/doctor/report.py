"""What a check says, and the words that several of them use."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["ok", "failed", "skipped"]
Place: TypeAlias = Literal["desktop", "here"]
PLACES: tuple[Place, ...] = ("desktop", "here")


@dataclass(frozen=True, slots=True)
class MonitorError:
    """How well the marks of the test card on one monitor were hit.

    Attributes:
        monitor: its number, 1 for the first.
        name: what the system calls it, or "".
        left: with `top`, `width` and `height` where it is, in the units in which the pointer moves.
        scale: units of the screen for each pixel of the picture that a model is sent.
        marks: how many there are on the card.
        clicked: how many of them got the click that was meant for them.
        error: pixels that the worst click was off, across or down; None where none arrived.
    """

    monitor: int
    name: str
    left: int
    top: int
    width: int
    height: int
    scale: float
    marks: int
    clicked: int
    error: int | None


@dataclass(frozen=True, slots=True)
class Check:
    """What one check has found.

    Attributes:
        status: ok; failed; or skipped: not needed, not there to be tried, or never tried on this system.
        cure: the command that mends it; "" where nothing is to be mended.
        blocks: where no task can be done because of this.
        monitor: of a test card, how well it was hit.
    """

    name: str
    status: Status
    detail: str
    cure: str = ""
    blocks: tuple[Place, ...] = ()
    monitor: MonitorError | None = None


def install(packages: str) -> str:
    """The command that installs Debian packages; elsewhere, their names."""
    if not Path("/etc/debian_version").exists():
        return f"install what Debian calls {packages}"
    return f"{'' if _is_root() else 'sudo '}apt-get install {packages}"


def command(text: str) -> str:
    """The command in a sentence that quotes one."""
    parts = text.split("`")
    return parts[1] if len(parts) > 1 else text


def is_wayland() -> bool:
    """Whether the user sits at a desktop that lets no program see or drive others."""
    return bool(os.environ.get("WAYLAND_DISPLAY")) or os.environ.get("XDG_SESSION_TYPE") == "wayland"


def system() -> str:
    """The name of this system."""
    return {"win32": "Windows", "darwin": "macOS"}.get(sys.platform, sys.platform)


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0
