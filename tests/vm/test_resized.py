"""A screen that changes between a look and an act: nothing is done where the old picture said."""

from __future__ import annotations

import anyio
import pytest

from actuators.actions import Click, Point
from actuators.pointer import open_pointer
from perception.errors import StaleSpace
from perception.screenshot import Region
from tests.support.monitors import resize
from tests.support.xserver import xserver
from vm.here import open_here

AT = Point(400, 300)


@pytest.mark.parametrize("extra", [(), ("-extension", "DAMAGE")])
def test_the_first_action_after_a_change_of_size_is_refused(extra: tuple[str, ...]) -> None:
    async def work(display: str) -> None:
        here = await open_here(display)
        try:
            seen = await here.screenshot()
            pointer = open_pointer(display)
            pointer.put(AT)
            resize(display, 640, 480)
            with pytest.raises(StaleSpace, match="640×480 since that screenshot; nothing was done"):
                await here.perform(Click(10, 10), seen.space)
            assert pointer.where() == AT
            pointer.close()
            again = await here.screenshot()
            assert again.space.region == Region(0, 0, 640, 480)
            await here.perform(Click(10, 10), again.space)
        finally:
            await here.aclose()

    with xserver(800, 600, *extra) as server:
        anyio.run(work, server.display)
