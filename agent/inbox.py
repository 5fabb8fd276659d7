"""The inbox: what the user says to a working session, from any process.

One file a word in the session's `inbox/` folder, named in the order of arrival, put there by a rename and removed once
the journal has it. Nothing is lost by a crash, and a word to a session that is not running waits for it.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast, get_args

import anyio

Kind: TypeAlias = Literal["steer", "pause", "resume", "take", "stop", "approve", "deny", "answer"]
POLL = 0.03  # seconds between looks at the folder


@dataclass(frozen=True, slots=True)
class Message:
    """One word of the user.

    Attributes:
        kind: what it asks for.
        text: the correction for `steer`; the reason for `stop`; the answer for `answer`; for `resume` a note of what
            the user did with the computer in their hands.
        target: the approval's id for `approve` and `deny`, the question's for `answer`.
        now: a `steer` that cuts the model's answer short (the interrupt plane) and does not wait for its end.
        by: who says it: "user", or the signal that stopped the process.
        id: unique; also the correction's id in its receipts.
    """

    kind: Kind
    text: str = ""
    target: str = ""
    now: bool = False
    by: str = "user"
    id: str = ""


def post(folder: Path, message: Message) -> str:
    """Put a word into a session's inbox folder and return its id."""
    identity = message.id or uuid.uuid4().hex[:12]
    data = asdict(message) | {"id": identity}
    name = f"{time.time_ns():020d}-{identity}"
    scratch = folder / f".{name}"
    fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(fd, "w", encoding="utf-8") as file:
        json.dump(data, file)
        file.flush()
        os.fsync(file.fileno())
    scratch.rename(folder / f"{name}.json")
    return identity


def drop_commands(folder: Path) -> None:
    """Forget commands that were meant for a process that is gone; corrections stay, to be delivered."""
    inbox = FileInbox(folder)
    for message, path in inbox.take():
        if message.kind != "steer":
            inbox.forget(path)


class FileInbox:
    """The session's side of the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self) -> list[tuple[Message, Path]]:
        """Every word that has come, in order, with the file to `forget` once it is written down.

        A file that is no word of ours is put aside, not obeyed.
        """
        taken: list[tuple[Message, Path]] = []
        for path in (self._folder / name for name in sorted(self._names())):
            try:
                taken.append((_read(path), path))
            except (ValueError, KeyError, TypeError):
                path.rename(path.with_suffix(".unreadable"))
        return taken

    def forget(self, path: Path) -> None:
        """The word is in the journal; its file is not needed any more."""
        path.unlink(missing_ok=True)

    async def wait(self) -> None:
        """Return once there is a word."""
        while not self._names():
            await anyio.sleep(POLL)

    def _names(self) -> list[str]:
        return [name for name in os.listdir(self._folder) if name.endswith(".json")]  # noqa: PTH208 (10 × quicker)


def _read(path: Path) -> Message:
    data = json.loads(path.read_text(encoding="utf-8"))
    return Message(
        kind=_kind(data["kind"]),
        text=str(data.get("text", "")),
        target=str(data.get("target", "")),
        now=bool(data.get("now", False)),
        by=str(data.get("by", "user")),
        id=str(data["id"]),
    )


def _kind(word: object) -> Kind:
    if word not in get_args(Kind):
        raise ValueError(f"{word!r} is no kind of message")
    return cast("Kind", word)
