"""References through several sheets, Jan:Dec!B2: they move when the same has been done to all of these sheets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from agent.office.spreadsheets.book import Book

Span = tuple[str, ...]
"""The sheets that a reference goes through, in lower case."""


def between(order: Sequence[str], first: str, last: str) -> Span:
    """The sheets from one to another; none where one of them is not there."""
    names = [name.casefold() for name in order]
    if first.casefold() not in names or last.casefold() not in names:
        return ()
    low, high = sorted((names.index(first.casefold()), names.index(last.casefold())))
    return tuple(names[low : high + 1])


class Together:
    """What has been done to which sheets in this call, so that the same done to several is known."""

    def __init__(self) -> None:
        self._done: dict[str, Counter[str]] = {}
        self._met: dict[Span, str] = {}

    def follows(self, book: Book, sheet: str, what: str) -> Callable[[str, str], bool]:
        """Note that something is done to a sheet; what then says whether references from one sheet to another move."""
        done = self._done.setdefault(what, Counter())
        here = sheet.casefold()
        done[here] += 1

        def move(first: str, last: str) -> bool:
            sheets = between(book.sheet_names, first, last)
            if here not in sheets:
                return False
            self._met.setdefault(sheets, f"{first}:{last}")
            return all(done[each] >= done[here] for each in sheets)

        return move

    def tell(self, note: Callable[[str], None]) -> None:
        """Say which references did not move, because the sheets are not alike any more."""
        for sheets, text in self._met.items():
            counts = [[done[each] for each in sheets] for done in self._done.values()]
            if any(len(set(each)) > 1 for each in counts):
                note(
                    f"References through the sheets {text} lead to the same cells of all of them, and stayed where "
                    "they are: not all of these sheets were changed in the same way. Do the same to the others in the "
                    "same call, or write these formulas anew."
                )
