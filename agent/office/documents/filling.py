"""Templates: {{fields}}, content controls and MERGEFIELDs, and what is put into them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from agent.errors import ToolFault
from agent.office.documents import operations as do
from agent.office.documents.conditions import decide, depending
from agent.office.documents.draft import Draft
from agent.office.documents.fields import fields_of
from agent.office.documents.leaves import fill_run, paragraphs_of, replace_span, said
from agent.office.documents.tracking import Tracker
from agent.office.slides.texts import clean
from agent.office.xml import Element, add, first, local, q, remove

FIELD: Final = re.compile(r"\{\{[ \t\xa0]{0,20}([^{}\n]{1,100}?)[ \t\xa0]{0,20}\}\}|«([^«»\n]{1,100})»")
_MERGE: Final = re.compile(r'MERGEFIELD\s+(?:"([^"]+)"|(\S+))')

_YES: Final = ("true", "yes", "1", "x", "☒", "☑")
_NO: Final = ("false", "no", "0", "", "☐")


def key(name: str) -> str:
    """Names of fields and columns are the same whatever their case and blanks."""
    return "".join(char for char in name.casefold() if char.isalnum())


def fields_in(roots: Iterable[Element]) -> dict[str, str]:
    """The fields of a template, as they are written, by their key."""
    found: dict[str, str] = {}
    for root in roots:
        for each in fields_of(root):
            if match := _MERGE.match(each.code):
                name = match[1] or match[2]
                found.setdefault(key(name), name)
        for control in root.iter(q("w:sdt")):
            if name := control_name(control):
                found.setdefault(key(name), name)
        for paragraph in paragraphs_of(root):
            for match in FIELD.finditer(said(paragraph)):
                if match[1]:
                    found.setdefault(key(match[1]), match[1])
    return found


def control_name(control: Element) -> str:
    """Tag or title of a content control that can be filled; "" of others, tables of contents for one."""
    settings = first(control, "w:sdtPr")
    if settings is None or first(settings, "w:docPartObj") is not None:
        return ""
    for tag in ("w:tag", "w:alias"):
        held = first(settings, tag)
        if held is not None and held.get(q("w:val")):
            return held.get(q("w:val"))
    return ""


def fill(roots: Iterable[Element], values: Mapping[str, str], tracker: Tracker | None = None) -> set[str]:
    """Put values, by key, into the fields: the keys that were used. Raises ToolFault."""
    used: set[str] = set()
    for root in roots:
        conditions = depending(root)
        used |= _fill_merge_fields(root, values)
        decide(root, conditions)
        used |= _fill_controls(root, values)
        used |= _fill_braces(root, values, tracker)
    return used


def _fill_braces(root: Element, values: Mapping[str, str], tracker: Tracker | None) -> set[str]:
    used: set[str] = set()
    for paragraph in root.iter(q("w:p")):
        if next(iter(paragraph.iter(q("w:t"))), None) is None:
            continue
        for match in reversed(list(FIELD.finditer(said(paragraph)))):
            name = key(match[1] or match[2])
            if name in values:
                used.add(name)
                replace_span(paragraph, match.start(), match.end(), values[name], tracker)
    return used


def _fill_merge_fields(root: Element, values: Mapping[str, str]) -> set[str]:
    """The value takes the place of the whole field, as after a mail merge."""
    used: set[str] = set()
    for each in list(fields_of(root)):
        match = _MERGE.match(each.code)
        if not match or key(match[1] or match[2]) not in values:
            continue
        name = key(match[1] or match[2])
        used.add(name)
        value = _worded(each.code, values[name])
        if local(each.begin) == "fldSimple":
            _fill_simple(each.begin, each.result, value)
            continue
        holder = each.result[0] if each.result else each.end
        for child in [piece for piece in holder if piece.tag != q("w:rPr")]:
            holder.remove(child)
        fill_run(holder, value)
        for run in [*each.codes, *each.result, each.end]:
            if run is not holder:
                remove(run)
    return used


def _worded(code: str, value: str) -> str:
    """A value as the switches of its field want it: words before and after where there is one, and its case."""
    if case := re.search(r"\\\*\s*(upper|lower|firstcap|caps)\b", code, re.IGNORECASE):
        change = {"upper": str.upper, "lower": str.lower, "caps": _capital_words, "firstcap": _capital}
        value = change[case[1].lower()](value)
    if not value:
        return value
    before, after = (re.search(rf'\\{letter}\s*"([^"]*)"', code) for letter in ("b", "f"))
    return f"{before[1] if before else ''}{value}{after[1] if after else ''}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _capital_words(text: str) -> str:
    return re.sub(r"\w+", lambda match: _capital(match[0]), text)


def _fill_simple(element: Element, runs: list[Element], value: str) -> None:
    holder = runs[0] if runs else add(element, "w:r")
    for child in [piece for piece in holder if piece.tag != q("w:rPr")]:
        holder.remove(child)
    fill_run(holder, value)
    element.addprevious(holder)
    remove(element)


def _fill_controls(root: Element, values: Mapping[str, str]) -> set[str]:
    used: set[str] = set()
    for control in list(root.iter(q("w:sdt"))):
        name = key(control_name(control))
        content = first(control, "w:sdtContent")
        if not name or name not in values or content is None:
            continue
        used.add(name)
        _fill_control(control, content, values[name])
    return used


def _fill_control(control: Element, content: Element, value: str) -> None:
    settings = first(control, "w:sdtPr")
    value = _kept_as(settings, value)
    for placeholder in settings.findall(q("w:showingPlcHdr")):
        settings.remove(placeholder)
    runs = list(content.iter(q("w:r")))
    if not runs:
        paragraph = next(iter(content.iter(q("w:p"))), None)
        runs = [add(paragraph if paragraph is not None else content, "w:r")]
    keep, *rest = runs
    for child in list(keep):
        style = first(keep, "w:rPr", "w:rStyle")
        if child.tag != q("w:rPr") or (style is not None and "placeholder" in (style.get(q("w:val")) or "").casefold()):
            keep.remove(child)
    fill_run(keep, value)
    for run in rest:
        remove(run)


def _kept_as(settings: Element, value: str) -> str:
    """The text that a control shows for a value: a mark of a check box, an entry of a list. Raises ToolFault."""
    name = control_name(settings.getparent())
    if (box := first(settings, "w14:checkbox")) is not None:
        if value.strip().casefold() not in _YES + _NO:
            raise ToolFault(f"the control {name!r} is a check box and takes true or false, not {value[:40]!r}.")
        checked = value.strip().casefold() in _YES
        held = first(box, "w14:checked")
        (add(box, "w14:checked") if held is None else held).set(q("w14:val"), "1" if checked else "0")
        mark = first(box, "w14:checkedState" if checked else "w14:uncheckedState")
        return chr(int(mark.get(q("w14:val")), 16)) if mark is not None else "☒" if checked else "☐"
    if (choices := first(settings, "w:dropDownList")) is not None and value:
        offered = [
            (each.get(q("w:value")) or "", each.get(q("w:displayText")) or each.get(q("w:value")) or "")
            for each in choices
        ]
        shown = [text for kept, text in offered if value.casefold() in (kept.casefold(), text.casefold())]
        if not shown:
            there = ", ".join(repr(text) for _, text in offered[:20])
            raise ToolFault(f"the control {name!r} does not offer {value[:40]!r}; it offers {there or 'nothing'}.")
        return shown[0]
    if (date := first(settings, "w:date")) is not None:
        date.attrib.pop(q("w:fullDate"), None)  # of the date that it showed before
    return value


def fill_template(draft: Draft, operation: do.FillTemplate) -> str:
    """Fill the fields of this document."""
    values = {key(each.name): clean(each.value) for each in operation.values}
    roots = [root for _, root in draft.stories()]
    there = fields_in(roots)
    used = fill(roots, values, draft.tracker)
    if unknown := [each.name for each in operation.values if key(each.name) not in used]:
        raise ToolFault(f"there is no field {', '.join(unknown)}; there are: {', '.join(there.values()) or 'none'}.")
    left = [name for known, name in there.items() if known not in values]
    return f"{len(used)} fields filled" + (f"; still empty: {', '.join(left)}" if left else "")
