"""Slides, layouts and masters copied with all the parts that they are made of, within a deck or from another one."""

from __future__ import annotations

from copy import deepcopy
from itertools import count
from typing import Any

from agent.office.slides.deck import Deck, theme_part
from agent.office.xml import Element, each, q

_FIRST_ID = 2_147_483_648  # of masters and layouts
_COMMENTS = ("/comments", "/commentAuthors", "/threadedComment")


class Copier:
    """Copies parts into a deck. A part that was copied once is used again.

    Attributes:
        copied: parts there, by those they were copied from; what is put in beforehand is used in place of a copy.
    """

    def __init__(self, deck: Deck) -> None:
        self._deck = deck
        self.copied: dict[Any, Any] = {}

    def copy(self, part: Any) -> Any:
        """A part and all that it refers to."""
        if part in self.copied:
            return self.copied[part]
        new = self._twin(part)
        self.copied[part] = new
        for identity, relation in relations(part).items():
            if relation.reltype.endswith("/slide") and relation.target_part not in self.copied:
                _drop_links(new, identity)
            elif not relation.reltype.endswith(_COMMENTS):
                self._relate(new, identity, relation)
        return new

    def _free_name(self, name: str) -> Any:
        """Parts that nothing refers to yet are not known to the package."""
        from pptx.opc.packuri import PackURI

        used = {str(part.partname) for part in self._deck.package.iter_parts()}
        used |= {str(part.partname) for part in self.copied.values()}
        stem, _, suffix = str(name).rpartition(".")
        stem = stem.rstrip("0123456789")
        number = next(number for number in count(1) if f"{stem}{number}.{suffix}" not in used)
        return PackURI(f"{stem}{number}.{suffix}")

    def _relate(self, new: Any, identity: str, relation: Any) -> None:
        target = relation.target_ref if relation.is_external else self.copy(relation.target_part)
        relate(new, identity, relation.reltype, target)

    def _twin(self, part: Any) -> Any:
        package = self._deck.package
        kept = _shared_here(part, package)
        if kept is not None:
            return kept
        name = self._free_name(part.partname)
        if hasattr(part, "_element"):
            return type(part)(name, part.content_type, package, deepcopy(part._element))
        return type(part)(name, part.content_type, package, part.blob)


def _drop_links(part: Any, identity: str) -> None:
    """A link to a slide that does not come along leads nowhere."""
    for link in part._element.xpath(f'//*[@r:id="{identity}"]'):
        link.getparent().remove(link)


def _shared_here(part: Any, package: Any) -> Any:
    """Pictures that are there already, or are in the same deck, are not copied again."""
    if not part.content_type.startswith(("image/", "video/", "audio/")):
        return None
    if part.package is package:
        return part
    return next(
        (own for own in package.iter_parts() if own.content_type == part.content_type and own.blob == part.blob), None
    )


def relations(part: Any) -> Any:
    """Relationships of a part, by id; they can be changed."""
    return part._rels._rels


def relate(part: Any, identity: str, kind: str, target: Any) -> None:
    """Make a relationship with an id of one's own choice; `target` is a part, or an address."""
    from pptx.opc.constants import RELATIONSHIP_TARGET_MODE
    from pptx.opc.package import _Relationship  # pyright: ignore[reportPrivateUsage]

    mode = RELATIONSHIP_TARGET_MODE.EXTERNAL if isinstance(target, str) else RELATIONSHIP_TARGET_MODE.INTERNAL
    base = part.partname.baseURI
    relations(part)[identity] = _Relationship(base, identity, kind, mode, target)


def insert(deck: Deck, part: Any, at: int | None) -> Any:
    """Put the part of a slide into the deck's list: its slide."""
    from pptx.opc.constants import RELATIONSHIP_TYPE

    ids = deck.ids
    entry = ids.add_sldId(deck.part.relate_to(part, RELATIONSHIP_TYPE.SLIDE))
    if at is not None:
        place(ids, entry, at)
    _join_section(deck, entry)
    deck.last = part.slide
    return part.slide


def _join_section(deck: Deck, entry: Element) -> None:
    """A deck that is parted into sections wants every slide in one: in that of the slide before it."""
    before = entry.getprevious()
    if before is None and (before := entry.getnext()) is None:
        return
    path = f'//*[local-name()="sectionLst"]//*[local-name()="sldId"][@id="{before.get("id")}"]'
    for mark in deck.part._element.xpath(path):
        twin = mark.makeelement(mark.tag, {"id": entry.get("id")})
        mark.addnext(twin)


def place(ids: Element, entry: Element, at: int) -> None:
    """Move an entry of the list of slides to a place, from 1."""
    ids.remove(entry)
    ids.insert(max(0, min(at - 1, len(ids))), entry)


def duplicate(deck: Deck, slide: Any) -> Any:
    """A part like that of a slide, with its own charts and notes."""
    copier = Copier(deck)
    for relation in relations(slide.part).values():
        if relation.is_external:
            continue
        kind = relation.reltype.rpartition("/")[2]
        if kind in ("slideLayout", "slide"):
            copier.copied[relation.target_part] = relation.target_part
        elif kind == "notesSlide":
            for held in relations(relation.target_part).values():
                if not held.is_external and held.reltype.endswith("/notesMaster"):
                    copier.copied[held.target_part] = held.target_part
    return copier.copy(slide.part)


def add_master(deck: Deck, master: Any, copier: Copier) -> Any:
    """Bring a master of another deck here, with its layouts and its theme."""
    from pptx.opc.constants import RELATIONSHIP_TYPE

    part = copier.copy(master.part)
    ids = deck.part._element.get_or_add_sldMasterIdLst()
    entry = ids.makeelement(q("p:sldMasterId"))
    entry.set(q("r:id"), deck.part.relate_to(part, RELATIONSHIP_TYPE.SLIDE_MASTER))
    ids.append(entry)
    number_masters(deck)
    return part.slide_master


def number_masters(deck: Deck) -> None:
    """Masters and layouts share one row of ids, none of them twice."""
    used: set[int] = set()
    entries: list[Element] = list(deck.part._element.get_or_add_sldMasterIdLst())
    for master in deck.masters:
        entries += list(each(master._element, "p:sldLayoutId"))
    for entry in entries:
        value = int(entry.get("id") or 0)
        if value < _FIRST_ID or value in used:
            value = max({_FIRST_ID, *used, *(int(other.get("id") or 0) for other in entries)}) + 1
            entry.set("id", str(value))
        used.add(value)


def drop_master(deck: Deck, master: Any) -> None:
    """Take a master away that no slide uses."""
    for identity, relation in list(relations(deck.part).items()):
        if not relation.is_external and relation.target_part in (master.part, theme_part(master)):
            _drop_entry(deck, identity)
            del relations(deck.part)[identity]


def _drop_entry(deck: Deck, identity: str) -> None:
    ids = deck.part._element.get_or_add_sldMasterIdLst()
    for entry in list(ids):
        if entry.get(q("r:id")) == identity:
            ids.remove(entry)


def scale(root: Element, factor: float, right: float, down: float) -> None:
    """Make everything below larger or smaller, and move it; in EMU. Groups are scaled as a whole."""
    for tree in each(root, "p:spTree"):
        for shape in tree:
            for held in shape.xpath("./p:spPr/a:xfrm | ./p:grpSpPr/a:xfrm | ./p:xfrm"):
                for point in held.xpath("./a:off"):
                    point.set("x", str(round(int(point.get("x")) * factor + right)))
                    point.set("y", str(round(int(point.get("y")) * factor + down)))
                for size in held.xpath("./a:ext"):
                    size.set("cx", str(round(int(size.get("cx")) * factor)))
                    size.set("cy", str(round(int(size.get("cy")) * factor)))
