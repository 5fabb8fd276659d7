"""Homes with many sessions and very long ones, written in seconds: journals as the loop leaves them, line by line."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.codec import encode
from agent.events import (
    ActionDone,
    ActionStarted,
    CallAnswered,
    ComputerReady,
    Entry,
    Event,
    FileMade,
    ModelAnswered,
    ModelSaid,
    ModelThought,
    PlanChanged,
    ScreenshotTaken,
    SessionEnded,
    SessionStarted,
    SteerApplied,
    SteerDelivered,
    SteerQueued,
    TurnEnded,
    TurnStarted,
    UserSaid,
)
from agent.session import Session
from agent.values import Budgets, ImageRef, PlanStep, ScreenCall, Usage, Word

BEGAN = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
USAGE = Usage(input_tokens=12_000, cached_tokens=10_800, output_tokens=220, reasoning_tokens=64, cost_usd=0.0123)
_HEAD = re.compile(rb'"seq":\d+,"at":"[^"]*"')


def picture(number: int) -> ImageRef:
    """A picture that is not there."""
    return ImageRef(f"{number:064x}", "image/png", 1440, 900)


def turn_of(number: int, thought: str = "I look at the sheet, and click the next cell. ") -> list[Event]:
    """The fifteen events of a plain turn."""
    call = ScreenCall(
        f"call_{number}",
        ({"type": "click", "x": 300, "y": 260}, {"type": "type", "text": "Quarter\t1200\n"}),
    )
    output: tuple[Word, ...] = (
        {"type": "reasoning", "id": f"rs_{number}", "encrypted_content": "x" * 700, "summary": []},
    )
    events: list[Event] = [TurnStarted(number, 2 * number)]
    events += [ModelThought(number, thought) for _ in range(5)]
    events += [ModelSaid(number, "I fill in "), ModelSaid(number, "the row.")]
    events.append(ModelAnswered(number, f"resp_{number}", output, (call,), "I fill in the row.", False, USAGE, 2.4))
    for index, action in enumerate(call.actions):
        events += [ActionStarted(number, call.id, index, action), ActionDone(number, call.id, index, 0.04)]
    image = picture(number)
    events += [ScreenshotTaken(image, (0, 0, 1440, 900), True, 0.1, 0.21), CallAnswered(call.id, "screen", image)]
    return [*events, TurnEnded(number, 3.1, 0.7)]


def opening(name: str, task: str, *, computer: str = "desktop") -> list[Event]:
    """What stands before the first turn."""
    started = SessionStarted(name, task, "gpt-6.1-terra", computer, "orders " * 600, Budgets(turns=50))
    image = picture(0)
    look = ScreenshotTaken(image, (0, 0, 1440, 900), True, 1.0, 0.2)
    plan = PlanChanged((PlanStep("Open the sheet", "done"), PlanStep("Fill it in", "in_progress")))
    return [started, ComputerReady(computer, ("LibreOffice 7.4",)), look, UserSaid(task, image), plan]


def ending(turns: int) -> list[Event]:
    """A correction on the way, a file, and the end."""
    return [
        SteerQueued("s1", "Please use euros"),
        SteerDelivered("s1", "The user now says: «Please use euros»"),
        SteerApplied("s1", turns),
        FileMade("/home/me/files/budget.xlsx", 9216),
        SessionEnded("done", "The budget is saved.", turns, 3.1 * turns, USAGE, "The budget is saved."),
    ]


def lines(events: Iterable[Event], first: int = 1, began: datetime = BEGAN) -> Iterator[bytes]:
    """Events as lines of a journal, 200 ms apart."""
    for seq, event in enumerate(events, first):
        at = (began + timedelta(milliseconds=200 * seq)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        yield encode(Entry(seq, at, event=event))


def make_session(home: Path, name: str, turns: int, task: str = "Make a budget", *, ended: bool = True) -> Session:
    """A session of so many plain turns."""
    session = Session(home / "sessions" / name)
    for folder in (home, home / "sessions", session.folder, session.images, session.files, session.inbox):
        folder.mkdir(mode=0o700, exist_ok=True)
    head = list(lines(opening(name, task)))
    with session.events.open("wb") as file:
        file.writelines(head)
        file.writelines(_turns(turns, len(head) + 1))
        if ended:
            file.writelines(lines(ending(turns), len(head) + turns * len(_pattern()) + 1))
    session.events.chmod(0o600)
    return session


def make_home(home: Path, sessions: int = 50, turns: int = 10_000) -> list[Session]:
    """Many sessions of thirty turns, all ended but the last, which has this many turns."""
    began = time.gmtime(BEGAN.timestamp())
    day = time.strftime("%Y%m%d", began)
    made = [make_session(home, f"{day}-{n:06}-abcdef", 30, f"Task number {n}") for n in range(sessions - 1)]
    return [*made, make_session(home, f"{day}-235959-abcdef", turns, "The long one", ended=False)]


def _pattern() -> Sequence[bytes]:
    """A turn whose number is 9990 followed by anything."""
    return [line.replace(b"%064x" % 9990, b"9990" * 16) for line in lines(turn_of(9990))]


def _turns(count: int, first: int) -> Iterator[bytes]:
    """Many turns, by writing other numbers into one: five times as quick as encoding each."""
    pattern = [_HEAD.split(line, maxsplit=1) for line in _pattern()]
    seq = first
    for number in range(1, count + 1):
        for head, rest in pattern:
            at = (BEGAN + timedelta(milliseconds=200 * seq)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            body = b'%s"seq":%d,"at":"%s"%s' % (head, seq, at.encode(), _numbered(rest, number))
            yield body + b',"crc":"%08x"}\n' % zlib.crc32(body + b"}")
            seq += 1


def _numbered(rest: bytes, number: int) -> bytes:
    body = rest[: rest.rindex(b',"crc":')].replace(b"9990" * 16, b"%064x" % number)
    return body.replace(b"19980", b"%d" % (2 * number)).replace(b"9990", b"%d" % number)
