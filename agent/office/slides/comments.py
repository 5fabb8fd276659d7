"""Comments on slides: the ones that all programs know, and the threads of newer versions of PowerPoint."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from agent.errors import ToolFault
from agent.office.slides import operations as do
from agent.office.slides.copying import relations
from agent.office.slides.deck import Deck
from agent.office.slides.texts import LONGEST, clean
from agent.office.xml import NAMESPACES, Element, add, etree, local, parse, q, to_bytes

_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MODERN: Final = "http://schemas.microsoft.com/office/2018/10/relationships"
_P188: Final = "http://schemas.microsoft.com/office/powerpoint/2018/8/main"
_PC: Final = "http://schemas.microsoft.com/office/powerpoint/2013/main/command"
_KIND: Final = "application/vnd.openxmlformats-officedocument.presentationml"
_CORNER: Final = {"x": "10", "y": "10"}  # in eighths of a point, from the slide's top left


def comments_of(slide: Any) -> list[Any]:
    """The parts that hold a slide's comments."""
    return _related(slide.part, "/comments")


def listed(deck: Deck, slide: Any) -> Iterator[str]:
    """A slide's comments, a line each, with their answers after them."""
    names = _names(deck)
    for part in comments_of(slide):
        if (root := _root(part)) is not None:
            for held in root:
                yield from _lines(held, names, "comment")


def _lines(held: Element, names: dict[str, str], what: str) -> Iterator[str]:
    author = held.get("authorId") or ""
    when = (held.get("dt") or held.get("created") or "")[:10]
    words = " ".join(leaf.text or "" for leaf in held if local(leaf) == "text")
    for body in held:
        if local(body) == "txBody":
            words = " ¶ ".join("".join(leaf.text or "" for leaf in line.iter(q("a:t"))) for line in body.iter(q("a:p")))
    done = ", resolved" if held.get("status") in ("resolved", "closed") else ""
    yield f"{what} by {names.get(author, author)}{f', {when}' if when else ''}{done}: {words.strip()}"
    for replies in (each for each in held if local(each) == "replyLst"):
        for reply in replies:
            yield from _lines(reply, names, "  answer")


def _names(deck: Deck) -> dict[str, str]:
    """Names of authors by their ids."""
    parts = _related(deck.part, "/commentAuthors") + _related(deck.part, "/authors")
    roots = [root for part in parts if (root := _root(part)) is not None]
    return {each.get("id") or "": each.get("name") or "" for root in roots for each in root}


def _related(part: Any, kind: str) -> list[Any]:
    held = [each for each in relations(part).values() if not each.is_external and each.reltype.endswith(kind)]
    return [each.target_part for each in held]


def _root(part: Any) -> Element | None:
    try:
        return parse(part.blob)
    except ValueError:
        return None


def add_comment(deck: Deck, operation: do.AddComment) -> str:
    """A comment, of the kind that the deck has; in the older one where it has none, which every program reads."""
    text = clean(operation.text).strip()
    if not text or not operation.author.strip() or len(text) > LONGEST:
        raise ToolFault(f"a comment needs an author, and a text of at most {LONGEST} characters.")
    slide = deck.slide(operation.slide)
    older = any(part.content_type == f"{_KIND}.comments+xml" for each in deck.slides for part in comments_of(each))
    if not older and _related(deck.part, "/authors"):
        _thread(deck, slide, operation.author, text)
    else:
        _older(deck, slide, operation.author, text)
    return f"slide {deck.number(slide)}: comment of {operation.author} added"


def _older(deck: Deck, slide: Any, author: str, text: str) -> None:
    authors = _part(deck, deck.part, f"{_OFFICE}/commentAuthors", "/ppt/commentAuthors.xml", "cmAuthorLst")
    people = parse(authors.blob)
    who = next((each for each in people if each.get("name") == author), None)
    if who is None:
        number = 1 + max((int(each.get("id") or 0) for each in people), default=-1)
        told = {"id": str(number), "name": author, "initials": _initials(author), "lastIdx": "0"}
        who = add(people, "p:cmAuthor", told | {"clrIdx": str(number % 10)})
    index = str(int(who.get("lastIdx") or 0) + 1)
    who.set("lastIdx", index)
    authors._blob = to_bytes(people)
    name = deck.package.next_partname("/ppt/comments/comment%d.xml")
    part = _part(deck, slide.part, f"{_OFFICE}/comments", name, "cmLst")
    root = parse(part.blob)
    made = add(root, "p:cm", {"authorId": who.get("id"), "dt": _now(), "idx": index})
    add(made, "p:pos", _CORNER)
    add(made, "p:text", text=text)
    part._blob = to_bytes(root)


def _part(deck: Deck, owner: Any, relation: str, name: str, root: str) -> Any:
    """The part of this kind that something has, made empty where it has none."""
    from pptx.opc.package import Part
    from pptx.opc.packuri import PackURI

    for held in relations(owner).values():
        if held.reltype == relation and not held.is_external:
            return held.target_part
    empty = f'<p:{root} xmlns:p="{NAMESPACES["p"]}"/>'.encode()
    if relation.startswith(_MODERN):
        empty = f'<p188:{root} xmlns:p188="{_P188}" xmlns:a="{NAMESPACES["a"]}"/>'.encode()
    kind = {"cmAuthorLst": f"{_KIND}.commentAuthors+xml", "cmLst": f"{_KIND}.comments+xml"}[root]
    if relation.startswith(_MODERN):
        kind = "application/vnd.ms-powerpoint.comments+xml"
    part = Part(PackURI(name), kind, deck.package, empty)
    owner.relate_to(part, relation)
    return part


def _thread(deck: Deck, slide: Any, author: str, text: str) -> None:
    authors = _related(deck.part, "/authors")[0]
    people = parse(authors.blob)
    who = next((each for each in people if each.get("name") == author), None)
    if who is None:
        told = {"id": _guid(), "name": author, "initials": _initials(author), "userId": author, "providerId": "None"}
        who = etree.SubElement(people, f"{{{_P188}}}author", told)
        authors._blob = to_bytes(people)
    entry = next(each for each in deck.ids if deck.part.related_part(each.rId) is slide.part)
    number = int(entry.get("id"))
    part = _part(deck, slide.part, f"{_MODERN}/comments", f"/ppt/comments/modernComment_{number:X}_0.xml", "cmLst")
    root = parse(part.blob)
    made = etree.SubElement(root, f"{{{_P188}}}cm", {"id": _guid(), "authorId": who.get("id"), "created": _now()})
    marks = etree.SubElement(made, f"{{{_PC}}}sldMkLst", nsmap={"pc": _PC})
    etree.SubElement(marks, f"{{{_PC}}}docMk")
    etree.SubElement(marks, f"{{{_PC}}}sldMk", {"cId": _creation(slide), "sldId": str(number)})
    body = etree.SubElement(made, f"{{{_P188}}}txBody")
    add(body, "a:bodyPr")
    add(body, "a:lstStyle")
    for line in text.split("\n"):
        add(add(add(body, "a:p"), "a:r"), "a:t", text=line)
    part._blob = to_bytes(root)


def _creation(slide: Any) -> str:
    return next((each.get("val") for each in slide._element.iter(q("p14:creationId"))), None) or "0"


def _guid() -> str:
    return f"{{{str(uuid4()).upper()}}}"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000")


def _initials(author: str) -> str:
    return "".join(word[0] for word in author.split())[:3].upper()
