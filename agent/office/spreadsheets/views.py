"""The views of a workbook that a model gets: the overview, and ranges with their values, formulas or looks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final

from agent.errors import ToolFault
from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.cells import Area, letters, read_area
from agent.office.spreadsheets.describing import describe
from agent.office.spreadsheets.overview import Facts, book_lines, facts_of, frame_of, sheet_lines
from agent.office.spreadsheets.references import read_reference
from agent.office.spreadsheets.stream import Seen, rows_of_sheet
from agent.office.spreadsheets.strings import Strings, read_strings
from agent.office.spreadsheets.tables import find_table
from agent.office.spreadsheets.values import is_date_format, plain_number, shown

LONGEST: Final = 19_000  # characters of a view
DETAILS: Final = ("values", "formulas", "styles")
_WHOLE: Final = 60  # rows that are shown without leaving any out
_HEAD, _TAIL = 12, 4
_CELL = 120  # characters of a cell
_MOST_SHEETS = 12  # whose data are shown in the overview


class View:
    """A workbook that is looked at."""

    def __init__(self, book: Book, name: str) -> None:
        self.book, self.name = book, name
        self.formats = book.styles.formats()

    @cached_property
    def strings(self) -> Strings:
        """Shared texts."""
        found = self.book.related(self.book.part, "sharedStrings")
        return read_strings(self.book.package, found[0] if found else None)

    # The overview

    def overview(self) -> str:
        """All sheets."""
        entries = self.book.entries
        lines = [f"{self.name}: {len(entries)} sheet{'' if len(entries) == 1 else 's'}", *book_lines(self.book)]
        for number, entry in enumerate(entries, 1):
            lines += self._sheet(entry.get("name", ""), entry.get("state", "visible"), number)
        return _cut(lines, "Ask for one sheet, or a range of it, in `part`.")

    def _sheet(self, name: str, state: str, number: int) -> Iterator[str]:
        hidden = "" if state == "visible" else f" ({'very ' if state == 'veryHidden' else ''}hidden)"
        part = self.book.part_of(self.book.entry(name))
        if "chartsheet" in part:
            yield f"\n## {name}{hidden}: a chart sheet"
            yield from (f"- {line}" for line in sheet_lines(self.book, part, frame_of(self.book, part)))
            return
        facts = facts_of(self.book, part, self.strings)
        yield f"\n## {name}{hidden}: {_size(facts)}"
        yield from (f"- {line}" for line in sheet_lines(self.book, part, frame_of(self.book, part)))
        yield from _errors(facts)
        if facts.used is not None and number <= _MOST_SHEETS:
            yield from self._data(part, facts, facts.used)

    def _data(self, part: str, facts: Facts, used: Area) -> Iterator[str]:
        short = used.height <= 15 and used.width <= 30
        shown_area = used if short else Area(used.top, used.left, used.top + 4, min(used.right, used.left + 29))
        yield from self._rows(part, shown_area, "formulas" if short else "values")
        if not short:
            yield from self._profiles(facts, used)

    def _profiles(self, facts: Facts, used: Area) -> Iterator[str]:
        yield f"columns (rows {used.top} to {used.bottom}):"
        for column, profile in sorted(facts.profiles.items()):
            count = sum(profile.kinds[kind] for kind in ("number", "text", "date", "boolean", "error"))
            empty = used.height - count - bool(profile.header)
            header = f" «{profile.header}»" if profile.header else ""
            yield f"  {letters(column)}{header}: {profile.line(empty, self.book.date_1904)}"
        if used.width > len(facts.profiles):
            yield f"  … {used.width} columns in all"

    # A part

    def part(self, text: str, detail: str | None) -> str:
        """A sheet, a range, a table or a name. Raises ToolFault."""
        if detail is not None and detail not in DETAILS:
            raise ToolFault(f"detail must be one of {', '.join(DETAILS)}, not {detail!r}.")
        name, area = self._find(text.strip())
        part = self.book.part_of(self.book.entry(name))
        facts = facts_of(self.book, part, self.strings, area)
        lines = [f"{self.name} {name}{f'!{area}' if area else ''}: {_size(facts)}"]
        if area is None:
            lines += [f"- {line}" for line in sheet_lines(self.book, part, frame_of(self.book, part))]
        lines += _errors(facts)
        used = facts.used
        if used is None:
            return "\n".join([*lines, "(empty)"])
        area = area.common(used) or used if area else used
        lines += self._sampled(part, area, facts, detail)
        return _cut(lines, "Ask for a smaller range in `part`.")

    def _sampled(self, part: str, area: Area, facts: Facts, detail: str | None) -> Iterator[str]:
        how = detail or ("formulas" if area.height * area.width <= 400 else "values")
        if area.height <= _WHOLE or how == "styles":
            yield from self._rows(part, area, how)
            return
        yield from self._rows(part, Area(area.top, area.left, area.top + _HEAD - 1, area.right), how)
        left_out = f"{area.top + _HEAD} to {area.bottom - _TAIL}"
        yield f"… rows {left_out} left out; ask for them as a range of at most {_WHOLE} rows"
        yield from self._rows(
            part, Area(area.bottom - _TAIL + 1, area.left, area.bottom, area.right), how, header=False
        )
        yield from self._profiles(facts, area)

    def _find(self, text: str) -> tuple[str, Area | None]:
        for each in self.book.sheet_names:
            if each.casefold() == text.strip("'").casefold():
                return each, None
        reference = read_reference(text)
        if reference is not None:
            name = reference.sheet if reference.sheet is not None else self.book.sheet_names[0]
            return self.book.entry(name).get("name", ""), reference.area
        for each in self.book.defined_names():
            if each.get("name", "").casefold() == text.casefold():
                named = read_reference(each.text or "")
                if named is None or named.sheet is None:
                    raise ToolFault(f"{text} is no range but ={each.text}.")
                return named.sheet, named.area
        return self._table(text)

    def _table(self, text: str) -> tuple[str, Area]:
        try:
            name, _, part = find_table(self.book, text)
        except ToolFault:
            sheets = ", ".join(self.book.sheet_names)
            raise ToolFault(f"There is no sheet, range, table or name {text!r}. Sheets: {sheets[:800]}.") from None
        return name, read_area(self.book.xml(part).get("ref", "A1"))

    # Rows

    def _rows(self, part: str, area: Area, how: str, *, header: bool = True) -> Iterator[str]:
        columns = list(area.columns())[:100]
        if how == "styles":
            yield from self._looks(part, area)
            return
        if header:
            yield "row | " + " | ".join(letters(column) for column in columns)
        for number, cells in rows_of_sheet(self.book.package, part, self.strings, area.bottom, area.top):
            there = {each.column: each for each in cells}
            texts = [self._cell(there.get(column), how) for column in columns]
            if any(texts):
                yield f"{number} | " + " | ".join(texts)
        if len(columns) < area.width:
            yield f"… columns {letters(columns[-1] + 1)} to {letters(area.right)} left out"

    def _cell(self, cell: Seen | None, how: str) -> str:
        if cell is None:
            return ""
        value = self._value(cell)
        if how == "formulas" and cell.formula:
            return f"{value} {{{cell.formula[:200]}}}" if cell.formula != "=" else f"{value} {{=…}}"
        return value

    def _value(self, cell: Seen) -> str:
        if cell.kind == "number":
            code = self.formats[cell.style] if cell.style < len(self.formats) else "General"
            return _number(cell.value, code, self.book.date_1904)
        if cell.kind == "boolean":
            return "TRUE" if cell.value == "1" else "FALSE"
        text = cell.value.replace("\r", "").replace("\n", "⏎").replace("|", "¦")
        if cell.kind == "text" and (_looks_typed(text) or text != text.strip()):
            text = f"'{text}'"
        return text if len(text) <= _CELL else f"{text[:_CELL]}… ({len(cell.value)} characters)"

    def _looks(self, part: str, area: Area) -> Iterator[str]:
        """Looks, cells of the same one together."""
        found: dict[int, list[str]] = {}
        for number, cells in rows_of_sheet(self.book.package, part, self.strings, area.bottom, area.top):
            for each in cells:
                if area.has(number, each.column):
                    found.setdefault(each.style, []).append(f"{letters(each.column)}{number}")
        for style, cells in sorted(found.items(), key=lambda pair: -len(pair[1])):
            some = ", ".join(cells[:6]) + (f" … ({len(cells)} cells)" if len(cells) > 6 else "")
            yield f"{some}: {describe(self.book.styles, style)}"


def _number(raw: str, code: str, from_1904: bool) -> str:
    try:
        number = float(raw)
    except ValueError:
        return raw
    if is_date_format(code):
        return shown(number, code, from_1904=from_1904)
    if "%" in code:
        return f"{number * 100:.12g}%"
    return plain_number(float(f"{number:.15g}"))


def _looks_typed(text: str) -> bool:
    """Whether a text could be taken for a number, a truth value or a formula."""
    if text[:1] in ("=", "+", "@") or text in ("TRUE", "FALSE"):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def _size(facts: Facts) -> str:
    if facts.used is None:
        return "empty"
    formulas = f", {facts.formulas} formulas" if facts.formulas else ""
    return f"{facts.used}, {facts.used.height} rows × {facts.used.width} columns, {facts.cells} cells{formulas}"


def _errors(facts: Facts) -> list[str]:
    if not facts.error_count:
        return []
    more = f" and {facts.error_count - len(facts.errors)} more" if facts.error_count > len(facts.errors) else ""
    return [f"- errors: {', '.join(facts.errors)}{more}"]


def _cut(lines: list[str], cure: str) -> str:
    text = "\n".join(lines)
    if len(text) <= LONGEST:
        return text
    kept = text[:LONGEST].rpartition("\n")[0]
    return f"{kept}\n… {len(text) - len(kept)} of {len(text)} characters left out. {cure}"
