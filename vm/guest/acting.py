"""Batches of actions: one at a time, each at most once, cut short by whoever says so."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from actuators.actions import Action, TakeScreenshot, Wait, kind_of, parse_action, target_of
from actuators.errors import ActuatorError, CannotType, DisplayLost, Interrupted, InvalidAction, NotSupported
from perception.backends.xdamage import WatchLost
from perception.errors import ScreenLost
from vm.guest.desk import Desk, Desktop
from vm.guest.wire import Refused

REMEMBERED = 512  # answers
MAX_ACTIONS = 1000
CHANGE_SECONDS = 2.0  # that a `wait` waits for something to happen
LOOK_SECONDS = 15.0  # that the eyes may take to say what they are asked, besides waiting

Result = dict[str, Any]


@dataclass(slots=True)
class _Batch:
    result: Result | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Acting:
    """Does what it is told to, with the hands of the desk. Safe to use from any thread."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Batch] = OrderedDict()
        self._stopped = threading.Event()
        self._why = ""  # the batch under way was stopped
        self._clock = Alarm()
        self.touched = False  # there was input since the eyes were last told

    def perform(self, actions: Sequence[Any], *, name: str, seconds: float, settle: float) -> Result:
        """Carry out a batch.

        Args:
            actions: as `actuators.actions.to_dict` writes them, in pixels of the screen.
            name: the same again is not done again, but answered as before; "" for one without.
            seconds: after which it is cut short.
            settle: how long to wait for a still screen afterwards, in seconds; 0 for not at all.

        Raises:
            Refused: nothing was done.
        """
        if not name:
            return self._one(actions, seconds, settle)
        with self._lock:
            known = self._known.get(name)
            batch = known or self._known.setdefault(name, _Batch())
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        if known is not None:
            if not known.done.wait(seconds) or known.result is None:
                raise Refused(409, "busy", "this batch is still under way")
            return known.result
        try:
            batch.result = self._one(actions, seconds, settle)
            return batch.result
        finally:
            if batch.result is None:  # it was not begun, and may come again
                with self._lock:
                    self._known.pop(name, None)
            batch.done.set()

    def release(self) -> None:
        """Let go of everything that is pressed, and end the batch under way. Returns when it has ended."""
        desktop = self._desk.desktop
        self._stop("it was cut short by a release")
        desktop.hands.release()
        if self._turn.acquire(timeout=2.0):
            self._turn.release()
            self._stopped.clear()

    def forget(self) -> None:
        """Another machine begins here: what the one before was told does not count."""
        with self._lock:
            self._known.clear()

    def turn(self) -> threading.Lock:
        """Held by whoever uses mouse and keyboard."""
        return self._turn

    def _one(self, raw: Sequence[Any], seconds: float, settle: float) -> Result:
        desktop = self._desk.desktop
        actions = _parsed(raw)
        if isinstance(actions, dict):
            return actions
        if not self._turn.acquire(blocking=False):
            raise Refused(409, "busy", "another batch is under way")
        began = time.monotonic()
        self._why = ""
        self._stopped.clear()
        alarm = self._clock.set(began + seconds, lambda: self._cut(desktop, f"it took longer than {seconds:g} s"))
        try:
            done, error = self._act(desktop, actions, settle)
        finally:
            alarm.cancel()
            self._turn.release()
        if settle and error is None:
            desktop.looking.do(lambda: desktop.eyes.settle(settle), settle + LOOK_SECONDS)
        self.touched = self.touched or not settle
        return {"done": done, "error": error, "seconds": round(time.monotonic() - began, 4)}

    def _act(self, desktop: Desktop, actions: Sequence[Action], settle: float) -> tuple[int, Result | None]:
        desktop.watcher.touching()
        for index, action in enumerate(actions):
            if self._stopped.is_set():
                return index, {"type": "interrupted", "message": self._why, "index": index}
            if settle and index == len(actions) - 1:
                mark(desktop, action)
            try:
                self._do(desktop, action)
            except (ActuatorError, ScreenLost, WatchLost) as error:
                if isinstance(error, DisplayLost | ScreenLost | WatchLost):
                    self._desk.lost(desktop)
                return index, {**self._told(error), "index": index}
        return len(actions), None

    def _do(self, desktop: Desktop, action: Action) -> None:
        match action:
            case Wait():
                desktop.looking.do(lambda: desktop.eyes.wait_for_change(CHANGE_SECONDS), CHANGE_SECONDS + LOOK_SECONDS)
            case TakeScreenshot():
                pass
            case _:
                desktop.hands.perform(action)

    def _told(self, error: Exception) -> Result:
        message = self._why if isinstance(error, Interrupted) and self._why else str(error)
        more = {"characters": error.characters} if isinstance(error, CannotType) else {}
        return {"type": kind_of_error(error), "message": message, **more}

    def _cut(self, desktop: Desktop, why: str) -> None:
        self._stop(why)
        desktop.hands.release()

    def _stop(self, why: str) -> None:
        self._why = why
        self._stopped.set()


def mark(desktop: Desktop, action: Action | None = None) -> None:
    """Let the eyes watch from now on: an input is about to be sent."""
    place = None if action is None else target_of(action)
    at = None if place is None else (place.x, place.y)
    desktop.looking.do(lambda: desktop.eyes.mark("" if action is None else kind_of(action), at), LOOK_SECONDS)


def kind_of_error(error: Exception) -> str:
    """The word for an error of the hands or eyes, by which the other side makes it anew."""
    match error:
        case InvalidAction():
            return "invalid"
        case CannotType():
            return "cannot_type"
        case NotSupported():
            return "unsupported"
        case Interrupted():
            return "interrupted"
        case DisplayLost() | ScreenLost() | WatchLost():
            return "lost"
        case _:
            return "internal"


def _parsed(raw: Sequence[Any]) -> Sequence[Action] | Result:
    """All of them; or what is wrong with one, and then nothing is done at all."""
    if len(raw) > MAX_ACTIONS:
        raise Refused(400, "invalid", f"a batch of {len(raw)} actions; at most {MAX_ACTIONS}")
    actions: list[Action] = []
    for index, one in enumerate(raw):
        try:
            if not isinstance(one, Mapping):
                raise InvalidAction("an action is a JSON object")
            actions.append(parse_action(cast("Mapping[str, Any]", one)))
        except InvalidAction as error:
            wrong = {"type": "invalid", "message": str(error), "index": index}
            return {"done": 0, "error": wrong, "seconds": 0.0}
    return actions


class Alarm:
    """Calls something at a time, unless that is cancelled before; all alarms share one thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._set: list[_Set] = []
        self._thread: threading.Thread | None = None

    def set(self, at: float, call: Any) -> _Set:
        """At a time of `time.monotonic()`."""
        alarm = _Set(at, call)
        with self._changed:
            self._set = [one for one in self._set if not one.cancelled]
            self._set.append(alarm)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="deskhand-alarm")
                self._thread.start()
            self._changed.notify()
        return alarm

    def _run(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                due = [one for one in self._set if one.at <= now]
                self._set = [one for one in self._set if one.at > now and not one.cancelled]
                if not due:
                    self._changed.wait(min((one.at for one in self._set), default=now + 3600.0) - now)
                    continue
            for one in due:
                if not one.cancelled:
                    threading.Thread(target=one.call, daemon=True, name="deskhand-due").start()


@dataclass(slots=True)
class _Set:
    at: float
    call: Any
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True
