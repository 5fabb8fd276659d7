"""The loops that are measured side by side: each carries out an action and comes back with a picture to send."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

from actuators.actions import Action, Click, Keypress, Scroll, Type
from perception.errors import StaleTarget
from tests.bench.calc import NOTCH
from vm.desktop import PrivateDesktop

if TYPE_CHECKING:
    from perception.screenshot import Screenshot

NAIVE_SLEEP, NAIVE_PAUSE = 2.0, 0.1  # seconds; the pause is pyautogui's own
FIXED_SLEEP = 0.5


@dataclass(frozen=True, slots=True)
class Took:
    """One action: when it was sent, by `time.monotonic()`, seconds until its picture could be sent, and the picture."""

    sent: float
    seconds: float
    image: bytes


class Loop(Protocol):
    """Acts and looks."""

    name: str

    async def begin(self) -> None:
        """It is this loop's turn."""
        ...

    async def act(self, action: Action) -> Took:
        """Carry it out, wait as this loop waits, and take the picture that would be sent."""
        ...


class Ours:
    """What a turn of a session does: the real computer of `vm`, its eyes, hands and guard."""

    name = "Deskhand"

    def __init__(self, computer: PrivateDesktop) -> None:
        self.refused = 0
        self._computer = computer
        self._shot: Screenshot | None = None

    async def begin(self) -> None:
        """See `Loop`. The other loops' input looks like a user's, who has taken over."""
        self._computer.guard.hand_back()
        self._shot = await self._computer.screenshot()

    async def act(self, action: Action) -> Took:
        """See `Loop`. Where the screen has changed since the last picture, it looks again first, as a model would."""
        assert self._shot is not None
        try:
            return await self._once(action, self._shot)
        except StaleTarget:
            self.refused += 1
            return await self._once(action, await self._computer.screenshot())

    async def _once(self, action: Action, before: Screenshot) -> Took:
        sent = time.monotonic()
        await self._computer.perform(action, before.space)
        self._shot = await self._computer.screenshot()
        return Took(sent, time.monotonic() - sent, self._shot.image)


class Sleeping:
    """Input by pyautogui, a fixed sleep, and a picture of whatever is there then."""

    def __init__(self, name: str, *, sleep: float, pause: float, capture: Callable[[], bytes]) -> None:
        self.name = name
        self._sleep, self._pause, self._capture = sleep, pause, capture

    async def begin(self) -> None:
        """See `Loop`."""

    async def act(self, action: Action) -> Took:
        """See `Loop`. Blocks: nothing else goes on in these loops."""
        sent = time.monotonic()
        press(action, self._pause)
        time.sleep(self._sleep)  # noqa: ASYNC251 (the very thing that is measured)
        image = self._capture()
        return Took(sent, time.monotonic() - sent, image)


def naive(display: str) -> Sleeping:
    """The loop of most examples: pyautogui for everything, Pillow's PNG, and two seconds of sleep."""
    pyautogui(display)
    return Sleeping("naive, sleep 2", sleep=NAIVE_SLEEP, pause=NAIVE_PAUSE, capture=naive_picture)


def fixed(display: str) -> Sleeping:
    """The same with fast capture, fast encoding, no pause, and half a second."""
    pyautogui(display)
    return Sleeping("fixed sleep 0.5", sleep=FIXED_SLEEP, pause=0.0, capture=_quick_picture(display))


def pyautogui(display: str) -> Any:
    """pyautogui for a display; it reads the environment when it is first imported, once and for all."""
    os.environ |= {"DISPLAY": display, "XDG_SESSION_TYPE": "x11"}
    import pyautogui

    return pyautogui


def naive_picture() -> bytes:
    """A screenshot as PNG, both at the defaults."""
    import pyautogui

    made = BytesIO()
    pyautogui.screenshot().save(made, "PNG")
    return made.getvalue()


def press(action: Action, pause: float) -> None:
    """Send an action by pyautogui."""
    import pyautogui

    pyautogui.PAUSE = pause
    match action:
        case Click():
            pyautogui.click(action.x, action.y, button="left" if action.button == "left" else "right")
        case Keypress():
            pyautogui.hotkey(*action.keys)
        case Type():
            pyautogui.write(action.text)
        case Scroll():
            pyautogui.scroll(-action.scroll_y // NOTCH, action.x, action.y)
        case _:
            raise ValueError(f"no benchmark uses {type(action).__name__}")


def _quick_picture(display: str) -> Callable[[], bytes]:
    import mss

    from perception.encode import encode

    screen = mss.MSS(display=display)

    def take() -> bytes:
        import numpy as np

        shot = screen.grab(screen.monitors[0])
        return encode(np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)).image

    return take
