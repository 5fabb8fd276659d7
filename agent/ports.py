"""The seams of the mind: what the loop needs from the world, and nothing else. Read this file first.

`agent/loop.py` is written against these Protocols. Which model thinks, which place it works in and which face watches
are decided by `ui/`, the composition root.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Protocol

from actuators.actions import Action
from agent.conversation import Request, Streamed
from agent.events import Entry, Event
from agent.inbox import Message
from agent.takeover import Guard
from agent.values import ImageRef
from perception.screenshot import Screenshot, Space
from perception.target import Target


class Computer(Protocol):
    """A place to work: eyes and hands in one. Used by one task at a time."""

    @property
    def kind(self) -> str:
        """`here`, `desktop`, `vm` or `osworld`."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What is worth telling the model about this place, and what it has to do without."""
        ...

    @property
    def guard(self) -> Guard:
        """Notices the user's own hands on this computer: from then on `perform` raises TakenOver."""
        ...

    async def screenshot(self) -> Screenshot:
        """Wait until the screen has settled (up to a cap), and look.

        Raises:
            ScreenLost: there is no screen any more.
        """
        ...

    async def perform(self, action: Action, space: Space) -> None:
        """Carry out one primitive action whose points are pixels of an image of `space`.

        Nothing stays pressed, whatever happens, cancellation included. `Wait` waits for a change; `TakeScreenshot`
        does nothing.

        Raises:
            ActuatorError, PerceptionError: nothing or only a part of it was done; the message says which.
        """
        ...

    async def target(self, action: Action, space: Space) -> Target | None:
        """What an action would reach, as far as programs tell quickly; None for actions that reach nothing."""
        ...

    async def open(self, target: str) -> None:
        """Open a file with its program, or start a command, on this computer."""
        ...

    async def aclose(self) -> None:
        """Release what is held, end what was started, remove what was temporary."""
        ...


class Model(Protocol):
    """Something that looks at a conversation and says what to do; may be `agent.models.window.Windowed`, too."""

    @property
    def name(self) -> str:
        """As the user names it."""
        ...

    def respond(self, request: Request) -> AsyncGenerator[Streamed]:
        """Think: any number of `Thought`s, then one `Answer`. Closing the iterator ends the request.

        Raises:
            Transient: may pass; the same request can be sent again.
            ModelFault: will not pass by itself.
        """
        ...


class Inbox(Protocol):
    """Where the user's words arrive, from this process or any other."""

    def take(self) -> Sequence[tuple[Message, Path]]:
        """Every word that has come, in order, each with the file to `forget` once the journal has it."""
        ...

    def forget(self, path: Path) -> None:
        """The word is written down."""
        ...

    async def wait(self) -> None:
        """Return once there is a word."""
        ...


class Journal(Protocol):
    """Where everything that happens is written down, once."""

    def append(self, event: Event) -> Entry:
        """Write an event; those that a promise depends on are on disk when this returns."""
        ...

    def store(self, screenshot: Screenshot) -> ImageRef:
        """Keep a picture, once by content, and return what refers to it."""
        ...

    def load(self, image: ImageRef) -> bytes:
        """The encoded bytes of a kept picture."""
        ...
