"""Which element does somebody mean? By role and name, the likeliest first, and never one that is not showing.

"Save", "button:Save", "tab: Sheet1", "entry:": words alone may be meant for any role, and a role alone for any name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from perception.find import Found
from perception.screenshot import Space
from perception.tree import Element, Reading, on_image

EXACT, SAME_LETTERS, BEGINS, A_WORD, INSIDE = 1.0, 0.97, 0.85, 0.7, 0.5
"""How well a name fits: as it is; but for case, ellipsis and colon; at its beginning; as words in it; anywhere."""

ELSEWHERE = 0.9  # factor for words that stand in the description or the content, not in the name
NEAREST = 3  # names that are suggested where nothing fits
ALIKE = 0.6  # how much they must have in common with what was asked for

_BUTTONS = ("push button", "toggle button", "push button menu")
_FIELDS = ("text", "entry", "password text", "edit bar", "autocomplete", "spin button", "combo box", "paragraph")
_ALIASES: dict[str, tuple[str, ...]] = {
    "button": (*_BUTTONS, "radio button"),
    "checkbox": ("check box", "check menu item"),
    "radio": ("radio button", "radio menu item"),
    "field": _FIELDS,
    "entry": _FIELDS,
    "edit": _FIELDS,
    "input": _FIELDS,
    "textbox": _FIELDS,
    "tab": ("page tab",),
    "menu": ("menu", "menu item", "check menu item", "radio menu item"),
    "menu item": ("menu item", "check menu item", "radio menu item", "menu"),
    "item": ("list item", "menu item", "tree item", "check menu item", "radio menu item", "table cell"),
    "dropdown": ("combo box",),
    "combobox": ("combo box",),
    "toolbar": ("tool bar",),
    "cell": ("table cell",),
    "label": ("label", "static", "heading", "caption"),
    "window": ("frame", "window", "dialog", "alert", "file chooser", "color chooser", "font chooser"),
    "dialog": ("dialog", "alert", "file chooser", "color chooser", "font chooser"),
    "picture": ("image", "icon"),
    "slider": ("slider", "scroll bar"),
}


@dataclass(frozen=True, slots=True)
class Hit:
    """An element that may be meant.

    Attributes:
        likeness: how well its name fits, 0 to 1.
        confidence: that it is meant and stands where it says: likeness times the confidence of its region.
    """

    element: Element
    likeness: float

    @property
    def confidence(self) -> float:
        """See above."""
        return self.likeness * self.element.confidence


def match_elements(elements: Iterable[Element], query: str) -> tuple[Hit, ...]:
    """Every showing element with a region that the query may mean, the best first.

    Among equals those in the active window go first, since the others may be covered by it; then those that can be told
    to act: of a button and its label the button. What merely contains a hit that is as good is left out.
    """
    roles, words = parse(query)
    by_id = {element.id: element for element in elements}
    hits: list[Hit] = []
    for element in by_id.values():
        if element.showing and element.region is not None and (roles is None or element.role in roles):
            likeness = _fit(element, words) if words else float(roles is not None)
            if likeness:
                hits.append(Hit(element, likeness))
    active = {hit.element.id for hit in hits if "active" in _window(hit.element, by_id).states}
    hits.sort(
        key=lambda hit: (
            -hit.likeness,
            hit.element.id not in active,
            not hit.element.acts,
            -hit.element.confidence,
        )
    )
    return tuple(_without_containers(hits, words))


def find_element(elements: Iterable[Element], query: str, space: Space) -> Found | None:
    """The element that a query means, as a region in pixels of a screenshot, with the runner-up's confidence.

    Returns:
        None if there is none, or if it is not on that screenshot. Regions are as programs tell them: hold them against
        the picture with `perception.checking` before anything is done there.
    """
    hits = match_elements(elements, query)
    places = [(hit, region) for hit in hits if hit.element.region and (region := on_image(hit.element.region, space))]
    if not places:
        return None
    hit, region = places[0]
    runner_up = max((other.confidence for other, _ in places[1:]), default=0.0)
    return Found(region, hit.confidence, title(hit.element), runner_up)


def nearest(reading: Reading, query: str) -> list[str]:
    """Names on the screen that are most like what was asked for; for when nothing fits."""
    _, words = parse(query)
    wanted = _plain(words)
    names = dict.fromkeys(title(element) for element in reading.showing if title(element))
    alike = ((SequenceMatcher(None, wanted, _plain(name)).ratio(), name) for name in names)
    return [name for likeness, name in sorted(alike, reverse=True)[:NEAREST] if likeness >= ALIKE]


def parse(query: str) -> tuple[frozenset[str] | None, str]:
    """The roles that a query allows, None for all, and the words to look for."""
    from perception.backends.atspi_words import ROLES

    role, colon, words = query.partition(":")
    name = " ".join(role.casefold().replace("_", " ").split())
    if colon and (name in _ALIASES or name in ROLES):
        return frozenset(_ALIASES.get(name, ()) or (name,)), words.strip()
    return None, query.strip()


def title(element: Element) -> str:
    """What an element is called, else what is written in it, else what its description says."""
    return element.name or element.text or element.description


def _window(element: Element, by_id: Mapping[str, Element]) -> Element:
    """What an element is in, at the top."""
    while element.parent in by_id and element.depth > by_id[element.parent].depth:
        element = by_id[element.parent]
    return element


def _fit(element: Element, words: str) -> float:
    others = (element.description, element.text)
    return max(_likeness(element.name, words), *(ELSEWHERE * _likeness(other, words) for other in others))


def _likeness(name: str, words: str) -> float:
    if not name:
        return 0.0
    if name.strip() == words:
        return EXACT
    told, wanted = _plain(name), _plain(words)
    if not wanted:
        return 0.0
    if told == wanted:
        return SAME_LETTERS
    if wanted not in told:
        return 0.0
    if told.startswith(wanted):
        return BEGINS
    return A_WORD if re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", told) else INSIDE


def _plain(text: str) -> str:
    """Without case, mnemonics, and what merely says that a dialog or a field follows."""
    letters = " ".join(text.casefold().replace("_", "").split())
    return letters.removesuffix("…").removesuffix("...").removesuffix(":").strip()


def _without_containers(hits: Sequence[Hit], words: str) -> Iterable[Hit]:
    parents = {hit.element.id: hit for hit in hits} if words else {}
    outer = set[str]()
    for hit in hits:
        around = parents.get(hit.element.parent)
        if around and around.likeness <= hit.likeness and not around.element.acts:
            outer.add(around.element.id)
    return (hit for hit in hits if hit.element.id not in outer)
