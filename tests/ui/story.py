"""Journals as sessions leave them, with drawn screens, for tests of what looks back at them."""

from __future__ import annotations

import io
import time
from pathlib import Path

from PIL import Image, ImageDraw

from agent.errors import Outcome
from agent.events import (
    ActionDone,
    ActionStarted,
    ApprovalAnswered,
    ApprovalRequested,
    CallAnswered,
    ComputerReady,
    Event,
    FileMade,
    ModelAnswered,
    ModelDropped,
    ModelRetrying,
    ModelSaid,
    ModelThought,
    NoteAdded,
    Paused,
    ScreenshotTaken,
    SessionEnded,
    SessionStarted,
    SteerApplied,
    SteerDelivered,
    SteerQueued,
    TurnEnded,
    TurnStarted,
    Unpaused,
    UserSaid,
)
from agent.journal import FileJournal
from agent.session import Session, create_session
from agent.values import Budgets, FunctionCall, ImageRef, SafetyCheck, ScreenCall, Usage, Word
from perception.screenshot import Region, Screenshot, Space

SIZE = (1280, 800)
BACKGROUND = (204, 214, 220)
USAGE = Usage(input_tokens=12_000, cached_tokens=10_800, output_tokens=220, reasoning_tokens=64, cost_usd=0.0123)
HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "<!--<script>\u2028\u2029'\"`${document.title='owned'} &lt;b&gt; \udc80 </style></textarea>"
)


def draw(number: int, *targets: tuple[int, int], size: tuple[int, int] = SIZE) -> bytes:
    """A screen with a window; each target is one yellow pixel in a black square, its middle at the point."""
    image = Image.new("RGB", size, BACKGROUND)
    pen = ImageDraw.Draw(image)
    pen.rectangle((size[0] // 12, size[1] // 10, size[0] * 11 // 12, size[1] * 9 // 10), fill=(252, 252, 250))
    pen.rectangle((size[0] // 12, size[1] // 10, size[0] * 11 // 12, size[1] // 10 + 28), fill=(88, 104, 120))
    pen.text((size[0] // 12 + 10, size[1] // 10 + 8), f"Budget - sheet {number}", fill=(255, 255, 255))
    for row in range(1, 16):
        y = size[1] // 10 + 28 + row * (size[1] // 24)
        pen.line((size[0] // 12, y, size[0] * 11 // 12, y), fill=(222, 226, 230))
        pen.text((size[0] // 12 + 14, y - 14), f"row {row}   {number * row * 37 % 991}", fill=(70, 76, 84))
    for x, y in targets:
        pen.rectangle((x - 6, y - 6, x + 6, y + 6), fill=(0, 0, 0))
        image.putpixel((x, y), (255, 255, 0))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


class Story:
    """Writes a session's journal, event by event, as the loop does."""

    def __init__(self, home: Path, task: str = "Make a budget", size: tuple[int, int] = SIZE) -> None:
        self.session: Session = create_session(home)
        self.journal = FileJournal(self.session)
        self.size = size
        self.turn = 0
        self.calls = 0
        self.write(
            SessionStarted(self.session.id, task, "gpt-6.1-terra", "desktop", "orders", Budgets(turns=50), size=size)
        )
        self.write(ComputerReady("desktop", ("LibreOffice 7.4", "openbox")))
        self.task = task

    def write(self, *events: Event) -> None:
        """Append to the journal."""
        for event in events:
            self.journal.append(event)

    def look(self, png: bytes, moving: tuple[int, int, int, int] | None = None) -> ImageRef:
        """A screenshot, stored and noted."""
        space = Space(Region(0, 0, *self.size), *self.size)
        image = self.journal.store(Screenshot(png, "image/png", space, time.time()))
        self.write(ScreenshotTaken(image, (0, 0, *self.size), moving is None, 0.1, 0.21, moving))
        return image

    def begin(self, png: bytes) -> None:
        """The task, put before the model with the first picture."""
        self.write(UserSaid(self.task, self.look(png)))

    def answer(
        self,
        *actions: Word,
        words: str = "",
        thought: str = "",
        final: bool = False,
        checks: tuple[SafetyCheck, ...] = (),
        functions: tuple[FunctionCall, ...] = (),
    ) -> ScreenCall:
        """A turn begins, and the model answers."""
        self.turn += 1
        self.calls += 1
        self.write(TurnStarted(self.turn, 2 * self.turn))
        for start in range(0, len(thought), 40):
            self.write(ModelThought(self.turn, thought[start : start + 40]))
        if words:
            self.write(ModelSaid(self.turn, words[:5]), ModelSaid(self.turn, words[5:]))
        call = ScreenCall(f"call_{self.calls}", actions, checks)
        calls = (*((call,) if actions else ()), *functions)
        self.write(ModelAnswered(self.turn, f"resp_{self.turn}", (), calls, words, final, USAGE, 2.4))
        return call

    def act(self, call: ScreenCall, *errors: str) -> None:
        """Carry out as many actions as there are errors ("" for none); all of them where none is given."""
        for index, error in enumerate(errors or [""] * len(call.actions)):
            self.write(ActionStarted(self.turn, call.id, index, call.actions[index]))
            self.write(ActionDone(self.turn, call.id, index, 0.04, error))

    def reply(self, call: ScreenCall, png: bytes, note: str = "") -> None:
        """The picture that answers a call, and the end of the turn."""
        self.write(CallAnswered(call.id, "screen", self.look(png)))
        if note:
            self.write(NoteAdded(note))
        self.write(TurnEnded(self.turn, 3.1, 0.7))

    def step(self, png: bytes, *actions: Word, words: str = "", thought: str = "") -> None:
        """A whole turn in which everything goes well."""
        call = self.answer(*actions, words=words, thought=thought)
        self.act(call)
        self.reply(call, png)

    def end(self, outcome: Outcome = "done", reason: str = "The budget is saved.") -> Session:
        """The session ends."""
        self.write(SessionEnded(outcome, reason, self.turn, 42.5, USAGE, reason))
        self.journal.close()
        return self.session


def eventful(home: Path) -> Session:
    """A session in which about everything happens that can."""
    story = Story(home, "Make a quarterly budget of four departments,\nwith totals, and save it as budget.xlsx")
    story.begin(draw(1, (300, 260), (700, 420)))
    story.step(
        draw(2, (640, 300)),
        {"type": "click", "x": 300, "y": 260},
        {
            "type": "type",
            "text": "Department\tQ1\tQ2\tQ3\tQ4\nSales\t1200\t1350\t1410\t1600\nMarketing\t800\t760\t910\t990",
        },
        {"type": "double_click", "x": 700, "y": 420},
        thought="The sheet is empty. I click the first cell and type the header and the first rows in one go; "
        "a tab moves on to the next column and a newline to the next row.",
        words="I enter the departments and their figures.",
    )
    story.write(SteerQueued("s1", "Please use euros, not dollars."))
    story.write(
        SteerDelivered("s1", "A correction from the user.\nThe user now says: «Please use euros, not dollars.»")
    )
    story.turn += 1
    story.write(TurnStarted(story.turn, 6), ModelThought(story.turn, "I should look at the"))
    story.write(ModelRetrying(story.turn, 1, "the service is overloaded (503)", 2.0))
    story.write(ModelDropped(story.turn, "cut short by the user's correction", "I should look at the", usage=USAGE))
    story.turn -= 1
    call = story.answer(
        {"type": "drag", "path": [[300, 260], [520, 330], [900, 520]]},
        {"type": "scroll", "x": 640, "y": 300, "scroll_x": 0, "scroll_y": 240},
        {"type": "keypress", "keys": ["ctrl", "b"]},
        {"type": "click", "x": 1000, "y": 600, "button": "right"},
        thought="Euros, then. I select the figures.",
        words="I set the currency to euros.",
    )
    story.write(SteerApplied("s1", story.turn))
    story.act(call, "", "", "the key 'b' could not be sent")
    story.reply(
        call,
        draw(3, (300, 260)),
        "Action 3 of 4 failed: the key 'b' could not be sent. The last action was not carried out.",
    )
    story.write(Paused(), Unpaused(seconds=12.0))
    check = SafetyCheck("sc_1", "sensitive_domain", "This may overwrite a file")
    call = story.answer({"type": "keypress", "keys": ["ctrl", "s"]}, checks=(check,))
    story.write(ApprovalRequested("sc_1", call.id, "keypress", check.message), ApprovalAnswered("sc_1", True, "user"))
    story.act(call)
    story.reply(call, draw(4))
    story.answer(words="The budget is saved as budget.xlsx, in euros.", final=True)
    story.write(TurnEnded(story.turn, 2.5, 0.1), FileMade("/home/me/files/budget.xlsx", 9216))
    return story.end()


def told(home: Path, task: str) -> Session:
    """A session of one picture, which has ended."""
    story = Story(home, task)
    story.begin(draw(1))
    return story.end()
