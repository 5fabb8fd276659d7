"""The XML of workbooks: names, and parts read so that what is not touched is written as it was."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import dirname, join, normpath, relpath
from typing import Final

from agent.errors import ToolFault
from agent.office.xml import Element, etree, local

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_MAIN: Final = "http://purl.oclc.org/ooxml/spreadsheetml/main"
PACKAGE_RELATIONS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES: Final = "http://schemas.openxmlformats.org/package/2006/content-types"
DRAWING: Final = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
A: Final = "http://schemas.openxmlformats.org/drawingml/2006/main"
CHART: Final = "http://schemas.openxmlformats.org/drawingml/2006/chart"
R_ID: Final = f"{{{RELATIONS}}}id"


def m(name: str) -> str:
    """A name of the main namespace, as lxml writes it."""
    return f"{{{MAIN}}}{name}"


def read_xml(data: bytes, name: str) -> Element:
    """The root of a part, white space kept. No entity is resolved, nothing is fetched.

    Raises:
        ToolFault: it is no XML.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=len(data) > 10_000_000)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise ToolFault(f"{name} is damaged ({error}). Nothing was changed.") from None


def write_xml(root: Element) -> bytes:
    """A part, to be written."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def sub(parent: Element, name: str, text: str | None = None, /, **attributes: str) -> Element:
    """A new last child in the main namespace."""
    child = etree.SubElement(parent, m(name), attributes)
    child.text = text
    return child


def drop(element: Element) -> None:
    """Take an element out of its tree; the text behind it stays."""
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def children(parent: Element | None, name: str) -> list[Element]:
    """Children of that name, in the main namespace."""
    return [] if parent is None else list(parent.findall(m(name)))


def walk(root: Element) -> Iterator[tuple[str, Element]]:
    """All elements with their local names."""
    for element in root.iter():
        if isinstance(element.tag, str):
            yield local(element), element


def insert_ordered(parent: Element, child: Element, order: tuple[str, ...]) -> None:
    """Put a child where the schema wants it: before the first one that must come later."""
    name = local(child)
    later = set(order[order.index(name) + 1 :])
    for index, other in enumerate(parent):
        if local(other) in later:
            parent.insert(index, child)
            return
    parent.append(child)


def rels_name(part: str) -> str:
    """The part that holds the relationships of a part."""
    folder, _, file = part.rpartition("/")
    return f"{folder}/_rels/{file}.rels" if folder else f"_rels/{file}.rels"


def target_part(source: str, target: str) -> str:
    """The part that a relationship leads to."""
    return target.lstrip("/") if target.startswith("/") else normpath(join(dirname(source), target))


def target_text(source: str, part: str) -> str:
    """How a relationship of `source` names `part`."""
    return relpath(part, dirname(source) or ".")
