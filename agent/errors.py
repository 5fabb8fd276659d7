"""Errors, by who may see them.

DeskhandError
 + ToolFault        goes to the model, and the session goes on
 + UserFault        rendered for a person in one line with the cure, without a traceback
   + ModelFault     the provider said no for good (key, name, policy, size); the session ends `failed`, resumable
 + Stop             flow, not failure: the session ends with an outcome and a reason
Transient           the provider or the line hiccuped; `agent.models` retries, and the user sees it

Anything else is a bug: the journal keeps it and the session can be resumed. `for_the_model` is the one place where
errors of the hands and the eyes are mapped; `TakenOver` tells the model of an action that the user's hands cut short.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from actuators.errors import ActuatorError, DisplayLost
from perception.errors import PerceptionError, ScreenLost

Outcome: TypeAlias = Literal["done", "gave_up", "stopped", "out_of_budget", "failed", "needs_user"]


class DeskhandError(Exception):
    """Base of the errors that are meant for somebody."""


class ToolFault(DeskhandError):
    """Something the model asked for did not work; the message tells it why and what else it may try."""


class UserFault(DeskhandError):
    """Something that only a person can mend. The message is one line: the cause, then the cure."""

    exit_status = 2


class ModelFault(UserFault):
    """The provider refused for good. `code` is the provider's own word, `details` what to keep for the record."""

    exit_status = 1

    def __init__(self, message: str, *, code: str = "", details: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.details = details or {}


class Transient(DeskhandError):
    """A failure that may pass. `retry_after` is seconds as the provider asked, or None where it said nothing."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Stop(DeskhandError):
    """The session ends here, honestly."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome: Outcome = outcome
        self.reason = reason


def for_the_model(error: ActuatorError | PerceptionError) -> ToolFault | UserFault:
    """Who sees an error of the hands or the eyes: a lost screen is the user's to mend, the rest is the model's."""
    if isinstance(error, DisplayLost | ScreenLost):
        cure = error.cure if isinstance(error, ScreenLost) else ScreenLost.cure
        return UserFault(f"the screen is gone ({error}); {cure}")
    return ToolFault(str(error))
