"""Packages: read within limits, changed in one part, all others the same byte for byte."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from agent.errors import ToolFault
from agent.office import package as packages
from agent.office.package import Package, new_package


def _made(path: Path, parts: dict[str, bytes]) -> Path:
    new_package(path, parts)
    return path


def _raw(path: Path) -> dict[str, tuple[int, int, bytes]]:
    """Each entry's checksum, packed size and packed bytes."""
    found: dict[str, tuple[int, int, bytes]] = {}
    with zipfile.ZipFile(path) as file, path.open("rb") as raw:
        for info in file.infolist():
            raw.seek(info.header_offset + 26)
            lengths = raw.read(4)
            raw.seek(lengths[0] + 256 * lengths[1] + lengths[2] + 256 * lengths[3], 1)
            found[info.filename] = (info.CRC, info.compress_size, raw.read(info.compress_size))
    return found


def test_one_part_is_replaced_and_all_others_stay_packed_as_they_were(tmp_path: Path) -> None:
    source = _made(tmp_path / "a.zip", {"mimetype": b"x/y", "one.xml": b"<a/>" * 999, "two.bin": bytes(range(256)) * 9})
    target = tmp_path / "b.zip"
    with Package.open(source, "a.zip") as package:
        package.save(target, {"one.xml": b"<b/>", "new.xml": b"<n/>"}, ["gone.xml"])
    before, after = _raw(source), _raw(target)
    assert list(after) == ["mimetype", "one.xml", "two.bin", "new.xml"]
    assert after["two.bin"] == before["two.bin"] and after["mimetype"] == before["mimetype"]
    with zipfile.ZipFile(target) as file:
        assert file.testzip() is None
        assert file.read("one.xml") == b"<b/>"
        assert file.getinfo("mimetype").compress_type == zipfile.ZIP_STORED


def test_entries_written_to_a_stream_are_copied_too(tmp_path: Path) -> None:
    """Their sizes stand behind the data; in the copy they stand before it."""
    source = tmp_path / "a.zip"

    class Unseekable:
        def __init__(self) -> None:
            self.data = bytearray()

        def write(self, data: bytes) -> int:
            self.data += data
            return len(data)

        def flush(self) -> None: ...

    stream = Unseekable()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:  # type: ignore[arg-type]  # pyright: ignore
        file.writestr("one.xml", b"hello" * 100)
        file.writestr("two.xml", b"world" * 100)
    source.write_bytes(stream.data)
    with Package.open(source, "a.zip") as package:
        package.save(tmp_path / "b.zip", {"one.xml": b"new"})
    with zipfile.ZipFile(tmp_path / "b.zip") as file:
        assert file.testzip() is None
        assert file.read("two.xml") == b"world" * 100


def test_a_zip_bomb_is_not_opened(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file, file.open("xl/a.xml", "w") as part:
        for _ in range(80):
            part.write(bytes(1 << 20))
    with pytest.raises(ToolFault, match="zip bomb"):
        Package.open(bomb, "bomb.xlsx")


def test_too_many_entries_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MOST_ENTRIES", 3)
    path = _made(tmp_path / "a.zip", {f"{n}.xml": b"" for n in range(4)})
    with pytest.raises(ToolFault, match="zip bomb"):
        Package.open(path, "a.zip")


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_cut_off_package_is_damaged(tmp_path: Path, cut: float) -> None:
    path = _made(tmp_path / "a.zip", {"one.xml": b"<a/>" * 999})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * cut)])
    with pytest.raises(ToolFault, match="damaged"):
        Package.open(path, "a.zip")


def test_flipped_bytes_are_noticed(tmp_path: Path) -> None:
    path = _made(tmp_path / "a.zip", {"one.xml": bytes(range(256)) * 40})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    with Package.open(path, "a.zip") as package, pytest.raises(ToolFault, match="damaged"):
        package.read("one.xml")


def test_a_protected_package_and_one_with_paths_outside_are_refused(tmp_path: Path) -> None:
    path = _made(tmp_path / "a.zip", {"../evil.xml": b"<a/>"})
    with pytest.raises(ToolFault, match="outside"):
        Package.open(path, "a.zip")
    flagged = bytearray(_made(tmp_path / "b.zip", {"one.xml": b"<a/>"}).read_bytes())
    flagged[flagged.rindex(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(flagged)
    with pytest.raises(ToolFault, match="password"):
        Package.open(tmp_path / "b.zip", "b.zip")
