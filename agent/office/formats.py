"""What a file really is, told by its content. Its name only says what it claims to be."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias

from agent.errors import ToolFault
from agent.office import compound
from agent.office.package import Package

Kind: TypeAlias = Literal[
    "xlsx", "xlsm", "xltx", "xltm", "xlsb", "xls", "ods", "ots", "csv",
    "pptx", "pptm", "potx", "ppsx", "ppt", "odp", "otp",
    "docx", "docm", "dotx", "dotm", "doc", "odt", "ott", "rtf",
    "pdf", "png", "jpeg", "gif", "bmp", "webp", "tiff", "text", "unknown",
]  # fmt: skip
Family: TypeAlias = Literal["spreadsheet", "slides", "document", "pdf", "picture", "text", "unknown"]

_FAMILIES: Final[Mapping[Family, tuple[Kind, ...]]] = {
    "spreadsheet": ("xlsx", "xlsm", "xltx", "xltm", "xlsb", "xls", "ods", "ots", "csv"),
    "slides": ("pptx", "pptm", "potx", "ppsx", "ppt", "odp", "otp"),
    "document": ("docx", "docm", "dotx", "dotm", "doc", "odt", "ott", "rtf"),
    "pdf": ("pdf",),
    "picture": ("png", "jpeg", "gif", "bmp", "webp", "tiff"),
    "text": ("text",),
    "unknown": ("unknown",),
}
FAMILY: Final[Mapping[Kind, Family]] = {kind: family for family, kinds in _FAMILIES.items() for kind in kinds}
MACROS: Final[frozenset[Kind]] = frozenset({"xlsm", "xltm", "pptm", "docm", "dotm"})
"""Kinds that may hold macros. These are kept and never run."""

_ALSO: Final[Mapping[str, Kind]] = {".jpg": "jpeg", ".tif": "tiff", ".tsv": "csv", ".tab": "csv"}
_NO_SUFFIX: Final[tuple[Kind, ...]] = ("text", "unknown")
_OWN: Final[Mapping[str, Kind]] = {f".{kind}": kind for kind in FAMILY if kind not in _NO_SUFFIX}
_OOXML: Final[Mapping[str, Kind]] = {
    "spreadsheetml.sheet.main": "xlsx",
    "ms-excel.sheet.macroenabled.main": "xlsm",
    "spreadsheetml.template.main": "xltx",
    "ms-excel.template.macroenabled.main": "xltm",
    "ms-excel.sheet.binary.macroenabled.main": "xlsb",
    "presentationml.presentation.main": "pptx",
    "ms-powerpoint.presentation.macroenabled.main": "pptm",
    "presentationml.template.main": "potx",
    "presentationml.slideshow.main": "ppsx",
    "wordprocessingml.document.main": "docx",
    "ms-word.document.macroenabled.main": "docm",
    "wordprocessingml.template.main": "dotx",
    "ms-word.template.macroenabledtemplate.main": "dotm",
}
_ODF: Final[Mapping[str, Kind]] = {
    "spreadsheet": "ods", "spreadsheet-template": "ots", "presentation": "odp",
    "presentation-template": "otp", "text": "odt", "text-template": "ott",
}  # fmt: skip
_PICTURES: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF87a", "gif"), (b"GIF89a", "gif"),
    (b"BM", "bmp"), (b"II*\0", "tiff"), (b"MM\0*", "tiff"),
)  # fmt: skip
_LOOKED_AT = 65_536  # bytes at the beginning that tell text from other things
_MANIFEST = "META-INF/manifest.xml"
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def examine(path: Path, name: str) -> Kind:
    """What a file is. Quick, and bounded in memory, whatever it holds.

    Args:
        name: what the model calls it.

    Raises:
        ToolFault: missing, no file, empty, damaged, protected with a password, a zip bomb, or not what its name says.
    """
    head = _head(path, name)
    claimed = _claimed(path.suffix.lower())
    kind = _by_content(path, name, head, claimed)
    _check_name(kind, claimed, path.suffix, name)
    return kind


def _claimed(suffix: str) -> Kind:
    return _OWN.get(suffix) or _ALSO.get(suffix) or "unknown"


def _head(path: Path, name: str) -> bytes:
    if not path.exists():
        raise ToolFault(f"{name} does not exist.")
    if not path.is_file():
        raise ToolFault(f"{name} is no file.")
    try:
        with path.open("rb") as file:
            head = file.read(_LOOKED_AT)
    except OSError as error:
        raise ToolFault(f"{name} cannot be read: {error.strerror or error}.") from None
    if not head:
        raise ToolFault(f"{name} is empty: it has 0 bytes.")
    return head


def _by_content(path: Path, name: str, head: bytes, claimed: Kind) -> Kind:
    if head.startswith(b"PK\x03\x04"):
        return _zipped(path, name)
    if head.startswith(compound.MAGIC):
        return _compound(path, name)
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"{\\rtf"):
        return "rtf"
    if picture := _picture(head):
        return picture
    if not _is_text(head):
        return "unknown"
    return "csv" if claimed == "csv" else "text"


def _picture(head: bytes) -> Kind | None:
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    return next((kind for magic, kind in _PICTURES if head.startswith(magic)), None)


def _is_text(head: bytes) -> bool:
    if head.startswith(_BOMS):
        return True
    if b"\0" in head:
        return False
    with_marks = sum(1 for byte in head if byte < 32 and byte not in b"\t\n\r\f\x1b")
    return with_marks <= len(head) // 200


def _zipped(path: Path, name: str) -> Kind:
    with Package.open(path, name) as package:
        if "[Content_Types].xml" in package.names:
            return _ooxml(package.read("[Content_Types].xml").lower())
        if "mimetype" in package.names:
            return _odf(package, name)
    return "unknown"


def _ooxml(types: bytes) -> Kind:
    for mark, kind in _OOXML.items():
        if mark.encode() in types:
            return kind
    return "unknown"


def _odf(package: Package, name: str) -> Kind:
    told = package.read("mimetype").decode("ascii", "replace").strip()
    if _MANIFEST in package.names and b"encryption-data" in package.read(_MANIFEST):
        raise _protected(name)
    return _ODF.get(told.removeprefix("application/vnd.oasis.opendocument."), "unknown")


def _compound(path: Path, name: str) -> Kind:
    try:
        found = compound.look(path)
    except (ValueError, OSError) as error:
        raise ToolFault(f"{name} is damaged: {error}. Ask for another copy of it.") from None
    if found.protected:
        raise _protected(name)
    return found.kind


def _protected(name: str) -> ToolFault:
    return ToolFault(
        f"{name} is protected with a password and cannot be read here. "
        "Ask the user for a copy without a password; do not ask for the password itself."
    )


def _check_name(kind: Kind, claimed: Kind, suffix: str, name: str) -> None:
    if kind == claimed or claimed == "unknown" or (FAMILY[kind] == FAMILY[claimed] == "picture"):
        return
    if kind == "unknown":
        raise ToolFault(f"{name} is damaged: it is no {suffix[1:]} file inside. Ask for another copy of it.")
    what = "plain text" if kind == "text" else f"a .{kind} file"
    raise ToolFault(
        f"{name} has the wrong extension: it is named {suffix} but is {what}. "
        f"Make a copy of it named .{'csv or .txt' if kind == 'text' else kind} and use that."
    )
