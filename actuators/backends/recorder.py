"""Hands that only write down what they would do: for tests, ours and those of users."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TypeAlias

from actuators.actions import Button
from actuators.backends import Monitor, Pause

Primitive: TypeAlias = tuple[str | int | bool, ...]


class Recorder:
    """A backend without a display.

    Attributes:
        calls: the primitives in order, as tuples: ("move", 3, 4), ("button", "left", True), ("key", "ctrl", False), …
        fail_at: raise `failure` instead of recording the call with this index; None never fails.
    """

    name = "recorder"

    def __init__(
        self,
        monitors: Sequence[Monitor] = (Monitor(0, 0, 1280, 800),),
        *,
        fail_at: int | None = None,
        failure: Exception | None = None,
    ) -> None:
        self.calls: list[Primitive] = []
        self.fail_at = fail_at
        self.failure = failure or RuntimeError("the recorder was told to fail")
        self.closed = False
        self._monitors = tuple(monitors)
        self._count = 0

    def acting(self) -> AbstractContextManager[None]:
        """Nothing to map."""
        return nullcontext()

    def monitors(self) -> Sequence[Monitor]:
        """As given."""
        return self._monitors

    def move(self, x: int, y: int) -> None:
        """Record ("move", x, y)."""
        self._record("move", x, y)

    def button(self, button: Button, down: bool) -> None:
        """Record ("button", name, down)."""
        self._record("button", button, down)

    def notch(self, dx: int, dy: int) -> None:
        """Record ("notch", dx, dy)."""
        self._record("notch", dx, dy)

    def key(self, name: str, down: bool) -> None:
        """Record ("key", name, down)."""
        self._record("key", name, down)

    def type_text(self, text: str, pause: Pause) -> None:
        """Record ("type_text", text)."""
        self._record("type_text", text)

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    def _record(self, *call: str | int | bool) -> None:
        index, self._count = self._count, self._count + 1
        if index == self.fail_at:
            raise self.failure
        self.calls.append(call)
