"""What a tool is, and what it may touch."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, cast

from agent.errors import ToolFault
from agent.policy import Use
from agent.recorder import Recorder
from agent.tools.folder import Folder
from agent.tools.news import News
from agent.tools.ports import Files, LiveOffice, Programs
from agent.tools.shared import DEFINITIONS
from agent.values import FunctionCall, Word

Arguments: TypeAlias = Mapping[str, Any]


class Listening(Protocol):
    """Hears what the user says."""

    async def answer_to(self, question: str, timeout: float) -> str:
        """The user's answer to a question that was asked.

        Raises:
            Stop: nobody answered in time, or the user stopped the session.
            ToolFault: they said something else instead.
        """
        ...

    async def word(self) -> None:
        """Return once the user has said something that the model must hear: a correction, a pause, a take-over."""
        ...


@dataclass(frozen=True)
class Room:
    """What the tools of one session share.

    Attributes:
        folder: the task's folder, on this machine.
        files: keeps it the same as on the agent's computer.
        programs: runs their programs.
        live: documents that are open on the agent's computer; None where there is no way to them.
        news: for what happens while the model does something else.
        closing: ended with the session; tools put in what they have to end.
    """

    folder: Folder
    programs: Programs
    files: Files | None = None
    live: LiveOffice | None = None
    news: News = field(default_factory=News)
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)


@dataclass(frozen=True)
class Context:
    """What one call of a tool works with.

    Attributes:
        call: id of the model's call.
        patience: seconds that a question to the user waits.
    """

    recorder: Recorder
    user: Listening
    call: str
    patience: float


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture for the model to look at: `data` is a PNG, WebP or JPEG; width and height in pixels."""

    data: bytes
    width: int
    height: int
    media_type: str = "image/png"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a tool answers.

    Attributes:
        text: for the model.
        pictures: which it looks at besides.
        parts: of a call of OpenAI's `shell`: one `{"stdout", "stderr", "outcome"}` a command.
        failed: nothing was done; only OpenAI's `apply_patch` has a place for it.
    """

    text: str
    pictures: tuple[Picture, ...] = ()
    parts: tuple[Word, ...] = ()
    failed: bool = False


def _plain_use(_: Arguments) -> Use | None:
    return Use()


def _no_words(_: Arguments) -> str:
    return ""


@dataclass(frozen=True)
class Tool:
    """A function that the model may call.

    Attributes:
        parameters: JSON Schema of each argument. All of them are required, what may be left out is nullable.
        run: carries the call out and returns the reply; `ToolFault` is told to the model.
        builtin: the type of OpenAI's own tool that this one stands for, where that is offered in its place.
        schema_of: the whole JSON Schema in place of `parameters`, for tools that are not ours; then it is not strict.
        in_words: says a call for people, in one line: "edit budget.xlsx: 3 changes".
        use: what the rules of approval are told of a call, where that is more than its name and arguments; None for
            one that cannot be carried out anyway.
        reads_only: calls that only look and can be carried out beside each other.
        own_event: what it does has an event of its own, so that `tool.started` need not tell it.
        touches_files: the task's folder is read or written, so that it must be the same in all places.
        definitions: what the parameters refer to, as `#/$defs/NAME`.
    """

    name: str
    description: str
    parameters: Mapping[str, Mapping[str, Any]]
    run: Callable[[Arguments, Context], Awaitable[str | Reply]]
    builtin: Literal["", "shell", "apply_patch"] = ""
    schema_of: Mapping[str, Any] | None = None
    in_words: Callable[[Arguments], str] = _no_words
    use: Callable[[Arguments], Use | None] = _plain_use
    reads_only: bool = False
    own_event: bool = False
    touches_files: bool = False
    definitions: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def offer(self) -> Word:
        """The tool as the journal keeps it, and as models are told of it in their own ways."""
        offer: Word = {"name": self.name, "description": self.description, "parameters": self._schema()}
        offer["strict"] = self.schema_of is None
        return offer | ({"builtin": self.builtin} if self.builtin else {})

    def _schema(self) -> Word:
        if self.schema_of is not None:
            return dict(self.schema_of)
        schema: Word = {
            "type": "object",
            "properties": {name: dict(schema) for name, schema in self.parameters.items()},
            "required": list(self.parameters),
            "additionalProperties": False,
        }
        return schema | ({DEFINITIONS: dict(self.definitions)} if self.definitions else {})

    def read(self, call: FunctionCall) -> Arguments:
        """The arguments of a call.

        Raises:
            ToolFault: what the model wrote is none.
        """
        return _read(call.arguments, self.parameters)


def _read(text: str, parameters: Mapping[str, Any]) -> Arguments:
    try:
        arguments = json.loads(text or "{}")
    except ValueError as error:
        raise ToolFault(f"The arguments are no JSON: {error}.") from None
    if not isinstance(arguments, dict):
        raise ToolFault("The arguments must be a JSON object.")
    if missing := [name for name in parameters if name not in arguments and not _may_be_null(parameters[name])]:
        raise ToolFault(f"The arguments lack {', '.join(missing)}.")
    return cast("Arguments", dict.fromkeys(parameters) | arguments)


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type")
    return (isinstance(kinds, list) and "null" in kinds) or {"type": "null"} in schema.get("anyOf", ())


def text_of(value: object, name: str, most: int = 10_000) -> str:
    """An argument that must be text."""
    if not isinstance(value, str) or not value.strip():
        raise ToolFault(f"{name} must be a text that is not empty.")
    if len(value) > most:
        raise ToolFault(f"{name} has {len(value)} characters; at most {most} fit.")
    return value.strip()
