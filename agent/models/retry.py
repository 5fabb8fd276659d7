"""How long to wait before the same request is sent again, and when to give up. Pure policy: it does not wait."""

from __future__ import annotations

import random
from collections.abc import Callable

from agent.errors import Transient
from agent.models.failures import BadAnswer

FIRST_STEP = 1.0  # seconds before the first retry, doubled each time
LONGEST_STEP = 30.0
LONGEST_ASKED = 120.0  # a provider that asks for a longer pause is not waited for
PATIENCE = 600.0  # seconds of waiting in a row, once the provider has answered in this process
UNPROVEN_RETRIES = 3  # retries of a provider that has not answered yet: a wrong address shows within seconds
BAD_ANSWERS = 3  # retries of answers that arrived but could not be used; each of them costs money


class Backoff:
    """Counts failures in a row; one for each model in use.

    Args:
        chance: gives numbers from 0 to 1; spreads the retries of many clients.
    """

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._proven = False
        self._reset()

    @property
    def attempt(self) -> int:
        """How many retries in a row have been granted."""
        return self._attempt

    def next(self, fault: Transient) -> float | None:
        """Seconds to wait before the next try, or None: give up, the fault is final."""
        wait = self._wait(fault)
        if isinstance(fault, BadAnswer):
            self._bad += 1
        exhausted = (
            wait is None
            or (not self._proven and self._attempt >= UNPROVEN_RETRIES)
            or (isinstance(fault, BadAnswer) and self._bad > BAD_ANSWERS)
            or self._waited + wait > PATIENCE
        )
        if wait is None or exhausted:
            return None
        self._attempt += 1
        self._waited += wait
        return wait

    def succeeded(self) -> None:
        """An answer arrived whole: the provider is proven, and the count begins anew."""
        self._proven = True
        self._reset()

    def _reset(self) -> None:
        self._attempt = 0
        self._bad = 0
        self._waited = 0.0

    def _wait(self, fault: Transient) -> float | None:
        step = min(FIRST_STEP * 2.0 ** min(self._attempt, 30), LONGEST_STEP) * (1 - 0.25 * self._chance())
        asked = fault.retry_after
        if asked is None or asked <= 0:
            return step
        return None if asked > LONGEST_ASKED else asked
