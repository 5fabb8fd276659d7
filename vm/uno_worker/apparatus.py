"""Contents, footnotes and bookmarks of an open text document; `text` is a `writer.Writer`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .link import Fault

Operation = dict[str, Any]
INDEXES = {"headings": "ContentIndex", "figures": "IllustrationsIndex", "tables": "TableIndex"}


def insert_contents(text: Any, operation: Operation) -> str:
    """A table of contents, of figures or of tables, with its entries."""
    index = text.document.createInstance(f"com.sun.star.text.{INDEXES[operation['of']]}")
    place = text.new_paragraph(operation["at"])
    if operation["of"] == "headings":
        index.CreateFromOutline, index.Level = True, min(max(operation["levels"] or 3, 1), 9)
    else:
        index.CreateFromLabels, index.LabelCategory = True, operation["of"].removesuffix("s").title()
    index.Title = operation["title"] or ""
    text.document.Text.insertTextContent(place.Start, index, False)
    index.update()
    return f"contents of {operation['of']} inserted"


def insert_footnote(text: Any, operation: Operation) -> str:
    """A footnote, whose mark follows words."""
    if not operation["text"].strip():
        raise Fault("a footnote needs a text")
    where = text.words(operation["block"], operation["after"]).End
    note = text.document.createInstance("com.sun.star.text.Footnote")
    where.Text.insertTextContent(where, note, False)
    note.setString(operation["text"].strip())
    text.touch(where)
    return "footnote inserted"


def insert_bookmark(text: Any, operation: Operation) -> str:
    """A name for words, or for a block."""
    if text.document.Bookmarks.hasByName(operation["name"]):
        raise Fault(f"there is a bookmark {operation['name']!r} already")
    where = text.words(operation["block"], operation["words"])
    mark = text.document.createInstance("com.sun.star.text.Bookmark")
    mark.setName(operation["name"])
    where.Text.insertTextContent(where, mark, True)
    return f"bookmark {operation['name']} set"


KNOWN: dict[str, Callable[[Any, Operation], str]] = {
    "insert_contents": insert_contents, "insert_footnote": insert_footnote, "insert_bookmark": insert_bookmark,
}  # fmt: skip
