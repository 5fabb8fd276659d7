"""How a session stands, read from its journal as it grows by another process."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

from agent.codec import decode
from agent.errors import UserFault
from agent.events import (
    ApprovalAnswered,
    ApprovalRequested,
    Event,
    Paused,
    QuestionAnswered,
    QuestionAsked,
    SessionEnded,
    SessionResumed,
    SteerApplied,
    SteerDelivered,
    SteerQueued,
    TakeoverEnded,
    TakeoverStarted,
    Unpaused,
)
from agent.session import Session

POLL = 0.03  # seconds between looks at a journal

_OF_INTEREST = re.compile(
    rb'\{"v":\d+,"seq":\d+,"at":"[^"]*","type":"(?:session\.(?:paused|unpaused|resumed|ended)|approval\.\w+|question\.\w+|steer\.\w+|takeover\.\w+)"'
)


class Standing:
    """What matters to whoever has a word for the session. Other lines are not decoded: a long journal is quick.

    Attributes:
        paused: whether it holds still.
        taken_over: whether it is in the user's hands.
        approvals: what it needs the user's yes for, by id.
        questions: what else it asks the user and has no answer to, by id.
        receipts: of each correction, by id: "queued", "delivered", "applied", as far as it has come.
        end: how it ended, if it has.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.paused = False
        self.taken_over = False
        self.approvals: dict[str, ApprovalRequested] = {}
        self.questions: dict[str, QuestionAsked] = {}
        self.receipts: dict[str, list[str]] = {}
        self.end: SessionEnded | None = None
        self._offset = 0
        self.look()

    def look(self) -> Standing:
        """Take in what was written since the last look.

        Raises:
            UserFault: the journal cannot be read.
        """
        for line in self._fresh():
            if _OF_INTEREST.match(line):
                try:
                    self._note(decode(line).event)
                except (ValueError, LookupError):  # damaged: `show` says so
                    continue
        return self

    def wait(self, until: Callable[[Standing], object], patience: float) -> bool:
        """Look until something is true, the session has ended, or patience is at an end; says whether it is true."""
        deadline = time.monotonic() + patience
        while True:
            live = self.session.is_live()  # asked first: what was written before the end is read after it
            if until(self.look()):
                return True
            if not live or time.monotonic() > deadline:
                return False
            time.sleep(POLL)

    def _fresh(self) -> Iterator[bytes]:
        try:
            with self.session.events.open("rb") as file:
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    self._offset += len(line)
                    yield line
        except FileNotFoundError:
            return
        except OSError as error:
            raise UserFault(
                f"the journal of session {self.session.id} cannot be read ({error.strerror}); check its permissions"
            ) from None

    def _note(self, event: Event) -> None:
        match event:
            case Paused():
                self.paused = True
            case Unpaused():
                self.paused = False
            case SessionResumed():
                self.paused = self.taken_over = False
                self.end = None
                self.approvals.clear()
                self.questions.clear()
            case TakeoverStarted() | TakeoverEnded():
                self.taken_over = isinstance(event, TakeoverStarted)
            case SessionEnded():
                self.end = event
            case ApprovalRequested():
                self.approvals[event.id] = event
            case ApprovalAnswered():
                self.approvals.pop(event.id, None)
            case QuestionAsked():
                self.questions[event.id] = event
            case QuestionAnswered():
                self.questions.pop(event.id, None)
            case SteerQueued() | SteerDelivered() | SteerApplied():
                self.receipts.setdefault(event.id, []).append(event.type.removeprefix("steer."))
            case _:
                pass
