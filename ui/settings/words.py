"""What the user says in words of their own: a task, or something to a working session."""

from __future__ import annotations

import sys

from agent.errors import UserFault

MAX_TASK = 50_000  # characters; more belongs into a file of the workspace


def read_task(text: str) -> str:
    """The task as given, or from standard input for "-"; see `check_task`."""
    return check_task(_standard_input() if text == "-" else text)


def check_task(text: str) -> str:
    """The task as given.

    Raises:
        UserFault: there is none, it is too long, or no text.
    """
    task = _text_of(text, "the task")
    if not task.strip():
        raise UserFault('the task is empty; say what is to be done: deskhand run "TASK"')
    if len(task) > MAX_TASK:
        raise UserFault(
            f"the task has {len(task)} characters, at most {MAX_TASK} fit; "
            "put the text into a file of --workspace, and let the task name it"
        )
    return task


def read_words(text: str) -> str:
    """What a user says to a session.

    Raises:
        UserFault: nothing, too much, or no text.
    """
    words = _text_of(text, "what you say").strip()
    if not words:
        raise UserFault("there are no words to tell")
    if len(words) > MAX_TASK:
        raise UserFault(f"{len(words)} characters are too many, at most {MAX_TASK} fit; put the text into a file")
    return words


def words_given(text: str | None) -> str:
    """Words on a command line, or from standard input for "-"; "" where there are none."""
    return read_words(_standard_input() if text == "-" else text) if text else ""


def at_terminal() -> bool:
    """Whether somebody can be asked on standard input."""
    return sys.stdin is not None and sys.stdin.isatty()  # pyright: ignore[reportUnnecessaryComparison]  # None if closed


def _standard_input() -> str:
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]  # so it is where it was closed
        raise UserFault("the task is to be read from standard input, which is closed; write it in place of `-`")
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")


def _text_of(text: str, what: str) -> str:
    """Bytes that are no UTF-8 arrive as lone surrogates, which no model can be sent."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UserFault(f"{what} is not UTF-8 text; convert it, or write it anew") from None
    return text
