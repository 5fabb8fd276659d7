"""Server-sent events: the feed as one page gets it.

A stream keeps no backlog, only which sessions and chunks have changed since it last told of them. So a slow reader gets
the newest state, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ui.service.feed import Feed
from ui.service.following import Change, Following
from ui.service.wire import card_data, detail_json, to_json

PACE = 0.04  # seconds between batches
QUIET = 15.0  # seconds after which a stream says that it is still there


@dataclass
class _Pending:
    """What a stream has not told so far."""

    cards: dict[str, Following] = field(default_factory=dict[str, Following])
    gone: set[str] = field(default_factory=set[str])
    chunks: set[int] = field(default_factory=set[int])
    watched: bool = False
    reset: bool = False
    anew: bool = False
    limits: bool = False


class Stream:
    """One listener over HTTP: `messages` are what it is sent."""

    eager = True

    def __init__(self, feed: Feed, board: Callable[[], dict[str, Any]], watched: str | None = None) -> None:
        self._feed, self._board = feed, board
        self._item = feed.now(watched) if watched else None
        self._lock = threading.Lock()
        self._pending = _Pending()
        self._told: dict[str, bytes] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news: asyncio.Event | None = None
        self._ended = False

    # ---- from the feed's thread

    def note(self, item: Following, change: Change) -> None:
        """A session has changed."""
        with self._lock:
            pending = self._pending
            pending.cards[item.session.id] = item
            if item is self._item:
                pending.watched = True
                pending.chunks |= change.chunks
                pending.reset = pending.reset or change.reset
                pending.anew = pending.anew or change.anew
        self._notify()

    def lose(self, name: str) -> None:
        """A session has vanished."""
        with self._lock:
            self._pending.cards.pop(name, None)
            self._pending.gone.add(name)
        self._notify()

    def limit(self) -> None:
        """The limits have changed."""
        with self._lock:
            self._pending.limits = True
        self._notify()

    def end(self) -> None:
        """There will be nothing more."""
        self._ended = True
        self._notify()

    def _notify(self) -> None:
        if self._loop and self._news:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._news.set)

    # ---- to the reader

    async def messages(self) -> AsyncGenerator[bytes]:
        """Server-sent events, each whole."""
        self._loop, self._news = asyncio.get_running_loop(), asyncio.Event()
        if self._item:
            self._item.watch()
        self._feed.open(self)
        try:
            for message in await asyncio.to_thread(self._first):
                yield message
            while not self._ended:
                if not await self._has_news():
                    yield b": still here\n\n"
                    continue
                for message in await asyncio.to_thread(self._batch):
                    yield message
                await asyncio.sleep(PACE)
        finally:
            self._feed.shut(self)
            if self._item:
                self._item.unwatch()

    async def _has_news(self) -> bool:
        assert self._news
        try:
            await asyncio.wait_for(self._news.wait(), QUIET)
        except TimeoutError:
            return False
        self._news.clear()
        return True

    def _first(self) -> list[bytes]:
        board = self._board()
        self._told["limits"] = to_json(board["limits"])
        messages = [_framed("board", to_json(board))]
        if self._item:
            messages += self._detail(self._item)
            messages.append(_framed("blocks", to_json(self._item.newest() | {"reset": False})))
        return messages

    def _batch(self) -> list[bytes]:
        with self._lock:
            pending, self._pending = self._pending, _Pending()
        messages = [_framed("gone", to_json({"id": name})) for name in sorted(pending.gone)]
        for name, item in pending.cards.items():
            if not item.is_beginning:
                messages += self._if_new(f"card {name}", "card", to_json(card_data(item.card())))
        if pending.limits:
            messages += self._if_new("limits", "limits", to_json(self._feed.limits()))
        if self._item and pending.watched:
            messages += self._detail(self._item)
            messages += self._blocks(self._item, pending)
        return messages

    def _detail(self, item: Following) -> list[bytes]:
        return self._if_new("detail", "detail", detail_json(item))

    def _blocks(self, item: Following, pending: _Pending) -> list[bytes]:
        if not pending.chunks and not pending.anew:
            return []
        found = item.newest(None if pending.anew else frozenset(pending.chunks))
        return (
            [_framed("blocks", to_json(found | {"reset": pending.reset}))] if found["changed"] or pending.reset else []
        )

    def _if_new(self, key: str, event: str, data: bytes) -> list[bytes]:
        if self._told.get(key) == data:
            return []
        self._told[key] = data
        return [_framed(event, data)]


def _framed(event: str, data: bytes) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (event.encode("ascii"), data)
