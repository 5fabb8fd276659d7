"""`deskhand tell`, `pause`, `take`, `stop`, `approve`, `deny`, `answer`: words to a session, from any terminal."""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, TypeVar

from agent.errors import UserFault
from agent.inbox import Message, post
from agent.session import Session, data_home, find_session
from ui.service.running import Service, ServiceLost, find_service
from ui.settings.words import read_words
from ui.standing import Standing
from ui.summary import one_line, outcome_word

T = TypeVar("T")
PATIENCE = 5.0  # seconds for a working session to take a word in
STOPPING = 30.0  # and to end: programs are closed meanwhile
WIDTH = 200  # columns of what is one line


def tell(flags: argparse.Namespace) -> int:
    """Post a correction, and show its receipts."""
    session = find_session(data_home(), flags.session)
    words = read_words(flags.words)
    standing = Standing(session)
    identity = _posted(session, Message("steer", words, now=flags.now))
    if not session.is_live():
        _say(f"kept; it is delivered when the session goes on: deskhand resume {session.id}")
        return 0
    _follow(standing, identity, to_the_end=flags.wait)
    return 0


def _follow(standing: Standing, identity: str, *, to_the_end: bool) -> None:
    """Print each receipt as the journal has it, up to "queued" or up to "applied"."""
    last, patience = ("applied", float("inf")) if to_the_end else ("queued", PATIENCE)
    shown: list[str] = []
    while last not in shown and _more(standing, identity, len(shown), patience):
        for receipt in standing.receipts[identity][len(shown) :]:
            _say(receipt)
            shown.append(receipt)
    if last not in shown:
        state = "has ended" if standing.end else "has not taken it in yet"
        _say(f"session {standing.session.id} {state}; the words are kept, and delivered when it goes on")


def _more(standing: Standing, identity: str, than: int, patience: float) -> bool:
    return standing.wait(lambda it: len(it.receipts.get(identity, ())) > than, patience)


def pause(flags: argparse.Namespace) -> int:
    """Hold a session still."""
    session = _live(flags.session, "pause")
    standing = Standing(session)
    if not standing.paused:
        _posted(session, Message("pause"))
        _expect(standing, standing.wait(lambda it: it.paused, PATIENCE))
    _say(f"paused; go on with `deskhand resume {session.id}`")
    return 0


def take(flags: argparse.Namespace) -> int:
    """Take mouse and keyboard of a session's computer into one's own hands."""
    session = _live(flags.session, "take over")
    standing = Standing(session)
    if not standing.taken_over:
        _posted(session, Message("take"))
        _expect(standing, standing.wait(lambda it: it.taken_over, PATIENCE))
    _say(f'its computer is in your hands; hand it back with `deskhand resume {session.id} ["WHAT YOU DID"]`')
    return 0


def unpause(session: Session, words: str) -> int:
    """Let a paused session go on, with a word if there is one.

    Raises:
        UserFault: it is not paused, or does not answer.
    """
    standing = Standing(session)
    if not standing.paused:
        raise UserFault(
            f'session {session.id} is working already; to tell it something: `deskhand tell {session.id} "WORDS"`'
        )
    if words:
        _posted(session, Message("steer", words))
    _posted(session, Message("resume"))
    _expect(standing, standing.wait(lambda it: not it.paused, PATIENCE))
    _say(f"session {session.id} goes on")
    return 0


def stop(flags: argparse.Namespace) -> int:
    """End a session, and say how it ended."""
    session = _live(flags.session, "stop")
    standing = Standing(session)
    _posted(session, Message("stop"))
    standing.wait(lambda _: False, STOPPING)  # until no process works on it
    if session.is_live():
        raise UserFault(
            f"session {session.id} was told to stop and has not ended within {STOPPING:g} s; "
            f"see `deskhand show {session.id} --follow`"
        )
    end = standing.look().end
    said = f"{outcome_word(end.outcome)}: {one_line(end.reason, WIDTH)}" if end else "its process has gone"
    _say(f"{said}; go on with `deskhand resume {session.id}`")
    return 0


def approve(flags: argparse.Namespace) -> int:
    """Say yes to exactly what was asked."""
    return _decide(flags, "approve")


def deny(flags: argparse.Namespace) -> int:
    """Say no."""
    return _decide(flags, "deny")


def _decide(flags: argparse.Namespace, kind: Literal["approve", "deny"]) -> int:
    session = _live(flags.session, kind)
    standing = Standing(session)
    question = _meant(standing.session.id, standing.approvals, flags.id)
    _posted(session, Message(kind, target=question.id))
    _expect(standing, standing.wait(lambda it: question.id not in it.approvals, PATIENCE))
    said = "approved" if kind == "approve" else "denied"
    _say(f"{said}: {one_line(question.what, WIDTH)} ({one_line(question.risk, WIDTH)})")
    return 0


def answer(flags: argparse.Namespace) -> int:
    """Answer what a session asks."""
    session = _live(flags.session, "answer")
    standing = Standing(session)
    question = _meant(session.id, standing.questions, flags.id)
    _posted(session, Message("answer", read_words(flags.words), target=question.id))
    _expect(standing, standing.wait(lambda it: question.id not in it.questions, PATIENCE))
    _say(f"answered: {one_line(question.text, WIDTH)}")
    return 0


def _meant(name: str, asked: Mapping[str, T], identity: str | None) -> T:
    """The open question that is meant: the one of this id, or the only one.

    Raises:
        UserFault: there is none, or more than one.
    """
    if not asked:
        raise UserFault(f"session {name} asks nothing of the kind at the moment; see `deskhand show {name}`")
    if identity is None and len(asked) > 1:
        raise UserFault(f"session {name} asks {len(asked)} things ({', '.join(asked)}); say which by its id")
    found = asked.get(identity) if identity else next(iter(asked.values()))
    if found is None:
        raise UserFault(f"session {name} does not ask {identity!r}; it asks {', '.join(asked)}")
    return found


def _live(name: str, verb: str) -> Session:
    session = find_session(data_home(), name)
    if not session.is_live():
        asked = verb in ("answer", "approve", "deny")
        cure = (
            f"`deskhand resume {session.id}` goes on, and asks again what is open"
            if asked
            else "`deskhand sessions` lists all"
        )
        raise UserFault(f"session {session.id} is not running, so there is nothing to {verb}; {cure}")
    return session


def _posted(session: Session, message: Message) -> str:
    """Through the page's service where there is one, as the page does it; else straight into the inbox."""
    message = replace(message, id=uuid.uuid4().hex[:12])
    if (service := find_service(data_home())) and _by_service(service, session, message):
        return message.id
    try:
        return post(session.inbox, message)
    except OSError as error:
        raise UserFault(
            f"cannot write to {session.inbox} ({error.strerror}); make it writable or free some space"
        ) from None


def _by_service(service: Service, session: Session, message: Message) -> bool:
    """False where the service does not answer: the word can do without.

    Raises:
        UserFault: it makes no sense now.
    """
    body = {"kind": message.kind, "text": message.text, "target": message.target, "now": message.now, "id": message.id}
    try:
        status, answer = service.request("POST", f"/api/sessions/{session.id}/words", body)
    except ServiceLost:
        return False
    if status in (409, 422):
        raise UserFault(str(answer["error"]))
    return status == 202


def _expect(standing: Standing, taken: bool) -> None:
    if not taken:
        name = standing.session.id
        what = "has ended meanwhile" if standing.end else f"did not take it in within {PATIENCE:g} s"
        raise UserFault(f"session {name} {what}; see `deskhand show {name}`")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
