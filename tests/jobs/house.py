"""The look of a house: a template with a master, theme colours, fonts and layouts; and how decks are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.util import Emu

from agent.office.xml import etree

WIDTH, HEIGHT = 12_192_000, 6_858_000
COLOURS = {
    "dk1": "22302F", "lt1": "FFFFFF", "dk2": "0F4C4A", "lt2": "F3EEE3", "accent1": "D9643A", "accent2": "2F8F83",
    "accent3": "E3B23C", "accent4": "7A5C8E", "accent5": "4F7CAC", "accent6": "8A9A5B", "hlink": "1B6FA8",
}  # fmt: skip
FONTS = ("Liberation Serif", "Liberation Sans")
LAYOUTS = {
    "Title Slide": "Opening", "Title and Content": "Text", "Section Header": "Chapter", "Two Content": "Two columns",
    "Title Only": "Title alone",
}  # fmt: skip
MARGIN = 900_000
_NAMES = (
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
)


def house() -> Any:
    """The template, without slides: 16:9, five layouts."""
    deck: Any = Presentation()
    deck.slide_width, deck.slide_height = Emu(WIDTH), Emu(HEIGHT)
    master = deck.slide_masters[0]
    for layout in list(deck.slide_layouts):
        if layout.name in LAYOUTS:
            layout.name = LAYOUTS[layout.name]
        else:
            deck.slide_layouts.remove(layout)
    retheme(master, COLOURS, FONTS)
    _master(master)
    for layout in deck.slide_layouts:
        if (shape := _LAYOUTS.get(layout.name)) is not None:
            shape(layout)
    return deck


def retheme(master: Any, colours: dict[str, str], fonts: tuple[str, str]) -> None:
    """Give a master's theme other colours and fonts."""
    part = master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
    root = etree.fromstring(part.blob)
    for slot, value in colours.items():
        held = root.find(f".//{qn('a:clrScheme')}/{qn(f'a:{slot}')}")
        held[:] = [etree.Element(qn("a:srgbClr"), val=value)]
    for tag, font in zip(("a:majorFont", "a:minorFont"), fonts, strict=True):
        root.find(f".//{qn(tag)}/{qn('a:latin')}").set("typeface", font)
    part._blob = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _master(master: Any) -> None:
    title, body, date, footer, number = master.placeholders
    _put(title, MARGIN, 420_000, WIDTH - 2 * MARGIN, 900_000)
    _put(body, MARGIN, 1_720_000, WIDTH - 2 * MARGIN, 4_300_000)
    for shape, left in ((date, MARGIN), (footer, 4_000_000), (number, WIDTH - MARGIN - 2_133_600)):
        shape.left, shape.top = Emu(left), Emu(6_300_000)
    title._element.txBody.find(qn("a:bodyPr")).set("anchor", "b")
    styles = master._element.find(qn("p:txStyles"))
    head = styles.find(f"{qn('p:titleStyle')}/{qn('a:lvl1pPr')}")
    head.set("algn", "l")
    _letters(head, 40, "tx2", bold=True)
    for level, size in enumerate((28, 22, 18), 1):
        held = styles.find(f"{qn('p:bodyStyle')}/{qn(f'a:lvl{level}pPr')}")
        _letters(held, size, "tx1", bold=False)
        held.find(qn("a:spcBef")).addnext(_made(f'<a:buClr {_NAMES}><a:schemeClr val="accent1"/></a:buClr>'))
        held.find(f"{qn('a:spcBef')}/{qn('a:spcPct')}").set("val", "45000")
    _block(master, 91, (0, 0, 300_000, HEIGHT), "tx2")
    _block(master, 92, (MARGIN + 91_440, 1_400_000, 1_000_000, 50_000), "accent1")


def _opening(layout: Any) -> None:
    title, subtitle = layout.placeholders[0], layout.placeholders[1]
    _ground(layout, "tx2")
    _block(layout, 93, (8_900_000, -1_500_000, 5_200_000, 5_200_000), "accent1", "ellipse")
    _block(layout, 94, (10_700_000, 2_500_000, 1_900_000, 1_900_000), "accent3", "ellipse")
    _put(title, MARGIN, 1_800_000, 7_900_000, 1_900_000)
    _put(subtitle, MARGIN, 3_900_000, 7_900_000, 1_200_000)
    title._element.txBody.find(qn("a:bodyPr")).set("anchor", "b")
    _style(title, 54, "bg1", bold=True)
    _style(subtitle, 24, "bg2", bold=False)


def _chapter(layout: Any) -> None:
    title, body = layout.placeholders[0], layout.placeholders[1]
    body._element.getparent().remove(body._element)
    _ground(layout, "accent1")
    _block(layout, 93, (0, 5_900_000, WIDTH, 958_000), "tx2")
    _put(title, MARGIN, 1_900_000, WIDTH - 2 * MARGIN, 2_600_000)
    title._element.txBody.find(qn("a:bodyPr")).set("anchor", "ctr")
    _style(title, 44, "bg1", bold=True)


def _columns(layout: Any) -> None:
    width = (WIDTH - 2 * MARGIN - 500_000) // 2
    for number, left in ((1, MARGIN), (2, MARGIN + width + 500_000)):
        body = layout.placeholders[number]
        _put(body, left, 1_720_000, width, 4_300_000)
        for held in body._element.iter(qn("a:defRPr")):
            held.attrib.pop("sz", None)


_LAYOUTS = {"Opening": _opening, "Chapter": _chapter, "Two columns": _columns}


def _made(xml: str) -> Any:
    parse: Any = parse_xml
    return parse(xml)


def _put(shape: Any, left: int, top: int, width: int, height: int) -> None:
    shape.left, shape.top, shape.width, shape.height = map(Emu, (left, top, width, height))


def _letters(level: Any, size: int, colour: str, *, bold: bool) -> None:
    held = level.find(qn("a:defRPr"))
    held.set("sz", str(size * 100))
    held.set("b", str(int(bold)))
    held.find(f"{qn('a:solidFill')}/{qn('a:schemeClr')}").set("val", colour)


def _style(shape: Any, size: int, colour: str, *, bold: bool) -> None:
    shape._element.txBody.replace(
        shape._element.txBody.find(qn("a:lstStyle")),
        _made(
            f'<a:lstStyle {_NAMES}><a:lvl1pPr algn="l" marL="0" indent="0"><a:buNone/><a:defRPr sz="{size * 100}" '
            f'b="{int(bold)}" cap="none"><a:solidFill><a:schemeClr val="{colour}"/></a:solidFill></a:defRPr>'
            "</a:lvl1pPr></a:lstStyle>"
        ),
    )


def _ground(layout: Any, colour: str) -> None:
    layout._element.set("showMasterSp", "0")
    ground = _made(
        f'<p:bg {_NAMES}><p:bgPr><a:solidFill><a:schemeClr val="{colour}"/></a:solidFill><a:effectLst/></p:bgPr></p:bg>'
    )
    layout._element.cSld.insert(0, ground)


def _block(owner: Any, number: int, place: tuple[int, int, int, int], colour: str, form: str = "rect") -> None:
    """A drawn shape behind all placeholders."""
    left, top, width, height = place
    shape = _made(
        f'<p:sp {_NAMES}><p:nvSpPr><p:cNvPr id="{number}" name="Block {number}"/><p:cNvSpPr/>'
        f'<p:nvPr userDrawn="1"/></p:nvSpPr><p:spPr><a:xfrm><a:off x="{left}" y="{top}"/>'
        f'<a:ext cx="{width}" cy="{height}"/></a:xfrm><a:prstGeom prst="{form}"><a:avLst/></a:prstGeom>'
        f'<a:solidFill><a:schemeClr val="{colour}"/></a:solidFill><a:ln><a:noFill/></a:ln></p:spPr></p:sp>'
    )
    tree = owner.shapes._spTree
    tree.insert(2 + len([each for each in tree if "Block" in str(each.xpath("string(.//@name)"))]), shape)


# ---- reading


def opened(path: Path) -> Any:
    """A presentation. Raises FileNotFoundError."""
    if not path.is_file():
        raise FileNotFoundError(path.name)
    return Presentation(str(path))


def parts_of(deck: Any) -> dict[str, bytes]:
    """Theme, masters and layouts, as they are written."""
    found: dict[str, bytes] = {}
    for master in deck.slide_masters:
        theme = master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
        found |= {"theme": _plain(etree.fromstring(theme.blob)), "master": _plain(master._element)}
        found |= {layout.name: _plain(layout._element) for layout in master.slide_layouts}
    return found


def _plain(root: Any) -> bytes:
    return etree.tostring(root, method="c14n")


def said(shape: Any) -> tuple[tuple[int, str], ...]:
    """The paragraphs of a shape that have text: level and text."""
    return tuple((each.level, each.text) for each in shape.text_frame.paragraphs if each.text.strip())


def boxes(slide: Any, deck: Any) -> list[tuple[float, float, float, float]]:
    """Where the shapes of a slide are: left, top, right, bottom, as parts of the slide."""
    across, down = deck.slide_width, deck.slide_height
    return [
        (each.left / across, each.top / down, (each.left + each.width) / across, (each.top + each.height) / down)
        for each in slide.shapes
        if each.left is not None
    ]
