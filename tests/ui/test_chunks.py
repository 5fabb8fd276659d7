"""Any stretch of a journal, read without the rest, shows what it shows in the whole."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from agent.codec import decode
from agent.events import ModelThought, SteerApplied, SteerDelivered, SteerQueued, TurnStarted
from agent.journal import FileJournal, read_journal
from agent.session import Session
from agent.values import ImageRef
from tests.support.homes import make_session
from tests.ui.story import Story, draw, eventful
from ui.service.chunks import Chunks, kind_of, kinds_of
from ui.service.following import MOST, Following
from ui.timeline import Timeline

CLICK = {"type": "click", "x": 300, "y": 260}


def followed(session: Session) -> Following:
    item = Following(session)
    item.look(liveness=True)
    return item


def whole(session: Session) -> list[dict[str, Any]]:
    """Blocks of the whole fold, with pictures by their content."""
    timeline = Timeline(*read_journal(session), live=False)
    blocks = [asdict(block) for block in timeline.blocks]
    for block in blocks:
        for view in block["views"]:
            image: ImageRef = timeline.images[int(view["image"])]
            view["image"] = image.sha256
    return blocks


def bare(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in block.items() if key not in ("key", "chunk")} for block in blocks]


def long_story(home: Path) -> Session:
    story = Story(home)
    story.begin(draw(0))
    for number in range(12):
        story.step(draw(number), CLICK, thought=f"thought {number}", words=f"words {number}")
        if number % 4 == 1:
            story.write(SteerQueued(f"s{number}", "the other one"), SteerDelivered(f"s{number}", "«the other one»"))
        if number % 4 == 2:
            story.write(SteerApplied(f"s{number - 1}", number))
    return story.end()


@pytest.mark.parametrize("tell", [eventful, long_story])
def test_chunk_by_chunk_is_the_same_as_the_whole(tmp_path: Path, tell: Any) -> None:
    session = tell(tmp_path)
    item = followed(session)
    every = [block for chunk in range(item.chunks) for block in item.blocks(chunk, chunk)["blocks"]]
    assert bare(every) == bare(whole(session))
    assert len({block["key"] for block in every}) == len(every)
    starts = sum(isinstance(entry.event, TurnStarted) for entry in read_journal(session)[0])
    assert item.chunks == starts + 1
    assert {block["chunk"] for block in every} == set(range(item.chunks))


def test_a_stretch_has_the_same_keys_wherever_reading_begins(tmp_path: Path) -> None:
    item = followed(long_story(tmp_path))
    for first in range(item.chunks):
        for last in range(first, item.chunks):
            found = item.blocks(first, last)["blocks"]
            again = [block for chunk in range(first, last + 1) for block in item.blocks(chunk, chunk)["blocks"]]
            assert found == again


def test_each_picture_is_described_once_and_by_its_content(tmp_path: Path) -> None:
    session = eventful(tmp_path)
    item = followed(session)
    found = item.blocks(0, MOST)
    named = {view["image"] for block in found["blocks"] for view in block["views"]}
    assert named == set(found["images"]) and len(named) == 4
    assert all((session.images / f"{sha}.png").exists() for sha in named)
    assert all((image["width"], image["height"]) == (1280, 800) for image in found["images"].values())


def test_types_are_read_alike_one_by_one_and_in_bulk(tmp_path: Path) -> None:
    lines = eventful(tmp_path).events.read_bytes().splitlines()
    lines += [b"", b"{", b'{"v":1,"seq":1,"at":"2026-11-21T06:48:12.123Z","type":"model.th']
    expected = [decode(line + b"\n").event.type for line in lines[:-3]]
    assert [kind_of(line).decode() for line in lines[:-3]] == expected
    for cut in range(len(lines)):
        assert kinds_of(lines[cut:]) == [kind_of(line) for line in lines[cut:]]


def test_a_journal_that_grows_line_by_line_has_the_same_index(tmp_path: Path) -> None:
    lines = make_session(tmp_path, "long", 30).events.read_bytes().splitlines()
    kinds = [kind_of(line) for line in lines]
    once, bit_by_bit = Chunks(), Chunks()
    once.extend(lines, kinds)
    for line, kind in zip(lines, kinds, strict=True):
        bit_by_bit.extend([line], [kind])
    assert once == bit_by_bit and len(once) == 31
    assert once.before(once.line(7)) == once.start(7)
    assert once.before(once.line(7) - 1) == once.start(6)


def test_what_is_said_in_the_open_turn_is_now_and_next_while_it_lives(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.begin(draw(0))
    call = story.answer(CLICK, CLICK, CLICK)
    story.act(call, "")
    with story.session.locked():
        item = followed(story.session)
        states = [a["state"] for i in item.blocks(1, 1)["blocks"][0]["items"] for a in i.get("actions", ())]
        assert states == ["done", "next", "next"]
    item = followed(story.session)
    states = [a["state"] for i in item.blocks(1, 1)["blocks"][0]["items"] for a in i.get("actions", ())]
    assert states == ["done", "not", "not"]


def test_damage_is_shown_where_it_is(tmp_path: Path) -> None:
    session = make_session(tmp_path, "s", 20)
    lines = session.events.read_bytes().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if b'"type":"model.thought","turn":9,' in line)
    lines[at] = lines[at].replace(b"sheet", b"sheat")
    del lines[at + 40]
    session.events.write_bytes(b"".join(lines) + b'{"v":1,"seq":')
    item = followed(session)
    found = [
        (block["chunk"], entry["line"], entry["text"])
        for block in item.blocks(0, 20)["blocks"]
        for entry in block["items"]
        if entry["kind"] == "damage"
    ]
    assert found[0] == (9, at + 1, "its checksum does not fit")
    assert found[1][0] in (11, 12) and "was due" in found[1][2]
    assert found[2][0] == 20 and found[2][2] == "it is cut short"


def test_a_journal_that_was_cut_back_and_went_on_is_read_anew(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.begin(draw(0))
    item = followed(story.session)
    for number in range(3):
        story.step(draw(number), CLICK)
    item.look()
    assert item.chunks == 4
    lines = story.session.events.read_bytes().splitlines(keepends=True)
    kept = b"".join(lines[: len(lines) // 2])
    story.session.events.write_bytes(kept)
    journal = FileJournal(story.session, next_seq=len(lines) // 2 + 1)
    for number in range(200):  # longer than before
        journal.append(ModelThought(2, f"going on {number}"))
    item.look()
    assert item.detail() == followed(story.session).detail()
    assert item.blocks(0, 9) == followed(story.session).blocks(0, 9)


def test_a_journal_that_vanishes_and_one_that_is_empty_are_nothing_to_fail_over(tmp_path: Path) -> None:
    story = Story(tmp_path)
    item = followed(story.session)
    story.session.events.unlink()
    item.look()
    assert item.card().state == "damaged" and "missing" in item.card().reason
    with pytest.raises(OSError, match="No such file"):
        item.blocks(0, 0)
    assert item.newest()["blocks"] == []
    story.session.events.touch()
    item.look()
    assert item.card().state == "damaged" and item.blocks(0, 0)["blocks"] == []
