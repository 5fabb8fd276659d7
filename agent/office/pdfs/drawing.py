"""Drawing on pages: fields that become part of them, and text where there is no field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.errors import ToolFault
from agent.office.pdfs.faces import Face, Faces, drawable
from agent.office.pdfs.fields import is_stream, listed, mapping, references, resolved
from agent.office.pdfs.opening import MILLIMETRE

_LINE = 14.0  # points of a line in a list
_CHOSEN = "0.6 0.75 0.86"


def flatten(writer: Any) -> int:
    """Draw all fields into their pages, and take the form away. Returns how many were drawn."""
    from pypdf.generic import ArrayObject, NameObject

    drawn = 0
    for page in writer.pages:
        kept = ArrayObject()
        names: list[tuple[str, tuple[float, ...]]] = []
        for reference in references(page.get("/Annots")):
            node = resolved(reference)
            if mapping(node).get("/Subtype") != "/Widget":
                kept.append(reference)
            elif appearance := _appearance(node):
                names.append(_put_on_page(writer, page, node, appearance, drawn + len(names)))
        drawn += len(names)
        if "/Annots" in page:
            page[NameObject("/Annots")] = kept
        if names:
            _append(writer, page, "".join(f"q {_numbers(matrix)} cm {name} Do Q\n" for name, matrix in names))
    writer.root_object.pop("/AcroForm", None)
    return drawn


def _appearance(node: Any) -> Any:
    """The stream that shows a widget as it is now; None for a hidden one."""
    if int(node.get("/F", 0)) & 0b100010:
        return None
    normal = mapping(node.get("/AP")).get("/N")
    for each in (normal, mapping(normal).get(str(node.get("/AS", "/Off")))):
        if is_stream(each):
            return resolved(each)
    return None


def _put_on_page(writer: Any, page: Any, node: Any, appearance: Any, number: int) -> tuple[str, tuple[float, ...]]:
    """Name the appearance among the page's resources, and say how it is moved to its place."""
    from pypdf.generic import DictionaryObject, NameObject

    own: Any = DictionaryObject(mapping(page.get_inherited("/Resources", {})))
    own[NameObject("/XObject")] = DictionaryObject(mapping(own.get("/XObject")))
    name = f"/DeskhandField{number}"
    reference = appearance.indirect_reference or writer._add_object(appearance)
    appearance[NameObject("/Subtype")] = NameObject("/Form")
    own["/XObject"][NameObject(name)] = reference
    page[NameObject("/Resources")] = own
    return name, _placing(listed(node["/Rect"]), listed(appearance["/BBox"]), listed(appearance.get("/Matrix")))


def _placing(rect: Sequence[Any], box: Sequence[Any], matrix: Sequence[Any]) -> tuple[float, ...]:
    """The transformation by which an appearance fills its annotation's rectangle (PDF 32000-1, 12.5.5)."""
    a, b, c, d, e, f = (float(each) for each in matrix) if len(matrix) == 6 else (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    corners = [(float(x), float(y)) for x in (box[0], box[2]) for y in (box[1], box[3])]
    xs = [a * x + c * y + e for x, y in corners]
    ys = [b * x + d * y + f for x, y in corners]
    left, right = sorted((float(rect[0]), float(rect[2])))
    low, high = sorted((float(rect[1]), float(rect[3])))
    wide = (right - left) / ((max(xs) - min(xs)) or 1.0)
    tall = (high - low) / ((max(ys) - min(ys)) or 1.0)
    return wide, 0.0, 0.0, tall, left - min(xs) * wide, low - min(ys) * tall


def _numbers(matrix: Sequence[float]) -> str:
    return " ".join(f"{each:.4f}" for each in matrix)


def _append(writer: Any, page: Any, content: str) -> None:
    """Draw on top of a page, whatever state its own content leaves."""
    from pypdf.generic import ArrayObject, DecodedStreamObject, NameObject

    before, after = DecodedStreamObject(), DecodedStreamObject()
    before.set_data(b"q\n")
    after.set_data(b"\nQ\n" + content.encode("latin-1"))
    old = page.get("/Contents")
    kept = references(old) or ([] if old is None else [page.raw_get("/Contents")])
    page[NameObject("/Contents")] = ArrayObject([writer._add_object(before), *kept, writer._add_object(after)])


def write_text(writer: Any, number: int, text: str, left: float, top: float, size: float) -> None:
    """Write lines on a page, placed as it is seen; in Helvetica, or another font where that lacks their letters.

    Args:
        left, top: millimetres from the page's edges to the beginning of the first line's foot.
        size: points.

    Raises:
        ToolFault: no font has all of the characters, or the place is not on the page.
    """
    from pypdf.generic import DictionaryObject, NameObject

    page: Any = writer.pages[number - 1]
    face = None if is_western(text) else Faces(writer, [text]).of(text)
    if face is None and not is_western(text):
        raise ToolFault(
            "That text cannot be written on a page: no font here has all its letters, or they are joined or run from "
            "right to left. Nothing was done."
        )
    lines = [_in_codes(line, face) for line in text.split("\n")]
    turn = int(page.get("/Rotate", 0) or 0) % 360
    box = [float(each) for each in page.cropbox]
    width, height = box[2] - box[0], box[3] - box[1]
    seen = (height, width) if turn in (90, 270) else (width, height)
    x, y = left * MILLIMETRE, seen[1] - top * MILLIMETRE
    if not (0 <= x <= seen[0] and 0 <= y <= seen[1] and 1 <= size <= 500):
        raise ToolFault(
            f"Page {number} is {seen[0] / MILLIMETRE:.0f} x {seen[1] / MILLIMETRE:.0f} mm; {left:g}, {top:g} with "
            f"{size:g} points is not on it. Nothing was done."
        )
    own: Any = DictionaryObject(mapping(page.get_inherited("/Resources", {})))
    own[NameObject("/Font")] = DictionaryObject(mapping(own.get("/Font")))
    font = f"/DeskhandText{len(own['/Font'])}"
    own["/Font"][NameObject(font)] = face.resource.indirect_reference if face else writer._add_object(_helvetica())
    page[NameObject("/Resources")] = own
    matrix = _upright(turn, box)
    shown = " T* ".join(f"<{line}> Tj" for line in lines)
    words = f"q {_numbers(matrix)} cm BT 0 g {font} {size:g} Tf {size * 1.2:g} TL {x:.2f} {y:.2f} Td {shown} ET Q\n"
    _append(writer, page, words)


def is_western(text: str) -> bool:
    """Whether the fonts that every viewer has can show a text."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _in_codes(text: str, face: Face | None) -> str:
    return text.encode("cp1252").hex() if face is None else face.written(drawable(text))


def list_appearance(node: Any, lines: Sequence[tuple[str, bool]], first: int, face: Face | None) -> Any:
    """How a list looks: its choices from `first` on, those that are made marked; in Helvetica where `face` is None."""
    from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, FloatObject, NameObject

    left, low, right, high = (float(each) for each in listed(node["/Rect"]))
    width, height = abs(right - left), abs(high - low)
    looks = mapping(node.get("/MK"))
    content = [f"{_colour(looks.get('/BG'))} rg 0 0 {width:g} {height:g} re f"] if "/BG" in looks else []
    content.append(f"q 1 1 {width - 2:g} {height - 2:g} re W n")
    for at, (label, chosen) in enumerate(lines[first : first + 500]):
        foot = height - 2 - (at + 1) * _LINE
        if chosen:
            content.append(f"{_CHOSEN} rg 1 {foot:g} {width - 2:g} {_LINE:g} re f")
        words = _in_codes(label, face)
        content.append(f"BT 0 g /Letters {_LINE / 1.25:g} Tf 3 {foot + _LINE * 0.25:g} Td <{words}> Tj ET")
    content.append("Q")
    if "/BC" in looks:
        content.append(f"{_colour(looks['/BC'])} RG 0.5 0.5 {width - 1:g} {height - 1:g} re S")
    made = DecodedStreamObject()
    made.set_data("\n".join(content).encode())
    made[NameObject("/Type")], made[NameObject("/Subtype")] = NameObject("/XObject"), NameObject("/Form")
    made[NameObject("/BBox")] = ArrayObject(FloatObject(each) for each in (0, 0, width, height))
    font = face.resource.indirect_reference if face else _helvetica()
    fonts = DictionaryObject({NameObject("/Letters"): font})
    made[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    return made


def _helvetica() -> Any:
    from pypdf.generic import DictionaryObject, NameObject

    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica", "/Encoding": "/WinAnsiEncoding"}
    return DictionaryObject({NameObject(key): NameObject(name) for key, name in font.items()})


def _colour(told: Any) -> str:
    """Red, green and blue, of a colour in any of the three ways."""
    parts = [min(max(float(each), 0.0), 1.0) for each in listed(told)]
    if len(parts) == 4:
        parts = [(1 - each) * (1 - parts[3]) for each in parts[:3]]
    return _numbers(parts * 3 if len(parts) == 1 else parts if len(parts) == 3 else (1.0, 1.0, 1.0))


def _upright(turn: int, box: Sequence[float]) -> tuple[float, ...]:
    """From the page as it is seen, lower left corner at 0, to the page as it is kept."""
    left, low, right, high = box
    return {
        90: (0.0, 1.0, -1.0, 0.0, right, low),
        180: (-1.0, 0.0, 0.0, -1.0, right, high),
        270: (0.0, -1.0, 1.0, 0.0, left, high),
    }.get(turn, (1.0, 0.0, 0.0, 1.0, left, low))
