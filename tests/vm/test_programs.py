"""Which command opens what."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import UserFault
from vm.programs import command_for


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def install(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)


def opened(target: str, tmp_path: Path, bin_folder: Path) -> list[str]:
    words = command_for(target, folder=tmp_path, path=str(bin_folder))
    return [words[0], words[-1]]


@pytest.mark.parametrize(
    ("name", "program"),
    [("a.xlsx", "localc"), ("b.CSV", "localc"), ("c.docx", "lowriter"), ("d.pptx", "loimpress"), ("e.pdf", "evince")],
)
def test_a_file_is_opened_by_its_kind(tmp_path: Path, bin_folder: Path, name: str, program: str) -> None:
    install(bin_folder, "localc", "lowriter", "loimpress", "evince", "mousepad")
    (tmp_path / name).write_text("x")
    assert opened(name, tmp_path, bin_folder) == [program, str(tmp_path / name)]
    assert opened(str(tmp_path / name), tmp_path, bin_folder) == [program, str(tmp_path / name)]


def test_the_first_program_that_is_installed_is_taken(tmp_path: Path, bin_folder: Path) -> None:
    (tmp_path / "a.pdf").write_text("x")
    with pytest.raises(UserFault, match="apt-get install evince"):
        opened("a.pdf", tmp_path, bin_folder)
    install(bin_folder, "firefox")
    assert opened("a.pdf", tmp_path, bin_folder)[0] == "firefox"
    install(bin_folder, "xpdf")
    assert opened("a.pdf", tmp_path, bin_folder)[0] == "xpdf"


def test_a_terminal_editor_needs_both(tmp_path: Path, bin_folder: Path) -> None:
    (tmp_path / "notes").write_text("plain text without a suffix")
    install(bin_folder, "xterm")
    with pytest.raises(UserFault, match="no text editor"):
        opened("notes", tmp_path, bin_folder)
    install(bin_folder, "nano")
    assert opened("notes", tmp_path, bin_folder)[0] == "xterm"


def test_addresses_go_to_a_browser(tmp_path: Path, bin_folder: Path) -> None:
    install(bin_folder, "chromium")
    assert opened("https://example.org/?a=b c", tmp_path, bin_folder) == ["chromium", "https://example.org/?a=b c"]


def test_a_command_is_split_as_a_shell_would_and_run_by_none(tmp_path: Path, bin_folder: Path) -> None:
    install(bin_folder, "paint")
    words = command_for("paint --title 'a b' $(reboot) ; rm", folder=tmp_path, path=str(bin_folder))
    assert words == ["paint", "--title", "a b", "$(reboot)", ";", "rm"]


def test_a_programs_path_is_a_command_and_a_script_with_a_suffix_a_file(tmp_path: Path, bin_folder: Path) -> None:
    install(bin_folder, "paint", "mousepad", "run.py")
    assert opened(str(bin_folder / "paint"), tmp_path, bin_folder) == [str(bin_folder / "paint")] * 2
    assert opened(str(bin_folder / "run.py"), tmp_path, bin_folder)[0] == "mousepad"


def test_libreoffice_that_is_missing_is_named_even_as_a_command(tmp_path: Path, bin_folder: Path) -> None:
    with pytest.raises(UserFault, match=r"LibreOffice is not installed: `sudo apt-get install"):
        command_for("localc --nologo", folder=tmp_path, path=str(bin_folder))
