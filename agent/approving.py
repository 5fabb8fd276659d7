"""A yes for exactly this (promise 10): asked right before it is done, and asked again if the screen has changed since.

The provider's safety checks stand for a whole answer and are asked before anything of it is done. The rules of the
approval policy are asked for one action, when its turn comes.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from actuators.actions import Action, Keypress, Point, Type, located, parse_action
from actuators.errors import InvalidAction
from agent import wording
from agent.attention import Attention
from agent.events import (
    ApprovalAnswered,
    ApprovalRequested,
    ApprovalReviewed,
    ModelAnswered,
    ModelDropped,
    NoteAdded,
)
from agent.phrasing import in_words
from agent.policy import Deed, Policy
from agent.recorder import Recorder
from agent.tools.base import Risk
from agent.values import FunctionCall, SafetyCheck, ScreenCall
from perception.compare import still_the_same
from perception.screenshot import Screenshot
from perception.target import Target

ASKED_AT_MOST = 4  # times, where the screen changes under each answer


class Reviewing(Protocol):
    """A second look at one action, by another model. Fails closed: whatever goes wrong, the user is asked."""

    async def review(
        self, asked: ApprovalRequested, said_by_user: Iterable[str], screen: Screenshot
    ) -> ApprovalReviewed:
        """Allow it, deny it, or leave it to the user."""
        ...


@dataclass(frozen=True)
class Rules:
    """What needs a yes, and who is asked.

    Attributes:
        patience: seconds that a question waits for the user's answer.
        reviewer: looks first at what a rule wants confirmed; None for nobody.
    """

    policy: Policy
    patience: float = 900.0
    reviewer: Reviewing | None = None


class Approving:
    """Gets the yes that an answer, or one action of it, needs.

    Args:
        look: takes a settled screenshot.
    """

    def __init__(
        self, rules: Rules, recorder: Recorder, attention: Attention, look: Callable[[], Awaitable[Screenshot]]
    ) -> None:
        self._rules = rules
        self._recorder = recorder
        self._state = recorder.state
        self._attention = attention
        self._look = look

    async def checks(self, answer: ModelAnswered) -> bool:
        """Get a yes for every safety check of an answer, before anything of it is done.

        False means that it was refused: the answer has been withdrawn and the model told.

        Raises:
            Stop: nobody answered in time (`needs_user`), or the user stopped.
        """
        for call in _with_checks(answer.calls):
            request = ApprovalRequested(call.checks[0].id, call.id, _asked(call), _in_words(call.checks))
            approved, by = await self._ask(request, _places(call))
            if not approved:
                self._withdraw(answer.turn, call, by)
                return False
        return True

    async def deed(self, call: ScreenCall, action: Action, target: Target | None) -> str:
        """Get the yes that one action needs by the rules, right before it is done.

        Returns:
            "" to go ahead, else why not, for the model.
        """
        assert self._state.started, "a journal begins with session.started"
        granted = tuple(self._state.said_by_user)
        ruling = self._rules.policy.judge(Deed(action, target, self._state.started.place, granted))
        if ruling.kind != "confirm" and ruling.kind != "hand_off":
            return ""
        what = in_words(action, target)
        request = ApprovalRequested(
            id=f"ap_{uuid.uuid4().hex[:8]}",
            call=call.id,
            what=what,
            risk=ruling.risk,
            recipient=ruling.recipient,
            kind=ruling.kind,
            source="rule",
            rule=ruling.rule,
        )
        approved, by = await self._ask(request, _points(action))
        if not approved:
            return wording.refused(what, ruling.risk, by)
        return wording.handed_off(what) if ruling.kind == "hand_off" and by == "user" else ""

    async def tool(self, call: FunctionCall, words: str, risk: Risk) -> str:
        """Get the yes that the use of a tool needs, right before it; "" to go ahead, else why not, for the model."""
        request = ApprovalRequested(
            id=f"ap_{uuid.uuid4().hex[:8]}",
            call=call.id,
            what=words,
            risk=risk.risk,
            recipient=risk.recipient,
            source="rule",
            rule=risk.rule,
        )
        self._recorder.record(request)
        approved, by = await self._tool_decided(request)
        self._answered(request.id, approved, by)
        return "" if approved else wording.tool_refused(words, risk.risk, by)

    async def _tool_decided(self, request: ApprovalRequested) -> tuple[bool, str]:
        setting = self._state.started.approve if self._state.started else "ask"
        if setting != "ask":
            return setting == "always", f"--approve {setting}"
        return await self._attention.decision(request.id, self._rules.patience)

    def withdraw_unapproved(self) -> None:
        """Take back an answer that still waited for a yes when the session was interrupted, with nothing of it done."""
        turn = self._state.turn
        waiting = _with_checks(turn.calls)
        if turn.open and waiting and not turn.started and not turn.answered and not self._state.approved:
            self._withdraw(turn.number, waiting[0], "the session was interrupted")

    # ---- asking

    async def _ask(self, request: ApprovalRequested, points: list[tuple[int, int]]) -> tuple[bool, str]:
        """The answer, and whose it is. A yes of the user counts only for the screen that it was given for."""
        setting = self._state.started.approve if self._state.started else "ask"
        if setting != "ask":
            self._recorder.record(request)
            return self._answered(request.id, setting == "always", f"--approve {setting}")
        for again in range(ASKED_AT_MOST):
            asked = replace(request, id=f"{request.id}~{again + 1}" if again else request.id, again=again)
            before = await self._look()
            self._recorder.record(asked)
            approved, by = self._answered(asked.id, *await self._decided(asked, before))
            if not approved or request.kind == "hand_off":
                return approved, by
            if still_the_same(before, await self._look(), points, shared=self._is_shared):
                return approved, by
        return False, f"the screen changed under each of {ASKED_AT_MOST} answers"

    @property
    def _is_shared(self) -> bool:
        return bool(self._state.started) and self._state.started.place == "here"

    async def _decided(self, asked: ApprovalRequested, screen: Screenshot) -> tuple[bool, str]:
        reviewer = self._rules.reviewer
        if reviewer and asked.source == "rule" and asked.kind == "confirm":
            with self._recorder.not_ours():
                review = await self._attention.unless_stopped(reviewer.review(asked, self._state.said_by_user, screen))
            self._recorder.record(review)
            if review.outcome != "ask":
                return review.outcome == "allow", f"the reviewer {review.model}: {review.rationale}"
        return await self._attention.decision(asked.id, self._rules.patience)

    def _answered(self, identity: str, approved: bool, by: str) -> tuple[bool, str]:
        self._recorder.record(ApprovalAnswered(identity, approved, by))
        return approved, by

    def _withdraw(self, turn: int, call: ScreenCall, by: str) -> None:
        self._recorder.record(ModelDropped(turn, "not approved", self._state.words, withdrawn=True))
        self._recorder.record(NoteAdded(wording.withdrawn(_asked(call), _in_words(call.checks), by)))


def _with_checks(calls: Iterable[object]) -> list[ScreenCall]:
    return [call for call in calls if isinstance(call, ScreenCall) and call.checks]


def _asked(call: ScreenCall) -> str:
    """Exactly what is asked for, action by action."""
    return "; ".join(_described(action) for action in call.actions) or "a look at the screen"


def _described(action: dict[str, object]) -> str:
    try:
        return in_words(parse_action(action), None)
    except InvalidAction:
        return str(action)


def _places(call: ScreenCall) -> list[tuple[int, int]]:
    """Where the actions of a call would act, in pixels of the newest screenshot."""
    found: list[tuple[int, int]] = []
    for raw in call.actions:
        try:
            found += _points(parse_action(raw))
        except InvalidAction:
            continue
    return found


def _points(action: Action) -> list[tuple[int, int]]:
    if isinstance(action, Keypress | Type):
        return []
    found: list[tuple[int, int]] = []

    def note(x: int, y: int) -> Point:
        found.append((x, y))
        return Point(x, y)

    located(action, note)
    return found


def _in_words(checks: tuple[SafetyCheck, ...]) -> str:
    return "; ".join(check.message or check.code or check.id for check in checks)
