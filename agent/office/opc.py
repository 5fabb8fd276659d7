"""What a library has changed in a package, part by part, so that all the rest can stay as it was byte for byte."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from agent.errors import ToolFault
from agent.office.package import Package
from agent.office.xml import Element, parse, q, to_bytes

TYPES: Final = "[Content_Types].xml"
Known: TypeAlias = Mapping[str, bytes]  # digests of parts, by their names


@dataclass(frozen=True)
class Difference:
    """What to hand to `Package.save`."""

    replaced: Mapping[str, bytes]
    dropped: frozenset[str]


def damaged(path: Path, name: str, error: Exception) -> ToolFault:
    """What is told of a package that a library cannot read."""
    with suppress(OSError, KeyError, zipfile.BadZipFile), zipfile.ZipFile(path) as file:
        if b"purl.oclc.org/ooxml" in file.read("_rels/.rels"):
            return ToolFault(
                f"{name} is in the strict form of its format, which is not read here. Nothing was changed. Work on a "
                "copy in the usual form: LibreOffice makes one (soffice --convert-to), or the user saves one."
            )
    return ToolFault(f"{name} is damaged ({error}). Nothing was changed. Ask for another copy of it.")


def known(package: Any) -> Known:
    """The parts of a package that python-pptx or python-docx has just read, and what it would write for each.

    Parts that it does not know, and parts that it would write as now, stay as they are in the file.
    """
    return {name: _digest(data) for name, data in _written(package).items()}


def difference(original: Package, package: Any, before: Known) -> Difference:
    """What is not as it was when it was `known`."""
    written = _written(package)
    replaced = {name: data for name, data in written.items() if before.get(name) != _digest(data)}
    dropped = frozenset(before.keys() - written.keys())
    types = {part.partname.lstrip("/"): part.content_type for part in package.iter_parts()}
    if (table := _types(original.read(TYPES), types, dropped)) is not None:
        replaced[TYPES] = table
    return Difference(replaced, dropped)


def _written(package: Any) -> dict[str, bytes]:
    found = {"_rels/.rels": _bytes(_relations(package).xml)}
    for part in package.iter_parts():
        name = part.partname.lstrip("/")
        found[name] = part.blob
        if len(relations := _relations(part)):
            folder, _, file = name.rpartition("/")
            found[f"{folder}/_rels/{file}.rels".lstrip("/")] = _bytes(relations.xml)
    return found


def _relations(part: Any) -> Any:
    """Of a part or a package, of either library."""
    return part.rels if hasattr(part, "rels") else part._rels


def _bytes(xml: str | bytes) -> bytes:
    return xml.encode() if isinstance(xml, str) else xml


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _types(data: bytes, types: Mapping[str, str], dropped: frozenset[str]) -> bytes | None:
    """The table of content types with what has changed; None where nothing has."""
    root = parse(data)
    overrides = {each.get("PartName").lstrip("/").lower(): each for each in root if each.tag == q("ct:Override")}
    defaults = {each.get("Extension").lower(): each.get("ContentType") for each in root if each.tag == q("ct:Default")}
    changed = False
    for name in dropped:
        if (gone := overrides.pop(name.lower(), None)) is not None:
            root.remove(gone)
            changed = True
    for name, kind in types.items():
        override = overrides.get(name.lower())
        now = override.get("ContentType") if override is not None else defaults.get(name.rpartition(".")[2].lower())
        if now != kind:
            changed = True
            _set_type(root, override, name, kind)
    return to_bytes(root) if changed else None


def _set_type(root: Element, override: Element, name: str, kind: str) -> None:
    if override is None:
        override = root.makeelement(q("ct:Override"), {"PartName": f"/{name}"})
        root.append(override)
    override.set("ContentType", kind)
