"""What a session's journal tells a person who looks back: blocks of turns and of what lies between them.

A pure fold that believes nothing about order: lines may be damaged and events missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from agent.codec import Damage
from agent.conversation import told_of
from agent.events import (
    ActionDone,
    ActionStarted,
    ApprovalAnswered,
    ApprovalRequested,
    ApprovalReviewed,
    BudgetWarned,
    BugFound,
    CallAnswered,
    Compacted,
    ComputerReady,
    Entry,
    Event,
    FileMade,
    MemoryChanged,
    ModelAnswered,
    ModelDropped,
    ModelRefused,
    ModelRetrying,
    ModelSaid,
    ModelThought,
    NoteAdded,
    Paused,
    PlanChanged,
    QuestionAnswered,
    QuestionAsked,
    ScreenshotTaken,
    SessionEnded,
    SessionQueued,
    SessionResumed,
    SessionStarted,
    SteerApplied,
    SteerDelivered,
    SteerQueued,
    TakeoverEnded,
    TakeoverStarted,
    ToolsOffered,
    ToolStarted,
    TurnEnded,
    TurnStarted,
    Unpaused,
    UserSaid,
    WaitingStarted,
)
from agent.values import ImageRef, ScreenCall, Word
from ui.blocks import Beginning, Block, Clock, Item, action_item, mark_of, reasoning_in, say_better, still_open
from ui.layout import Layout
from ui.terminal import line_of


class Timeline:
    """The fold. `images` lists each picture once; views point into it.

    It can be gone on with by `take` and `damage`. Who says by `enter` where chunks of the journal begin finds in
    `touched` those whose blocks may have changed, and empties it.
    """

    def __init__(
        self, entries: Iterable[Entry], damages: Iterable[Damage], *, live: bool, beginning: Beginning | None = None
    ) -> None:
        self._layout = Layout()
        self.images, self.blocks, self.touched = self._layout.images, self._layout.blocks, self._layout.touched
        self._live = live
        self._started: SessionStarted | None = None
        self._started_at = ""
        self._ended: SessionEnded | None = None
        self._files: dict[str, FileMade] = {}
        self._damages = [asdict(damage) for damage in damages]
        self._in_the_middle = beginning is not None
        self._clock = Clock()
        if beginning:
            self._started, self._started_at = beginning.started, beginning.started_at
            self._layout.go_on_from(beginning)
        left = list(self._damages)
        for entry in entries:
            while left and left[0]["line"] < entry.seq:
                self._add_damage(entry.at, left.pop(0))
            self.take(entry)
        for damage in left:
            self._add_damage(self._layout.at, damage)

    def take(self, entry: Entry) -> None:
        """Take in one more entry."""
        self._layout.at = entry.at
        self._layout.touch()
        self._clock.tick(entry)
        self._take(entry.event)

    def damage(self, damage: Damage) -> None:
        """Take in a line that cannot be believed."""
        self._damages.append(asdict(damage))
        self._add_damage(self._layout.at, self._damages[-1])
        self._layout.touch()

    def enter(self, chunk: int) -> None:
        """What comes now belongs to this chunk of the journal."""
        self._layout.enter(chunk)

    def as_data(self) -> dict[str, Any]:
        """What the page gets, ready for JSON."""
        if self._live and self.blocks and self.blocks[-1].open:
            still_open(self.blocks[-1].items)
        return {
            "started": asdict(self._started) | {"instructions": ""} if self._started else None,
            "at": self._started_at,
            "end": asdict(self._ended) if self._ended else None,
            "live": self._live,
            "seconds": round(self._clock.seconds, 3),
            "files": [asdict(made) for made in self._files.values()],
            "damages": self._damages,
            "blocks": [asdict(block) for block in self.blocks],
        }

    def _add_damage(self, at: str, damage: dict[str, Any]) -> None:
        self._layout.at = at
        self._layout.add("damage", damage["reason"], line=damage["line"], torn=damage["torn"])

    # ---- events

    def _take(self, event: Event) -> None:
        match event:
            case SessionStarted():
                self._started, self._started_at = event, self._layout.at
            case SessionResumed() | SessionEnded():
                self._session(event)
            case UserSaid() | NoteAdded() | CallAnswered() | ScreenshotTaken():
                self._put_before_model(event)
            case TurnStarted() | TurnEnded() | ModelThought() | ModelSaid() | ModelAnswered() | ModelDropped():
                self._model(event)
            case ActionStarted() | ActionDone():
                self._act(event)
            case ToolStarted():
                self._tool(event)
            case SteerQueued() | SteerDelivered() | SteerApplied():
                self._steer(event)
            case ApprovalRequested() | ApprovalReviewed() | ApprovalAnswered():
                self._approval(event)
            case QuestionAsked() | QuestionAnswered():
                self._question(event)
            case FileMade():
                self._files[event.path] = event
            case _:
                self._aside(event)

    def _aside(self, event: Event) -> None:
        match event:
            case ComputerReady():
                self._layout.add("line", line_of(event), more="\n".join(event.notes))
            case SessionQueued():
                self._layout.add("line", f"waits for its turn, {event.ahead} before it: {event.reason}")
            case PlanChanged():
                self._layout.add("plan", steps=[asdict(step) for step in event.steps])
            case MemoryChanged():
                notes = "\n".join(note.text for note in event.notes)
                self._layout.add("line", line_of(event), more=notes, fold="its notes")
            case ModelRetrying():
                self._layout.turn(event.turn)
                self._layout.add("retry", line_of(event))
            case ModelRefused():
                self._layout.add("fault", event.reason, more=f"{event.code}\n{event.details}" if event.code else "")
            case BugFound():
                self._layout.add("fault", f"a bug in Deskhand: {event.error}", more=event.traceback)
            case Paused() | Unpaused() | TakeoverStarted() | TakeoverEnded():
                if line := line_of(event):
                    self._layout.add("pause", line, by=event.by)
            case BudgetWarned() | WaitingStarted() | ToolsOffered():
                if line := line_of(event):
                    self._layout.add("line", line)
            case Compacted():
                told = "\n\n".join((f"Because {event.reason}.", told_of(event)))
                self._layout.add("line", line_of(event), more=told, fold="what the model is told in its place")
            case _:
                pass

    def _approval(self, event: ApprovalRequested | ApprovalReviewed | ApprovalAnswered) -> None:
        key = ("approval", event.id)
        match event:
            case ApprovalRequested():
                about = {"risk": event.risk, "recipient": event.recipient, "answer": "", "approved": None}
                about |= {"id": event.id, "ask": event.kind, "source": event.source, "rule": event.rule}
                item = self._layout.add("approval", event.what, again=event.again, review="", **about)
                self._layout.remember(key, item)
            case ApprovalReviewed():
                said = f"{event.model}: {event.outcome} ({event.risk_level}). {event.rationale}"
                self._layout.recall(key)["review"] = said
            case ApprovalAnswered():
                self._layout.recall(key).update(answer=line_of(event), approved=event.approved)

    def _question(self, event: QuestionAsked | QuestionAnswered) -> None:
        key = ("question", event.id)
        if isinstance(event, QuestionAnswered):
            self._layout.recall(key).update(answer=event.text, by=event.by)
            return
        about = {"choices": list(event.choices), "blocking": event.blocking, "answer": "", "by": ""}
        self._layout.remember(key, self._layout.add("question", event.text, id=event.id, **about))

    def _session(self, event: SessionResumed | SessionEnded) -> None:
        self._layout.close()
        if isinstance(event, SessionEnded):
            self._ended = event
            self._layout.add("end", event.reason, outcome=event.outcome)
        else:
            self._ended = None
            self._layout.add("line", "the session goes on in a new process")

    def _put_before_model(self, event: UserSaid | NoteAdded | CallAnswered | ScreenshotTaken) -> None:
        match event:
            case UserSaid():
                is_task = self._started is not None and event.text == self._started.task
                self._layout.add("line", "the task is given") if is_task else self._layout.add("user", event.text)
            case NoteAdded():
                self._layout.add("note", event.text)
            case CallAnswered(kind="function"):
                self._layout.recall(("function", event.call)).update(
                    answer=event.words, state="failed" if event.failed else "done"
                )
                self._pages(event.images)
            case _:
                pass
        if event.image is None:
            return
        if isinstance(event, ScreenshotTaken):
            self._layout.view(event.image, "result", event.moving)
        else:
            self._layout.show(event.image)

    def _model(self, event: TurnStarted | TurnEnded | ModelThought | ModelSaid | ModelAnswered | ModelDropped) -> None:
        match event:
            case TurnStarted():
                self._layout.begin(event.turn)
            case TurnEnded():
                self._layout.end(event.turn, event.seconds, event.ours)
            case ModelThought():
                self._stream(event.turn, "thought", event.text)
            case ModelSaid():
                self._stream(event.turn, "words", event.text)
            case ModelAnswered():
                self._answered(self._layout.turn(event.turn), event)
            case ModelDropped():
                self._dropped(self._layout.turn(event.turn), event)

    def _stream(self, turn: int, kind: str, text: str) -> None:
        fresh = self._layout.turn(turn).items[self._layout.fresh :]
        if fresh and fresh[-1]["kind"] == kind:
            fresh[-1]["text"] += text
        else:
            self._layout.add(kind, text)

    def _answered(self, block: Block, event: ModelAnswered) -> None:
        """The complete answer stands for what was streamed of it."""
        fresh = [item for item in block.items[self._layout.fresh :] if item["kind"] != "words"]
        del block.items[self._layout.fresh :]
        if not any(item["kind"] == "thought" for item in fresh) and (summary := reasoning_in(event.output)):
            self._layout.add("thought", summary)
        block.items += fresh
        if event.words:
            self._layout.add("words", event.words, final=event.final)
        for call in event.calls:
            if isinstance(call, ScreenCall):
                self._screen_call(block, call)
            else:
                self._function(call.id, call.name, call.arguments)
        block.model = event.seconds
        block.spend(event.usage)

    def _screen_call(self, block: Block, call: ScreenCall) -> None:
        actions: list[Item] = []
        before = sum(len(item["actions"]) for item in block.items if item["kind"] == "actions")
        for index, raw in enumerate(call.actions):
            number = before + index + 1
            actions.append(action_item(number, raw))
            self._layout.remember(("action", call.id, str(index)), actions[-1])
            self._mark(block, number, raw)
        self._layout.add("actions", actions=actions, checks=[asdict(check) for check in call.checks])

    def _mark(self, block: Block, number: int, raw: Word) -> None:
        """Draw an action on the picture that the turn was decided on."""
        if not block.views or block.views[0]["label"] != "seen":
            return
        shown: int = block.views[0]["image"]
        if mark := mark_of(raw, self.images[shown]):
            block.views[0]["marks"].append({"number": number} | mark)

    def _function(self, call: str, name: str, arguments: str) -> None:
        item = self._layout.add("function", name, arguments=arguments, answer="", words="", state="not")
        self._layout.remember(("function", call), item)

    def _tool(self, event: ToolStarted) -> None:
        key = ("function", event.call)
        if not self._layout.knows(key):
            self._layout.turn(event.turn)
            self._function(event.call, event.name, "")
        self._layout.recall(key).update(words=event.words, state="unsure")

    def _pages(self, images: Iterable[ImageRef]) -> None:
        """What a tool has shown to the model: pages of a document, a picture."""
        for image in images:
            self._layout.view(image, "page")

    def _dropped(self, block: Block, event: ModelDropped) -> None:
        start = 0 if event.withdrawn else self._layout.fresh
        lost = [item for item in block.items[start:] if item["kind"] in ("thought", "words", "actions")]
        if not lost and event.partial:
            lost = [self._layout.add("words", event.partial)]
        for item in lost:
            item["dropped"] = True
        self._layout.add("dropped", event.reason)
        self._layout.fresh = len(block.items)
        block.spend(event.usage)

    def _act(self, event: ActionStarted | ActionDone) -> None:
        key = ("action", event.call, str(event.index))
        if not self._layout.knows(key):
            raw: Word = event.action if isinstance(event, ActionStarted) else {}
            self._layout.turn(event.turn)
            self._layout.add(
                "actions", actions=[self._layout.remember(key, action_item(event.index + 1, raw))], checks=[]
            )
        action = self._layout.recall(key)
        if isinstance(event, ActionStarted):
            action["state"] = "unsure"
            say_better(action, event.words)
        else:
            action["state"], action["error"] = "failed" if event.error else "done", event.error
            action["seconds"] = event.seconds

    def _steer(self, event: SteerQueued | SteerDelivered | SteerApplied) -> None:
        key = ("steer", event.id)
        if not self._layout.knows(key):
            if self._in_the_middle and not isinstance(event, SteerQueued):
                return  # it stands where it was said, before the beginning
            text = "" if isinstance(event, SteerApplied) else event.text
            self._layout.remember(key, self._layout.add("steer", text, receipts=[], envelope="", now=False))
        item = self._layout.recall(key)
        item["receipts"].append({"name": event.type.removeprefix("steer."), "at": self._layout.at})
        if isinstance(event, SteerQueued):
            item["now"] = event.now
        if isinstance(event, SteerDelivered):
            item["envelope"] = event.text
