"""An open text document and its addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.errors import ToolFault
from agent.office.documents.operations import Place
from agent.office.documents.tracking import Tracker
from agent.office.materials import Materials
from agent.office.opc import damaged
from agent.office.xml import Element, etree, first, local, q

_TRANSPARENT = ("sdt", "sdtContent", "customXml", "smartTag", "ins", "del", "moveFrom", "moveTo")
_MAIN = (
    "application/vnd.ms-word.document.macroEnabled.main+xml",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
    "application/vnd.ms-word.template.macroEnabledTemplate.main+xml",
)
_STORIES = ("/header", "/footer", "/footnotes", "/endnotes")


@dataclass
class Draft:
    """A document that is being worked on.

    Attributes:
        document: of python-docx.
        blocks: paragraphs and tables as they stood before this call, in order; numbers count from 1.
        tracker: writes edits as tracked changes; None where they are not to be tracked.
        last: the block that this call has inserted last.
        notes: what the model should know besides.
        lost: what the operations take away that nobody asked for.
        last_bookmark: the highest id of a bookmark, once somebody has asked.
        wants_pages: whether page numbers have to be found out by laying the document out.
    """

    document: Any
    name: str
    materials: Materials = field(default_factory=Materials)
    tracker: Tracker | None = None
    blocks: list[Element] = field(default_factory=list[Element])
    last: Element = None
    notes: list[str] = field(default_factory=list[str])
    lost: list[str] = field(default_factory=list[str])
    wants_pages: bool = False
    last_bookmark: int = 0
    _stories: dict[Any, Element] = field(default_factory=dict[Any, Element])

    @property
    def part(self) -> Any:
        """The document's main part."""
        return self.document.part

    @property
    def body(self) -> Element:
        """What holds the blocks."""
        return self.document.element.body

    def block(self, number: int) -> Element:
        """A block by its number before this call.

        Raises:
            ToolFault: there is none, or this call has taken it out.
        """
        if not 1 <= number <= len(self.blocks):
            raise ToolFault(f"there is no block {number}; {self.name} has {len(self.blocks)}.")
        block = self.blocks[number - 1]
        if block.getparent() is None:
            raise ToolFault(f"block {number} was taken out by an operation before.")
        return block

    def span(self, start: int, end: int) -> list[Element]:
        """Blocks from one to another, both included. Raises ToolFault."""
        if end < start:
            raise ToolFault(f"last ({end}) is before first ({start}).")
        return [self.block(number) for number in range(start, end + 1)]

    def paragraph(self, number: int) -> Element:
        """A block that is a paragraph. Raises ToolFault."""
        block = self.block(number)
        if block.tag != q("w:p"):
            raise ToolFault(f"block {number} is a table. Use set_cells or delete_rows for it.")
        return block

    def table(self, number: int) -> Element:
        """A block that is a table. Raises ToolFault."""
        block = self.block(number)
        if block.tag != q("w:tbl"):
            raise ToolFault(f"block {number} is no table.")
        return block

    def find(self, text: str) -> Element:
        """The only block that holds these words; a heading that is exactly them wins.

        Raises:
            ToolFault: none does, or several.
        """
        from agent.office.documents.leaves import text_in

        wanted = " ".join(text.split())
        found = [block for block in blocks_of(self.body) if wanted in " ".join(text_in(block).split())]
        exact = [block for block in found if " ".join(text_in(block).split()) == wanted]
        found = exact if len(exact) == 1 else found
        if len(found) != 1:
            how_many = (
                "stands nowhere"
                if not found
                else f"stands in {len(found)} blocks; give the block's number, or more words"
            )
            raise ToolFault(f"{text[:80]!r} {how_many}.")
        return found[0]

    def insert(self, at: Place | None, elements: list[Element]) -> None:
        """Put new blocks where they belong. Raises ToolFault."""
        anchor, before = self.anchor(at)
        if anchor is None:
            section = first(self.body, "w:sectPr")
            for element in elements:
                self.body.append(element) if section is None else section.addprevious(element)
        elif before:
            for element in elements:
                anchor.addprevious(element)
        else:
            for element in reversed(elements):
                anchor.addnext(element)
        self.last = elements[-1]

    def anchor(self, at: Place | None) -> tuple[Element, bool]:
        """The block that a place is beside, None for the end, and whether it is before it. Raises ToolFault."""
        if at is None:
            return self.last if self.last is not None and self.last.getparent() is not None else None, False
        if (at.block is None) == (at.text is None):
            raise ToolFault("a place needs either block or text.")
        anchor = self.block(at.block) if at.block is not None else self.find(at.text or "")
        return anchor, at.side == "before"

    def stories(self) -> Iterator[tuple[str, Element]]:
        """The roots of all that holds text: body, headers, footers, notes. Those that are changed must be `keep`ed."""
        yield "body", self.body
        for relation in self.part.rels.values():
            if relation.is_external or not relation.reltype.endswith(_STORIES):
                continue
            root = self.root(relation.target_part)
            if root is not None:
                yield relation.reltype.rpartition("/")[2], root

    @property
    def story_parts(self) -> list[Any]:
        """The parts of all that holds text."""
        kinds = [relation for relation in self.part.rels.values() if not relation.is_external]
        return [self.part, *(each.target_part for each in kinds if each.reltype.endswith(_STORIES))]

    def root(self, part: Any) -> Element:
        """The XML of a part; None where it has none. `settle` puts it back where the library does not parse it."""
        if hasattr(part, "element"):
            return part.element
        if part not in self._stories:
            from docx.oxml.parser import parse_xml

            try:
                self._stories[part] = parse_xml(part.blob)
            except etree.XMLSyntaxError:
                return None
        return self._stories[part]

    def settle(self) -> None:
        """Put the XML of parts that the library does not parse back into them, where it has changed."""
        from docx.oxml.parser import parse_xml

        for part, root in self._stories.items():
            if etree.tostring(parse_xml(part.blob)) != etree.tostring(root):
                part._blob = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)

    @property
    def sections(self) -> list[Element]:
        """The `w:sectPr` of all sections."""
        return list(self.body.iter(q("w:sectPr")))

    def text_width(self) -> float:
        """Between the margins of the last section, in centimetres."""
        sections = self.sections
        size = first(sections[-1], "w:pgSz") if sections else None
        margins = first(sections[-1], "w:pgMar") if sections else None
        wide = int(size.get(q("w:w")) or 11906) if size is not None else 11906
        both = (
            sum(int(margins.get(q(f"w:{side}")) or 1440) for side in ("left", "right")) if margins is not None else 2880
        )
        return max((wide - both) / 567, 3.0)


def blocks_of(root: Element) -> Iterator[Element]:
    """Paragraphs and tables of a body, those in content controls included, those in tables not."""
    for child in list(root):
        name = local(child)
        if name in ("p", "tbl"):
            yield child
        elif name in _TRANSPARENT:
            yield from blocks_of(child)


def pieces_of(holder: Element, tag: str) -> list[Element]:
    """Rows of a table, or cells of a row, those in content controls included and those of tables within not."""
    found: list[Element] = []
    for child in holder:
        if child.tag == q(tag):
            found.append(child)
        elif local(child) in _TRANSPARENT:
            found += pieces_of(child, tag)
    return found


def open_draft(path: Path, name: str, materials: Materials | None = None) -> Draft:
    """Read a document.

    Raises:
        ToolFault: it is damaged.
    """
    try:
        document = _package(path).main_document_part.document
        draft = Draft(document, name, materials or Materials())
        draft.blocks = list(blocks_of(draft.body))
    except (*oddities(), OSError, RuntimeError) as error:
        raise damaged(path, name, error) from None
    return draft


def oddities() -> tuple[type[Exception], ...]:
    """What python-docx raises at files that are not as it expects."""
    from docx.exceptions import PythonDocxError
    from docx.opc.exceptions import OpcError

    docx = (PythonDocxError, OpcError)
    return *docx, etree.LxmlError, AttributeError, LookupError, TypeError, ValueError, ArithmeticError


def _package(path: Path) -> Any:
    from docx.opc.part import PartFactory
    from docx.package import Package
    from docx.parts.document import DocumentPart

    for kind in _MAIN:
        PartFactory.part_type_for[kind] = DocumentPart
    return Package.open(str(path))
