"""IF fields that depend on merged values: worked out as Word does when it merges."""

from __future__ import annotations

import fnmatch
import operator
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from agent.errors import ToolFault
from agent.office.documents.fields import Field, fields_of
from agent.office.documents.leaves import fill_run
from agent.office.xml import Element, local, make, q, remove

_OPEN, _CLOSE = "\u0001", "\u0002"  # around merged values, which may hold blanks and quotes
_VALUE: Final = f"{_OPEN}[^{_CLOSE}]*{_CLOSE}"
_QUOTED: Final = f'["“](?:[^"“”{_OPEN}]|{_VALUE})*["”]'
_ONE: Final = rf"({_QUOTED}|{_VALUE}|[^\s\"“”=<>{_OPEN}]+)"
_IF: Final = re.compile(rf"IF\s+{_ONE}\s*(<=|>=|<>|=|<|>)\s*{_ONE}\s+{_ONE}(?:\s+{_ONE})?\s*(?:\\\*.*)?", re.DOTALL)

_COMPARED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip


def depending(root: Element) -> list[Element]:
    """The first runs of IF fields that have merge fields in their conditions or words, the inner ones first."""
    merged = {each.begin for each in fields_of(root) if each.code.startswith("MERGEFIELD")}
    return [each.begin for each in _ifs(root) if not merged.isdisjoint(_between(each))]


def decide(root: Element, begins: list[Element]) -> None:
    """Put what the conditions come to in the place of these fields, when the fields in them are filled.

    Raises:
        ToolFault: one of them cannot be understood.
    """
    for begin in begins:
        if (found := next((each for each in _ifs(root) if each.begin is begin), None)) is None:
            continue
        code = "".join(_told(run) for run in found.codes).strip()
        if (match := _IF.fullmatch(code)) is None:
            plain = code.replace(_OPEN, "").replace(_CLOSE, "")
            raise ToolFault(f"the field {{ {plain[:120]} }} depends on merged values and cannot be worked out here.")
        one, sign, other, yes, no = (_plain(each or "") for each in match.groups())
        _put(found, yes if _holds(one, sign, other) else no)


def _ifs(root: Element) -> Iterator[Field]:
    return (each for each in fields_of(root) if re.match(r"IF\s", each.code) and each.end is not None)


def _between(found: Field) -> list[Element]:
    """The runs of a field's code, those of fields in it included."""
    runs: list[Element] = list(found.begin.getparent().iter(q("w:r")))
    ends = {found.end, *(run for run in found.codes[-1:] if _separates(run))}
    start = runs.index(found.begin) + 1
    stop = next((number for number in range(start, len(runs)) if runs[number] in ends), len(runs))
    return runs[start:stop]


def _separates(run: Element) -> bool:
    return any(child.get(q("w:fldCharType")) == "separate" for child in run if local(child) == "fldChar")


def _told(run: Element) -> str:
    """What a run says in a code: itself, or the value that has been merged into it."""
    code = "".join(leaf.text or "" for leaf in run.iter(q("w:instrText")))
    value = "".join(leaf.text or "" for leaf in run.iter(q("w:t")))
    return code + (f"{_OPEN}{value}{_CLOSE}" if value or not (code or list(run.iter(q("w:fldChar")))) else "")


def _plain(text: str) -> str:
    quoted = text[:1] in ('"', "“") and text[-1:] in ('"', "”")
    return (text[1:-1] if quoted else text).replace(_OPEN, "").replace(_CLOSE, "")


def _holds(one: str, sign: str, other: str) -> bool:
    a, b = _number(one), _number(other)
    if a is not None and b is not None:
        return _COMPARED[sign](a, b)
    if sign in ("=", "<>"):
        return fnmatch.fnmatchcase(one, other.replace("[", "[[]")) == (sign == "=")
    return _COMPARED[sign](one, other)


def _number(text: str) -> float | None:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


def _put(found: Field, words: str) -> None:
    holder = found.result[0] if found.result else make(found.begin, "w:r")
    if not found.result:
        found.begin.addprevious(holder)
    for child in [each for each in holder if each.tag != q("w:rPr")]:
        holder.remove(child)
    fill_run(holder, words)
    for run in [*found.codes, *found.result, found.end]:
        if run is not holder:
            remove(run)
