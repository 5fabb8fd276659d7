"""Styles of a document: found by name, added where they are missing, defined and brought to a brand."""

from __future__ import annotations

from typing import Any, Final

from agent.errors import ToolFault
from agent.office.documents import operations as do
from agent.office.documents.draft import Draft
from agent.office.documents.order import put
from agent.office.slides.texts import rgb
from agent.office.xml import Element, add, first, local, make, q, remove

ALIGN: Final = {"left": "left", "centre": "center", "right": "right", "justify": "both"}
# What a style is made as where a document lacks it: based on, properties of the paragraph, of its text.
_BUILT_IN: Final[dict[str, tuple[str, str, str]]] = {
    "Title": ("Normal", "after=240", "size=26 bold"),
    "Caption": ("Normal", "before=60 after=180", "size=9 italic"),
    "List Bullet": ("Normal", "after=60", ""),
    "List Number": ("Normal", "after=60", ""),
    "footnote text": ("Normal", "after=0", "size=9"),
    "TOC Heading": ("Normal", "before=240 after=120 keep", "size=14 bold"),
    "table of figures": ("Normal", "after=60", ""),
    **{f"toc {level}": ("Normal", f"after=60 left={(level - 1) * 240}", "") for level in range(1, 10)},
    **{f"heading {level}": ("Normal", "before=240 after=80 keep", f"size={max(18 - 2 * level, 11)} bold")
       for level in range(1, 10)},
    "header": ("Normal", "after=0", "size=9"),
    "footer": ("Normal", "after=0", "size=9"),
}  # fmt: skip
_STYLE_END = ("pPr", "rPr", "tblPr", "trPr", "tcPr", "tblStylePr")


def root_of(draft: Draft) -> Element:
    """The root of all styles."""
    return draft.document.styles.element


def find(draft: Draft, name: str, kind: str = "paragraph") -> Element:
    """A style by its name, or by its id; None where there is none. "Heading 1" and "heading 1" are the same."""
    wanted = name.strip().casefold()
    by_id: Element = None
    for style in root_of(draft).findall(q("w:style")):
        if style.get(q("w:type")) != kind:
            continue
        held = first(style, "w:name")
        if held is not None and (held.get(q("w:val")) or "").casefold() == wanted:
            return style
        if (style.get(q("w:styleId")) or "").casefold() == wanted:
            by_id = style
    return by_id


def identity(draft: Draft, name: str | None, kind: str = "paragraph") -> str | None:
    """Id of a style; common ones are made where they are missing.

    Raises:
        ToolFault: there is none of that name; says which there are.
    """
    if name is None:
        return None
    style = find(draft, name, kind)
    if style is None and kind == "paragraph" and (built := _built_in(name)):
        style = _make(draft, built)
    if style is None:
        there = ", ".join(names(draft, kind)[:60])
        raise ToolFault(f"there is no {kind} style {name!r}; there are: {there}. Nothing was changed.")
    return style.get(q("w:styleId"))


def names(draft: Draft, kind: str) -> list[str]:
    """Names of all styles of a kind."""
    styles = [style for style in root_of(draft).findall(q("w:style")) if style.get(q("w:type")) == kind]
    return [first(style, "w:name").get(q("w:val")) for style in styles if first(style, "w:name") is not None]


def _built_in(name: str) -> str | None:
    return next((known for known in _BUILT_IN if known.casefold() == name.strip().casefold()), None)


def _make(draft: Draft, name: str) -> Element:
    based, paragraph, text = _BUILT_IN[name]
    style = new_style(draft, name, "paragraph", based)
    settings, look = add(style, "w:pPr"), add(style, "w:rPr")
    _paragraph_words(settings, paragraph)
    _text_words(look, text)
    if name.startswith("heading"):
        put(settings, "w:outlineLvl", {"w:val": str(int(name[-1]) - 1)})
    if name.startswith(("toc", "table of")):
        leader(draft, settings)
    return style


def leader(draft: Draft, settings: Element) -> None:
    """Dots up to the page number at the right margin."""
    tabs = put(settings, "w:tabs")
    for old in list(tabs):
        tabs.remove(old)
    add(tabs, "w:tab", {"w:val": "right", "w:leader": "dot", "w:pos": str(round(draft.text_width() * 567))})


def new_style(draft: Draft, name: str, kind: str, based: str | None) -> Element:
    """A style without properties."""
    plain = "".join(char for char in name.title() if char.isalnum()) or "Style"
    used = {style.get(q("w:styleId")) for style in root_of(draft).findall(q("w:style"))}
    known = next(number for number in range(len(used) + 2) if f"{plain}{number or ''}" not in used)
    style = add(root_of(draft), "w:style", {"w:type": kind, "w:styleId": f"{plain}{known or ''}"})
    add(style, "w:name", {"w:val": name})
    base = find(draft, based, kind) if based else None
    if base is not None:
        add(style, "w:basedOn", {"w:val": base.get(q("w:styleId"))})
    add(style, "w:qFormat")
    return style


def _paragraph_words(settings: Element, words: str) -> None:
    for word in words.split():
        name, _, value = word.partition("=")
        if name == "keep":
            put(settings, "w:keepNext")
        elif name == "left":
            put(settings, "w:ind", {"w:left": value})
        else:
            put(settings, "w:spacing", {f"w:{name}": value})


def _text_words(look: Element, words: str) -> None:
    for word in words.split():
        name, _, value = word.partition("=")
        if name == "size":
            put(look, "w:sz", {"w:val": str(int(value) * 2)})
        else:
            put(look, {"bold": "w:b", "italic": "w:i"}[name])


def set_look(look: Element, asked: Any) -> None:
    """Font, size, bold, italic, underline and colour of an `w:rPr`; None leaves it."""
    if asked.font is not None:
        fonts = put(look, "w:rFonts", {f"w:{name}": asked.font for name in ("ascii", "hAnsi", "cs")})
        for theme in ("asciiTheme", "hAnsiTheme", "cstheme"):
            fonts.attrib.pop(q(f"w:{theme}"), None)
    if asked.size is not None:
        for tag in ("w:sz", "w:szCs"):
            put(look, tag, {"w:val": str(round(min(max(asked.size, 1), 400) * 2))})
    for tag, value in (("w:b", asked.bold), ("w:i", asked.italic)):
        if value is not None:
            put(look, tag, {"w:val": "1" if value else "0"})
    if (underline := getattr(asked, "underline", None)) is not None:
        put(look, "w:u", {"w:val": "single" if underline else "none"})
    if asked.colour is not None:
        set_colour(look, asked.colour)


def set_colour(look: Element, colour: str) -> None:
    """Colour of an `w:rPr`."""
    held = put(look, "w:color", {"w:val": rgb(colour)})
    for theme in ("themeColor", "themeTint", "themeShade"):
        held.attrib.pop(q(f"w:{theme}"), None)


def set_paragraph(settings: Element, asked: Any) -> None:
    """Alignment and distances of a `w:pPr`; None leaves them."""
    if asked.align is not None:
        put(settings, "w:jc", {"w:val": ALIGN[asked.align]})
    for name, value in (("before", asked.before), ("after", asked.after)):
        if value is not None:
            put(settings, "w:spacing", {f"w:{name}": str(round(value * 20))})
    if asked.line_spacing is not None:
        put(settings, "w:spacing", {"w:line": str(round(asked.line_spacing * 240)), "w:lineRule": "auto"})
    if (indent := getattr(asked, "indent", None)) is not None:
        put(settings, "w:ind", {"w:left": str(round(indent * 567))})
    if (keep := getattr(asked, "keep_with_next", None)) is not None:
        put(settings, "w:keepNext", {"w:val": "1" if keep else "0"})


def define(draft: Draft, operation: do.DefineStyle) -> str:
    """Make a style, or change one."""
    style = find(draft, operation.name, operation.kind)
    new = style is None
    if new:
        style = new_style(draft, operation.name, operation.kind, operation.based_on or "Normal")
    elif operation.based_on:
        _refer(style, "w:basedOn", identity(draft, operation.based_on, operation.kind))
    if operation.next:
        _refer(style, "w:next", identity(draft, operation.next))
    if operation.kind == "paragraph":
        set_paragraph(part_of(style, "w:pPr"), operation)
    set_look(part_of(style, "w:rPr"), operation)
    for tag in ("w:pPr", "w:rPr"):
        if (held := first(style, tag)) is not None and not len(held):
            style.remove(held)
    return f"style {operation.name!r} {'made' if new else 'changed'}"


def _refer(style: Element, tag: str, value: str | None) -> None:
    held = first(style, tag)
    if held is None:
        held = make(style, tag)
        after = first(style, "w:basedOn")
        (after if after is not None else first(style, "w:name")).addnext(held)
    held.set(q("w:val"), value or "")


def part_of(style: Element, tag: str) -> Element:
    """The `w:pPr` or `w:rPr` of a style, made where it is missing."""
    found = first(style, tag)
    if found is None:
        found = make(style, tag)
        later = _STYLE_END[_STYLE_END.index(tag.partition(":")[2]) + 1 :]
        follows = next((each for each in style if local(each) in later), None)
        style.append(found) if follows is None else follows.addprevious(found)
    return found


def drop(look: Element, *tags: str) -> int:
    """Take properties away: how many there were."""
    found = [each for tag in tags for each in look.findall(q(tag))]
    for each in found:
        remove(each)
    return len(found)
