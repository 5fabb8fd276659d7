"""Fields of a form filled in, each with an appearance that every viewer shows."""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from agent.errors import ToolFault
from agent.office.pdfs.drawing import is_western, list_appearance
from agent.office.pdfs.faces import Face, Faces, drawable
from agent.office.pdfs.fields import Field, Widget, fields_of, form_of, listed
from agent.office.pdfs.fitting import fitted
from agent.office.pdfs.opening import plain

Given = str | bool | list[str]
_TRUE, _FALSE = ("true", "yes", "on", "1", "x"), ("false", "no", "off", "0", "")
_OWN_NAME = "deskhand\u2060fill"  # of the one field that is drawn, so that no other of the same part of a name is
_FACE = "/DeskhandLetters"
_MARKS = {"check": "4", "radio": "l"}  # in ZapfDingbats: a tick, a dot


def fill(writer: Any, values: Sequence[tuple[str, Given]], name: str) -> list[str]:
    """Fill fields, all or none.

    Args:
        writer: a `pypdf.PdfWriter`.
        name: the PDF, as the model calls it.

    Returns:
        What was filled, and what the model should know.

    Raises:
        ToolFault: a field or a choice that is not there, …; with the nearest names.
    """
    form = form_of(writer)
    if form is None or not (fields := {field.name: field for field in fields_of(writer)}):
        cure = (
            "It is an XFA form, which only Adobe's own programs can fill."
            if form and "/XFA" in form
            else ("`write_text` can write on its pages.")
        )
        raise ToolFault(f"{name} has no form fields. Nothing was done. {cure}")
    chosen = [(_named(fields, told), value) for told, value in values]
    ready = [(field, _checked(field, value)) for field, value in chosen]
    faces = Faces(writer, _texts(ready))
    notes: dict[str, list[str]] = {}
    for field, value in ready:
        for note in _set(writer, field, value, faces):
            notes.setdefault(note, []).append(field.name)
    form.pop("/XFA", None)
    looks = (f"{', '.join(names)}: {note}" for note, names in notes.items())
    return [*(_told(field, value) for field, value in ready), *looks, *_notes(fields, ready)]


def _texts(ready: Sequence[tuple[Field, str | tuple[str, ...]]]) -> Iterator[str]:
    """What may have to be drawn in letters that the form's font lacks."""
    for field, value in ready:
        if field.kind == "list":
            yield from (label for _, label in field.choices)
        elif field.kind in ("text", "choice") and isinstance(value, str) and not field.password:
            yield dict(field.choices).get(value, value)


def _named(fields: Mapping[str, Field], name: str) -> Field:
    import difflib

    if field := fields.get(name):
        return field
    alike = [each for each in fields.values() if each.label == name or each.name.rpartition(".")[2] == name]
    if len(alike) == 1:
        return alike[0]
    close = difflib.get_close_matches(name, fields, n=4, cutoff=0.4) or list(fields)[:4]
    raise ToolFault(f"There is no field {name!r}. Nothing was done. There is: {', '.join(close)}.")


def _checked(field: Field, value: Given) -> str | tuple[str, ...]:
    """The value as the field keeps it. Raises ToolFault."""
    if field.read_only:
        raise _no(field, "is read-only in this form")
    match field.kind:
        case "text":
            return _text(field, value)
        case "check":
            return _state(field, value)
        case "radio" | "choice":
            return _choice(field, value)
        case "list":
            wanted = value if isinstance(value, list) else [value] if value != "" else []
            if len(wanted) > 1 and not field.multiple:
                raise _no(field, "takes one choice only")
            return tuple(_choice(field, each) for each in wanted)
        case _:
            raise _no(field, f"is a {field.kind}, which cannot be filled in")


def _text(field: Field, value: Given) -> str:
    if not isinstance(value, str):
        raise _no(field, "takes text")
    if field.most and len(value) > field.most:
        raise _no(field, f"takes at most {field.most} characters, and these are {len(value)}")
    if "\n" in value and not field.multiline:
        raise _no(field, "has one line only")
    return value


def _state(field: Field, value: Given) -> str:
    states = [state for state, _ in field.choices] or ["Yes"]
    if isinstance(value, bool):
        return states[0] if value else ""
    if isinstance(value, str) and value in states:
        return value
    if isinstance(value, str) and value.casefold() in _TRUE + _FALSE:
        return states[0] if value.casefold() in _TRUE else ""
    raise _no(field, "is a check box: true or false")


def _choice(field: Field, value: Given) -> str:
    if value == "" or value is False:
        return ""
    for fits in (str, str.casefold):
        found = [
            kept for kept, label in field.choices if isinstance(value, str) and fits(value) in (fits(kept), fits(label))
        ]
        if len(set(found)) == 1:
            return found[0]
    if field.editable and isinstance(value, str):
        return value
    offered = ", ".join(repr(label if label != kept else kept) for kept, label in field.choices[:20])
    raise _no(field, f"does not offer {value!r:.60}; it offers {offered or 'nothing'}")


def _no(field: Field, why: str) -> ToolFault:
    return ToolFault(f"The field {field.name!r} {why}. Nothing was done.")


def _set(writer: Any, field: Field, value: str | tuple[str, ...], faces: Faces) -> list[str]:
    """Give a field a value: what is to be told of how it looks."""
    if isinstance(value, tuple):
        return _set_list(writer, field, value, faces)
    if field.kind in ("check", "radio"):
        _set_buttons(writer, field, value)
        return []
    return _set_text(writer, field, value, faces)


def draw_what_is_not(writer: Any) -> None:
    """Give the fields that have a value, but no appearance, one. Raises ToolFault."""
    for field in fields_of(writer):
        drawn = all("/AP" in widget.node for widget in field.widgets)
        if field.value and not drawn and field.kind in ("text", "choice", "list"):
            value = (field.value,) if field.kind == "list" and isinstance(field.value, str) else field.value
            _set(writer, field, value, Faces(writer, _texts([(field, value)])))
            if not all("/AP" in widget.node for widget in field.widgets):
                raise _no(field, "holds letters that no font here can draw, so it cannot be made part of the page")


def _set_buttons(writer: Any, field: Field, state: str) -> None:
    from pypdf.generic import NameObject

    field.node[NameObject("/V")] = NameObject(f"/{state or 'Off'}")
    for widget in field.widgets:
        on = widget.on or _drawn_button(writer, field, widget)
        widget.node[NameObject("/AS")] = NameObject(f"/{state}" if state and on == state else "/Off")


def _drawn_button(writer: Any, field: Field, widget: Widget) -> str:
    """Give a button that has no appearances a mark for on and nothing for off."""
    from pypdf.generic import (
        ArrayObject,
        DecodedStreamObject,
        DictionaryObject,
        FloatObject,
        NameObject,
    )

    left, low, right, high = (float(each) for each in listed(widget.node["/Rect"]))
    width, height = abs(right - left), abs(high - low)
    size = min(width, height) * 0.8
    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/ZapfDingbats"}
    fonts = DictionaryObject(
        {NameObject("/ZaDb"): DictionaryObject({NameObject(key): NameObject(name) for key, name in font.items()})}
    )
    drawn = DictionaryObject()
    mark = f"q BT 0 g /ZaDb {size:.2f} Tf {(width - size * 0.8) / 2:.2f} {(height - size * 0.7) / 2:.2f} Td "
    mark += f"({_MARKS[field.kind]}) Tj ET Q"
    for state, content in (("/Yes", mark), ("/Off", "")):
        stream = DecodedStreamObject()
        stream.set_data(content.encode())
        stream[NameObject("/Type")] = NameObject("/XObject")
        stream[NameObject("/Subtype")] = NameObject("/Form")
        stream[NameObject("/BBox")] = ArrayObject(FloatObject(each) for each in (0, 0, width, height))
        stream[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        drawn[NameObject(state)] = writer._add_object(stream)
    widget.node[NameObject("/AP")] = DictionaryObject({NameObject("/N"): drawn})
    return "Yes"


def _set_text(writer: Any, field: Field, value: str, faces: Faces) -> list[str]:
    """Draw the text by pypdf, which knows the one name that is given to it here, then keep what is to be kept."""
    from pypdf.generic import NameObject, NumberObject, TextStringObject

    node = field.node
    for key, inherited in field.inherited.items():
        if key not in node:
            node[NameObject(key)] = inherited
    for widget in field.widgets:
        if field.comb and field.most:
            widget.node[NameObject("/MaxLen")] = NumberObject(field.most)
    told = node.get("/T")
    node[NameObject("/T")] = TextStringObject(_OWN_NAME)
    try:
        seen = "" if field.password else dict(field.choices).get(value, value)
        lacks, notes = _draw(writer, field, seen)
        if lacks:
            notes = _draw_in_another(writer, field, drawable(seen), faces.of(seen))
    finally:
        _put_back(node, "/T", told)
    node[NameObject("/V")] = TextStringObject(value)
    node.pop("/RV", None)
    return notes


def _draw_in_another(writer: Any, field: Field, seen: str, face: Face | None) -> list[str]:
    """Draw a text whose letters the form's font lacks with another, or leave it to those who show the form."""
    from pypdf.generic import DictionaryObject, NameObject, TextStringObject

    if face is None:
        return [_left_to_viewers(writer, field)]
    form = form_of(writer)
    common = form.setdefault(NameObject("/DR"), DictionaryObject()).get_object()
    fonts = common.setdefault(NameObject("/Font"), DictionaryObject()).get_object()
    fonts[NameObject(_FACE)] = face.resource.indirect_reference
    usual = str(field.inherited.get("/DA") or form.get("/DA") or "/Helv 0 Tf 0 g")
    before = [(widget.node, widget.node.get("/DA"), widget.node.get("/DR")) for widget in field.widgets]
    for node, looks, _ in before:
        node[NameObject("/DA")] = TextStringObject(re.sub(r"/\S+(?=\s+[\d.]+\s+Tf)", _FACE, str(looks or usual)))
        node[NameObject("/DR")] = DictionaryObject({NameObject("/Font"): fonts})
    _, notes = _draw(writer, field, seen)
    for node, looks, resources in before:
        _put_back(node, "/DA", looks)
        _put_back(node, "/DR", resources)
    del fonts[_FACE]
    return [*notes, "drawn with a font of this system, since the form's own lacks some of its letters"]


def _left_to_viewers(writer: Any, field: Field) -> str:
    """Without an appearance, and with the form's word that those who show it are to draw what has none."""
    from pypdf.generic import BooleanObject, NameObject

    for widget in field.widgets:
        widget.node.pop("/AP", None)
    form_of(writer)[NameObject("/NeedAppearances")] = BooleanObject(True)
    return (
        "no font here has all its letters, or they are joined or run from right to left; the value is kept, and the "
        "program that shows the form draws it, where it can"
    )


def _set_list(writer: Any, field: Field, chosen: Sequence[str], faces: Faces) -> list[str]:
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject

    order = [kept for kept, _ in field.choices]
    kept = [TextStringObject(each) for each in chosen]
    field.node[NameObject("/V")] = kept[0] if len(kept) == 1 else ArrayObject(kept)
    field.node[NameObject("/I")] = ArrayObject(NumberObject(at) for at in sorted(order.index(each) for each in chosen))
    labels = "".join(label for _, label in field.choices)
    face = None if is_western(labels) else faces.of(labels)
    if face is None and not is_western(labels):
        return [_left_to_viewers(writer, field)]
    lines = [(label, kept in chosen) for kept, label in field.choices]
    for widget in field.widgets:
        drawn = writer._add_object(list_appearance(widget.node, lines, int(field.node.get("/TI", 0)), face))
        widget.node[NameObject("/AP")] = DictionaryObject({NameObject("/N"): drawn})
    return []


def _put_back(node: Any, key: str, value: Any) -> None:
    from pypdf.generic import NameObject

    if value is None:
        node.pop(key, None)
    else:
        node[NameObject(key)] = value


def _draw(writer: Any, field: Field, seen: str) -> tuple[bool, list[str]]:
    """Draw a text in all places of a field: whether the font lacks some of its letters, and what does not fit."""
    with _lacks() as lacks:
        drawn, note = fitted(writer, field, seen)
        for number in sorted({widget.page for widget in field.widgets} - {0}):
            writer.update_page_form_field_values(writer.pages[number - 1], {_OWN_NAME: drawn}, auto_regenerate=False)
    return bool(lacks), [note] if note else []


@contextmanager
def _lacks() -> Generator[list[str]]:
    """What pypdf says meanwhile of letters that a font lacks."""
    heard: list[str] = []

    class Noting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "characters not supported" in record.getMessage():
                heard.append(record.getMessage())

    handler, logger = Noting(), logging.getLogger("pypdf")
    logger.addHandler(handler)
    before, logger.propagate = logger.propagate, False
    try:
        yield heard
    finally:
        logger.removeHandler(handler)
        logger.propagate = before


def _told(field: Field, value: str | tuple[str, ...]) -> str:
    labels = dict(field.choices)
    if field.kind == "check":
        return f"{field.name}: {'checked' if value else 'not checked'}"
    if field.password:
        return f"{field.name}: filled"
    shown = [labels.get(each, each) for each in value] if isinstance(value, tuple) else [labels.get(value, value)]
    text = ", ".join(shown)
    return f"{field.name}: {plain(text, 80)}" if text else f"{field.name}: emptied"


def _notes(fields: Mapping[str, Field], ready: Sequence[tuple[Field, object]]) -> list[str]:
    done = {field.name for field, _ in ready}
    notes: list[str] = []
    if calculated := [each.name for each in fields.values() if each.calculated and each.name not in done]:
        notes.append(f"not calculated, since the form's scripts are never run: {', '.join(calculated[:10])}")
    if empty := [each.name for each in fields.values() if each.required and not each.value and each.name not in done]:
        notes.append(f"required and still empty: {', '.join(empty[:10])}")
    return notes
