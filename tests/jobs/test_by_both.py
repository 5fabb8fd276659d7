"""A job done with screen and tools together: what is open is edited where it is open, and mouse and keyboard go on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL.Image import Image

from actuators.actions import Action, Click, DoubleClick, Keypress, TakeScreenshot, Type, Wait
from perception.screenshot import Region
from perception.text import find_text
from tests.jobs import insert
from tests.jobs.house import COLOURS
from tests.jobs.looking import Pixels, share
from tests.jobs.working import events, use
from tests.support.command import Deskhand
from tests.support.openai_script import Body, Reply, Scripted, actions, final
from tests.support.openai_server import last_picture, openai_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("localc") is None, reason="LibreOffice is not installed"),
]
PATIENCE = 240.0
LOOKS = 12  # at a screen on which nothing happens, before it is given up
LEFT, MIDDLE, FOOT = (0.0, 0.1, 0.25, 0.5), (0.15, 0.1, 0.72, 0.9), (0.0, 0.95, 0.3, 1.0)
Place = tuple[int, int]


@dataclass(frozen=True)
class When:
    """What is done once something is seen on the screen: there."""

    seen: Callable[[Image], Place | None]
    do: Callable[[Place], Scripted]


class Model:
    """Does one step after the other; looks again where what a step needs cannot be seen yet."""

    def __init__(self, *steps: Scripted | When) -> None:
        self._steps = list(steps)
        self._looks = 0

    def __call__(self, body: Body) -> Scripted:
        step = self._steps[0]
        if not isinstance(step, When):
            return self._steps.pop(0)  # pyright: ignore[reportReturnType]
        if (place := step.seen(last_picture(body))) is None:
            self._looks += 1
            return actions(Wait()) if self._looks < LOOKS else final(f"Lost, {len(self._steps)} steps before the end.")
        self._looks = 0
        self._steps.pop(0)
        return step.do(place)


def says(words: str, part: tuple[float, float, float, float]) -> Callable[[Image], Place | None]:
    """Where words stand in a part of the screen: left, top, right, bottom, 0 to 1."""

    def look(image: Image) -> Place | None:
        left, top, right, bottom = (round(at * side) for at, side in zip(part, image.size * 2, strict=True))
        region = Region(left, top, right - left, bottom - top)
        found = find_text(np.asarray(image.convert("RGB")), words, region=region)
        return None if found is None else (found.region.center.x, found.region.center.y)

    return look


def shows(*colours: str) -> Callable[[Image], Place | None]:
    """Whether a slide is shown over all of the screen, with these colours of the house."""

    def look(image: Image) -> Place | None:
        pixels = np.asarray(image.convert("RGB"))
        return (0, 0) if all(share(pixels, COLOURS[each]) > 0.004 for each in colours) and _full(pixels) else None

    return look


def _full(pixels: Pixels) -> bool:
    """No window's frame, no menu: the left band of the house goes from top to bottom."""
    band = [int(COLOURS["dk2"][at : at + 2], 16) for at in (0, 2, 4)]
    column = np.abs(pixels[:, 6].astype(int) - band).max(axis=1)
    return float((column < 14).mean()) > 0.85


@pytest.mark.timeout(PATIENCE + 120)
def test_a_table_and_a_chart_come_into_an_open_deck(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    insert.JOB.make(folder)
    model = Model(
        actions(TakeScreenshot()),
        # The title by mouse and keyboard, not saved; then the table by the tool, where the deck is open.
        When(says("Draft", MIDDLE), lambda at: do(DoubleClick(*at), *ALL, Type(insert.TITLE), *ESCAPES)),
        use("inspect", path="sales.xlsx", part="Regions!A1:F8", detail=None),
        use("inspect", path="review.pptx", part=None, detail=None),
        use("slides", path="review.pptx", source=None, operations=[TABLE], accept_loss=None),
        actions(TakeScreenshot()),
        When(says("Sales by region", MIDDLE), lambda _: do(Keypress(("CTRL", "S")), Keypress(("CTRL", "W")))),
        # A chart that can be edited needs the file itself, which has been saved since it was read.
        When(says("Recent Documents", LEFT), lambda _: use("inspect", path="review.pptx", part="2-3", detail=None)),
        use("slides", path="review.pptx", source=None, operations=[CHART], accept_loss=None),
        use("render", path="review.pptx", pages=[2, 3], width=640),
        actions(TakeScreenshot()),
        When(says("review", MIDDLE), lambda at: do(Click(at[0], at[1] - 60))),
        When(says("Slide 1 of 4", FOOT), lambda _: do(Keypress(("F5",)))),
        When(shows("dk2", "accent1", "accent3"), lambda _: do(Keypress(("PAGEDOWN",)), Keypress(("PAGEDOWN",)))),
        When(shows("accent1", "accent2", "accent3", "accent4"), lambda _: do(Keypress(("ESC",)))),
        When(says("Slide 3 of 4", FOOT), lambda _: do(Keypress(("CTRL", "W")))),
        When(says("Recent Documents", LEFT), lambda _: final("Both are in; the deck is saved and closed.")),
    )  # fmt: skip
    with openai_server(model) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        where = ("--computer", "desktop", "--workspace", str(folder), "--open", str(folder / "review.pptx"))
        ran = deskhand("run", insert.JOB.task, *where, "--json", timeout=PATIENCE)
        assert ran.returncode == 0, ran.stderr[-2000:]
        assert server.refusals == server.rewrites == []
    answers = [event for event in events(ran.stdout) if event["type"] == "call.answered"]
    assert not [each["text"] for each in answers if each["failed"]]
    assert any("edited there" in each["text"] and "unsaved changes before" in each["text"] for each in answers)
    assert insert.JOB.missed(folder) == []


ALL = (Keypress(("CTRL", "A")),)
ESCAPES = (Keypress(("ESC",)), Keypress(("ESC",)))
BOX = {"left": 2.5, "top": 5.0, "width": 28.8, "height": 9.0}
TABLE = {
    "do": "add_table", "slide": 2, "rows": None, "box": BOX, "name": "Sales",
    "cells": {"workbook": "sales.xlsx", "sheet": "Regions", "cells": "A3:F8"},
}  # fmt: skip
CHART = {
    "do": "add_chart", "slide": 3, "kind": "column", "data": None, "title": None, "number_format": "#,##0",
    "cells": {"workbook": "sales.xlsx", "sheet": "Regions", "cells": "A3:E7"}, "labels": False,
    "box": {"left": 2.5, "top": 4.6, "width": 28.8, "height": 12.6}, "name": "Sales by quarter",
}  # fmt: skip


def do(*acts: Action) -> Reply:
    """Actions, and the screen after them."""
    return actions(*acts)
