"""The user's words to a session, from the page: posted to its inbox when they make sense now."""

from __future__ import annotations

from typing import Literal

from agent.errors import UserFault
from agent.inbox import Kind, Message, post
from ui.service.cards import Card
from ui.service.following import Following
from ui.settings.words import read_words

_STANDING = {"paused", "in your hands"}


class NotNow(UserFault):
    """That makes no sense in the session's present state."""


class NoWords(UserFault):
    """What was sent says nothing."""


def say(item: Following, message: Message) -> tuple[str, bool]:
    """Post a word to a session that was just looked at.

    Returns:
        The word's id, and whether it waits for the session to go on, since no process works on it.

    Raises:
        NotNow: it makes no sense now.
        NoWords: it needs a text and has none, or too long a one.
        UserFault: the inbox cannot be written.
    """
    card = item.card()
    _check_state(card, message.kind)
    target = _target(card, message)
    text = _text(message)
    try:
        posted = Message(message.kind, text, target, message.now, id=message.id)
        return post(item.session.inbox, posted), not card.live
    except OSError as error:
        raise UserFault(
            f"cannot write to the inbox of session {card.id} ({error.strerror}); free some space, or check the folder"
        ) from None


def _check_state(card: Card, kind: Kind) -> None:
    """Raise NotNow with the reason."""
    if kind == "steer":
        return  # kept for a session that does not run
    if not card.live:
        raise NotNow(f"no process works on this session, so there is nothing to {_VERBS[kind]}; let it go on first")
    if card.outcome:
        raise NotNow("the session is ending; wait a moment")
    if kind == "pause" and card.state in _STANDING:
        raise NotNow(f"it is {card.state} already")
    if kind == "resume" and not _stands(card):
        raise NotNow("it is working already; to tell it something, write a correction")
    if kind == "take" and card.state == "in your hands":
        raise NotNow("you have the mouse already")


def _stands(card: Card) -> bool:
    """A question may hide a pause from the state's word; the session knows."""
    return card.state in _STANDING or bool(card.questions)


def _target(card: Card, message: Message) -> str:
    """The question that is meant: the one of this id, or the only one of its type."""
    wanted = _ANSWERS.get(message.kind)
    if wanted is None:
        return ""
    open_ones = [question.id for question in card.questions if question.type == wanted]
    if not open_ones:
        raise NotNow(f"it asks for no {_NAMES[wanted]} at the moment; it may have been given already")
    if message.target in open_ones:
        return message.target
    if message.target:
        raise NotNow(f"it does not ask {message.target[:40]!r} any more; look at what it asks now")
    if len(open_ones) > 1:
        raise NotNow(f"it asks {len(open_ones)} things; say which by `target`")
    return open_ones[0]


def _text(message: Message) -> str:
    if message.kind not in ("steer", "answer") and not message.text.strip():
        return ""
    try:
        return read_words(message.text)
    except UserFault as fault:
        raise NoWords(str(fault)) from None


_VERBS: dict[Kind, str] = {
    "pause": "pause",
    "resume": "resume",
    "take": "take over",
    "stop": "stop",
    "approve": "approve",
    "deny": "deny",
    "answer": "answer",
}
_ANSWERS: dict[Kind, Literal["approval", "question"]] = {
    "approve": "approval",
    "deny": "approval",
    "answer": "question",
}
_NAMES = {"approval": "yes", "question": "answer"}
