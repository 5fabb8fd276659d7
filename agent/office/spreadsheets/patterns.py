"""Regular expressions that a model has written, in a process of their own: some would never come to an end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

from agent.errors import ToolFault
from agent.office.spreadsheets.values import LONGEST

LONGEST_PATTERN: Final = 300
SECONDS: Final = 30
_MEGABYTES = 1_000
_PROGRAM: Final = """
import json, re, signal, sys
told = json.load(sys.stdin)
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (told["bytes"], told["bytes"]))
    signal.alarm(told["seconds"])
except (ImportError, AttributeError):
    pass
try:
    pattern = re.compile(told["pattern"], 0 if told["case"] else re.IGNORECASE)
    by = told["by"]
    if by is not None:
        pattern.sub(by, "")
except (re.error, IndexError, OverflowError) as error:
    sys.exit(json.dump({"error": str(error)}, sys.stdout))
out = []
for text in told["texts"]:
    if by is None:
        match = pattern.search(text)
        out.append([part or "" for part in (match.groups() or (match[0],))] if match else [])
    elif told["whole"]:
        out.append(pattern.sub(by, text, count=1) if pattern.fullmatch(text) else text)
    else:
        out.append(pattern.sub(by, text))
json.dump({"texts": out}, sys.stdout)
"""


def substituted(pattern: str, by: str, texts: Sequence[str], *, whole: bool, case: bool) -> list[str]:
    """The texts with what the pattern finds replaced. Raises ToolFault: it is no pattern, or takes too long."""
    return _run({"pattern": pattern, "by": by, "texts": list(texts), "whole": whole, "case": case})


def groups(pattern: str, texts: Sequence[str]) -> list[list[str]]:
    """What the groups of the pattern hold where it is first found in each text, or all of it. Raises ToolFault."""
    return _run({"pattern": pattern, "by": None, "texts": list(texts), "whole": False, "case": True})


def _run(told: dict[str, Any]) -> list[Any]:
    if not told["pattern"] or len(told["pattern"]) > LONGEST_PATTERN:
        raise ToolFault(f"A pattern must have 1 to {LONGEST_PATTERN} characters. Nothing was changed.")
    if len(told["by"] or "") > LONGEST:
        raise ToolFault(f"What is put in must have at most {LONGEST} characters. Nothing was changed.")
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            input=json.dumps(told | {"seconds": SECONDS, "bytes": _MEGABYTES << 20}).encode(),
            capture_output=True, timeout=SECONDS + 5, check=False,
        )  # fmt: skip
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        raise ToolFault(
            f"The regular expression {told['pattern']!r} takes too long on these texts. Nothing was changed. Write it "
            "so that no repeated part holds another repeated one."
        ) from None
    if "error" in answer:
        raise ToolFault(f"{told['pattern']!r} cannot be used: {answer['error']}. Nothing was changed.")
    return answer["texts"]
