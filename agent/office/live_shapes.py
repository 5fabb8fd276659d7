"""Shapes of an open presentation: names and ids as `inspect` gives them, as places on their slides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import anyio.to_thread

from agent.errors import ToolFault

_SLIDES: Final = ("add_slide", "delete_slides", "move_slide", "duplicate_slide")
_ADDING: Final = ("add_text", "add_picture", "add_table", "add_shape")


async def placed_shapes(
    requests: list[dict[str, Any]], snapshot: Callable[[], Awaitable[Path]], name: str
) -> list[dict[str, Any]]:
    """The requests with places ("@3") for names and ids of shapes ("#4"), and with what is to be seen there.

    Raises:
        ToolFault: an id is not there, or cannot be followed through what the same call does before.
    """
    if not any(map(_named, requests)):
        return requests
    from agent.office.slides.deck import open_deck

    deck = await anyio.to_thread.run_sync(open_deck, await snapshot(), name)
    follow = _Following(deck)
    return [follow.placed(told) for told in requests]


def _named(told: dict[str, Any]) -> str:
    """The shape that an operation is about."""
    return told.get("shape") or told.get("into") or ""


class _Following:
    """Where shapes are while operations add and remove others."""

    def __init__(self, deck: Any) -> None:
        self._deck = deck
        self._moved = False  # slides, so that their numbers mean others
        self._lost: set[int] = set()  # slides whose shapes have another order
        self._added: dict[int, int] = {}
        self._touched: set[tuple[int, int]] = set()

    def placed(self, told: dict[str, Any]) -> dict[str, Any]:
        slide: int | None = told.get("slide")
        out = told
        if wanted := _named(told):
            if slide is not None and not self._moved and slide not in self._lost:
                out = told | self._place(slide, wanted, "into" if told.get("into") else "shape")
            elif wanted.startswith("#"):
                raise ToolFault(
                    f"{wanted} counts before slides or shapes are added and removed; use a call of its own for "
                    "this. Nothing was changed."
                )
        self._moved = self._moved or told["do"] in _SLIDES
        if slide is not None and told.get("into"):
            self._lost.add(slide)
        elif slide is not None and told["do"] in _ADDING:
            self._added[slide] = self._added.get(slide, 0) + 1
        if slide is not None and (told["do"] == "delete_shape" or told.get("order")):
            self._lost.add(slide)
        return out

    def _place(self, number: int, wanted: str, field: str) -> dict[str, Any]:
        from agent.office.slides.deck import find_shape

        slide = self._deck.slide(number)
        try:
            shape = find_shape(slide, wanted)
        except ToolFault:
            if wanted.startswith("#"):
                raise
            return {}  # one that this call adds
        ids = [one.shape_id for one in slide.shapes]
        if shape.shape_id not in ids:
            raise ToolFault(f"{wanted} is in a group; change it on the screen. Nothing was changed.")
        seen = shape.text_frame.text if shape.has_text_frame else None
        place, count = ids.index(shape.shape_id), len(ids) + self._added.get(number, 0)
        if (number, place) in self._touched:
            seen = None
        self._touched.add((number, place))
        return {field: f"@{place}", "expected": seen, "count": count}
