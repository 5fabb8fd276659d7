"""What makes text documents a family of documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent.office.documents.blank import write_blank
from agent.office.documents.editing import edit
from agent.office.editing import Edited, Trade
from agent.office.materials import Materials
from agent.office.package import Package
from agent.tools.strict import Part


def trade_of(author: str | None) -> Trade:
    """Text documents, with edits tracked as changes of `author` where there is one."""

    def carry_out(package: Package, path: Path, operations: Sequence[Part], materials: Materials, begin: str) -> Edited:
        return edit(package, path, operations, materials, begin=begin, author=author)

    return Trade("document", "docx", write_blank, carry_out, author)
