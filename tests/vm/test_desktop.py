"""The private desktop: its own, closed to others, ready soon, and honest about what goes wrong."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import openpyxl
import pytest

from actuators.actions import Click, Keypress, Type
from actuators.errors import DisplayLost
from agent.errors import UserFault
from perception.errors import ScreenLost
from tests.support.waiting import eventually
from vm import warden
from vm.desktop import PrivateDesktop, open_desktop

office = pytest.mark.skipif(shutil.which("localc") is None, reason="LibreOffice is not installed")


@asynccontextmanager
async def desktop_at(workspace: Path) -> AsyncGenerator[PrivateDesktop, None]:
    desktop = await open_desktop((1280, 800), workspace=workspace)
    try:
        yield desktop
    finally:
        await desktop.aclose()


def on_desktop(workspace: Path, body: Callable[[PrivateDesktop], Awaitable[None]]) -> None:
    async def main() -> None:
        async with desktop_at(workspace) as desktop:
            await body(desktop)

    anyio.run(main)


def proc(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""


def pid_of(desktop: PrivateDesktop, program: str) -> int:
    run = Path(desktop.environment["HOME"]).parent.name
    for pid in warden.marked(run):
        words = proc(pid, "cmdline").split("\0")
        if words[0].endswith(program) and (
            program != "dbus-daemon" or "--session" in words
        ):  # accessibility has another
            return pid
    raise AssertionError(f"{program} does not run")


def test_programs_see_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "DESKHAND_HOME", "SECRET_THING", "SSH_AUTH_SOCK", "WAYLAND_DISPLAY"):
        monkeypatch.setenv(name, "sk-do-not-tell")

    async def body(desktop: PrivateDesktop) -> None:
        await desktop.open("sh -c 'env > env.txt; echo kept > ~/Documents/made.txt; echo $HOME; pwd > cwd.txt'")
        seen = (tmp_path / "env.txt").read_text()
        assert "sk-do-not-tell" not in seen
        values = dict(line.split("=", 1) for line in seen.splitlines())
        assert values["DISPLAY"] == desktop.display
        assert values["HOME"] != os.environ["HOME"]
        assert values["XDG_CONFIG_HOME"].startswith(values["HOME"])
        assert (tmp_path / "cwd.txt").read_text() == f"{tmp_path}\n"
        for pid in warden.marked(Path(desktop.environment["HOME"]).parent.name):
            assert "sk-do-not-tell" not in proc(pid, "environ")

    on_desktop(tmp_path, body)
    assert (tmp_path / "made.txt").read_text() == "kept\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_other_users_cannot_connect(tmp_path: Path) -> None:
    script = (
        "import os; from Xlib.display import Display; Display()\n"
        "print('mine')\n"
        "os.setgid(65534); os.setuid(65534); Display()"
    )

    async def body(desktop: PrivateDesktop) -> None:
        environment = {"PATH": os.environ["PATH"], "DISPLAY": desktop.display}
        tried = await anyio.run_process([sys.executable, "-c", script], env=environment, check=False)
        assert tried.stdout == b"mine\n"
        assert b"DisplayConnectionError" in tried.stderr
        assert mode_of(Path(desktop.environment["XAUTHORITY"])) & 0o077 == 0

    on_desktop(tmp_path, body)


def mode_of(path: Path) -> int:
    return path.stat().st_mode


@office
def test_a_spreadsheet_is_opened_edited_and_saved_without_a_single_question(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"] = 1
    book.save(tmp_path / "book.xlsx")

    async def body(desktop: PrivateDesktop) -> None:
        await desktop.open("book.xlsx")
        shot = await desktop.screenshot()
        assert shot.settled
        for action in (Type("42\n"), Type("=A1*2\n"), Keypress(("CTRL", "S"))):
            await desktop.perform(action, shot.space)
        await eventually(lambda: _formula(tmp_path / "book.xlsx") == "=A1*2")

    on_desktop(tmp_path, body)
    assert [path.name for path in tmp_path.iterdir()] == ["book.xlsx"], "no lock file stays"


def _formula(path: Path) -> object:
    try:
        sheet = openpyxl.load_workbook(path).active
    except Exception:  # half written
        return None
    return None if sheet is None else sheet["A2"].value


@office
def test_a_presentation_starts_without_a_question(tmp_path: Path) -> None:
    from vm.windows import Windows

    async def body(desktop: PrivateDesktop) -> None:
        await desktop.open("loimpress")
        windows = Windows(desktop.display)
        try:
            assert len(windows.shown()) == 1
        finally:
            windows.close()

    on_desktop(tmp_path, body)


def test_targets_that_cannot_be_opened_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "blob.xyz").write_bytes(b"\0\1\2")
    expected = {
        "no-such-file.xlsx": "no file 'no-such-file.xlsx'",
        "no-such-program --now": "no program 'no-such-program'",
        "sh -c 'echo first >&2; echo what went wrong >&2; exit 3'": "exit status 3: what went wrong",
        "sh -c 'kill -9 $$'": "killed by signal 9",
        "blob.xyz": "do not know what opens blob.xyz",
        "xterm 'unclosed": "cannot read the command",
        " ": "nothing to open",
        "x" * 10_000: "no program",
        "a\0b": "no program",
    }

    async def body(desktop: PrivateDesktop) -> None:
        for target, words in expected.items():
            with pytest.raises(UserFault) as caught:
                await desktop.open(target)
            assert words in str(caught.value)
            assert "\n" not in str(caught.value)
        desktop.environment["PATH"] = str(tmp_path)
        (tmp_path / "a.ods").touch()
        with pytest.raises(UserFault, match=r"LibreOffice is not installed.*apt-get install libreoffice-calc"):
            await desktop.open("a.ods")

    on_desktop(tmp_path, body)


def test_a_server_that_is_killed_is_noticed_at_once(tmp_path: Path) -> None:
    async def body(desktop: PrivateDesktop) -> None:
        space = (await desktop.screenshot()).space
        os.kill(pid_of(desktop, "Xvfb"), signal.SIGKILL)
        began = time.monotonic()
        with pytest.raises((ScreenLost, DisplayLost)):
            await desktop.perform(Click(10, 10), space)
        with pytest.raises(ScreenLost):
            await desktop.screenshot()
        with pytest.raises((ScreenLost, DisplayLost)):
            await desktop.open("xterm")
        assert time.monotonic() - began < 3

    on_desktop(tmp_path, body)


def test_a_server_that_is_killed_while_we_wait_for_a_window_is_noticed(tmp_path: Path) -> None:
    async def body(desktop: PrivateDesktop) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_kill_soon, pid_of(desktop, "Xvfb"))
            with pytest.raises((ScreenLost, DisplayLost)):
                await desktop.open("sleep 60")

    on_desktop(tmp_path, body)


async def _kill_soon(pid: int) -> None:
    await anyio.sleep(0.3)
    os.kill(pid, signal.SIGKILL)


def test_a_warden_that_is_killed_takes_the_screen_with_it_and_is_swept_up_after(tmp_path: Path) -> None:
    runs: list[str] = []

    async def body(desktop: PrivateDesktop) -> None:
        runs.append(Path(desktop.environment["HOME"]).parent.name)
        status = proc(pid_of(desktop, "Xvfb"), "stat")
        os.kill(int(status.rsplit(")", 1)[1].split()[1]), signal.SIGKILL)
        with pytest.raises((ScreenLost, DisplayLost)):
            await desktop.open("xterm")

    on_desktop(tmp_path, body)
    assert warden.marked(runs[0]) == set()


@pytest.mark.parametrize("program", ["Xvfb", "openbox", "dbus-daemon"])
def test_what_is_not_installed_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    for name in {"Xvfb", "openbox", "dbus-daemon"} - {program}:
        (tmp_path / name).symlink_to(shutil.which(name) or "/")
    monkeypatch.setenv("PATH", str(tmp_path))
    package = {"Xvfb": "xvfb", "openbox": "openbox", "dbus-daemon": "dbus"}[program]
    with pytest.raises(UserFault, match=f"needs {program}: `sudo apt-get install {package}`"):
        anyio.run(lambda: open_desktop(workspace=tmp_path / "work"))


def test_a_part_that_does_not_start_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "openbox"
    broken.write_text("#!/bin/sh\necho 'libfoo.so: cannot open' >&2\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    before = warden.descendants()
    with pytest.raises(UserFault, match=r"openbox ended, exit status 127: libfoo.so: cannot open"):
        anyio.run(lambda: open_desktop(workspace=tmp_path / "work"))
    assert warden.descendants() == before


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.3])
def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path, seconds: float) -> None:
    before = warden.descendants()

    async def main() -> None:
        with anyio.move_on_after(seconds) as scope:
            desktop = await open_desktop(workspace=tmp_path)
            await desktop.aclose()
            return
        assert scope.cancelled_caught

    anyio.run(main)
    assert warden.descendants() == before


def test_two_desktops_do_not_meet(tmp_path: Path) -> None:
    async def main() -> None:
        async with desktop_at(tmp_path / "one") as one, desktop_at(tmp_path / "two") as two:
            assert one.display != two.display
            await one.open("xterm")
            assert (await one.screenshot()).sha256 != (await two.screenshot()).sha256

    anyio.run(main)
