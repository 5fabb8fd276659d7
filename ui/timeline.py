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
    ToolStarted,
    TurnEnded,
    TurnStarted,
    Unpaused,
    UserSaid,
    WaitingStarted,
)
from agent.values import FunctionCall, ImageRef, ScreenCall, Word
from ui.blocks import Beginning, Block, Clock, Item, action_item, mark_of, reasoning_in, say_better, still_open
from ui.terminal import line_of


class Timeline:
    """The fold. `images` lists each picture once; views point into it.

    It can be gone on with by `take` and `damage`. Who says by `enter` where chunks of the journal begin finds in
    `touched` those whose blocks may have changed, and empties it.
    """

    def __init__(
        self, entries: Iterable[Entry], damages: Iterable[Damage], *, live: bool, beginning: Beginning | None = None
    ) -> None:
        self.images: list[ImageRef] = []
        self.blocks: list[Block] = []
        self.touched: set[int] = set()
        self._live = live
        self._started: SessionStarted | None = None
        self._started_at = self._at = ""
        self._ended: SessionEnded | None = None
        self._files: dict[str, FileMade] = {}
        self._damages = [asdict(damage) for damage in damages]
        self._known: dict[tuple[str, ...], Item] = {}
        self._where: dict[tuple[str, ...], int] = {}
        self._numbers: dict[str, int] = {}
        self._shown: int | None = None
        self._fresh = 0
        self._chunk = 0
        self._in_the_middle = beginning is not None
        self._clock = Clock()
        if beginning:
            self._go_on_from(beginning)
        left = list(self._damages)
        for entry in entries:
            while left and left[0]["line"] < entry.seq:
                self._add_damage(entry.at, left.pop(0))
            self.take(entry)
        for damage in left:
            self._add_damage(self._at, damage)

    def take(self, entry: Entry) -> None:
        """Take in one more entry."""
        self._at = entry.at
        self.touched.add(self._chunk)
        self._clock.tick(entry)
        self._take(entry.event)

    def damage(self, damage: Damage) -> None:
        """Take in a line that cannot be believed."""
        self._damages.append(asdict(damage))
        self._add_damage(self._at, self._damages[-1])
        self.touched.add(self._chunk)

    def enter(self, chunk: int) -> None:
        """What comes now belongs to this chunk of the journal."""
        self.touched |= {self._chunk, chunk}  # the last picture of the one before may go to this one's turn
        self._chunk = chunk

    def _go_on_from(self, beginning: Beginning) -> None:
        self._started, self._started_at = beginning.started, beginning.started_at
        self._chunk = beginning.chunk
        if beginning.shown:
            self._shown = self._number(beginning.shown)

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

    # ---- where things go

    @property
    def _here(self) -> Block:
        """The open turn, else the present stretch between turns."""
        if not self.blocks or not self.blocks[-1].open:
            self.blocks.append(Block("aside", self._at, chunk=self._chunk))
        return self.blocks[-1]

    def _turn(self, number: int) -> Block:
        """The open turn of this number; its beginning may be missing from the journal."""
        last = self.blocks[-1] if self.blocks else None
        if last and last.open and last.kind == "turn" and last.turn == number:
            return last
        return self._begin(number)

    def _begin(self, number: int) -> Block:
        last = self.blocks[-1] if self.blocks else None
        if last and last.kind == "aside" and last.views and last.views[-1]["image"] == self._shown:
            last.views.pop()  # it is the picture of this turn
            if not last.items:
                self.blocks.pop()
        block = Block("turn", self._at, number, chunk=self._chunk)
        if self._shown is not None:
            block.views.append({"image": self._shown, "label": "seen", "marks": []})
        self._close()
        self.blocks.append(block)
        self._fresh = 0
        return block

    def _close(self) -> None:
        if self.blocks:
            self.blocks[-1].open = False

    def _remember(self, key: tuple[str, ...], item: Item) -> Item:
        self._known[key], self._where[key] = item, self._chunk
        return item

    def _recall(self, key: tuple[str, ...]) -> Item:
        """An item that is about to be changed; an empty one where the journal does not have it."""
        if key in self._where:
            self.touched.add(self._where[key])
        return self._known.get(key, {})

    def _add(self, kind: str, text: str = "", **more: Any) -> Item:
        item: Item = {"kind": kind, "text": text, "at": self._at} | more
        self._here.items.append(item)
        return item

    def _add_damage(self, at: str, damage: dict[str, Any]) -> None:
        self._at = at
        self._add("damage", damage["reason"], line=damage["line"], torn=damage["torn"])

    # ---- events

    def _take(self, event: Event) -> None:
        match event:
            case SessionStarted():
                self._started, self._started_at = event, self._at
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
                self._add("line", line_of(event), more="\n".join(event.notes))
            case SessionQueued():
                self._add("line", f"waits for its turn, {event.ahead} before it: {event.reason}")
            case PlanChanged():
                self._add("plan", steps=[asdict(step) for step in event.steps])
            case MemoryChanged():
                self._add("line", line_of(event), more="\n".join(note.text for note in event.notes), fold="its notes")
            case ModelRetrying():
                self._turn(event.turn)
                self._add("retry", line_of(event))
            case ModelRefused():
                self._add("fault", event.reason, more=f"{event.code}\n{event.details}" if event.code else "")
            case BugFound():
                self._add("fault", f"a bug in Deskhand: {event.error}", more=event.traceback)
            case Paused() | Unpaused() | TakeoverStarted() | TakeoverEnded():
                if line := line_of(event):
                    self._add("pause", line, by=event.by)
            case BudgetWarned() | WaitingStarted():
                self._add("line", line_of(event))
            case Compacted():
                told = "\n\n".join((f"Because {event.reason}.", told_of(event)))
                self._add("line", line_of(event), more=told, fold="what the model is told in its place")
            case _:
                pass

    def _approval(self, event: ApprovalRequested | ApprovalReviewed | ApprovalAnswered) -> None:
        key = ("approval", event.id)
        match event:
            case ApprovalRequested():
                about = {"risk": event.risk, "recipient": event.recipient, "answer": "", "approved": None}
                about |= {"id": event.id, "ask": event.kind, "source": event.source, "rule": event.rule}
                item = self._add("approval", event.what, again=event.again, review="", **about)
                self._remember(key, item)
            case ApprovalReviewed():
                self._recall(key)["review"] = f"{event.model}: {event.outcome} ({event.risk_level}). {event.rationale}"
            case ApprovalAnswered():
                self._recall(key).update(answer=line_of(event), approved=event.approved)

    def _question(self, event: QuestionAsked | QuestionAnswered) -> None:
        key = ("question", event.id)
        if isinstance(event, QuestionAnswered):
            self._recall(key).update(answer=event.text, by=event.by)
            return
        about = {"choices": list(event.choices), "blocking": event.blocking, "answer": "", "by": ""}
        self._remember(key, self._add("question", event.text, id=event.id, **about))

    def _session(self, event: SessionResumed | SessionEnded) -> None:
        self._close()
        if isinstance(event, SessionEnded):
            self._ended = event
            self._add("end", event.reason, outcome=event.outcome)
        else:
            self._ended = None
            self._add("line", "the session goes on in a new process")

    def _put_before_model(self, event: UserSaid | NoteAdded | CallAnswered | ScreenshotTaken) -> None:
        match event:
            case UserSaid():
                is_task = self._started is not None and event.text == self._started.task
                self._add("line", "the task is given") if is_task else self._add("user", event.text)
            case NoteAdded():
                self._add("note", event.text)
            case CallAnswered(kind="function"):
                self._recall(("function", event.call)).update(
                    answer=event.text, state="failed" if event.failed else "done"
                )
                self._pages(event.images)
            case _:
                pass
        if event.image is None:
            return
        number = self._number(event.image)
        if isinstance(event, ScreenshotTaken):
            self._here.views.append({"image": number, "label": "result", "moving": event.moving})
            return
        self._shown = number
        views = self._here.views
        if not views or views[-1]["image"] != number or views[-1]["label"] != "result":
            views.append({"image": number, "label": "result", "moving": None})

    def _model(self, event: TurnStarted | TurnEnded | ModelThought | ModelSaid | ModelAnswered | ModelDropped) -> None:
        match event:
            case TurnStarted():
                self._begin(event.turn)
            case TurnEnded():
                self._end_turn(event)
            case ModelThought():
                self._stream(event.turn, "thought", event.text)
            case ModelSaid():
                self._stream(event.turn, "words", event.text)
            case ModelAnswered():
                self._answered(self._turn(event.turn), event)
            case ModelDropped():
                self._dropped(self._turn(event.turn), event)

    def _end_turn(self, event: TurnEnded) -> None:
        for block in reversed(self.blocks):
            if block.kind == "turn" and block.turn == event.turn:
                block.seconds, block.ours, block.open = event.seconds, event.ours, False
                self.touched.add(block.chunk)
                return

    def _stream(self, turn: int, kind: str, text: str) -> None:
        fresh = self._turn(turn).items[self._fresh :]
        if fresh and fresh[-1]["kind"] == kind:
            fresh[-1]["text"] += text
        else:
            self._add(kind, text)

    def _answered(self, block: Block, event: ModelAnswered) -> None:
        """The complete answer stands for what was streamed of it."""
        fresh = [item for item in block.items[self._fresh :] if item["kind"] != "words"]
        del block.items[self._fresh :]
        if not any(item["kind"] == "thought" for item in fresh) and (summary := reasoning_in(event.output)):
            self._add("thought", summary)
        block.items += fresh
        if event.words:
            self._add("words", event.words, final=event.final)
        for call in event.calls:
            if isinstance(call, ScreenCall):
                self._screen_call(block, call)
            else:
                self._function_call(call)
        block.model = event.seconds
        block.spend(event.usage)

    def _screen_call(self, block: Block, call: ScreenCall) -> None:
        actions: list[Item] = []
        before = sum(len(item["actions"]) for item in block.items if item["kind"] == "actions")
        for index, raw in enumerate(call.actions):
            number = before + index + 1
            actions.append(action_item(number, raw))
            self._remember(("action", call.id, str(index)), actions[-1])
            self._mark(block, number, raw)
        self._add("actions", actions=actions, checks=[asdict(check) for check in call.checks])

    def _mark(self, block: Block, number: int, raw: Word) -> None:
        """Draw an action on the picture that the turn was decided on."""
        if not block.views or block.views[0]["label"] != "seen":
            return
        shown: int = block.views[0]["image"]
        if mark := mark_of(raw, self.images[shown]):
            block.views[0]["marks"].append({"number": number} | mark)

    def _function_call(self, call: FunctionCall) -> None:
        item = self._add("function", call.name, arguments=call.arguments, answer="", words="", state="not")
        self._remember(("function", call.id), item)

    def _tool(self, event: ToolStarted) -> None:
        key = ("function", event.call)
        if key not in self._known:
            self._turn(event.turn)
            self._remember(key, self._add("function", event.name, arguments="", answer="", words="", state="not"))
        self._recall(key).update(words=event.words, state="unsure")

    def _pages(self, images: Iterable[ImageRef]) -> None:
        """What a tool has shown to the model: pages of a document, a picture."""
        for image in images:
            self._here.views.append({"image": self._number(image), "label": "page", "moving": None})

    def _dropped(self, block: Block, event: ModelDropped) -> None:
        start = 0 if event.withdrawn else self._fresh
        lost = [item for item in block.items[start:] if item["kind"] in ("thought", "words", "actions")]
        if not lost and event.partial:
            lost = [self._add("words", event.partial)]
        for item in lost:
            item["dropped"] = True
        self._add("dropped", event.reason)
        self._fresh = len(block.items)
        block.spend(event.usage)

    def _act(self, event: ActionStarted | ActionDone) -> None:
        key = ("action", event.call, str(event.index))
        if key not in self._known:
            raw: Word = event.action if isinstance(event, ActionStarted) else {}
            self._remember(key, action_item(event.index + 1, raw))
            self._turn(event.turn)
            self._add("actions", actions=[self._known[key]], checks=[])
        action = self._recall(key)
        if isinstance(event, ActionStarted):
            action["state"] = "unsure"
            say_better(action, event.words)
        else:
            action["state"], action["error"] = "failed" if event.error else "done", event.error
            action["seconds"] = event.seconds

    def _steer(self, event: SteerQueued | SteerDelivered | SteerApplied) -> None:
        key = ("steer", event.id)
        if key not in self._known:
            if self._in_the_middle and not isinstance(event, SteerQueued):
                return  # it stands where it was said, before the beginning
            text = "" if isinstance(event, SteerApplied) else event.text
            self._remember(key, self._add("steer", text, receipts=[], envelope="", now=False))
        item = self._recall(key)
        item["receipts"].append({"name": event.type.removeprefix("steer."), "at": self._at})
        if isinstance(event, SteerQueued):
            item["now"] = event.now
        if isinstance(event, SteerDelivered):
            item["envelope"] = event.text

    def _number(self, image: ImageRef) -> int:
        if image.sha256 not in self._numbers:
            self._numbers[image.sha256] = len(self.images)
            self.images.append(image)
        return self._numbers[image.sha256]
