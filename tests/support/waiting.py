"""Waiting for what another thread, process or server brings about: polled, and never longer than a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio

PAUSE = 0.02  # seconds between two looks


def until(true: Callable[[], object], seconds: float = 30.0) -> bool:
    """Wait for it; whether it came."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True


async def eventually(true: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for it beside other tasks; TimeoutError if it does not come."""
    with anyio.fail_after(seconds):
        while not true():
            await anyio.sleep(PAUSE)
