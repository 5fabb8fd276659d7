"""What stands on a slide: text, pictures, drawn shapes, and their places and looks."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from agent.errors import ToolFault
from agent.office.pictures import Image
from agent.office.slides import operations as do
from agent.office.slides.animations import leave
from agent.office.slides.deck import EMU, Deck, find_shape, frame_of, placeholder, set_alt, set_frame, shapes_of
from agent.office.slides.diagrams import Diagrams
from agent.office.slides.structure import make_room, shrunk
from agent.office.slides.texts import apply_look, body_of, colour_element, set_lines
from agent.office.xml import Element, first, make, q

_FILLS = ("a:noFill", "a:solidFill", "a:gradFill", "a:blipFill", "a:pattFill", "a:grpFill")
_BEFORE_FILL = ("a:xfrm", "a:custGeom", "a:prstGeom")
_SHAPES = {
    "rectangle": "RECTANGLE", "rounded_rectangle": "ROUNDED_RECTANGLE", "oval": "OVAL",
    "triangle": "ISOSCELES_TRIANGLE", "diamond": "DIAMOND",
    "right_arrow": "RIGHT_ARROW", "left_arrow": "LEFT_ARROW", "up_arrow": "UP_ARROW",
    "down_arrow": "DOWN_ARROW", "chevron": "CHEVRON", "pentagon": "PENTAGON", "hexagon": "HEXAGON",
    "star": "STAR_5_POINT", "callout": "RECTANGULAR_CALLOUT", "cloud": "CLOUD",
}  # fmt: skip


def content_box(deck: Deck, slide: Any) -> tuple[float, float, float, float]:
    """Where something new goes when nobody says: the empty body, else what is left below the title, in centimetres."""
    margin = deck.width * 0.06
    top, bottom = deck.height * 0.25, deck.height * 0.885
    for shape in slide.shapes:
        held = placeholder(shape)
        if held and None not in (shape.left, shape.top, shape.width, shape.height):
            if held[0] == "body" and not shape.text_frame.text.strip():
                return shape.left / EMU, shape.top / EMU, shape.width / EMU, shape.height / EMU
            if held[0] == "title" and shape.top / EMU < deck.height / 2:
                margin, top = shape.left / EMU, (shape.top + shape.height) / EMU + 0.3
    return margin, top, deck.width - 2 * margin, bottom - top


def take_place(slide: Any, box: do.Box | None) -> None:
    """What is put in without a place of its own stands in for an empty body."""
    if box is not None:
        return
    for shape in list(slide.placeholders):
        held = placeholder(shape)
        if held and held[0] == "body" and not shape.text_frame.text.strip():
            shape._element.getparent().remove(shape._element)
            return


def name_shape(shape: Any, name: str | None) -> str:
    """Give a shape a name; its address."""
    if name:
        shape.name = name
    return f"#{shape.shape_id} {shape.name!r}"


def set_text(deck: Deck, operation: do.SetText) -> str:
    """Text of a shape."""
    slide = deck.slide(operation.slide)
    shape = find_shape(slide, operation.shape)
    set_lines(body_of(shape), operation.text)
    shrunk(deck, slide, shape)
    return f"slide {deck.number(slide)}: text of #{shape.shape_id} set"


def add_text(deck: Deck, operation: do.AddText) -> str:
    """A text box."""
    slide = deck.slide(operation.slide)
    left, top, width, height = content_box(deck, slide)
    shape = slide.shapes.add_textbox(*deck.box(operation.box, (left, top, width, min(height, 1.5))))
    frame = shape.text_frame
    frame.word_wrap = True
    frame.auto_size = _grows()
    set_lines(frame._txBody, operation.text)
    apply_look(frame._txBody.findall(q("a:p")), operation.look)
    return f"slide {deck.number(slide)}: text {name_shape(shape, operation.name)} added"


def _grows() -> Any:
    from pptx.enum.text import MSO_AUTO_SIZE

    return MSO_AUTO_SIZE.SHAPE_TO_FIT_TEXT


def add_shape(deck: Deck, operation: do.AddShape) -> str:
    """A drawn shape."""
    from pptx.enum.shapes import MSO_CONNECTOR, MSO_SHAPE

    slide = deck.slide(operation.slide)
    left, top, width, height = deck.box(operation.box, content_box(deck, slide))
    if operation.kind == "line":
        shape: Any = slide.shapes.add_connector(MSO_CONNECTOR.STRAIGHT, left, top, left + width, top + height)
        paint_line(shape, operation.line or operation.fill or "accent1")
        return f"slide {deck.number(slide)}: line {name_shape(shape, operation.name)} added"
    shape = slide.shapes.add_shape(getattr(MSO_SHAPE, _SHAPES[operation.kind]), left, top, width, height)
    paint(shape, operation.fill or "accent1")
    paint_line(shape, operation.line or "none")
    shape.shadow.inherit = False
    if operation.text:
        shape.text_frame.word_wrap = True
        set_lines(body_of(shape), operation.text)
        apply_look(body_of(shape).findall(q("a:p")), operation.look)
    return f"slide {deck.number(slide)}: {operation.kind} {name_shape(shape, operation.name)} added"


def paint(shape: Any, colour: str) -> None:
    """Fill a shape."""
    properties = _properties(shape)
    for tag in _FILLS:
        for old in properties.findall(q(tag)):
            properties.remove(old)
    fill = make(properties, "a:noFill") if colour == "none" else colour_element(properties, colour)
    after = [each for each in properties if each.tag in {q(tag) for tag in _BEFORE_FILL}]
    after[-1].addnext(fill) if after else properties.insert(0, fill)


def paint_line(shape: Any, colour: str) -> None:
    """Colour of a shape's outline."""
    properties = _properties(shape)
    line = first(properties, "a:ln")
    if line is None:
        line = make(properties, "a:ln")
        before = [each for each in properties if each.tag in {q(tag) for tag in (*_BEFORE_FILL, *_FILLS)}]
        before[-1].addnext(line) if before else properties.insert(0, line)
    for tag in _FILLS:
        for old in line.findall(q(tag)):
            line.remove(old)
    line.insert(0, make(line, "a:noFill") if colour == "none" else colour_element(line, colour))


def _properties(shape: Any) -> Element:
    found = first(shape._element, "p:spPr")
    if found is None:
        raise ToolFault(f"shape #{shape.shape_id} {shape.name!r} has no fill or line of its own. Nothing was changed.")
    return found


def add_picture(deck: Deck, operation: do.AddPicture) -> str:
    """A picture of a file."""
    slide = deck.slide(operation.slide)
    image = deck.materials.pictures[operation.picture]
    if operation.into is not None:
        old = find_shape(slide, operation.into)
        box = do.Box(
            left=(old.left or 0) / EMU, top=(old.top or 0) / EMU,
            width=(old.width or EMU) / EMU, height=(old.height or EMU) / EMU,
        )  # fmt: skip
        if first(old._element, "p:blipFill") is not None:
            return _exchange(deck, slide, old, image, operation)
        shape = _placed(deck, slide, image, box, operation.fit)
        old._element.addprevious(shape._element)
        old._element.getparent().remove(old._element)
    else:
        make_room(deck, slide)
        shape = _placed(deck, slide, image, operation.box, operation.fit)
        take_place(slide, operation.box)
    set_alt(shape, operation.alt)
    return f"slide {deck.number(slide)}: picture {name_shape(shape, None)} added, {_measures(shape)}"


def _measures(shape: Any) -> str:
    return f"{shape.left / EMU:.1f},{shape.top / EMU:.1f} {shape.width / EMU:.1f}×{shape.height / EMU:.1f} cm"


def _placed(deck: Deck, slide: Any, image: Image, box: do.Box | None, fit: str) -> Any:
    left, top, width, height = deck.box(box, _picture_box(deck, slide, image, box))
    shape = slide.shapes.add_picture(BytesIO(image.data), left, top, width, height)
    _fit(shape, image, fit)
    return shape


def _picture_box(deck: Deck, slide: Any, image: Image, box: do.Box | None) -> tuple[float, float, float, float]:
    """The usual box; where one side of it is given, the other follows the picture."""
    left, top, width, height = content_box(deck, slide)
    shape = image.height / image.width
    if box and box.width is not None and box.height is None:
        height = box.width * shape
    elif box and box.height is not None and box.width is None:
        width = box.height / shape
    return left, top, width, height


def _fit(shape: Any, image: Image, fit: str) -> None:
    """Show all of a picture within its box, in the middle, or fill the box and crop what is too much."""
    box, own = shape.width / max(shape.height, 1), image.width / image.height
    if fit == "fill":
        across = min(box / own, 1.0)
        down = min(own / box, 1.0)
        shape.crop_left = shape.crop_right = (1 - across) / 2
        shape.crop_top = shape.crop_bottom = (1 - down) / 2
        return
    left, top, width, height = shape.left, shape.top, shape.width, shape.height
    shape.width, shape.height = (width, round(width / own)) if own > box else (round(height * own), height)
    shape.left, shape.top = left + (width - shape.width) // 2, top + (height - shape.height) // 2


def _exchange(deck: Deck, slide: Any, old: Any, image: Image, operation: do.AddPicture) -> str:
    """Another picture in the same frame, which keeps its place, effects and animations."""
    _, identity = slide.part.get_or_add_image_part(BytesIO(image.data))
    blip = first(old._element, "p:blipFill", "a:blip")
    blip.set(q("r:embed"), identity)
    for extra in list(blip):
        blip.remove(extra)  # an SVG twin or an effect of the old picture
    for side in ("left", "right", "top", "bottom"):
        setattr(old, f"crop_{side}", 0)
    _fit(old, image, operation.fit)
    set_alt(old, operation.alt)
    return f"slide {deck.number(slide)}: picture #{old.shape_id} exchanged, {_measures(old)}"


def set_shape(deck: Deck, operation: do.SetShape) -> str:
    """Place and look."""
    slide = deck.slide(operation.slide)
    shape = find_shape(slide, operation.shape)
    if operation.box is not None:
        left, top, width, height = (value / EMU for value in frame_of(shape) or (0.0, 0.0, 0.0, 0.0))
        set_frame(shape, deck.box(operation.box, (left, top, width, height)))
    if operation.fill is not None:
        paint(shape, operation.fill)
    if operation.line is not None:
        paint_line(shape, operation.line)
    if operation.look is not None:
        apply_look(body_of(shape).findall(q("a:p")), operation.look)
    if operation.alt is not None:
        set_alt(shape, operation.alt)
    _reorder(shape, operation.order)
    return f"slide {deck.number(slide)}: {name_shape(shape, operation.name)} set"


def _reorder(shape: Any, order: str | None) -> None:
    tree = shape._element.getparent()
    if order == "front":
        last = first(tree, "p:extLst")
        tree.append(shape._element) if last is None else last.addprevious(shape._element)
    elif order == "back":
        tree.insert(2, shape._element)


def delete_shape(deck: Deck, operation: do.DeleteShape) -> str:
    """Take a shape away."""
    slide = deck.slide(operation.slide)
    shape = find_shape(slide, operation.shape)
    address = f"#{shape.shape_id} {shape.name!r}"
    identities = {
        value for each in shape._element.iter() for name, value in each.attrib.items() if name.startswith(f"{{{_R}}}")
    }
    shape._element.getparent().remove(shape._element)
    for identity in identities:
        if not slide._element.xpath(f'//@r:*[.="{identity}"]'):
            slide.part._rels._rels.pop(identity, None)
    moved = leave(slide, {shape.shape_id, *(int(each) for each in shape._element.xpath(".//p:cNvPr/@id"))})
    told = f" with {moved} animation{'s' if moved > 1 else ''}" if moved else ""
    return f"slide {deck.number(slide)}: {address} deleted{told}"


_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def replace_text(deck: Deck, operation: do.ReplaceText) -> str:
    """Find and replace."""
    from agent.office.spans import pattern_of

    pattern = pattern_of(operation.find, match_case=operation.match_case, whole_words=operation.whole_words)
    slides = [deck.slide(number) for number in operation.slides] if operation.slides else deck.slides
    counted = {deck.number(slide): _replaced_on(slide, pattern, operation.replace) for slide in slides}
    beyond = 0
    if operation.slides is None:
        masters = [master._element for master in deck.masters] + [layout._element for layout in deck.layouts]
        beyond = _replaced(masters, pattern, operation.replace)
    if not any(counted.values()) and not beyond:
        raise ToolFault(f"{operation.find!r} stands nowhere there. Nothing was changed.")
    places = ", ".join(f"slide {number}: {count}" for number, count in counted.items() if count)
    elsewhere = f"; masters and layouts: {beyond}" if beyond else ""
    return f"{sum(counted.values()) + beyond} replaced ({places or 'none on slides'}{elsewhere})"


def _replaced_on(slide: Any, pattern: Any, text: str) -> int:
    diagrams = Diagrams(slide)
    drawn = _replaced(list(diagrams.drawn), pattern, text)
    data = _replaced(list(diagrams.data), pattern, text)
    if drawn or data:
        diagrams.keep()
    return data + _replaced(_roots(slide), pattern, text)


def _roots(slide: Any) -> list[Element]:
    roots = [slide._element]
    roots += [shape.chart._chartSpace for shape in shapes_of(slide) if getattr(shape, "has_chart", False)]
    return [*roots, slide.notes_slide._element] if slide.has_notes_slide else roots


def _replaced(roots: list[Element], pattern: Any, text: str) -> int:
    from agent.office.spans import splice, text_of

    count = 0
    for root in roots:
        for paragraph in list(root.iter(q("a:p"))):
            twin = next(paragraph.iterancestors(q("mc:Fallback")), None) is not None  # of what is counted already
            for leaves in _unbroken(paragraph):
                for found in reversed(list(pattern.finditer(text_of(leaves)))):
                    splice(leaves, found.start(), found.end(), text)
                    count += not twin
    return count


def _unbroken(paragraph: Element) -> list[list[Element]]:
    """The texts of a paragraph, those together that no line break and no field parts."""
    out: list[list[Element]] = [[]]
    for piece in paragraph:
        if piece.tag == q("a:r"):
            out[-1] += piece.findall(q("a:t"))
        elif piece.tag in (q("a:br"), q("a:fld")):
            out.append([])
    return out


def set_properties(deck: Deck, operation: do.SetProperties) -> str:
    """The file's own data."""
    properties = deck.presentation.core_properties
    for name in ("title", "author", "subject", "keywords"):
        if (value := getattr(operation, name)) is not None:
            setattr(properties, name, value)
    return "properties set"
