"""Operations on what lies on a sheet: notes, links, charts, pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from agent.errors import ToolFault
from agent.office.spreadsheets.areas import clear_area
from agent.office.spreadsheets.cells import Area, cell_name, read_cell
from agent.office.spreadsheets.comments import remove_comments, set_comment
from agent.office.spreadsheets.drawings import DRAWING, drawing_of, find_drawn, place, remove_drawn
from agent.office.spreadsheets.job import Job
from agent.office.spreadsheets.markup import R_ID, m
from agent.office.spreadsheets.operations import AddChart, AddPicture, ChangeChart, Comment, DeleteObject, Link
from agent.office.xml import etree

MOST_PICTURE: Final = 30 << 20  # bytes
_TYPES: Final = {"PNG": "png", "JPEG": "jpeg", "GIF": "gif"}
_CHART: Final = (
    '<xdr:graphicFrame macro=""><xdr:nvGraphicFramePr><xdr:cNvPr id="{number}" name="{name}"/>'
    '<xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr><xdr:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm>'
    '<a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/chart">'
    '<c:chart r:id="RELATION"/></a:graphicData></a:graphic></xdr:graphicFrame>'
)
_PICTURE: Final = (
    '<xdr:pic><xdr:nvPicPr><xdr:cNvPr id="{number}" name="{name}" descr=""/><xdr:cNvPicPr>'
    '<a:picLocks noChangeAspect="1"/></xdr:cNvPicPr></xdr:nvPicPr><xdr:blipFill><a:blip r:embed="RELATION"/>'
    '<a:stretch><a:fillRect/></a:stretch></xdr:blipFill><xdr:spPr><a:xfrm><a:off x="0" y="0"/>'
    '<a:ext cx="{cx}" cy="{cy}"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></xdr:spPr></xdr:pic>'
)
_X = f"{{{DRAWING}}}"


def comment(job: Job, op: Comment) -> str:
    """A note on a cell, or none."""
    sheet = job.book.sheet(op.sheet)
    row, column = read_cell(op.at)
    if any(job.book.related(sheet.part, "threadedComment")):
        threads = Area(row, column, row, column)
        if remove_comments(job.book, sheet, threads):
            job.lose(f"{op.at} has a thread of comments, which goes.")
    if op.text is None:
        count = remove_comments(job.book, sheet, Area(row, column, row, column))
        return f"{op.sheet}!{op.at}: {count} note removed"
    set_comment(job.book, sheet, row, column, op.text, op.author or "Deskhand")
    return f"{op.sheet}!{op.at}: note written"


def link(job: Job, op: Link) -> str:
    """A link of a cell."""
    sheet = job.book.sheet(op.sheet)
    row, column = read_cell(op.at)
    clear_area(sheet, "hyperlinks", Area(row, column, row, column))
    element = etree.SubElement(sheet.child("hyperlinks"), m("hyperlink"), {"ref": cell_name(row, column)})
    target = op.target.strip()
    if target.startswith("#"):
        element.set("location", target[1:])
    elif target.lower().startswith(("http://", "https://", "mailto:")):
        element.set(R_ID, job.book.relate(sheet.part, "hyperlink", target, external=True))
    else:
        raise ToolFault(f'{target!r} must begin with "https://", "http://", "mailto:" or "#". Nothing was changed.')
    return f"{op.sheet}!{op.at} leads to {target}"


def add_chart(job: Job, op: AddChart) -> str:
    """A chart."""
    from agent.office.spreadsheets.charts import TYPE, chart_xml

    book, sheet = job.book, job.book.sheet(op.sheet)
    row, column = read_cell(op.at)
    data = chart_xml(op, book.name_of(sheet))
    _check_sheets(job, data)
    drawing = drawing_of(book, sheet)
    part = book.free("xl/charts/chart{}.xml")
    book.add(part, data, TYPE)
    relation = book.relate(drawing, "chart", part)
    inner = _CHART.replace("RELATION", relation)
    name = place(book, drawing, row, column, (op.width or 16, op.height or 9), inner, "Chart")
    return f"{name} ({op.kind}, {len(op.series)} series) at {op.sheet}!{op.at}"


def _check_sheets(job: Job, data: bytes) -> None:
    """A chart must not name sheets that are not there."""
    from agent.office.spreadsheets.references import read_reference

    for element in etree.fromstring(data).iter("{*}f"):
        reference = read_reference(element.text or "")
        if reference is not None and reference.sheet is not None:
            job.book.entry(reference.sheet)


def change_chart(job: Job, op: ChangeChart) -> str:
    """Title, data or place of a chart."""
    from agent.office.spreadsheets.charts import set_series, set_title

    sheet = job.book.sheet(op.sheet)
    found = find_drawn(job.book, sheet.part, op.chart)
    if not found.chart:
        raise ToolFault(f"{op.chart} is no chart that can be changed here. Nothing was changed.")
    root = job.book.xml(found.chart)
    if op.title is not None:
        set_title(root, op.title)
    if op.series is not None:
        set_series(root, op.series, job.book.name_of(sheet))
        _check_sheets(job, etree.tostring(root))
    if op.at is not None:
        row, column = read_cell(op.at)
        _move(found.anchor, row, column)
    return f"{op.chart} on {op.sheet} changed"


def _move(anchor: object, row: int, column: int) -> None:
    from typing import Any, cast

    element = cast("Any", anchor)
    start, end = element.find(f"{_X}from"), element.find(f"{_X}to")
    by_row, by_column = (
        row - 1 - int(start.find(f"{_X}row").text),
        column - 1 - int(start.find(f"{_X}col").text),
    )
    for marker in filter(lambda each: each is not None, (start, end)):
        marker.find(f"{_X}row").text = str(int(marker.find(f"{_X}row").text) + by_row)
        marker.find(f"{_X}col").text = str(int(marker.find(f"{_X}col").text) + by_column)


def add_picture(job: Job, op: AddPicture) -> str:
    """A picture."""
    book, sheet, path = job.book, job.book.sheet(op.sheet), job.file(op.file)
    row, column = read_cell(op.at)
    kind, size = _measure(path, op)
    part = book.free(f"xl/media/image{{}}.{kind}")
    book.put(part, path.read_bytes())
    book.default_type(kind, f"image/{kind}")
    drawing = drawing_of(book, sheet)
    inner = _PICTURE.replace("RELATION", book.relate(drawing, "image", part))
    name = place(book, drawing, row, column, size, inner, "Picture")
    if op.description:
        found = find_drawn(book, sheet.part, name)
        next(each for each in found.anchor.iter(f"{_X}cNvPr")).set("descr", op.description)
    return f"{name} ({op.file}, {size[0]:.1f} × {size[1]:.1f} cm) at {op.sheet}!{op.at}"


def _measure(path: Path, op: AddPicture) -> tuple[str, tuple[float, float]]:
    """What kind of picture it is, and its size in centimetres."""
    from PIL import Image

    if path.stat().st_size > MOST_PICTURE:
        raise ToolFault(f"{op.file} has {path.stat().st_size >> 20} MB; at most {MOST_PICTURE >> 20} fit.")
    try:
        with Image.open(path) as image:
            kind, (wide, high) = _TYPES.get(image.format or ""), image.size
            dots = float(image.info.get("dpi", (96, 96))[0]) or 96.0
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ToolFault(f"{op.file} is no picture: {error}. Nothing was changed.") from None
    if kind is None:
        raise ToolFault(f"{op.file}: only PNG, JPEG and GIF pictures fit into a workbook. Nothing was changed.")
    dots = dots if 30 <= dots <= 1200 else 96.0
    width = op.width or (op.height * wide / high if op.height else wide / dots * 2.54)
    return kind, (width, op.height or width * high / wide)


def delete_object(job: Job, op: DeleteObject) -> str:
    """Remove a chart, picture or shape."""
    sheet = job.book.sheet(op.sheet)
    found = find_drawn(job.book, sheet.part, op.name)
    remove_drawn(job.book, sheet, found)
    return f"{found.kind} {found.name} removed from {op.sheet}"
