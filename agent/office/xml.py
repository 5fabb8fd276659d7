"""XML of office files: lxml in one typed place, hardened against what a stranger's file may hold."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final, TypeAlias

etree: Any = import_module("lxml.etree")
Element: TypeAlias = Any  # of lxml, which has no types

NAMESPACES: Final = {
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
    "cp": "http://schemas.openxmlformats.org/package/2006/metadata/core-properties",
    "ct": "http://schemas.openxmlformats.org/package/2006/content-types",
    "dc": "http://purl.org/dc/elements/1.1/",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "p": "http://schemas.openxmlformats.org/presentationml/2006/main",
    "p14": "http://schemas.microsoft.com/office/powerpoint/2010/main",
    "pic": "http://schemas.openxmlformats.org/drawingml/2006/picture",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "rel": "http://schemas.openxmlformats.org/package/2006/relationships",
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "w14": "http://schemas.microsoft.com/office/word/2010/wordml",
    "w15": "http://schemas.microsoft.com/office/word/2012/wordml",
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "xml": "http://www.w3.org/XML/1998/namespace",
}


def q(tag: str) -> str:
    """ "w:p" as lxml names it."""
    prefix, _, name = tag.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{name}"


def local(element: Element) -> str:
    """The name of an element without its namespace; "" of a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def parse(data: bytes) -> Element:
    """The root of a part. No entity is resolved, nothing is fetched.

    Raises:
        ValueError: it is no XML.
    """
    parser = etree.XMLParser(remove_blank_text=True, resolve_entities=False, no_network=True)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(str(error)) from None


def canonical(data: bytes) -> bytes:
    """The same for parts that say the same. Raises ValueError."""
    return etree.tostring(parse(data), method="c14n")


def to_bytes(root: Element) -> bytes:
    """A part, to be written."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def make(like: Element, tag: str, attributes: dict[str, str] | None = None, text: str | None = None) -> Element:
    """A new element of the kind that belongs into the tree of `like`; attributes may have a prefix: "w:val"."""
    element = like.makeelement(q(tag))
    for name, value in (attributes or {}).items():
        element.set(q(name) if ":" in name else name, value)
    if text is not None:
        element.text = text
    return element


def add(parent: Element, tag: str, attributes: dict[str, str] | None = None, text: str | None = None) -> Element:
    """A new last child."""
    element = make(parent, tag, attributes, text)
    parent.append(element)
    return element


def remove(element: Element) -> None:
    """Take an element out of its tree."""
    if (parent := element.getparent()) is not None:
        parent.remove(element)


def each(root: Element, *tags: str) -> Iterator[Element]:
    """All elements of these names, in the order of the text, which may be changed meanwhile."""
    yield from list(root.iter(*(q(tag) for tag in tags)))


def first(root: Element, *path: str) -> Element:
    """The first child of that name, and its first child, and so on; None where there is none."""
    for tag in path:
        if root is None or (root := root.find(q(tag))) is None:
            return None
    return root
