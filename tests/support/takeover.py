"""Hands at work in a thread, a user who touches something, and waiting until it shows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from actuators.actions import Action
from actuators.errors import ActuatorError
from actuators.hands import Hands
from tests.support.xephyr import User

SOON = 5.0  # seconds that anything may take on a busy machine
QUIET = 0.15  # seconds in which nothing should happen


def until(holds: Callable[[], bool]) -> bool:
    """Wait for it; whether it came."""
    deadline = time.monotonic() + SOON
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


class Working:
    """The hands at work in a thread of their own."""

    def __init__(self, hands: Hands, action: Action) -> None:
        self.failure: ActuatorError | None = None
        self._hands, self._action = hands, action
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._hands.perform(self._action)
        except ActuatorError as error:
            self.failure = error

    def still(self) -> float:
        """Wait for the hands to be still; the seconds that it took."""
        began = time.monotonic()
        self._thread.join(SOON)
        assert not self._thread.is_alive()
        return time.monotonic() - began


USES: dict[str, Callable[[User], None]] = {
    "pointer": lambda user: user.move(700, 300),
    "button": lambda user: user.click(1),
    "wheel": lambda user: user.click(5),
    "key": lambda user: user.tap("a"),
}
