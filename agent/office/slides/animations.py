"""Animations of shapes that are taken away: PowerPoint repairs files that animate what is not there."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from agent.office.xml import Element, first, local, q, remove

_HOLDS = ("childTnLst", "subTnLst")


def leave(slide: Any, gone: Collection[int]) -> int:
    """Take the animations of these shapes out, and no others. Returns how many effects there were."""
    timing = first(slide._element, "p:timing")
    if timing is None:
        return 0
    names = {str(identity) for identity in gone}
    count = 0
    for target in [each for each in timing.iter(q("p:spTgt")) if each.get("spid") in names]:
        if target.getroottree().getroot() is slide._element and (effect := _effect_of(target)) is not None:
            count += 1
            _drop(effect)
    for built in [each for each in timing.iter() if each.get("spid") in names and local(each.getparent()) == "bldLst"]:
        _drop(built)
    if timing.find(f".//{q('p:spTgt')}") is None:
        remove(timing)
    return count


def _effect_of(target: Element) -> Element:
    """The effect that is about a shape, or what a click on it begins."""
    nodes = [each for each in target.iterancestors() if each.getparent() is not None and _in_list(each)]
    if not nodes or next(target.iterancestors(q("p:cond")), None) is not None:
        return next(iter(nodes), None)
    return next(
        (each for each in nodes if (held := first(each, "p:cTn")) is not None and held.get("presetClass")), nodes[0]
    )


def _in_list(element: Element) -> bool:
    return local(element.getparent()) in _HOLDS


def _drop(element: Element) -> None:
    """Remove it, and what would be left empty around it."""
    holder = element.getparent()
    remove(element)
    while holder is not None and not len(holder):
        if local(holder) in _HOLDS:
            owner = holder.getparent().getparent()  # of its p:cTn: the p:par or p:seq
            holder = owner.getparent()
            remove(owner)
        else:
            empty, holder = holder, holder.getparent()
            remove(empty)
