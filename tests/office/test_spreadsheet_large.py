"""Workbooks of a million cells and files that lie: bounded memory, bounded time."""

from __future__ import annotations

import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEGABYTES = 300  # beside the interpreter

_PROGRAM = """
import resource, sys
from pathlib import Path
import openpyxl, pydantic, lxml.etree
from agent.office.package import Package
from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.views import View
from agent.office.spreadsheets.job import Job
from agent.office.spreadsheets.editing import edit
from agent.office.spreadsheets.operations import SetCells
from agent.tools.folder import Folder
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before, path = peak(), Path(sys.argv[1])
with Package.open(path, path.name) as package:
    text = View(Book(package), path.name).overview()
assert "1000000 cells" in text and "over 1000 different" in text, text
with Package.open(path, path.name) as package:
    job = Job(Book(package), Folder(path.parent))
    edit(job, [SetCells(do="set_cells", sheet="Big", at="B70000", rows=[["here"]], types=None)])
    job.book.save(path.with_name("changed.xlsx"))
print(peak() - before)
"""
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType='
    '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/s.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="{0}/{1}" Target="{2}"/></Relationships>'
)


def _rows() -> Iterator[bytes]:
    for number in range(1, 100_001):
        cells = "".join(f'<c r="{letter}{number}"><v>{number * 7}.5</v></c>' for letter in "ABCDEFGHIJ")
        yield f'<row r="{number}">{cells}</row>'.encode()


def _million(path: Path) -> None:
    """Ten columns of 100,000 numbers."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("[Content_Types].xml", _TYPES)
        file.writestr("_rels/.rels", _RELATIONS.format(_OFFICE, "officeDocument", "xl/workbook.xml"))
        file.writestr("xl/_rels/workbook.xml.rels", _RELATIONS.format(_OFFICE, "worksheet", "s.xml"))
        file.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="Big" sheetId="1" r:id="rId1"/>'
            "</sheets></workbook>",
        )
        with file.open("xl/s.xml", "w") as part:
            part.write(f'<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for row in _rows():
                part.write(row)
            part.write(b"</sheetData></worksheet>")


@pytest.mark.slow
def test_a_million_cells_are_read_and_changed_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.xlsx"
    _million(path)
    out = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(path)], capture_output=True, text=True, check=False, timeout=110
    )  # fmt: skip
    assert out.returncode == 0, out.stderr
    assert int(out.stdout) < MEGABYTES
    with zipfile.ZipFile(tmp_path / "changed.xlsx") as file:
        assert b'<c r="B70000" t="inlineStr"><is><t>here</t></is></c>' in file.read("xl/s.xml")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0
