"""Fields: numbers of captions, references, and what they show now."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from agent.errors import ToolFault
from agent.office.documents import operations as do
from agent.office.documents.building import bookmark, bookmarks, field
from agent.office.documents.draft import Draft, blocks_of
from agent.office.documents.leaves import fill_run, isolate, said
from agent.office.documents.leaves import put_after as put_after  # pyright: ignore[reportPrivateUsage]
from agent.office.documents.leaves import run_before as run_before  # pyright: ignore[reportPrivateUsage]
from agent.office.documents.tracking import owner
from agent.office.xml import Element, first, local, make, q, remove

_HEADING = re.compile(r"heading [1-9]$", re.IGNORECASE)

_WORKED_OUT = re.compile(r"(REF|NOTEREF|SEQ|STYLEREF|DATE|TIME|PAGE|NUMPAGES|TITLE|AUTHOR|FILENAME|DOCPROPERTY)\b")


@dataclass
class Field:
    """A field.

    Attributes:
        code: what it is worked out by.
        begin, end: the runs that hold its first and its last mark.
        codes: the runs from its beginning to its separator.
        result: the runs that show its result, those of fields within it included.
    """

    begin: Element
    end: Element = None
    code: str = ""
    codes: list[Element] = dataclass_field(default_factory=list[Element])
    result: list[Element] = dataclass_field(default_factory=list[Element])
    separated: bool = False


def fields_of(root: Element) -> Iterator[Field]:
    """All fields below, those in the result of another one first."""
    for simple in root.iter(q("w:fldSimple")):
        yield Field(simple, simple, (simple.get(q("w:instr")) or "").strip(), [], simple.findall(q("w:r")))
    open_ones: list[Field] = []
    for run in root.iter(q("w:r")):
        yield from _read(run, open_ones)


def _read(run: Element, open_ones: list[Field]) -> Iterator[Field]:
    """Take a run into the fields that are open there: those that end with it."""
    marks = [child.get(q("w:fldCharType")) for child in run if local(child) == "fldChar"]
    if "begin" in marks:
        open_ones.append(Field(run))
    if not open_ones:
        return
    inner = open_ones[-1]
    for each in open_ones:
        if not each.separated and each is inner:
            each.codes.append(run)
        elif each.separated and not (each is inner and "end" in marks):
            each.result.append(run)
    if not inner.separated:
        inner.code += "".join(leaf.text or "" for leaf in run.iter(q("w:instrText")))
    if "separate" in marks:
        inner.separated = True
    if "end" in marks:
        inner.end, inner.code = run, inner.code.strip()
        yield open_ones.pop()


def torn(draft: Draft, chosen: list[Element]) -> str:
    """The code of a field that begins or ends in these blocks, but not both; "" where there is none."""
    inside = set(chosen)
    for each in fields_of(draft.body):
        ends = [not inside.isdisjoint(run.iterancestors()) for run in (each.begin, each.end) if run is not None]
        if len(set(ends)) > 1:
            return each.code or "field"
    return ""


def leading_nowhere(draft: Draft) -> set[str]:
    """Bookmarks that references and links name, and that are not there; those of tables of contents left out."""
    named = {match[1] for each in fields_of(draft.body) if (match := re.match(r"(?:PAGE|NOTE)?REF\s+(\S+)", each.code))}
    named |= {each.get(q("w:anchor")) for each in draft.body.iter(q("w:hyperlink")) if each.get(q("w:anchor"))}
    return {name for name in named - bookmarks(draft).keys() if not name.startswith("_Toc") and name != "_top"}


def results(draft: Draft) -> dict[Element, tuple[str, str]]:
    """What fields show that are worked out from elsewhere, with their codes, by the runs that they begin with."""
    return {
        each.begin: (each.code, "".join(leaf.text or "" for run in each.result for leaf in run.iter(q("w:t"))))
        for each in fields_of(draft.body)
        if _WORKED_OUT.match(each.code)
    }


def written_over(draft: Draft, before: dict[Element, tuple[str, str]]) -> list[str]:
    """The codes of fields that show other words than `before`, and will show their own when they are worked out."""
    now, marks = results(draft), bookmarks(draft)
    found: list[str] = []
    for begin, (code, text) in before.items():
        shown = now.get(begin, (code, text))[1]
        mark = marks.get(code.split()[1]) if code.startswith("REF") and len(code.split()) > 1 else None
        if shown != text and (mark is None or bookmarked(mark) != shown):
            found.append(code)
    return found


def show(found: Field, text: str) -> None:
    """Let a field show another result."""
    if "".join(leaf.text or "" for run in found.result for leaf in run.iter(q("w:t"))) == text:
        return
    if not found.result:
        return
    keep, *rest = found.result
    for child in [each for each in keep if each.tag != q("w:rPr")]:
        keep.remove(child)
    fill_run(keep, text)
    for run in rest:
        remove(run)


def renumber(draft: Draft) -> None:
    """Number captions by their order, and bring references to bookmarks up to date."""
    counts: dict[str, int] = {}
    found = list(fields_of(draft.body))
    order = {run: number for number, run in enumerate(draft.body.iter(q("w:r"), q("w:fldSimple")))}
    for each in sorted(found, key=lambda each: order[each.begin]):
        name = re.match(r"SEQ\s+(\S+)", each.code)
        if name and local(each.begin.getparent()) != "del":
            counts[name[1]] = counts.get(name[1], 0) + 1
            show(each, str(counts[name[1]]))
    marks = bookmarks(draft)
    for each in found:
        name = re.match(r"REF\s+(\S+)", each.code)
        if name and name[1] in marks and not re.search(r"\\[nrw]\b", each.code):
            show(each, bookmarked(marks[name[1]]))


def bookmarked(start: Element) -> str:
    """The text of a bookmark that lies in one paragraph."""
    number, out = start.get(q("w:id")), ""
    for element in start.itersiblings():
        if element.tag == q("w:bookmarkEnd") and element.get(q("w:id")) == number:
            break
        out += "".join(leaf.text or "" for leaf in element.iter(q("w:t")))
    return out


def heading_level(draft: Draft, paragraph: Element) -> int | None:
    """1 to 9 of a heading, None of other paragraphs."""
    style = first(paragraph, "w:pPr", "w:pStyle")
    name = draft_styles(draft).get(style.get(q("w:val")) if style is not None else "", "")
    return int(name[-1]) if _HEADING.match(name) else None


def draft_styles(draft: Draft) -> dict[str, str]:
    """Names of styles by their ids."""
    held = draft.document.styles.element.findall(q("w:style"))
    return {
        style.get(q("w:styleId")) or "": first(style, "w:name").get(q("w:val"))
        for style in held
        if first(style, "w:name") is not None
    }


def insert_bookmark(draft: Draft, operation: do.InsertBookmark) -> str:
    """Name a place."""
    if not re.fullmatch(r"[^\W\d]\w{0,39}", operation.name):
        raise ToolFault("a bookmark's name has 1 to 40 letters, digits or _ and begins with a letter.")
    if operation.name in bookmarks(draft):
        raise ToolFault(f"there is a bookmark {operation.name!r} already.")
    paragraph, runs = words_of(draft, operation.block, operation.words)
    bookmark(draft, paragraph, operation.name, runs)
    return f"bookmark {operation.name!r} set"


def words_of(draft: Draft, block: int | None, words: str | None) -> tuple[Element, list[Element] | None]:
    """A paragraph, and the runs of these words in it; None for all of it. Raises ToolFault."""
    if block is None and words is None:
        raise ToolFault("give block, or the words.")
    holder = draft.block(block) if block is not None else draft.find(words or "")
    paragraphs = [holder] if holder.tag == q("w:p") else list(holder.iter(q("w:p")))
    if words is None:
        return paragraphs[0], None
    for paragraph in paragraphs:
        start = said(paragraph).find(words)
        if start >= 0:
            return paragraph, isolate(paragraph, start, start + len(words))
    raise ToolFault(f"{words[:80]!r} does not stand in block {block} as one piece.")


def insert_runs_after(draft: Draft, block: int | None, words: str, runs: list[Element]) -> None:
    """Put runs after words of a paragraph, tracked where edits are. Raises ToolFault."""
    paragraph, found = words_of(draft, block, words)
    start = said(paragraph).find(words) + len(words)
    anchor = (found or [None])[-1] if found else run_before(paragraph, start)
    for run in reversed(runs):
        put_after(paragraph, anchor, run)
    if draft.tracker:
        draft.tracker.insert_runs(runs)


def insert_reference(draft: Draft, operation: do.InsertReference) -> str:
    """A cross reference."""
    name, text = _target(draft, operation)
    paragraph, _ = words_of(draft, operation.block, operation.after)
    code = {"text": f"REF {name} \\h", "page": f"PAGEREF {name} \\h", "number": f"REF {name} \\h"}[operation.show]
    blank = make(paragraph, "w:r")
    fill_run(blank, " ")
    runs = field(paragraph, code, "1" if operation.show == "page" else text)
    space = [] if operation.after.endswith((" ", "(")) else [blank]
    insert_runs_after(draft, operation.block, operation.after, [*space, *runs])
    draft.wants_pages |= operation.show == "page"
    return f"reference to {operation.to[:60]!r} inserted"


def _target(draft: Draft, operation: do.InsertReference) -> tuple[str, str]:
    """Name of the bookmark that is referred to, made where it is missing, and what it says."""
    marks = bookmarks(draft)
    if operation.to in marks:
        return operation.to, bookmarked(marks[operation.to])
    found = _headed(draft, operation.to)
    name = f"_Ref{secrets.randbelow(900_000_000) + 100_000_000}"
    label = re.match(r"\w+\s+\d+", said(found))
    if operation.show == "number":
        if not label or heading_level(draft, found):
            raise ToolFault("show number is for captions; refer to a heading by its text or page.")
        ends = [each.end for each in fields_of(found) if each.code.startswith("SEQ")]
        bookmark(draft, found, name, [*isolate(found, 0, label.end())[:1], *ends[:1]])
        return name, label[0]
    bookmark(draft, found, name)
    return name, said(found)


def _headed(draft: Draft, text: str) -> Element:
    """A heading or a caption by its text. Raises ToolFault."""
    wanted = text.casefold().strip()
    names = draft_styles(draft)
    found: list[Element] = []
    for block in blocks_of(draft.body):
        style = first(block, "w:pPr", "w:pStyle")
        name = names.get(style.get(q("w:val")) if style is not None else "", "").casefold()
        if block.tag == q("w:p") and name.startswith(("heading", "caption")) and wanted in said(block).casefold():
            found.append(block)
    exact = [block for block in found if said(block).casefold().strip() == wanted]
    found = exact if exact else found
    if len(found) != 1:
        raise ToolFault(f"{len(found)} headings or captions hold {text!r}; one must.")
    return found[0]


def in_deletion(element: Element) -> bool:
    """Whether something stands in text that is deleted."""
    return next(element.iterancestors(q("w:del"), q("w:moveFrom")), None) is not None or owner(element) is None
