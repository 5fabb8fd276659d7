"""Take over and hand back: the user's own hands on the agent's computer, as the loop sees them (promise 7).

The hands are stopped by the computer's guard itself, at once. Here it is only written down, and ended.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from agent.errors import Stop
from agent.events import Paused, TakeoverEnded, TakeoverStarted, Unpaused

if TYPE_CHECKING:
    from actuators.guard import Touches
    from agent.recorder import Recorder

BY = "takeover"  # who paused the session, in `session.paused`


class Guard(Protocol):
    """Tells the user's own hands on a computer from the agent's, and stops those at once."""

    @property
    def touches(self) -> Touches | None:
        """What the user's hands have done since they took over; None while the computer is the agent's."""
        ...

    def take(self) -> None:
        """The user takes over by word: the agent's hands are still from now on."""
        ...

    def hand_back(self) -> Touches | None:
        """The agent may act again; what the user's hands did meanwhile."""
        ...


class Takeover:
    """What the guard of a computer has noticed, in the journal.

    Attributes:
        untold: the last takeover, ended, while the model does not know of it yet.
        expected: the user is being asked something: of course they use mouse and keyboard.
    """

    def __init__(self, recorder: Recorder, hand_back_after: float | None) -> None:
        self.untold: TakeoverEnded | None = None
        self.expected = False
        self._recorder = recorder
        self._state = recorder.state
        self._idle = hand_back_after
        self._guard: Guard | None = None
        self._began = 0.0

    def heed(self, guard: Guard) -> None:
        """Listen to the guard of a computer from now on."""
        self._guard = guard

    @property
    def free(self) -> bool:
        """Whether the model has seen the screen since it was last in the user's hands."""
        return not self._state.taken_over and self.untold is None

    def notice(self) -> None:
        """Write down what has begun, and end what is over.

        Raises:
            Stop: the user pressed the panic chord.
        """
        if self._guard is None or (touches := self._guard.touches) is None:
            return
        if touches.panic:
            raise Stop("stopped", "stopped by the panic chord")
        if self.expected:
            self._guard.hand_back()
        elif not self._state.taken_over:
            self.begin(touches.first)
        elif self._idle is not None and time.monotonic() - touches.last >= self._idle:
            self.end("idle")

    def take(self) -> None:
        """The user takes over by word."""
        if self._guard:
            self._guard.take()
        if self._guard and not self._state.taken_over:
            self.begin("word")

    def heard(self, by: str) -> None:
        """The user has said something: where they had touched nothing but the overlay to say it, that is not meant."""
        touches = self._guard.touches if self._guard else None
        if self._state.taken_over and touches is not None and touches.reached:
            self.end(by)

    def begin(self, by: str) -> None:
        """The hands are the user's."""
        self._began = time.monotonic()
        self._recorder.record(TakeoverStarted(by))
        if not self._state.paused:
            self._recorder.record(Paused(BY))

    def end(self, by: str, note: str = "") -> None:
        """The hands are the agent's again, as far as this goes: a pause that the user asked for ends with it."""
        touches = self._guard.hand_back() if self._guard else None
        seconds = round(time.monotonic() - self._began, 3)
        self.untold = replace(_ended(by, seconds, touches), note=note)
        self._recorder.record(self.untold)
        self._recorder.record(Unpaused(by, seconds))


def _ended(by: str, seconds: float, touches: Touches | None) -> TakeoverEnded:
    if touches is None:
        return TakeoverEnded(by, seconds)
    clicks = tuple((point.x, point.y) for point in touches.clicks)
    return TakeoverEnded(by, seconds, touches.moved, clicks, touches.scrolls, touches.keys)
