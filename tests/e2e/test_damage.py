"""Damage from outside: journals cut and flipped, a full disk, a missing and a killed LibreOffice."""

from __future__ import annotations

import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from agent.wording import RESTARTED
from tests.support.command import Deskhand, wait_until
from tests.support.openai_script import Body, Scripted, actions, final, slow
from tests.support.openai_server import Server, openai_server, told

TARGETS = Path(__file__).parents[1] / "support" / "targets.py"
SMALL = ("--size", "800x600")
CLICK = actions({"type": "click", "x": 300, "y": 300, "button": "left"})


def clicks(turns: int) -> object:
    """A script of so many clicks and a last word, from wherever a conversation stands."""

    def script(body: Body) -> Scripted:
        calls = sum(item.get("type") == "computer_call" for item in body["input"])
        click = {"type": "click", "x": 30 + 17 * calls % 600, "y": 40 + 29 * calls % 400, "button": "left"}
        return final("ok") if calls >= turns else actions(click)

    return script


@pytest.fixture
def used(tmp_path: Path) -> Generator[tuple[Deskhand, Server]]:
    """A session of three turns that was stopped by its budget."""
    with openai_server(clicks(5)) as server:  # pyright: ignore[reportArgumentType]
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        assert deskhand("run", "Work", *SMALL, "--max-turns", "3").returncode == 3
        yield deskhand, server
        assert deskhand.leftovers == []


def journal(deskhand: Deskhand) -> Path:
    return next((deskhand.home / "data" / "sessions").iterdir()) / "events.jsonl"


def readable(deskhand: Deskhand, told: str) -> None:
    """Nothing that only reads a session may fail because of damage, or show a traceback."""
    for command in (("sessions",), ("show", "last"), ("replay", "last")):
        ran = deskhand(*command)
        assert "Traceback" not in ran.stderr, (command, ran.stderr)
        assert ran.returncode in (0, 2), (told, command, ran.stderr)


@pytest.mark.slow
def test_a_journal_cut_at_random_goes_on_or_says_why_not(used: tuple[Deskhand, Server], tmp_path: Path) -> None:
    deskhand, server = used
    whole, chance = journal(deskhand).read_bytes(), random.Random(3)
    first_line = whole.index(b"\n") + 1
    for cut in [0, 5, *(chance.randrange(first_line, len(whole)) for _ in range(4))]:
        journal(deskhand).write_bytes(whole[:cut])
        readable(deskhand, f"cut at {cut}")
        resumed = deskhand("resume", "last", "--max-turns", "20")
        if cut < first_line:
            assert resumed.returncode == 2 and len(resumed.stderr.splitlines()) == 1, resumed.stderr
        else:
            assert resumed.returncode == 0, (cut, resumed.stderr)
    assert server.refusals == []


def test_a_flipped_bit_is_named_and_repaired_on_demand(used: tuple[Deskhand, Server]) -> None:
    deskhand, server = used
    whole = bytearray(journal(deskhand).read_bytes())
    position = len(whole) // 2
    whole[position] ^= 1
    line = whole[:position].count(b"\n") + 1
    journal(deskhand).write_bytes(bytes(whole))
    readable(deskhand, "flipped")
    refused = deskhand("resume", "last", "--max-turns", "20")
    assert refused.returncode == 2 and f"line {line} " in refused.stderr and "--repair" in refused.stderr
    assert journal(deskhand).read_bytes() == bytes(whole), "nothing is changed without being asked"
    repaired = deskhand("resume", "last", "--max-turns", "20", "--repair")
    assert repaired.returncode == 0, repaired.stderr
    assert journal(deskhand).with_name("events.damaged.jsonl").read_bytes() == bytes(whole)
    assert server.refusals == []


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_full_disk_ends_in_one_line_and_the_session_goes_on_with_more_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with openai_server(clicks(40)) as server:  # pyright: ignore[reportArgumentType]
            environment = {"OPENAI_API_KEY": server.key, "OPENAI_BASE_URL": server.url}
            deskhand = Deskhand(tmp_path / "home", **environment, DESKHAND_HOME=str(disk / "data"))
            program = shlex.join([sys.executable, str(TARGETS), str(tmp_path / "hits"), "5"])
            full = deskhand("run", "Work", "--size", "1280x800", "--open", program)
            assert full.returncode == 1
            assert "No space left" in full.stderr and "free some space" in full.stderr
            assert "Traceback" not in full.stderr
            subprocess.run(["mount", "-o", "remount,size=30m", str(disk)], check=True)
            resumed = deskhand("resume", "last")
            assert resumed.returncode == 0, resumed.stderr
            assert server.refusals == [] and server.rewrites == []
            assert deskhand.leftovers == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("program", ["Xvfb", pytest.param("dbus-daemon", marks=pytest.mark.slow)])
def test_a_desktop_that_breaks_ends_the_session_and_it_goes_on_with_another(tmp_path: Path, program: str) -> None:
    with openai_server([slow(CLICK, 0.5), final("ok")]) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        with deskhand.start("run", "Work", "--json", *SMALL, "--open", "xterm") as command:
            command.wait_for("turn.started")
            (files(deskhand) / "kept.txt").write_text("kept")
            kill(deskhand, program)
            assert command.wait() == 1
            assert "resume" in command.errors and "Traceback" not in command.errors
        wait_until(lambda: deskhand.leftovers == [], "every child process to be gone", 5)
        resumed = deskhand("resume", "last")
        assert resumed.returncode == 0, resumed.stderr
        assert RESTARTED in "".join(told(server.requests[-1], "developer")), "the model knows"
        assert (files(deskhand) / "kept.txt").read_text() == "kept"
        assert server.refusals == [] and server.rewrites == []


@pytest.mark.slow
def test_a_window_manager_that_is_killed_is_replaced_and_the_session_goes_on(tmp_path: Path) -> None:
    with openai_server([slow(CLICK, 0.5), slow(CLICK, 0.5), final("ok")]) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        with deskhand.start("run", "Work", "--json", *SMALL, "--open", "xterm") as command:
            command.wait_for("turn.started")
            kill(deskhand, "openbox")
            command.wait_for("turn.started", 2)
            assert kill(deskhand, "openbox"), "there is another one"
            assert command.wait() == 0, command.errors
        wait_until(lambda: deskhand.leftovers == [], "every child process to be gone", 5)


def kill(deskhand: Deskhand, program: str) -> bool:
    """kill -9 of the oldest process of that name that belongs to it; whether there is one."""
    for pid in sorted(deskhand.leftovers):
        if Path(f"/proc/{pid}/comm").read_text().strip() == program:
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def files(deskhand: Deskhand) -> Path:
    return next((deskhand.home / "data" / "sessions").iterdir()) / "files"


def test_libreoffice_is_not_installed(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("Xvfb", "openbox", "dbus-daemon"):
        (programs / name).symlink_to(shutil.which(name) or "/missing")
    deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY="sk-x", PATH=str(programs))
    ran = deskhand("run", "Work", *SMALL, "--open", "libreoffice --calc")
    assert ran.returncode == 1
    assert "libreoffice" in ran.stderr and "apt-get install" in ran.stderr and "Traceback" not in ran.stderr
    assert deskhand.leftovers == []


@pytest.mark.timeout(180)
@pytest.mark.slow
def test_libreoffice_is_killed_in_the_middle_and_the_session_goes_on(tmp_path: Path) -> None:
    script: list[Scripted] = [slow(actions({"type": "click", "x": 300, "y": 300, "button": "left"}), 0.3), final("ok")]
    with openai_server(script) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        with deskhand.start("run", "Work", "--json", "--open", "libreoffice --calc") as command:
            command.wait_for("turn.started")
            for pid in deskhand.leftovers:
                if b"soffice.bin" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
            assert command.wait() == 0, command.errors
        wait_until(lambda: deskhand.leftovers == [], "every child process to be gone", 5)
        assert list(deskhand.home.glob("data/sessions/*/files/.~lock*")) == []
