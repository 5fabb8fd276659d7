"""Listening on an X server without XInput 2: look, some thirty times a second, whether all is as the hands left it.

They leave nothing pressed, so that whatever is down while they rest was pressed by somebody else; and a pointer that is
elsewhere was moved (or warped by a program, which cannot be told apart).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from actuators.actions import Point
from actuators.backends.witness import Kind
from actuators.backends.xlisten import XListener
from actuators.guard import Heard

INTERVAL = 1 / 30
JITTER_PIXELS = 5
WHEEL_BITS = (0x0800, 0x1000)  # of the pointer's state: up and down
BUTTON_BITS = (0x0100, 0x0200, 0x0400)


@dataclass(frozen=True, slots=True)
class State:
    """What the server tells of pointer and keyboard."""

    pointer: Point
    buttons: int
    keys: frozenset[int]


class PollingListener(XListener):
    """The user's own hands, as far as looking now and then can tell."""

    def __init__(self, display: str | None, panic: Sequence[str], *, why: str) -> None:
        """Connect; `why` says why this is all there is.

        Raises:
            DisplayLost: no such display.
        """
        limits = "the user is noticed only by looking, 30 times a second while the hands rest"
        super().__init__(display, panic, f"{why}; {limits}, so that the wheel and short presses may be missed")
        self._acting = False
        self._state: State | None = None  # None: what is found next is as the hands left it

    def begin(self) -> None:
        """Look once more before the action."""
        self._try()
        self._acting = True

    def expect(self, kind: Kind, count: int = 1) -> None:
        """Nothing is looked at while the hands act."""

    def end(self) -> None:
        """What is found now is how the hands left it."""
        with self._lock:
            self._acting, self._state = False, None
            self._try()

    def _nap(self) -> float:
        return INTERVAL

    def _listen(self) -> None:
        from Xlib import X

        for _ in range(self._x.pending_events()):
            event = self._x.next_event()
            self._overlays.note(event)
            if event.type == X.MappingNotify:
                self._panic.forget_mapping()
        if self._acting:
            return
        now = self._look()
        before, self._state = self._state, now
        if before is None:
            return
        if max(abs(now.pointer.x - before.pointer.x), abs(now.pointer.y - before.pointer.y)) < JITTER_PIXELS:
            self._state = State(before.pointer, now.buttons, now.keys)  # slow jitter does not add up, slow moving does
        else:
            self._hear(Heard("pointer", overlay=self._is_for_overlay("pointer")))
        for heard in self._pressed(before, now):
            self._hear(heard)

    def _pressed(self, before: State, now: State) -> Iterator[Heard]:
        new = now.buttons & ~before.buttons
        over = bool(new) and self._is_for_overlay("button")
        yield from (Heard("button", now.pointer, overlay=over) for bit in BUTTON_BITS if new & bit)
        yield from (Heard("wheel", overlay=over) for bit in WHEEL_BITS if new & bit)
        for keycode in before.keys - now.keys:
            self._panic.up(keycode)
        for keycode in now.keys - before.keys:
            yield Heard("key", panic=self._panic.down(keycode), overlay=self._is_for_overlay("key"))

    def _look(self) -> State:
        with self._display.asking():
            pointer = self._display.root.query_pointer()
            keymap = self._x.query_keymap()
        keys = frozenset(8 * index + bit for index, byte in enumerate(keymap) for bit in range(8) if byte >> bit & 1)
        return State(Point(pointer.root_x, pointer.root_y), pointer.mask, keys)
