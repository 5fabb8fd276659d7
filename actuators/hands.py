"""Hands: carry out one action at a time, exactly, and let go of everything afterwards."""

from __future__ import annotations

import itertools
import math
import os
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import assert_never

from actuators.actions import (
    Action,
    Button,
    Click,
    DoubleClick,
    Drag,
    Keypress,
    Move,
    Point,
    Scroll,
    TakeScreenshot,
    TripleClick,
    Type,
    Wait,
    check,
)
from actuators.backends import Backend
from actuators.backends.witness import Witness, Witnessed
from actuators.errors import CannotType, DisplayLost, Interrupted, InvalidAction, NotSupported, TakenOver
from actuators.keys import parse_chord

PRESS_SECONDS = 0.012  # how long a click or a key stays down: some programs poll
CLICK_GAP = 0.045  # between the clicks of a double or triple click
APART_SECONDS = 0.5  # two clicks closer than this, at about the same place, would count as one double click
APART_PIXELS = 12
GRIP_SECONDS = 0.05  # rest after taking hold and before letting go: toolkits want to see both
DRAG_STEP = 6  # pixels between two motions of a drag, more where it is long
DRAG_MAX_STEPS = 90
DRAG_SECONDS = (0.15, 0.7)  # shortest and longest way of a drag
DRAG_SPEED = 1500  # pixels a second
PIXELS_PER_NOTCH = 120
NOTCH_GAP = 0.002


class Hands:
    """Mouse and keyboard of one display.

    `perform` takes screen units (pixels on X11 and Windows, points on macOS) and may be called from any thread, one
    action at a time. Nothing stays pressed after it, whatever happens.

    Attributes:
        notes: what these hands have to do without, and why; empty when all is well.
    """

    def __init__(self, backend: Backend, *, notes: Sequence[str] = ()) -> None:
        self.notes: tuple[str, ...] = tuple(notes)
        self._backend = backend
        self._lock = threading.Lock()
        self._let_go = threading.Event()
        self._seized = False
        self._closed = False
        self._held: list[Callable[[], None]] = []
        self._last_press: tuple[float, Point, Button] | None = None
        self._carry = _Carry()
        self._ready: Callable[[], None] = lambda: None

    @property
    def backend(self) -> str:
        """The name of the backend at work."""
        return self._backend.name

    def perform(self, action: Action, ready: Callable[[], None] = lambda: None) -> None:
        """Carry out an action; it has reached the display when this returns. `Wait` and `TakeScreenshot` do nothing.

        Args:
            ready: called once, right before the first input is sent and after all waiting. What it raises ends the
                action with nothing done.

        Raises:
            InvalidAction: nothing was done; a point off every screen, an unknown key, …
            CannotType: text that does not arrive as given, with the reason.
            NotSupported: this system's hands cannot do that.
            DisplayLost: the display is gone.
            Interrupted: `release` was called meanwhile; a part was done.
            TakenOver: the user's hands are at work; says whether a part was done.
        """
        check(action)
        with self._lock:
            if self._closed:
                raise DisplayLost("these hands were closed")
            with self._backend.acting():
                if self._seized:
                    raise TakenOver(begun=False)
                self._ready = ready
                try:
                    self._perform(action)
                finally:
                    self._open_hands()

    def release(self) -> None:
        """Let go of every key and button, and cut short what is being performed. Callable from any thread.

        Raises:
            DisplayLost: there is nothing left to let go of.
        """
        self._let_go.set()
        with self._lock:
            if not self._closed:
                self._let_go.clear()
            if self._held:
                with self._backend.acting():
                    self._open_hands()

    def seize(self) -> None:
        """Take the hands out of the agent's control: until `give_back`, `perform` raises `TakenOver`.

        An action under way is cut short as by `release`, but this does not wait for it. Callable from any thread.
        """
        self._seized = True
        self._let_go.set()

    def give_back(self) -> None:
        """The agent's again, once what was cut short has ended. Callable from any thread."""
        with self._lock:
            self._seized = False
            if not self._closed:
                self._let_go.clear()

    def watched_by(self, witness: Witness) -> None:
        """Tell `witness` from now on what these hands do."""
        with self._lock:
            self._backend = Witnessed(self._backend, witness)

    def close(self) -> None:
        """Let go of everything and give the backend back. Safe to call twice."""
        self._let_go.set()
        with self._lock:
            self._closed = True
            self._backend.close()

    def __enter__(self) -> Hands:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _perform(self, action: Action) -> None:
        match action:
            case Click():
                self._click(action, action.button, times=1)
            case DoubleClick():
                self._click(action, "left", times=2)
            case TripleClick():
                self._click(action, "left", times=3)
            case Move():
                self._place(Point(action.x, action.y))
                self._ready()
                with self._keys(action.keys):
                    self._backend.move(action.x, action.y)
            case Drag():
                self._drag(action)
            case Scroll():
                self._scroll(action)
            case Keypress():
                self._ready()
                with self._keys(action.keys):
                    self._pause(PRESS_SECONDS)
            case Type():
                check_typeable(action.text)
                self._ready()
                self._backend.type_text(action.text.replace("\r\n", "\n").replace("\r", "\n"), self._pause)
            case Wait() | TakeScreenshot():
                pass
            case _:
                assert_never(action)

    def _click(self, action: Click | DoubleClick | TripleClick, button: Button, *, times: int) -> None:
        point = Point(action.x, action.y)
        self._place(point)
        self._keep_apart(point, button)
        self._ready()
        with self._keys(action.keys):
            self._backend.move(action.x, action.y)
            for number in range(times):
                if number:
                    self._pause(CLICK_GAP)
                with self._button(button):
                    self._pause(PRESS_SECONDS)
        self._last_press = (time.monotonic(), point, button)

    def _keep_apart(self, point: Point, button: Button) -> None:
        """Two clicks that were asked for one by one must not merge into a double click."""
        if self._last_press is None:
            return
        at, last, last_button = self._last_press
        near = max(abs(last.x - point.x), abs(last.y - point.y)) <= APART_PIXELS
        if near and button == last_button:
            self._pause(max(0.0, at + APART_SECONDS - time.monotonic()))

    def _drag(self, action: Drag) -> None:
        for point in action.path:
            self._place(point)
        self._keep_apart(action.path[0], "left")
        self._ready()
        steps, seconds = drag_steps(action.path)
        with self._keys(action.keys):
            self._backend.move(action.path[0].x, action.path[0].y)
            with self._button("left"):
                self._pause(GRIP_SECONDS)
                for point in steps:
                    self._backend.move(point.x, point.y)
                    self._pause(seconds / len(steps))
                self._pause(GRIP_SECONDS)
        self._last_press = (time.monotonic(), action.path[-1], "left")

    def _scroll(self, action: Scroll) -> None:
        self._place(Point(action.x, action.y))
        self._ready()
        dx, dy = self._carry.notches(action)
        with self._keys(action.keys):
            self._backend.move(action.x, action.y)
            for step in (1, 0), (0, 1):
                count = dx * step[0] + dy * step[1]
                sign = int(math.copysign(1, count))
                for _ in range(abs(count)):
                    self._backend.notch(step[0] * sign, step[1] * sign)
                    self._pause(NOTCH_GAP)

    def _place(self, point: Point) -> None:
        monitors = self._backend.monitors()
        if not any(monitor.contains(point.x, point.y) for monitor in monitors):
            screens = ", ".join(f"{m.width}×{m.height} at ({m.left}, {m.top})" for m in monitors)
            raise InvalidAction(f"({point.x}, {point.y}) is outside every screen ({screens})")

    @contextmanager
    def _keys(self, keys: Sequence[str]) -> Generator[None, None, None]:
        """Hold a chord: down in order, up in reverse, whatever happens in between."""
        before = len(self._held)
        try:
            for name in parse_chord(keys):
                self._hold(lambda name=name: self._backend.key(name, False))
                self._backend.key(name, True)
            yield
        finally:
            self._open_hands(before)

    @contextmanager
    def _button(self, button: Button) -> Generator[None, None, None]:
        before = len(self._held)
        try:
            self._hold(lambda: self._backend.button(button, False))
            self._backend.button(button, True)
            yield
        finally:
            self._open_hands(before)

    def _hold(self, undo: Callable[[], None]) -> None:
        """Booked before the press: what may have gone down must come up. Also the last moment to turn back."""
        self._pause(0)
        self._held.append(undo)

    def _open_hands(self, keep: int = 0) -> None:
        """Let go of all but the first `keep` things held, last first, even where one of them fails."""
        failure: Exception | None = None
        while len(self._held) > keep:
            try:
                self._held.pop()()
            except Exception as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _pause(self, seconds: float) -> None:
        if self._let_go.wait(seconds) if seconds > 0 else self._let_go.is_set():
            if self._seized:
                raise TakenOver(begun=True)
            raise Interrupted("cut short: the hands were told to let go")


class _Carry:
    """Pixels of scrolling that did not make a whole notch yet, kept while scrolling goes on at the same point."""

    def __init__(self) -> None:
        self._at: Point | None = None
        self._rest = (0, 0)

    def notches(self, action: Scroll) -> tuple[int, int]:
        """Whole notches for this scroll: at least one for whatever is not zero."""
        here = Point(action.x, action.y)
        rest = self._rest if here == self._at else (0, 0)
        across, rest_x = to_notches(action.scroll_x, rest[0])
        down, rest_y = to_notches(action.scroll_y, rest[1])
        self._at, self._rest = here, (rest_x, rest_y)
        return across, down


def to_notches(pixels: int, rest: int = 0) -> tuple[int, int]:
    """Notches of the wheel for so many pixels, and the pixels left over for next time (same sign as `pixels`)."""
    if pixels == 0:
        return 0, rest
    if rest * pixels < 0:
        rest = 0
    sign = 1 if pixels > 0 else -1
    whole, left = divmod(abs(pixels) + abs(rest), PIXELS_PER_NOTCH)
    return (sign * whole, sign * left) if whole else (sign, 0)


def drag_steps(path: Sequence[Point]) -> tuple[list[Point], float]:
    """The points to move through after the press, ending each leg exactly on its point, and how long it all takes."""
    length = sum(_distance(a, b) for a, b in itertools.pairwise(path))
    stride = max(DRAG_STEP, length / DRAG_MAX_STEPS)
    points = [point for a, b in itertools.pairwise(path) for point in _leg(a, b, stride)]
    shortest, longest = DRAG_SECONDS
    return points, min(longest, max(shortest, length / DRAG_SPEED))


def _leg(a: Point, b: Point, stride: float) -> Iterator[Point]:
    count = max(1, math.ceil(_distance(a, b) / stride))
    for i in range(1, count + 1):
        yield Point(a.x + round((b.x - a.x) * i / count), a.y + round((b.y - a.y) * i / count))


def _distance(a: Point, b: Point) -> float:
    return math.dist((a.x, a.y), (b.x, b.y))


def check_typeable(text: str) -> None:
    """Raise `CannotType` for what is no text: control characters other than newline and tab, lone surrogates."""
    bad = [c for c in dict.fromkeys(text) if c not in "\n\r\t" and unicodedata.category(c) in ("Cc", "Cs")]
    if bad:
        raise CannotType("".join(bad), "control characters are not text; nothing was typed, press keys with `keypress`")


def open_hands(display: str | None = None, *, backend: str | None = None) -> Hands:
    """Hands for a display: X11 directly where there is X11, pyautogui elsewhere.

    Args:
        display: name of an X display like ":3"; None means this desktop.
        backend: "x11" or "pyautogui", to insist on one.

    Raises:
        DisplayLost: there is no such display.
        NotSupported: no backend works here; says why and what would help.
    """
    if backend not in (None, *_OPENERS):
        raise NotSupported(f"there are no hands called {backend!r}; the backends are {', '.join(_OPENERS)}")
    if backend is not None:
        return Hands(_reaching(_OPENERS[backend], display), notes=_session_notes(display))
    if sys.platform in ("win32", "darwin"):
        return Hands(_reaching(_open_pyautogui, display))
    try:
        return Hands(_reaching(_open_x11, display), notes=_session_notes(display))
    except NotSupported as error:
        try:
            fallback = _reaching(_open_pyautogui, display)
        except NotSupported as neither:
            raise error from neither  # the first names the cause; the second is often one display a process
        note = f"mouse and keyboard work through pyautogui, since direct X11 does not: {error}"
        return Hands(fallback, notes=(note, *_session_notes(display)))


def _reaching(opener: Callable[[str | None], Backend], display: str | None) -> Backend:
    """A backend that reaches what is under the overlays of a display."""
    from actuators.backends.aside import past_overlays

    backend = opener(display)
    try:
        return past_overlays(backend, display)
    except BaseException:
        backend.close()
        raise


def _open_x11(display: str | None) -> Backend:
    from actuators.backends.x11 import X11Backend

    return X11Backend(display)


def _open_pyautogui(display: str | None) -> Backend:
    from actuators.backends.pyautogui_backend import PyAutoGuiBackend

    return PyAutoGuiBackend(display)


def _session_notes(display: str | None) -> tuple[str, ...]:
    wayland = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("XDG_SESSION_TYPE") == "wayland"
    if display is None and wayland and sys.platform.startswith("linux"):
        return ("this is a Wayland session: hands reach X11 programs only",)
    return ()


_OPENERS: dict[str, Callable[[str | None], Backend]] = {"x11": _open_x11, "pyautogui": _open_pyautogui}
