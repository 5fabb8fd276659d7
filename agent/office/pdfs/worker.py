"""pypdf in a process of its own, so that no PDF can take more time or memory than it is given.

One request as JSON on standard input, one answer on standard output: {"lines": […]} or {"fault": "…"}.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

MEMORY = 3 << 30  # bytes
_RECURSION = 3_000


def answer(request: Mapping[str, Any]) -> list[Any]:
    """Do what is asked. Raises ToolFault."""
    return _DOING[request["do"]](request)


def _overview(request: Mapping[str, Any]) -> list[Any]:
    from agent.office.pdfs.telling import overview

    return overview(Path(request["path"]), request["name"])


def _form(request: Mapping[str, Any]) -> list[Any]:
    from agent.office.pdfs.telling import form

    return form(Path(request["path"]), request["name"])


def _numbers(request: Mapping[str, Any]) -> list[Any]:
    from agent.office.pdfs.telling import numbers

    return numbers(Path(request["path"]), request["name"], request["pages"])


def _change(request: Mapping[str, Any]) -> list[Any]:
    from agent.office.pdfs.changing import change
    from agent.office.pdfs.operations import EditPdf

    told = EditPdf.model_validate(request["edit"])
    base = Path(request["base"]) if request["base"] else None
    added = {name: Path(path) for name, path in request["added"].items()}
    target = Path(request["target"])
    return change(base, request["name"], target, told.operations, added, accept_loss=told.accept_loss is True)


_DOING: Mapping[str, Callable[[Mapping[str, Any]], list[Any]]] = {
    "overview": _overview,
    "form": _form,
    "numbers": _numbers,
    "change": _change,
}


def _limit() -> None:
    """No more memory than is meant for it, where the system knows such limits."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.setrecursionlimit(_RECURSION)


def main() -> None:
    """Answer one request."""
    import logging

    from agent.errors import ToolFault
    from agent.office.pdfs.opening import damaged

    logging.disable(logging.NOTSET)
    logging.getLogger("pypdf").addHandler(logging.NullHandler())
    _limit()
    request = json.load(sys.stdin)
    try:
        told: dict[str, Any] = {"lines": answer(request)}
    except ToolFault as fault:
        told = {"fault": str(fault)}
    except MemoryError:
        told = {"fault": f"{request['name']} needs too much memory to be read here. Nothing was changed."}
    except OSError as error:
        told = {"error": error.errno or 0, "fault": f"{error.strerror or error}"}
    except Exception as error:  # pypdf raises nearly anything at broken files
        told = {"fault": str(damaged(request["name"], error))}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
