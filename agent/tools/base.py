"""What a tool is, and what it may touch."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, cast

from agent.errors import ToolFault
from agent.recorder import Recorder
from agent.values import FunctionCall

Arguments: TypeAlias = Mapping[str, Any]


class Listening(Protocol):
    """Hears what the user answers."""

    async def answer_to(self, question: str, timeout: float) -> str:
        """The user's answer to a question that was asked.

        Raises:
            Stop: nobody answered in time, or the user stopped the session.
            ToolFault: they said something else instead.
        """
        ...


@dataclass(frozen=True)
class Context:
    """What a tool works with.

    Attributes:
        call: id of the model's call.
        patience: seconds that a question to the user waits.
    """

    recorder: Recorder
    user: Listening
    call: str
    patience: float


@dataclass(frozen=True)
class Tool:
    """A function that the model may call.

    Attributes:
        parameters: JSON Schema of each argument; all of them are required.
        run: carries the call out and returns the reply; `ToolFault` is told to the model.
    """

    name: str
    description: str
    parameters: Mapping[str, Mapping[str, Any]]
    run: Callable[[Arguments, Context], Awaitable[str]]

    @property
    def schema(self) -> dict[str, Any]:
        """The tool as OpenAI's strict functions are described."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "strict": True,
            "parameters": {
                "type": "object",
                "properties": {name: dict(schema) for name, schema in self.parameters.items()},
                "required": list(self.parameters),
                "additionalProperties": False,
            },
        }

    async def call(self, call: FunctionCall, context: Context) -> str:
        """The reply to a call, whatever the model wrote into it."""
        try:
            return await self.run(_read(call.arguments, self.parameters), context)
        except ToolFault as fault:
            return str(fault)


def _read(text: str, parameters: Mapping[str, Any]) -> Arguments:
    try:
        arguments = json.loads(text)
    except ValueError as error:
        raise ToolFault(f"The arguments are no JSON: {error}.") from None
    if not isinstance(arguments, dict):
        raise ToolFault("The arguments must be a JSON object.")
    if missing := [name for name in parameters if name not in arguments]:
        raise ToolFault(f"The arguments lack {', '.join(missing)}.")
    return cast("Arguments", arguments)


def text_of(value: object, name: str, most: int = 10_000) -> str:
    """An argument that must be text."""
    if not isinstance(value, str) or not value.strip():
        raise ToolFault(f"{name} must be a text that is not empty.")
    if len(value) > most:
        raise ToolFault(f"{name} has {len(value)} characters; at most {most} fit.")
    return value.strip()
