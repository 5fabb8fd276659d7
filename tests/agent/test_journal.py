"""The journal on a real disk: whole lines or none, damage seen and named, pictures kept once."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.codec import Damage, decode, decode_all, encode
from agent.conversation import fold
from agent.errors import UserFault
from agent.events import (
    ActionDone,
    ActionStarted,
    CallAnswered,
    Entry,
    Event,
    ModelAnswered,
    ModelThought,
    NoteAdded,
    SessionStarted,
    SteerDelivered,
    TurnEnded,
    TurnStarted,
    UserSaid,
)
from agent.journal import FileJournal, image_path, read_journal, reopen
from agent.session import Session, create_session, find_session
from agent.state import State
from agent.values import ImageRef, ScreenCall, Usage
from perception.screenshot import Region, Screenshot, Space

AT = "2026-11-21T07:00:00.000Z"
IMAGE = ImageRef("ab" * 32, "image/png", 100, 50)
TEXTS = st.text(st.characters(codec=None), max_size=30)  # lone surrogates included: models write anything
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=3)


@st.composite
def events(draw: st.DrawFn) -> Event:
    text, turn = draw(TEXTS), draw(st.integers(0, 9))
    call = ScreenCall("c1", tuple(draw(st.lists(OBJECTS, max_size=2))))
    choices: list[Event] = [
        UserSaid(text),
        NoteAdded(text),
        SteerDelivered("s", text),
        TurnStarted(turn, 3),
        ModelAnswered(turn, "r", tuple(draw(st.lists(OBJECTS, max_size=2))), (call,), text, False, Usage(5), 0.5),
        ActionStarted(turn, "c1", 0, draw(OBJECTS)),
        ActionDone(turn, "c1", 0, 0.25, text),
        TurnEnded(turn, 1.5, 0.5),
    ]
    return draw(st.sampled_from(choices))


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return create_session(tmp_path / "home")


def started(session: Session) -> SessionStarted:
    return SessionStarted(session.id, "do it", "m", "desktop", "orders")


def shot(image: bytes = b"pixels") -> Screenshot:
    return Screenshot(image, "image/png", Space(Region(0, 0, 100, 50), 100, 50), 0.0)


@given(events())
def test_every_event_reads_back_as_it_was_written(event: Event) -> None:
    entry = Entry(7, AT, event=event)
    line = encode(entry)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert decode(line) == entry
    assert json.loads(line)["type"] == event.type


@given(st.lists(events(), min_size=1, max_size=6), st.data())
@settings(max_examples=30)
def test_a_flipped_bit_is_seen(some: list[Event], data: st.DataObject) -> None:
    lines = [encode(Entry(n, AT, event=event)) for n, event in enumerate(some, start=1)]
    number = data.draw(st.integers(0, len(lines) - 1))
    position = data.draw(st.integers(0, len(lines[number]) - 2))
    flipped = bytearray(lines[number])
    flipped[position] ^= 1 << data.draw(st.integers(0, 7))
    journal = b"".join([*lines[:number], bytes(flipped), *lines[number + 1 :]])
    found = list(decode_all(journal))
    assert any(isinstance(item, Damage) for item in found)


@given(st.lists(events(), min_size=1, max_size=6), st.data())
@settings(max_examples=30)
def test_a_journal_cut_anywhere_gives_every_whole_line_before_the_cut(some: list[Event], data: st.DataObject) -> None:
    whole = b"".join(encode(Entry(n, AT, event=event)) for n, event in enumerate(some, start=1))
    cut = data.draw(st.integers(0, len(whole)))
    found = list(decode_all(whole[:cut]))
    complete = whole[:cut].count(b"\n")
    assert [item.event for item in found if isinstance(item, Entry)] == some[:complete]
    assert all(item.torn for item in found if isinstance(item, Damage))


@given(st.lists(events(), max_size=8), st.lists(events(), max_size=4))
def test_the_conversation_only_grows(before: list[Event], after: list[Event]) -> None:
    assert fold([*before, *after])[: len(fold(before))] == fold(before)


def test_a_torn_last_line_is_cut_off_and_the_journal_goes_on(session: Session) -> None:
    journal = FileJournal(session)
    journal.append(started(session))
    journal.append(UserSaid("do it"))
    journal.close()
    with session.events.open("ab") as file:
        file.write(b'{"v":1,"seq":3,"type":"note.ad')
    entries, again = reopen(session)
    again.append(NoteAdded("on we go"))
    again.close()
    assert [entry.seq for entry in entries] == [1, 2]
    assert [entry.event.type for entry in read_journal(session)[0]] == ["session.started", "user.said", "note.added"]


def test_damage_in_the_middle_is_named_and_repaired_only_on_demand(session: Session) -> None:
    journal = FileJournal(session)
    journal.append(started(session))
    for word in ("one", "two", "three"):
        journal.append(NoteAdded(word))
    journal.close()
    lines = session.events.read_bytes().splitlines(keepends=True)
    damaged = b"".join([*lines[:2], lines[2].replace(b"two", b"tow"), lines[3]])
    session.events.write_bytes(damaged)
    with pytest.raises(UserFault, match=r"line 3 .* is damaged .* --repair"):
        reopen(session)
    assert session.events.read_bytes() == damaged
    entries, again = reopen(session, repair=True)
    again.close()
    assert [entry.seq for entry in entries] == [1, 2]
    assert session.events.with_suffix(".damaged.jsonl").read_bytes() == damaged


@pytest.mark.parametrize("content", [b"", b"\x00" * 500, b"not a journal\n"])
def test_a_journal_without_a_sound_line_ends_in_one_clear_line(session: Session, content: bytes) -> None:
    session.events.write_bytes(content)
    with pytest.raises(UserFault, match="journal") as caught:
        reopen(session, repair=True)
    assert "\n" not in str(caught.value)


def test_a_picture_is_kept_once_and_privately(session: Session) -> None:
    journal = FileJournal(session)
    first, second = journal.store(shot()), journal.store(shot())
    assert first == second and journal.load(first) == b"pixels"
    files = list(session.images.iterdir())
    assert files == [image_path(session, first)]
    for path in (session.folder, session.images, session.events, files[0]):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    journal.close()


def test_a_full_disk_leaves_the_journal_as_it_was(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = FileJournal(session)
    journal.append(started(session))
    before = session.events.read_bytes()
    write: Callable[[int, bytes], int] = os.write

    def half(fd: int, data: bytes) -> int:
        write(fd, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(UserFault, match=r"No space left on device.*free some space.*deskhand resume"):
        journal.append(NoteAdded("too much"))
    monkeypatch.undo()
    assert session.events.read_bytes() == before
    journal.append(NoteAdded("fits now"))
    journal.close()
    assert [entry.seq for entry in read_journal(session)[0]] == [1, 2]


def test_one_process_at_a_time_works_on_a_session(session: Session) -> None:
    assert not session.is_live()
    with session.locked():
        assert session.is_live()
        with pytest.raises(UserFault, match="already being worked on"), session.locked():
            pass
    assert not session.is_live()


def test_sessions_are_found_by_any_part_that_only_one_has(tmp_path: Path) -> None:
    with pytest.raises(UserFault, match="no sessions yet"):
        find_session(tmp_path, "last")
    one, two = create_session(tmp_path), create_session(tmp_path)
    assert find_session(tmp_path, "last").id == max(one.id, two.id)
    assert find_session(tmp_path, one.id[-6:]) == one
    with pytest.raises(UserFault, match="fits 2 sessions"):
        find_session(tmp_path, one.id[:8])
    with pytest.raises(UserFault, match="no session 'nonsense'"):
        find_session(tmp_path, "nonsense")


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserFault, match="DESKHAND_HOME"):
        create_session(tmp_path / "file" / "home")


def test_a_session_of_ten_thousand_turns_opens_in_a_second(session: Session, tmp_path: Path) -> None:
    import time

    lines = [encode(Entry(1, AT, event=started(session)))]
    action: dict[str, Any] = {"type": "click", "x": 5, "y": 6}
    for turn in range(1, 10_001):
        call = ScreenCall(f"c{turn}", (action,))
        output: dict[str, Any] = {"type": "computer_call", "call_id": call.id, "actions": [action]}
        for event in (
            TurnStarted(turn, turn * 2),
            ModelAnswered(turn, f"r{turn}", (output,), (call,), "", False, Usage(1000, 900), 1.0),
            ActionStarted(turn, call.id, 0, action),
            ActionDone(turn, call.id, 0, 0.2),
            CallAnswered(call.id, "screen", None),
            TurnEnded(turn, 1.2, 0.2),
        ):
            lines.append(encode(Entry(len(lines) + 1, AT, event=event)))
    session.events.write_bytes(b"".join(lines))
    began = time.process_time()
    entries, damages = read_journal(session)
    state = State.of(entries)
    seconds = time.process_time() - began
    assert state.turns == 10_000 and not damages
    assert seconds < 3.0, "one second on an idle machine; three leave room for a busy one"


def test_streamed_pieces_are_left_out_of_what_goes_on_and_numbers_are_kept(session: Session) -> None:
    journal = FileJournal(session)
    journal.append(started(session))
    journal.append(ModelThought(1, "hm"))
    journal.append(NoteAdded("said"))
    journal.append(ModelThought(1, "still"))
    journal.close()
    entries, again = reopen(session)
    again.append(NoteAdded("on we go"))
    again.close()
    assert [entry.seq for entry in entries] == [1, 3]
    assert [entry.seq for entry in read_journal(session)[0]] == [1, 2, 3, 4, 5]
