"""A workbook with nothing in it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from agent.office.package import new_package
from agent.office.spreadsheets.book import CONTENT_TYPES
from agent.office.spreadsheets.markup import MAIN, PACKAGE_RELATIONS, RELATIONS, TYPES

_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"


def write_blank(target: Path, kind: str) -> None:
    """Write one without sheets, styles included; the first sheet comes with the first operations. Raises OSError."""
    from openpyxl.writer.theme import theme_xml

    theme = {"xl/theme/theme1.xml": theme_xml.encode()}
    new_package(target, {name: (_HEAD + text).encode() for name, text in _parts(kind).items()} | theme)


def _parts(kind: str) -> dict[str, str]:
    main = f"{_OFFICE}.spreadsheetml.{'template' if kind == 'xltx' else 'sheet'}.main+xml"
    return {
        CONTENT_TYPES: (
            f'<Types xmlns="{TYPES}"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
            'relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{main}"/>'
            f'<Override PartName="/xl/theme/theme1.xml" ContentType="{_OFFICE}.theme+xml"/></Types>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{PACKAGE_RELATIONS}"><Relationship Id="rId1" Type="{RELATIONS}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{PACKAGE_RELATIONS}"><Relationship Id="rId1" Type="{RELATIONS}/theme" '
            'Target="theme/theme1.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><workbookPr/><bookViews><workbookView/></bookViews>'
            "<sheets/></workbook>"
        ),
    }
