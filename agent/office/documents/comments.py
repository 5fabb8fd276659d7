"""Comments: made, answered, marked as done, taken away."""

from __future__ import annotations

import secrets
from typing import Any, Final

from agent.errors import ToolFault
from agent.office.documents import operations as do
from agent.office.documents.draft import Draft
from agent.office.documents.fields import words_of
from agent.office.documents.tracking import live_runs
from agent.office.slides.texts import clean
from agent.office.xml import NAMESPACES, Element, add, make, q, remove

_TYPE: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.commentsExtended+xml"
_RELATION: Final = "http://schemas.microsoft.com/office/2011/relationships/commentsExtended"
_EMPTY: Final = (
    f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w15:commentsEx xmlns:w15="{NAMESPACES["w15"]}"/>'
).encode()


def has_comments(draft: Draft) -> bool:
    """Whether there is a part of comments; asking python-docx for it would make one."""
    return any(each.reltype.endswith("/comments") for each in draft.part.rels.values() if not each.is_external)


def root_of(draft: Draft) -> Element:
    """The root of all comments."""
    return draft.part._comments_part.element


def comment(draft: Draft, operation: do.Comment) -> str:
    """A comment on words."""
    from docx.text.run import Run

    element, runs = words_of(draft, operation.block, operation.words)
    runs = runs or live_runs(element) or [add(element, "w:r")]
    marked: Any = [Run(run, None) for run in (runs[0], runs[-1])]  # pyright: ignore[reportArgumentType]
    made = draft.document.add_comment(marked, text="", author=operation.author, initials=_initials(operation.author))
    made.paragraphs[0].add_run(clean(operation.text))
    return f"comment {made.comment_id} made"


def _initials(author: str) -> str:
    return "".join(word[0] for word in author.split())[:3].upper()


def _find(draft: Draft, identity: int) -> Element:
    found = [each for each in root_of(draft) if each.get(q("w:id")) == str(identity)] if has_comments(draft) else []
    if not found:
        raise ToolFault(f"there is no comment {identity}.")
    return found[0]


def reply(draft: Draft, operation: do.ReplyComment) -> str:
    """An answer to a comment."""
    parent = _find(draft, operation.comment)
    made = draft.document.comments.add_comment(author=operation.author, initials=_initials(operation.author))
    made.paragraphs[0].add_run(clean(operation.text))
    for element in list(draft.body.iter(q("w:commentRangeStart"), q("w:commentRangeEnd"), q("w:commentReference"))):
        if element.get(q("w:id")) == str(operation.comment):
            _beside(element, str(made.comment_id))
    entry = _entry(draft, made._comment_elm)
    entry.set(q("w15:paraIdParent"), _entry(draft, _thread(draft, parent)).get(q("w15:paraId")))
    return f"comment {made.comment_id} answers comment {operation.comment}"


def _thread(draft: Draft, element: Element) -> Element:
    """Answers to an answer belong to the comment that began it."""
    parent = _entry(draft, element).get(q("w15:paraIdParent"))
    owners = [each for each in root_of(draft) if parent and _paragraph(each).get(q("w14:paraId")) == parent]
    return owners[0] if owners else element


def _beside(element: Element, identity: str) -> None:
    """The same mark for the answer, right behind."""
    if element.tag == q("w:commentReference"):
        run = element.getparent()
        twin = make(run, "w:r")
        add(twin, "w:commentReference", {"w:id": identity})
        run.addnext(twin)
    else:
        twin = make(element, "w:x")
        twin.tag = element.tag
        twin.set(q("w:id"), identity)
        element.addnext(twin)


def _paragraph(element: Element) -> Element:
    return element.findall(q("w:p"))[-1]


def _entry(draft: Draft, element: Element) -> Element:
    """What is said of a comment besides: whose answer it is, and whether it is done. Made where it is missing."""
    paragraph = _paragraph(element)
    identity = paragraph.get(q("w14:paraId"))
    if not identity:
        identity = f"{secrets.randbelow(0x7FFFFFFE) + 1:08X}"
        paragraph.set(q("w14:paraId"), identity)
    root = _extended(draft, make_it=True)
    for entry in root:
        if entry.get(q("w15:paraId")) == identity:
            return entry
    return add(root, "w15:commentEx", {"w15:paraId": identity, "w15:done": "0"})


def _extended(draft: Draft, *, make_it: bool) -> Element:
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    for relation in draft.part.rels.values():
        if relation.reltype == _RELATION:
            return draft.root(relation.target_part)
    if not make_it:
        return None
    part = Part(PackURI("/word/commentsExtended.xml"), _TYPE, _EMPTY, draft.part.package)
    draft.part.relate_to(part, _RELATION)
    return draft.root(part)


def resolve(draft: Draft, operation: do.ResolveComment) -> str:
    """Mark a comment as done, or open again."""
    entry = _entry(draft, _thread(draft, _find(draft, operation.comment)))
    entry.set(q("w15:done"), "1" if operation.resolved else "0")
    return f"comment {operation.comment} {'resolved' if operation.resolved else 'open again'}"


def delete(draft: Draft, operation: do.DeleteComment) -> str:
    """Take a comment and its answers away."""
    found = _find(draft, operation.comment)
    gone = [found, *_answers(draft, found)]
    identities = {each.get(q("w:id")) for each in gone}
    for element in list(draft.body.iter(q("w:commentRangeStart"), q("w:commentRangeEnd"), q("w:commentReference"))):
        if element.get(q("w:id")) in identities:
            holder = element.getparent()
            remove(element)
            if holder.tag == q("w:r") and not [each for each in holder if each.tag != q("w:rPr")]:
                remove(holder)
    for each in gone:
        remove(each)
    return f"comment {operation.comment} and {len(gone) - 1} answers deleted"


def _answers(draft: Draft, element: Element) -> list[Element]:
    root = _extended(draft, make_it=False)
    identity = _paragraph(element).get(q("w14:paraId"))
    if root is None or not identity:
        return []
    entries = [each for each in root if each.get(q("w15:paraIdParent")) == identity]
    wanted = {each.get(q("w15:paraId")) for each in entries}
    for each in [*entries, *(each for each in root if each.get(q("w15:paraId")) == identity)]:
        remove(each)
    return [each for each in root_of(draft) if _paragraph(each).get(q("w14:paraId")) in wanted]


def listed(draft: Draft) -> list[str]:
    """All comments, a line each."""
    if not has_comments(draft):
        return []
    root, extended = root_of(draft), _extended(draft, make_it=False)
    entries: list[Element] = list(extended) if extended is not None else []
    about = {each.get(q("w15:paraId")): each for each in entries}
    owners = {
        _paragraph(each).get(q("w14:paraId")): each.get(q("w:id")) for each in root if each.find(q("w:p")) is not None
    }
    lines: list[str] = []
    for each in root:
        entry = about.get(_paragraph(each).get(q("w14:paraId"))) if each.find(q("w:p")) is not None else None
        words = " ".join(leaf.text or "" for leaf in each.iter(q("w:t")))
        line = f"comment {each.get(q('w:id'))} by {each.get(q('w:author'))}"
        if entry is not None and entry.get(q("w15:paraIdParent")):
            line += f", answers {owners.get(entry.get(q('w15:paraIdParent')), '?')}"
        if entry is not None and entry.get(q("w15:done")) in ("1", "true"):
            line += ", resolved"
        lines.append(f"{line}, on {_on(draft, each.get(q('w:id')))!r}: {words}")
    return lines


def _on(draft: Draft, identity: str) -> str:
    """The words that a comment is on."""
    start = next((each for each in draft.body.iter(q("w:commentRangeStart")) if each.get(q("w:id")) == identity), None)
    if start is None:
        return ""
    out = ""
    for element in start.itersiblings():
        if element.tag == q("w:commentRangeEnd") and element.get(q("w:id")) == identity:
            break
        out += "".join(leaf.text or "" for leaf in element.iter(q("w:t")))
    return out if len(out) < 80 else f"{out[:80]}…"
