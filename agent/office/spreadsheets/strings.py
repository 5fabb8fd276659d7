"""The shared texts of a workbook, kept compactly: millions of them fit."""

from __future__ import annotations

from array import array

from agent.office.package import Package, damaged
from agent.office.spreadsheets.markup import m
from agent.office.spreadsheets.values import text_in
from agent.office.xml import Element, etree

_SOME = 2_000


class Strings:
    """Texts by number."""

    def __init__(self) -> None:
        self._texts = bytearray()
        self._ends = array("Q")
        self._recent: dict[int, str] = {}

    def add(self, text: str) -> None:
        """One more, at the end."""
        self._texts += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._texts))

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < len(self._ends):
            return ""
        start = self._ends[index - 1] if index else 0
        return self._texts[start : self._ends[index]].decode("utf-8", "surrogatepass")


def read_strings(package: Package, part: str | None) -> Strings:
    """Read them bit by bit. Raises ToolFault."""
    strings = Strings()
    if part is None:
        return strings
    try:
        with package.stream(part) as file:
            for _, item in etree.iterparse(file, tag=m("si"), resolve_entities=False, no_network=True, huge_tree=True):
                strings.add(text_in(item))
                forget(item)
    except etree.XMLSyntaxError as error:
        raise broken(package.name, error) from None
    except Exception as error:
        if (told := damaged(package.name, error)) is not None:
            raise told from None
        raise
    return strings


def broken(name: str, error: Exception) -> Exception:
    """What to tell of XML that is none."""
    from agent.errors import ToolFault

    return ToolFault(f"{name} is damaged ({error}). Nothing was changed. Ask for another copy of it.")


def forget(element: Element) -> None:
    """Free an element that was read, and those before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
