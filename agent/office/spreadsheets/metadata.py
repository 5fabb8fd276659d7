"""The mark of formulas that may fill more than their own cell, without which Excel shows their first value only."""

from __future__ import annotations

from typing import Final

from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.markup import MAIN, m
from agent.office.xml import Element

_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheetMetadata+xml"
_NEW: Final = (
    f'<metadata xmlns="{MAIN}" xmlns:xda="http://schemas.microsoft.com/office/spreadsheetml/2017/dynamicarray">'
    '<metadataTypes count="1"><metadataType name="XLDAPR" minSupportedVersion="120000" copy="1" pasteAll="1" '
    'pasteValues="1" merge="1" splitFirst="1" rowColShift="1" clearFormats="1" clearComments="1" assign="1" '
    'coerce="1" cellMeta="1"/></metadataTypes><futureMetadata name="XLDAPR" count="1"><bk><extLst>'
    '<ext uri="{bdbb8cdc-fa1e-496e-a857-3c3f30c029c3}"><xda:dynamicArrayProperties fDynamic="1" fCollapsed="0"/></ext>'
    '</extLst></bk></futureMetadata><cellMetadata count="1"><bk><rc t="1" v="0"/></bk></cellMetadata></metadata>'
).encode()


def dynamic_mark(book: Book, cell: Element) -> None:
    """Make the formula of a cell one that may spill. Where the workbook has other metadata, a plain array formula."""
    formula = cell.find(m("f"))
    formula.set("t", "array")
    formula.set("ref", cell.get("r"))
    found = book.related(book.part, "sheetMetadata")
    if not found:
        book.add("xl/metadata.xml", _NEW, _TYPE)
        book.relate(book.part, "sheetMetadata", "xl/metadata.xml")
        cell.set("cm", "1")
    elif book.read(found[0]) == _NEW:
        cell.set("cm", "1")
