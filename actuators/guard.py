"""The takeover guard: tells the user's own hands from the agent's, and stops the agent's at once.

A listener for each system hears what comes from mouse and keyboard; the guard seizes the hands at the first thing that
the user does, from the thread that heard it, so that stillness waits for nobody. It keeps what the user did, but never
which keys or what text.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

from actuators.actions import Point
from actuators.backends.witness import Kind, Witness
from actuators.errors import ActuatorError, NotSupported
from actuators.keys import parse_chord

GRACE_SECONDS = 1.0  # after they gave the computer to the agent, in which the user's pointer may still come to rest
MAX_CLICKS = 50  # of the user's clicks, the last so many are kept


@dataclass(frozen=True, slots=True)
class Touches:
    """What the user's own hands have done since they took over.

    Attributes:
        began: when they did, as `time.monotonic()`.
        last: when they last did anything.
        moved: whether the pointer was moved.
        clicks: where buttons were pressed, in screen units; of very many only the last.
        scrolls: notches of the wheel.
        keys: key presses, whichever they were.
        panic: whether the panic chord was pressed.
        first: what it began with; "word" where the user said so instead of touching anything.
        overlay: whether they used an overlay; what they did there is not counted.
    """

    began: float
    last: float
    moved: bool = False
    clicks: tuple[Point, ...] = ()
    scrolls: int = 0
    keys: int = 0
    panic: bool = False
    first: Kind | Literal["word"] = "word"
    overlay: bool = False

    @property
    def reached(self) -> bool:
        """Whether they have only reached for an overlay and used it: what they pressed there decides."""
        return self.overlay and not (self.clicks or self.scrolls or self.keys or self.panic or self.first == "word")


@dataclass(frozen=True, slots=True)
class Panic:
    """The chord that stops the agent at once: so many times within so many seconds."""

    chord: str = "escape"
    count: int = 3
    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing that the user did.

    Attributes:
        kind: with what.
        point: where, for a button.
        panic: whether this key press completed the panic chord.
        overlay: whether it went to an overlay, not to what the agent works on.
    """

    kind: Kind
    point: Point | None = None
    panic: bool = False
    overlay: bool = False


Hear: TypeAlias = Callable[[Heard], None]


class Listener(Witness, Protocol):
    """Hears the user on one system. The hands tell it what they do, so that it knows that for theirs."""

    @property
    def note(self) -> str:
        """What cannot be heard or told apart here, or any more; "" when all is sure."""
        ...

    def start(self, hear: Hear) -> None:
        """Call `hear` for everything that the user does, from any thread, until `close`."""
        ...

    def close(self) -> None:
        """Stop listening; safe to call twice."""
        ...


class Stoppable(Protocol):
    """Hands that a guard can stop; see `actuators.hands.Hands`."""

    def seize(self) -> None:
        """Take them out of the agent's control, at once and from any thread."""
        ...

    def give_back(self) -> None:
        """They are the agent's again."""
        ...

    def watched_by(self, witness: Witness) -> None:
        """Tell `witness` from now on what these hands do."""
        ...


class Guard:
    """Watches over one pair of hands.

    Everything may be called from any thread, but not from within a callback of `on_touch`.
    """

    def __init__(
        self, hands: Stoppable, listener: Listener, *, panic: Panic = Panic(), grace: float = GRACE_SECONDS
    ) -> None:
        """Begin to listen.

        Args:
            listener: hears the user, and tells when the panic chord is pressed.
            panic: how often it must be pressed.
            grace: seconds, from now and from each `hand_back`, in which a moving pointer is a hand that lets go.
        """
        self._hands = hands
        self._listener = listener
        self._panic = panic
        self._panics: deque[float] = deque(maxlen=panic.count)
        self._mutex = threading.Lock()
        self._touches: Touches | None = None
        self._callbacks: list[Callable[[Touches], None]] = []
        self._grace, self._given = grace, time.monotonic()
        hands.watched_by(listener)
        listener.start(self._hear)

    @property
    def touches(self) -> Touches | None:
        """What the user has done since they took over; None while the hands are the agent's."""
        return self._touches

    @property
    def note(self) -> str:
        """What cannot be heard or told apart on this system; "" when all is sure."""
        return self._listener.note

    def on_touch(self, callback: Callable[[Touches], None]) -> None:
        """Call back when the user takes over by touching something, and again at the panic chord.

        The hands are seized by then. The call comes from the thread that noticed it: it must be short and not raise.
        """
        self._callbacks.append(callback)

    def take(self) -> None:
        """The user takes over by word, whether or not they have touched anything yet."""
        with self._mutex:
            now = time.monotonic()
            self._touches = replace(self._touches or Touches(now, now), first="word")
            self._hands.seize()

    def hand_back(self) -> Touches | None:
        """The agent may use its hands again; returns what the user did, None if they had not taken over.

        Waits until an action that was cut short has ended, which takes milliseconds.
        """
        with self._mutex:
            done, self._touches = self._touches, None
            self._given = time.monotonic()
            self._panics.clear()
        self._hands.give_back()
        with self._mutex:
            if self._touches is not None:  # touched again just now
                self._hands.seize()
        return done

    def close(self) -> None:
        """Stop listening. Hands that are seized stay so. Safe to call twice."""
        self._listener.close()

    def _hear(self, heard: Heard) -> None:
        now = time.monotonic()
        with self._mutex:
            before = self._touches
            if before is None and self._is_harmless(heard, now):
                return
            self._touches = after = _joined(before or Touches(now, now, first=heard.kind), heard, now)
            self._hands.seize()
            if heard.panic and self._is_panic(now):
                self._touches = after = replace(after, panic=True)
        if before is None or after.panic > before.panic:
            for callback in self._callbacks:
                callback(after)

    def _is_harmless(self, heard: Heard, now: float) -> bool:
        """Whether the hands need not stop: for one that lets go, or for mouse buttons in an overlay.

        Keys are another matter, wherever they go: there is one keyboard, and the agent types on it.
        """
        if heard.overlay:
            return heard.kind != "key"
        return heard.kind == "pointer" and now - self._given < self._grace

    def _is_panic(self, now: float) -> bool:
        self._panics.append(now)
        return len(self._panics) == self._panic.count and now - self._panics[0] <= self._panic.seconds


def _joined(touches: Touches, heard: Heard, now: float) -> Touches:
    if heard.overlay:
        return replace(touches, last=now, overlay=True)
    match heard.kind:
        case "pointer":
            return replace(touches, last=now, moved=True)
        case "button":
            clicks = touches.clicks if heard.point is None else (*touches.clicks, heard.point)[-MAX_CLICKS:]
            return replace(touches, last=now, clicks=clicks)
        case "wheel":
            return replace(touches, last=now, scrolls=touches.scrolls + 1)
        case "key":
            return replace(touches, last=now, keys=touches.keys + 1)


class Deaf:
    """Hears nothing, where nothing can be heard."""

    def __init__(self, note: str) -> None:
        self.note = note

    def start(self, hear: Hear) -> None:
        """Nothing to start."""

    def begin(self) -> None:
        """Nothing to know."""

    def expect(self, kind: Kind, count: int = 1) -> None:
        """Nothing to tell apart."""

    def end(self) -> None:
        """Nothing to know."""

    def close(self) -> None:
        """Nothing to close."""


def open_guard(
    hands: Stoppable,
    display: str | None = None,
    *,
    panic: Panic = Panic(),
    foreign: bool = True,
    grace: float = GRACE_SECONDS,
) -> Guard:
    """A guard for the hands of a display; where the user cannot be heard it says so in its note, and never fires.

    Args:
        hands: those of the same display.
        display: name of an X display like ":3"; None means this desktop.
        panic: the chord that stops at once.
        foreign: whether synthetic input that is not ours counts as the user's: on X11 a person who looks on over VNC
            comes that way, but so does a program that the agent itself runs, like xdotool.
        grace: as for `Guard`.

    Raises:
        InvalidAction: there is no such chord as that of `panic`.
    """
    names = parse_chord(panic.chord)
    try:
        return Guard(hands, _listener(display, names, foreign), panic=panic, grace=grace)
    except (ActuatorError, ImportError, OSError) as error:
        return Guard(hands, Deaf(f"the user's own mouse and keyboard cannot be heard here: {error}"), panic=panic)


def _listener(display: str | None, panic: tuple[str, ...], foreign: bool) -> Listener:
    if sys.platform in ("win32", "darwin"):
        from actuators.backends.hooks import HookListener

        return HookListener(panic)
    from actuators.backends.xinput import XInputListener
    from actuators.backends.xpoll import PollingListener

    if not (display or os.environ.get("DISPLAY")):
        raise NotSupported("there is no X display, and Wayland lets no program listen")
    try:
        return XInputListener(display, panic, foreign=foreign)
    except NotSupported as error:
        return PollingListener(display, panic, why=str(error))
