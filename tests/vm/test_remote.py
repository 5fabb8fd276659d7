"""A machine with our server inside, as a computer; here without QEMU: see `tests.support.remote_machine`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import TypeAlias

import anyio
import pytest
from anyio import to_thread

import vm.remote_eyes
from actuators.actions import Click, Keypress, Type
from actuators.errors import TakenOver
from agent.errors import UserFault, for_the_model
from perception.errors import ScreenLost, StaleTarget
from tests.support.remote_machine import XvfbMachine, xvfb_machine
from tests.support.textfield import text_field
from tests.support.window import event_window
from vm.machine import MachineLost
from vm.remote import VirtualMachine, check_vm, computer_of

Body: TypeAlias = Callable[[VirtualMachine], Awaitable[None]]
At: TypeAlias = Callable[[Body], None]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Generator[XvfbMachine, None, None]:
    with xvfb_machine(tmp_path_factory.mktemp("machine") / "home", manager=True) as machine:
        yield machine


@pytest.fixture
def at(machine: XvfbMachine, tmp_path: Path) -> At:
    """Runs a test's body at the machine, whose files are those of `tmp_path`."""

    def run(body: Body) -> None:
        async def main() -> None:
            computer = await to_thread.run_sync(lambda: computer_of(machine, machine.guest, tmp_path))
            try:
                await body(computer)
            finally:
                await computer.aclose()

        machine.lost, machine.closed = "", False
        anyio.run(main)
        machine.lost = ""

    return run


def test_a_window_that_came_since_the_look_is_not_clicked_on(
    at: At, machine: XvfbMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vm.remote_eyes, "PATIENCE_UNPAINTED", 0.2)  # seconds; a white window over white looks like it

    async def body(computer: VirtualMachine) -> None:
        with event_window(machine.display, width=400, height=300):
            space = (await computer.screenshot()).space
            with event_window(machine.display, x=100, y=100, width=200, height=100) as above:  # white over white
                with pytest.raises(StaleTarget, match="a window has come there"):
                    await computer.perform(Click(150, 150), space)
                assert above.clicks() == []
                space = (await computer.screenshot()).space
                await computer.perform(Click(150, 150), space)
                assert len(above.clicks()) == 1

    at(body)


def test_keys_do_not_go_to_a_window_that_came_to_the_front_since(at: At, machine: XvfbMachine) -> None:
    async def body(computer: VirtualMachine) -> None:
        with text_field(machine.display) as first:
            space = (await computer.screenshot()).space
            with text_field(machine.display) as second:
                with pytest.raises(StaleTarget, match="another window has come to the front"):
                    await computer.perform(Type("secret"), space)
                assert (first.read(), second.read()) == ("", "")

    at(body)


def test_taken_over_by_word_it_keeps_still_until_it_is_handed_back(at: At, machine: XvfbMachine) -> None:
    async def body(computer: VirtualMachine) -> None:
        with event_window(machine.display) as window:
            space = (await computer.screenshot()).space
            computer.guard.take()
            with pytest.raises(TakenOver):
                await computer.perform(Keypress(("a",)), space)
            assert [event for event in window.events() if event.type.startswith("key")] == []
            computer.guard.hand_back()
            await computer.perform(Keypress(("a",)), space)
            assert [event.key for event in window.events() if event.type == "key_up"] == ["a"]

    at(body)


def test_what_an_action_would_reach_is_named(at: At, machine: XvfbMachine) -> None:
    async def body(computer: VirtualMachine) -> None:
        with text_field(machine.display):
            space = (await computer.screenshot()).space
            target = await computer.target(Type("x"), space)
            assert target is not None and target.window == "text field"

    at(body)


def test_files_are_there_from_the_start_and_results_come_home(at: At, machine: XvfbMachine, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a,b")

    async def body(computer: VirtualMachine) -> None:
        documents = machine.home / "Documents"
        assert (documents / "in.csv").read_text() == "a,b"
        await computer.screenshot()
        (documents / "out.ods").write_bytes(b"made")
        (machine.home / "Desktop").mkdir(exist_ok=True)
        (machine.home / "Desktop" / "note.txt").write_text("note")
        with anyio.fail_after(30):
            while not (tmp_path / "out.ods").exists():
                await computer.screenshot()
                await anyio.sleep(0.1)
        (documents / "last.txt").write_text("last")

    at(body)
    assert (tmp_path / "last.txt").read_text() == "last"
    assert (tmp_path / "Desktop" / "note.txt").read_text() == "note"
    assert machine.closed


def test_a_command_is_opened_and_its_window_waited_for(at: At, machine: XvfbMachine) -> None:
    async def body(computer: VirtualMachine) -> None:
        before = await computer.screenshot()
        await computer.open("xmessage -geometry 300x200+50+50 hello")
        assert (await computer.screenshot()).image != before.image
        await computer.perform(Keypress(("ENTER",)), before.space)
        with pytest.raises(UserFault, match=r"cannot open no-such-program in the virtual machine: .*no-such-program"):
            await computer.open("no-such-program")

    at(body)


def test_a_machine_that_breaks_down_is_said_in_one_line(at: At, machine: XvfbMachine) -> None:
    async def body(computer: VirtualMachine) -> None:
        space = (await computer.screenshot()).space
        machine.lost = "the kernel panicked"
        with pytest.raises(ScreenLost, match=r"^the machine test: the kernel panicked$"):
            await computer.perform(Click(5, 5), space)
        with pytest.raises(UserFault, match="the kernel panicked"):
            await computer.open("xmessage hello")
        began = time.monotonic()
        await computer.aclose()
        assert time.monotonic() - began < 10

    at(body)


def test_a_server_that_goes_away_in_the_middle_is_a_lost_screen(tmp_path: Path) -> None:
    async def main(machine: XvfbMachine) -> None:
        (tmp_path / "work").mkdir()
        computer = await to_thread.run_sync(lambda: computer_of(machine, machine.guest, tmp_path / "work"))
        try:
            space = (await computer.screenshot()).space
            machine.server.kill()
            machine.server.wait()
            with pytest.raises(ScreenLost, match="does not answer"):
                await computer.perform(Click(5, 5), space)
        finally:
            await computer.aclose()

    with xvfb_machine(tmp_path / "home") as machine:
        anyio.run(main, machine)


def test_a_lost_machine_is_no_screen_to_be_brought_back() -> None:
    fault = for_the_model(MachineLost("the machine office: it hangs"))
    assert str(fault) == "the screen is gone (the machine office: it hangs); `deskhand resume` goes on in a fresh one"


def test_without_an_image_or_a_disk_it_is_said_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/" + name)  # pyright: ignore
    with pytest.raises(UserFault, match="deskhand vm build"):
        check_vm()
    with pytest.raises(UserFault, match="there is no disk"):
        check_vm(tmp_path / "other.qcow2")
    monkeypatch.setattr("shutil.which", lambda name: None)  # pyright: ignore
    with pytest.raises(UserFault, match="needs QEMU: `sudo apt-get install"):
        check_vm()
