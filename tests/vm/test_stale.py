"""What has come up since the model looked gets neither its click nor its keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator

import anyio
import pytest

from actuators.actions import Click, Drag, Keypress, Point, Scroll, Type
from perception.errors import StaleTarget
from perception.screenshot import Screenshot
from tests.support.intruder import Stage, stage
from tests.support.xserver import xvfb
from vm.here import Here, open_here

X, Y = 500, 300


@pytest.fixture(scope="module")
def display() -> Generator[str]:
    with xvfb(1000, 600) as name:
        yield name


@pytest.fixture
def set_up(display: str) -> Generator[Stage]:
    with stage(display) as made:
        yield made


def at_work(display: str, work: Callable[[Here, Screenshot], Awaitable[None]]) -> None:
    """Look, and then work."""

    async def main() -> None:
        here = await open_here(display)
        try:
            await work(here, await here.screenshot())
        finally:
            await here.aclose()

    anyio.run(main)


CHANGES: dict[str, Callable[[Stage], None]] = {
    "a dialog as white as the page": lambda on: on.pop_up(X + 100, Y + 60),
    "the page has moved": lambda on: on.draw(17),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("action", [Click(X, Y), Drag((Point(X, Y), Point(X + 50, Y)))])
def test_a_target_that_changed_is_not_touched(display: str, set_up: Stage, change: str, action: Click | Drag) -> None:
    async def work(here: Here, shot: Screenshot) -> None:
        CHANGES[change](set_up)
        with pytest.raises(StaleTarget, match="look again"):
            await here.perform(action, shot.space)
        assert set_up.hits() == []
        again = await here.screenshot()
        await here.perform(action, again.space)
        assert len(set_up.hits()) == 1, "after a new look it is meant as it is"

    at_work(display, work)


def test_what_changes_elsewhere_does_not_matter(display: str, set_up: Stage) -> None:
    async def work(here: Here, shot: Screenshot) -> None:
        set_up.pop_up(X - 300, Y)
        await here.perform(Click(X, Y), shot.space)
        assert set_up.hits() == [("page", 0)]

    at_work(display, work)


def test_wheel_is_for_whatever_is_there(display: str, set_up: Stage) -> None:
    async def work(here: Here, shot: Screenshot) -> None:
        set_up.draw(17)
        await here.perform(Scroll(X, Y, 0, 120), shot.space)

    at_work(display, work)


def test_a_place_that_never_rests_can_be_clicked_on_in_the_end(display: str, set_up: Stage) -> None:
    async def work(here: Here, shot: Screenshot) -> None:
        refused = 0
        for shift in (5, 10, 15, 20):
            set_up.draw(shift)
            try:
                await here.perform(Click(X, Y), shot.space)
            except StaleTarget:
                refused += 1
                shot = await here.screenshot()
        assert refused == 2 and len(set_up.hits()) >= 1

    at_work(display, work)


@pytest.mark.parametrize("action", [Type("secret"), Keypress(("ctrl", "s"))])
def test_keys_do_not_go_to_a_window_that_has_come_to_the_front(action: Type | Keypress) -> None:
    async def main(display: str) -> None:
        here = await open_here(display)
        try:
            await here.open("xterm -title one")
            shot = await here.screenshot()
            await here.perform(Keypress(("shift",)), shot.space)
            opened = await anyio.open_process(
                ["xterm", "-title", "two"], env={"DISPLAY": display, "PATH": "/usr/bin:/bin"}
            )
            with anyio.fail_after(10):
                while not here._eyes.doubt_focus():  # pyright: ignore[reportPrivateUsage]
                    await anyio.sleep(0.02)
            with pytest.raises(StaleTarget, match="front"):
                await here.perform(action, shot.space)
            await here.perform(action, (await here.screenshot()).space)
            opened.kill()
            await opened.aclose()
        finally:
            await here.aclose()

    with xvfb(1000, 600, window_manager=True) as display:
        anyio.run(main, display)
