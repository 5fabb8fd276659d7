"""Fields of a form filled in, each with an appearance that every viewer shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.errors import ToolFault
from agent.office.pdfs.drawing import list_appearance
from agent.office.pdfs.fields import Field, Widget, fields_of, form_of, listed
from agent.office.pdfs.opening import plain

Given = str | bool | list[str]
_TRUE, _FALSE = ("true", "yes", "on", "1", "x"), ("false", "no", "off", "0", "")
_OWN_NAME = "deskhand\u2060fill"  # of the one field that is drawn, so that no other of the same part of a name is
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
    for field, value in ready:
        _set(writer, field, value)
    form.pop("/XFA", None)
    return [*(_told(field, value) for field, value in ready), *_notes(fields, ready)]


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


def _set(writer: Any, field: Field, value: str | tuple[str, ...]) -> None:
    if isinstance(value, tuple):
        _set_list(writer, field, value)
    elif field.kind in ("check", "radio"):
        _set_buttons(writer, field, value)
    else:
        _set_text(writer, field, value)


def draw_what_is_not(writer: Any) -> None:
    """Give the fields that have a value, but no appearance, one."""
    for field in fields_of(writer):
        drawn = all("/AP" in widget.node for widget in field.widgets)
        if field.value and not drawn and field.kind in ("text", "choice", "list"):
            value = (field.value,) if field.kind == "list" and isinstance(field.value, str) else field.value
            _set(writer, field, value)


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


def _set_text(writer: Any, field: Field, value: str) -> None:
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
        _draw(writer, field, "" if field.password else dict(field.choices).get(value, value))
    finally:
        _put_back(node, "/T", told)
    node[NameObject("/V")] = TextStringObject(value)
    node.pop("/RV", None)


def _set_list(writer: Any, field: Field, chosen: Sequence[str]) -> None:
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject

    order = [kept for kept, _ in field.choices]
    kept = [TextStringObject(each) for each in chosen]
    field.node[NameObject("/V")] = kept[0] if len(kept) == 1 else ArrayObject(kept)
    field.node[NameObject("/I")] = ArrayObject(NumberObject(at) for at in sorted(order.index(each) for each in chosen))
    lines = [(label, kept in chosen) for kept, label in field.choices]
    for widget in field.widgets:
        drawn = writer._add_object(list_appearance(widget.node, lines, int(field.node.get("/TI", 0))))
        widget.node[NameObject("/AP")] = DictionaryObject({NameObject("/N"): drawn})


def _put_back(node: Any, key: str, value: Any) -> None:
    from pypdf.generic import NameObject

    if value is None:
        node.pop(key, None)
    else:
        node[NameObject(key)] = value


def _draw(writer: Any, field: Field, seen: str) -> None:
    for number in sorted({widget.page for widget in field.widgets} - {0}):
        writer.update_page_form_field_values(writer.pages[number - 1], {_OWN_NAME: seen}, auto_regenerate=False)


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
