"""A workbook as a package whose parts are changed one by one. What is not touched is written back byte for byte."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.errors import ToolFault
from agent.office.package import Package
from agent.office.spreadsheets.markup import (
    MAIN,
    PACKAGE_RELATIONS,
    R_ID,
    STRICT_MAIN,
    TYPES,
    children,
    drop,
    insert_ordered,
    m,
    read_xml,
    rels_name,
    target_part,
    target_text,
    write_xml,
)  # fmt: skip
from agent.office.xml import Element, etree

if TYPE_CHECKING:
    from agent.office.spreadsheets.sheet import Sheet
    from agent.office.spreadsheets.styles import Styles

CONTENT_TYPES: Final = "[Content_Types].xml"
OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_ORDER: Final = (
    "fileVersion", "fileSharing", "workbookPr", "workbookProtection", "bookViews", "sheets", "functionGroups",
    "externalReferences", "definedNames", "calcPr", "oleSize", "customWorkbookViews", "pivotCaches", "smartTagPr",
    "smartTagTypes", "webPublishing", "fileRecoveryPr", "webPublishObjects", "extLst",
)  # fmt: skip
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")


@dataclass(frozen=True, slots=True)
class Relation:
    """A line between two parts."""

    id: str
    type: str
    target: str
    external: bool


def is_strict(path: Path, name: str) -> bool:
    """Whether a workbook is of the rare kind with other names for everything. Raises ToolFault."""
    with Package.open(path, name) as package:
        return "_rels/.rels" in package.names and b"purl.oclc.org/ooxml/officeDocument" in package.read("_rels/.rels")


class Book:
    """An open workbook. `parts` that were asked for with `xml` are written anew if they have changed."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self._roots: dict[str, Element] = {}
        self._before: dict[str, bytes] = {}
        self._new: dict[str, bytes] = {}
        self._dropped: set[str] = set()
        self._open: dict[str, Sheet] = {}
        self._chainless = False
        self.part = self._main_part()
        if self.root.tag == f"{{{STRICT_MAIN}}}workbook":
            raise ToolFault(
                f"{package.name} is «Strict Open XML», which is not read here. Save a copy of it as ordinary .xlsx."
            )
        if self.root.tag != m("workbook"):
            raise ToolFault(f"{package.name} is damaged: it holds no workbook.")

    # Parts

    def has(self, part: str) -> bool:
        """Whether there is such a part now."""
        return part in self._new or (part in self.package.names and part not in self._dropped)

    @property
    def names(self) -> list[str]:
        """Of all parts as they are now."""
        return [name for name in self.package.names if name not in self._dropped] + [
            name for name in self._new if name not in self.package.names
        ]

    def read(self, part: str) -> bytes:
        """A part as it is now, except where its tree has been changed."""
        return self._new[part] if part in self._new else self.package.read(part)

    def xml(self, part: str) -> Element:
        """The tree of a part, which may be changed."""
        if part not in self._roots:
            self._roots[part] = read_xml(self.read(part), self.package.name)
            self._before[part] = write_xml(self._roots[part])
        return self._roots[part]

    def put(self, part: str, data: bytes) -> None:
        """A part as a whole, new or in place of what it was."""
        self._roots.pop(part, None)
        self._new[part] = data
        self._dropped.discard(part)

    def add(self, part: str, data: bytes, content_type: str) -> None:
        """A new part, of a type."""
        self.put(part, data)
        types = self.xml(CONTENT_TYPES)
        etree.SubElement(types, f"{{{TYPES}}}Override", {"PartName": f"/{part}", "ContentType": content_type})

    def remove(self, part: str) -> None:
        """Drop a part, its relationships and its type."""
        for name in (part, rels_name(part)):
            self._new.pop(name, None)
            self._roots.pop(name, None)
            self._dropped.add(name)
        for override in self.xml(CONTENT_TYPES).findall(f"{{{TYPES}}}Override"):
            if override.get("PartName") == f"/{part}":
                drop(override)

    def remove_tree(self, part: str) -> None:
        """Drop a part and, below it, what nothing else leads to."""
        below = [each.target for each in self.relations(part) if not each.external and self.has(each.target)]
        self.remove(part)
        for target in below:
            users = [name for name in self.names if name.endswith(".rels") and name != rels_name(target)]
            if self.has(target) and not any(target in self._targets(name) for name in users):
                self.remove_tree(target)

    def _targets(self, rels: str) -> set[str]:
        folder, _, file = rels.rpartition("_rels/")
        return {each.target for each in self.relations(folder + file.removesuffix(".rels")) if not each.external}

    def type_of(self, part: str) -> str:
        """The content type of a part."""
        types = self.xml(CONTENT_TYPES)
        for override in types.findall(f"{{{TYPES}}}Override"):
            if override.get("PartName", "").lower() == f"/{part}".lower():
                return override.get("ContentType", "")
        suffix = part.rpartition(".")[2].lower()
        defaults = {each.get("Extension", "").lower(): each for each in types.findall(f"{{{TYPES}}}Default")}
        return defaults[suffix].get("ContentType", "") if suffix in defaults else ""

    def default_type(self, suffix: str, content_type: str) -> None:
        """The type of all parts whose names end so."""
        types = self.xml(CONTENT_TYPES)
        known = {each.get("Extension", "").lower() for each in types.findall(f"{{{TYPES}}}Default")}
        if suffix not in known:
            attributes = {"Extension": suffix, "ContentType": content_type}
            types.insert(0, etree.Element(f"{{{TYPES}}}Default", attributes))

    def free(self, pattern: str) -> str:
        """The first name like "xl/charts/chart{}.xml" that no part has."""
        taken = {name.lower() for name in self.names} | {name.lower() for name in self.package.names}
        return next(name for n in range(1, 100_000) if (name := pattern.format(n)).lower() not in taken)

    # Relationships

    def relations(self, part: str) -> list[Relation]:
        """Where a part leads to."""
        name = rels_name(part)
        if not self.has(name):
            return []
        return [
            Relation(
                each.get("Id", ""), each.get("Type", "").rpartition("/")[2],
                each.get("Target", "") if each.get("TargetMode") == "External"
                else target_part(part, each.get("Target", "")),
                each.get("TargetMode") == "External",
            )
            for each in self.xml(name).findall(f"{{{PACKAGE_RELATIONS}}}Relationship")
        ]  # fmt: skip

    def related(self, part: str, kind: str) -> list[str]:
        """Parts that a part leads to by a kind of relationship."""
        found = [each.target for each in self.relations(part) if each.type == kind and not each.external]
        return [target for target in found if self.has(target)]

    def relate(self, part: str, kind: str, target: str, *, external: bool = False) -> str:
        """A new relationship; its id."""
        name = rels_name(part)
        if not self.has(name):
            self.put(name, f'<Relationships xmlns="{PACKAGE_RELATIONS}"/>'.encode())
        root = self.xml(name)
        taken = {each.get("Id") for each in root}
        ident = next(f"rId{n}" for n in range(1, 100_000) if f"rId{n}" not in taken)
        whole = kind if "://" in kind else OFFICE + kind
        attributes = {"Id": ident, "Type": whole, "Target": target if external else target_text(part, target)}
        etree.SubElement(
            root, f"{{{PACKAGE_RELATIONS}}}Relationship", attributes | ({"TargetMode": "External"} if external else {})
        )
        return ident

    def unrelate(self, part: str, target: str) -> None:
        """Drop the relationships of a part to another one, or with that id."""
        root = self.xml(rels_name(part))
        for each in list(root):
            if each.get("Id") == target or target_part(part, each.get("Target", "")) == target:
                drop(each)

    # The workbook

    def _main_part(self) -> str:
        found = self.related("", "officeDocument")
        if not found:
            raise ToolFault(f"{self.package.name} is damaged: it does not say which part is the workbook.")
        return found[0]

    @property
    def root(self) -> Element:
        """Of the workbook's own part."""
        return self.xml(self.part)

    def child(self, name: str) -> Element:
        """A child of the workbook, made where the schema wants it if it is not there."""
        if (found := self.root.find(m(name))) is None:
            found = etree.Element(m(name))
            insert_ordered(self.root, found, _ORDER)
        return found

    @property
    def entries(self) -> list[Element]:
        """The `sheet` elements, chart sheets among them."""
        return children(self.root.find(m("sheets")), "sheet")

    @property
    def sheet_names(self) -> list[str]:
        """In their order."""
        return [entry.get("name", "") for entry in self.entries]

    def part_of(self, entry: Element) -> str:
        """The part of a sheet."""
        for relation in self.relations(self.part):
            if relation.id == entry.get(R_ID):
                return relation.target
        raise ToolFault(f"{self.package.name} is damaged: sheet {entry.get('name')} leads nowhere.")

    def entry(self, name: str) -> Element:
        """The `sheet` element of a name, in whatever capitals. Raises ToolFault."""
        for entry in self.entries:
            if entry.get("name", "").casefold() == name.strip().casefold():
                return entry
        raise ToolFault(f"There is no sheet {name!r}; there are: {', '.join(self.sheet_names)}.")

    def sheet(self, name: str) -> Sheet:
        """A sheet of cells. Raises ToolFault."""
        from agent.office.spreadsheets.sheet import Sheet

        entry = self.entry(name)
        part = self.part_of(entry)
        if part not in self._open:
            if not self._has_cells(name):
                raise ToolFault(f"{entry.get('name')} is a sheet without cells.")
            self._open[part] = Sheet(self, part)
        return self._open[part]

    def sheets(self) -> list[tuple[str, Sheet]]:
        """All sheets of cells with their names."""
        return [(name, self.sheet(name)) for name in self.sheet_names if self._has_cells(name)]

    def _has_cells(self, name: str) -> bool:
        wanted = self.entry(name).get(R_ID)
        return any(each.id == wanted and each.type == "worksheet" for each in self.relations(self.part))

    def forget(self, part: str) -> None:
        """A sheet is gone."""
        self._open.pop(part, None)

    def name_of(self, sheet: Sheet) -> str:
        """The name of an open sheet."""
        return next(entry.get("name", "") for entry in self.entries if self.part_of(entry) == sheet.part)

    @cached_property
    def styles(self) -> Styles:
        """Looks of cells."""
        from agent.office.spreadsheets.styles import Styles

        found = self.related(self.part, "styles")
        if not found:
            part = "xl/styles.xml"
            self.add(part, _NO_STYLES, "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml")
            self.relate(self.part, "styles", part)
            found = [part]
        return Styles(self.xml(found[0]))

    @property
    def date_1904(self) -> bool:
        """Whether days are counted from 1904."""
        found = self.root.find(m("workbookPr"))
        return found is not None and found.get("date1904") in ("1", "true")

    def no_calc_chain(self) -> None:
        """Formulas have come or gone: the list of them, which programs make anew, goes."""
        if not self._chainless:
            self._chainless = True
            for part in self.related(self.part, "calcChain"):
                self.remove(part)
                self.unrelate(self.part, part)

    def calculate_on_opening(self) -> None:
        """Programs work everything out when they open it."""
        self.child("calcPr").set("fullCalcOnLoad", "1")

    def defined_names(self) -> list[Element]:
        """The `definedName` elements."""
        return children(self.root.find(m("definedNames")), "definedName")

    # Writing

    def changed(self) -> dict[str, bytes]:
        """All parts that are not as they were."""
        out = dict(self._new)
        for part, sheet in self._open.items():
            if (data := sheet.changed()) is not None:
                out[part] = data
        for part, root in self._roots.items():
            if part not in self._dropped and (data := write_xml(root)) != self._before[part]:
                out[part] = data
        return out

    def save(self, target: Path) -> None:
        """Write it to another file. Raises OSError."""
        self.package.save(target, self.changed(), self._dropped)


def check_sheet_name(name: str, taken: list[str]) -> str:
    """A name that a new sheet may have. Raises ToolFault."""
    if not 0 < len(name) <= 31 or _FORBIDDEN.search(name) or name.startswith("'") or name.endswith("'"):
        raise ToolFault(f"{name!r} cannot be a sheet's name: 1 to 31 characters, none of []:*?/\\, no ' at the ends.")
    if name.casefold() in (each.casefold() for each in taken):
        raise ToolFault(f"There is already a sheet {name!r}.")
    return name


_NO_STYLES = (
    f'<styleSheet xmlns="{MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>'
    '</fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/>'
    '</fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="1">'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs><cellStyles count="1">'
    '<cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles><dxfs count="0"/></styleSheet>'
).encode()
