"""Decks and documents for tests that hold what libraries do not know, and what is in files, part by part."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from PIL import Image

MACROS = b"\xd0\xcf\x11\xe0 not really macros"
CUSTOM = b'<?xml version="1.0"?><mine:data xmlns:mine="urn:example"><mine:word>kept</mine:word></mine:data>'


def picture(path: Path, width: int = 80, height: int = 50, colour: str = "orange") -> Path:
    """A PNG."""
    Image.new("RGB", (width, height), colour).save(path)
    return path


def parts(path: Path) -> dict[str, bytes]:
    """All parts of a package."""
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def changed(before: dict[str, bytes], path: Path) -> set[str]:
    """Names of parts that are not as they were, that are new, or gone."""
    after = parts(path)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def with_strangers(path: Path, main: str) -> None:
    """Add parts that no library knows: macros, custom XML, and one that nothing refers to."""
    content = parts(path)
    folder = main.partition("/")[0]
    content[f"{folder}/vbaProject.bin"] = MACROS
    content["customXml/item9.xml"] = CUSTOM
    content["docProps/stray.bin"] = b"\x00stray"
    rels = f"{folder}/_rels/{main.partition('/')[2]}.rels"
    kind = "http://schemas.microsoft.com/office/2006/relationships/vbaProject"
    custom = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/customXml"
    more = f'<Relationship Id="rIdV" Type="{kind}" Target="vbaProject.bin"/>'
    more += f'<Relationship Id="rIdC" Type="{custom}" Target="../customXml/item9.xml"/>'
    content[rels] = content[rels].replace(b"</Relationships>", more.encode() + b"</Relationships>")
    types = content["[Content_Types].xml"]
    default = b'<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>'
    content["[Content_Types].xml"] = (
        types.replace(b"<Override", default + b"<Override", 1) if b'"bin"' not in types else types
    )
    write(path, content)


def write(path: Path, content: dict[str, bytes]) -> None:
    """Write a package of these parts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in content.items():
            package.writestr(name, data)
    path.write_bytes(buffer.getvalue())


def deck(path: Path) -> Path:
    """A deck as another program made it: styled runs, a chart, a picture, a table, notes, and strangers."""
    import pptx
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Cm

    made: Any = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[1])
    slide.shapes.title.text = "Old title"
    paragraph = slide.placeholders[1].text_frame.paragraphs[0]
    for words, bold in (("Revenue ", False), ("rose", True), (" by 12 %", False)):
        run = paragraph.add_run()
        run.text, run.font.bold = words, bold
    slide.notes_slide.notes_text_frame.text = "Say hello"
    second = made.slides.add_slide(made.slide_layouts[5])
    second.shapes.title.text = "Numbers"
    data: Any = CategoryChartData()
    data.categories = ["a", "b"]
    data.add_series("one", (1, 2))
    second.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Cm(2), Cm(5), Cm(10), Cm(8), data)
    second.shapes.add_picture(str(picture(path.with_name("in-deck.png"))), Cm(13), Cm(5))
    second.shapes.add_table(2, 2, Cm(2), Cm(14), Cm(10), Cm(2)).table.cell(0, 0).text = "Head"
    made.save(str(path))
    with_strangers(path, "ppt/presentation.xml")
    return path


def report(path: Path) -> Path:
    """A document as another program made it: styled runs, a table, a picture, header, comment, field, and strangers."""
    import docx

    made: Any = docx.Document()
    made.add_heading("First part", 1)
    paragraph = made.add_paragraph("The fee is ")
    paragraph.add_run("one hundred").bold = True
    paragraph.add_run(" euros, due within 30 days.")
    made.add_table(2, 2).cell(0, 0).text = "Head"
    made.add_picture(str(picture(path.with_name("in-report.png"))))
    made.add_heading("Second part", 1)
    made.add_paragraph("Nothing else is agreed.")
    made.sections[0].header.paragraphs[0].text = "Agreement"
    made.add_comment(paragraph.runs[1], text="Sure?", author="Ben")
    made.save(str(path))
    with_strangers(path, "word/document.xml")
    return path
