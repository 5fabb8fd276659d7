"""The next action, in words and with its place, as the user sees it before it happens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from agent.events import ActionDone, ActionStarted, ApprovalRequested, ToolStarted
from agent.values import Call, ImageRef, ScreenCall, Word
from ui.blocks import mark_of
from ui.service.cards import Next
from ui.terminal import in_words

_IN_WORDS = {"ask_user": "ask you something", "update_plan": "write down its plan", "give_up": "give up"}
LONGEST = 300  # characters of an action


@dataclass
class Upcoming:
    """What the last answer asked for, and how far that got."""

    now: Next | None = None
    _actions: dict[tuple[str, int], Word] = field(default_factory=dict[tuple[str, int], Word])
    _image: ImageRef | None = None

    def clear(self) -> None:
        """Nothing is asked for."""
        self.now, self._image = None, None
        self._actions.clear()

    def plan(self, calls: Iterable[Call], image: ImageRef | None) -> None:
        """The model has asked for this, having seen that picture."""
        self.clear()
        self._image = image
        for call in calls:
            if isinstance(call, ScreenCall):
                self._actions |= {(call.id, index): raw for index, raw in enumerate(call.actions)}
            elif not self._actions and self.now is None:
                words = _IN_WORDS.get(call.name, f"use {call.name.replace('_', ' ')}")
                self.now = Next(words[:LONGEST], None, None, 0, 0, "next")
        if self._actions:
            self.now = self._told(next(iter(self._actions.values())))

    def begin(self, event: ActionStarted) -> None:
        """An action is being carried out."""
        told = self._told(event.action)
        self.now = replace(told, words=event.words[:LONGEST] or told.words, state="doing")

    def use(self, event: ToolStarted) -> None:
        """A tool is at work."""
        self.now = Next(event.words[:LONGEST], None, None, 0, 0, "doing")

    def ask(self, event: ApprovalRequested) -> None:
        """A rule wants a yes for the next action, and knows what it would reach; or for a call of a tool."""
        if event.source != "rule":
            return
        words = event.what[:LONGEST]
        if not any(call == event.call for call, _ in self._actions):
            self.now = Next(words, None, None, 0, 0, "next")
        elif self.now:
            self.now = replace(self.now, words=words)

    def finish(self, event: ActionDone) -> None:
        """An action is over: the one after it is next, unless it failed."""
        following = self._actions.get((event.call, event.index + 1))
        if following is not None and not event.error:
            self.now = self._told(following)
        elif self.now:
            self.now = replace(self.now, state="done")

    def _told(self, raw: Word) -> Next:
        words = in_words(raw)[:LONGEST]
        if self._image is None or not (mark := mark_of(raw, self._image)):
            return Next(words, None, None, 0, 0, "next")
        return Next(words, mark["points"][0], self._image.sha256, self._image.width, self._image.height, "next")
