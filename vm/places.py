"""Places to work, as users name them: which there are, whether one can be had, and how to open it.

here                  the user's own desktop
desktop[:IMAGE]       a private desktop, with the host's programs or those of an image
vm[:IMAGE|FILE.qcow2] a virtual machine of an image of `deskhand vm build`, or of somebody else's disk
osworld:HOST:PORT     a machine that runs already and speaks the interface of OSWorld's guest server
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from agent.errors import UserFault
from vm.senses import AS_USUAL, SenseOptions

if TYPE_CHECKING:
    from agent.ports import Computer

Kind: TypeAlias = Literal["here", "desktop", "vm", "osworld"]
KINDS: tuple[Kind, ...] = ("desktop", "here", "vm", "osworld")
FORMS = "here, desktop, desktop:IMAGE, vm, vm:IMAGE, vm:FILE.qcow2 or osworld:HOST:PORT"
DESKTOP_SIZE, VM_SIZE = (1440, 900), (1920, 1080)  # pixels of their screens, where nobody names others
_ADDRESS = re.compile(r"(?P<host>[^\s:/]+|\[[0-9A-Fa-f:]+\]):(?P<port>\d{1,5})")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Place:
    """A computer to be worked on.

    Attributes:
        kind: what it is.
        name: of the image or of the disk's file, or HOST:PORT; "" where there is no choice.
    """

    kind: Kind
    name: str = ""

    @property
    def disk(self) -> Path | None:
        """Somebody else's disk, in place of an image of ours."""
        return Path(self.name) if self.kind == "vm" and self.name.endswith(".qcow2") else None

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a computer shall be like; what makes no sense for a kind of it is ignored.

    Attributes:
        size: of its screen in pixels; None for the place's usual one.
        workspace: the folder of the task, which is kept.
        network: whether its programs reach other machines; None for what is usual there: yes on a desktop, no in a
            virtual machine.
        senses: how it is seen and touched.
        say: told what takes long.
        opens: what is going to be opened on it: files that are named there are seen, wherever they are.
        share: other files and folders of the user that its programs see and may change.
    """

    workspace: Path
    size: tuple[int, int] | None = None
    network: bool | None = None
    senses: SenseOptions = AS_USUAL
    say: Callable[[str], object] = field(default=lambda _: None)
    opens: tuple[str, ...] = ()
    share: tuple[Path, ...] = ()


def parse_place(text: str) -> Place:
    """A place as the user names it.

    Raises:
        ValueError: it names none.
    """
    word, colon, name = text.partition(":")
    if word not in KINDS or (colon and not name) or (word == "here" and name):
        raise ValueError(f"{text!r} is no computer; it must be {FORMS}")
    place = Place(word, str(Path(name).expanduser().absolute()) if name.endswith(".qcow2") else name)
    if place.kind == "osworld":
        host_and_port(place)
    elif name and place.disk is None and not _IMAGE.fullmatch(name):
        raise ValueError(f"{name!r} is no name of an image; `deskhand vm list` shows them")
    return place


def host_and_port(place: Place) -> tuple[str, int]:
    """Of a machine that runs already.

    Raises:
        ValueError: it has none.
    """
    found = _ADDRESS.fullmatch(place.name)
    if not found or not 0 < int(found["port"]) < 65536:
        raise ValueError(f"{str(place)!r} is not osworld:HOST:PORT, like osworld:127.0.0.1:5000")
    return found["host"].strip("[]"), int(found["port"])


def usual_size(place: Place) -> tuple[int, int] | None:
    """Of the screen in pixels, where nobody names one; None for a screen that is as it is."""
    return {"desktop": DESKTOP_SIZE, "vm": VM_SIZE}.get(place.kind) if place.disk is None else None


def folder_inside(place: Place, workspace: Path) -> str:
    """What the task's folder is called by programs there."""
    if place.kind in ("here", "desktop"):
        return str(workspace)
    return "~/Documents" if place.kind == "osworld" or place.disk else "/home/user/Documents"


def names_of_folder(place: Place) -> tuple[str, ...]:
    """What the task's folder may be called by who looks at that computer."""
    match place.kind:
        case "here":
            return ()
        case "desktop":
            return ("~/Documents", "~/Desktop", "~/Downloads")
        case "vm" | "osworld":
            return ("~/Documents", "/home/user/Documents")


def check_place(place: Place, monitor: int = 0) -> None:
    """Whether such a computer can be had, before a session is made for it. Quick.

    Raises:
        UserFault: it cannot; says why, and what would help.
    """
    match place.kind:
        case "here":
            from vm.here import check_here

            check_here(monitor=monitor)
        case "desktop":
            from vm.desktop import check_desktop

            check_desktop(place.name or None)
        case "vm":
            from vm.remote import check_vm

            check_vm(place.disk or place.name or None)
        case "osworld":
            from vm.osworld_computer import check_osworld

            check_osworld(*host_and_port(place))


async def open_place(place: Place, wishes: Wishes) -> Computer:
    """Make it ready for work.

    Raises:
        UserFault: it cannot be had; says why, and what would help.
    """
    match place.kind:
        case "here":
            from vm.here import open_here

            return await open_here(options=wishes.senses)
        case "desktop":
            return await _open_desktop(place, wishes)
        case "vm":
            return await _open_vm(place, wishes)
        case "osworld":
            from vm.osworld_computer import open_osworld

            host, port = host_and_port(place)
            return await open_osworld(host, port, workspace=wishes.workspace, options=wishes.senses, say=wishes.say)


def place_of(computer: str) -> Place:
    """The place that a journal names.

    Raises:
        UserFault: this version knows no such place.
    """
    try:
        return parse_place(computer)
    except ValueError as error:
        raise UserFault(str(error)) from None


async def _open_desktop(place: Place, wishes: Wishes) -> Computer:
    from vm.desktop import open_desktop

    return await open_desktop(
        wishes.size or DESKTOP_SIZE,
        workspace=wishes.workspace,
        options=wishes.senses,
        image=place.name or None,
        network=wishes.network is not False,
        opens=wishes.opens,
        shared=wishes.share,
        say=wishes.say,
    )


async def _open_vm(place: Place, wishes: Wishes) -> Computer:
    from vm.remote import open_vm

    return await open_vm(
        place.disk or place.name or None,
        size=wishes.size,
        workspace=wishes.workspace,
        network=bool(wishes.network),
        options=wishes.senses,
        say=wishes.say,
    )
