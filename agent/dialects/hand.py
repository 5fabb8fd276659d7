"""What models do in halves: a key goes down in one answer and comes up in another, a drag begins here and ends there.

Nothing is held in between: the pointer's place, keys and a pressed button are remembered, and what they stand for is
done at once when the other half is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from agent.values import Word

Pixel: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Hand:
    """Between two answers.

    Attributes:
        at: where the pointer was put last, in pixels of the screenshot.
        keys: that are to be held, each with whether something was done with it.
        path: of a drag that has begun.
    """

    at: Pixel | None = None
    keys: tuple[tuple[str, bool], ...] = ()
    path: tuple[Pixel, ...] = ()

    @property
    def held(self) -> tuple[str, ...]:
        """The keys' names, as they went down."""
        return tuple(key for key, _ in self.keys)

    def used(self) -> Hand:
        """Something was done with the keys."""
        return replace(self, keys=tuple((key, True) for key, _ in self.keys))

    def to_word(self) -> Word:
        """As the journal keeps it; empty where there is nothing to keep."""
        word: Word = {"at": self.at, "keys": self.keys, "path": self.path}
        return {key: _listed(value) for key, value in word.items() if value}


def hand_of(word: Word) -> Hand:
    """A hand as `Hand.to_word` has written it."""
    at = word.get("at")
    return Hand(
        at=(int(at[0]), int(at[1])) if at else None,
        keys=tuple((str(key), bool(used)) for key, used in word.get("keys", ())),
        path=tuple((int(x), int(y)) for x, y in word.get("path", ())),
    )


def _listed(value: Any) -> Any:
    return [_listed(each) for each in cast("tuple[Any, ...]", value)] if isinstance(value, tuple) else value
