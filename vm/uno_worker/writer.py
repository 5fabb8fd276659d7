"""Operations on an open text document. What they take are those of `agent/office/documents/operations.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from . import apparatus
from .link import Fault, Office, box, constant, each, enum, graphic, struct, today
from .paragraphs import letters, paragraph_at, paragraph_look

Operation = dict[str, Any]
MOST_BLOCKS = 20_000
PROFILE = "/org.openoffice.UserProfile/Data"
STYLES = {"Title": "Title", "Normal": "Standard", "Body Text": "Text body"}
TABLE = "com.sun.star.text.TextTable"


def blocks(document: Any) -> list[dict[str, Any]]:
    """Paragraphs and tables of the text, in order: {"table": bool, "text": beginning}."""
    found: list[dict[str, Any]] = []
    for block in each(document.Text):
        if len(found) >= MOST_BLOCKS:
            raise Fault(f"it has more than {MOST_BLOCKS} paragraphs; save and close it, and edit the file")
        is_table = block.supportsService(TABLE)
        text = block.getCellByPosition(0, 0).String if is_table else block.String
        found.append({"table": is_table, "text": text[:80]})
    return found


class Writer:
    """One text document, for one call."""

    LASTING: ClassVar[frozenset[str]] = frozenset()  # what Ctrl+Z does not take back

    def __init__(self, office: Office, document: Any) -> None:
        self.office, self.document = office, document
        self._blocks: list[Any] = []
        self._last: Any = None
        self._touched: Any = None
        self._body = "Standard"
        self._ours: tuple[bool, tuple[str, str]] | None = None

    def begin(self, asked: Operation) -> None:
        """Before the first operation: the blocks keep the numbers that they have now."""
        for operation in asked["operations"]:
            if operation["do"] not in self.KNOWN and operation["do"] != "set_properties":
                raise Fault(f"{operation['do']} cannot be done in an open document. Nothing was changed")
        self._blocks = list(each(self.document.Text))
        used = {block.ParaStyleName for block in self._blocks if not block.supportsService(TABLE)}
        self._body = "Text body" if "Text body" in used else "Standard"
        if (track := asked.get("track")) is not None:
            names = self._profile()
            self._ours = (self.document.RecordChanges, (names.givenname, names.sn))
            self._name(track["author"], "")
            self.document.RecordChanges = True

    def in_order(self, operations: list[Operation]) -> list[tuple[int, Operation]]:
        """The operations with their numbers, as they are carried out."""
        return list(enumerate(operations, 1))

    def end(self) -> None:
        """After the last one, or the one that failed."""
        if self._ours is not None:
            self.document.RecordChanges, names = self._ours
            self._name(*names)
            self._ours = None

    def _profile(self) -> Any:
        provider = self.office.make("configuration.ConfigurationProvider")
        where = struct("beans.NamedValue", Name="nodepath", Value=PROFILE)
        return provider.createInstanceWithArguments("com.sun.star.configuration.ConfigurationUpdateAccess", (where,))

    def _name(self, given: str, family: str) -> None:
        profile = self._profile()
        profile.givenname, profile.sn = given, family
        profile.commitChanges()

    def carry_out(self, _: Any, operation: Operation) -> str:
        """One operation; what was done."""
        return self.KNOWN[operation["do"]](self, operation)

    def show(self) -> None:
        """Bring the view to what was changed; the cursor stays where that is on the same page."""
        if self._touched is None:
            return
        cursor = self.document.CurrentController.ViewCursor
        page, start, end = cursor.Page, cursor.Start, cursor.End
        try:
            cursor.gotoRange(self._touched, False)
        except Exception:  # a cell of a table that is gone since
            return
        if cursor.Page == page:
            cursor.gotoRange(start, False)
            cursor.gotoRange(end, True)

    def errors(self) -> list[str]:
        """Of formulas; text has none."""
        return []

    # Places ----------------------------------------------------------------------------------------------------------

    def block(self, number: int) -> Any:
        """A block by the number that it had at the beginning."""
        if not 1 <= number <= len(self._blocks):
            raise Fault(f"there is no block {number}; there are {len(self._blocks)}")
        return self._blocks[number - 1]

    def paragraph(self, number: int) -> Any:
        """The same, of text."""
        if (block := self.block(number)).supportsService(TABLE):
            raise Fault(f"block {number} is a table")
        return block

    def _table(self, number: int) -> Any:
        if not (block := self.block(number)).supportsService(TABLE):
            raise Fault(f"block {number} is no table")
        return block

    def new_paragraph(self, at: Operation | None) -> Any:
        """A new empty paragraph of body text at a place."""
        if at is None and self._last is None:
            made = self._after(self._blocks[-1])
        elif at is None:
            made = self._after(self._last)
        else:
            block = self._found(at)
            made = self._before(block) if at["side"] == "before" else self._after(block)
        made.ParaStyleName = self._body
        made.setPropertyToDefault("NumberingStyleName")
        self._last, self._touched = made, made.Start
        return made

    def _after(self, block: Any) -> Any:
        if block.supportsService(TABLE):
            return self._before(self._neighbour(block, 1))
        cursor = self.document.Text.createTextCursorByRange(block.End)
        self.document.Text.insertControlCharacter(cursor, constant("text.ControlCharacter.PARAGRAPH_BREAK"), False)
        return paragraph_at(cursor)

    def _before(self, block: Any) -> Any:
        if block.supportsService(TABLE):
            return self._after(self._neighbour(block, -1))
        cursor = self.document.Text.createTextCursorByRange(block.Start)
        self.document.Text.insertControlCharacter(cursor, constant("text.ControlCharacter.PARAGRAPH_BREAK"), False)
        cursor.goLeft(1, False)
        return paragraph_at(cursor)

    def _neighbour(self, table: Any, step: int) -> Any:
        """The paragraph after or before a table, whose text no cursor leaves."""
        there = list(each(self.document.Text))
        at = there.index(table) + step
        if not 0 <= at < len(there) or there[at].supportsService(TABLE):
            raise Fault("there is no paragraph between the table and what is beside it; insert at another block")
        return there[at]

    def _found(self, place: Operation) -> Any:
        if place["block"] is not None:
            return self.block(place["block"])
        for block in self._blocks:
            if not block.supportsService(TABLE) and place["text"] and place["text"] in block.String:
                return block
        raise Fault(f"no paragraph holds {place['text']!r}")

    def touch(self, where: Any) -> None:
        """It has been changed, so that the view goes there."""
        self._touched = where

    def _has(self, style: str) -> bool:
        return bool(self.document.StyleFamilies.getByName("ParagraphStyles").hasByName(style))

    def _style(self, name: str) -> str:
        for known in (name, STYLES.get(name, name), name.title()):
            if self._has(known):
                return known
        raise Fault(f"there is no paragraph style {name!r}")

    def words(self, block: int | None, words: str | None) -> Any:
        """The range of words, in a block or anywhere."""
        if words is None:
            if block is None:
                raise Fault("give a block, or words")
            return self.paragraph(block)
        asked = self.document.createSearchDescriptor()
        asked.SearchString, asked.SearchCaseSensitive = words, True
        inside = None if block is None else self.paragraph(block)
        found = self.document.findFirst(asked)
        while found is not None:
            if inside is None or self._within(found, inside):
                return found
            found = self.document.findNext(found.End, asked)
        raise Fault(f"{words!r} is not found{'' if block is None else f' in block {block}'}")

    def _within(self, found: Any, block: Any) -> bool:
        text = self.document.Text
        try:
            return text.compareRegionStarts(block, found) >= 0 and text.compareRegionEnds(block, found) <= 0
        except Exception:  # it lies in another text: a cell, a header
            return False

    # Text ------------------------------------------------------------------------------------------------------------

    def insert_paragraphs(self, operation: Operation) -> str:
        """New paragraphs."""
        at = operation["at"]
        for told in operation["paragraphs"]:
            made = self.new_paragraph(at)
            at = None
            self._write(made, told["text"])
            if told["style"] is not None:
                made.ParaStyleName = self._style(told["style"])
        return f"{len(operation['paragraphs'])} paragraphs inserted"

    def insert_heading(self, operation: Operation) -> str:
        """A heading."""
        made = self.new_paragraph(operation["at"])
        self._write(made, operation["text"])
        made.ParaStyleName = self._style("Title" if not operation["level"] else f"Heading {operation['level']}")
        return f"heading {operation['text']!r} inserted"

    def insert_list(self, operation: Operation) -> str:
        """A list."""
        at, style = operation["at"], "List Bullet" if operation["kind"] == "bullets" else "List Number"
        rules = "List 1" if operation["kind"] == "bullets" else "Numbering 123"
        for item in operation["items"]:
            made = self.new_paragraph(at)
            at = None
            self._write(made, item.lstrip("\t"))
            if self._has(style):
                made.ParaStyleName = style
            else:
                made.NumberingStyleName = rules
            made.NumberingLevel = len(item) - len(item.lstrip("\t"))
        return f"list of {len(operation['items'])} items inserted"

    def _write(self, paragraph: Any, text: str) -> None:
        paragraph.setString("")
        cursor = paragraph.Text.createTextCursorByRange(paragraph.Start)
        for number, line in enumerate(text.split("\n")):
            if number:
                paragraph.Text.insertControlCharacter(cursor, constant("text.ControlCharacter.LINE_BREAK"), False)
            paragraph.Text.insertString(cursor, line, False)
        self._touched = paragraph.Start

    def replace_paragraph(self, operation: Operation) -> str:
        """Another text for a paragraph."""
        paragraph = self.paragraph(operation["block"])
        paragraph.setString(operation["text"])
        if operation["style"] is not None:
            paragraph.ParaStyleName = self._style(operation["style"])
        self._touched = paragraph.Start
        return f"block {operation['block']} replaced"

    def delete_blocks(self, operation: Operation) -> str:
        """Take blocks out."""
        if operation["last"] < operation["first"]:
            raise Fault("the last block stands before the first one")
        for number in reversed(range(operation["first"], operation["last"] + 1)):
            self._delete(number)
        return f"blocks {operation['first']} to {operation['last']} deleted"

    def _delete(self, number: int) -> None:
        block = self.block(number)
        if block.supportsService(TABLE):
            block.dispose()
        elif self.document.RecordChanges:
            self._delete_tracked(number, block)
        else:
            self.document.Text.removeTextContent(block)

    def _delete_tracked(self, number: int, block: Any) -> None:
        """With the end of the paragraph before it, so that the one after it keeps its style."""
        before = self._blocks[number - 2] if number > 1 else None
        start = block.Start if before is None or before.supportsService(TABLE) else before.End
        cursor = self.document.Text.createTextCursorByRange(start)
        cursor.gotoRange(block.End, True)
        cursor.setString("")

    def replace_text(self, operation: Operation) -> str:
        """Find and replace, which keeps the look."""
        asked = self.document.createReplaceDescriptor()
        asked.SearchString, asked.ReplaceString = operation["find"], operation["replace"]
        asked.SearchCaseSensitive, asked.SearchWords = operation["match_case"], operation["whole_words"]
        if operation["block"] is None and operation["occurrence"] is None:
            first = self.document.findFirst(asked)
            self._touched = None if first is None else first.Start
            return f"{self.document.replaceAll(asked)} places replaced"
        inside = None if operation["block"] is None else self.paragraph(operation["block"])
        hits = [hit for hit in each(self.document.findAll(asked)) if inside is None or self._within(hit, inside)]
        nth = operation["occurrence"]
        chosen = hits if nth is None else hits[nth - 1 : nth]
        if not chosen:
            raise Fault(f"{operation['find']!r} is found {len(hits)} times there")
        for hit in reversed(chosen):
            hit.setString(operation["replace"])
            self._touched = hit.Start
        return f"{len(chosen)} places replaced"

    def format_paragraphs(self, operation: Operation) -> str:
        """Style and look of blocks."""
        for number in range(operation["first"], operation["last"] + 1):
            block = self.paragraph(number)
            if operation["style"] is not None:
                block.ParaStyleName = self._style(operation["style"])
            for name, value in paragraph_look(operation):
                block.setPropertyValue(name, value)
            part = block if operation["words"] is None else self.words(number, operation["words"])
            for name, value in letters(operation):
                part.setPropertyValue(name, value)
            self._touched = block.Start
        return f"blocks {operation['first']} to {operation['last']} formatted"

    def insert_break(self, operation: Operation) -> str:
        """A new page."""
        if operation["kind"] != "page":
            raise Fault("only page breaks can be inserted into an open document")
        self.new_paragraph(operation["at"]).BreakType = enum("style.BreakType", "PAGE_BEFORE")
        return "page break inserted"

    def comment(self, operation: Operation) -> str:
        """A comment on words."""
        where = self.words(operation["block"], operation["words"])
        note = self.document.createInstance("com.sun.star.text.textfield.Annotation")
        note.Content, note.Author, note.DateTimeValue = operation["text"], operation["author"], today()
        text = where.Text
        cursor = text.createTextCursorByRange(where.Start)
        cursor.gotoRange(where.End, True)
        text.insertTextContent(cursor, note, True)
        self._touched = where.Start
        return "comment added"

    # Tables and pictures -------------------------------------------------------------------------------------------

    def insert_table(self, operation: Operation) -> str:
        """A table, its first row the header."""
        rows: list[list[str]] = operation["rows"]
        wide = max(map(len, rows))
        table = self.document.createInstance(TABLE)
        table.initialize(len(rows), wide)
        place = self.new_paragraph(operation["at"])
        self.document.Text.insertTextContent(place.Start, table, False)
        table.setDataArray(tuple((*row, *[""] * (wide - len(row))) for row in rows))
        table.RepeatHeadline, table.HeaderRowCount = True, 1
        table.getCellRangeByPosition(0, 0, wide - 1, 0).CharWeight = 150.0
        return f"table of {len(rows)} x {wide} inserted"

    def set_cells(self, operation: Operation) -> str:
        """Cells of a table."""
        table = self._table(operation["block"])
        top, left, rows = operation["row"] - 1, operation["column"] - 1, operation["rows"]
        more = top + len(rows) - table.Rows.Count
        if more > 0:
            table.Rows.insertByIndex(table.Rows.Count, more)
        for down, row in enumerate(rows):
            for right, text in enumerate(row):
                self._set_cell(table, left + right, top + down, text)
        return f"{sum(map(len, rows))} cells set"

    def _set_cell(self, table: Any, column: int, row: int, text: str) -> None:
        try:
            cell = table.getCellByPosition(column, row)
        except Exception:
            raise Fault(f"the table has no cell in row {row + 1}, column {column + 1}") from None
        cursor = cell.createTextCursor()
        cursor.gotoEnd(True)
        cursor.setString(text)

    def delete_rows(self, operation: Operation) -> str:
        """Take rows out of a table."""
        table = self._table(operation["block"])
        if not 1 <= operation["first"] <= operation["last"] <= table.Rows.Count:
            raise Fault(f"the table has {table.Rows.Count} rows")
        table.Rows.removeByIndex(operation["first"] - 1, operation["last"] - operation["first"] + 1)
        return f"rows {operation['first']} to {operation['last']} deleted"

    def insert_picture(self, operation: Operation) -> str:
        """A picture in a paragraph of its own."""
        picture = graphic(self.office, operation["picture"])
        made = self.document.createInstance("com.sun.star.text.TextGraphicObject")
        made.Graphic, made.Description = picture, operation["alt"]
        made.AnchorType = enum("text.TextContentAnchorType", "AS_CHARACTER")
        made.setSize(box(picture, operation["width"], None, 16))
        place = self.new_paragraph(operation["at"])
        self.document.Text.insertTextContent(place.Start, made, False)
        return "picture inserted"

    def update_fields(self, _: Operation) -> str:
        """Tables of contents and fields."""
        for index in each(self.document.DocumentIndexes):
            index.update()
        self.document.TextFields.refresh()
        return "fields updated"

    KNOWN: ClassVar[dict[str, Callable[[Any, Operation], str]]] = {
        "insert_paragraphs": insert_paragraphs, "insert_heading": insert_heading, "insert_list": insert_list,
        "replace_paragraph": replace_paragraph, "delete_blocks": delete_blocks, "replace_text": replace_text,
        "format_paragraphs": format_paragraphs, "insert_break": insert_break, "comment": comment,
        "insert_table": insert_table, "set_cells": set_cells, "delete_rows": delete_rows,
        "insert_picture": insert_picture, "update_fields": update_fields, **apparatus.KNOWN,
    }  # fmt: skip
