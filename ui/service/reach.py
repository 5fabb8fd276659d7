"""The user's own hands on a session's private desktop, through the page: they reach for its live picture.

What is done here is the user's: the guard in the session's process hears that somebody else's hands are at work, and
tells the model where they clicked when the computer is handed back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from actuators.actions import Action, Drag, TakeScreenshot, Wait, located, parse_action
from actuators.errors import ActuatorError
from actuators.hands import Hands, open_hands
from agent.errors import UserFault
from agent.session import Session
from perception.errors import OffImage
from perception.screenshot import Region, Space

LET_GO_AFTER = 30.0  # seconds without input after which a display is let go of


class Reach:
    """Hands on the displays of sessions that the user has taken over. Blocks for milliseconds; any thread."""

    def __init__(self, display_of: Callable[[Session], str | None]) -> None:
        self._display_of = display_of
        self._lock = threading.Lock()
        self._hands: dict[str, tuple[Hands, float]] = {}

    def act(self, session: Session, raw: Mapping[str, Any], size: tuple[int, int], screen: tuple[int, int]) -> None:
        """Carry out one action on a session's display.

        Args:
            raw: an action in the words of `actuators.actions`, its points pixels of the live picture.
            size: width and height of that picture.
            screen: width and height of the display.

        Raises:
            UserFault: the action cannot be read or carried out, or there is no display to reach.
        """
        try:
            action = _on_screen(parse_action(raw), size, screen)
            with self._lock:
                self._open(session).perform(action)
        except (ActuatorError, OffImage) as error:
            self.let_go(session)
            raise UserFault(f"that did not reach the session's screen: {error}; try again") from None

    def let_go(self, session: Session) -> None:
        """The computer was handed back."""
        with self._lock:
            self._close(session.id)

    def close(self) -> None:
        """Let go of every display."""
        with self._lock:
            for name in list(self._hands):
                self._close(name)

    def _open(self, session: Session) -> Hands:
        self._let_go_of_idle()
        found = self._hands.get(session.id)
        hands = found[0] if found else self._opened(session)
        self._hands[session.id] = (hands, time.monotonic())
        return hands

    def _opened(self, session: Session) -> Hands:
        display = self._display_of(session)
        if display is None:
            raise UserFault(f"session {session.id} has no screen of its own that could be reached from here")
        return open_hands(display)

    def _let_go_of_idle(self) -> None:
        now = time.monotonic()
        for name, (_, used) in list(self._hands.items()):
            if now - used > LET_GO_AFTER:
                self._close(name)

    def _close(self, name: str) -> None:
        if found := self._hands.pop(name, None):
            found[0].close()


def _on_screen(action: Action, size: tuple[int, int], screen: tuple[int, int]) -> Action:
    if isinstance(action, Wait | TakeScreenshot):
        raise UserFault("that is nothing that hands do")
    if isinstance(action, Drag) and len(action.path) < 2:
        raise UserFault("a drag needs two points at least")
    return located(action, Space(Region(0, 0, *screen), *size).to_screen)
