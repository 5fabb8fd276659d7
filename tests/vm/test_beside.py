"""The sandbox of tools' programs: what they see, what they reach, and that nothing of them outlives the session."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio
import pytest

from agent.errors import ToolFault
from tests.contract.test_programs import living, to_its_end
from tests.support.waiting import eventually
from tests.vm.test_sandbox import can_be
from vm import warden
from vm.beside import open_programs
from vm.beside_sandbox import SandboxedPrograms

walled = pytest.mark.skipif(not can_be(), reason="there can be no sandbox here: see `deskhand doctor`")
PARENT = """
import sys, anyio
from pathlib import Path
from vm.beside import open_programs

async def main():
    programs = await open_programs(Path(sys.argv[1]), network=False, say=print)
    first = await programs.terminal("trap '' TERM HUP; setsid nohup sleep 4501 & sleep 4502", cwd=Path(sys.argv[1]))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(programs.run, ["sh", "-c", "setsid sleep 4503 & sleep 4504"])
        print("ready", flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""


def work(folder: Path, do: Callable[[SandboxedPrograms], Awaitable[None]], *, network: bool = False) -> list[str]:
    """Do something with programs; what the user was told."""
    said: list[str] = []
    folder.mkdir(exist_ok=True)

    async def main() -> None:
        made = SandboxedPrograms(folder, network=network, say=said.append)
        try:
            await do(made)
        finally:
            await made.aclose()

    anyio.run(main)
    return said


async def said(made: SandboxedPrograms, script: str, folder: Path) -> str:
    """What a command prints."""
    terminal = await made.terminal(script, cwd=folder)
    try:
        return (await to_its_end(terminal))[0]
    finally:
        await anyio.to_thread.run_sync(terminal.close)


@contextmanager
def served() -> Generator[int]:
    """A server on this machine that greets; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with suppress(OSError):
                while True:
                    with server.accept()[0] as client:
                        client.sendall(b"greetings\n")

        threading.Thread(target=greet, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@walled
def test_programs_see_the_task_and_the_system_and_nothing_else_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody-else-may-read-this")
    monkeypatch.setenv("https_proxy", "http://user:nobody-else-may-read-this@example.org")
    folder, hidden = tmp_path / "a wörk space", tmp_path / "hidden"
    hidden.write_text("nobody-else-may-read-this")

    async def do(made: SandboxedPrograms) -> None:
        (folder / "mine.txt").write_text("visible")
        script = (
            f"env; cat ~/Documents/mine.txt; cat {hidden}; ls {Path.home()} /home /root; cat /etc/shadow; "
            "ls /run/user; touch /usr/here; echo out > made; pwd; cat /proc/*/environ | tr '\\0' '\\n'"
        )
        for told in (
            await said(made, script, folder),
            "".join(part.decode() for part in _parts(await made.run(["sh", "-c", script]))),
        ):
            assert "visible" in told and str(folder) in told and "nobody-else" not in told
            assert f"{hidden}: No such file" in told and "Read-only file system" in told
            assert "root:*" not in told and "root:$" not in told
            if Path.home() != Path("/") and not tmp_path.is_relative_to(Path.home()):
                assert f"cannot access '{Path.home()}'" in told
        assert (folder / "made").read_text() == "out\n"

    assert work(folder, do) == [], "where there is a sandbox there is nothing to be said"
    assert not list(folder.glob("Documents")) and {path.name for path in folder.iterdir()} == {"mine.txt", "made"}


def _parts(done: object) -> tuple[bytes, bytes]:
    return getattr(done, "output"), getattr(done, "error")  # noqa: B009


@walled
def test_what_else_one_program_sees_is_said_for_each(tmp_path: Path) -> None:
    folder, read, written = tmp_path / "work", tmp_path / "read", tmp_path / "written"
    for place in (read, written):
        place.mkdir()
    (read / "in").write_text("of it")

    async def do(made: SandboxedPrograms) -> None:
        script = f"cat {read}/in; echo x > {written}/out; echo x > {read}/no; echo x > {folder}/mine"
        done = await made.run(["sh", "-c", script], readable=[read], writable=[written], workspace=False)
        assert done.output == b"of it" and (written / "out").read_text() == "x\n"
        assert not (read / "no").exists() and not (folder / "mine").exists()
        assert b"No such file" in (await made.run(["cat", str(read / "in")])).error
        with pytest.raises(ToolFault, match="does not exist"):
            await made.run(["true"], readable=[tmp_path / "nowhere"])

    work(folder, do)


@walled
@pytest.mark.parametrize("network", [False, True])
def test_the_network_is_there_if_it_is_allowed_and_for_commands_only(tmp_path: Path, network: bool) -> None:
    with served() as port:

        async def do(made: SandboxedPrograms) -> None:
            script = f"exec 3<>/dev/tcp/127.0.0.1/{port} && head -1 <&3"
            assert ("greetings" in await said(made, script, tmp_path)) == network
            done = await made.run(["bash", "-c", script])
            assert b"refused" in done.error and done.output == b"", "others never reach it"

        work(tmp_path, do, network=network)


@walled
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_one_who_started_it(tmp_path: Path, number: int) -> None:
    before = _runs()
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    try:
        assert parent.stdout.readline() == "ready\n"
        _wait(lambda: all(living(f"450{each}") for each in (1, 2, 3, 4)))
    finally:
        parent.send_signal(number)
        parent.wait(20)
        parent.stdout.close()
    _wait(lambda: not any(living(f"450{each}") for each in (1, 2, 3, 4)))
    _wait(lambda: _runs() <= before)


def _runs() -> set[str]:
    """Folders of runs that are there, without those of other tests that have ended since."""
    return {path.name for path in warden.base_dir().iterdir() if path.is_dir() and not path.name.startswith(".")}


def _wait(true: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@walled
def test_nothing_is_started_before_it_is_wanted(tmp_path: Path) -> None:
    async def main() -> None:
        before = warden.descendants()
        made = await open_programs(tmp_path, network=False, say=print)
        assert warden.descendants() == before and made.confined == ""
        await made.run(["true"])
        assert warden.descendants() > before
        await made.aclose()
        assert warden.descendants() == before

    anyio.run(main)


@walled
def test_a_warden_that_is_killed_is_told_of_once_and_another_one_is_started(tmp_path: Path) -> None:
    async def do(made: SandboxedPrograms) -> None:
        terminal = await made.terminal("sleep 4505", cwd=tmp_path)
        for pid in _wardens():
            os.kill(pid, signal.SIGKILL)
        await eventually(lambda: terminal.status() is not None)
        with pytest.raises(ToolFault, match="The next call starts it again"):
            await made.terminal("true", cwd=tmp_path)
        assert await said(made, "echo again", tmp_path) == "again\n"
        assert (await made.run(["echo", "too"])).output == b"too\n"

    work(tmp_path, do)
    assert not living("4505")


def _wardens() -> list[int]:
    """Those that this process has started, outside of sandboxes."""
    found: list[int] = []
    for pid in warden.descendants():
        with suppress(OSError):
            status = Path(f"/proc/{pid}/stat").read_text()
            if int(status.rsplit(")", 1)[1].split()[1]) == os.getpid():
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                found += [pid] if any(word.endswith(b"/vm/warden.py") for word in words) else []
    return found


def test_where_there_can_be_no_sandbox_the_first_command_is_held_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bwrap_that_fails(tmp_path / "bin", monkeypatch)

    async def do(made: SandboxedPrograms) -> None:
        assert made.confined == "", "nothing is known before it is tried"
        with pytest.raises(ToolFault, match=r"no sandbox here \(setting up uid map: Permission denied\).*ask for it"):
            await made.terminal("touch made", cwd=tmp_path)
        assert made.confined == "setting up uid map: Permission denied" and not (tmp_path / "made").exists()
        assert await said(made, "echo works", tmp_path) == "works\n"
        assert (await made.run(["echo", "too"])).output == b"too\n"

    (told,) = work(tmp_path, do)
    assert "see all your files" in told and "Permission denied" in told


@walled
def test_a_folder_that_is_gone_is_said_and_an_end_that_is_cut_short_is_an_end(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()

    async def main() -> None:
        made = SandboxedPrograms(folder, network=False, say=print)
        await made.terminal("sleep 4506", cwd=folder)
        folder.rmdir()
        for call in (made.run(["true"]), made.terminal("true", cwd=folder)):
            with pytest.raises(ToolFault, match=r"the task's folder .*work is gone"):
                await call
        with anyio.CancelScope() as scope:
            scope.cancel()
            await made.aclose()

    before = warden.descendants()
    anyio.run(main)
    assert not living("4506") and warden.descendants() == before


def test_where_bubblewrap_is_missing_that_is_known_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vm.beside_sandbox.why_not", lambda: "bubblewrap is not installed")

    async def do(made: SandboxedPrograms) -> None:
        assert made.confined == "bubblewrap is not installed"
        assert await said(made, "echo works", tmp_path) == "works\n"

    assert len(work(tmp_path, do)) == 1


def _bwrap_that_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "bwrap").write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    (folder / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_folder_for_temporary_files_that_cannot_be_used_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = tmp_path / "no"
    monkeypatch.setattr(tempfile, "tempdir", str(nowhere))
    monkeypatch.setattr(warden, "base_dir", lambda: (_ for _ in ()).throw(OSError("No space left on device")))

    async def do(made: SandboxedPrograms) -> None:
        with pytest.raises(ToolFault, match=r"No space left on device\. Nothing was run"):
            await made.terminal("true", cwd=tmp_path)

    work(tmp_path, do)
