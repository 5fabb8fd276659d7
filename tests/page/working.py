"""Sessions that a test plays by hand: the test holds the lock, writes the journal and reads the inbox."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agent.events import (
    ActionStarted,
    ApprovalAnswered,
    ApprovalRequested,
    ModelThought,
    Paused,
    PlanChanged,
    QuestionAnswered,
    QuestionAsked,
    SteerApplied,
    SteerDelivered,
    SteerQueued,
    TakeoverEnded,
    TakeoverStarted,
    TurnStarted,
    Unpaused,
)
from agent.inbox import FileInbox, Message
from agent.values import PlanStep, Word
from tests.support.command import wait_until
from tests.ui.story import Story, draw

CLICK: Word = {"type": "click", "x": 640, "y": 300}


class Working(Story):
    """A live session. `hear` waits for the user's next word, as the loop would."""

    def __init__(self, home: Path, task: str = "Make a quarterly budget") -> None:
        super().__init__(home, task)
        self.turn: int
        self._inbox = FileInbox(self.session.inbox)
        self._heard: list[Message] = []

    @property
    def id(self) -> str:
        """The session's."""
        return self.session.id

    def hear(self, kind: str = "") -> Message:
        """The user's next word; with `kind`, it must be of that one."""
        wait_until(self._listen, f"a word to {self.id}", 10)
        message = self._heard.pop(0)
        assert not kind or message.kind == kind, message
        return message

    def hears_nothing(self) -> bool:
        """Whether the inbox is empty."""
        return not self._listen()

    def _listen(self) -> bool:
        for message, path in self._inbox.take():
            self._heard.append(message)
            self._inbox.forget(path)
        return bool(self._heard)

    # ---- what the loop writes

    def think(self, text: str, *, turn: bool = True) -> None:
        """A turn begins, and reasoning streams in."""
        if turn:
            self.turn += 1
            self.write(TurnStarted(self.turn, 2 * self.turn))
        self.write(ModelThought(self.turn, text))

    def about_to(self, action: Word = CLICK, words: str = 'click "Save" (push button) in "Save As"') -> None:
        """A turn whose action is under way."""
        call = self.answer(action, thought="The dialog is open, the name is right. I save it.")
        self.write(ActionStarted(self.turn, call.id, 0, call.actions[0], words))

    def plan(self, *states: str) -> None:
        """The plan, of steps in these states."""
        names = ("Open the workbook", "Enter the figures", "Add the totals", "Save it as budget.xlsx", "Check the file")
        self.write(PlanChanged(tuple(PlanStep(name, state) for name, state in zip(names, states, strict=False))))  # type: ignore[arg-type]

    def ask(self, identity: str = "a1", *, again: int = 0, kind: str = "confirm", what: str = "") -> None:
        """Ask for a yes."""
        usual = "click “Send” in the window “New message”" if kind == "confirm" else "type the password of the bank"
        self.write(
            ApprovalRequested(
                identity,
                "call_1",
                what or usual,
                "The message leaves this computer and cannot be called back.",
                "anna@example.org" if kind == "confirm" else "",
                kind,  # type: ignore[arg-type]
                "rule",
                "sending",
                again,
            )
        )

    def answered(self, identity: str = "a1", *, approved: bool = True) -> None:
        """The answer to it is written down."""
        self.write(ApprovalAnswered(identity, approved, "user"))

    def question(self, identity: str = "q1", *choices: str) -> None:
        """Ask in words."""
        self.write(QuestionAsked(identity, "call_1", "Which of the two budgets is the newer one?", choices))

    def told(self, identity: str, text: str) -> None:
        """The user's answer is written down."""
        self.write(QuestionAnswered(identity, text))

    def pause(self) -> None:
        """Hold still."""
        self.write(Paused())

    def unpause(self) -> None:
        """Go on."""
        self.write(Unpaused(seconds=2.0))

    def taken(self) -> None:
        """The user has the mouse."""
        self.write(TakeoverStarted("word"), Paused("takeover"))

    def handed_back(self, note: str = "") -> None:
        """And gives it back."""
        self.write(TakeoverEnded("user", 4.0, note=note), Unpaused(seconds=4.0))

    def queue(self, message: Message) -> None:
        """A correction has arrived."""
        self.write(SteerQueued(message.id, message.text, message.now))

    def deliver(self, message: Message) -> None:
        """It is put before the model."""
        self.write(SteerDelivered(message.id, f"A correction from the user.\nThe user now says: «{message.text}»"))

    def apply(self, message: Message) -> None:
        """The model has answered with it."""
        self.write(SteerApplied(message.id, self.turn))


class Troupe:
    """Makes sessions at work in one home; each has its lock until it is let go."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.home = home
        self._stack = stack

    def start(self, task: str = "Make a quarterly budget", *, begun: bool = True) -> Working:
        """One more session at work; `begun` ones have looked at their screen."""
        session = Working(self.home, task)
        self._stack.enter_context(session.session.locked())
        self._stack.callback(session.journal.close)
        if begun:
            session.begin(draw(1, (300, 260), (640, 300)))
        return session

    def start_and_die(self, task: str) -> Working:
        """A session whose process is gone."""
        with session_alone(self.home, task) as session:
            session.begin(draw(2))
            session.about_to()
        return session


@contextmanager
def session_alone(home: Path, task: str) -> Generator[Working]:
    """A session at work for the length of a block."""
    session = Working(home, task)
    with session.session.locked():
        yield session
    session.journal.close()


@contextmanager
def troupe(home: Path) -> Generator[Troupe]:
    """Sessions at work until the end of the block."""
    with ExitStack() as stack:
        yield Troupe(home, stack)
