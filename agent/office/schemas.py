"""What the tools for documents take, as JSON Schema, made beforehand: to make it takes longer than a session may wait.

Every request of a session carries these schemas, so what repeats in one is said once, under `$defs`. `make docs` writes
the file from the operations' models, and `make check` tells when it is out of date.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.tools.strict import Part

FILE = Path(__file__).with_name("schemas.json")
_MODELS = {
    "spreadsheet": ("agent.office.spreadsheets.operations", "SpreadsheetRequest"),
    "slides": ("agent.office.slides.operations", "EditSlides"),
    "document": ("agent.office.documents.operations", "EditDocument"),
    "pdf": ("agent.office.pdfs.operations", "EditPdf"),
}
NAMES = tuple(_MODELS)


def parameters(tool: str) -> dict[str, Any]:
    """The `Tool.parameters` of one of the tools for documents."""
    return _all()[tool]["parameters"]


def definitions(tool: str) -> dict[str, Any]:
    """Its `Tool.definitions`."""
    return _all()[tool]["definitions"]


def model_of(tool: str) -> type[Part]:
    """The arguments that they are made from."""
    module, name = _MODELS[tool]
    return getattr(import_module(module), name)


def made() -> str:
    """The file's text, as it should be."""
    found = {tool: _made(model_of(tool)) for tool in NAMES}
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _made(model: type[Part]) -> dict[str, Any]:
    from agent.tools.shared import shared
    from agent.tools.strict import parameters_of

    told, defined = shared(parameters_of(model))
    return {"parameters": told, "definitions": defined}


@cache
def _all() -> dict[str, dict[str, dict[str, Any]]]:
    return json.loads(FILE.read_text(encoding="utf-8"))
