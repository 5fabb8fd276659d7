"""A machine by OSWorld's plain interface alone, with the defects that its server has."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import anyio
import pytest

from actuators.actions import Click, Drag, Keypress, Point, Scroll, Type
from actuators.errors import ActuatorError
from agent.errors import UserFault
from perception.errors import ScreenLost
from tests.support.osworld_server import OsworldServer, osworld_server
from tests.support.textfield import text_field
from tests.support.window import event_window
from tests.support.xserver import xserver
from vm.osworld_computer import OsworldComputer, check_osworld, open_osworld

SIZE = (1024, 768)
TEXT = "a < b > c; Grüße, 東京 🙂 \"quoted\" 'it'\tand\nmore"
Body: TypeAlias = Callable[[OsworldComputer, OsworldServer], Awaitable[None]]


@contextmanager
def server_on_a_display(tmp_path: Path, **environment: str) -> Generator[OsworldServer, None, None]:
    with xserver(*SIZE) as screen, osworld_server(screen.display, tmp_path / "home", **environment) as server:
        yield server


def at(server: OsworldServer, workspace: Path, body: Body) -> None:
    async def main() -> None:
        computer = await open_osworld("127.0.0.1", server.port, workspace=workspace)
        try:
            await body(computer, server)
        finally:
            await computer.aclose()

    anyio.run(main)


def test_it_is_seen_clicked_and_typed_into(tmp_path: Path) -> None:
    async def body(computer: OsworldComputer, server: OsworldServer) -> None:
        with event_window(server.display) as window:
            shot = await computer.screenshot()
            assert (shot.space.width, shot.space.height, shot.settled) == (*SIZE, True)
            await computer.perform(Click(321, 234), shot.space)
            assert [(seen.x, seen.y, seen.button) for seen in window.clicks()] == [(321, 234, 1)]
            await computer.perform(Keypress(("CTRL", "SHIFT", "t")), shot.space)
            keys = [(seen.type, seen.key) for seen in window.events() if seen.type.startswith("key")]
            downs, ups = [key for kind, key in keys if kind == "key_down"], [k for kind, k in keys if kind == "key_up"]
            assert downs == ["Control_L", "Shift_L", "t"]
            assert sorted(ups) == sorted(downs)
            await computer.perform(Scroll(50, 60, scroll_y=240), shot.space)
            assert [seen.button for seen in window.clicks()] == [5, 5]

    with server_on_a_display(tmp_path) as server:
        at(server, tmp_path / "work", body)
    assert {path for _, path in server.asked} <= {"/platform", "/screenshot", "/execute", "/setup/upload", "/file"}


def test_text_arrives_as_given(tmp_path: Path) -> None:
    async def body(computer: OsworldComputer, server: OsworldServer) -> None:
        with text_field(server.display) as field:
            space = (await computer.screenshot()).space
            await computer.perform(Type(TEXT), space)
            assert field.read() == TEXT

    with server_on_a_display(tmp_path) as server:
        at(server, tmp_path / "work", body)


@pytest.mark.slow
def test_where_our_hands_do_not_run_pyautogui_does_what_it_does_exactly(tmp_path: Path) -> None:
    async def body(computer: OsworldComputer, server: OsworldServer) -> None:
        with text_field(server.display) as field:
            space = (await computer.screenshot()).space
            await computer.perform(Type(TEXT), space)
            assert field.read() == TEXT
        with event_window(server.display) as window:
            space = (await computer.screenshot()).space
            await computer.perform(Drag((Point(10, 10), Point(90, 70)), keys=("SHIFT",)), space)
            seen = window.events()
            assert [(e.x, e.y) for e in seen if e.type.startswith("button")] == [(10, 10), (90, 70)]
            assert [e.key for e in seen if e.type == "key_up"] == ["Shift_L"]

    with server_on_a_display(tmp_path, PYTHONPATH=str(_without(tmp_path, "nothing_else"))) as server:
        at(server, tmp_path / "work", body)


@pytest.mark.slow
def test_without_either_the_model_is_told_what_is_missing(tmp_path: Path) -> None:
    async def body(computer: OsworldComputer, server: OsworldServer) -> None:
        space = (await computer.screenshot()).space
        with pytest.raises(ActuatorError, match=r"no pyautogui"):
            await computer.perform(Click(5, 5), space)

    broken = _without(tmp_path, "pyautogui")
    with server_on_a_display(tmp_path, PYTHONPATH=str(broken)) as server:
        at(server, tmp_path / "work", body)


def test_files_go_there_and_come_home(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "in.csv").write_bytes("a,b\nÜ,東\n".encode())
    (work / "sub").mkdir()
    (work / "sub" / "x.bin").write_bytes(bytes(range(256)))
    other = tmp_path / "elsewhere.txt"
    other.write_text("from elsewhere")

    async def body(computer: OsworldComputer, server: OsworldServer) -> None:
        documents = server.home / "Documents"
        assert (documents / "in.csv").read_bytes() == (work / "in.csv").read_bytes()
        assert (documents / "sub" / "x.bin").read_bytes() == bytes(range(256))
        await computer.open(str(other))
        assert server.opened == [str(documents / "elsewhere.txt")]
        assert (documents / "elsewhere.txt").read_text() == "from elsewhere"
        (documents / "in.csv").write_text("changed")
        (server.home / "Desktop").mkdir()
        (server.home / "Desktop" / "result.txt").write_text("made")
        (documents / ".~lock.in.csv#").write_text("me")

    with server_on_a_display(tmp_path) as server:
        at(server, work, body)
    assert (work / "in.csv").read_text() == "changed"
    assert (work / "Desktop" / "result.txt").read_text() == "made"
    assert not (work / ".~lock.in.csv#").exists()


def test_what_cannot_be_opened_is_said_in_one_line(tmp_path: Path) -> None:
    async def body(computer: OsworldComputer, server: OsworldServer) -> None:
        with pytest.raises(UserFault, match=r"cannot open no-such-program.*No such file"):
            await computer.open("no-such-program --flag")

    with server_on_a_display(tmp_path) as server:
        at(server, tmp_path / "work", body)


def test_cancelled_in_the_middle_everything_is_let_go(tmp_path: Path) -> None:
    async def body(computer: OsworldComputer, server: OsworldServer) -> None:
        with event_window(server.display) as window:
            space = (await computer.screenshot()).space
            drag = Drag(tuple(Point(10 + 900 * (i % 2), 10 + i) for i in range(60)), keys=("CTRL",))
            began = time.monotonic()
            with anyio.move_on_after(0.6):
                await computer.perform(drag, space)
            assert time.monotonic() - began < 12
            seen = window.events()
            assert sum(e.type == "button_down" for e in seen) == sum(e.type == "button_up" for e in seen)
            assert sum(e.type == "key_down" for e in seen) == sum(e.type == "key_up" for e in seen)

    with server_on_a_display(tmp_path) as server:
        at(server, tmp_path / "work", body)


def test_a_machine_that_goes_away_is_a_lost_screen(tmp_path: Path) -> None:
    async def body(computer: OsworldComputer, server: OsworldServer) -> None:
        await computer.screenshot()
        server.broken.add("/screenshot")
        with pytest.raises(ScreenLost, match=r"status 500"), anyio.fail_after(10):
            while True:  # the picture of a moment ago is shown again
                await computer.screenshot()
                await anyio.sleep(0.1)

    with server_on_a_display(tmp_path) as server:
        at(server, tmp_path / "work", body)


def test_an_address_where_nobody_answers_is_said_in_one_line() -> None:
    with pytest.raises(UserFault, match=r"nothing answers at 127.0.0.1:1 .*correct the address"):
        check_osworld("127.0.0.1", 1)


def _without(tmp_path: Path, module: str) -> Path:
    """A folder for PYTHONPATH that makes our hands impossible, and a module as well."""
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name in ('actuators', {module!r}):\n"
        "            raise ImportError('No module named ' + name)\n"
        "sys.meta_path.insert(0, Missing())\n"
    )
    return folder
