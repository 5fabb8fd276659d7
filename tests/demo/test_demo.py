"""The demo from end to end: real LibreOffice on a private desktop, at three sizes, undisturbed and disturbed."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from Xlib import X
from Xlib.protocol import event

from actuators.xlibfix import open_display
from agent.events import SessionEnded, SessionStarted
from agent.inbox import FileInbox
from agent.loop import Loop
from agent.models.playbook import PlaybookModel
from agent.ports import Computer
from agent.state import State
from agent.testing import MemoryJournal
from agent.wording import workspace_note
from ui.demo import MODEL, OPEN, TASK, run_demo
from ui.demo_check import check_files
from vm.desktop import PrivateDesktop, open_desktop

LIMIT = 240.0  # seconds for both files; 45 on an idle machine

pytestmark = pytest.mark.timeout(300)


@pytest.mark.slow
def test_the_demo_makes_checks_and_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path / "home"))
    began = time.monotonic()
    assert run_demo(size=(1280, 800), output=tmp_path / "made") == 0
    assert time.monotonic() - began < LIMIT
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Made in {tmp_path / 'made'}:"
    assert any("checks passed" in line for line in lines)
    replay = next(line.removeprefix("Replay: ") for line in lines if line.startswith("Replay: "))
    assert Path(replay).stat().st_size > 100_000


@pytest.mark.slow
def test_the_window_may_stand_elsewhere(tmp_path: Path) -> None:
    end, seconds = play((1440, 900), tmp_path, lambda desktop: move_window(desktop, 170, 80, 1180, 780))
    assert end.outcome == "done", end.reason
    assert seconds < LIMIT
    assert [check for check in check_files(tmp_path, render=False) if not check.ok] == []


@pytest.mark.slow
def test_dialogs_may_come_late(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        end, _ = play((1920, 1080), tmp_path, lambda desktop: stack.enter_context(freezing(tmp_path)))
    assert end.outcome == "done", end.reason
    assert [check for check in check_files(tmp_path, render=False) if not check.ok] == []


def play(size: tuple[int, int], folder: Path, disturb: Callable[[PrivateDesktop], Any]) -> tuple[SessionEnded, float]:
    """Play both playbooks through the loop; how it ended and how long it took."""
    journal, state, inbox = MemoryJournal(), State(), folder / ".inbox"
    inbox.mkdir()
    instructions = workspace_note(str(folder))
    started = SessionStarted("s", TASK, MODEL, "desktop", instructions, workspace=str(folder), size=size)
    state.advance(journal.append(started))

    async def opened() -> Computer:
        desktop = await open_desktop(size, workspace=folder)
        await desktop.open(OPEN)
        await anyio.to_thread.run_sync(disturb, desktop)
        return desktop

    async def run() -> SessionEnded:
        model = PlaybookModel(MODEL)
        return await Loop(model=model, open_computer=opened, journal=journal, inbox=FileInbox(inbox), state=state).run()

    began = time.monotonic()
    return anyio.run(run), time.monotonic() - began


def move_window(desktop: PrivateDesktop, left: int, top: int, width: int, height: int) -> None:
    """Make the active window smaller and put it somewhere else."""
    display: Any = open_display(desktop.display)
    root = display.screen().root
    active = root.get_full_property(display.intern_atom("_NET_ACTIVE_WINDOW"), X.AnyPropertyType).value[0]
    window = display.create_resource_object("window", active)

    def ask(name: str, *numbers: int) -> None:
        data = (32, [*numbers, *[0] * (5 - len(numbers))])
        message = event.ClientMessage(window=window, client_type=display.intern_atom(name), data=data)
        root.send_event(message, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        display.sync()

    atoms = [display.intern_atom(f"_NET_WM_STATE_MAXIMIZED_{way}") for way in ("VERT", "HORZ")]
    ask("_NET_WM_STATE", 0, *atoms)
    ask("_NET_MOVERESIZE_WINDOW", 0xF00, left, top, width, height)
    deadline = time.monotonic() + 5
    while window.get_geometry().width > width:
        assert time.monotonic() < deadline, "the window did not become smaller"
        time.sleep(0.05)
    display.close()


@contextmanager
def freezing(folder: Path) -> Generator[None]:
    """Stop LibreOffice for six seconds, again and again, while it works."""
    over = threading.Event()
    process = office_of(folder)

    def freeze() -> None:
        for calm in (2.0, 3.0, 4.0):
            if over.wait(calm):
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
                over.wait(6.0)
                os.kill(process, signal.SIGCONT)

    thread = threading.Thread(target=freeze)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def office_of(folder: Path) -> int:
    """The process id of the LibreOffice that works in `folder`."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if "soffice.bin" in (process / "cmdline").read_text() and (process / "cwd").resolve() == folder:
                return int(process.name)
    raise AssertionError("there is no LibreOffice at work")
