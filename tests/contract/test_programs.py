"""What every implementation of `agent.tools.ports.Programs` must keep: in a sandbox, without one, and the plain one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from agent.errors import ToolFault
from agent.tools.ports import OUTPUT_BYTES, Terminal
from tests.support.waiting import eventually
from tests.vm.test_sandbox import can_be
from vm.beside import BesidePrograms
from vm.beside_plain import PlainPrograms
from vm.beside_sandbox import SandboxedPrograms

KINDS = ["sandboxed", *(pytest.param(each, marks=pytest.mark.slow) for each in ("open", "plain"))]
SANDBOX = can_be()
ENDLESS = "trap 'echo stopped; exit 9' INT; echo on; while :; do sleep 0.1; done"
"""A trap waits for the program in front, so that one must be short: a key that comes while it starts is its own."""


@asynccontextmanager
async def programs(kind: str, folder: Path) -> AsyncGenerator[BesidePrograms]:
    """One of them, working in `folder`."""
    made = PlainPrograms(folder) if kind == "plain" else SandboxedPrograms(folder, network=False, say=lambda _: None)
    if kind == "open":
        made._doubt, made._asked = "a test says so", True  # pyright: ignore[reportAttributeAccessIssue, reportPrivateUsage]
    try:
        yield made
    finally:
        await made.aclose()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "sandboxed" and not SANDBOX:
        pytest.skip("there can be no sandbox here: see `deskhand doctor`")
    return request.param


def work(kind: str, folder: Path, do: Callable[[BesidePrograms], Awaitable[None]]) -> None:
    folder.mkdir(exist_ok=True)

    async def main() -> None:
        async with programs(kind, folder) as made:
            await do(made)

    anyio.run(main)


async def to_its_end(terminal: Terminal, seconds: float = 20.0) -> tuple[str, int | None]:
    """What a program prints, and its exit status."""
    printed = b""
    with anyio.fail_after(seconds):
        while True:
            status = terminal.status()
            while data := terminal.read():
                printed += data
            if status is not None:
                return printed.decode(errors="replace").replace("\r\n", "\n"), status
            with anyio.move_on_after(0.1):
                await anyio.wait_readable(terminal)


def living(word: str) -> list[int]:
    """Processes with a word in their command line."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if word.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_a_program_is_run_to_its_end(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    folder = tmp_path / "a wörk space"

    async def do(made: BesidePrograms) -> None:
        (folder / "in").mkdir(exist_ok=True)
        done = await made.run(
            ["sh", "-c", 'cat; pwd; echo "$MORE"; env | grep -c sk-; echo oh >&2; touch made; exit 3'],
            input=b"hello\n",
            cwd=folder / "in",
            environment={"MORE": "of it"},
        )
        assert done.output.decode() == f"hello\n{folder}/in\nof it\n0\n"
        assert (done.status, done.error) == (3, b"oh\n") and (folder / "in/made").exists()
        assert (await made.run(["sh", "-c", "kill -9 $$"])).status == -9
        home = (await made.run(["sh", "-c", "echo kept > ~/file; echo ~"])).output.decode().strip()
        assert home != str(Path.home()), "a home of its own"
        assert (await made.run(["sh", "-c", "cat ~/file"])).output == b"kept\n", "that lasts"

    work(kind, folder, do)


def test_a_program_that_takes_too_long_or_is_not_wanted_any_more_is_ended(kind: str, tmp_path: Path) -> None:
    async def do(made: BesidePrograms) -> None:
        script = "trap '' TERM HUP INT; echo begun; setsid sleep 4321.1 & sleep 4321.2"
        began = time.monotonic()
        done = await made.run(["sh", "-c", script], seconds=1.0)
        assert (done.status, done.output) == (None, b"begun\n")
        with anyio.move_on_after(1.0):
            await made.run(["sh", "-c", script])
        assert time.monotonic() - began < 12
        if kind != "plain":  # what has left its group is not found there
            assert not living("4321.1")
        assert not living("4321.2")

    work(kind, tmp_path, do)
    if kind == "plain":
        for pid in living("4321.1"):
            os.kill(pid, signal.SIGKILL)


def test_what_forks_away_does_not_hold_up_a_run(kind: str, tmp_path: Path) -> None:
    async def do(made: BesidePrograms) -> None:
        began = time.monotonic()
        done = await made.run(["sh", "-c", "sleep 4322.1 & echo done"], seconds=30)
        assert (done.status, done.output) == (0, b"done\n") and time.monotonic() - began < 10
        assert not living("4322.1")

    work(kind, tmp_path, do)


def test_a_long_output_is_read_and_cut_in_the_middle(kind: str, tmp_path: Path) -> None:
    async def do(made: BesidePrograms) -> None:
        done = await made.run(["sh", "-c", "echo first; head -c 20000000 /dev/zero; echo; echo last; cat >&2"])
        assert done.status == 0 and len(done.output) <= OUTPUT_BYTES
        assert done.output.startswith(b"first\n") and done.output.endswith(b"last\n") and done.error == b""
        assert (await made.run(["true"], input=b"x" * 1_000_000)).status == 0, "what nobody reads is no harm"

    work(kind, tmp_path, do)


def test_what_cannot_be_started_is_said(kind: str, tmp_path: Path) -> None:
    async def do(made: BesidePrograms) -> None:
        with pytest.raises(ToolFault, match=r"no-such-program is not installed"):
            await made.run(["no-such-program", "x"])
        with pytest.raises(ToolFault, match="cannot be started"):
            await made.run(["true"], cwd=tmp_path / "nowhere")
        with pytest.raises(ToolFault, match="cannot be started"):
            await made.terminal("true", cwd=tmp_path / "nowhere")

    work(kind, tmp_path, do)


def test_a_command_has_a_terminal(kind: str, tmp_path: Path) -> None:
    async def do(made: BesidePrograms) -> None:
        terminal = await made.terminal(
            "stty size; test -t 0 && test -t 2 && tty; read x; echo got $x; exit 4", cwd=tmp_path
        )
        await eventually(lambda: terminal.write(b"it\n"))
        printed, status = await to_its_end(terminal)
        lines = printed.splitlines()
        assert (status, lines[-1]) == (4, "got it") and "48 160" in lines
        assert any(line.startswith("/dev/") for line in lines), "it can be named"
        assert not terminal.left_running()
        with pytest.raises(OSError, match="ended"):
            terminal.write(b"more")
        terminal.close()
        terminal.close()

    work(kind, tmp_path, do)


def test_control_keys_reach_the_program_in_front(kind: str, tmp_path: Path) -> None:
    async def do(made: BesidePrograms) -> None:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does it to what it starts with `&`
        try:
            terminal = await made.terminal(ENDLESS, cwd=tmp_path)
        finally:
            signal.signal(signal.SIGINT, before)
        printed = bytearray()
        await eventually(lambda: printed.extend(terminal.read()) or b"on" in printed)
        terminal.write(b"\x03")
        rest, status = await to_its_end(terminal)
        assert status == 9 and rest.endswith("stopped\n")
        terminal.close()

    work(kind, tmp_path, do)


def test_a_prompt_for_a_password_is_noticed(kind: str, tmp_path: Path) -> None:
    async def do(made: BesidePrograms) -> None:
        terminal = await made.terminal("read -rs x; echo; echo ${#x}", cwd=tmp_path)
        await eventually(lambda: terminal.asks() == "password")
        terminal.write(b"hunter2\n")
        printed, status = await to_its_end(terminal)
        assert (status, printed) == (0, "\n7\n")
        assert terminal.asks() == ""
        terminal.close()
        if kind != "plain":
            for command, kind_of in (("cat", "input"), ("sleep 4324", ""), ("stty raw -echo; cat", "keys")):
                terminal = await made.terminal(command, cwd=tmp_path)
                if kind_of:
                    await eventually(lambda at=terminal, wanted=kind_of: at.asks() == wanted)
                else:
                    await anyio.sleep(0.3)
                    assert terminal.asks() == ""
                terminal.close()

    work(kind, tmp_path, do)


def test_what_is_left_in_the_background_goes_on_and_is_ended(kind: str, tmp_path: Path) -> None:
    async def do(made: BesidePrograms) -> None:
        script = "(trap '' HUP TERM; >ready; exec sleep 4325) & until [ -e ready ]; do :; done; echo left"
        terminal = await made.terminal(script, cwd=tmp_path)
        printed, status = await to_its_end(terminal)
        assert (status, printed) == (0, "left\n") and terminal.left_running()
        await eventually(lambda: living("4325"))
        began = time.monotonic()
        terminal.close()
        assert time.monotonic() - began < 5 and not terminal.left_running()
        await eventually(lambda: not living("4325"))

    work(kind, tmp_path, do)


def test_at_the_end_nothing_is_left(kind: str, tmp_path: Path) -> None:
    async def do(made: BesidePrograms) -> None:
        await made.terminal("nohup sleep 4326 & sleep 4327", cwd=tmp_path)
        await eventually(lambda: living("4326") and living("4327"))

    work(kind, tmp_path, do)
    assert not living("4326") and not living("4327")


def test_after_the_end_nothing_is_started(tmp_path: Path) -> None:
    async def main() -> None:
        made = SandboxedPrograms(tmp_path, network=False, say=lambda _: None)
        await made.aclose()
        await made.aclose()
        with pytest.raises(ToolFault, match="over"):
            await made.run(["true"])

    anyio.run(main)


def test_without_terminals_commands_meet_a_pipe(tmp_path: Path) -> None:
    async def main() -> None:
        made = PlainPrograms(tmp_path, pipes=True)
        try:
            terminal = await made.terminal("test -t 0 || echo none; read x; echo got $x; exit 4", cwd=tmp_path)
            terminal.write(b"it\n")
            assert await to_its_end(terminal) == ("none\ngot it\n", 4)
            terminal.close()
            assert "none on this system" in made.confined and made.network
        finally:
            await made.aclose()

    anyio.run(main)


@pytest.mark.skipif(not SANDBOX, reason="there can be no sandbox here: see `deskhand doctor`")
def test_a_killed_leader_is_an_end(tmp_path: Path) -> None:
    async def main() -> None:
        made = SandboxedPrograms(tmp_path, network=False, say=lambda _: None)
        try:
            terminal = await made.terminal("kill -9 $PPID; sleep 4328", cwd=tmp_path)  # at once
            _, status = await to_its_end(terminal)
            assert status == -9
            terminal.close()
        finally:
            await made.aclose()
        assert not living("4328")

    anyio.run(main)
