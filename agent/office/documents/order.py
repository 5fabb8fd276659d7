"""Properties of paragraphs and of text, in the order that the schema wants."""

from __future__ import annotations

from typing import Final

from agent.office.xml import Element, first, local, make, q


def _words(text: str) -> list[str]:
    return text.split()


_ORDER_P: Final = _words("""
pStyle keepNext keepLines pageBreakBefore framePr widowControl numPr suppressLineNumbers pBdr shd tabs
suppressAutoHyphens kinsoku wordWrap overflowPunct topLinePunct autoSpaceDE autoSpaceDN bidi adjustRightInd
snapToGrid spacing ind contextualSpacing mirrorIndents suppressOverlap jc textDirection textAlignment
textboxTightWrap outlineLvl divId cnfStyle rPr sectPr pPrChange
""")
_ORDER_R: Final = _words("""
ins del moveFrom moveTo rStyle rFonts b bCs i iCs caps smallCaps strike dstrike outline shadow emboss imprint
noProof snapToGrid vanish webHidden color spacing w kern position sz szCs highlight u effect bdr shd fitText
vertAlign rtl cs em lang eastAsianLayout specVanish oMath rPrChange
""")


def put(holder: Element, tag: str, attributes: dict[str, str] | None = None) -> Element:
    """A property in the place where the schema wants it; one that is there is changed."""
    found = first(holder, tag)
    if found is None:
        found = make(holder, tag)
        order = _ORDER_R if local(holder) == "rPr" else _ORDER_P
        name = tag.partition(":")[2]
        later = set(order[order.index(name) + 1 :]) if name in order else set[str]()
        follows = next((each for each in holder if local(each) in later), None)
        holder.append(found) if follows is None else follows.addprevious(found)
    for key, value in (attributes or {}).items():
        found.set(q(key), value)
    return found
