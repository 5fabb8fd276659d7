"""What makes presentations a family of documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent.office.editing import Edited, Trade
from agent.office.materials import Materials
from agent.office.package import Package
from agent.office.slides.editing import edit
from agent.office.slides.templates import write_blank
from agent.tools.strict import Part


def _edit(package: Package, path: Path, operations: Sequence[Part], materials: Materials, begin: str) -> Edited:
    return edit(package, path, operations, materials, begin=begin)


TRADE = Trade("slides", "pptx", write_blank, _edit)
