"""Asking the worker (`worker.py`) that runs pypdf."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.errors import ToolFault
from agent.tools.base import Room

SECONDS = 120.0
_CODE = Path(__file__).resolve().parents[3]  # where the packages are


async def ask(
    room: Room, request: dict[str, Any], *, readable: Sequence[Path] = (), writable: Sequence[Path] = ()
) -> list[Any]:
    """Send a request; what it is about stands in its "name".

    Args:
        readable, writable: files and folders that it needs besides the task's folder.

    Raises:
        ToolFault: why it could not be done.
        OSError: a file could not be written.
    """
    finished = await room.programs.run(
        (sys.executable, "-m", "agent.office.pdfs.worker"),
        environment={"PYTHONPATH": os.pathsep.join((str(_CODE), *_site_packages())), "PYTHONDONTWRITEBYTECODE": "1"},
        input=json.dumps(request).encode(),
        seconds=SECONDS,
        readable=(_CODE, *_python(), *readable),
        writable=writable,
    )
    if finished.status is None:
        raise ToolFault(f"{request['name']} took more than {SECONDS:.0f} s and was given up. Nothing was changed.")
    try:
        told: dict[str, Any] = json.loads(finished.output)
    except ValueError:
        why = finished.error.decode("utf-8", "replace").strip().splitlines()
        raise ToolFault(
            f"{request['name']} could not be worked on: {why[-1][:200] if why else f'status {finished.status}'}. "
            "Nothing was changed."
        ) from None
    if "error" in told:
        raise OSError(told["error"], told["fault"])
    if "fault" in told:
        raise ToolFault(told["fault"])
    return told["lines"]


def _python() -> list[Path]:
    """Where Python and its libraries are, if not in the system."""
    return [path for each in dict.fromkeys((sys.prefix, sys.base_prefix)) if (path := Path(each)) != Path("/usr")]


def _site_packages() -> list[str]:
    return [each for each in sys.path if each.endswith("site-packages")]
