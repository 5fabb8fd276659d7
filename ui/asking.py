"""A session's questions, put to the user at this terminal."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from agent.events import (
    ApprovalAnswered,
    ApprovalRequested,
    Event,
    QuestionAnswered,
    QuestionAsked,
    SessionEnded,
)
from agent.inbox import Message, post
from agent.session import Session
from ui.settings.words import at_terminal

POLL = 0.1  # seconds between looks whether somebody else was quicker
ANSWERS = {"y": True, "yes": True, "n": False, "no": False}


class Asker:
    """Asks one question at a time, in a thread. The answer goes through the inbox, as from any other terminal."""

    def __init__(self, session: Session, say: Callable[[str], None]) -> None:
        self._session, self._say = session, say
        self._asked = ""
        self._settled = threading.Event()

    def note(self, event: Event) -> None:
        """Ask when the session asks; stop asking when it has an answer or ends."""
        match event:
            case ApprovalRequested() if can_ask():
                self._begin(event.id, lambda settled: self._ask(event.id, settled))
            case QuestionAsked() if can_ask():
                self._begin(event.id, lambda settled: self._reply(event, settled))
            case ApprovalAnswered() | QuestionAnswered() if event.id == self._asked:
                self.close()
            case SessionEnded():
                self.close()
            case _:
                pass

    def _begin(self, identity: str, ask: Callable[[threading.Event], None]) -> None:
        self.close()
        self._asked, self._settled = identity, threading.Event()
        threading.Thread(target=ask, args=(self._settled,), daemon=True).start()

    def close(self) -> None:
        """Stop asking."""
        self._settled.set()

    def _ask(self, identity: str, settled: threading.Event) -> None:
        try:
            _forget_what_was_typed_before()
            while (approved := self._answer(settled)) is None:
                if settled.is_set():
                    return
            post(self._session.inbox, Message("approve" if approved else "deny", target=identity))
        except OSError:  # the terminal or the session's folder has gone; the question can be answered elsewhere
            return

    def _reply(self, question: QuestionAsked, settled: threading.Event) -> None:
        """Free words; a number stands for a choice."""
        numbered = "  ".join(f"{number} {choice}" for number, choice in enumerate(question.choices, 1))
        with suppress(OSError):  # the terminal or the session's folder has gone; it can be answered elsewhere
            _forget_what_was_typed_before()
            while not settled.is_set():
                self._say(f"your answer{f' ({numbered})' if numbered else ''}, then Enter:")
                line = _read_line(settled)
                if not line:  # settled elsewhere, or nobody is there
                    return
                if words := line.strip():
                    post(self._session.inbox, Message("answer", _chosen(words, question), target=question.id))
                    return

    def _answer(self, settled: threading.Event) -> bool | None:
        """Yes or no; None where the question is settled, or the answer was neither."""
        self._say("allow it? y or n, then Enter:")
        line = _read_line(settled)
        if line == "":  # the end of the input: nobody is there
            settled.set()
        return ANSWERS.get(line.strip().lower()) if line else None


def _chosen(words: str, question: QuestionAsked) -> str:
    number = int(words) if words.isascii() and words.isdigit() else 0
    return question.choices[number - 1] if 0 < number <= len(question.choices) else words


def can_ask() -> bool:
    """Whether there is a terminal, and this process may read from it."""
    if not at_terminal():
        return False
    try:
        return sys.platform == "win32" or os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:
        return False


def _read_line(settled: threading.Event) -> str | None:
    """A line of the terminal, "" at the end of input, None where the question was settled meanwhile."""
    if sys.platform == "win32":
        return sys.stdin.readline()
    import select

    # Not `sys.stdin.readline`: a thread that waits in it keeps Python from ending.
    number = sys.stdin.fileno()
    while not settled.is_set():
        if select.select([number], [], [], POLL)[0]:
            return os.read(number, 4096).decode(errors="replace")
    return None


def _forget_what_was_typed_before() -> None:
    """A yes counts only for a question that was seen."""
    if sys.platform != "win32":
        import termios

        try:
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        except termios.error as error:
            raise OSError(str(error)) from None
