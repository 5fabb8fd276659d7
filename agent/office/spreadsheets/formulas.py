"""Formulas: their references followed when cells move, and their functions named as files name them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from agent.errors import ToolFault
from agent.office.spreadsheets.cells import LAST_COLUMN, LAST_ROW, Area
from agent.office.spreadsheets.functions import DYNAMIC, NEWER, SHEET_LEVEL
from agent.office.spreadsheets.references import GONE, Reference, any_reference, sheets_prefix, split_sheets
from agent.office.spreadsheets.tokens import Token, tokens

LONGEST: Final = 8_192  # characters that programs take
_PREFIXES = re.compile(r"_xlfn\.|_xlws\.|_xlpm\.|_xludf\.")
_THIS_ROW = re.compile(r"\[@(?:\[([^\[\]]+)\]|([^\[\]]+))\]")
_OPERATORS: Final = frozenset("+-*/^&=<>%(),;{}:@#")


def map_references(formula: str, change: Callable[[Reference], str | None]) -> str:
    """A formula with each reference replaced by a text; None leaves it. Raises ToolFault: it is no formula."""

    def one(token: Token) -> str:
        reference = any_reference(token.text) if token.kind == "reference" else None
        new = None if reference is None else change(reference)
        return token.text if new is None else new

    return "".join(one(token) for token in tokens(formula))


def map_sheets(formula: str, change: Callable[[str], str]) -> str:
    """A formula in which sheets have other names: before cells, names and what is gone. Raises ToolFault."""

    def one(token: Token) -> str:
        parts = split_sheets(token.text) if "!" in token.text and token.kind in _WITH_SHEETS else None
        if parts is None or parts[2].startswith("'"):
            return token.text
        first, last, rest = parts
        now = change(first), change(last) if last else ""
        return token.text if now == (first, last) else sheets_prefix(*now) + rest

    return "".join(one(token) for token in tokens(formula))


_WITH_SHEETS: Final = frozenset({"reference", "name", "gone", "function"})


def map_tables(formula: str, change: Callable[[str, str], str]) -> str:
    """A formula in which tables are named otherwise. Raises ToolFault.

    Args:
        change: gets the table ("" of the one it stands in) and its part in brackets ("" of the whole); gives both anew.
    """

    def one(token: Token) -> str:
        if token.kind not in ("structured", "name"):
            return token.text
        table, bracket, part = token.text.partition("[")
        return change(table, bracket + part)

    return "".join(one(token) for token in tokens(formula))


def moved_references(formula: str, change: Callable[[Reference], Area | None]) -> str:
    """A formula after cells have moved: `change` says where those of a reference are now, None where they are gone."""

    def one(reference: Reference) -> str | None:
        new = change(reference)
        if new is None:
            return reference.prefix + GONE
        return None if new == reference.area else _elsewhere(reference, new).text()

    return map_references(formula, one)


def _elsewhere(reference: Reference, area: Area) -> Reference:
    return Reference(reference.sheet, area, reference.marks, reference.form, reference.last)


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
        if min(new.top, new.left, new.bottom, new.right) < 1 or _beyond(new):
            return GONE
        turned = any_reference(_elsewhere(reference, new).text())  # one end may have passed the other
        return GONE if turned is None else turned.text()

    return map_references(formula, one)


def _beyond(area: Area) -> bool:
    return max(area.top, area.bottom) > LAST_ROW or max(area.left, area.right) > LAST_COLUMN


def references(formula: str) -> list[Reference]:
    """All references of a formula that lead to cells."""
    found = [any_reference(token.text) for token in tokens(formula) if token.kind == "reference"]
    return [each for each in found if each is not None]


def split_union(formula: str) -> list[str]:
    """Of "A!A1,A!B2" the parts."""
    parts = [""]
    for token in tokens(formula):
        if token.text == ",":
            parts.append("")
        else:
            parts[-1] += token.text
    return parts


def functions(formula: str) -> frozenset[str]:
    """Names of the functions in a formula, as people write them."""
    names = (token.text[:-1].rpartition("!")[2] for token in tokens(formula) if token.kind == "function")
    return frozenset(_PREFIXES.sub("", name).upper() for name in names)


def for_file(formula: str) -> str:
    """A formula as a person writes it, as files hold it: without "=", newer functions marked.

    Raises:
        ToolFault: it is none.
    """
    text = formula.strip().removeprefix("=").strip()
    if not text or len(text) > LONGEST:
        raise ToolFault(f"A formula has 1 to {LONGEST} characters; one here has {len(text)}. Nothing was changed.")
    pieces = tokens(text)
    _check_whole(text, pieces)
    local = frozenset(_locals(pieces))
    out: list[str] = []
    for number, token in enumerate(pieces):
        if token.text == "#":
            out[-1] = _anchored(text, out, pieces[number - 1] if number else None)
        elif token.text != "@":  # programs take it for granted where a formula fills one cell
            out.append(_for_file(token, local))
    return "".join(out)


def _anchored(formula: str, out: Sequence[str], before: Token | None) -> str:
    """A1# is all that the formula in A1 fills."""
    if before is None or before.kind not in ("reference", "name"):
        raise ToolFault(f"«={formula[:200]}» is no formula: «#» does not follow a cell. Nothing was changed.")
    return f"_xlfn.ANCHORARRAY({out[-1]})"


def _check_whole(text: str, pieces: Sequence[Token]) -> None:
    """Brackets must close, and nothing may be there that no formula has, or the file could not be opened any more."""
    opened: list[str] = []
    for token in pieces:
        wrong = token.kind == "other" and not token.text.isspace() and token.text not in _OPERATORS
        if token.kind == "function" or token.text in ("(", "{"):
            opened.append("{" if token.text == "{" else "(")
        elif token.text in (")", "}"):
            wrong = not opened or opened.pop() != {")": "(", "}": "{"}[token.text]
        elif token.text == ";":
            wrong = "{" not in opened
        if wrong:
            raise ToolFault(
                f"«={text[:200]}» is no formula: its brackets do not match, or it has «{token.text}» where that cannot "
                "be, like «;» in place of «,». Nothing was changed."
            )
    if opened:
        raise ToolFault(f"«={text[:200]}» is no formula: a bracket is not closed. Nothing was changed.")
    _check_order([token for token in pieces if not token.text.isspace()], text)


def _check_order(pieces: Sequence[Token], text: str) -> None:
    """Operators stand between values. Raises ToolFault."""
    before, value = "", False  # what was there last, and whether it can be reckoned with
    end = Token(";", "other")
    for token in (*pieces, end):
        here = token.text
        if token.kind not in ("other", "function"):
            wrong = value and "literal" in (before, _LITERALS.get(token.kind))
            before, value = _LITERALS.get(token.kind, ""), True
        elif token.kind == "function" or here in "({":
            wrong, before, value = before == "literal", "", False
        elif here in ")},;":
            wrong, before, value = before == "operator", "", here in ")}"
        elif here in "%#":
            wrong = not value
        else:
            wrong = not value and here not in "+-@" and not (before == "operator" and here in "=>")
            before, value = "operator", False
        if wrong:
            raise ToolFault(
                f"«={text[:200]}» is no formula: something is missing or too much at "
                f"{'its end' if token is end else f'«{here}»'}. Nothing was changed."
            )


_LITERALS: Final = {"number": "literal", "text": "literal", "error": "literal"}


def _locals(pieces: Sequence[Token]) -> Iterator[str]:
    """Names that LET and LAMBDA make, in lower case."""
    plain = [token for token in pieces if not token.text.isspace()]
    calls: list[list[int | str]] = []  # of each open bracket the function and the number of the argument
    for number, token in enumerate(plain):
        if token.kind == "function" or token.text == "(":
            calls.append([_PREFIXES.sub("", token.text).upper(), 0])
        elif token.text == ")" and calls:
            calls.pop()
        elif token.text == "," and calls:
            calls[-1][1] = int(calls[-1][1]) + 1
        elif token.kind == "name" and calls and number + 1 < len(plain) and plain[number + 1].text == ",":
            starts = plain[number - 1].kind == "function" or plain[number - 1].text == ","
            if starts and (calls[-1][0] == "LAMBDA(" or (calls[-1][0] == "LET(" and int(calls[-1][1]) % 2 == 0)):
                yield token.text.casefold()


def _for_file(token: Token, local: frozenset[str]) -> str:
    if token.kind == "function":
        plain = _PREFIXES.sub("", token.text[:-1]).upper()
        if "!" in plain:
            return token.text
        mark = "_xlfn._xlws." if plain in SHEET_LEVEL else "_xlfn." if plain in NEWER else ""
        own = plain.casefold() in local
        return f"_xlpm.{token.text}" if own else f"{mark}{plain if mark else token.text[:-1].upper()}("
    if token.kind == "structured":
        return _THIS_ROW.sub(lambda match: f"[[#This Row],[{match[1] or match[2]}]]", token.text)
    if token.kind == "name" and token.text.casefold() in local:
        return f"_xlpm.{token.text}"
    return token.text


def for_people(formula: str) -> str:
    """A formula of a file as people write it, with its "="."""
    return "=" + _PREFIXES.sub("", formula)


def spills(formula: str) -> bool:
    """Whether it may fill more than its own cell in programs that know this."""
    return not functions(formula).isdisjoint(DYNAMIC | {"ANCHORARRAY"})
