"""Captions that number themselves, and pictures with them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from agent.errors import ToolFault
from agent.office.documents import operations as do
from agent.office.documents import styles
from agent.office.documents.building import field, insert, paragraph
from agent.office.documents.draft import Draft
from agent.office.documents.fields import renumber
from agent.office.documents.leaves import fill_run
from agent.office.documents.order import put
from agent.office.documents.tracking import properties
from agent.office.pictures import Image
from agent.office.xml import Element, add, first, make, q

_EMU = 360_000  # in a centimetre
_HIGHEST = 18.0  # centimetres of a picture


def caption(draft: Draft, label: str, text: str, *, above: bool) -> Element:
    """A caption: "Figure 1: …". Its number is a field, set by `renumber`."""
    element = paragraph(draft, "", styles.identity(draft, "Caption"))
    if above:
        put(properties(element, "w:pPr"), "w:keepNext")
    fill_run(add(element, "w:r"), f"{label} ")
    element.extend(field(element, f"SEQ {label} \\* ARABIC", "1"))
    fill_run(add(element, "w:r"), f": {text}")
    return element


def insert_picture(draft: Draft, operation: do.InsertPicture) -> str:
    """A picture in a paragraph of its own."""
    image = draft.materials.pictures[operation.picture]
    width, height = _size(draft, image, operation.width)
    element = paragraph(draft, "")
    settings = properties(element, "w:pPr")
    put(settings, "w:jc", {"w:val": "center"})
    add(element, "w:r").append(drawing(draft.part, image, width, height, operation.alt))
    blocks = [element]
    if operation.caption is not None:
        put(settings, "w:keepNext")
        below = caption(draft, "Figure", operation.caption, above=False)
        put(properties(below, "w:pPr"), "w:jc", {"w:val": "center"})
        blocks.append(below)
    insert(draft, operation.at, blocks)
    renumber(draft)
    return f"picture inserted, {width:.1f}×{height:.1f} cm"


def _size(draft: Draft, image: Image, wanted: float | None) -> tuple[float, float]:
    if wanted is not None and wanted <= 0:
        raise ToolFault("the width of a picture must be above 0 centimetres.")
    width = min(wanted or image.width, draft.text_width())
    height = width * image.height / image.width
    return (width, height) if height <= _HIGHEST else (_HIGHEST * image.width / image.height, _HIGHEST)


def drawing(part: Any, image: Image, width: float, height: float, alt: str) -> Element:
    """A `w:drawing` of a picture that stands in the line."""
    inline = part.new_pic_inline(BytesIO(image.data), round(width * _EMU), round(height * _EMU))
    for held in inline.iter(q("wp:docPr"), q("pic:cNvPr")):
        held.set("descr", alt)
    element = make(inline, "w:drawing")
    element.append(inline)
    return element


def pictures(draft: Draft) -> list[Element]:
    """The `a:blip` of all pictures of the body, in their order."""
    return [blip for blip in draft.body.iter(q("a:blip")) if next(blip.iterancestors(q("mc:Fallback")), None) is None]


def replace_picture(draft: Draft, operation: do.ReplacePicture) -> str:
    """Another picture in the same frame, which keeps its width and place."""
    found = pictures(draft)
    if not 1 <= operation.number <= len(found):
        raise ToolFault(f"there is no picture {operation.number}; there are {len(found)}.")
    image = draft.materials.pictures[operation.picture]
    blip = found[operation.number - 1]
    identity, _ = draft.part.get_or_add_image(BytesIO(image.data))
    blip.set(q("r:embed"), identity)
    blip.attrib.pop(q("r:link"), None)
    for extra in list(blip):
        blip.remove(extra)
    frame = next(blip.iterancestors(q("wp:inline"), q("wp:anchor")), None)
    if frame is not None:
        _resize(frame, image)
        if operation.alt is not None:
            first(frame, "wp:docPr").set("descr", operation.alt)
    return f"picture {operation.number} exchanged"


def _resize(frame: Element, image: Image) -> None:
    size = first(frame, "wp:extent")
    height = str(round(int(size.get("cx")) * image.height / image.width))
    size.set("cy", height)
    for held in frame.iter(q("a:ext")):
        if held.get("cy"):
            held.set("cy", height)
