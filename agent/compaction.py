"""Making a conversation shorter before it is too long for the model: between turns, and never in the middle of one.

By the provider's own where it has one, else by a summary that the model writes, else by the journal's record of what
was done, so that no session ends because of this. One event says all of it; before it is on disk nothing has changed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import anyio

from agent import budget, handover
from agent.attention import Attention
from agent.conversation import (
    Answer,
    FromDeskhand,
    FromModel,
    FromUser,
    Item,
    Request,
    said_by_user,
    screens_of,
    shortened,
)
from agent.errors import ModelFault, Transient
from agent.events import Compacted, ModelDropped, ModelRetrying
from agent.models.failures import BadAnswer
from agent.models.retry import Backoff
from agent.models.window import CONTEXT_FULL, FULL_AT, Windowed
from agent.ports import Journal, Model
from agent.recorder import Recorder
from agent.values import NOTHING_USED, ImageRef, Usage, Word
from agent.weight import pictures_of, tokens_of

MOST_PICTURES = 400  # in one request; providers take 1,500
MOST_BYTES = 64_000_000  # of pictures in one request; providers take 512 MB, and each turn sends them all
BASE64 = 4 / 3
TO_THE_BRIM = 0.95  # share of the window that nothing may go beyond
GROWN = 1.5  # times what the last compaction has left, before there is another one
ROOM = 6_000  # tokens beside instructions and tools, which never become shorter
WORTH = 0.8  # of the length, which must be reached before anybody is asked
LEAST = 4_000  # tokens that any window has
SCREENS = 3  # the last ones, which stay; the provider keeps every picture for good, so it is given one
TRIES = 3
LONGEST_WAIT = 30.0  # seconds between two tries; a record without the model is better than a longer wait
LONGEST = 900.0  # seconds for one try
SUMMARY_TOKENS = 8_000  # of the model's answer, its reasoning included
ENDLESS = 100_000  # characters of a summary, its reasoning included
SHORTEST = 40  # characters of what can be a summary
FAILED_BEFORE = 1.2  # times as long as when it did not work, before it is tried again
TOO_LONG = (CONTEXT_FULL, "413")
THE_USERS = (401, 403)  # what the user must mend: the next turn would say the same
T = TypeVar("T")


@dataclass(frozen=True)
class _Made:
    """What stands in the place of what was said and done."""

    by: Literal["provider", "model", "deskhand"]
    summary: str = ""
    output: tuple[Word, ...] = ()
    images: tuple[ImageRef, ...] = ()
    usage: Usage = NOTHING_USED


@dataclass(frozen=True)
class _Old:
    """The conversation that is too long; its last `kept` items stay. `window` is there where a request was refused."""

    items: tuple[Item, ...]
    window: int | None
    kept: int

    @property
    def head(self) -> tuple[Item, ...]:
        """What is to be made shorter: what the model has seen already."""
        return self.items[: len(self.items) - self.kept]


class Compaction:
    """Keeps one session's conversation within what its model takes.

    Args:
        at: tokens from which on the conversation is made shorter; None leaves that to the model.
        going_on: what has been started and goes on by itself, in words.
    """

    def __init__(
        self,
        model: Model,
        journal: Journal,
        recorder: Recorder,
        attention: Attention,
        *,
        at: int | None = None,
        going_on: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._model = model
        self._windowed = model if isinstance(model, Windowed) else None
        self._journal = journal
        self._recorder = recorder
        self._state = recorder.state
        self._attention = attention
        self._at = at
        self._going_on = going_on
        self._bytes: dict[str, int] = {}
        self._failed_at = 0
        self._heard = 0
        self._held = False

    # ---- when

    async def if_due(self) -> bool:
        """Make the conversation shorter where it is time; whether the user held it meanwhile, and may have acted.

        Raises:
            Stop: the user stopped, or a budget ended.
            ModelFault: the provider refused in a way that only the user can mend.
        """
        if reason := self._due():
            await self._compact(reason)
        held, self._held = self._held, False
        return held

    async def make_room(self, fault: ModelFault) -> None:
        """After a request that was refused as too long; what the provider says about its window is learnt.

        Raises:
            ModelFault: `fault`, where it is another one, or nothing more can be done about it.
        """
        length = self._state.length
        if fault.code not in TOO_LONG or not length.answers:
            raise fault
        named = fault.details.get("window")
        window = named if isinstance(named, int) else int(length.tokens * TO_THE_BRIM)
        if not await self._compact("the model refused it as too long", window=max(LEAST, window)):
            raise fault

    def _due(self) -> str:
        """Why it is time, or ""."""
        length = self._state.length
        if self._windowed is None or not length.answers or length.tokens < self._failed_at or self._state.turn.open:
            return ""
        if length.tokens >= self._limit(self._windowed):
            return f"it had {length.tokens:,} tokens"
        pictures = [image for item in self._state.items for image in pictures_of(item)]
        if len(pictures) >= MOST_PICTURES:
            return f"it had {len(pictures)} pictures"
        size = self._weigh(pictures)
        return f"it had {size / 1e6:.0f} MB of pictures" if size >= MOST_BYTES else ""

    def _limit(self, model: Windowed) -> int:
        length, window, most = self._state.length, model.window, self._most()
        due = self._at or min(window.due, int(most * FULL_AT))
        wanted = min(max(due, length.fixed + ROOM, int(length.base * GROWN)), int(most * TO_THE_BRIM))
        return max(wanted, length.base + min(most // 20, due // 4))  # never again without anything to gain

    def _most(self) -> int:
        """Tokens that the model takes, as far as anybody knows."""
        known = self._windowed.window.most if self._windowed else self._state.length.tokens
        return min(self._state.length.window or known, known)

    def _weigh(self, pictures: Sequence[ImageRef]) -> float:
        """Bytes of pictures in a request."""
        known = {image.sha256: self._bytes.get(image.sha256) for image in pictures}
        for image in pictures:
            if known[image.sha256] is None:
                known[image.sha256] = len(self._journal.load(image))
        self._bytes = {name: size or 0 for name, size in known.items()}
        return sum(self._bytes[image.sha256] for image in pictures) * BASE64

    # ---- how

    async def _compact(self, reason: str, *, window: int | None = None) -> bool:
        """Try one way after the other; the first that makes it shorter is written down."""
        began = time.monotonic()
        old = _Old(tuple(self._state.items), window, self._kept(window))
        least = shortened(old.items, self._event(_Made("deskhand"), reason, old))
        worth = tokens_of(least) < tokens_of(old.items) * WORTH
        for make in (self._by_provider, self._by_model, self._by_hand) if worth else ():
            with self._recorder.not_ours():
                made = await make(old)
            if made is None:
                continue
            event = self._event(made, reason, old)
            before, after = tokens_of(old.items), tokens_of(shortened(old.items, event))
            if after < before * TO_THE_BRIM:
                after += self._state.length.fixed
                self._recorder.record(replace(event, after=after, seconds=round(time.monotonic() - began, 3)))
                self._failed_at = 0
                return True
            if made.usage != NOTHING_USED:
                self._drop("what the conversation was to be replaced with is no shorter", made.usage)
        self._failed_at = int(self._state.length.tokens * FAILED_BEFORE)
        return False

    def _kept(self, window: int | None) -> int:
        """How many items stay as they are: the last answer, and what came of it, which the model has not seen yet."""
        items, room = self._state.items, (window or self._most()) // 4
        last = next((at for at in reversed(range(len(items))) if isinstance(items[at], FromModel)), 0)
        return len(items) - last if last and tokens_of(items[last:]) <= room else 0

    async def _by_provider(self, old: _Old) -> _Made | None:
        model, request = self._windowed, self._request(old.head)
        if model is None:
            return None
        try:
            made = await self._tried(lambda: model.compact(request))
        except ModelFault as fault:
            return self._let_go(fault)
        return _Made("provider", output=made.output, images=made.images, usage=made.usage) if made else None

    async def _by_model(self, old: _Old) -> _Made | None:
        """Ask for a summary: of everything, or, where that is too long, of what is newest."""
        try:
            return await self._summary(old.head if old.window is None else self._newest(old, old.window))
        except ModelFault as fault:
            if fault.code not in TOO_LONG:
                return self._let_go(fault)
        try:
            return await self._summary(self._newest(old, (old.window or self._state.length.tokens) // 2))
        except ModelFault as fault:
            return self._let_go(fault)

    async def _by_hand(self, old: _Old) -> _Made:
        """Without a model; what the provider once made stays in front, as nobody else can read it."""
        first = old.head[0]
        base = first if isinstance(first, FromModel) else FromModel(())
        return _Made("deskhand", handover.record(self._state), base.output, base.images)

    async def _summary(self, items: tuple[Item, ...]) -> _Made | None:
        items = (*items, FromDeskhand(handover.SUMMARISE))
        request = replace(self._request(items), speak_only=True, most_tokens=SUMMARY_TOKENS)
        answer = await self._tried(lambda: self._listen(request))
        if answer is None:
            return None
        if wrong := _wrong_with(answer):
            self._drop(f"the summary was not used: {wrong}", answer.usage)
            return None
        return _Made("model", handover.summary(answer.words), usage=answer.usage)

    def _newest(self, old: _Old, window: int) -> tuple[Item, ...]:
        """The user's words, the record of what was done, and as much of the newest as half a window takes."""
        cut = _cut(old.head, window // 2)
        said = [FromUser(text) for text in said_by_user(old.head[:cut])]
        return (*said, FromDeskhand(handover.record(self._state)), *old.head[cut:])

    def _request(self, items: tuple[Item, ...]) -> Request:
        state = self._state
        assert state.started, "a journal begins with session.started"
        return Request(state.started.session, state.started.instructions, items, self._journal.load, state.tools or ())

    def _event(self, made: _Made, reason: str, old: _Old) -> Compacted:
        state = self._state
        most = 1 if old.window or made.by == "provider" else SCREENS
        return Compacted(
            turn=state.turns,
            by=made.by,
            reason=reason,
            standing=handover.standing(state, self._going_on(), follows=old.kept > 0),
            summary=made.summary,
            output=made.output,
            images=made.images,
            words=tuple(state.length.words),
            screens=_last(screens_of(old.head), most - len(screens_of(old.items[len(old.head) :]))),
            kept=old.kept,
            items=len(old.items),
            before=state.length.tokens,
            window=old.window,
            usage=made.usage,
        )

    # ---- asking

    async def _tried(self, ask: Callable[[], Awaitable[T | None]]) -> T | None:
        """Ask, and once more where that may help; None where it does not.

        Raises:
            ModelFault: the provider refused.
        """
        backoff = Backoff()
        backoff.succeeded()
        for attempt in range(1, TRIES + 1):
            self._held = await self._attention.until_free() or self._held
            budget.check(self._state)
            self._heard = 0
            try:
                return await self._in_time(ask)
            except BadAnswer as fault:
                self._drop(f"the summary was not used: {fault}", fault.usage)
                return None
            except Transient as fault:
                if self._heard:
                    self._drop(str(fault), self._estimate())
                seconds = backoff.next(fault)
                if seconds is None or seconds > LONGEST_WAIT or attempt == TRIES:
                    return None
                self._recorder.record(ModelRetrying(self._next_turn, attempt, str(fault), round(seconds, 2)))
                await self._attention.pause_for(seconds)
        return None

    async def _in_time(self, ask: Callable[[], Awaitable[T | None]]) -> T | None:
        """Ask once; what the user's stop, a budget or the clock cuts short is booked as an estimate."""
        results: list[T | None] = []
        deadline = anyio.current_time() + min(LONGEST, budget.seconds_left(self._state))
        with self._attention.interruptible(deadline=deadline):
            results.append(await ask())
        if results:
            return results[0]
        self._drop("making the conversation shorter was cut short", self._estimate())
        self._attention.hear()
        self._attention.raise_stop()
        budget.check(self._state)
        return None

    async def _listen(self, request: Request) -> Answer | None:
        async with aclosing(self._model.respond(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Answer):
                    return piece
                self._heard += len(piece.text)
                if self._heard > ENDLESS:
                    raise BadAnswer("it has no end", usage=self._estimate())
        raise Transient("the model's answer ended in the middle")

    def _let_go(self, fault: ModelFault) -> None:
        """Whoever refuses to help with this may still go on with the task, unless the user has something to mend."""
        if fault.details.get("status") in THE_USERS:
            raise fault

    @property
    def _next_turn(self) -> int:
        """The one that all of this is for."""
        return self._state.turns + 1

    def _drop(self, reason: str, usage: Usage) -> None:
        self._recorder.record(ModelDropped(self._next_turn, reason, usage=usage))

    def _estimate(self) -> Usage:
        tokens = math.ceil(self._heard / 4)
        return Usage(input_tokens=self._state.length.tokens, output_tokens=tokens, estimated=True)


def _wrong_with(answer: Answer) -> str:
    """Why an answer is no summary, or ""."""
    words = answer.words.strip()
    if answer.calls:
        return "it asks for something to be done"
    if any(part.get("type") == "refusal" for word in answer.output for part in _parts(word)):
        return "the model refused to write it"
    if len(words) < SHORTEST:
        return "it says nothing"
    return "it is too long" if len(words) > handover.MOST_CHARACTERS else ""


def _parts(word: Word) -> list[Word]:
    content = word.get("content")
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []  # pyright: ignore[reportUnknownVariableType]


def _cut(items: Sequence[Item], room: int) -> int:
    """Where the newest items begin that weigh at most `room` tokens; always with an answer, never inside a turn."""
    cut, weight = len(items), 0
    for index in reversed(range(len(items))):
        weight += tokens_of(items[index : index + 1])
        if weight > room:
            break
        if isinstance(items[index], FromModel):
            cut = index
    return cut


def _last(screens: Sequence[ImageRef], most: int) -> tuple[ImageRef, ...]:
    """The last different ones, the newest at the end."""
    found: list[ImageRef] = []
    for image in reversed(screens):
        if len(found) >= most:
            break
        if image not in found:
            found.insert(0, image)
    return tuple(found)
