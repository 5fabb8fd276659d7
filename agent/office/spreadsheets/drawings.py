"""Charts, pictures and shapes on a sheet: found, named, placed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agent.errors import ToolFault
from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.cells import cell_name
from agent.office.spreadsheets.markup import CHART, DRAWING, R_ID, RELATIONS, A, drop, m, walk
from agent.office.spreadsheets.sheet import Sheet
from agent.office.xml import Element, etree, local

TYPE: Final = "application/vnd.openxmlformats-officedocument.drawing+xml"
EMU_PER_CM: Final = 360_000
_X = f"{{{DRAWING}}}"
_KINDS: Final = {"graphicFrame": "chart", "pic": "picture", "sp": "shape", "cxnSp": "line", "grpSp": "group"}


@dataclass(frozen=True)
class Drawn:
    """An object on a sheet.

    Attributes:
        part: of the drawing.
        chart: its part, "" of other objects.
    """

    kind: str
    name: str
    anchor: Element
    part: str
    chart: str = ""
    title: str = ""

    @property
    def cells(self) -> str:
        """Where it is: "B2:H20", or only its first cell."""
        corners = [self.anchor.find(f"{_X}{name}") for name in ("from", "to")]
        return ":".join(_corner(each) for each in corners if each is not None)


def _corner(marker: Element) -> str:
    row, column = (int(marker.find(f"{_X}{name}").text) for name in ("row", "col"))
    return cell_name(row + 1, column + 1)


def drawn(book: Book, part: str) -> Iterator[Drawn]:
    """All objects of a sheet."""
    for drawing in book.related(part, "drawing"):
        for anchor in book.xml(drawing):
            for element in anchor.iter():
                kind = _KINDS.get(local(element)) if isinstance(element.tag, str) else None
                if kind and element.getparent() in (anchor, *_alternatives(anchor)):
                    yield _read(book, drawing, anchor, element, kind)
                    break


def _alternatives(anchor: Element) -> list[Element]:
    """Objects of newer kinds stand within a choice."""
    return [each for each in anchor.iter() if isinstance(each.tag, str) and local(each) in ("Choice", "Fallback")]


def _read(book: Book, drawing: str, anchor: Element, element: Element, kind: str) -> Drawn:
    named = next((each for tag, each in walk(element) if tag == "cNvPr"), None)
    name = named.get("name", "") if named is not None else ""
    chart, title = "", ""
    reference = next((each for tag, each in walk(element) if tag == "chart" and each.get(R_ID)), None)
    if reference is not None:
        chart = next((each.target for each in book.relations(drawing) if each.id == reference.get(R_ID)), "")
        title = title_of(book.xml(chart)) if chart and book.has(chart) else ""
    elif kind == "chart":
        kind = "object"
    return Drawn(kind, name, anchor, drawing, chart, title)


def title_of(root: Element) -> str:
    """The title of a chart, as written."""
    title = root.find(f"{{{CHART}}}chart/{{{CHART}}}title")
    return "" if title is None else "".join(each.text or "" for each in title.iter(f"{{{A}}}t"))


def objects_of(book: Book, part: str) -> Iterator[str]:
    """One line for each object."""
    for each in drawn(book, part):
        title = f" «{each.title}»" if each.title else ""
        yield f"{each.kind} {each.name}{title} at {each.cells}{_chart_words(book, each.chart)}"


def _chart_words(book: Book, chart: str) -> str:
    if not chart or not book.has(chart):
        return ""
    root = book.xml(chart)
    kinds = [tag[:-5] for tag, _ in walk(root) if tag.endswith("Chart") and tag != "chart"]
    ranges = [element.text or "" for tag, element in walk(root) if tag == "f"]
    return f": {', '.join(dict.fromkeys(kinds))} of {', '.join(dict.fromkeys(ranges))[:300]}"


def find_drawn(book: Book, part: str, name: str) -> Drawn:
    """An object by its name or title. Raises ToolFault."""
    found = list(drawn(book, part))
    wanted = name.strip().strip("«»").casefold()
    for each in found:
        if wanted in (each.name.casefold(), each.title.casefold(), f"{each.kind} {each.name}".casefold()):
            return each
    told = ", ".join(f"{each.name} ({each.kind})" for each in found)
    raise ToolFault(f"There is no object {name!r} on this sheet; there are: {told or 'none'}. Nothing was changed.")


def drawing_of(book: Book, sheet: Sheet) -> str:
    """The drawing part of a sheet, made if there is none."""
    found = book.related(sheet.part, "drawing")
    if found:
        return found[0]
    part = book.free("xl/drawings/drawing{}.xml")
    book.add(part, f'<xdr:wsDr xmlns:xdr="{DRAWING}" xmlns:a="{A}"/>'.encode(), TYPE)
    sheet.child("drawing").set(R_ID, book.relate(sheet.part, "drawing", part))
    return part


def place(book: Book, drawing: str, row: int, column: int, size: tuple[float, float], inner: str, name: str) -> str:
    """Put an object on a sheet; its name, with a number that is free.

    Args:
        size: centimetres.
        inner: XML with {number} and {name} in it.
    """
    root = book.xml(drawing)
    numbers = [int(each.get("id") or 0) for tag, each in walk(root) if tag == "cNvPr"]
    names = {each.get("name") for tag, each in walk(root) if tag == "cNvPr"}
    told = next(text for n in range(1, 100_000) if (text := f"{name} {n}") not in names)
    width, height = (round(each * EMU_PER_CM) for each in size)
    text = (
        f'<xdr:oneCellAnchor xmlns:xdr="{DRAWING}" xmlns:a="{A}" xmlns:r="{RELATIONS}" xmlns:c="{CHART}"><xdr:from>'
        f"<xdr:col>{column - 1}</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>{row - 1}</xdr:row>"
        f'<xdr:rowOff>0</xdr:rowOff></xdr:from><xdr:ext cx="{width}" cy="{height}"/>'
        + inner.replace("{number}", str(max([1, *numbers]) + 1)).replace("{name}", told)
        .replace("{cx}", str(width)).replace("{cy}", str(height))
        + "<xdr:clientData/></xdr:oneCellAnchor>"
    )  # fmt: skip
    root.append(etree.fromstring(text))
    return told


def remove_drawn(book: Book, sheet: Sheet, found: Drawn) -> None:
    """Take an object away, with its chart; the picture's file goes when nothing else shows it."""
    used = {value for each in found.anchor.iter() for key, value in each.attrib.items() if RELATIONS in key}
    drop(found.anchor)
    still = {value for each in book.xml(found.part).iter() for key, value in each.attrib.items() if RELATIONS in key}
    for relation in book.relations(found.part):
        if relation.id in used - still:
            book.unrelate(found.part, relation.id)
            if relation.type == "chart":
                for part in [each.target for each in book.relations(relation.target) if not each.external]:
                    if "/charts/" in part:
                        book.remove(part)
                book.remove(relation.target)
    if not len(book.xml(found.part)):
        book.remove(found.part)
        book.unrelate(sheet.part, found.part)
        holder = sheet.frame.find(m("drawing"))
        if holder is not None:
            drop(holder)
