"""Values of cells: typed as they were meant, and read back as what they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from agent.errors import ToolFault
from agent.office.spreadsheets.markup import m, sub
from agent.office.xml import Element, local

Kind: TypeAlias = Literal["empty", "number", "text", "boolean", "error", "formula"]
ERRORS: Final = (
    "#NULL!",
    "#DIV/0!",
    "#VALUE!",
    "#REF!",
    "#NAME?",
    "#NUM!",
    "#N/A",
    "#GETTING_DATA",
    "#SPILL!",
    "#CALC!",
)
LONGEST: Final = 32_767  # characters of a cell
DATE, DATETIME, TIME = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm:ss"
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 (cells have no time zone)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]|_x([0-9A-Fa-f]{4})_")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')


@dataclass(frozen=True, slots=True)
class Content:
    """What is to stand in a cell.

    Attributes:
        value: a number, text, truth value, an error's name or a formula (with its "=").
        format: a number format that it wants, or "".
        quoted: text that a program might take for a formula when somebody edits it.
    """

    kind: Kind
    value: float | str | bool | None = None
    format: str = ""
    quoted: bool = False


EMPTY: Final = Content("empty")


def text_content(text: str) -> Content:
    """Text, whatever it looks like.

    Raises:
        ToolFault: too long for a cell.
    """
    if len(text) > LONGEST:
        raise ToolFault(f"A cell holds at most {LONGEST} characters; a text here has {len(text)}. Nothing was changed.")
    return Content("text", text, quoted=text.startswith(("=", "+", "-", "@", "'")) and len(text) > 1)


def serial_of(moment: datetime | date | time, *, from_1904: bool = False) -> float:
    """A date or time as cells hold it: days since the epoch."""
    if isinstance(moment, time):
        return (moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6) / 86_400
    whole = moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001
    days = (whole.replace(tzinfo=None) - (_EPOCH_1904 if from_1904 else _EPOCH)) / timedelta(days=1)
    if not from_1904 and days < 61:
        days -= 1  # 1900 has a 29 February there
    if days < 0:
        raise ToolFault(f"{moment.isoformat()} lies before 1900, which cells cannot hold as a date; write it as text.")
    return int(days) if days == int(days) else days


def moment_of(serial: float, *, from_1904: bool = False) -> datetime | None:
    """The date and time of a number; None where it is none."""
    if not 0 <= serial < 2_958_466:
        return None
    days = serial + (0 if from_1904 or serial >= 61 else 1)
    moment = (_EPOCH_1904 if from_1904 else _EPOCH) + timedelta(days=days)
    return (moment + timedelta(microseconds=500)).replace(microsecond=0) if moment.microsecond > 1 else moment


@lru_cache(maxsize=4_000)
def is_date_format(code: str) -> bool:
    """Whether numbers of this format are shown as dates or times."""
    plain = _LITERAL.sub("", code.split(";")[0]).lower()
    return plain != "general" and bool(re.search(r"[ymdhs]", plain)) and "0.0" not in plain.replace("ss.0", "")


def shown(serial: float, code: str, *, from_1904: bool = False) -> str:
    """A number of a date format as ISO text."""
    moment = moment_of(serial, from_1904=from_1904)
    if moment is None:
        return plain_number(serial)
    has_time = re.search(r"[hs]", _LITERAL.sub("", code).lower())
    if serial < 1 and has_time:
        return moment.strftime("%H:%M:%S")
    return moment.strftime("%Y-%m-%d %H:%M:%S" if has_time and serial % 1 else "%Y-%m-%d")


def plain_number(number: float) -> str:
    """A number without a needless ".0", exact."""
    if number == int(number) and abs(number) < 1e15:
        return str(int(number))
    return repr(number)


def escape(text: str) -> str:
    """Characters that XML cannot hold, as workbooks write them."""
    return _CONTROL.sub(lambda match: f"_x{ord(match[0][0]):04X}_" + match[0][1:], text)


def unescape(text: str) -> str:
    """The other way round."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def write_value(cell: Element, content: Content) -> None:
    """Put a value into a `c` element that holds nothing. A formula is `agent.office.spreadsheets.formulas`' matter."""
    if content.kind == "number":
        sub(
            cell,
            "v",
            plain_number(float(content.value or 0)) if not isinstance(content.value, int) else str(content.value),
        )
    elif content.kind == "boolean":
        cell.set("t", "b")
        sub(cell, "v", "1" if content.value else "0")
    elif content.kind == "error":
        cell.set("t", "e")
        sub(cell, "v", str(content.value))
    elif content.kind == "text":
        cell.set("t", "inlineStr")
        holder = sub(sub(cell, "is"), "t", escape(str(content.value)))
        if str(content.value) != str(content.value).strip() or "\n" in str(content.value):
            holder.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")


def wipe(cell: Element) -> None:
    """Take out a value or formula; the look stays."""
    for child in list(cell):
        if local(child) != "extLst":
            cell.remove(child)
    for name in ("t", "cm", "vm"):
        cell.attrib.pop(name, None)


def formula_of(cell: Element) -> Element | None:
    """The `f` element of a cell."""
    return cell.find(m("f"))


def text_in(holder: Element | None) -> str:
    """The text of a string item, rich text joined, readings left out."""
    if holder is None:
        return ""
    parts = [each.text or "" for each in holder.iter(m("t")) if local(each.getparent()) != "rPh"]
    return unescape("".join(parts))
