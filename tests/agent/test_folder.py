"""The task's folder: nothing outside it, nothing over what somebody else has changed, nothing half written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ToolFault
from agent.tools.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    place = tmp_path / "Aufträge 2026"
    place.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    return Folder(place.resolve(), ("~/Documents",))


@pytest.mark.parametrize("text", ["a.txt", "./a.txt", "sub/../a.txt", "~/Documents/a.txt"])
def test_names_of_one_file(folder: Folder, text: str) -> None:
    assert folder.resolve(text) == folder.path / "a.txt"
    assert folder.resolve(str(folder.path / "a.txt")) == folder.path / "a.txt"
    assert folder.name(folder.path / "sub" / "b") == "sub/b"


@pytest.mark.parametrize(
    "text",
    [
        "../secret.txt", "/etc/passwd", "~/.ssh/id", "~root", "sub/../../secret.txt", "link", "link/x",
        "deep/up/secret.txt", "~/Documents/../secret.txt", "~/Documents/link",
    ],
)  # fmt: skip
def test_no_way_leads_out(folder: Folder, text: str) -> None:
    (folder.path / "link").symlink_to("../secret.txt")
    (folder.path / "deep").mkdir()
    (folder.path / "deep" / "up").symlink_to("../..", target_is_directory=True)
    with pytest.raises(ToolFault, match="outside the task's folder"):
        folder.resolve(text)


@pytest.mark.parametrize("text", ["", " ", "a\0b", None, 7, "x" * 5000])
def test_what_is_no_path(folder: Folder, text: object) -> None:
    with pytest.raises(ToolFault, match="path"):
        folder.resolve(text)


def test_a_file_that_is_not_there_names_one_like_it(folder: Folder) -> None:
    (folder.path / "budget 2026.xlsx").write_text("")
    with pytest.raises(ToolFault, match=r"does not exist.* budget 2026\.xlsx"):
        folder.resolve("budget 2025.xlsx", there=True)


@given(st.lists(st.sampled_from(["..", ".", "a", "~", "", "link", "Documents", "b c"]), max_size=6).map("/".join))
def test_whatever_is_written_stays_inside(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    place = tmp_path_factory.getbasetemp() / "inside"
    place.mkdir(exist_ok=True)
    if not (place / "link").is_symlink():
        (place / "link").symlink_to("..", target_is_directory=True)
    folder = Folder(place.resolve(), ("~/Documents",))
    try:
        assert folder.resolve(text).is_relative_to(folder.path)
    except ToolFault:
        return


def test_a_file_that_somebody_else_has_changed_is_left_alone(folder: Folder) -> None:
    file = folder.path / "a.txt"
    file.write_text("one")
    folder.check(file)  # never looked at
    folder.note(file)
    folder.check(file)
    file.write_text("two, by somebody else")
    with pytest.raises(ToolFault, match=r"has been changed since you looked at it\. Nothing was written"):
        folder.check(file)
    folder.note(file)
    file.unlink()
    with pytest.raises(ToolFault, match="is gone since"):
        folder.check(file)


def test_our_own_writing_counts_as_looked_at(folder: Folder) -> None:
    file = folder.path / "new" / "a.txt"
    folder.write(file, b"ours")
    folder.check(file)
    folder.write(file, b"ours again")
    assert file.read_bytes() == b"ours again"


def test_a_failed_write_leaves_everything_as_it_was(folder: Folder) -> None:
    file = folder.path / "a.txt"
    file.write_text("old")
    file.chmod(0o640)
    full = pytest.raises(ToolFault, match=r"could not be written: .*Nothing was changed. The disk is full")
    with full, folder.saving(file) as scratch:
        scratch.write_text("half")
        raise OSError(28, "No space left on device")
    assert file.read_text() == "old"
    assert [each.name for each in folder.path.iterdir()] == ["a.txt"]
    folder.write(file, b"new")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o640)


def test_a_bug_in_the_middle_leaves_no_scrap(folder: Folder) -> None:
    with pytest.raises(ZeroDivisionError), folder.saving(folder.path / "a.txt") as scratch:
        scratch.write_text("half")
        raise ZeroDivisionError
    assert list(folder.path.iterdir()) == []
