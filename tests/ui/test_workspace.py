"""Files that a session is given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.errors import UserFault
from agent.workspace import files_made
from ui.workspace import bring_files, check_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in.txt").write_text("mine")
    os.utime(tmp_path / "in.txt", (1e9, 1e9))
    (tmp_path / "work").mkdir()
    return tmp_path


def test_they_are_copied_and_do_not_count_as_made(folder: Path) -> None:
    bring_files([folder / "in.txt"], folder / "work")
    assert (folder / "work/in.txt").read_text() == "mine"
    assert list(files_made(folder / "work", 1.1e9)) == []


def test_one_that_is_there_already_stays(folder: Path) -> None:
    (folder / "work/in.txt").write_text("mine")
    check_files([folder / "in.txt"], folder / "work")
    bring_files([folder / "in.txt"], folder / "work")
    check_files([folder / "work/in.txt"], folder / "work")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["none.txt"], "there is no such file"),
        (["work"], "--workspace for a folder"),
        (["in.txt", "other/in.txt"], "have the same name"),
        (["other/in.txt"], "differs from"),
    ],
)
def test_what_cannot_be_brought_is_said_before(folder: Path, names: list[str], said: str) -> None:
    (folder / "other").mkdir()
    (folder / "other/in.txt").write_text("theirs")
    (folder / "work/in.txt").write_text("mine")
    with pytest.raises(UserFault, match=said):
        check_files([folder / name for name in names], folder / "work")
