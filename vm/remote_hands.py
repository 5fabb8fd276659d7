"""Hands inside a virtual machine: the same hands as everywhere, told over the line what to do."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from actuators.actions import Action, Button, Click, DoubleClick, Drag, TakeScreenshot, TripleClick, Type, Wait, check
from actuators.errors import ActuatorError, CannotType, DisplayLost, Interrupted, InvalidAction, NotSupported, TakenOver
from actuators.hands import APART_PIXELS, APART_SECONDS, check_typeable
from perception.errors import PerceptionError, ScreenLost, StaleTarget
from vm.guest_client import GuestFault
from vm.line import GuestGone

if TYPE_CHECKING:
    from actuators.backends.witness import Witness
    from vm.guest_client import Performed

SECONDS = 120.0  # for one action, without the text that it types: an emulated machine on a busy host needs a minute
CHARACTERS = 20  # a second that are typed at least, on the slowest machine
RELEASE_SECONDS = 3.0  # for letting go; a machine that does not even do that is cut off
LOOK_AFTER = 6.0  # seconds in which an action may well go on, before anybody asks whether the machine hangs
AGAIN = 0.15  # seconds after which a batch that was told to end, and has not, is told again

_FAULTS: dict[str, type[ActuatorError] | type[PerceptionError]] = {
    "invalid": InvalidAction,
    "stale": StaleTarget,
    "unsupported": NotSupported,
    "interrupted": Interrupted,
    "lost": DisplayLost,
}


class Doer(Protocol):
    """Carries out actions in another machine; `vm.guest_client.GuestClient` is one. From any thread."""

    def perform(self, actions: Sequence[Action], identity: str, seconds: float) -> Performed:
        """Carry out actions whose points are pixels of the screen; the same identity never twice.

        Raises:
            GuestGone: nobody answers; a part may have been done.
            GuestFault: nothing was done.
        """
        ...

    def release(self, seconds: float) -> None:
        """Let go of everything, and end what is under way."""
        ...

    def abort(self) -> None:
        """Make calls under way end at once, with GuestGone."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


class RemoteHands:
    """`vm.senses.Hands` that a guard can stop. `perform` from any thread, one action at a time.

    The last moment before an input (`ready`) is on this side of the line, so whatever has to be waited for is waited
    for here: the machine acts at once.
    """

    notes: tuple[str, ...] = ()

    def __init__(
        self, client: Doer, gone: Callable[[], None] = lambda: None, *, patience: float = RELEASE_SECONDS
    ) -> None:
        """Do nothing yet.

        Args:
            client: these hands' own, as it is cut off where it hangs.
            gone: says better what has become of a machine that does not answer, by raising.
            patience: seconds for letting go, after which it is cut off.
        """
        self._client, self._gone, self._patience = client, gone, patience
        self._lock = threading.Lock()
        self._let_go = threading.Event()
        self._seized = self._closed = self._sending = False
        self._last_press: tuple[float, tuple[int, int], Button] | None = None

    def perform(self, action: Action, ready: Callable[[], None] = lambda: None) -> None:
        """See `actuators.hands.Hands.perform`; also raises GuestGone."""
        check(action)
        if isinstance(action, Type):
            check_typeable(action.text)
        if isinstance(action, Wait | TakeScreenshot):
            return
        with self._lock:
            if self._closed:
                raise DisplayLost("these hands were closed")
            if self._seized:
                raise TakenOver(begun=False)
            self._keep_apart(action)
            ready()
            self._sending = True  # before the last look at whether to turn back: who tells us to later, sees it
            try:
                self._turn_back(begun=False)
                self._send(action)
            finally:
                self._sending = False
                self._note_press(action)

    def release(self) -> None:
        """See `actuators.hands.Hands.release`."""
        self._let_go.set()
        self._end_batch()
        with self._lock:
            if not (self._closed or self._seized):
                self._let_go.clear()

    def seize(self) -> None:
        """See `actuators.hands.Hands.seize`."""
        self._seized = True
        self._let_go.set()
        if self._sending:
            threading.Thread(target=self._end_batch, name="deskhand-release", daemon=True).start()

    def give_back(self) -> None:
        """See `actuators.hands.Hands.give_back`."""
        with self._lock:
            self._seized = False
            if not self._closed:
                self._let_go.clear()

    def watched_by(self, witness: Witness) -> None:
        """See `actuators.hands.Hands.watched_by`: nobody sits at that machine."""

    def close(self) -> None:
        """See `actuators.hands.Hands.close`."""
        self._let_go.set()
        self._end_batch()
        with self._lock:
            self._closed = True
            self._client.close()

    def _send(self, action: Action) -> None:
        extra = len(action.text) / CHARACTERS if isinstance(action, Type) else 0.0
        try:
            with self._looked_after():
                done = self._client.perform([action], secrets.token_hex(8), SECONDS + extra)
        except GuestGone:
            self._turn_back(begun=True)
            self._gone()
            raise
        except GuestFault as fault:
            raise _known(fault) from None
        if done.fault is not None:
            self._turn_back(begun=True)
            raise _known(done.fault)

    @contextmanager
    def _looked_after(self) -> Generator[None, None, None]:
        """Ask now and then whether the machine is well, and cut off one that is not."""
        done = threading.Event()

        def look() -> None:
            while not done.wait(LOOK_AFTER):
                try:
                    self._gone()
                except ScreenLost:
                    self._client.abort()

        threading.Thread(target=look, name="deskhand-look-after", daemon=True).start()
        try:
            yield
        finally:
            done.set()

    def _turn_back(self, *, begun: bool) -> None:
        if self._seized:
            raise TakenOver(begun=begun)
        if self._let_go.is_set():
            raise Interrupted("cut short: the hands were told to let go")

    def _end_batch(self) -> None:
        """Tell the machine to let go until it has; cut the line where it does not hear."""
        deadline = time.monotonic() + self._patience
        while self._sending:
            with suppress(ActuatorError, ScreenLost):
                self._client.release(self._patience)
            if time.monotonic() > deadline:
                self._client.abort()
            if self._lock.acquire(timeout=AGAIN):
                self._lock.release()

    def _keep_apart(self, action: Action) -> None:
        """Two clicks that were asked for one by one must not merge into a double click."""
        press = _press_of(action)
        if press is None or self._last_press is None:
            return
        (x, y), button = press
        at, last, last_button = self._last_press
        if button == last_button and max(abs(last[0] - x), abs(last[1] - y)) <= APART_PIXELS:
            left = at + APART_SECONDS - time.monotonic()
            if left > 0 and self._let_go.wait(left):
                self._turn_back(begun=False)

    def _note_press(self, action: Action) -> None:
        if press := _press_of(action):
            end = (action.path[-1].x, action.path[-1].y) if isinstance(action, Drag) else press[0]
            self._last_press = (time.monotonic(), end, press[1])


def _press_of(action: Action) -> tuple[tuple[int, int], Button] | None:
    """Where a button goes down, and which."""
    match action:
        case Click():
            return (action.x, action.y), action.button
        case DoubleClick() | TripleClick():
            return (action.x, action.y), "left"
        case Drag():
            return (action.path[0].x, action.path[0].y), "left"
        case _:
            return None


def _known(fault: GuestFault) -> ActuatorError | PerceptionError:
    """The machine's word for an error, as the error that the same hands raise here."""
    if fault.type == "cannot_type":
        error = CannotType(fault.characters, "")
        error.args = (str(fault),)  # it says which characters already
        return error
    kind = _FAULTS.get(fault.type)
    return fault if kind is None else kind(str(fault))
