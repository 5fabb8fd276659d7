"""Looks of cells: a new one is made from the one that is there, everything else of it kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final

from agent.errors import ToolFault
from agent.office.spreadsheets.looks import Highlight, Look
from agent.office.spreadsheets.markup import children, insert_ordered, m, sub
from agent.office.xml import Element, etree, local

_ORDER: Final = (
    "numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs", "tableStyles", "colors",
    "extLst",
)  # fmt: skip
_FONT: Final = (
    "b", "i", "strike", "condense", "extend", "outline", "shadow", "u", "vertAlign", "sz", "color", "name", "family",
    "charset", "scheme",
)  # fmt: skip
_XF: Final = ("alignment", "protection", "extLst")
_SIDES: Final = ("start", "end", "left", "right", "top", "bottom", "diagonal", "vertical", "horizontal")
_THEME: Final = {
    "light1": 0, "dark1": 1, "light2": 2, "dark2": 3, "accent1": 4, "accent2": 5, "accent3": 6, "accent4": 7,
    "accent5": 8, "accent6": 9,
}  # fmt: skip
_LINES: Final = {"dashed": "dashed", "dotted": "dotted", "hair": "hair"}
_ALIGN: Final = {"centre": "center", "centre_across": "centerContinuous"}
_BUILT_IN: Final = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
    13: "# ??/??", 14: "mm-dd-yy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
    20: "h:mm", 21: "h:mm:ss", 22: "m/d/yy h:mm", 37: "#,##0 ;(#,##0)", 38: "#,##0 ;[Red](#,##0)",
    39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;[Red](#,##0.00)", 44: '_("$"* #,##0.00_)', 45: "mm:ss", 46: "[h]:mm:ss",
    47: "mmss.0", 48: "##0.0E+0", 49: "@",
}  # fmt: skip
_RGB = re.compile(r"#?([0-9A-Fa-f]{6})")
Sides = frozenset[str]


class Styles:
    """The styles part of an open workbook."""

    def __init__(self, root: Element) -> None:
        self.root = root
        self._made: dict[tuple[Any, ...], int] = {}
        self._formats = {int(each.get("numFmtId")): each.get("formatCode", "") for each in self._there("numFmts")}

    def _there(self, name: str) -> list[Element]:
        """What is listed under a name, without making the list."""
        found = self.root.find(m(name))
        return [] if found is None else list(found)

    def _list(self, name: str) -> Element:
        if (found := self.root.find(m(name))) is None:
            found = etree.Element(m(name), {"count": "0"})
            insert_ordered(self.root, found, _ORDER)
        return found

    # Reading

    def xf(self, index: int) -> Element:
        """An `xf` element of cells; the first one where there is no such."""
        listed = self.root.find(m("cellXfs"))
        return listed[index if 0 <= index < len(listed) else 0]

    def format_of(self, index: int) -> str:
        """The number format of a look."""
        number = int(self.xf(index).get("numFmtId", "0"))
        return self._formats.get(number) or _BUILT_IN.get(number, "General")

    def formats(self) -> list[str]:
        """Number formats of all looks, by index."""
        return [self.format_of(index) for index in range(len(self._there("cellXfs")))]

    def style_name(self, index: int) -> str:
        """The named style that a look is based on."""
        base = self.xf(index).get("xfId", "0")
        named = {each.get("xfId"): each.get("name", "") for each in self._there("cellStyles")}
        return named.get(base, "Normal")

    def style_names(self) -> list[str]:
        """Of all named styles."""
        return [each.get("name", "") for each in self._there("cellStyles")]

    def part(self, index: int, name: str) -> Element | None:
        """The font, fill or border of a look."""
        listed, at = self._there(name + "s"), int(self.xf(index).get(name + "Id", "0"))
        return listed[at] if at < len(listed) else None

    # Making

    def with_format(self, index: int, code: str) -> int:
        """The same look with another number format."""
        return self._once(("format", index, code), index, lambda xf: self._set_format(xf, code))

    def quoted(self, index: int) -> int:
        """The same look for text that must not be taken for a formula."""
        return self._once(("quote", index), index, lambda xf: xf.set("quotePrefix", "1"))

    def unquoted(self, index: int) -> int:
        """The same look without that."""
        if self.xf(index).get("quotePrefix") not in ("1", "true"):
            return index
        return self._once(("unquote", index), index, lambda xf: xf.attrib.pop("quotePrefix", None))

    def unlocked(self, index: int) -> int:
        """The same look for a cell that stays open on a protected sheet."""
        return self._once(("unlocked", index), index, lambda xf: _set_locked(xf, False))

    def with_look(self, index: int, look: Look, edges: Sides) -> int:
        """The same look, changed.

        Args:
            edges: which sides of the cell lie on the edge of the range.
        """
        edges = edges if look.outline or look.top or look.bottom else frozenset()
        return self._once(("look", index, look, edges), index, lambda xf: self._apply(xf, look, edges))

    def highlight(self, wanted: Highlight) -> int:
        """What a conditional format refers to."""
        dxf = etree.Element(m("dxf"))
        if wanted.bold is not None or wanted.colour:
            font = sub(dxf, "font")
            if wanted.bold is not None:
                sub(font, "b", val="1" if wanted.bold else "0")
            if wanted.colour:
                font.append(colour_element("color", wanted.colour))
        if wanted.fill:
            pattern = sub(sub(dxf, "fill"), "patternFill")
            pattern.append(colour_element("bgColor", wanted.fill))
        return self._kept("dxfs", dxf)

    def _once(self, key: tuple[Any, ...], index: int, change: Callable[[Element], object]) -> int:
        if key not in self._made:
            xf = deepcopy(self.xf(index))
            change(xf)
            self._made[key] = self._kept("cellXfs", xf)
        return self._made[key]

    def _kept(self, name: str, element: Element) -> int:
        """The place of an element that is like this one; added if there is none."""
        listed = self._list(name)
        data = _bytes(element)
        for index, other in enumerate(listed):
            if _bytes(other) == data:
                return index
        listed.append(element)
        listed.set("count", str(len(listed)))
        return len(listed) - 1

    def _set_format(self, xf: Element, code: str) -> None:
        number = next((n for n, known in (_BUILT_IN | self._formats).items() if known == code), None)
        if number is None:
            number = max(163, *self._formats, 163) + 1
            sub(self._list("numFmts"), "numFmt", numFmtId=str(number), formatCode=code)
            self._list("numFmts").set("count", str(len(self._list("numFmts"))))
            self._formats[number] = code
        xf.set("numFmtId", str(number))
        xf.set("applyNumberFormat", "1")

    def _apply(self, xf: Element, look: Look, edges: Sides) -> None:
        if look.style is not None:
            self._set_style(xf, look.style)
        if look.number_format is not None:
            self._set_format(xf, look.number_format)
        if _speaks_of_font(look):
            self._set_font(xf, look)
        if look.fill is not None:
            xf.set("fillId", str(self._kept("fills", _fill(look.fill))))
            xf.set("applyFill", "1")
        if any((look.borders, look.outline, look.top, look.bottom)):
            self._set_border(xf, look, edges)
        if any(value is not None for value in (look.horizontal, look.vertical, look.wrap, look.indent, look.rotation)):
            _set_alignment(xf, look)
        if look.locked is not None:
            _set_locked(xf, look.locked)

    def _set_font(self, xf: Element, look: Look) -> None:
        fonts, at = self._list("fonts"), int(xf.get("fontId", "0"))
        font = deepcopy(fonts[at]) if at < len(fonts) else etree.Element(m("font"))
        for name, value in (("b", look.bold), ("i", look.italic), ("strike", look.strike), ("u", look.underline)):
            if value is not None:
                _replace(font, name, etree.Element(m(name)) if value else None)
        if look.size is not None:
            _replace(font, "sz", etree.Element(m("sz"), {"val": f"{look.size:g}"}))
        if look.colour is not None:
            _replace(font, "color", colour_element("color", look.colour))
        if look.font is not None:
            _replace(font, "name", etree.Element(m("name"), {"val": look.font}))
            _replace(font, "scheme", None)
        xf.set("fontId", str(self._kept("fonts", font)))
        xf.set("applyFont", "1")

    def _set_border(self, xf: Element, look: Look, edges: Sides) -> None:
        borders, at = self._list("borders"), int(xf.get("borderId", "0"))
        border = deepcopy(borders[at]) if at < len(borders) else etree.Element(m("border"))
        for side in ("left", "right", "top", "bottom"):
            own = (
                look.top
                if side == "top" and side in edges
                else look.bottom
                if side == "bottom" and side in edges
                else None
            )
            line = own or (look.outline if side in edges else None) or look.borders
            if line:
                _set_side(border, side, line, look.border_colour)
        xf.set("borderId", str(self._kept("borders", border)))
        xf.set("applyBorder", "1")

    def _set_style(self, xf: Element, name: str) -> None:
        base = self._named(name)
        source = self._list("cellStyleXfs")[base]
        for attribute in ("numFmtId", "fontId", "fillId", "borderId"):
            if attribute == "numFmtId" and source.get(attribute, "0") == "0":
                continue  # a style without a number format of its own leaves the one that is there
            xf.set(attribute, source.get(attribute, "0"))
        for child in list(xf):
            xf.remove(child)
        for child in source:
            if local(child) != "extLst":
                xf.append(deepcopy(child))
        xf.set("xfId", str(base))
        for what in ("NumberFormat", "Font", "Fill", "Border", "Alignment", "Protection"):
            xf.attrib.pop(f"apply{what}", None)

    def _named(self, name: str) -> int:
        """The index in `cellStyleXfs` of a named style; one that every program knows is made."""
        for each in self._list("cellStyles"):
            if each.get("name", "").casefold() == name.casefold():
                return int(each.get("xfId", "0"))
        from agent.office.spreadsheets.builtin import built_in

        found = built_in(name)
        if found is None:
            raise ToolFault(f"There is no cell style {name!r}; there are: {', '.join(self.style_names()[:40])}.")
        xf = etree.Element(m("xf"), {"numFmtId": "0"})
        for kind in ("font", "fill", "border"):
            xf.set(f"{kind}Id", str(self._kept(f"{kind}s", found.elements[kind])))
        self._set_format(xf, found.number_format)
        base = self._list("cellStyleXfs")
        base.append(xf)
        base.set("count", str(len(base)))
        attributes = {"name": found.name, "xfId": str(len(base) - 1), "builtinId": str(found.number)}
        listed = self._list("cellStyles")
        sub(listed, "cellStyle", None, **attributes)
        listed.set("count", str(len(listed)))
        return len(base) - 1


def _speaks_of_font(look: Look) -> bool:
    wanted = (look.font, look.size, look.bold, look.italic, look.underline, look.strike, look.colour)
    return any(value is not None for value in wanted)


def colour_element(name: str, colour: str) -> Element:
    """ "RRGGBB" or "accent1" as an element. Raises ToolFault."""
    if (number := _THEME.get(colour.lower())) is not None:
        return etree.Element(m(name), {"theme": str(number)})
    return etree.Element(m(name), {"rgb": f"FF{rgb(colour)}"})


def rgb(colour: str) -> str:
    """Six digits. Raises ToolFault."""
    if (match := _RGB.fullmatch(colour.strip())) is None:
        raise ToolFault(f'{colour!r} is no colour; write "RRGGBB" or "accent1" to "accent6", "dark1", "light1", ….')
    return match[1].upper()


def _fill(colour: str) -> Element:
    fill = etree.Element(m("fill"))
    if colour.lower() == "none":
        sub(fill, "patternFill", patternType="none")
        return fill
    pattern = sub(fill, "patternFill", patternType="solid")
    pattern.append(colour_element("fgColor", colour))
    sub(pattern, "bgColor", indexed="64")
    return fill


def _replace(font: Element, name: str, new: Element | None) -> None:
    for old in children(font, name):
        font.remove(old)
    if new is not None:
        insert_ordered(font, new, _FONT)


def _set_side(border: Element, side: str, line: str, colour: str | None) -> None:
    for old in children(border, side):
        border.remove(old)
    new = etree.Element(m(side))
    if line != "none":
        new.set("style", _LINES.get(line, line))
        new.append(colour_element("color", colour) if colour else etree.Element(m("color"), {"auto": "1"}))
    insert_ordered(border, new, _SIDES)


def _set_alignment(xf: Element, look: Look) -> None:
    if (found := xf.find(m("alignment"))) is None:
        found = etree.Element(m("alignment"))
        insert_ordered(xf, found, _XF)
    for name, value in (("horizontal", look.horizontal), ("vertical", look.vertical)):
        if value is not None:
            found.set(name, _ALIGN.get(value, value))
    if look.wrap is not None:
        found.set("wrapText", "1" if look.wrap else "0")
    if look.indent is not None:
        found.set("indent", str(look.indent))
    if look.rotation is not None:
        found.set("textRotation", str(look.rotation if look.rotation >= 0 else 90 - look.rotation))
    xf.set("applyAlignment", "1")


def _set_locked(xf: Element, locked: bool) -> None:
    if (found := xf.find(m("protection"))) is None:
        found = etree.Element(m("protection"))
        insert_ordered(xf, found, _XF)
    found.set("locked", "1" if locked else "0")
    xf.set("applyProtection", "1")


def _bytes(element: Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)  # c14n2 does not know namespaces of ancestors
