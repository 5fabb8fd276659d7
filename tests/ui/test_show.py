"""`deskhand show`: the whole story, damage named, long ones cut, and followed to the end."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.codec import encode
from agent.events import (
    ActionDone,
    ActionStarted,
    ApprovalRequested,
    BudgetWarned,
    CallAnswered,
    ComputerReady,
    Entry,
    Event,
    FileMade,
    ModelAnswered,
    ModelDropped,
    ModelRefused,
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
)
from agent.journal import FileJournal, image_path
from agent.session import Session, create_session
from agent.values import Budgets, FunctionCall, ImageRef, ScreenCall, Usage
from tests.support.command import Deskhand, wait_until
from ui.commands.show import TURNS, Reader

AT = "2026-11-21T07:00:00.000Z"
IMAGE = ImageRef("ab" * 32, "image/png", 100, 50)
CLICK = {"type": "click", "x": 5, "y": 6, "button": "left"}


class House:
    """A home with one session, and the command that shows it."""

    def __init__(self, folder: Path) -> None:
        self.deskhand = Deskhand(folder)
        self.session: Session = create_session(folder / "data")

    def write(self, *events: Event) -> None:
        lines = [encode(Entry(seq, AT, event=event)) for seq, event in enumerate(events, start=1)]
        self.session.events.write_bytes(b"".join(lines))

    def show(self, *flags: str) -> str:
        ran = self.deskhand("show", "last", *flags)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def started(house: House) -> SessionStarted:
    budgets = Budgets(turns=50)
    return SessionStarted(house.session.id, "Make a\nbudget", "gpt", "desktop", "orders", budgets)


def turn(number: int, words: str = "") -> Iterator[Event]:
    call = ScreenCall(f"c{number}", (CLICK,))
    yield TurnStarted(number, 1)
    yield ModelThought(number, "I see ")
    yield ModelThought(number, f"number {number}")
    yield ModelAnswered(number, "r", (), (call,), words, False, Usage(100, 90, 0, 5, 0, 0.25), 1.0)
    yield ActionStarted(number, f"c{number}", 0, CLICK)
    yield ActionDone(number, f"c{number}", 0, 0.1)
    yield ScreenshotTaken(IMAGE, (0, 0, 100, 50), True, 0.5, 0.1)
    yield CallAnswered(f"c{number}", "screen", IMAGE)
    yield TurnEnded(number, 2.0, 0.5)


def end(turns: int = 1) -> SessionEnded:
    return SessionEnded("done", "the model is through", turns, 9.0, Usage(), "All is made.")


def whole_story(house: House) -> Iterator[Event]:
    """One of nearly every kind."""
    function = FunctionCall("f", "read_file", '{"path":"a"}')
    yield started(house)
    yield ComputerReady("desktop")
    yield from turn(1, "First the figures.")
    yield SteerQueued("s1", "use euros")
    yield SteerDelivered("s1", "…")
    yield NoteAdded("the budget is nearly used")
    yield BudgetWarned("turns", 40, 50)
    yield TurnStarted(2, 3)
    yield ModelSaid(2, "half a wo")
    yield ModelDropped(2, "cut short", "half a wo")
    yield TurnStarted(2, 4)
    yield ModelAnswered(2, "r", (), (function,), "", False, Usage(), 1.0)
    yield SteerApplied("s1", 2)
    yield CallAnswered("f", "function", text="42 lines")
    yield ActionStarted(2, "c9", 0, {"type": "keypress", "keys": ["ctrl", "s"]})
    yield ActionDone(2, "c9", 0, 0.1, "no such \x1b[5mkey")
    yield ModelRefused(2, "policy", "not allowed", {})
    yield FileMade("/tmp/budget.xlsx", 12345)
    yield end(2)


def test_the_whole_story(house: House) -> None:
    house.write(*whole_story(house))
    image_path(house.session, IMAGE).write_bytes(b"png")
    said = house.show()
    wanted = [
        f"session {house.session.id}",
        "task: Make a budget",
        "gpt on desktop",
        "the desktop is ready",
        "turn 1",
        "thought: I see number 1",
        "“First the figures.”",
        "click (5, 6)",
        "you said: use euros (queued)",
        "delivered: “use euros”",
        "told the model: the budget is nearly used",
        "most of the budget is used: 40.00 of 50 turns",
        "turn 2",
        "“half a wo …",
        "answer dropped: cut short",
        'calls read_file({"path":"a"})',
        "applied: “use euros”",
        "→ 42 lines",
        "ctrl",
        "failed: no such �[5mkey",
        "refused (policy): not allowed",
        "done: the model is through",
        "“All is made.”",
        "used: 2 of 50 turns",
        "$0.2500",
        "made /tmp/budget.xlsx (12,345 bytes)",
        f"last screenshot: {image_path(house.session, IMAGE)}\n",
        f'go on with: deskhand resume {house.session.id} "WORDS"',
        f"deskhand replay {house.session.id}",
    ]
    place = -1
    for text in wanted:
        place = said.find(text, place + 1)
        assert place >= 0, f"{text!r} is missing, or out of order, in\n{said}"
    assert said.count("turn 2\n") == 1


@pytest.mark.parametrize(
    ("events", "live", "texts"),
    [
        ((), True, ["working", "deskhand tell"]),
        ((), False, ["interrupted", "deskhand resume"]),
        ((Paused(),), True, ["paused", "deskhand resume"]),
        (
            (ApprovalRequested("a1", "c", "send it", "goes out"),),
            True,
            ["needs you", "it asks: send it. goes out", "deskhand approve", "a1"],
        ),
        (
            (ApprovalRequested("a1", "c", "run\n" + "x" * 300 + " --all\nit asks: nothing", "goes out"),),
            True,
            ["it asks: goes out\n    run\n    xxx", "xxx --all\n    it asks: nothing\n", "deskhand approve"],
        ),
        ((ActionStarted(1, "c", 0, CLICK),), False, ["nobody knows whether this happened: click (5, 6)"]),
        (
            (SessionEnded("out_of_budget", "the budget of 5 turns is used up", 1, 1.0),),
            False,
            ["--max-turns N"],
        ),
        (
            (SessionEnded("needs_user", "nobody answers", 1, 1.0),),
            False,
            ["needs you: nobody answers", "deskhand resume"],
        ),
        ((SessionEnded("gave_up", "no way", 1, 1.0),), False, ["gave up: no way", "deskhand resume"]),
    ],
)
def test_how_it_stands_and_how_to_go_on(house: House, events: tuple[Event, ...], live: bool, texts: list[str]) -> None:
    house.write(started(house), *events)
    if live:
        with house.session.locked():
            said = house.show()
    else:
        said = house.show()
    for text in texts:
        assert text in said


def test_an_interrupted_session_does_not_grow_older(house: House) -> None:
    house.write(started(house), *turn(1))
    assert " 0.0 min" in house.show()


def test_of_a_long_session_the_last_turns(house: House) -> None:
    house.write(started(house), *(event for n in range(1, 101) for event in turn(n)), FileMade("/f", 1), end(100))
    said = house.show()
    assert f"the first {100 - TURNS} turns are left out" in said
    assert "number 80\n" not in said and "number 81\n" in said and "number 100\n" in said
    assert "used: 100 of 50 turns" in said and "made /f" in said


def test_damage_is_named_and_the_rest_is_shown(house: House) -> None:
    house.write(started(house), *(event for n in (1, 2, 3) for event in turn(n)), end(3))
    lines = house.session.events.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b"number 1", b"number 7")
    del lines[12]
    lines[20] = lines[20][:30] + b"\r" + lines[20][31:]
    house.session.events.write_bytes(b"".join(lines))
    ran = house.deskhand("show", "last")
    warnings = [line for line in ran.stdout.splitlines() if line.startswith("!")]
    assert ran.returncode == 0
    assert [line.split(" of ")[0] for line in warnings] == ["! line 4", "! line 13", "! line 21"]
    assert "checksum" in warnings[0] and "number 14 where 13 was due" in warnings[1]
    assert "number 7" not in ran.stdout and "done: the model is through" in ran.stdout
    assert [text for text in ran.stdout.splitlines() if text.startswith("turn")] == [
        "turn 1",
        "turn 2",
        "turn 3",
    ]
    assert f'resume {house.session.id} --repair "WORDS"' in ran.stdout


def test_a_torn_end_and_the_cure_for_damage(house: House) -> None:
    house.write(started(house), *turn(1))
    sound = house.session.events.read_bytes()
    house.session.events.write_bytes(sound.replace(b"number 1", b"number 7") + b'{"v":1,"seq"')
    said = house.show()
    assert "! line 4 of the journal is damaged" in said and "is cut short" in said
    assert f"go on with: deskhand resume {house.session.id} --repair\n" in said
    house.session.events.write_bytes(sound.replace(b"desktop", b"desktoq"))
    said = house.show()
    assert "! line 1 of the journal is damaged" in said and "cannot be resumed" in said and "--repair" not in said


def test_damage_anywhere_never_breaks_it(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    import argparse

    from ui.commands.show import show

    events = [
        *turn(1),
        SteerQueued("s", "x"),
        SteerDelivered("s", "x"),
        *turn(2),
        SteerApplied("s", 2),
        end(2),
    ]
    house.write(started(house), *events)
    data = house.session.events.read_bytes()
    chance = random.Random(7)
    flags = argparse.Namespace(session="last", json=False, follow=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DESKHAND_HOME", house.deskhand.environment["DESKHAND_HOME"])
        for _ in range(60):
            place, bit = chance.randrange(len(data)), 1 << chance.randrange(8)
            house.session.events.write_bytes(data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :])
            assert show(flags) == 0
            said = capsys.readouterr().out
            assert ("! line " in said and "cut short" not in said) or place == len(data) - 1


def test_an_empty_journal_is_one_line(house: House) -> None:
    house.session.events.touch()
    for flags in ((), ("--json",)):
        ran = house.deskhand("show", "last", *flags)
        assert ran.returncode == 2 and ran.stdout == ""
        assert ran.stderr.startswith("deskhand: the journal") and ran.stderr.count("\n") == 1


def test_json_is_the_journal_verbatim(house: House) -> None:
    house.write(started(house), *turn(1), end())
    data = house.session.events.read_bytes() + b"damaged\n"
    house.session.events.write_bytes(data + b'{"torn"')
    ran = house.deskhand("show", "last", "--json")
    assert ran.stdout.encode() == data
    assert "line 12 of the journal is damaged" in ran.stderr


def test_follow_tells_as_it_happens_and_ends_with_the_session(house: House) -> None:
    with ExitStack() as working, ExitStack() as watching:
        working.enter_context(house.session.locked())
        journal = FileJournal(house.session)
        journal.append(started(house))
        told = watching.enter_context(house.deskhand.start("show", "last", "--follow"))
        raw = watching.enter_context(house.deskhand.start("show", "last", "--follow", "--json"))
        out = house.deskhand.home / "out1"
        raw.wait_for("session.started")
        for event in turn(1):
            journal.append(event)
        raw.wait_for("turn.ended")
        wait_until(lambda: "click (5, 6)" in out.read_text(), "the action of the first turn")
        assert "used:" not in out.read_text() and told.process.poll() is None
        journal.append(end())
        journal.close()
        working.close()
        assert (told.wait(10), raw.wait(10)) == (0, 0)
        said = out.read_text()
    assert said.count("turn 1\n") == 1 and "done: the model is through" in said and "used: 1 of 50 turns" in said
    assert (house.deskhand.home / "out2").read_bytes() == house.session.events.read_bytes()


def test_the_reader_takes_what_is_new_and_waits_for_the_end_of_a_line(house: House) -> None:
    house.write(started(house), *turn(1))
    data = house.session.events.read_bytes()
    lines = data.splitlines(keepends=True)
    reader = Reader(house.session)
    house.session.events.write_bytes(b"".join(lines[:3]) + lines[3][:10])
    assert [line.data for line in reader.read()] == lines[:3] and reader.torn
    assert reader.read() == []
    house.session.events.write_bytes(data)
    rest = reader.read()
    assert [line.data for line in rest] == lines[3:] and not any(line.damage for line in rest)
    house.session.events.write_bytes(b"".join(lines[:5]))
    assert reader.read() == []
    house.session.events.write_bytes(data)
    assert [line.data for line in reader.read()] == lines[5:]
