"""CSV files as a model sees them: how they are written, the first and last rows, and each column in a line."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from typing import Final

from agent.errors import ToolFault
from agent.office.spreadsheets.cells import letters
from agent.office.spreadsheets.csvs import Form, form_of, rows_of
from agent.office.spreadsheets.parsing import common_type
from agent.office.spreadsheets.profiles import Profile

_HEAD, _TAIL, _WHOLE = 12, 4, 60
_MOST_COLUMNS = 60
_LOOKED_AT = 2_000  # values of a column that tell its type
_LONGEST: Final = 19_000
_ROWS = re.compile(r"(?:rows?\s*)?(\d+)(?:\s*[-:]\s*(\d+))?")


def view_csv(path: Path, name: str, part: str | None) -> str:
    """The overview, or rows: "100-160". Raises ToolFault."""
    form = form_of(path, name)
    lines = _some_rows(path, name, form, part) if part else _overview(path, name, form)
    text = "\n".join(lines)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n… cut; ask for fewer rows in `part`."


def _overview(path: Path, name: str, form: Form) -> list[str]:
    profiles: dict[int, Profile] = {}
    samples: dict[int, list[str]] = {}
    widths: dict[int, int] = {}
    head: list[list[str]] = []
    tail: deque[tuple[int, list[str]]] = deque(maxlen=_TAIL)
    count = suspicious = 0
    with rows_of(path, name, form) as rows:
        for count, row in enumerate(rows, 1):
            widths[len(row)] = widths.get(len(row), 0) + 1
            if count <= _HEAD:
                head.append(row)
            else:
                tail.append((count, row))
            for index, text in enumerate(row[:_MOST_COLUMNS]):
                profile = profiles.setdefault(index, Profile(text if count == 1 else ""))
                if count > 1 and text.strip():
                    profile.add("text", text, "General", False)
                    suspicious += text[:1] in "=@" or (text[:1] in "+-" and not text[1:2].isdigit())
                    sample = samples.setdefault(index, [])
                    if len(sample) < _LOOKED_AT:
                        sample.append(text)
    lines = [f"{name}: CSV, {form}, {count} rows, {' or '.join(str(w) for w in sorted(widths)[:5])} columns"]
    if len(widths) > 1:
        told = ", ".join(f"{number} rows of {width}" for width, number in sorted(widths.items())[:8])
        lines.append(f"rows are not equally long: {told}")
    if suspicious:
        lines.append(f"{suspicious} texts begin as formulas do; they are data, and `import_csv` keeps them as texts")
    lines += [_row(number, row) for number, row in enumerate(head, 1)]
    if count > _HEAD + _TAIL:
        lines.append(f"… rows {_HEAD + 1} to {count - _TAIL} left out; ask for them in `part`, like «100-160»")
    lines += [_row(number, row) for number, row in tail]
    lines.append("columns, without the first row:")
    for index, profile in sorted(profiles.items()):
        kind = common_type(samples.get(index, []))
        empty = count - 1 - profile.kinds["text"]
        header = f" «{profile.header[:60]}»"
        lines.append(f"  {letters(index + 1)}{header}: looks like {kind}; {profile.line(empty, False)}")
    return lines


def _some_rows(path: Path, name: str, form: Form, part: str) -> list[str]:
    match = _ROWS.fullmatch(part.strip())
    if match is None:
        raise ToolFault(f"{part!r} is no part of a CSV file; ask for rows, like «100-160».")
    first = int(match[1])
    last = min(int(match[2] or first), first + 500)
    lines: list[str] = []
    with rows_of(path, name, form) as rows:
        for count, row in enumerate(rows, 1):
            if count > last:
                break
            if count >= first:
                lines.append(_row(count, row))
    return lines or [f"{name} has no row {first}."]


def _row(number: int, row: list[str]) -> str:
    texts = [text.replace("\n", "⏎").replace("|", "¦") for text in row]
    return f"{number} | " + " | ".join(text if len(text) <= 120 else f"{text[:120]}…" for text in texts[:100])
