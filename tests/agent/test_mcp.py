"""MCP servers as they are and as they may be: good ones of the official library, and broken ones by hand."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.errors import Stop
from agent.events import QuestionAsked
from agent.mcp import server
from agent.mcp.config import AskBefore, ServerConfig
from agent.mcp.offers import Offered
from agent.mcp.program import Start
from agent.mcp.schemas import BadSchema, checked, fault_in
from agent.policy import Policy, Use
from agent.testing import MemoryJournal
from agent.tools.base import Reply, Room, Tool
from agent.tools.mcp import asks_before, in_words, open_servers
from tests.support.room import QuietUser, call, context, opened
from vm.servers import start_program

SUPPORT = Path(__file__).parents[1] / "support"
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "RESTART_PAUSE", 0.05)


def good(**more: Any) -> ServerConfig:
    return replace(ServerConfig("good", sys.executable, (str(SUPPORT / "mcp_servers.py"), "stdio")), **more)


def broken(how: str, **more: Any) -> ServerConfig:
    base = ServerConfig("bad", sys.executable, ("-S", str(SUPPORT / "mcp_broken.py"), how), start_seconds=20.0)
    return replace(base, **more)


@dataclass
class Opened:
    room: Room
    said: list[str] = field(default_factory=list[str])
    tools: dict[str, Tool] = field(default_factory=dict[str, Tool])

    async def use(self, tool: str, user: QuietUser | None = None, /, **arguments: object) -> Reply:
        with anyio.fail_after(60):
            return await call(self.tools[tool], context(user), **arguments)


@asynccontextmanager
async def servers(folder: Path, *configs: ServerConfig, start: Start | None = start_program) -> AsyncGenerator[Opened]:
    async with opened(folder / "work") as room:
        found = Opened(room)
        tools = await open_servers(configs, room, found.said.append, scratch=folder / "mcp", start=start)
        found.tools = {tool.name.rpartition("__")[2]: tool for tool in tools}
        yield found


async def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    with anyio.fail_after(seconds):
        while not true():
            await anyio.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


# ---- good ones


async def test_a_good_server_of_the_official_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOR_IT", "yes")
    monkeypatch.setenv("TOKEN", "s3cret-of-the-user")
    monkeypatch.setenv("NOT_FOR_IT", "no")
    async with servers(tmp_path, good(env=("FOR_IT", "TOKEN"))) as opened:
        assert not opened.said
        add = opened.tools["add"]
        assert add.name == "mcp__good__add" and "server “good”" in add.description and not add.offer["strict"]
        assert "5" in (await opened.use("add", a=2, b=3)).text
        wrong = await opened.use("add", a="two", b=3)
        assert wrong.failed and "a: 'two' is not of type 'integer'" in wrong.text and "Nothing was sent" in wrong.text

        reply = await opened.use("picture")
        # A tiny picture is enlarged.
        assert [(p.width, p.height, p.media_type) for p in reply.pictures] == [(60, 40, "image/png")]
        assert "Here it is." in reply.text
        spoilt = await opened.use("picture", broken=True)
        assert not spoilt.pictures and "cannot be shown: it is damaged" in spoilt.text

        told = (await opened.use("resources")).text
        assert "The memo." in told and "application/zip, 30 bytes" in told and "memo:3" in told and '"count": 3' in told
        long = (await opened.use("long_text", size=300_000)).text
        assert len(long) < 21_000 and "of 300000 characters left out" in long
        failed = await opened.use("fail")
        assert failed.failed and "says that this failed" in failed.text and "on fire" in failed.text

        mine = (await opened.use("environment", name="FOR_IT")).text.split()
        assert "yes" in mine and str(tmp_path / "mcp" / "good") in mine
        assert " - " in (await opened.use("environment", name="NOT_FOR_IT")).text.replace("\n", " ")
        pid = int(mine[-1])
        assert "[secret]" in (await opened.use("environment", name="TOKEN")).text
        assert (tmp_path / "work").as_uri() in (await opened.use("roots")).text

        await opened.use("change")
        await until(lambda: opened.room.news._told)  # pyright: ignore[reportPrivateUsage]
        (news,) = opened.room.news.take()
        assert "has changed its tools" in news
    assert gone(pid)


@pytest.mark.slow
async def test_progress_gives_more_time_up_to_a_limit(tmp_path: Path) -> None:
    async with servers(tmp_path, good(call_seconds=2.0, longest_seconds=4.0)) as opened:
        silent = await opened.use("work", seconds=60, tell=False)
        assert silent.failed and "did not answer within 2 s" in silent.text
        too_long = await opened.use("work", seconds=60, tell=True)
        assert too_long.failed and "did not answer within 4 s" in too_long.text
        assert "5" in (await opened.use("add", a=2, b=3)).text


class Leaving(QuietUser):
    async def answer_to(self, question: str, timeout: float) -> str:
        raise Stop("stopped", "the user has enough")


async def test_a_server_asks_the_user_under_its_own_name(tmp_path: Path) -> None:
    journal, user = MemoryJournal(), QuietUser(["green", "twelve", "3"])
    async with servers(tmp_path, good(call_seconds=2.5)) as opened:
        order = opened.tools["order"]
        assert "3 green lamps" in (await call(order, context(user, journal=journal), what="lamps")).text
        asked = [entry.event for entry in journal.entries if isinstance(entry.event, QuestionAsked)]
        assert [event.text for event in asked] == [
            "The MCP server “good” asks: How do you want it? – Colour",
            "The MCP server “good” asks: How do you want it? – Pieces",
            "“twelve” is no whole number. The MCP server “good” asks: How do you want it? – Pieces",
        ]
        assert asked[0].choices == ("red", "green", "Decline") and asked[0].blocking
        assert len({event.id for event in asked}) == 3
        assert (await opened.use("order", QuietUser(["decline"]), what="lamps")).failed
        with pytest.raises(Stop, match="has enough"):
            await opened.use("order", Leaving(), what="lamps")
        with anyio.move_on_after(0.2):
            await opened.use("work", seconds=60, tell=False)
        assert "worked" in (await opened.use("work", seconds=3, tell=True)).text  # progress gives it more time


# ---- broken ones


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("dies", "it ended (exit status 3) and said: I cannot find my configuration"),
        pytest.param("hangs", "it did not answer within 0.7 s", marks=pytest.mark.slow),
        ("hangs-in-list", "it did not answer within 1.5 s"),
        pytest.param("not-a-list", "tools: Input should be a valid list", marks=pytest.mark.slow),
    ],
)
async def test_one_that_cannot_be_started_is_left_out(tmp_path: Path, how: str, says: str) -> None:
    seconds = {"hangs": 0.7, "hangs-in-list": 1.5}.get(how, 20.0)
    async with servers(tmp_path, broken(how, start_seconds=seconds)) as opened:
        assert not opened.tools
        assert len(opened.said) == 1 and says in opened.said[0], opened.said
        assert "not there in this session" in opened.room.news.take()[0]


async def test_no_such_program_and_no_such_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    none = ServerConfig("none", "no-such-program")
    async with servers(tmp_path, none, broken("echo", env=("NOT_SET",))) as opened:
        assert not opened.tools and len(opened.said) == 2
        assert any("there is no program 'no-such-program'" in words for words in opened.said)
        assert any("the variable NOT_SET" in words and "export it" in words for words in opened.said)


async def test_a_tool_that_breaks_the_protocol_costs_that_tool_only(tmp_path: Path) -> None:
    async with servers(tmp_path, broken("no-tools")) as opened:
        assert set(opened.tools) == {"untyped", "echo"}
        [said] = opened.said
        for name in ("none (it breaks the protocol: inputSchema", "text (it", "unsure (it", "one without a name (it"):
            assert name in said, said
        assert "echo" in (await opened.use("untyped")).text
    async with servers(tmp_path, broken("no-tools", tools=("echo", "text"))) as opened:
        assert set(opened.tools) == {"echo"}
        [said] = opened.said
        assert "text (it breaks" in said and "none" not in said


async def test_one_that_lies_about_its_schema(tmp_path: Path) -> None:
    async with servers(tmp_path, broken("lying")) as opened:
        (said,) = opened.said
        for words in ("nonsense (its schema is no JSON Schema", "leads back to itself", "outside of it"):
            assert words in said
        assert "and 3 others" in said
        names = [tool.name for tool in opened.tools.values()]
        assert len(set(names)) == 5 and all(len(name) <= 64 and name.isascii() for name in names)
        odd = next(tool for tool in opened.tools.values() if "Deskhand" in tool.description)
        assert odd.name.startswith("mcp__bad__shell_rm_-rf_") and "\x1b" not in odd.description
        assert "\u202e" not in odd.description and odd.description.startswith("A tool of the MCP server “bad”")
        began = time.monotonic()
        assert not (await opened.use("slow", a="a" * 40 + "!")).failed and time.monotonic() - began < 5
        assert "echo" in (await opened.use("tree", a={"a": {}})).text
        assert "is not of type 'object'" in (await opened.use("tree", a={"a": 1})).text


async def test_a_crowd_of_tools_is_cut(tmp_path: Path) -> None:
    async with servers(tmp_path, broken("crowd")) as opened:
        assert len(opened.tools) == 64 and "that are too many" in opened.said[0]
    async with servers(tmp_path, broken("crowd", tools=("tool2900", "tool7", "none"))) as opened:
        assert set(opened.tools) == {"tool7"} and "has no tool none" in opened.said[0]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("hangs-in-call", "did not answer within 1 s"),
        ("dies-in-call", "exit status 7) and said: out of paper"),
        ("flood", "writes other things than messages"),
        pytest.param("one-line", "more than 32 MB in one line", marks=pytest.mark.slow),
        pytest.param("messages", "sends messages without end", marks=pytest.mark.slow),
        ("wrong-answer", "answered with what is no answer: content: Input should be a valid list. What it has"),
        ("refuses", "refuses: not on Sundays (error -32099)"),
        ("password", "out of"),
    ],
)
async def test_one_that_breaks_in_a_call(tmp_path: Path, how: str, says: str) -> None:
    seconds = 1.0 if how == "hangs-in-call" else 30.0
    async with servers(tmp_path, broken(how, call_seconds=seconds)) as opened:
        reply = await opened.use("echo")
        assert reply.failed
        if how != "password":  # without a terminal it dies of what it asks for
            assert says in reply.text, reply.text
            return
        assert "Password for root" in reply.text or "No such device" in reply.text


async def test_one_that_died_is_started_once_more_and_then_given_up(tmp_path: Path) -> None:
    async with servers(tmp_path, broken("dies-in-call")) as opened:
        assert "The next call starts it anew" in (await opened.use("echo")).text
        assert "It is not started again" in (await opened.use("echo")).text
        assert "is gone and is not started again" in (await opened.use("echo")).text
        assert not opened.room.news.take()  # each call has told it
    async with servers(tmp_path, broken("dies-once")) as opened:
        assert (await opened.use("echo")).failed
        assert "echo" in (await opened.use("echo")).text and "echo" in (await opened.use("echo")).text


async def test_one_that_dies_by_itself_is_told_once(tmp_path: Path) -> None:
    async with servers(tmp_path, broken("dies-idle")) as opened:
        await until(lambda: opened.room.news._told)  # pyright: ignore[reportPrivateUsage]
        (news,) = opened.room.news.take()
        assert "The MCP server bad is gone: it ended (exit status 5)." in news
        assert "echo" in (await opened.use("echo")).text


async def test_one_that_reads_no_more(tmp_path: Path) -> None:
    async with servers(tmp_path, broken("deaf", call_seconds=20.0)) as opened:
        reply = await opened.use("echo")
        assert reply.failed and ("reads its standard input no more" in reply.text or "is gone" in reply.text)


async def test_noise_beside_messages_is_passed_over_and_errors_are_kept_cut(tmp_path: Path) -> None:
    async with servers(tmp_path, broken("chatty")) as opened:
        assert "echo" in (await opened.use("echo")).text
    kept = tmp_path / "mcp" / "bad.log"
    assert 256 * 1024 <= kept.stat().st_size < 270 * 1024 and kept.stat().st_mode & 0o77 == 0


async def test_a_secret_is_never_asked_for(tmp_path: Path) -> None:
    async with servers(tmp_path, broken("asks")) as opened:
        user = QuietUser(["hunter2"])
        assert '"action":"decline"' in (await opened.use("echo", user)).text.replace(" ", "")
        assert not user.asked


async def test_without_a_warden_the_library_starts_it(tmp_path: Path) -> None:
    async with servers(tmp_path, broken("echo"), start=None) as opened:
        own = int((await opened.use("echo")).text.split()[-1])
        assert not gone(own)
    assert gone(own)
    async with servers(tmp_path, broken("dies"), start=None) as opened:
        assert "could not be started" in opened.said[0]


@pytest.mark.slow
async def test_what_it_starts_ends_with_it(tmp_path: Path) -> None:
    async with servers(tmp_path, broken("forks")) as opened:
        own = int((await opened.use("echo")).text.split()[-1])
        log = tmp_path / "mcp" / "bad.log"
        await until(lambda: "child" in log.read_text())
        child = int(log.read_text().split()[1])
        assert not gone(own) and not gone(child)
    assert gone(own) and gone(child)


def test_servers_end_with_a_killed_session(tmp_path: Path) -> None:
    import signal
    import subprocess

    script = (
        "import anyio, sys\n"
        "from pathlib import Path\n"
        "from tests.agent.test_mcp import broken, servers\n"
        "async def main():\n"
        f"    async with servers(Path({str(tmp_path)!r}), broken('forks')) as opened:\n"
        "        print((await opened.use('echo')).text.split()[-1], flush=True)\n"
        "        await anyio.sleep(600)\n"
        "anyio.run(main)\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=root) as session:
        assert session.stdout
        own = int(session.stdout.readline())
        child = int((tmp_path / "mcp" / "bad.log").read_text().split()[1])
        assert not gone(own) and not gone(child)
        os.kill(session.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while not (gone(own) and gone(child)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


# ---- schemas


def test_checking_comes_to_an_end() -> None:
    branching = {"properties": {"a": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}, "required": ["b"]}
    schema = checked(branching)
    deep: dict[str, Any] = {}
    for _ in range(60):
        deep = {"a": deep}
    began = time.monotonic()
    assert fault_in(deep, schema) == ""
    assert time.monotonic() - began < 10
    assert fault_in({"a": 3}, schema) == "'b' is a required property"


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["$ref", "$schema", "$id", "type", "anyOf", "properties", "items", "x"]), inner
            )
        ),
        max_leaves=12,
    )
)
@example({"$ref": "#/properties/a"})
@example({"$schema": {}})
@example({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"})
def test_no_schema_breaks_anything(schema: Any) -> None:
    try:
        told = checked({"properties": {"a": schema}} | (schema if isinstance(schema, dict) else {}))
    except BadSchema:
        return
    fault_in({"a": {"x": [1]}}, told)


# ---- approvals


def asked(ask_before: AskBefore, *, only_reads: bool, without: tuple[str, ...] = ()) -> bool:
    config = ServerConfig("s", "x", ask_before=ask_before, without_asking=without)
    return asks_before(config, Offered("mcp__s__t", "t", "", {}, only_reads))


def test_what_needs_a_yes() -> None:
    assert asked("every call", only_reads=True) and asked("every call", only_reads=False)
    assert asked("changes", only_reads=False) and not asked("changes", only_reads=True)
    assert not asked("nothing", only_reads=False)
    assert not asked("every call", only_reads=False, without=("t",))


async def test_a_question_names_the_server_and_what_exactly_is_asked(tmp_path: Path) -> None:
    async with servers(tmp_path, broken("hints", name="trusted", ask_before="changes"), broken("lying")) as opened:
        look, change, tree = (opened.tools[name] for name in ("look", "change", "tree"))
        assert look.use({}) == Use("look", "trusted: look", server="trusted", ask_before=False)
        assert look.reads_only and "trusted" in look.name and not change.reads_only
        use = change.use({"to": "a\nb" * 99, "odd\nname": 1})
        assert use and use.ask_before and Policy.load().judge(use).recipient == "trusted"
        assert use.words == "trusted: change\nto = " + json.dumps("a\nb" * 99) + '\n"odd\\nname" = 1'
        assert tree.use({}) and tree.use({"a": 1}) is None  # nobody is asked for what does not fit anyway
    words = in_words("good", "add", {"a": 1, "b": "x" * 4000})
    assert words.startswith('good: add (a = 1, b = "xx') and "(4002 characters)" in words and len(words) < 600
    assert in_words("good", "add", {}) == "good: add"
