"""What every computer promises, wherever it is: the same suite for the private desktop, the user's own, and others.

The other machines are no virtual ones here: their server runs on a display of this machine, which is seen as theirs.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, TypeAlias

import anyio
import pytest
from anyio import to_thread

from actuators.actions import Click, Drag, Keypress, Move, Point, TakeScreenshot, Type, Wait
from actuators.errors import InvalidAction
from perception.errors import OffImage, PerceptionError
from perception.screenshot import Region, Space
from tests.support.remote_machine import XvfbMachine, xvfb_machine
from tests.support.textfield import text_field
from tests.support.window import event_window
from tests.support.xserver import xserver
from vm import warden
from vm.desktop import open_desktop
from vm.here import open_here
from vm.local import LocalComputer
from vm.osworld_computer import open_osworld
from vm.remote import computer_of

Kind: TypeAlias = Literal["desktop", "here", "vm", "osworld"]
Place: TypeAlias = tuple[LocalComputer, str]
SIZE = (1024, 768)
TEXT = "Grüße, 東京 🙂 <\"quoted\"> 'it'\tand\nmore"


@asynccontextmanager
async def opened(kind: Kind, folder: Path, machine: XvfbMachine | None) -> AsyncGenerator[Place, None]:
    """A computer of that kind, and the name of its display."""
    if kind == "desktop":
        desktop = await open_desktop(SIZE, workspace=folder)
        try:
            yield desktop, desktop.display
        finally:
            await desktop.aclose()
        return
    if machine is not None:
        computer = await _in_machine(kind, machine, folder)
        try:
            yield computer, machine.display
        finally:
            await computer.aclose()
        return
    with xserver(*SIZE) as server:
        here = await open_here(server.display)
        try:
            yield here, server.display
        finally:
            await here.aclose()


async def _in_machine(kind: Kind, machine: XvfbMachine, folder: Path) -> LocalComputer:
    if kind == "osworld":
        return await open_osworld(machine.guest.host, machine.guest.port, workspace=folder)
    return await to_thread.run_sync(lambda: computer_of(machine, machine.guest, folder))


@pytest.fixture(scope="module", params=["desktop", "here", "vm", pytest.param("osworld", marks=pytest.mark.slow)])
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture(scope="module")
def machine(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Generator[XvfbMachine | None, None, None]:
    """The machine that is worked on from outside, as its start takes longest."""
    if kind not in ("vm", "osworld"):
        yield None
        return
    home = tmp_path_factory.mktemp(kind) / "home"
    with xvfb_machine(home, *SIZE, manager=True, plain=kind == "osworld") as running:
        yield running


@pytest.fixture
def at(
    kind: Kind, machine: XvfbMachine | None, tmp_path: Path
) -> Callable[[Callable[[LocalComputer, str], Awaitable[None]]], None]:
    """Runs a test's body at a computer."""

    def run(body: Callable[[LocalComputer, str], Awaitable[None]]) -> None:
        async def main() -> None:
            async with opened(kind, tmp_path, machine) as (computer, display):
                assert computer.kind == kind
                await body(computer, display)

        anyio.run(main)

    return run


At: TypeAlias = Callable[[Callable[[LocalComputer, str], Awaitable[None]]], None]


def test_a_screenshot_shows_the_whole_screen_and_says_what_changed(at: At) -> None:
    async def body(computer: LocalComputer, display: str) -> None:
        first = await computer.screenshot()
        assert first.space == Space(Region(0, 0, *SIZE), *SIZE)
        assert first.media_type == "image/png"
        assert (await computer.screenshot()).changed == 0
        with event_window(display, width=512):
            after = await computer.screenshot()
        assert after.settled
        assert after.changed == pytest.approx(0.5, abs=0.02)

    at(body)


def test_clicks_land_on_the_pixel(at: At) -> None:
    async def body(computer: LocalComputer, display: str) -> None:
        chance = random.Random(7)
        with event_window(display) as window:
            space = (await computer.screenshot()).space
            for _ in range(12):
                x, y = chance.randrange(SIZE[0]), chance.randrange(SIZE[1])
                await computer.perform(Click(x, y), space)
                assert [(seen.x, seen.y, seen.button) for seen in window.clicks()] == [(x, y, 1)]

    at(body)


def test_text_arrives_as_given(at: At) -> None:
    async def body(computer: LocalComputer, display: str) -> None:
        with text_field(display) as field:
            space = (await computer.screenshot()).space
            await computer.perform(Type(TEXT), space)
            await computer.perform(Keypress(("ENTER",)), space)
            assert field.read() == TEXT + "\n"

    at(body)


def test_a_point_off_the_image_is_refused_and_nothing_is_clicked(at: At) -> None:
    async def body(computer: LocalComputer, display: str) -> None:
        space = (await computer.screenshot()).space
        with event_window(display) as window:
            for x, y in ((SIZE[0], 10), (10, SIZE[1]), (-1, 10), (10, -1)):
                with pytest.raises(OffImage):
                    await computer.perform(Click(x, y), space)
                with pytest.raises(OffImage):
                    await computer.perform(Drag((Point(5, 5), Point(x, y))), space)
            assert window.events() == []

    at(body)


def test_a_screenshot_of_another_size_is_refused(at: At) -> None:
    async def body(computer: LocalComputer, display: str) -> None:
        old = Space(Region(0, 0, 800, 600), 800, 600)
        with event_window(display) as window:
            with pytest.raises(PerceptionError, match=r"1024×768.*look again"):
                await computer.perform(Click(10, 10), old)
            assert window.events() == []

    at(body)


def test_a_key_that_does_not_exist_is_refused_and_nothing_is_pressed(at: At) -> None:
    async def body(computer: LocalComputer, display: str) -> None:
        space = (await computer.screenshot()).space
        with event_window(display) as window:
            with pytest.raises(InvalidAction):
                await computer.perform(Keypress(("CTRL", "NONSENSE")), space)
            assert window.events() == []

    at(body)


def test_waiting_ends_when_something_happens(at: At) -> None:
    async def body(computer: LocalComputer, display: str) -> None:
        space = (await computer.screenshot()).space
        took = 99.0
        window = event_window(display, width=300, height=300)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(to_thread.run_sync, window.__enter__)
            began = time.monotonic()
            await computer.perform(Wait(), space)
            took = time.monotonic() - began
        window.__exit__(None, None, None)
        assert took < 5

    at(body)


def test_waiting_has_a_cap(at: At) -> None:
    async def body(computer: LocalComputer, display: str) -> None:
        space = (await computer.screenshot()).space
        began = time.monotonic()
        await computer.perform(Wait(), space)
        idle = time.monotonic() - began
        assert 1.5 < idle < 4
        await computer.perform(TakeScreenshot(), space)

    at(body)


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("native", [False, True])
def test_cancelled_in_the_middle_nothing_stays_pressed_or_goes_on(at: At, seconds: float, native: bool) -> None:
    async def body(computer: LocalComputer, display: str) -> None:
        drag = Drag((Point(50, 50), Point(900, 50), Point(900, 700), Point(50, 700)), keys=("CTRL", "SHIFT"))
        with event_window(display) as window:
            space = (await computer.screenshot()).space
            await _cancel(computer, drag, space, seconds, native=native)
            seen = window.events()
            if seconds < 0.05:
                assert all(Point(event.x, event.y) != drag.path[-1] for event in seen if event.type == "button_up")
            for down, up in (("button_down", "button_up"), ("key_down", "key_up")):
                pressed = sorted(event.key or str(event.button) for event in seen if event.type == down)
                assert sorted(event.key or str(event.button) for event in seen if event.type == up) == pressed
            await anyio.sleep(0.1)
            assert window.events() == []
            await computer.perform(Click(400, 300), space)
            assert [(event.x, event.y, event.state & 0xFF) for event in window.clicks()] == [(400, 300, 0)]

    at(body)


async def _cancel(computer: LocalComputer, drag: Drag, space: Space, seconds: float, *, native: bool) -> None:
    import asyncio

    began = time.monotonic()
    if native:
        task = asyncio.ensure_future(computer.perform(drag, space))
        await anyio.sleep(seconds)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        with anyio.move_on_after(seconds) as scope:
            await computer.perform(drag, space)
        assert scope.cancelled_caught
    assert time.monotonic() - began < seconds + 3


def test_a_wait_that_is_cancelled_ends_at_once_and_the_eyes_go_on(at: At) -> None:
    async def body(computer: LocalComputer, display: str) -> None:
        space = (await computer.screenshot()).space
        began = time.monotonic()
        with anyio.move_on_after(0.2):
            await computer.perform(Wait(), space)
        assert time.monotonic() - began < 1.8
        await computer.perform(Move(20, 20), space)
        assert (await computer.screenshot()).settled

    at(body)


def test_after_closing_there_is_no_process_no_thread_and_no_descriptor(
    kind: Kind, machine: XvfbMachine | None, tmp_path: Path
) -> None:
    async def once() -> None:
        async with opened(kind, tmp_path, machine) as (computer, _):
            await computer.screenshot()
            await computer.aclose()  # twice, with that of the fixture

    anyio.run(once)  # what is loaded once and for all
    children, descriptors = _children(), _descriptors()
    anyio.run(once)
    assert _children() == children
    assert _descriptors() <= descriptors


def _children() -> set[int]:
    return warden.descendants()


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
