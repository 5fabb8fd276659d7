"""The model without a model: it plays playbooks, finding its targets in the pixels of the screenshots it is shown.

It keeps no state. Where it is follows from the conversation: from the items of its own earlier answers, and from what
Deskhand has told it since. So a session can be resumed by a new process. It never points at anything that it has not
found in the newest screenshot.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import anyio.to_thread

from agent.conversation import (
    Answer,
    FromDeskhand,
    FromModel,
    FromUser,
    FunctionReply,
    Item,
    Request,
    ScreenReply,
    Streamed,
    Thought,
)
from agent.errors import ModelFault
from agent.playbook import POINTING, Playbook, Step, Target, aimed_at, load_playbook
from agent.sight import Memory, Sight
from agent.values import Call, FunctionCall, ImageRef, ScreenCall, Usage
from agent.wording import RESTARTED, tool_halted, workspace_note
from perception.errors import CannotRead
from perception.find import Found
from perception.screenshot import Point, Region

ITEM = "playbook_step"
PREFIX = "playbook:"
FREE = Usage(cost_usd=0.0)
CUT_SHORT = re.compile(r"(\d+) of (\d+) actions were carried out")
FAILED = re.compile(r"Action (\d+) of \d+ failed: (.*)")
STALE = "nothing was done, look again"  # of an action that met another screen than it was meant for
REFUSED = re.compile(r"Nothing was carried out: (.*)")
WORKSPACE = re.compile(re.escape(workspace_note("FOLDER").strip()).replace("FOLDER", "(.+)"))
NOT_NOW = tool_halted("the user")[:-1]
PATIENT = 4  # looks after which a step that may be done again is done again


@dataclass(frozen=True)
class Position:
    """How far it is. All of it stands in the conversation.

    Attributes:
        book, step: indices.
        acted: the step's actions were carried out, and what is expected has not been seen yet.
        sent: how many of the step's actions were carried out before it was cut short.
        looks: looks in vain at this step so far.
        redone: how often the step was done again.
        disturbed: how often each interruption was dealt with, by name.
        anchors: where things were found: left, top, width, height.
    """

    book: int = 0
    step: int = 0
    acted: bool = False
    sent: int = 0
    looks: int = 0
    redone: int = 0
    disturbed: Mapping[str, int] = field(default_factory=dict[str, int])
    anchors: Mapping[str, tuple[int, int, int, int]] = field(default_factory=dict[str, tuple[int, int, int, int]])

    @property
    def regions(self) -> dict[str, Region]:
        """The anchors as regions."""
        return {name: Region(*numbers) for name, numbers in self.anchors.items()}

    def next_step(self) -> Position:
        """On to the step after this one; what was found stays known."""
        return Position(self.book, self.step + 1, disturbed=self.disturbed, anchors=self.anchors)

    def found(self, name: str, region: Region) -> Position:
        """Remember where something was."""
        if not name:
            return self
        place = (region.left, region.top, region.width, region.height)
        return replace(self, anchors={**self.anchors, name: place})


@dataclass(frozen=True)
class Decision:
    """What to do now: actions on the screen, tools beside it, or the end: the last `words`, a `reason` to give up."""

    position: Position
    thought: str = ""
    actions: tuple[dict[str, Any], ...] = ()
    uses: tuple[dict[str, Any], ...] = ()
    words: str = ""
    reason: str = ""


class PlaybookModel:
    """Plays playbooks one after the other.

    Args:
        name: "playbook:budget,deck": names of playbooks, or paths of TOML files.
        parameters: values for what they leave open. `workspace` is known from the instructions otherwise.

    Raises:
        UserFault: there is no such playbook, or something is wrong with it.
    """

    def __init__(self, name: str, parameters: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._books = tuple(load_playbook(part.strip()) for part in name.removeprefix(PREFIX).split(","))
        self._parameters = dict(parameters or {})
        self._memory = Memory()
        self._filled: tuple[dict[str, str], tuple[Playbook, ...]] | None = None

    async def respond(self, request: Request) -> AsyncGenerator[Streamed]:
        """Look at the newest screenshot and say what to do."""
        number = 1 + sum(isinstance(item, FromModel) for item in request.items)
        if words := remark(request.items):
            yield Thought("words", words)
        decision = await anyio.to_thread.run_sync(self._decide, request, abandon_on_cancel=True)
        if decision.thought:
            yield Thought("reasoning", decision.thought)
        if decision.words:
            yield Thought("words", decision.words)
        yield _answer(number, decision, self._books)

    def _decide(self, request: Request) -> Decision:
        position, fault = where(request.items)
        image = newest_image(request.items)
        if fault:
            return Decision(position, reason=f"{self._at(position)}: {fault}")
        if image is None:
            raise ModelFault("a playbook needs a screenshot, and the conversation has none")
        player = _Player(self._filled_in(request), request.load(image), image.sha256, self._memory)
        try:
            return player.decide(position)
        except CannotRead as error:
            raise ModelFault(str(error)) from None

    def _at(self, position: Position) -> str:
        book = self._books[position.book]
        return f"playbook {book.name}, step {position.step + 1} ({book.steps[position.step].name})"

    def _filled_in(self, request: Request) -> tuple[Playbook, ...]:
        stated = WORKSPACE.search(request.instructions)
        values = ({"workspace": stated[1]} if stated else {}) | self._parameters
        if self._filled is None or self._filled[0] != values:
            self._filled = values, tuple(_complete(book, values) for book in self._books)
        return self._filled[1]


def _complete(book: Playbook, values: Mapping[str, str]) -> Playbook:
    complete = {**book.parameters, **values}
    if missing := [name for name in book.parameters if not complete[name]]:
        raise ModelFault(f"playbook {book.name} needs a value for {missing[0]!r}, and has none")
    return book.filled_in(complete)


class _Player:
    """Decides one turn on one screenshot. Functions of their arguments, except for what was read before."""

    def __init__(self, books: Sequence[Playbook], image: bytes, sha256: str, memory: Memory) -> None:
        self._books = books
        self._sights: dict[str, Sight] = {}
        self._image, self._sha256, self._memory = image, sha256, memory

    def decide(self, at: Position) -> Decision:
        """Go on from here: as far as this screenshot allows without acting, then act, wait or give up."""
        while at.book < len(self._books):
            book = self._books[at.book]
            if at.step == len(book.steps):
                at = Position(at.book + 1)
                continue
            moment = _Moment(book, book.steps[at.step], self._sight(book))
            outcome = _finish(moment, at) if at.acted else _begin(moment, at)
            if isinstance(outcome, Decision):
                return outcome
            at = outcome
        return Decision(at, words=" ".join(book.done for book in self._books))

    def _sight(self, book: Playbook) -> Sight:
        if book.name not in self._sights:
            self._sights[book.name] = Sight(self._image, self._sha256, book, self._memory)
        return self._sights[book.name]


@dataclass(frozen=True)
class _Moment:
    """A step, and the screenshot it is decided on."""

    book: Playbook
    step: Step
    sight: Sight

    def sees(self, targets: Sequence[Target], at: Position) -> Found | None:
        """The first of the targets that is seen; everywhere from the second look on."""
        return self.sight.first(targets, at.regions, wide=at.looks > 0)

    def reoriented(self, at: Position) -> Position:
        """From the second look on, look again for the anchors that this step goes by: the window may have moved."""
        if not at.looks:
            return at
        needed = self.book.anchors_of((*self.step.find, *self.step.expect))
        for step in self.book.steps[: at.step + at.acted]:
            if step.name_as in needed and (found := self.sight.first(step.find, at.regions, wide=True)):
                at = at.found(step.name_as, found.region)
        return at


def _begin(moment: _Moment, at: Position) -> Decision | Position:
    """Look for what the step needs and do it; on to the next step where there is nothing to do."""
    step, at = moment.step, moment.reoriented(at)
    fresh = not at.looks and not at.sent and not at.redone
    if fresh and step.unless and moment.sees(step.unless, at):
        return at.next_step()
    found: Found | None = None
    if step.find and (not at.sent or any(map(_aims, step.do[at.sent :]))):
        found = moment.sees(step.find, at)
        if found is None:
            return _be_patient(moment, at, step.find)
        at = at.found(step.name_as, found.region)
    if step.use:
        said = step.say or f"Now: {step.name}."
        return Decision(replace(at, acted=True, looks=0), said, uses=step.use)
    return _act(moment, at, found) if step.do else _finish(moment, at)


def _finish(moment: _Moment, at: Position) -> Decision | Position:
    """See whether the step has worked."""
    at = moment.reoriented(at)
    if moment.step.expect and moment.sees(moment.step.expect, at) is None:
        return _be_patient(moment, at, moment.step.expect)
    return at.next_step()


def _act(moment: _Moment, at: Position, found: Found | None, why: str = "") -> Decision:
    step = moment.step
    actions = _aimed(step.do, found)[at.sent :]
    outside = [point for point in _points(actions) if not moment.sight.screen.contains(point.x, point.y)]
    if outside:
        return _give_up(moment, at, f"({outside[0].x}, {outside[0].y}) would be off the screen")
    said = _aloud(step.say or f"Now: {step.name}.", found)
    return Decision(replace(at, acted=True, looks=0), why + said, actions)


def _be_patient(moment: _Moment, at: Position, targets: Sequence[Target]) -> Decision:
    """Not seen: something may have come between, it may come late, it may have to be done again; or it ends."""
    step = moment.step
    at = replace(at, looks=at.looks + 1)
    missing = " or ".join(map(str, targets))
    if at.looks > 1 and (way_past := _way_past(moment, at)):
        return way_past
    if at.acted and at.redone < step.retry and at.looks >= min(PATIENT, step.patience):
        again = replace(at, acted=False, sent=0, looks=0, redone=at.redone + 1)
        found = moment.sight.first(step.find, again.regions, wide=True)
        if found or not step.find:
            return _act(moment, again, found, f"There is no {missing}, so I do it again. ")
    if at.looks > step.patience:
        what = "did not appear" if at.acted else "is not on the screen"
        return _give_up(moment, at, f"{missing} {what}, after {at.looks} looks")
    return Decision(at, f"I do not see {missing} yet ({step.name}); I wait and look again.", ({"type": "wait"},))


def _way_past(moment: _Moment, at: Position) -> Decision | None:
    """Deal with a known interruption, if one is on the screen."""
    for interruption in moment.book.interruptions:
        times = at.disturbed.get(interruption.name, 0)
        if times >= interruption.at_most or (interruption.when and not moment.sees(interruption.when, at)):
            continue
        if found := moment.sees(interruption.find, at):
            at = replace(at, looks=1, disturbed={**at.disturbed, interruption.name: times + 1})
            said = interruption.say or f"Something has come between: {interruption.name}."
            return Decision(at, _aloud(said, found), _aimed(interruption.do, found))
    return None


def _give_up(moment: _Moment, at: Position, why: str) -> Decision:
    book, step = moment.book, moment.step
    reason = f"playbook {book.name}, step {at.step + 1} of {len(book.steps)} ({step.name}): {why}"
    return Decision(at, f"I give up at «{step.name}»: {why}.", reason=reason)


def where(items: Sequence[Item]) -> tuple[Position, str]:
    """Where the conversation has come to, and what went wrong with the last actions, or "".

    Pure: the last item of its own, corrected by what Deskhand has said since.
    """
    position, sent = Position(), 0
    index = max((i for i, item in enumerate(items) if _own(item)), default=-1)
    if index >= 0:
        position, sent = _position_of(_own(items[index]))
    for item in items[index + 1 :]:
        if isinstance(item, FunctionReply) and item.failed:
            if not item.text.startswith(NOT_NOW):
                return position, item.text
            position = replace(position, acted=False)
        if not isinstance(item, FromDeskhand):
            continue
        if item.text.startswith(RESTARTED):
            return Position(position.book), ""
        if (fault := FAILED.search(item.text)) and STALE in fault[2]:
            position = replace(position, acted=False, sent=position.sent + int(fault[1]) - 1)
            continue
        if fault:
            return position, f"action {fault[1]} failed: {fault[2]}"
        if fault := REFUSED.search(item.text):
            return position, fault[1]
        if (cut := CUT_SHORT.search(item.text)) and sent:
            position = replace(position, acted=False, sent=position.sent + int(cut[1]))
    return position, ""


def remark(items: Sequence[Item]) -> str:
    """What to say about words of the user that have come since the last answer."""
    index = max((i for i, item in enumerate(items) if isinstance(item, FromModel)), default=-1)
    if index >= 0 and any(isinstance(item, FromUser) for item in items[index + 1 :]):
        return "I play a playbook and cannot take corrections in words; I go on with it. "
    return ""


def newest_image(items: Sequence[Item]) -> ImageRef | None:
    """The screenshot that shows the screen as it is now."""
    for item in reversed(items):
        if isinstance(item, ScreenReply | FromUser | FromDeskhand) and item.image:
            return item.image
    return None


def _own(item: Item) -> dict[str, Any]:
    if not isinstance(item, FromModel):
        return {}
    return next((word for word in item.output if word.get("type") == ITEM), None) or {}


def _position_of(word: Mapping[str, Any]) -> tuple[Position, int]:
    position = Position(
        book=int(word["book"]),
        step=int(word["step"]),
        acted=bool(word["acted"]),
        sent=int(word["sent"]),
        looks=int(word["looks"]),
        redone=int(word["redone"]),
        disturbed=dict(word["disturbed"]),
        anchors={str(name): tuple(numbers) for name, numbers in word["anchors"].items()},
    )
    return position, int(word["own_actions"])


def _answer(number: int, decision: Decision, books: Sequence[Playbook]) -> Answer:
    at = decision.position
    book = books[at.book].name if at.book < len(books) else ""
    # Waiting and getting past an interruption are not the step's own actions: cut short, nothing is lost.
    own = len(decision.actions) if at.acted and at.looks == 0 else 0
    item: dict[str, Any] = {"type": ITEM, "playbook": book, "own_actions": own, "thought": decision.thought}
    item |= {name: getattr(at, name) for name in ("book", "step", "acted", "sent", "looks", "redone")}
    item |= {"disturbed": dict(at.disturbed), "anchors": {name: list(box) for name, box in at.anchors.items()}}
    identity = f"playbook-{number}"
    calls: tuple[Call, ...] = ()
    if decision.actions:
        calls = (ScreenCall(identity, decision.actions),)
    elif decision.uses:
        calls = tuple(_use(f"{identity}-{index}", use) for index, use in enumerate(decision.uses))
    elif decision.reason:
        calls = (FunctionCall(identity, "give_up", json.dumps({"reason": decision.reason})),)
    return Answer(identity, (item,), calls, decision.words, bool(decision.words), FREE)


def _use(identity: str, use: Mapping[str, Any]) -> FunctionCall:
    arguments = {name: value for name, value in use.items() if name != "tool"}
    return FunctionCall(identity, str(use["tool"]), json.dumps(arguments))


def _aimed(actions: Sequence[Mapping[str, Any]], found: Found | None) -> tuple[dict[str, Any], ...]:
    center = found.region.center if found else Point(0, 0)
    return tuple(aimed_at(action, center.x, center.y) for action in actions)


def _aloud(say: str, found: Found | None) -> str:
    if found is None:
        return say
    return f"{say} I see it at ({found.region.center.x}, {found.region.center.y})."


def _aims(action: Mapping[str, Any]) -> bool:
    return action.get("type") in (*POINTING, "drag")


def _points(actions: Sequence[Mapping[str, Any]]) -> list[Point]:
    places = [place for action in actions for place in action.get("path", [action] if "x" in action else [])]
    return [Point(int(place["x"]), int(place["y"])) for place in places]
