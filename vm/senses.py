"""Eyes, hands, guard and names of one display, opened together."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actuators.actions import Action
    from actuators.guard import Guard
    from perception.eyes import Eyes
    from perception.naming import Naming


@dataclass(frozen=True, slots=True)
class SenseOptions:
    """How a display is seen and touched, by the user's choice.

    Attributes:
        takeover: whether the user's own mouse and keyboard stop the agent's hands.
        panic: keys that stop the session at once when the user presses them three times within a second.
        monitor: which monitor the pictures show; 0 for all of them.
        cursor: whether the mouse pointer is drawn into them.
    """

    takeover: bool = True
    panic: str = "escape"
    monitor: int = 0
    cursor: bool = False


AS_USUAL = SenseOptions()


class Hands(Protocol):
    """Hands wherever they are: `actuators.hands.Hands`, or those inside another machine."""

    @property
    def notes(self) -> Sequence[str]:
        """What they have to do without."""
        ...

    def perform(self, action: Action, ready: Callable[[], None] = ...) -> None:
        """Carry out an action; `ready` is called right before the first input, and may raise to end it."""
        ...

    def release(self) -> None:
        """Let go of everything, and cut short what is being performed. From any thread."""
        ...

    def close(self) -> None:
        """Let go of everything, for good. Safe to call twice."""
        ...


class Senses(NamedTuple):
    """What a computer perceives and acts with."""

    eyes: Eyes
    hands: Hands
    guard: Guard
    naming: Naming


def open_senses(display: str | None, options: SenseOptions = AS_USUAL, *, bus: str | None = None) -> Senses:
    """Open all of them, or none.

    Args:
        display: an X display like ":7"; None for the one of the environment, or the only one there is.
        bus: address of the session bus of that display, where it is known.

    Raises:
        PerceptionError: it cannot be seen.
        ActuatorError: it cannot be acted on.
    """
    from actuators.guard import Deaf, Guard, Panic, open_guard
    from actuators.hands import open_hands
    from perception.eyes import open_eyes
    from perception.naming import open_naming

    with contextlib.ExitStack() as opened:
        eyes = opened.enter_context(open_eyes(display, monitor=options.monitor, cursor=options.cursor))
        hands = opened.enter_context(open_hands(display))
        guard = open_guard(hands, display, panic=Panic(options.panic)) if options.takeover else Guard(hands, Deaf(""))
        opened.pop_all()
    return Senses(eyes, hands, guard, open_naming(display, bus=bus))
