"""The accessibility tree as the XML that OSWorld's host code reads: elements are called by their roles.

<desktop-frame name="main" st:enabled="true" …>
  <application name="soffice">
    <frame name="Untitled 1 — LibreOffice Calc" st:active="true" cp:screencoord="(0, 0)" cp:size="(1280, 800)">
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from perception.tree import Element

if TYPE_CHECKING:
    from perception.backends.atspi import AtspiTree, Detail

_SPACES = {
    "st": "state",
    "attr": "attributes",
    "cp": "component",
    "doc": "document",
    "docattr": "documentattr",
    "txt": "text",
    "val": "value",
    "act": "action",
}
_NAME = re.compile(r"[^a-z0-9_.-]+")
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # characters that XML does not have
# Written out, since the library's own module for it imports all of HTTP.
_ESCAPES = {
    ord(char): f"&{name};"
    for char, name in {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "\n": "#10", "\r": "#13", "\t": "#9"}.items()
}
_OBJECT = "\ufffc"  # stands in texts for what is no text
DETAILED = 4000  # elements that are asked for details
DETAIL_SHARE = 0.4  # of the time


def tree_as_xml(tree: AtspiTree, seconds: float) -> str:
    """Everything that is showing.

    Raises:
        CannotRead: there is no tree to be had here.
    """
    elements = tree.read(seconds * (1 - DETAIL_SHARE)).elements
    details = tree.details(elements[:DETAILED], seconds * DETAIL_SHARE)
    return as_xml(elements, dict(zip((element.id for element in elements), details, strict=False)))


def as_xml(elements: Sequence[Element], details: Mapping[str, Detail]) -> str:
    """Elements (parents first) as one document."""
    spaces = "".join(
        f' xmlns:{prefix}="https://accessibility.ubuntu.example.org/ns/{name}"' for prefix, name in _SPACES.items()
    )
    states = "".join(f' st:{state}="true"' for state in ("enabled", "sensitive", "showing", "visible"))
    return f'<desktop-frame{spaces} name="main"{states}>{"".join(_programs(elements, details))}</desktop-frame>'


def _programs(elements: Sequence[Element], details: Mapping[str, Detail]) -> Iterator[str]:
    """By the programs that they are of, in their order; open tags are kept on a stack."""
    program = None
    open_: list[Element] = []
    tags: list[str] = []
    for element in elements:
        bus = element.id.partition("/")[0]
        while open_ and (bus != program or element.parent != open_[-1].id):
            open_.pop()
            yield tags.pop()
        if bus != program:
            if program is not None:
                yield "</application>"
            program = bus
            yield f'<application name={_quoted(element.application)} st:enabled="true">'
        name = _name(element.role, "unknown")
        detail = details.get(element.id)
        yield f"<{name}{''.join(_attributes(element, detail))}>{_text(element, detail)}"
        open_.append(element)
        tags.append(f"</{name}>")
    yield from reversed(tags)
    if program is not None:
        yield "</application>"


def _attributes(element: Element, detail: Detail | None) -> Iterator[str]:
    yield f" name={_quoted(element.name)}"
    if element.description:
        yield f" description={_quoted(element.description)}"
    for state in sorted(element.states):
        yield f' st:{_name(state.replace(" ", "_"), "unknown")}="true"'
    if element.region is not None:
        place = element.region
        yield f' cp:screencoord="({place.left}, {place.top})" cp:size="({place.width}, {place.height})"'
    if element.value is not None:
        yield f' val:value="{element.value:g}"'
    if detail is None:
        return
    for name, limit in zip(("min", "max", "step"), detail.limits, strict=False):
        yield f' val:{name}="{limit:g}"'
    attributes = {_name(name, "unnamed"): value for name, value in detail.attributes.items()}
    for name, value in attributes.items():
        yield f" attr:{name}={_quoted(value)}"
    actions = {_name(name, "action"): more for name, *more in detail.actions}
    for name, (description, keys) in actions.items():
        yield f" act:{name}_desc={_quoted(description)} act:{name}_kb={_quoted(keys)}"


def _text(element: Element, detail: Detail | None) -> str:
    text = element.text if detail is None or not detail.text else detail.text
    return _UNFIT.sub("\ufffd", text.replace(_OBJECT, "")).translate(_ESCAPES)


def _quoted(text: str) -> str:
    fit = _UNFIT.sub("\ufffd", text)
    return f'"{fit.translate(_ESCAPES)}"'


def _name(text: str, otherwise: str) -> str:
    """As a name in XML may be."""
    name = _NAME.sub("-", text.lower()).strip("-.")
    return name if name and (name[0].isalpha() or name[0] == "_") else otherwise


def terminal_text(tree: AtspiTree, seconds: float) -> str | None:
    """What stands in the terminal that has the focus, or in the first one there is; None where there is none.

    Raises:
        CannotRead: there is no tree to be had here.
    """
    found = [element for element in tree.read(seconds / 2).elements if element.role == "terminal"]
    found.sort(key=lambda element: "focused" not in element.states)
    text = tree.text(found[0], seconds / 2) if found else None
    return None if text is None else text.rstrip()
