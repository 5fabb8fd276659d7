"""What files are is told by their content, whatever their names say."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
from docx import Document
from openpyxl import Workbook
from PIL import Image
from pptx import Presentation

from agent.errors import ToolFault
from agent.office.compound import MAGIC
from agent.office.formats import FAMILY, examine


def _compound(streams: dict[str, bytes]) -> bytes:
    """A compound file with these streams, one sector each."""
    header = bytearray(512)
    header[:8] = MAGIC
    struct.pack_into("<H", header, 0x1E, 9)
    struct.pack_into("<I", header, 0x30, 1)  # the directory
    struct.pack_into("<109I", header, 0x4C, 0, *([0xFFFFFFFF] * 108))
    table = struct.pack("<128I", 0xFFFFFFFD, 0xFFFFFFFE, *([0xFFFFFFFE] * 126))
    directory, sectors = bytearray(), b""
    for number, (name, data) in enumerate(streams.items()):
        entry = bytearray(128)
        encoded = name.encode("utf-16-le") + b"\0\0"
        entry[: len(encoded)] = encoded
        struct.pack_into("<H", entry, 64, len(encoded))
        struct.pack_into("<I", entry, 116, 2 + number)
        directory += entry
        sectors += data.ljust(512, b"\0")
    return bytes(header) + table + bytes(directory).ljust(512, b"\0") + sectors


_BOF = struct.pack("<HH", 0x0809, 16) + bytes(16)
_FILE_PASS = struct.pack("<HH", 0x2F, 6) + bytes(6)


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_each_kind_is_known(tmp_path: Path) -> None:
    Workbook().save(tmp_path / "a.xlsx")
    Document().save(str(tmp_path / "a.docx"))
    Presentation().save(str(tmp_path / "a.pptx"))
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    _write(tmp_path / "a.pdf", b"%PDF-1.7\n")
    _write(tmp_path / "a.rtf", b"{\\rtf1 hello}")
    _write(tmp_path / "a.csv", b"a,b\n1,2\n")
    _write(tmp_path / "a.tsv", b"a\tb\n")
    _write(tmp_path / "notes.md", "Grüße".encode())
    _write(tmp_path / "a.xls", _compound({"Workbook": _BOF}))
    _write(tmp_path / "a.doc", _compound({"WordDocument": bytes(32)}))
    _write(tmp_path / "a.ppt", _compound({"PowerPoint Document": b""}))
    found = {path.name: examine(path, path.name) for path in sorted(tmp_path.iterdir())}
    assert found == {
        "a.xlsx": "xlsx", "a.docx": "docx", "a.pptx": "pptx", "a.png": "png", "a.ods": "ods", "a.pdf": "pdf",
        "a.rtf": "rtf", "a.csv": "csv", "a.tsv": "csv", "notes.md": "text", "a.xls": "xls", "a.doc": "doc",
        "a.ppt": "ppt",
    }  # fmt: skip
    assert FAMILY["ods"] == FAMILY["csv"] == "spreadsheet"


def test_without_an_extension_the_content_says_it(tmp_path: Path) -> None:
    Workbook().save(tmp_path / "a.xlsx")
    assert examine((tmp_path / "a.xlsx").rename(tmp_path / "workbook"), "workbook") == "xlsx"
    assert examine(_write(tmp_path / "blob", b"\0\1\2"), "blob") == "unknown"


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.xlsx", b"%PDF-1.4", "named .xlsx but is a .pdf"),
        ("a.xls", b"<html><table></table></html>", "named .xls but is plain text"),
        ("a.xlsx", b"\x01\x02\x00garbage", "damaged"),
        ("a.docx", b"PK\x03\x04 cut off", "damaged"),
        ("a.xlsx", b"", "empty"),
        ("a.xls", _compound({"Workbook": _BOF + _FILE_PASS}), "password"),
        ("a.xlsx", _compound({"EncryptionInfo": b"", "EncryptedPackage": b""}), "password"),
        ("a.doc", _compound({"WordDocument": bytes(10) + b"\x00\x01"}), "password"),
        ("a.xls", MAGIC + b"\0" * 600, "damaged"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    with pytest.raises(ToolFault, match=told):
        examine(_write(tmp_path / name, data), name)


def test_a_workbook_named_as_text_document(tmp_path: Path) -> None:
    Workbook().save(tmp_path / "a.xlsx")
    with pytest.raises(ToolFault, match=r"is a \.xlsx file"):
        examine((tmp_path / "a.xlsx").rename(tmp_path / "a.docx"), "a.docx")


def test_an_encrypted_opendocument(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("META-INF/manifest.xml", "<manifest:encryption-data/>")
    with pytest.raises(ToolFault, match="password"):
        examine(tmp_path / "a.ods", "a.ods")


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(ToolFault, match="does not exist"):
        examine(tmp_path / "none.xlsx", "none.xlsx")
    with pytest.raises(ToolFault, match="no file"):
        examine(tmp_path, "folder")
