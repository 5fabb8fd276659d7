"""Fakes for whoever tests a part of Deskhand: a scripted model, a drawn computer, an inbox and a journal in memory."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio

from actuators.actions import Action, Click, located
from agent.codec import decode, encode
from agent.conversation import Answer, Request, Streamed, Thought
from agent.events import Entry, Event
from agent.inbox import Message
from agent.values import Call, FunctionCall, ImageRef, SafetyCheck, ScreenCall, Usage
from perception.screenshot import Region, Screenshot, Space
from perception.target import Target

if TYPE_CHECKING:
    from actuators.guard import Touches

Step: TypeAlias = "Answer | Exception | Callable[[Request], Awaitable[Answer]]"
USAGE = Usage(input_tokens=1000, cached_tokens=900, output_tokens=50, cost_usd=0.001)


def answer(*actions: dict[str, Any], words: str = "", checks: Sequence[SafetyCheck] = ()) -> Answer:
    """An answer with one screen call."""
    identity = f"call_{time.monotonic_ns()}"
    call = ScreenCall(identity, actions, tuple(checks))
    return _answer((call,), words, {"type": "computer_call", "call_id": identity, "actions": list(actions)})


def function(name: str, **arguments: object) -> Answer:
    """An answer that calls a function."""
    identity = f"call_{time.monotonic_ns()}"
    call = FunctionCall(identity, name, json.dumps(arguments))
    return _answer((call,), "", {"type": "function_call", "call_id": identity, "name": name})


def final(words: str) -> Answer:
    """A last answer."""
    return _answer((), words, {"type": "message", "content": words}, is_final=True)


def talk(words: str) -> Answer:
    """Words that are not the last, and no action."""
    return _answer((), words, {"type": "message", "phase": "commentary", "content": words})


def _answer(calls: tuple[Call, ...], words: str, item: dict[str, Any], *, is_final: bool = False) -> Answer:
    return Answer(f"resp_{time.monotonic_ns()}", (item,), calls, words, is_final, USAGE)


@dataclass
class ScriptedModel:
    """Answers from a list, in order; an exception in the list is raised, a callable is asked.

    Attributes:
        requests: every request that was made.
    """

    steps: list[Step]
    name: str = "scripted"
    requests: list[Request] = field(default_factory=list[Request])

    async def respond(self, request: Request) -> AsyncGenerator[Streamed]:
        """Give the next step of the script."""
        self.requests.append(request)
        step = self.steps[len(self.requests) - 1] if len(self.requests) <= len(self.steps) else final("done")
        await anyio.lowlevel.checkpoint()
        if isinstance(step, Exception):
            raise step
        if not isinstance(step, Answer):
            step = await step(request)
        if step.words:
            yield Thought("words", step.words)
        yield step


@dataclass
class FakeGuard:
    """A guard that notices what a test says: set `touches`.

    Attributes:
        taken: how often the user took over by word.
        returned: how often the computer was handed back.
    """

    touches: Touches | None = None
    taken: int = 0
    returned: int = 0

    def take(self) -> None:
        """Count it."""
        self.taken += 1

    def hand_back(self) -> Touches | None:
        """The hands are the agent's again."""
        self.returned += 1
        touches, self.touches = self.touches, None
        return touches


@dataclass
class FakeComputer:
    """A drawn screen that changes when it is acted on.

    Attributes:
        guard: what notices the user's own hands; set its `touches`.
        performed: every action, in screen units.
        before: called before each action, to make things happen in the middle of a batch.
        reached: what an action would reach.
        still: the screen never changes.
    """

    width: int = 200
    height: int = 100
    kind: str = "desktop"
    guard: FakeGuard = field(default_factory=FakeGuard)
    notes: tuple[str, ...] = ()
    performed: list[Action] = field(default_factory=list[Action])
    opened: list[str] = field(default_factory=list[str])
    before: Callable[[Action], None] = lambda _action: None
    reached: Callable[[Action], Target | None] = lambda _action: None
    still: bool = False
    closed: bool = False
    looks: int = 0

    @property
    def space(self) -> Space:
        """The whole screen, one to one."""
        return Space(Region(0, 0, self.width, self.height), self.width, self.height)

    async def screenshot(self) -> Screenshot:
        """A picture that tells how much was done."""
        self.looks += 1
        image = f"png {0 if self.still else len(self.performed)}".encode()
        changed = 1.0 if self.looks == 1 else 0.0 if self.still else 0.5
        return Screenshot(image, "image/png", self.space, time.time(), changed=changed)

    async def perform(self, action: Action, space: Space) -> None:
        """Write the action down."""
        self.before(action)
        self.performed.append(located(action, space.to_screen))
        await anyio.lowlevel.checkpoint()

    async def target(self, action: Action, space: Space) -> Target | None:
        """What a test says."""
        return self.reached(action)

    async def open(self, target: str) -> None:
        """Write the target down."""
        self.opened.append(target)

    async def aclose(self) -> None:
        """Be closed."""
        self.closed = True

    @property
    def clicks(self) -> list[tuple[int, int]]:
        """Where it was clicked."""
        return [(action.x, action.y) for action in self.performed if isinstance(action, Click)]


class MemoryInbox:
    """An inbox without files."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._count = 0

    def post(self, message: Message) -> None:
        """Say a word to the session."""
        self._count += 1
        self._messages.append(message)

    def take(self) -> list[tuple[Message, Path]]:
        """What has come; each word once."""
        taken, self._messages = self._messages, []
        return [(message, Path()) for message in taken]

    def forget(self, path: Path) -> None:
        """Nothing is kept."""

    async def wait(self) -> None:
        """Return once there is a word."""
        while not self._messages:
            await anyio.lowlevel.checkpoint()


class MemoryJournal:
    """A journal without a disk that still takes every event through its line format."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.images: dict[str, bytes] = {}

    def append(self, event: Event) -> Entry:
        """Keep an event as it would be read back."""
        entry = Entry(len(self.entries) + 1, datetime.now(UTC).isoformat(), event=event)
        self.entries.append(decode(encode(entry)))
        return self.entries[-1]

    def store(self, screenshot: Screenshot) -> ImageRef:
        """Keep a picture."""
        self.images[screenshot.sha256] = screenshot.image
        space = screenshot.space
        return ImageRef(screenshot.sha256, screenshot.media_type, space.width, space.height)

    def load(self, image: ImageRef) -> bytes:
        """Give a picture back."""
        return self.images[image.sha256]

    @property
    def types(self) -> list[str]:
        """The kinds of events so far, in order."""
        return [entry.event.type for entry in self.entries]
