"""What is done for the model: looks, actions, tools, and what they leave."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Literal

from agent.values import Form, ImageRef, Note, PlanStep, SafetyCheck, Word


@dataclass(frozen=True, slots=True)
class ScreenshotTaken:
    """The eyes looked. `region` is the part of the screen (left, top, width, height) that the image shows."""

    image: ImageRef
    region: tuple[int, int, int, int]
    settled: bool
    changed: float
    seconds: float
    moving: tuple[int, int, int, int] | None = None
    type: Literal["screenshot.taken"] = "screenshot.taken"


@dataclass(frozen=True, slots=True)
class NoteAdded:
    """Deskhand tells the model something: a fault, a warning, what became of an action."""

    text: str
    image: ImageRef | None = None
    type: Literal["note.added"] = "note.added"


@dataclass(frozen=True, slots=True)
class ActionStarted:
    """An action is about to be carried out. On disk before the input is sent, so that it is sent at most once.

    `words` says it for people, with the name of what it reaches where the program tells.
    """

    turn: int
    call: str
    index: int
    action: dict[str, Any]
    words: str = ""
    type: Literal["action.started"] = "action.started"


@dataclass(frozen=True, slots=True)
class ActionDone:
    """An action was carried out, or failed with `error`."""

    turn: int
    call: str
    index: int
    seconds: float
    error: str = ""
    type: Literal["action.done"] = "action.done"


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool is about to be used. On disk before anything of it is done; `words` says it for people.

    One that only `looks` can be used again after an interruption.
    """

    turn: int
    call: str
    name: str
    words: str
    looks: bool = False
    type: Literal["tool.started"] = "tool.started"


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The reply to a call: a screenshot for screen calls, text for tools, and `images` that they show.

    A provider's own `shell` call is answered in `parts`, what each command has printed, in place of the text; `echo` is
    what the reply repeats of the call. `failed`: nothing of it was done.
    """

    call: str
    kind: Literal["screen", "function"]
    image: ImageRef | None = None
    text: str = ""
    acknowledged: tuple[SafetyCheck, ...] = ()
    images: tuple[ImageRef, ...] = ()
    parts: tuple[Word, ...] = ()
    form: Form = "function"
    echo: Word | None = None
    failed: bool = False
    type: Literal["call.answered"] = "call.answered"

    @property
    def words(self) -> str:
        """The reply of a tool as people read it."""
        return self.text or printed(self.parts)


@dataclass(frozen=True, slots=True)
class WaitingStarted:
    """The model waits for what goes on by itself, a command for one; it is asked again when there is news of it."""

    what: tuple[str, ...]
    type: Literal["waiting.started"] = "waiting.started"


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """The model's plan as it now is, all of it."""

    steps: tuple[PlanStep, ...]
    type: Literal["plan.changed"] = "plan.changed"


@dataclass(frozen=True, slots=True)
class MemoryChanged:
    """The notes that the model keeps of this session, as they now are, all of them."""

    notes: tuple[Note, ...]
    type: Literal["memory.changed"] = "memory.changed"


@dataclass(frozen=True, slots=True)
class FileMade:
    """The task produced a file."""

    path: str
    bytes: int
    type: Literal["file.made"] = "file.made"


def printed(parts: Iterable[Word], heads: Iterable[str] = ()) -> str:
    """What commands have printed and how they ended, as text: each below its head, where there are heads.

    Args:
        parts: see `CallAnswered`: `stdout`, and `outcome`, which may have an `exit_code`.
    """
    said: list[str] = []
    for part, head in zip(parts, heads or repeat(""), strict=False):
        outcome: Word = part["outcome"]
        end = f"[exit {outcome['exit_code']}]" if outcome["type"] == "exit" else ""
        said += [line for line in (head, part["stdout"], end) if line]
    return "\n".join(said)
