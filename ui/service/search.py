"""Past sessions, found by what they were about: every word of the query must be in one of their texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from ui.service.cards import Card
from ui.service.following import Following


def search(sessions: Iterable[Following], query: str, *, before: str, limit: int) -> tuple[list[Card], bool]:
    """The newest sessions that fit, and whether there are more.

    Args:
        sessions: the newest first. They are read as far as needed.
        query: words that must all be there, parts of words too; "" finds all.
        before: only sessions older than the one of this id; "" for all.
    """
    words = query.casefold().split()
    older = (item for item in sessions if not before or item.session.id < before)
    found = list(islice(_fitting(older, words), limit + 1))
    return found[:limit], len(found) > limit


def _fitting(sessions: Iterable[Following], words: list[str]) -> Iterator[Card]:
    for item in sessions:
        item.look(liveness=item.live)
        if item.is_beginning:
            continue
        card = item.card()
        if all(word in text for text in [_text(item, card)] for word in words):
            yield card


def _text(item: Following, card: Card) -> str:
    """Everything of a session that it can be found by: what the user said, last words, the end, names of files."""
    parts = [*item.said(), card.id, card.task, card.words, card.reason, card.outcome, card.state, card.model]
    return "\n".join([*parts, *item.file_names()]).casefold()
