"""An open presentation and its addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.errors import ToolFault
from agent.office.materials import Materials
from agent.office.opc import damaged
from agent.office.slides.operations import Box
from agent.office.xml import Element, etree, first, local, q

EMU = 360_000  # in a centimetre
_KINDS = {"ctrTitle": "title", "subTitle": "subtitle", "obj": "body", "": "body", "pic": "picture"}


@dataclass
class Deck:
    """A presentation that is being worked on.

    Attributes:
        presentation: of python-pptx. Its `slides` must not be used: asking for it renames the parts of slides.
        last: the slide that was added last.
        notes: what the model should know besides.
        lost: what the operations take away that nobody asked for.
    """

    presentation: Any
    name: str
    materials: Materials = field(default_factory=Materials)
    last: Any = None
    notes: list[str] = field(default_factory=list[str])
    lost: list[str] = field(default_factory=list[str])

    @property
    def part(self) -> Any:
        """The presentation's part."""
        return self.presentation.part

    @property
    def package(self) -> Any:
        """All parts."""
        return self.part.package

    @property
    def width(self) -> float:
        """Of a slide, in centimetres."""
        return (self.presentation.slide_width or 9_144_000) / EMU

    @property
    def height(self) -> float:
        """Of a slide, in centimetres."""
        return (self.presentation.slide_height or 6_858_000) / EMU

    @property
    def ids(self) -> Element:
        """The list of slides, in their order."""
        return self.part._element.get_or_add_sldIdLst()

    @property
    def slides(self) -> list[Any]:
        """In their order."""
        return [self.part.related_part(entry.rId).slide for entry in self.ids]

    @property
    def masters(self) -> list[Any]:
        """Slide masters."""
        return list(self.presentation.slide_masters)

    @property
    def layouts(self) -> list[Any]:
        """Of all masters."""
        return [layout for master in self.masters for layout in master.slide_layouts]

    def slide(self, number: int | None) -> Any:
        """A slide by its number from 1, or the one added last.

        Raises:
            ToolFault: there is none.
        """
        slides = self.slides
        if number is None:
            if self.last is None:
                raise ToolFault("slide is null, but no slide was added before in this call. Give its number.")
            return self.last
        if not 1 <= number <= len(slides):
            raise ToolFault(f"there is no slide {number}; {self.name} has {len(slides)}.")
        return slides[number - 1]

    def number(self, slide: Any) -> int:
        """Where a slide stands now, from 1."""
        return 1 + [each.part for each in self.slides].index(slide.part)

    def layout(self, name: str) -> Any:
        """A layout by its name.

        Raises:
            ToolFault: there is none; says which there are.
        """
        layouts = self.layouts
        wanted = name.strip().casefold()
        for layout in layouts:
            if layout.name.casefold() == wanted:
                return layout
        names = ", ".join(dict.fromkeys(layout.name for layout in layouts))
        raise ToolFault(f"there is no layout {name!r}; there are: {names}.")

    def box(self, box: Box | None, default: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
        """A box in EMU, with what it leaves open from `default`, in centimetres."""
        given = (box.left, box.top, box.width, box.height) if box else (None, None, None, None)
        values = [own if own is not None else usual for own, usual in zip(given, default, strict=True)]
        if not all(abs(value) < 500 for value in values) or min(values[2:]) < 0:
            raise ToolFault(
                "a box has a width or height below 0, or lies far from the slide. Measures are centimetres."
            )
        left, top, width, height = (round(value * EMU) for value in values)
        return left, top, width, height


def open_deck(path: Path, name: str, materials: Materials | None = None) -> Deck:
    """Read a presentation.

    Raises:
        ToolFault: it is damaged.
    """
    try:
        presentation = _package(path).main_document_part.presentation
        deck = Deck(presentation, name, materials or Materials())
        _ = deck.slides, deck.layouts
    except (*oddities(), OSError, RuntimeError) as error:
        raise damaged(path, name, error) from None
    return deck


def oddities() -> tuple[type[Exception], ...]:
    """What python-pptx raises at files that are not as it expects."""
    from pptx.exc import PythonPptxError

    return PythonPptxError, etree.LxmlError, AttributeError, LookupError, TypeError, ValueError, ArithmeticError


def _package(path: Path) -> Any:
    from pptx.opc.constants import CONTENT_TYPE
    from pptx.opc.package import PartFactory
    from pptx.package import Package
    from pptx.parts.presentation import PresentationPart

    for kind in (CONTENT_TYPE.PML_TEMPLATE_MAIN, CONTENT_TYPE.PML_SLIDESHOW_MAIN, CONTENT_TYPE.PML_PRES_MACRO_MAIN):
        PartFactory.part_type_for[kind] = PresentationPart
    return Package.open(str(path))


def shapes_of(root: Any) -> Iterator[Any]:
    """All shapes of a slide, a layout or a group, those in groups after their group."""
    for shape in root.shapes:
        yield shape
        if local(shape._element) == "grpSp":
            yield from shapes_of(shape)


def frame_of(shape: Any) -> tuple[float, float, float, float] | None:
    """Left, top, width and height of a shape on its slide, in EMU, in whatever groups it stands; None: nobody says."""
    if None in (shape.left, shape.top, shape.width, shape.height):
        return None
    across, down, right, below = _grouped(shape)
    return shape.left * across + right, shape.top * down + below, shape.width * across, shape.height * down


def set_frame(shape: Any, frame: tuple[float, float, float, float]) -> None:
    """Put a shape where `frame_of` will say that it is."""
    across, down, right, below = _grouped(shape)
    left, top, width, height = frame
    shape.left, shape.top = round((left - right) / across), round((top - below) / down)
    shape.width, shape.height = round(width / across), round(height / down)


def _grouped(shape: Any) -> tuple[float, float, float, float]:
    """What makes places on the slide of those within the groups around a shape: two factors, and two shifts in EMU."""
    across, down, right, below = 1.0, 1.0, 0.0, 0.0
    for group in shape._element.iterancestors(q("p:grpSp")):
        outer: Element = first(group, "p:grpSpPr", "a:xfrm")
        if outer is None or [local(each) for each in outer] != ["off", "ext", "chOff", "chExt"]:
            continue
        (x, y), (width, height), (own_x, own_y), (own_width, own_height) = (
            tuple(int(value) for value in each.attrib.values()) for each in outer
        )
        wider, higher = width / (own_width or 1) or 1.0, height / (own_height or 1) or 1.0
        across, right = across * wider, (right - own_x) * wider + x
        down, below = down * higher, (below - own_y) * higher + y
    return across, down, right, below


def placeholder(shape: Any) -> tuple[str, int] | None:
    """Kind ("title", "subtitle", "body", "picture", "ftr", …) and index of a placeholder; None of other shapes."""
    found = next(iter(shape._element.xpath("./*[1]/p:nvPr/p:ph")), None)
    if found is None:
        return None
    kind = found.get("type") or ""
    return _KINDS.get(kind, kind), int(found.get("idx") or 0)


def find_shape(slide: Any, name: str) -> Any:
    """A shape of a slide by "#id", its name, or the kind of placeholder: "title", "body", "body 2".

    Raises:
        ToolFault: there is none; says which there are.
    """
    shapes = list(shapes_of(slide))
    wanted = name.strip()
    if found := re.fullmatch(r"#?(\d+)", wanted):
        matches = [shape for shape in shapes if shape.shape_id == int(found[1])]
    else:
        matches = [shape for shape in shapes if shape.name == wanted] or _of_kind(shapes, wanted.casefold())
        matches = matches or [shape for shape in shapes if shape.name.casefold() == wanted.casefold()]
    if matches:
        return matches[0]
    there = ", ".join(f"#{shape.shape_id} {shape.name!r}" for shape in shapes[:30]) or "none"
    raise ToolFault(f"there is no shape {name!r} on that slide; there are: {there}.")


def _of_kind(shapes: list[Any], wanted: str) -> list[Any]:
    kind, _, number = wanted.partition(" ")
    if not (number.isdigit() or not number):
        return []
    same = [shape for shape in shapes if (held := placeholder(shape)) and held[0] == kind]
    return same[int(number or 1) - 1 :][:1]


def theme_part(master: Any) -> Any:
    """The part of a master's theme; None where it has none."""
    from pptx.opc.constants import RELATIONSHIP_TYPE

    try:
        return master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
    except KeyError:
        return None


def run_properties(root: Element) -> Iterator[Element]:
    """Everything below that says how text looks."""
    yield from list(root.iter(q("a:rPr"), q("a:defRPr"), q("a:endParaRPr")))


def alt_text(shape: Any) -> str:
    """What a shape shows, for those who cannot see it."""
    held = first(shape._element[0], "p:cNvPr") if len(shape._element) else None
    return (held.get("descr") or "") if held is not None else ""


def set_alt(shape: Any, text: str) -> None:
    """Say what a shape shows."""
    held = first(shape._element[0], "p:cNvPr")
    if held is not None:
        held.set("descr", text)
