"""The private desktop made anew, and its parts killed one by one."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from actuators.actions import Click, Type
from actuators.errors import DisplayLost
from perception.errors import ScreenLost
from tests.support.waiting import eventually
from tests.vm.test_desktop import on_desktop, pid_of, proc
from vm import desktop_start, warden
from vm.desktop import PrivateDesktop
from vm.desktop_place import inherited
from vm.windows import Windows


def litter(home: Path) -> list[Path]:
    return list(home.rglob("litter"))


@pytest.mark.parametrize(
    ("set_to", "told"), [("/a/cv2/../../lib64:", None), ("/opt/lib:/a/cv2/../../lib64:", "/opt/lib")]
)
def test_programs_look_for_libraries_where_the_user_says_only(
    monkeypatch: pytest.MonkeyPatch, set_to: str, told: str | None
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", set_to)
    assert inherited(["LD_LIBRARY_PATH"]).get("LD_LIBRARY_PATH") == told


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def kill(desktop: PrivateDesktop, program: str) -> None:
    """And wait until it is gone: a moment earlier its display is only seen to be gone, or it seems to be there."""
    pid = pid_of(desktop, program)
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: not proc(pid, "stat"))


def managed(desktop: PrivateDesktop) -> bool:
    windows = Windows(desktop.display)
    try:
        return windows.managed()
    finally:
        windows.close()


def test_a_reset_desktop_is_as_new_and_the_workspace_stays(tmp_path: Path) -> None:
    async def body(desktop: PrivateDesktop) -> None:
        fresh = await desktop.screenshot()
        home, guard = Path(desktop.environment["HOME"]), desktop.guard
        await desktop.open("xterm")
        (home / "litter").write_text("x")
        (home / ".config/litter").write_text("x")
        (Path(desktop.environment["XDG_RUNTIME_DIR"]) / "litter").write_text("x")
        (tmp_path / "kept.txt").write_text("kept")
        (tmp_path / ".~lock.a.ods#").write_text(f",me,here,today,file://{home}/.config/libreoffice/4;")
        assert (await desktop.screenshot()).sha256 != fresh.sha256
        ended = warden.marked(home.parent.name)
        await desktop.reset()
        again = await desktop.screenshot()
        assert again.sha256 == fresh.sha256 and again.space == fresh.space
        assert not ended & warden.marked(home.parent.name), "every program is another one"
        assert litter(home) == [] and (tmp_path / "kept.txt").read_text() == "kept"
        assert not (tmp_path / ".~lock.a.ods#").exists()
        assert desktop.guard is not guard
        await desktop.open("xterm")
        used = await desktop.screenshot()
        assert used.sha256 != fresh.sha256
        await desktop.perform(Type("echo x > ~/Documents/typed\n"), used.space)
        await eventually((tmp_path / "typed").exists)

    on_desktop(tmp_path, body)


def test_resets_leave_no_descriptor_and_no_socket(tmp_path: Path) -> None:
    async def body(desktop: PrivateDesktop) -> None:
        await desktop.reset()
        before, displays = descriptors(), set[str]()
        for _ in range(3):
            displays.add(desktop.display)
            await desktop.reset()
        assert descriptors() <= before
        run = Path(desktop.environment["HOME"]).parent
        servers = [pid for pid in warden.marked(run.name) if proc(pid, "cmdline").startswith("Xvfb")]
        assert len(servers) == 1

    on_desktop(tmp_path, body)


def test_a_reset_heals_a_desktop_whose_server_was_killed(tmp_path: Path) -> None:
    async def body(desktop: PrivateDesktop) -> None:
        os.kill(pid_of(desktop, "Xvfb"), signal.SIGKILL)
        with pytest.raises((ScreenLost, DisplayLost)):
            await desktop.open("xterm")
        await desktop.reset()
        assert (await desktop.screenshot()).settled

    on_desktop(tmp_path, body)


def test_a_window_manager_that_is_killed_is_replaced_before_the_next_look(tmp_path: Path) -> None:
    async def body(desktop: PrivateDesktop) -> None:
        await desktop.open("xterm")
        await kill(desktop, "openbox")
        began = time.monotonic()
        shot = await desktop.screenshot()
        assert time.monotonic() - began < 10 and managed(desktop)
        await desktop.perform(Type("echo x > ~/Documents/typed\n"), shot.space)
        await eventually((tmp_path / "typed").exists)
        await kill(desktop, "openbox")
        await desktop.perform(Click(5, 5), shot.space)
        assert managed(desktop), "before an action as well"

    on_desktop(tmp_path, body)


def test_a_window_manager_that_keeps_ending_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop_start, "RESTARTS", 1)

    async def body(desktop: PrivateDesktop) -> None:
        await kill(desktop, "openbox")
        await desktop.screenshot()
        await kill(desktop, "openbox")
        with pytest.raises(ScreenLost, match=r"window manager \(openbox\) ended again and again, killed by signal 9"):
            await desktop.screenshot()

    on_desktop(tmp_path, body)


@pytest.mark.parametrize(
    ("program", "words"), [("Xvfb", r"X server \(Xvfb\)"), ("dbus-daemon", r"session bus \(dbus-daemon\)")]
)
def test_a_part_that_cannot_be_replaced_is_named(tmp_path: Path, program: str, words: str) -> None:
    async def body(desktop: PrivateDesktop) -> None:
        space = (await desktop.screenshot()).space
        await kill(desktop, program)
        began = time.monotonic()
        for call in (desktop.screenshot, lambda: desktop.perform(Click(5, 5), space), lambda: desktop.open("xterm")):
            with pytest.raises(ScreenLost, match=f"the private desktop's {words} ended, killed by signal 9"):
                await call()
        assert time.monotonic() - began < 3

    on_desktop(tmp_path, body)


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_a_sandbox_that_is_killed_is_told(tmp_path: Path) -> None:
    async def body(desktop: PrivateDesktop) -> None:
        if desktop.doubt:
            pytest.skip(desktop.doubt)
        os.kill(pid_of(desktop, "bwrap"), signal.SIGKILL)
        call: Callable[[], Awaitable[object]]
        for call in (desktop.screenshot, lambda: desktop.open("xterm")):
            with pytest.raises((ScreenLost, DisplayLost)):
                await call()
        await desktop.reset()
        assert (await desktop.screenshot()).settled

    on_desktop(tmp_path, body)


def test_several_start_at_once(tmp_path: Path) -> None:
    from tests.vm.test_desktop import desktop_at

    async def one(number: int, seen: list[str]) -> None:
        async with desktop_at(tmp_path / str(number)) as desktop:
            seen.append(desktop.display)
            await desktop.screenshot()
            await eventually(lambda: len(seen) == 4, 60)

    async def main() -> None:
        seen: list[str] = []
        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(one, number, seen)
        assert len(set(seen)) == 4

    anyio.run(main)
