"""What happens beside the model's own doing, and what is still going on: a command that ended, a server that died."""

from __future__ import annotations

from collections.abc import Callable

import anyio


class News:
    """Kept until the next turn's boundary, where the model is told. For the thread of the event loop."""

    def __init__(self) -> None:
        self._told: list[str] = []
        self._event = anyio.Event()
        self._going_on: list[Callable[[], str]] = []

    def tell(self, text: str) -> None:
        """Something has happened that the model should know, in a sentence or two."""
        self._told.append(text)
        self._event.set()

    def withdraw(self, text: str) -> None:
        """The model has been told of it in another way."""
        if text in self._told:
            self._told.remove(text)
            if not self._told:
                self._event = anyio.Event()

    def take(self) -> list[str]:
        """All that has not been taken yet."""
        told, self._told = self._told, []
        self._event = anyio.Event()
        return told

    async def wait(self) -> None:
        """Return once there is something."""
        if not self._told:
            await self._event.wait()

    def watch(self, going_on: Callable[[], str]) -> None:
        """Ask `going_on` what is still under way whenever that matters: one line, or ""."""
        self._going_on.append(going_on)

    @property
    def going_on(self) -> list[str]:
        """What will bring news by itself, in words."""
        return [words for each in self._going_on if (words := each())]
