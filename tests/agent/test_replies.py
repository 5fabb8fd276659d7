"""Replies of commands: what they have printed is in the journal once, in the form that the model is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.codec import decode, encode
from agent.conversation import fold
from agent.events import CallAnswered, Entry
from agent.loop import Offered, Setting
from agent.ports import Computer
from agent.testing import Answer, final, function
from agent.tools.base import Arguments, Context, Reply, Tool
from agent.tools.toolbox import ALWAYS, Toolbox
from agent.values import FunctionCall, Word
from tests.agent.test_loop import bench

PARTS: tuple[Word, ...] = (
    {"stdout": "one\ntwo", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}},
    {"stdout": "goes on", "stderr": "", "outcome": {"type": "timeout"}},
)
TEXT = "$ first\none\ntwo\n[exit 0]\n$ second\ngoes on"


async def run(_: Arguments, __: Context) -> Reply:
    return Reply(TEXT, parts=PARTS)


async def open_tools(_: Computer, offered: Offered) -> Toolbox:
    return Toolbox((*ALWAYS, Tool("run", "Runs.", {}, run)), offered=offered)


def as_its_own(asked: Answer) -> Answer:
    """The same call by a provider's own tool."""
    [call] = asked.calls
    assert isinstance(call, FunctionCall)
    return replace(asked, calls=(replace(call, form="shell"),))


@pytest.mark.parametrize(
    ("asked", "text", "parts", "words"),
    [
        (function("run"), TEXT, (), TEXT),
        (as_its_own(function("run")), "", PARTS, "one\ntwo\n[exit 0]\ngoes on"),
    ],
    ids=["function", "shell"],
)
def test_what_was_printed_is_kept_once(asked: Answer, text: str, parts: tuple[Word, ...], words: str) -> None:
    b = bench(asked, final("ok"))
    b.setting = Setting(open_tools=open_tools)
    b.run()
    [reply] = [entry.event for entry in b.journal.entries if isinstance(entry.event, CallAnswered)]
    assert (reply.text, reply.parts, reply.words) == (text, parts, words)


def test_journals_that_have_it_twice_are_read_as_they_were_written() -> None:
    old = CallAnswered("c1", "function", text=TEXT, parts=PARTS, form="shell")
    [entry] = [decode(encode(Entry(1, "2026-11-21T07:00:00.000Z", event=old)))]
    assert entry.event == old and old.words == TEXT
    [item] = fold([entry.event])
    assert (item.text, item.parts) == (TEXT, PARTS)  # type: ignore[union-attr]
