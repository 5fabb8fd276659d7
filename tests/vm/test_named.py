"""What programs of a private desktop see of the user's files, since `--open` names it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import wait_until
from tests.support.desk import desk
from vm.named import Named, named_by

PATH = os.environ.get("PATH", os.defpath)


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """A folder of the user with a letter, a tool of its own installation, a script and a place for its log."""
    (tmp_path / "letter.odt").touch()
    for folder in ("tool/bin", "scripts", "logs", "work"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "scripts/run.py").touch()
    (tmp_path / "tool/bin/draw").write_text("#!/bin/sh\n")
    (tmp_path / "tool/bin/draw").chmod(0o755)
    return tmp_path


def of(target: str, user: Path) -> Named:
    return named_by([target], user / "work", PATH)


def test_a_file_is_seen_and_nothing_beside_it(user: Path) -> None:
    assert of(str(user / "letter.odt"), user) == Named(shared=(user / "letter.odt",))


def test_an_address_names_nothing(user: Path) -> None:
    assert of("https://example.org/etc/passwd", user) == Named()


def test_a_command_is_seen_with_its_installation_and_its_files(user: Path) -> None:
    named = of(f"{user}/tool/bin/draw {user}/letter.odt --out {user}/logs/new.txt", user)
    assert named.fixed == (user / "tool",)
    assert named.shared == (user / "letter.odt", user / "logs")


def test_a_script_is_seen_with_what_lies_beside_it_to_be_read(user: Path) -> None:
    named = of(f"{sys.executable} -u {user}/scripts/run.py", user)
    assert user / "scripts" in named.fixed and user / "scripts" not in named.shared
    assert Path(sys.prefix) in named.fixed and Path(sys.base_prefix) in named.fixed


@pytest.mark.parametrize("word", ["/tmp/new-file-for-a-test", "~/x", "/", "relative.txt", "--flag=/etc/passwd"])
def test_no_folder_that_holds_more_than_one_thing_is_seen(user: Path, word: str) -> None:
    assert of(f"xterm {word}", user).shared == ()


@pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")
def test_a_program_from_anywhere_runs_on_a_sealed_desktop_and_writes_its_log(user: Path) -> None:
    script = user / "scripts/run.py"
    shutil.copy(Path(__file__).parents[1] / "support" / "targets.py", script)
    command = f"{sys.executable} {script} {user}/logs/hits.log none"
    with desk(user / "work", command, shared=()) as desktop:
        click = ["xdotool", "mousemove", "50", "50", "click", "1"]
        subprocess.run(click, env=desktop.environment, check=True)
        wait_until((user / "logs/hits.log").exists, "the log", 10)
