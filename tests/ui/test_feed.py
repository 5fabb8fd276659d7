"""What happens in journals reaches those who listen: all of it, at once, and nobody waits for a slow one."""

from __future__ import annotations

import shutil
import socket
import statistics
import threading
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent.events import (
    ApprovalRequested,
    ModelThought,
    Paused,
    SessionResumed,
    SteerQueued,
    TurnStarted,
)
from agent.journal import reopen
from agent.session import Session
from tests.support.command import wait_until
from tests.support.homes import make_session
from tests.support.serving import Client, Listening, serving
from tests.ui.story import Story, draw
from ui.service import feed as feeding

CLICK = {"type": "click", "x": 300, "y": 260}


def known(stream: Listening) -> dict[str, Any]:
    """The cards as a page that listens knows them."""
    cards = {card["id"]: card for card in stream.wait_for("board")["sessions"]}
    for name, data in list(stream.events):
        if name == "card":
            cards[data["id"]] = data
        if name == "gone":
            cards.pop(data["id"], None)
    return cards


def drawn(stream: Listening) -> dict[int, list[dict[str, Any]]]:
    """The blocks of each chunk as a page that listens has drawn them."""
    chunks: dict[int, list[dict[str, Any]]] = {}
    for message in stream.of("blocks"):
        if message["reset"]:
            chunks.clear()
        for number in message["changed"]:
            chunks[number] = [block for block in message["blocks"] if block["chunk"] == number]
    return chunks


def all_drawn(stream: Listening) -> list[dict[str, Any]]:
    """They in order."""
    return [block for _, blocks in sorted(drawn(stream).items()) for block in blocks]


def _has_drawn(stream: Listening, blocks: list[dict[str, Any]]) -> bool:
    return all_drawn(stream) == blocks


def test_a_page_that_listens_knows_what_the_board_says(tmp_path: Path) -> None:
    first, second = Story(tmp_path, "one"), Story(tmp_path, "two")
    with first.session.locked(), serving(tmp_path) as (_, client), client.listen() as stream:
        stream.wait_for("board")
        first.begin(draw(1))
        first.step(draw(2), CLICK, thought="I click")
        first.write(Paused())
        wait_until(lambda: known(stream)[first.session.id]["state"] == "paused", "the pause", 5)
        third = Story(tmp_path, "three")
        wait_until(lambda: third.session.id in known(stream), "the new one", 5)
        second.end()
        wait_until(lambda: known(stream)[second.session.id]["state"] == "done", "the end", 5)
        shutil.rmtree(second.session.folder)
        wait_until(lambda: second.session.id not in known(stream), "that it has gone", 5)
        board = {card["id"]: card for card in client.get("/api/board").data["sessions"]}
        assert {name for name, _ in stream.events} == {"board", "card", "gone"}
        wait_until(lambda: known(stream) == board, "the same", 5)


def test_the_blocks_that_are_told_are_those_that_can_be_asked_for(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.begin(draw(0))
    for number in range(30):
        story.step(draw(number), CLICK, thought=f"thought {number}")
    name = story.session.id
    with story.session.locked(), serving(tmp_path) as (_, client), client.listen(f"/api/stream?session={name}") as told:
        first = told.wait_for("blocks")
        assert first["changed"] == list(range(11, 31)) and first["chunks"] == 31 and first["reset"] is False
        assert told.of("detail")[0]["chunks"] == 31
        call = story.answer(CLICK, CLICK, thought="thinking for a while " * 20)
        story.write(SteerQueued("s1", "euros"), ApprovalRequested("a1", call.id, "send", "it is sent"))
        story.act(call)
        story.reply(call, draw(31))
        asked: dict[str, Any] = {}

        def same() -> bool:
            asked.update(client.get(f"/api/sessions/{name}/blocks?from=11").data)
            return {n: blocks for n, blocks in drawn(told).items() if blocks} == {
                number: [block for block in asked["blocks"] if block["chunk"] == number] for number in range(11, 32)
            }

        wait_until(same, "the same blocks", 5)
        assert told.of("detail")[-1]["receipts"][0]["text"] == "euros"
        assert all(len(message["changed"]) <= 3 for message in told.of("blocks")[1:])


def test_other_requests_take_nothing_from_a_stream(tmp_path: Path) -> None:
    """Whoever looks at a journal first, all streams are told."""
    story = Story(tmp_path)
    name = story.session.id
    path = f"/api/stream?session={name}"
    with (
        story.session.locked(),
        serving(tmp_path) as (_, client),
        client.listen(path) as one,
        client.listen(path) as two,
    ):
        one.wait_for("blocks")
        two.wait_for("blocks")
        for number in range(1, 20):
            story.write(TurnStarted(number, 2), ModelThought(number, f"thought {number}"))
            client.get(f"/api/sessions/{name}")
        expected = client.get(f"/api/sessions/{name}/blocks?from=0").data["blocks"]
        for stream in (one, two):
            wait_until(partial(_has_drawn, stream, expected), "all blocks", 5)


def test_the_end_of_a_process_is_noticed_although_nothing_is_written(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.begin(draw(0))
    call = story.answer(CLICK, CLICK)
    story.act(call, "")
    name = story.session.id
    with serving(tmp_path) as (_, client), client.listen(f"/api/stream?session={name}") as stream:
        wait_until(lambda: drawn(stream).get(1) is not None, "the turn", 5)
        assert known(stream)[name]["state"] == "interrupted"
        with story.session.locked():
            story.write(SessionResumed())
            wait_until(lambda: known(stream)[name]["live"], "that it goes on", 5)
            assert known(stream)[name]["state"] == "starting"
        wait_until(lambda: known(stream)[name]["state"] == "interrupted", "that it has gone", 5)
        assert stream.of("detail")[-1]["live"] is False


def test_a_journal_that_was_repaired_is_told_anew(tmp_path: Path) -> None:
    session = make_session(tmp_path, "20261101-000000-aaaaaa", 6, ended=False)
    lines = session.events.read_bytes().splitlines(keepends=True)
    lines[70] = lines[70].replace(b"1", b"2")
    session.events.write_bytes(b"".join(lines))
    with serving(tmp_path) as (_, client), client.listen(f"/api/stream?session={session.id}") as stream:
        assert stream.wait_for("detail")["state"] == "interrupted"
        with session.locked():
            _, journal = reopen(session, repair=True)
            journal.append(SessionResumed())
            wait_until(lambda: any(message["reset"] for message in stream.of("blocks")), "the reset", 5)
            expected = client.get(f"/api/sessions/{session.id}/blocks?from=0").data
            wait_until(lambda: all_drawn(stream) == expected["blocks"], "the blocks", 5)
            journal.close()
        assert expected["chunks"] == 6


def test_a_session_that_vanishes_while_it_is_watched_ends_nothing(tmp_path: Path) -> None:
    gone, other = Story(tmp_path, "gone").end(), Story(tmp_path, "other")
    with serving(tmp_path) as (_, client), client.listen(f"/api/stream?session={gone.id}") as stream:
        stream.wait_for("blocks")
        shutil.rmtree(gone.folder)
        assert stream.wait_for("gone") == {"id": gone.id}
        other.write(TurnStarted(1, 2))
        stream.wait_for("card")
        assert not stream.ended
        assert client.get(f"/api/sessions/{gone.id}").status == 404
        assert client.get(f"/api/stream?session={gone.id}").status == 404


def test_who_reads_slowly_gets_the_newest_state_and_holds_up_nobody(tmp_path: Path) -> None:
    story = Story(tmp_path)
    with story.session.locked(), serving(tmp_path) as (server, client), client.listen() as quick:
        quick.wait_for("board")
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", client.port))
        request = f"GET /api/stream?session={story.session.id} HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n"
        slow.sendall(f"{request}Authorization: Bearer {client.token}\r\n\r\n".encode())
        for number in range(1, 120):  # 8 MB, if all of it were told
            story.write(TurnStarted(number, 2), ModelThought(number, f"{number:06} " * 10_000))
        last = f"{119:06} "
        wait_until(lambda: known(quick)[story.session.id]["thought"].endswith(last), "the newest thought", 5)
        streams = [one for one in server.service.feed.listeners if one.eager]
        assert len(streams) == 2
        received = b""
        slow.settimeout(5)
        while f'{last}"'.encode() not in received[-200_000:] or b'"chunks":120' not in received[-20_000_000:]:
            received += slow.recv(1 << 20)
        slow.close()
        # It was not told of every thought on its way.
        assert received.count(b"event: card") < 60
    assert not server.service.feed.listeners


def test_nobody_looks_at_journals_while_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    session = Story(tmp_path).end()
    with serving(tmp_path) as (server, client):
        threads = {thread.name for thread in threading.enumerate()}
        assert "deskhand-feed" not in threads
        with client.listen() as stream:
            stream.wait_for("board")
            assert "deskhand-feed" in {thread.name for thread in threading.enumerate()}
        wait_until(lambda: not server.service.feed.listeners, "the stream to end", 5)
        wait_until(lambda: "deskhand-feed" not in {t.name for t in threading.enumerate()}, "the feed to rest", 5)

        def looked(session: Session) -> bool:
            looks.append(session.id)
            return False

        monkeypatch.setattr(Session, "is_live", looked)
        time.sleep(2 * feeding.POLL)
        assert not looks
        assert client.get(f"/api/sessions/{session.id}").data["state"] == "done" and looks


def test_ending_the_server_ends_its_streams(tmp_path: Path) -> None:
    Story(tmp_path).end()
    with serving(tmp_path) as (server, client), client.listen() as stream:
        stream.wait_for("board")
        began = time.monotonic()
        server.close()
        wait_until(lambda: stream.ended, "the end", 5)
        assert time.monotonic() - began < 3


def test_a_fault_in_one_look_is_not_the_end_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(tmp_path)
    failed = threading.Event()

    def fail(*_: object) -> list[Any]:
        failed.set()
        raise RuntimeError("a bug")

    with story.session.locked(), serving(tmp_path) as (_, client), client.listen() as stream:
        stream.wait_for("board")
        with monkeypatch.context() as patched:
            patched.setattr(feeding.Feed, "_on_board", fail)
            assert failed.wait(5)
        story.write(TurnStarted(1, 2))
        wait_until(lambda: known(stream)[story.session.id]["state"] == "thinking", "the feed to go on", 5)


def test_twenty_sessions_reach_three_pages_at_once(tmp_path: Path) -> None:
    """How long it takes is measured in the benchmark; here nothing may be lost, and the order of time is checked."""
    stories = [Story(tmp_path, f"task {number}") for number in range(20)]
    written: dict[str, float] = {}
    seen: dict[tuple[int, str], float] = {}

    def read(page: int, stream: Listening, count: int) -> None:
        at = 0
        while len(seen) < count and not stream.ended:
            for name, data in stream.events[at:]:
                at += 1
                for marker in (data.get("thought", "") if name == "card" else "").split():
                    seen.setdefault((page, marker), time.monotonic())
            time.sleep(0.002)

    with ExitStack() as stack:
        for story in stories:
            stack.enter_context(story.session.locked())
        client: Client = stack.enter_context(serving(tmp_path))[1]
        streams = [stack.enter_context(client.listen()) for _ in range(3)]
        for stream in streams:
            stream.wait_for("board")
        rounds = 5
        count = 3 * 20 * rounds
        threads = [threading.Thread(target=read, args=(n, stream, count)) for n, stream in enumerate(streams)]
        for thread in threads:
            thread.start()
        for turn in range(rounds):
            for number, story in enumerate(stories):
                marker = f"m{number}-{turn}"
                written[marker] = time.monotonic()
                story.write(ModelThought(1, f" {marker}"))
                time.sleep(0.01)
        wait_until(lambda: len(seen) >= count, "all of it on all pages", 10)
        for thread in threads:
            thread.join(10)
    delays = [at - written[marker] for (_, marker), at in seen.items()]
    assert statistics.median(delays) < 0.25, statistics.quantiles(delays, n=20)
