"""What the tools for documents take, as JSON Schema, made beforehand: to make it takes longer than a session may wait.

`make docs` writes the file from the operations' models, and `make check` tells when it is out of date.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("schemas.json")
_MODELS = {
    "spreadsheet": ("agent.office.spreadsheets.operations", "SpreadsheetRequest"),
    "slides": ("agent.office.slides.operations", "EditSlides"),
    "document": ("agent.office.documents.operations", "EditDocument"),
    "pdf": ("agent.office.pdfs.operations", "EditPdf"),
}


def parameters(tool: str) -> dict[str, Any]:
    """The `Tool.parameters` of one of the tools for documents."""
    return _all()[tool]


def made() -> str:
    """The file's text, as it should be."""
    from agent.tools.strict import parameters_of

    found = {tool: parameters_of(getattr(import_module(module), name)) for tool, (module, name) in _MODELS.items()}
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


@cache
def _all() -> dict[str, dict[str, Any]]:
    return json.loads(FILE.read_text(encoding="utf-8"))
