"""The whole command in a virtual machine: the demo's two playbooks inside it, and what happens when it dies."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from pathlib import Path

import pytest

from tests.support.command import Deskhand, wait_until
from tests.support.openai_script import Body, Scripted, actions, final, slow
from tests.support.openai_server import openai_server
from tests.support.vm_image import missing
from ui.demo_check import check_files

pytestmark = [pytest.mark.vm, pytest.mark.timeout(900), pytest.mark.skipif(bool(missing()), reason=missing() or "-")]

TASK = "Build the budget, then the deck"
"""Of the playbooks; they know what to do."""


@pytest.fixture
def deskhand(tmp_path: Path) -> Deskhand:
    """With the images and snapshots of this user, and a home for sessions of its own."""
    from agent.session import data_home

    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    for name in ("images", "snapshots"):
        (data_home() / name).mkdir(parents=True, exist_ok=True)
        (home / "data" / name).symlink_to(data_home() / name)
    return Deskhand(home)


def test_the_demos_playbooks_work_inside_a_machine(deskhand: Deskhand, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["run", TASK, "--computer", "vm:office", "--model", "playbook:budget,deck", "--json"]
    with deskhand.start(*arguments, "--open", "libreoffice --calc", "--workspace", str(out)) as command:
        assert command.wait(800) == 0, command.errors
    assert [f"{check.name}: {check.detail}" for check in check_files(out) if not check.ok] == []
    wait_until(lambda: deskhand.leftovers == [], "everything to be gone", 15)


def test_files_go_in_and_come_out_by_name(deskhand: Deskhand, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("first line\n")
    type_and_save = actions({"type": "type", "text": "x"}, {"type": "keypress", "keys": ["CTRL", "s"]})
    out = tmp_path / "out"
    with openai_server([type_and_save, final("done")]) as server:
        ours = Deskhand(deskhand.home, OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        arguments = ["run", "Add a letter", "--computer", "vm:office", "--file", str(tmp_path / "in.txt")]
        with ours.start(*arguments, "--open", "in.txt", "--workspace", str(out), "--json") as command:
            assert command.wait(400) == 0, command.errors
    assert (out / "in.txt").read_text("utf-8-sig").replace("\n", "") == "xfirst line"  # Writer adds a mark


@pytest.mark.parametrize("who", ["command", "machine"])
def test_killed_in_the_middle_it_goes_on_with_a_new_machine(deskhand: Deskhand, who: str) -> None:
    killed = threading.Event()
    places = itertools.count()

    def script(_body: Body) -> Scripted:
        click = {"type": "click", "x": 30 + 9 * next(places), "y": 300, "button": "left"}
        return final("done") if killed.is_set() else slow(actions(click), 0.5)

    with openai_server(script) as server:
        ours = Deskhand(deskhand.home, OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        with ours.start("run", "Click about", "--computer", "vm:office", "--json") as command:
            wait_until(lambda: "action.done" in command.types or command.process.poll() is not None, "an action", 400)
            killed.set()
            if who == "command":
                command.kill()
            else:
                for pid in qemus(ours):
                    os.kill(pid, signal.SIGKILL)
                assert command.wait(60) == 1
                assert "resume" in command.errors and "machine" in command.errors and len(command.errors) < 2000
        wait_until(lambda: ours.leftovers == [], "everything to be gone", 15)
        with ours.start("resume", "last", "--json") as command:
            assert command.wait(400) == 0, command.errors
        assert server.refusals == []


def qemus(deskhand: Deskhand) -> list[int]:
    """Machines that belong to a home."""
    return [pid for pid in deskhand.leftovers if b"qemu-system" in Path(f"/proc/{pid}/cmdline").read_bytes()]
