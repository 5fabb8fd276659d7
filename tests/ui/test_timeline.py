"""The fold that replay and page draw: blocks of turns, from whole journals and from damaged ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.events import (
    CallAnswered,
    Event,
    ModelAnswered,
    ModelDropped,
    NoteAdded,
    SessionResumed,
    SteerApplied,
    TurnEnded,
    TurnStarted,
)
from agent.journal import read_journal
from agent.session import Session
from agent.values import Usage
from tests.ui.story import SIZE, Story, draw, eventful
from ui.timeline import Timeline


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def blocks_of(session: Session, *, live: bool = False) -> list[dict[str, Any]]:
    return Timeline(*read_journal(session), live=live).as_data()["blocks"]


def items(blocks: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [item for block in blocks for item in block["items"] if item["kind"] == kind]


def test_any_line_may_be_missing(home: Path) -> None:
    session = eventful(home)
    entries, _ = read_journal(session)
    for missing in range(len(entries)):
        data = Timeline([e for e in entries if e is not entries[missing]], [], live=False).as_data()
        assert data["blocks"]
    for entry in entries:
        Timeline([entry], [], live=False).as_data()


def test_a_resumed_session_closes_the_turn_that_was_open(home: Path) -> None:
    story = Story(home)
    story.begin(draw(1))
    call = story.answer({"type": "click", "x": 9, "y": 9})
    image = story.look(draw(2))
    events: list[Event] = [SessionResumed(), CallAnswered(call.id, "screen", image), TurnEnded(1, 4.0, 1.0)]
    story.write(*events, NoteAdded("This is the screen now.", image))
    story.answer(words="Done.", final=True)
    blocks = blocks_of(story.end())
    turns = [block for block in blocks if block["kind"] == "turn"]
    assert [(turn["turn"], turn["seconds"]) for turn in turns] == [(1, 4.0), (2, None)]
    assert turns[1]["views"][0] == {"image": 1, "label": "seen", "marks": []}


def test_points_belong_to_the_picture_before_the_answer(home: Path) -> None:
    story = Story(home)
    story.begin(draw(1))
    story.step(draw(2), {"type": "click", "x": 1, "y": 2}, {"type": "click", "x": SIZE[0], "y": 2})
    story.step(draw(3), {"type": "move", "x": 3, "y": 4})
    first, second = (block for block in blocks_of(story.end()) if block["kind"] == "turn")
    assert [(view["label"], view["image"]) for view in first["views"]] == [("seen", 0), ("result", 1)]
    assert [mark["points"] for mark in first["views"][0]["marks"]] == [[(1, 2)]], "outside is not drawn"
    assert second["views"][0]["image"] == 1
    assert second["views"][0]["marks"] == [{"number": 1, "kind": "move", "points": [(3, 4)]}]


def test_streamed_words_are_told_once(home: Path) -> None:
    story = Story(home)
    story.begin(draw(1))
    story.answer(words="Hello there, I begin.", thought="I think about it.")
    blocks = blocks_of(story.end())
    assert [item["text"] for item in items(blocks, "words")] == ["Hello there, I begin."]
    assert [item["text"] for item in items(blocks, "thought")] == ["I think about it."]


def test_reasoning_that_was_not_streamed_is_found_in_the_answer(home: Path) -> None:
    story = Story(home)
    story.begin(draw(1))
    output = ({"type": "reasoning", "summary": [{"text": "First."}, "?", {"text": "Then."}]}, {"type": "reasoning"})
    story.write(TurnStarted(1, 1), ModelAnswered(1, "r", output, (), "Yes.", True, Usage(), 1.0))
    assert [item["text"] for item in items(blocks_of(story.end()), "thought")] == ["First.\n\nThen."]


def test_a_withdrawn_answer_is_struck_out(home: Path) -> None:
    story = Story(home)
    story.begin(draw(1))
    story.answer({"type": "keypress", "keys": ["ctrl", "s"]}, words="I save it.")
    story.write(ModelDropped(1, "not approved", "I save it.", withdrawn=True))
    blocks = blocks_of(story.end("stopped", "by the user"))
    assert [item["dropped"] for item in items(blocks, "words") + items(blocks, "actions")] == [True, True]


def test_receipts_follow_their_correction(home: Path) -> None:
    (steer,) = items(blocks_of(eventful(home)), "steer")
    assert steer["text"] == "Please use euros, not dollars."
    assert [receipt["name"] for receipt in steer["receipts"]] == ["queued", "delivered", "applied"]
    story = Story(home)
    story.write(SteerApplied("lost", 3))
    assert [item["receipts"][0]["name"] for item in items(blocks_of(story.end()), "steer")] == ["applied"]


def test_time_in_a_pause_does_not_count(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = iter(f"2026-11-21T07:00:{second:02}.000Z" for second in (0, 1, 3, 13, 14, 14))
    monkeypatch.setattr("agent.journal._now", lambda: next(stamps))
    from agent.events import Paused, Unpaused

    story = Story(home)
    story.write(Paused(), Unpaused(), NoteAdded("on"))
    session = story.end()
    assert Timeline(*read_journal(session), live=False).as_data()["seconds"] == 4.0
