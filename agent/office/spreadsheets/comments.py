"""Notes on cells: the list of their texts, and the drawing that older programs want beside it."""

from __future__ import annotations

from typing import Final

from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.cells import Area, cell_name, read_area
from agent.office.spreadsheets.markup import MAIN, R_ID, children, drop, m, sub, walk
from agent.office.spreadsheets.sheet import Sheet
from agent.office.spreadsheets.values import escape, text_in
from agent.office.xml import Element, etree

_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_VML_TYPE: Final = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_VML: Final = (
    '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="1"/>'
    '</o:shapelayout><v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" '
    'path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype></xml>'
)
_NOTE: Final = (
    '<v:shape xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel" id="{ident}" type="#_x0000_t202" '
    'style="position:absolute;margin-left:60pt;margin-top:2pt;width:144pt;height:79pt;z-index:1;visibility:hidden" '
    'fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/>'
    '<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div>'
    '</v:textbox><x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
    "<x:Anchor>{left}, 15, {top}, 2, {right}, 31, {bottom}, 4</x:Anchor><x:AutoFill>False</x:AutoFill>"
    "<x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
)
_EXCEL = "urn:schemas-microsoft-com:office:excel"


def set_comment(book: Book, sheet: Sheet, row: int, column: int, text: str, author: str) -> None:
    """Write a note, in place of one that is there."""
    remove_comments(book, sheet, Area(row, column, row, column))
    root = book.xml(_comments_part(book, sheet))
    authors = root.find(m("authors"))
    names = [each.text or "" for each in authors]
    if author not in names:
        sub(authors, "author", author)
        names.append(author)
    listed = root.find(m("commentList"))
    comment = etree.Element(m("comment"), {"ref": cell_name(row, column), "authorId": str(names.index(author))})
    holder = sub(sub(comment, "text"), "t", escape(text))
    holder.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    place = next((i for i, each in enumerate(listed) if _order(each) > (row, column)), len(listed))
    listed.insert(place, comment)
    _draw(book, sheet, row, column)


def _order(comment: Element) -> tuple[int, int]:
    area = read_area(comment.get("ref", "A1"))
    return area.top, area.left


def _comments_part(book: Book, sheet: Sheet) -> str:
    found = book.related(sheet.part, "comments")
    if found:
        return found[0]
    part = book.free("xl/comments{}.xml")
    book.add(part, f'<comments xmlns="{MAIN}"><authors/><commentList/></comments>'.encode(), _TYPE)
    book.relate(sheet.part, "comments", part)
    return part


def _draw(book: Book, sheet: Sheet, row: int, column: int) -> None:
    root = book.xml(_drawing_part(book, sheet))
    taken = {each.get("id") for _, each in walk(root)}
    ident = next(name for n in range(1025, 100_000) if (name := f"_x0000_s{n}") not in taken)
    top = max(0, row - 2)
    text = _NOTE.format(
        ident=ident, left=column, right=column + 2, top=top, bottom=top + 4, row=row - 1, column=column - 1
    )  # fmt: skip
    root.append(etree.fromstring(text))


def _drawing_part(book: Book, sheet: Sheet) -> str:
    legacy = sheet.frame.find(m("legacyDrawing"))
    if legacy is not None:
        return next(each.target for each in book.relations(sheet.part) if each.id == legacy.get(R_ID))
    part = book.free("xl/drawings/vmlDrawing{}.vml")
    book.default_type("vml", _VML_TYPE)
    book.put(part, _VML.encode())
    sheet.child("legacyDrawing").set(R_ID, book.relate(sheet.part, "vmlDrawing", part))
    return part


def remove_comments(book: Book, sheet: Sheet, area: Area) -> int:
    """Take notes and threads of a range away; how many."""
    count = 0
    for kind in ("comments", "threadedComment"):
        for part in book.related(sheet.part, kind):
            for tag, each in list(walk(book.xml(part))):
                if tag in ("comment", "threadedComment") and each.get("ref") and read_area(each.get("ref")) in area:
                    drop(each)
                    count += tag == "comment"
    for part in book.related(sheet.part, "vmlDrawing"):
        for tag, shape in list(walk(book.xml(part))):
            if tag == "shape" and (at := _cell_of(shape)) is not None and area.has(*at):
                drop(shape)
    return count


def _cell_of(shape: Element) -> tuple[int, int] | None:
    data = shape.find(f"{{{_EXCEL}}}ClientData")
    if data is None or data.get("ObjectType") != "Note":
        return None
    row, column = data.find(f"{{{_EXCEL}}}Row"), data.find(f"{{{_EXCEL}}}Column")
    return None if row is None or column is None else (int(row.text) + 1, int(column.text) + 1)


def comments_of(book: Book, sheet: Sheet) -> list[tuple[str, str, str]]:
    """Cell, author and text of each note."""
    found: list[tuple[str, str, str]] = []
    for part in book.related(sheet.part, "comments"):
        root = book.xml(part)
        authors = [each.text or "" for each in children(root.find(m("authors")), "author")]
        for each in children(root.find(m("commentList")), "comment"):
            number = int(each.get("authorId") or 0)
            name = authors[number] if number < len(authors) else ""
            found.append((each.get("ref", ""), name, text_in(each.find(m("text")))))
    return found
