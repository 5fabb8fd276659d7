"""A yes for exactly this (promise 10): asked right before it is done, and asked again if the screen has changed since.

The provider's safety checks stand for a whole answer and are asked before anything of it is done. The rules of the
approval policy are asked for one action, or one call of a tool, when its turn comes.
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
from agent.errors import UserFault
from agent.events import (
    ApprovalAnswered,
    ApprovalRequested,
    ApprovalReviewed,
    ModelAnswered,
    ModelDropped,
    NoteAdded,
)
from agent.phrasing import TEXT, in_words
from agent.policy import Deed, Policy, Ruling, Use
from agent.recorder import Recorder
from agent.values import FunctionCall, SafetyCheck, ScreenCall
from perception.compare import still_the_same
from perception.screenshot import Screenshot
from perception.target import Target

ASKED_AT_MOST = 4  # times, where the screen changes under each answer
MOST_WORDS = 20_000  # characters of a call that are shown to who must say yes to it


class Reviewing(Protocol):
    """A second look at one action or call, by another model. Fails closed: whatever goes wrong, the user is asked."""

    async def review(
        self, asked: ApprovalRequested, said_by_user: Iterable[str], screen: Screenshot | None
    ) -> ApprovalReviewed:
        """Allow it, deny it, or leave it to the user. `screen` is None where it cannot be seen."""
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
            asked = _readable(_asked(call, most=MOST_WORDS))
            request = ApprovalRequested(call.checks[0].id, call.id, asked, _in_words(call.checks))
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
        request = _request(call, in_words(action, target, most=MOST_WORDS), self._judge(Deed(action, target, "")))
        if request is None:
            return ""
        return _obstacle(request, in_words(action, target), *await self._ask(request, _points(action)))

    async def use(self, call: FunctionCall, use_of: Callable[[], Use | None], words: str) -> str:
        """Get the yes that one call of a tool needs by the rules, right before it is carried out.

        Args:
            use_of: what the call would do now; where that is another thing after the answer, it is asked again.
            words: the call in short, for the model.

        Returns:
            "" to go ahead, else why not, for the model.
        """
        for again in range(ASKED_AT_MOST):
            use = use_of()
            request = _request(call, _readable(use.words), self._judge(use)) if use else None
            if request is None:
                return ""
            approved, by = await self._ask_about_call(replace(request, again=again))
            if not approved or request.kind == "hand_off" or use_of() == use:
                return _obstacle(request, words, approved, by)
        return wording.refused(words, "it depends on what is there", f"that changed under {ASKED_AT_MOST} answers")

    def asks(self, use: Use) -> bool:
        """Whether a call of a tool needs somebody's yes."""
        return self._judge(use).kind in ("confirm", "hand_off")

    def _judge(self, deed: Deed | Use) -> Ruling:
        assert self._state.started, "a journal begins with session.started"
        place, granted = self._state.started.place, tuple(self._state.said_by_user)
        return self._rules.policy.judge(replace(deed, computer=place, granted=granted))

    def withdraw_unapproved(self) -> None:
        """Take back an answer that still waited for a yes when the session was interrupted, with nothing of it done."""
        turn = self._state.turn
        waiting = _with_checks(turn.calls)
        if turn.open and waiting and not turn.started and not turn.answered and not self._state.approved:
            self._withdraw(turn.number, waiting[0], "the session was interrupted")

    # ---- asking

    async def _ask(self, request: ApprovalRequested, points: list[tuple[int, int]]) -> tuple[bool, str]:
        """The answer, and whose it is. A yes of the user counts only for the screen that it was given for."""
        if decided := self._by_setting(request):
            return decided
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

    async def _ask_about_call(self, request: ApprovalRequested) -> tuple[bool, str]:
        """The answer, and whose it is."""
        if decided := self._by_setting(request):
            return decided
        screen = await self._glance() if self._is_for_reviewer(request) else None
        self._recorder.record(request)
        return self._answered(request.id, *await self._decided(request, screen))

    def _by_setting(self, request: ApprovalRequested) -> tuple[bool, str] | None:
        """The answer where `--approve` gives it."""
        setting = self._state.started.approve if self._state.started else "ask"
        if setting == "ask":
            return None
        self._recorder.record(request)
        return self._answered(request.id, setting == "always", f"--approve {setting}")

    async def _glance(self) -> Screenshot | None:
        """The screen, if there is one: what does not act on it does without."""
        try:
            return await self._look()
        except UserFault:
            return None

    def _is_for_reviewer(self, asked: ApprovalRequested) -> bool:
        return self._rules.reviewer is not None and asked.source == "rule" and asked.kind == "confirm"

    async def _decided(self, asked: ApprovalRequested, screen: Screenshot | None) -> tuple[bool, str]:
        reviewer = self._rules.reviewer
        if reviewer and self._is_for_reviewer(asked):
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


def _request(call: ScreenCall | FunctionCall, what: str, ruling: Ruling) -> ApprovalRequested | None:
    """What the user is asked by a ruling; None for nothing."""
    if ruling.kind != "confirm" and ruling.kind != "hand_off":
        return None
    return ApprovalRequested(
        id=f"ap_{uuid.uuid4().hex[:8]}",
        call=call.id,
        what=what,
        risk=ruling.risk,
        recipient=ruling.recipient,
        kind=ruling.kind,
        source="rule",
        rule=ruling.rule,
    )


def _obstacle(request: ApprovalRequested, what: str, approved: bool, by: str) -> str:
    """Why it is not done after an answer, for the model; "" where it is."""
    if not approved:
        return wording.refused(what, request.risk, by)
    return wording.handed_off(what) if request.kind == "hand_off" and by == "user" else ""


def _readable(words: str) -> str:
    """A call as it is shown to who must say yes to it: nothing in it can hide or turn around the rest."""
    plain = "".join(sign if sign.isprintable() or sign in "\n\t\xa0" else _named(sign) for sign in words[:MOST_WORDS])
    left = len(words) - MOST_WORDS
    return f"{plain}\n[… {left:,} more characters are not shown]" if left > 0 else plain


def _named(sign: str) -> str:
    return sign.encode("unicode_escape", "surrogatepass").decode("ascii")


def _with_checks(calls: Iterable[object]) -> list[ScreenCall]:
    return [call for call in calls if isinstance(call, ScreenCall) and call.checks]


def _asked(call: ScreenCall, *, most: int = TEXT) -> str:
    """Exactly what is asked for, action by action."""
    return "; ".join(_described(action, most) for action in call.actions) or "a look at the screen"


def _described(action: dict[str, object], most: int) -> str:
    try:
        return in_words(parse_action(action), None, most=most)
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
