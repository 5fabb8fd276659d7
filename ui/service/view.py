"""A session's journal, folded to what the page shows of it at a glance.

A pure fold that can be gone on with at any time, and that believes nothing about order: lines may be damaged and events
missing. Whatever an event says of the present turn is forgotten when the next turn starts; `ui.service.skim` relies on
that to go through a long journal quickly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePath

from agent.events import (
    ActionDone,
    ActionStarted,
    ApprovalAnswered,
    ApprovalRequested,
    ApprovalReviewed,
    BugFound,
    CallAnswered,
    Compacted,
    ComputerReady,
    Entry,
    Event,
    FileMade,
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
)
from agent.values import NO_LIMITS, Budgets, ImageRef, Usage
from ui.blocks import reasoning_in
from ui.service.cards import (
    Card,
    Column,
    Context,
    Damaged,
    Detail,
    Limits,
    Made,
    Question,
    Queue,
    Receipt,
    Step,
    Tokens,
)
from ui.service.stopwatch import Stopwatch
from ui.service.upcoming import Upcoming
from ui.summary import outcome_word

THOUGHT = 300  # characters of the newest reasoning
RECEIPTS = 30  # corrections that are told
SAID = 100_000  # characters of what the user said that are kept for searching
DAMAGES = 50  # bad lines that are told
_COLUMNS: dict[str, Column] = {
    "needs you": "needs you",
    "interrupted": "needs you",
    "paused": "paused",
    "in your hands": "paused",
}
_WORKING = frozenset({"queued", "starting", "thinking", "acting", "looking", "waiting for the provider"})


@dataclass
class View:
    """The session so far. Only `take`, `damage` and the skimmer change it."""

    started: SessionStarted | None = None
    ended: SessionEnded | None = None
    budgets: Budgets = NO_LIMITS
    usage: Usage = field(default_factory=Usage)
    turns: int = 0
    context: int = 0
    window: int | None = None
    words: str = ""
    said: list[str] = field(default_factory=list[str])
    questions: dict[str, Question] = field(default_factory=dict[str, Question])
    files: dict[str, FileMade] = field(default_factory=dict[str, FileMade])
    notes: tuple[str, ...] = ()
    damages: list[Damaged] = field(default_factory=list[Damaged])
    shown: ImageRef | None = None
    at: str = ""
    _started_at: str = ""
    _ended_at: str | None = None
    _watch: Stopwatch = field(default_factory=Stopwatch)
    _phase: str = "starting"
    _since: str = ""
    _paused: bool = False
    _taken: bool = False
    _queue: Queue | None = None
    _plan: tuple[Step, ...] = ()
    _image: ImageRef | None = None
    _saying: str = ""
    _thought: str = ""
    _next: Upcoming = field(default_factory=Upcoming)
    _receipts: dict[str, Receipt] = field(default_factory=dict[str, Receipt])
    _reason: str = ""

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> View:
        """The view after all of `entries`."""
        view = cls()
        for entry in entries:
            view.take(entry)
        return view

    # ---- taking in

    def take(self, entry: Entry) -> None:
        """Take in one more entry."""
        before = self._word()
        self._watch.take(entry)
        self.at = entry.at
        self._note(entry.event)
        if self._word() != before or (isinstance(entry.event, TurnStarted) and self._word() == self._phase):
            self._since = entry.at

    def pass_over(self, at: str) -> None:
        """An entry that says nothing of interest was written at this time."""
        self._watch.tick(at)
        self.at = at

    def damage(self, line: int, reason: str) -> None:
        """A line cannot be believed."""
        if len(self.damages) < DAMAGES:
            self.damages.append(Damaged(line, reason))

    def _note(self, event: Event) -> None:
        match event:
            case SessionStarted() | SessionResumed() | SessionEnded() | SessionQueued() | ComputerReady():
                self._session(event)
            case TurnStarted() | TurnEnded() | ModelThought() | ModelSaid() | ModelAnswered() | ModelDropped():
                self._model(event)
            case ModelRetrying():
                self._phase = "waiting for the provider"
            case ActionStarted():
                self._next.begin(event)
            case ActionDone():
                self._next.finish(event)
            case ToolStarted():
                self._next.use(event)
            case ScreenshotTaken():
                self._image = event.image
            case UserSaid() | NoteAdded() | CallAnswered():
                self.shown = event.image or self.shown
            case SteerQueued() | SteerDelivered() | SteerApplied():
                self._steer(event)
            case Paused() | Unpaused() | TakeoverStarted() | TakeoverEnded():
                self._hands(event)
            case ApprovalRequested() | ApprovalAnswered() | QuestionAsked() | QuestionAnswered():
                self._ask(event)
            case ApprovalReviewed():
                self.usage += event.usage
            case Compacted():
                self.usage += event.usage
                self.context, self.window = event.after, event.window or self.window
            case ToolsOffered():
                self.window = event.window
            case PlanChanged():
                self._plan = tuple(Step(step.step, step.state) for step in event.steps)
            case FileMade():
                self.files[event.path] = event
            case ModelRefused():
                self._reason = event.reason
            case BugFound():
                self._reason = f"a bug in Deskhand: {event.error}"
            case _:
                pass

    def _session(self, event: SessionStarted | SessionResumed | SessionEnded | SessionQueued | ComputerReady) -> None:
        match event:
            case SessionStarted():
                self.started, self._started_at, self.budgets = event, self.at, event.budgets
                self.hear(event.task)
            case SessionResumed():
                self.ended, self._ended_at, self.budgets = None, None, event.budgets
                self._phase, self._reason, self._queue = "starting", "", None
                self._paused = self._taken = False
                self._let_go()
            case SessionEnded():
                self.ended, self._ended_at, self._queue = event, self.at, None
                self._let_go()
            case SessionQueued():
                self._queue = Queue(event.reason, event.ahead)
            case ComputerReady():
                self._phase, self._queue, self.notes = "looking", None, event.notes

    def _let_go(self) -> None:
        """Nobody waits for an answer any more, and nothing comes next."""
        self.questions.clear()
        self._next.clear()
        self._thought = self._saying = ""

    def _model(self, event: TurnStarted | TurnEnded | ModelThought | ModelSaid | ModelAnswered | ModelDropped) -> None:
        match event:
            case TurnStarted():
                self._phase = "thinking"
                self._thought = self._saying = ""
                self._next.clear()
            case TurnEnded():
                self._phase = "looking"
            case ModelThought():
                self._phase, self._thought = "thinking", (self._thought + event.text)[-THOUGHT:]
            case ModelSaid():
                self._phase, self._saying = "thinking", self._saying + event.text
            case ModelAnswered():
                self._answered(event)
            case ModelDropped():
                self.usage += event.usage
                self._phase, self._saying = "looking", ""
                self._next.clear()

    def _answered(self, event: ModelAnswered) -> None:
        self.turns += 1
        self.usage += event.usage
        self.context = event.usage.input_tokens or self.context
        self.words, self._saying = event.words or self.words, ""
        self._thought = self._thought or reasoning_in(event.output)[-THOUGHT:]
        self._phase = "acting"
        self._next.plan(event.calls, self.shown)

    def _steer(self, event: SteerQueued | SteerDelivered | SteerApplied) -> None:
        known = self._receipts.get(event.id)
        match event:
            case SteerQueued():
                self._receipts[event.id] = Receipt(event.id, event.text, event.now, "queued", self.at)
                self.hear(event.text)
            case SteerDelivered() if known:
                self._receipts[event.id] = replace(known, state="delivered", at=self.at)
            case SteerApplied() if known:
                self._receipts[event.id] = replace(known, state="applied", at=self.at)
            case _:
                pass
        while len(self._receipts) > RECEIPTS:
            del self._receipts[next(iter(self._receipts))]

    def _hands(self, event: Paused | Unpaused | TakeoverStarted | TakeoverEnded) -> None:
        match event:
            case Paused() | Unpaused():
                self._paused = isinstance(event, Paused)
            case TakeoverStarted():
                self._taken = True
            case TakeoverEnded():
                self._taken = False
                self.hear(event.note)

    def _ask(self, event: ApprovalRequested | ApprovalAnswered | QuestionAsked | QuestionAnswered) -> None:
        match event:
            case ApprovalRequested(id=name):
                about = (event.kind, event.what, event.risk, event.recipient, (), event.source, event.rule, event.again)
                self.questions[name] = Question(name, "approval", *about, at=self.at)
                self._next.ask(event)
            case QuestionAsked(id=name):
                asked = Question(name, "question", "question", event.text, choices=event.choices, at=self.at)
                self.questions[name] = replace(asked, blocking=event.blocking)
            case ApprovalAnswered():
                self.questions.pop(event.id, None)
            case QuestionAnswered():
                self.questions.pop(event.id, None)
                self.hear(event.text)

    def hear(self, text: str) -> None:
        """Keep what the user said, to be found by it."""
        if text and sum(map(len, self.said)) < SAID:
            self.said.append(text[:SAID])

    # ---- telling

    def _word(self) -> str:
        """The state, as long as a process works on the session."""
        if self.ended:
            return outcome_word(self.ended.outcome)
        if any(question.blocking for question in self.questions.values()):
            return "needs you"
        if self._taken:
            return "in your hands"
        if self._paused:
            return "paused"
        return "queued" if self._queue else self._phase

    def card(self, name: str, *, live: bool) -> Card:
        """The session at a glance."""
        word, since = self._standing(live=live)
        asks = tuple(self.questions.values()) if live else ()
        return Card(
            id=name,
            task=self.started.task if self.started else "",
            state=word,  # pyright: ignore[reportArgumentType]  # words of our own
            column=_column(word, asking=bool(asks)),
            live=live,
            screen=live and self.ended is None and self.started is not None and self.started.has_screen_of_its_own,
            model=self.started.model if self.started else "",
            computer=self.started.computer if self.started else "",
            started=self._started_at,
            ended=self._ended_at,
            turns=self.turns,
            seconds=round(self._watch.seconds, 3),
            since=since,
            at=self.at,
            tokens=Tokens(self.usage.input_tokens, self.usage.cached_tokens, self.usage.output_tokens),
            context=Context(self.context, self.window) if self.context else None,
            cost_usd=None if self.usage.cost_usd is None else round(self.usage.cost_usd, 6),
            budgets=Limits(**asdict(self.budgets)),
            words=self._last_words(),
            thought=self._thought,
            next=self._next.now if live else None,
            plan=self._plan,
            image=self._image.sha256 if self._image else None,
            image_size=(self._image.width, self._image.height) if self._image else None,
            questions=asks,
            queue=self._queue if live else None,
            outcome=self.ended.outcome if self.ended else "",
            reason=self._why(word),
        )

    def detail(self, name: str, *, live: bool, chunks: int) -> Detail:
        """The session, with what only its own page shows."""
        card = self.card(name, live=live)
        return Detail(
            **{key: getattr(card, key) for key in Card.__dataclass_fields__},
            receipts=tuple(self._receipts.values()),
            files=tuple(Made(made.path, PurePath(made.path).name, made.bytes) for made in self.files.values()),
            notes=self.notes,
            damages=tuple(self.damages),
            chunks=chunks,
        )

    def _standing(self, *, live: bool) -> tuple[str, str]:
        """The state, and since when."""
        if self.started is None and not (live and not self.damages):
            return "damaged", self.at
        if live or self.ended:
            return self._word(), self._since or self.at
        return ("damaged" if self.damages else "interrupted"), self.at

    def _last_words(self) -> str:
        if self.ended and self.ended.summary:
            return self.ended.summary
        return self._saying or self.words

    def _why(self, word: str) -> str:
        if self.ended:
            return self.ended.reason
        if word == "damaged":
            return self._damage()
        if word == "interrupted":
            return self._reason or "its process has gone"
        return self._reason

    def _damage(self) -> str:
        if not self.damages:
            return "its journal is missing or empty"
        first = self.damages[0]
        return f"line {first.line} of its journal is damaged: {first.reason}"


def _column(word: str, *, asking: bool) -> Column:
    if asking:
        return "needs you"
    return "working" if word in _WORKING else _COLUMNS.get(word, "done")
