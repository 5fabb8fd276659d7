"""Commands of a model: what they answer, what goes on, what is fed, and whatever bad comes of them."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import ToolFault
from agent.policy import Policy, Use
from agent.tools.base import Reply, Room
from agent.tools.shell import shell_tools
from agent.tools.terminals import MOST_RUNNING
from agent.tools.toolbox import Toolbox
from agent.values import FunctionCall
from tests.support.programs import PlainPrograms
from tests.support.room import QuietUser, call, context, opened, room
from tests.vm.test_sandbox import can_be
from vm.beside import open_programs

LONG_MS = 60_000  # a deadline that nothing comes near


class Bench:
    """A room with the two tools, and what a model would say to them."""

    def __init__(self, made: Room, user: QuietUser) -> None:
        self.room, self.user = made, user
        self.shell, self.terminal = shell_tools(made)

    async def run(self, *commands: str, ms: int | None = LONG_MS, most: int | None = None) -> Reply:
        """Call `shell`."""
        within = context(self.user)
        return await call(self.shell, within, commands=list(commands), timeout_ms=ms, max_output_length=most)

    async def out(self, *commands: str, ms: int | None = LONG_MS) -> str:
        """What the last command printed."""
        return str((await self.run(*commands, ms=ms)).parts[-1]["stdout"])

    async def do(self, what: str, name: str | None = None, text: str | None = None, seconds: float | None = 30) -> str:
        """Call `terminal`."""
        within = context(self.user)
        return (await call(self.terminal, within, do=what, id=name, text=text, seconds=seconds)).text


def bench(folder: Path, do: Callable[[Bench], Awaitable[None]]) -> None:
    async def main() -> None:
        async with opened(folder) as made:
            await do(Bench(made, QuietUser()))

    anyio.run(main)


def boxed(folder: Path, do: Callable[[Bench], Awaitable[None]], *, network: bool = False) -> None:
    """The same in a real sandbox."""
    if not can_be():
        pytest.skip("there can be no sandbox here: see `deskhand doctor`")

    folder.mkdir(exist_ok=True)

    async def main() -> None:
        programs = await open_programs(folder, network=network, say=lambda _: None)
        made = room(folder, beside=programs)
        made.closing.push_async_callback(programs.aclose)
        async with made.closing:
            await do(Bench(made, QuietUser()))

    anyio.run(main)


def outcomes(reply: Reply) -> list[Any]:
    return [part["outcome"] for part in reply.parts]


def test_a_call_answers_as_openais_own_tool_does(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        reply = await b.run("echo one; echo two >&2", "exit 3", "kill -TERM $$")
        assert [part["stdout"] for part in reply.parts] == ["one\ntwo", "", "[killed by signal 15 (SIGTERM)]"]
        assert all(part["stderr"] == "" for part in reply.parts)
        assert outcomes(reply) == [{"type": "exit", "exit_code": code} for code in (0, 3, 143)]
        assert reply.text.splitlines()[:3] == ["$ echo one; echo two >&2", "one", "two"]
        assert b.shell.builtin == "shell" and b.shell.offer["strict"] is True
        assert set(b.shell.parameters) == {"commands", "timeout_ms", "max_output_length"}

    bench(tmp_path, do)


def test_directory_variables_functions_and_aliases_carry_over_and_accidents_do_not(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        await b.run(
            "mkdir -p 'a b'; cd 'a b'; export A=1; b=$'two\\nlines'; list=(x 'y z'); f() { echo f $1; }; umask 027"
        )
        await b.run("alias hello='echo hi'; readonly R=5", "set -eux; false")
        assert await b.out('pwd; echo "$A $b ${list[1]} $R"; f 7; hello; umask') == (
            f"{tmp_path}/a b\n1 two\nlines y z 5\nf 7\nhi\n0027"
        )
        await b.run("exec true", "kill -9 $$", "export A=3; false; exit 9")
        assert await b.out("echo $A; pwd") == f"3\n{tmp_path}/a b", "what killed or replaced its shell kept what was"
        await b.run("unset A; cd ..; IFS=:")
        assert await b.out('echo "[$A]"; x=a:b; echo $x') == "[]\na b"
        await b.run("mkdir gone; cd gone; rmdir ../gone")
        assert await b.out("pwd") == f"[the directory {tmp_path}/gone is gone; this is the task's folder]\n{tmp_path}"

    bench(tmp_path, do)


def test_what_a_command_prints_is_told_as_text(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        assert await b.out(r"printf '\e[31mred\e[0m \e]0;title\a10%%\r20%%\r100%% done\n'") == "100% done"
        assert await b.out(r"printf 'one\ntwo\n\e[2A\e[2Kuno\n'") == "uno\ntwo"
        assert await b.out("printf 'Grüße 漢字 \\xff'") == "Grüße 漢字 �"
        assert await b.out("nothing-like-it") == "bash: line 1: nothing-like-it: command not found"
        assert "syntax error" in await b.out("if") and "line 3" in await b.out("true\ntrue\nnothing-like-it")
        assert "binary output, not shown" in await b.out("head -c 50000 /dev/urandom")
        (tmp_path / "it's").write_text("quoted")
        assert await b.out("cat \"it's\" <<'E' && cat <<'E'\nE\n$HOME 'x' \\n\nE") == "quoted$HOME 'x' \\n"

    bench(tmp_path, do)


def test_a_long_output_is_cut_head_and_tail_with_its_length(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        reply = await b.run("seq 1 20000", most=1000)
        said = str(reply.parts[0]["stdout"])
        assert said.startswith("1\n2\n") and said.endswith("19999\n20000") and len(said) <= 1000
        assert " of 108,893 characters left out" in said
        assert (await b.run("seq 1 20000", most=0)).parts[0]["stdout"] == ""
        assert "of 2,000,002 bytes only" in await b.out("head -c 2000000 /dev/zero | tr '\\0' x; echo"), "one line"
        assert len((await b.run("seq 1 90000", most=10_000_000)).text) < 25_000
        assert len((await b.run(*["seq 1 9000"] * 6)).text) < 35_000

    bench(tmp_path, do)


def test_where_commands_run_is_told_where_openais_own_tool_takes_no_words(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        assert "There is no network" in b.terminal.description and "goes on in a terminal" in b.terminal.description

    bench(tmp_path, do)


def test_a_command_is_no_argument_of_its_own_shell(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        assert await b.out("sleep 4404 & pkill -f 'sleep 4404'; wait; echo lived") == "lived"
        assert "4404" not in await b.out("ps -eo args # 4404")
        assert await b.out("env | grep -c echo") == "0", "nor is it in what programs are told"

    boxed(tmp_path, do)


def test_much_output_costs_bounded_memory(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        await b.run("echo warm")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert "only the beginning and the end" in await b.out("yes 'a line of some length' | head -c 20000000")
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000, "KiB"

    bench(tmp_path, do)


def test_a_command_past_its_time_goes_on_and_is_told_of_once(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        reply = await b.run("echo begun; until [ -e go ]; do sleep 0.02; done; echo over; exit 5", "echo never", ms=300)
        assert outcomes(reply) == [{"type": "timeout"}] * 2
        assert "begun" in reply.parts[0]["stdout"] and "goes on in terminal t1" in reply.parts[0]["stdout"]
        assert "not run" in reply.parts[1]["stdout"]
        assert "until [ -e go ]" in b.room.news.going_on[0] and "t1" in b.room.news.going_on[0]
        assert "nothing new" in await b.do("read", "t1")
        (tmp_path / "go").touch()
        with anyio.fail_after(20):
            await b.room.news.wait()
        (told,) = b.room.news.take()
        assert "t1 has ended" in told and "exit 5" in told and told.endswith("over")
        assert b.room.news.going_on == []
        assert (await b.do("read", "t1")).startswith("over\n[exit 5")
        assert b.room.news.take() == []

    bench(tmp_path, do)


def test_waiting_ends_with_the_command_and_then_there_is_no_news(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        await b.run("until [ -e go ]; do sleep 0.02; done; echo over", ms=100)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(to_thread.run_sync, _later, tmp_path / "go")
            assert (await b.do("wait", "t1")).startswith("over\n[exit 0")
        assert b.room.news.take() == []
        await b.run("until [ -e gone ]; do sleep 0.02; done", ms=100)
        (tmp_path / "gone").touch()
        with anyio.fail_after(20):
            await b.room.news.wait()
        await b.do("read", "t2")
        assert b.room.news.take() == [], "read before the news was taken"

    bench(tmp_path, do)


def _later(place: Path) -> None:
    time.sleep(0.3)
    place.touch()


def test_the_user_is_heard_while_a_command_is_waited_for(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        await b.run("sleep 600", ms=50)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(b.do, "wait", "t1")
            await anyio.sleep(0.2)
            b.user.speak()
        assert "the user said something" in await b.do("wait", "t1")
        assert "goes on" in (await b.run("sleep 600")).text, "a call of shell too"
        await b.do("end", "t1")
        assert "killed by signal" in (await b.do("list")).splitlines()[0]

    bench(tmp_path, do)


def test_what_asks_is_noticed_soon_and_fed(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        began = time.monotonic()
        said = await b.out("read -p 'Your name: ' n; echo hello $n; cat")
        assert "waits for input: «Your name:» in terminal t1" in said and time.monotonic() - began < 15
        assert "hello Bob" in await b.do("write", "t1", "Bob\n")
        assert "[exit 0" in await b.do("write", "t1", "^D")
        assert "It has ended: exit 0" in await b.do("write", "t1", "more\n")

    boxed(tmp_path, do)


def test_a_password_is_asked_of_the_user_and_never_shown(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        said = await b.out("read -rs -p 'Password: ' p; echo; echo \"it was $p\"; read -s")
        assert "asks for a password in terminal t1: «Password:»" in said and "ask_user" in said
        said = await b.do("write", "t1", "hunter22\n")
        assert "it was ••••" in said and "hunter22" not in said
        assert "hunter22" not in b.terminal.in_words({"do": "write", "id": "t1", "text": "hunter22\n"})
        assert "password" in await b.out("printf 'Enter PIN: '; sleep 600"), "a prompt that is known"

    bench(tmp_path, do)


def test_what_asks_while_nobody_waits_is_news_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.tools.terminals.ASKED_SECONDS", 0.1)
    monkeypatch.setattr("agent.tools.terminals.IDLE_SECONDS", 0.1)

    async def do(b: Bench) -> None:
        await b.run("until [ -e go ]; do sleep 0.02; done; read -p 'Really? ' x", ms=100)
        (tmp_path / "go").touch()
        with anyio.fail_after(20):
            await b.room.news.wait()
        (told,) = b.room.news.take()
        assert "t1 waits for somebody to type: «Really?»" in told
        await anyio.sleep(0.6)
        assert b.room.news.take() == []
        assert "[exit 0" in await b.do("write", "t1", "yes\n")

    boxed(tmp_path, do)


def test_what_reads_keys_and_what_does_not_read_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.tools.shell.TAKING_SECONDS", 0.3)

    async def do(b: Bench) -> None:
        assert "waits for keys" in await b.out("stty raw -echo; dd bs=1 count=2 2>/dev/null")
        assert "[exit 0" in await b.do("write", "t1", "ab")
        assert "sleep" not in await b.out("trap '' INT; sleep 600", ms=100)
        assert "lines of at most 4000 bytes" in await b.do("write", "t2", "x" * 5000)
        assert "does not read" in await b.do("write", "t2", "x\n" * 200_000)
        assert "goes on in terminal t2" in await b.do("write", "t2", "^C", 0.1)

    bench(tmp_path, do)


def test_what_ignores_all_signals_and_what_forks_away_is_ended(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        await b.run("trap '' TERM HUP INT; setsid sh -c \"trap '' TERM HUP; sleep 4401\" & sleep 4402", ms=100)
        said = await b.do("end", "t1")
        assert "killed by signal" in said and "__state" not in said
        assert await b.out("pgrep -f '[s]leep 440' || echo none") == "none"
        said = await b.out("setsid nohup sleep 4403 >/dev/null 2>&1 & echo begun")
        assert said == "begun\n[what it started goes on in terminal t2]"
        assert "what it started goes on" in await b.do("list")
        await b.do("end", "t2")
        assert await b.out("pgrep -f '[s]leep 4403' || echo none") == "none"

    boxed(tmp_path, do)


def test_a_sandbox_that_dies_is_told_of_and_started_again(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        await b.run("cd /tmp; echo here > file", "sleep 600", ms=500)
        assert "killed by signal 9" in await b.out("kill -9 -1")
        with anyio.fail_after(20):
            await b.room.news.wait()
        assert "t1 has ended" in b.room.news.take()[0]
        assert "starts another sandbox" in (await b.run("echo again")).text
        assert await b.out("pwd; cat file") == "/tmp\nhere"

    boxed(tmp_path, do)


def test_what_one_command_serves_another_reaches(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        serve = "/usr/bin/python3 -m http.server 8123 --bind 127.0.0.1 >log 2>&1 &"
        await b.run(serve + " until grep -q Serving log; do sleep 0.02; done")
        fetch = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8123').status)"
        assert await b.out(f'/usr/bin/python3 -c "{fetch}"') == "200"

    boxed(tmp_path, do)


@pytest.mark.slow
def test_ten_thousand_children_are_ended(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        script = (
            "import os,time\nfor _ in range(10_000):\n  if not os.fork(): time.sleep(600)\nprint('all', flush=True)\n"
        )
        (tmp_path / "many.py").write_text(script + "time.sleep(600)\n")
        await b.run("/usr/bin/python3 many.py", ms=1000)
        with anyio.fail_after(90):
            while "all" not in await b.do("read", "t1"):
                await anyio.sleep(0.2)
        began = time.monotonic()
        await b.do("end", "t1")
        assert time.monotonic() - began < 30
        with anyio.fail_after(30):
            while await b.out("pgrep -c -r S,R,D -f '[m]any.py' || true") != "0":
                pass

    boxed(tmp_path, do)


def test_only_so_many_run_at_once(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        for _ in range(MOST_RUNNING):
            await b.run("sleep 600", ms=0)
        said = (await b.run("sleep 600")).text
        assert f"{MOST_RUNNING} commands are still running" in said and f"t{MOST_RUNNING}" in said

    bench(tmp_path, do)


@pytest.mark.parametrize(
    ("command", "said"), [("a\0b", "NUL"), ("  ", "empty"), ("\ud800", "half a character"), ("#" * 130_000, "too long")]
)
def test_what_is_no_command_is_said_and_nothing_is_run(tmp_path: Path, command: str, said: str) -> None:
    async def do(b: Bench) -> None:
        reply = await b.run("touch made", command)
        assert said in reply.text and reply.failed and not (tmp_path / "made").exists()

    bench(tmp_path, do)


def test_a_full_disk_is_a_commands_own_affair(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        reply = await b.run("echo x > /dev/full", "echo goes on")
        assert "No space left" in reply.parts[0]["stdout"] and reply.parts[1]["stdout"] == "goes on"

    bench(tmp_path, do)


def test_terminals_that_are_not_there(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        assert await b.do("list") == "There are no terminals."
        assert "no terminal 't9'; there are: none" in await b.do("read", "t9")
        assert "no terminal None" in await b.do("end")
        await b.run("cat", ms=0)
        assert "was empty" in await b.do("write", "t1") and "no terminal" in await b.do("read", "t 1")

    bench(tmp_path, do)


def test_what_needs_a_yes(tmp_path: Path) -> None:
    def judging(confined: str, network: bool) -> Callable[[str], str]:
        """Asks for the rule that wants a yes for a command."""
        shell, _ = shell_tools(room(tmp_path, beside=PlainPrograms(tmp_path, confined=confined, network=network)))
        box = Toolbox((shell,))

        def asked(command: str) -> str:
            use = box.use_of(FunctionCall("c1", "shell", json.dumps({"commands": ["true", command]})))
            assert use and use.command == f"true\n{command}" and command in use.words
            return Policy.load().judge(use).rule

        return asked

    asked = judging("", network=False)
    assert asked("curl x | sh") == asked("git push") == ""
    asked = judging("bubblewrap is not installed", network=False)
    assert asked("ls") == "shell-unconfined"
    asked = judging("", network=True)
    assert asked("pip install requests") == "shell-install"
    assert asked("git push origin main") == "shell-network"
    assert asked("curl -sO https://example.org/table.csv") == ""


def test_what_is_typed_is_shown_to_who_must_say_yes_but_no_password(tmp_path: Path) -> None:
    async def do(b: Bench) -> None:
        def use(**arguments: str) -> Use | None:
            return b.terminal.use({"id": "t1", "text": None, "seconds": None, **arguments})

        await b.run("cat", ms=0)
        typed = use(do="write", text="ls\n")
        assert typed and typed.command == "ls\n" and typed.words.endswith("\nls\n")
        assert typed.words.startswith("type into terminal t1, where this runs: cat")
        assert use(do="read") == Use()
        with pytest.raises(ToolFault, match="no terminal"):
            use(do="write", id="t9", text="ls\n")
        await b.run("read -rsp 'Password: ' x", ms=1500)
        secret = use(do="write", id="t2", text="hunter2\n")
        assert secret and (secret.command, secret.sandbox) == ("", True)
        assert "a password of 8 characters" in secret.words and "hunter2" not in secret.words
        assert "which asks: «Password:»" in secret.words
        await b.do("end", "t2")
        assert use(do="write", id="t2", text="x") is None, "it can be typed nowhere any more"

    bench(tmp_path, do)


@settings(max_examples=25)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x, max_size=3)))
def test_odd_arguments_are_no_bug(value: object) -> None:
    for tool in shell_tools(room(Path("/tmp"), beside=PlainPrograms(Path("/tmp"), confined="x"))):
        arguments = dict.fromkeys(tool.parameters, value)
        assert "\n" not in tool.in_words(arguments)
        try:
            tool.use(arguments)
        except ToolFault:
            continue


def test_calls_in_words(tmp_path: Path) -> None:
    shell, terminal = shell_tools(room(tmp_path))
    assert shell.in_words({"commands": ["make all\nmake test", "ls"]}) == "run make all make test (and 1 more)"
    assert len(shell.in_words({"commands": ["x" * 1000]})) < 130
    assert terminal.in_words({"do": "end", "id": "t1"}) == "end terminal t1"


def test_a_call_that_is_not_wanted_any_more_ends_at_once_and_so_does_all_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as made:
            b = Bench(made, QuietUser())
            began = time.monotonic()
            with anyio.move_on_after(0.3):
                await b.run("sleep 4405")
            assert time.monotonic() - began < 5
            assert "sleep 4405" in await b.do("list")

    anyio.run(main)
    assert not [entry for entry in Path("/proc").glob("[0-9]*/cmdline") if _says(entry, b"4405")]


def _says(entry: Path, word: bytes) -> bool:
    try:
        return word in entry.read_bytes().split(b"\0")
    except OSError:
        return False
