"""The inbox folder: words arrive whole, in order, once, and survive a crash."""

from __future__ import annotations

from pathlib import Path

import anyio

from agent.inbox import FileInbox, Message, drop_commands, post


def test_words_arrive_in_order_and_stay_until_they_are_written_down(tmp_path: Path) -> None:
    inbox = FileInbox(tmp_path)
    identity = post(tmp_path, Message("steer", "first ☞ «1»"))
    post(tmp_path, Message("stop", "second"))
    taken = inbox.take()
    assert [(m.kind, m.text) for m, _ in taken] == [("steer", "first ☞ «1»"), ("stop", "second")]
    assert taken[0][0].id == identity
    assert len(inbox.take()) == 2, "nothing is lost before it is forgotten"
    for _, path in taken:
        inbox.forget(path)
    assert inbox.take() == []


def test_waiting_ends_when_a_word_comes(tmp_path: Path) -> None:
    async def main() -> None:
        inbox = FileInbox(tmp_path)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(inbox.wait)
            await anyio.sleep(0.1)
            post(tmp_path, Message("pause"))

    with anyio.from_thread.start_blocking_portal() as portal:
        portal.call(main)


def test_a_half_written_word_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / ".00000000000000000001-abc").write_text('{"kind": "st')
    assert FileInbox(tmp_path).take() == []


def test_commands_to_a_dead_process_are_dropped_and_corrections_kept(tmp_path: Path) -> None:
    post(tmp_path, Message("stop"))
    post(tmp_path, Message("steer", "still meant"))
    drop_commands(tmp_path)
    assert [message.text for message, _ in FileInbox(tmp_path).take()] == ["still meant"]


def test_a_file_that_is_no_word_of_ours_is_put_aside(tmp_path: Path) -> None:
    for number, content in enumerate(['{"kind": "st', '{"kind": "explode", "id": "x"}', "[1]", '{"kind": "stop"}']):
        (tmp_path / f"{number}.json").write_text(content)
    post(tmp_path, Message("pause"))
    assert [message.kind for message, _ in FileInbox(tmp_path).take()] == ["pause"]
    assert len(list(tmp_path.glob("*.unreadable"))) == 4
