"""About what a number looks like in a number format: near enough to tell how much room it needs."""

from __future__ import annotations

import re

from agent.office.spreadsheets.values import is_date_format

_AROUND = re.compile(r'"([^"]*)"|\[\$([^\]-]*)[^\]]*\]|[$€£¥%]')


def about(number: float, code: str, iso: str) -> str:
    """A text about as long as what is shown."""
    if is_date_format(code):
        return iso
    section = code.split(";")[0]
    places = len(re.sub(r"[^0#?]", "", section.partition(".")[2])) if "." in section else 0
    shown = f"{number * (100 if '%' in section else 1):{',' if ',' in section else ''}.{places}f}"
    around = "".join((match[1] or match[2] or match[0]) for match in _AROUND.finditer(section))
    return shown + around
