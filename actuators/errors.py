"""What can go wrong with the hands.

ActuatorError
 + InvalidAction      the action makes no sense; the message says why and what would
 + CannotType         some characters could not be typed; `characters` names them
 + NotSupported       this system's hands cannot do that
 + DisplayLost        the screen that the hands act on is gone
 + Interrupted        the hands were told to let go in the middle; a part was done
 + TakenOver          the user's own hands are at work; `begun` tells whether a part may have been done

`agent.errors` decides who gets to see each of them.
"""

from __future__ import annotations


class ActuatorError(Exception):
    """Base of everything that the hands raise on purpose."""


class InvalidAction(ActuatorError):
    """The action is malformed: unknown type, unknown key, too short a path, …"""


class CannotType(ActuatorError):
    """Text that could not be typed as given."""

    def __init__(self, characters: str, reason: str) -> None:
        named = ", ".join(f"{c!r} (U+{ord(c):04X})" for c in dict.fromkeys(characters))
        super().__init__(f"could not type {named}: {reason}")
        self.characters = characters


class NotSupported(ActuatorError):
    """The action is known, but the hands of this system cannot do it."""


class DisplayLost(ActuatorError):
    """The display went away: closed, killed, unplugged, or never there."""


class Interrupted(ActuatorError):
    """The hands were told to let go while they were at work; a part of the action was done."""


class TakenOver(ActuatorError):
    """The user has taken over: nothing more is done until they hand back."""

    def __init__(self, *, begun: bool) -> None:
        done = "the action was cut short, and a part of it may have been done" if begun else "nothing was done"
        super().__init__(f"the user has taken over mouse and keyboard; {done}")
        self.begun = begun
