"""Formulas: their references followed when cells move, and their functions named as files name them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from agent.errors import ToolFault
from agent.office.spreadsheets.cells import LAST_COLUMN, LAST_ROW, Area, column_number, letters
from agent.office.spreadsheets.functions import DYNAMIC, NEWER, SHEET_LEVEL

Change: TypeAlias = Callable[["str | None", Area], "tuple[str | None, Area] | None"]
"""Gets the sheet a reference names (None: its own) and the range; gives both anew, or None where they are gone."""

_CELL = r"(\$?)([A-Za-z]{1,3})(\$?)([0-9]{1,7})"
_ONE = re.compile(_CELL)
_TWO = re.compile(_CELL + ":" + _CELL)
_COLUMNS = re.compile(r"(\$?)([A-Za-z]{1,3}):(\$?)([A-Za-z]{1,3})")
_ROWS = re.compile(r"(\$?)([0-9]{1,7}):(\$?)([0-9]{1,7})")
_SHEET = re.compile(r"((?:'(?:[^']|'')+'|[^'!:\[\]]+))!(.*)", re.DOTALL)
_SAFE_NAME = re.compile(r"[A-Za-z_\u0080-\uffff][\w.\u0080-\uffff]*")
_LIKE_CELL = re.compile(r"[A-Za-z]{1,3}[0-9]+|[Rr][0-9]*[Cc][0-9]*|TRUE|FALSE", re.IGNORECASE)
_PREFIXES = re.compile(r"_xlfn\.|_xlws\.|_xlpm\.|_xludf\.")
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_THIS_ROW = re.compile(r"\[@(?:\[([^\[\]]+)\]|([^\[\]]+))\]")
GONE: Final = "#REF!"


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference in a formula; the marks tell which of top, left, bottom and right are absolute."""

    sheet: str | None
    area: Area
    marks: tuple[bool, bool, bool, bool]
    form: str  # "cell", "range", "columns" or "rows"

    def text(self) -> str:
        """As formulas write it."""
        area, (top, left, bottom, right) = self.area, self.marks
        prefix = f"{quoted(self.sheet)}!" if self.sheet is not None else ""
        if self.form == "columns":
            return f"{prefix}{_d(left)}{letters(area.left)}:{_d(right)}{letters(area.right)}"
        if self.form == "rows":
            return f"{prefix}{_d(top)}{area.top}:{_d(bottom)}{area.bottom}"
        first = f"{_d(left)}{letters(area.left)}{_d(top)}{area.top}"
        if self.form == "cell" and area.height == area.width == 1:
            return prefix + first
        return f"{prefix}{first}:{_d(right)}{letters(area.right)}{_d(bottom)}{area.bottom}"


def _d(mark: bool) -> str:
    return "$" if mark else ""


def quoted(sheet: str) -> str:
    """A sheet's name as formulas write it."""
    if _SAFE_NAME.fullmatch(sheet) and not _LIKE_CELL.fullmatch(sheet):
        return sheet
    return "'" + sheet.replace("'", "''") + "'"


@lru_cache(maxsize=50_000)
def read_reference(text: str) -> Reference | None:
    """A reference; None of a name, a part of a table, or one that leads out of the workbook."""
    sheet, rest = None, text
    if "!" in text:
        match = _SHEET.fullmatch(text)
        if match is None or "[" in match[1]:
            return None
        sheet, rest = match[1].strip(), match[2]
        if sheet.startswith("'"):
            sheet = sheet[1:-1].replace("''", "'")
            if ":" in sheet or "[" in sheet:
                return None
    return _area_of(sheet, rest)


def _area_of(sheet: str | None, text: str) -> Reference | None:
    if match := _ONE.fullmatch(text):
        row, column = int(match[4]), column_number(match[2])
        marks = (bool(match[3]), bool(match[1]), bool(match[3]), bool(match[1]))
        return _checked(Reference(sheet, Area(row, column, row, column), marks, "cell"))
    if match := _TWO.fullmatch(text):
        area = Area(int(match[4]), column_number(match[2]), int(match[8]), column_number(match[6]))
        return _checked(
            Reference(sheet, area, (bool(match[3]), bool(match[1]), bool(match[7]), bool(match[5])), "range")
        )
    if match := _COLUMNS.fullmatch(text):
        area = Area(1, column_number(match[2]), LAST_ROW, column_number(match[4]))
        return _checked(Reference(sheet, area, (True, bool(match[1]), True, bool(match[3])), "columns"))
    if match := _ROWS.fullmatch(text):
        area = Area(int(match[2]), 1, int(match[4]), LAST_COLUMN)
        return _checked(Reference(sheet, area, (bool(match[1]), True, bool(match[3]), True), "rows"))
    return None


def _checked(reference: Reference) -> Reference | None:
    area = reference.area
    fits = 0 < area.top <= LAST_ROW and area.bottom <= LAST_ROW and area.left > 0 and area.right <= LAST_COLUMN
    return reference if fits else None


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a formula: "range" is a reference or a name, "function" the name of one with its bracket."""

    text: str
    kind: str


@lru_cache(maxsize=20_000)
def tokens(formula: str) -> tuple[Token, ...]:
    """The pieces of a formula without its "="; joined they are the formula.

    Raises:
        ToolFault: it is none.
    """
    from openpyxl.formula.tokenizer import Tokenizer, TokenizerError

    try:
        items = Tokenizer("=" + formula).items
    except (TokenizerError, IndexError, ValueError) as error:
        raise ToolFault(f"«={formula[:200]}» is no formula: {error}. Nothing was changed.") from None
    return tuple(Token(str(item.value), _kind(str(item.type), str(item.subtype))) for item in items)


def _kind(kind: str, subtype: str) -> str:
    if kind == "OPERAND" and subtype == "RANGE":
        return "range"
    return "function" if kind == "FUNC" and subtype == "OPEN" else "other"


def map_references(formula: str, change: Callable[[Reference], str | None]) -> str:
    """A formula with each reference replaced by a text; None leaves it."""
    out: list[str] = []
    for token in tokens(formula):
        if token.kind == "range":
            out.append(_mapped(token.text, change))
        elif token.kind == "function" and ":" in token.text:
            first, _, function = token.text.rpartition(":")
            out.append(f"{_mapped(first, change)}:{function}")
        else:
            out.append(token.text)
    return "".join(out)


def _mapped(text: str, change: Callable[[Reference], str | None]) -> str:
    reference = read_reference(text)
    if reference is None:
        return text
    new = change(reference)
    return text if new is None else new


def moved_references(formula: str, change: Change) -> str:
    """A formula after cells have moved."""

    def one(reference: Reference) -> str | None:
        new = change(reference.sheet, reference.area)
        if new is None:
            return f"{quoted(reference.sheet)}!{GONE}" if reference.sheet is not None else GONE
        if new == (reference.sheet, reference.area):
            return None
        return Reference(new[0], new[1], reference.marks, reference.form).text()

    return map_references(formula, one)


def translated(formula: str, rows: int, columns: int) -> str:
    """A formula as it reads in another cell: relative references move along."""
    if rows == columns == 0:
        return formula

    def one(reference: Reference) -> str | None:
        area, (top, left, bottom, right) = reference.area, reference.marks
        new = Area(
            area.top + (0 if top else rows), area.left + (0 if left else columns),
            area.bottom + (0 if bottom else rows), area.right + (0 if right else columns),
        )  # fmt: skip
        if new.top < 1 or new.left < 1 or new.bottom > LAST_ROW or new.right > LAST_COLUMN:
            return GONE
        return Reference(reference.sheet, new, reference.marks, reference.form).text()

    return map_references(formula, one)


def references(formula: str) -> list[Reference]:
    """All references of a formula that lead to cells."""
    found: list[Reference] = []

    def note(reference: Reference) -> None:
        found.append(reference)

    map_references(formula, note)
    return found


def functions(formula: str) -> frozenset[str]:
    """Names of the functions in a formula, as people write them."""
    names = (token.text[:-1].rpartition(":")[2] for token in tokens(formula) if token.kind == "function")
    return frozenset(_PREFIXES.sub("", name).upper() for name in names)


def for_file(formula: str) -> str:
    """A formula as a person writes it, as files hold it: without "=", newer functions marked.

    Raises:
        ToolFault: it is none.
    """
    text = formula.strip().removeprefix("=").strip()
    if not text:
        raise ToolFault("A formula is empty. Nothing was changed.")
    text = _THIS_ROW.sub(lambda match: f"[[#This Row],[{match[1] or match[2]}]]", text)
    _check_whole(text)
    local = "LET(" in text.upper() or "LAMBDA(" in text.upper()
    return "".join(_token_for_file(token, local) for token in tokens(text))


def _check_whole(text: str) -> None:
    """Brackets and quotes must close, or the file could not be opened any more."""
    depth = 0
    for token in tokens(text):
        if token.kind == "other" and token.text == ")":
            depth -= 1
        depth += token.kind == "function" or token.text == "("
        if depth < 0 or (token.kind == "other" and token.text == ";"):
            raise ToolFault(
                f"«={text[:200]}» is no formula: its brackets do not match, or it has «;» where «,» belongs. "
                "Nothing was changed."
            )
    if depth:
        raise ToolFault(f"«={text[:200]}» is no formula: a bracket is not closed. Nothing was changed.")


def _token_for_file(token: Token, local: bool) -> str:
    if token.kind == "function":
        first, colon, name = token.text[:-1].rpartition(":")
        plain = _PREFIXES.sub("", name).upper()
        mark = "_xlfn._xlws." if plain in SHEET_LEVEL else "_xlfn." if plain in NEWER else ""
        return f"{first}{colon}{mark}{plain if mark else name.upper()}("
    if local and token.kind == "range" and _NAME.fullmatch(token.text) and read_reference(token.text) is None:
        return f"_xlpm.{token.text}"
    return token.text


def for_people(formula: str) -> str:
    """A formula of a file as people write it, with its "="."""
    return "=" + _PREFIXES.sub("", formula)


def spills(formula: str) -> bool:
    """Whether it may fill more than its own cell in programs that know this."""
    return not functions(formula).isdisjoint(DYNAMIC)
