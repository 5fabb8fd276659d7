"""A computer: the eyes and hands of one screen, as `agent.ports.Computer`."""

from __future__ import annotations

import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import lowlevel, to_thread

from actuators.actions import (
    Action,
    Click,
    DoubleClick,
    Drag,
    Keypress,
    Point,
    TakeScreenshot,
    TripleClick,
    Type,
    Wait,
    kind_of,
    located,
    target_of,
)
from actuators.errors import ActuatorError
from perception.errors import StaleSpace, StaleTarget
from perception.naming import SECONDS

if TYPE_CHECKING:
    from agent.tools.ports import Files, LiveOffice
    from perception.screenshot import Screenshot, Space
    from perception.target import Target
    from vm.senses import Senses

_T = TypeVar("_T")
_C = TypeVar("_C", bound="LocalComputer")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a place may take, in seconds.

    Attributes:
        reaction: after an action, for the screen that the next one of a batch meets.
        change: how long a `wait` waits for something to happen.
        look: how long a screenshot waits for a still screen.
        name: how long it may take to tell what an action would reach.
    """

    reaction: float = 1.5
    change: float = 2.0
    look: float = 5.0
    name: float = SECONDS


class LocalComputer(ABC):
    """Eyes and hands of one display. Blocking work is done in worker threads and never outlives its call.

    A subclass says how programs are opened, and what ends with the computer.

    Attributes:
        guard: notices the user's own hands, and stops these.
    """

    kind = "local"
    patience = Patience()

    def __init__(self, senses: Senses, *, notes: Sequence[str] = ()) -> None:
        self._eyes, self._hands, self.guard, self._naming = senses
        self._notes = tuple(notes)
        self._synced: Files | None = None

    @property
    def files(self) -> Files | None:
        """The task's folder in both places, where this is another machine; None where it is one folder."""
        return self._synced

    @property
    def live_office(self) -> LiveOffice | None:
        """The LibreOffice of this computer, for documents that are open; None where it cannot be asked."""
        return None

    @property
    def notes(self) -> Sequence[str]:
        """What the model should know about this place, and what its eyes and hands have to do without."""
        return (*self._notes, *self._eyes.notes, *self._hands.notes)

    async def screenshot(self) -> Screenshot:
        """Wait until the screen has settled, and look. See `agent.ports.Computer`."""
        self._naming.prepare()
        return await self._work(lambda _: self._eyes.look(self.patience.look))

    async def perform(self, action: Action, space: Space) -> None:
        """Carry out one action given in pixels of an image of `space`. See `agent.ports.Computer`."""
        await self._work(lambda cancelled: self._perform(action, space, cancelled))

    async def target(self, action: Action, space: Space) -> Target | None:
        """What an action would reach; takes at most `patience.name` seconds. See `agent.ports.Computer`."""
        return await self._work(lambda _: self._target(action, space))

    async def open(self, target: str) -> None:
        """Open a file, an address or a command, and wait until its window is there and has settled.

        Raises:
            UserFault: it cannot be opened here; says why and what would help.
        """
        await self._work(lambda cancelled: self._open(target, cancelled))

    async def aclose(self) -> None:
        """Release what is held and close eyes and hands; may be called twice."""
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(self._close)

    @abstractmethod
    def _open(self, target: str, cancelled: threading.Event) -> None:
        """Open a target, blocking, until its window is there."""

    def _close(self) -> None:
        with contextlib.ExitStack() as closing:
            closing.callback(self._naming.close)
            closing.callback(self._eyes.close)
            closing.callback(self._hands.close)
            closing.callback(self.guard.close)

    def _perform(self, action: Action, space: Space, cancelled: threading.Event) -> None:
        if isinstance(action, TakeScreenshot):
            return
        if isinstance(action, Wait):
            self._eyes.wait_for_change(self.patience.change)
        else:
            on_screen = located(action, lambda x, y: self._place(space, x, y))
            if cancelled.is_set():
                return
            self._hands.perform(on_screen, lambda: self._make_ready(on_screen, space))
        if not cancelled.is_set():
            self._eyes.settle(self.patience.reaction)

    def _target(self, action: Action, space: Space) -> Target | None:
        match action:
            case Keypress() | Type():
                return self._naming.in_front(seconds=self.patience.name)
            case Wait() | TakeScreenshot():
                return None
            case _:
                place = target_of(action)
                if place is None or not (0 <= place.x < space.width and 0 <= place.y < space.height):
                    return None  # `perform` says what is wrong with it
                point = space.to_screen(place.x, place.y)
                return self._naming.at(point.x, point.y, seconds=self.patience.name)

    def _make_ready(self, action: Action, space: Space) -> None:
        """The last moment before an input: watch from now on, and turn back if it would not reach what it is for."""
        target = target_of(action)
        self._eyes.mark(kind_of(action), None if target is None else (target.x, target.y))
        self._check_space(space)
        match action:
            case Click() | DoubleClick() | TripleClick() | Drag():
                assert target
                doubt = self._eyes.doubt(target.x, target.y)
            case Keypress() | Type():
                doubt = self._eyes.doubt_focus()
            case _:
                doubt = ""
        if doubt:
            raise StaleTarget(f"{doubt}; nothing was done, look again")

    def _place(self, space: Space, x: int, y: int) -> Point:
        point = space.to_screen(x, y)
        self._check_space(space)
        return point

    def _check_space(self, space: Space) -> None:
        if (now := self._eyes.region) != space.region:
            raise StaleSpace(
                f"the screen has changed its size to {now.width}×{now.height} since that screenshot; nothing was done, "
                "look again"
            )

    async def _work(self, call: Callable[[threading.Event], _T]) -> _T:
        return await in_thread(call, cut_short=self._cut_short)

    def _cut_short(self) -> None:
        self._eyes.interrupt()
        with contextlib.suppress(ActuatorError):  # with the display gone, nothing is pressed there either
            self._hands.release()


async def in_thread(call: Callable[[threading.Event], _T], *, cut_short: Callable[[], None] = lambda: None) -> _T:
    """Do blocking work in a thread. When this is cancelled, end the work first, and only then go.

    Args:
        call: the work; its argument is set when it has been cancelled.
        cut_short: makes work that is under way return soon; called in another thread.
    """
    cancelled, done = threading.Event(), threading.Event()
    outcome: list[_T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(call(cancelled))
        except BaseException as error:
            failure.append(error)
        finally:
            done.set()

    async def end() -> None:
        cancelled.set()
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(cut_short)

    async def watch() -> None:
        """Sleep beside the work: a cancellation wakes this up, while the work itself is shielded from it."""
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            if not done.is_set():
                await end()
            raise

    await lowlevel.checkpoint()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        with anyio.CancelScope(shield=True):
            try:
                await to_thread.run_sync(work)
            except anyio.get_cancelled_exc_class():  # asyncio's own cancellation heeds no shield
                await end()
                await to_thread.run_sync(done.wait)
                raise
        tasks.cancel_scope.cancel()
    if cancelled.is_set():
        await lowlevel.checkpoint()  # what comes of work that was cut short is no news: this raises
    if failure:
        raise failure[0]
    return outcome[0]


async def made_in_thread(make: Callable[[threading.Event], _C]) -> _C:
    """Make a computer in a thread, see `in_thread`; one that had just been made when this is cancelled is closed."""
    made: list[_C] = []
    try:
        await in_thread(lambda cancelled: made.append(make(cancelled)))
    except BaseException:
        for computer in made:
            await computer.aclose()
        raise
    return made[0]
